"""How sure a cross-match is of a row: of the tables that `skyquarry.crossmatch` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.features.protocol import AsItIs, Family, Measure, Template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.features.observed import Observed

    Floats = NDArray[np.floating]

_OURS: Final = frozenset({"group_id", "left_id", "home_group"})
"""A table without any of these is no table of a match: its `posterior` may be anything"""
_WHERE = "docs/reference/match-tables.md"
_TOLD: Final = {
    name: Template(f"match_{name}", unit, text, _WHERE, f"the column {name} of a cross-match")
    for name, unit, text in (
        ("posterior", "", "probability that the rows are one object"),
        ("runner_up", "", "probability of the best other group"),
        ("p_any", "", "probability of any counterpart"),
        ("p_i", "", "probability of this counterpart, given that there is one"),
        ("sep_arcsec", "arcsec", "separation"),
        ("norm_sep", "", "separation over its error"),
        ("p_value", "", "probability of a larger chi squared of positions"),
    )
}
PER_FREEDOM: Final = Template(
    "match_chi2_dof", "", "chi squared of the positions about their mean, per degree of freedom",
    _WHERE, "the columns chi2 and dof of a cross-match",
)  # fmt: skip


def _found(sky: Observed) -> list[Measure]:
    here = set(sky.columns.names)
    if not here & _OURS:
        return []
    found = [
        template.measure((name,), AsItIs(sky, name))
        for name, template in _TOLD.items()
        if name in here
    ]
    if {"chi2", "dof"} <= here:
        found.append(PER_FREEDOM.measure(("chi2", "dof"), lambda: _per_freedom(sky)))
    return found


def _per_freedom(sky: Observed) -> Floats:
    freedom = sky.columns.floats("dof")
    chi2 = sky.columns.floats("chi2")
    return np.where(freedom > 0, chi2 / np.where(freedom > 0, freedom, 1.0), np.nan)


MATCH_QUALITY: Final = Family(
    "matchquality", "How sure the cross-match is; a row of one survey alone has none of it",
    (*_TOLD.values(), PER_FREEDOM), _found,
)  # fmt: skip
