"""`explain_match`: why one row was matched, or not: everything that the answer for it came from.

Its island is found where it lies and worked out again, which takes milliseconds: the answer of an
island depends on its own rows, and on what the run has learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import NotFoundError, UserError
from skyquarry.match.explain.island import Island, flag_names
from skyquarry.match.explain.local import first_search, second_search
from skyquarry.match.explain.locating import as_catalogued, located
from skyquarry.match.explain.near import beyond
from skyquarry.match.explain.place import (
    calibration_of,
    densities_here,
    footprint_here,
    number_or_none,
)
from skyquarry.match.explain.whole import cells_of
from skyquarry.match.explain.words import Telling
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.runs.identify import identify, solve, work_of_pairs
from skyquarry.match.runs.secondsearch import SecondSearch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.explain.whole import Neighbourhood
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.identify import Work
    from skyquarry.match.runs.rules import Rules
    from skyquarry.sky.ranges import Ranges

    Mask = NDArray[np.bool_]


def explain_match(made: Identification, catalog: str, row_id: Any, which: int = 0) -> Telling:
    """What there is to tell of the row of `catalog` with this id.

    Where several rows have it, `which` of them, counted along the sky from 0.
    Raises UserError for an unknown catalogue, NotFoundError for an id that it does not have.
    """
    names = made.rules.names
    if catalog not in names:
        raise UserError(
            f"catalogue is {catalog!r}, but the result is of {', '.join(names)}: name one of these"
        )
    number = names.index(catalog)
    row_id = as_catalogued(row_id, made.plan.shape.id_types[number])
    found = located(made, number, row_id)
    if not len(found):
        raise NotFoundError(
            f"no row of {catalog} that was matched has the id {row_id!r}: check the id, and that "
            "the row has a position (the report says how many rows were set aside)"
        )
    if not 0 <= which < len(found):
        raise UserError(
            f"which is {which}, but {len(found)} rows of {catalog} have the id {row_id!r}: they "
            "are counted from 0"
        )
    nth = int((found[:which] == found[which]).sum())
    row = _Row(number, row_id, nth, int(found[which]))
    return Telling(_told(made, row) | {"same_id": len(found)})


@dataclass(frozen=True, slots=True)
class _Row:
    """The row that is asked for."""

    number: int
    """of its catalogue"""
    id: Any
    nth: int
    """of the rows of this id in this pixel"""
    pixel: int

    @property
    def core(self) -> Ranges:
        """Where it is."""
        return cells_of(np.array([self.pixel]), 0.0)

    def is_here(self, catalog: int, rows: Rows) -> Mask:
        """(n,) True for this row alone."""
        mask = np.zeros(len(rows), bool)
        if catalog == self.number:
            there = np.flatnonzero(rows.spatial == self.pixel).tolist()
            same = [k for k in there if rows.ids[k].as_py() == self.id]
            mask[same[self.nth : self.nth + 1]] = True
        return mask

    def node(self, near: Neighbourhood) -> int | None:
        """The row among those of the islands; None where it is not in them."""
        mine = [s[c] for s, c in zip(near.seeds, near.chosen, strict=True)]
        there = np.flatnonzero(np.concatenate(mine))
        return int(there[0]) if len(there) else None


def _told(made: Identification, row: _Row) -> dict[str, Any]:
    """All of it, as plain data."""
    near = first_search(made, row.core, row.is_here)
    node = row.node(near)
    assert node is not None
    first = _island(made, identify(near.island_rows, made.rules), made.rules, node)
    local = node - int(offsets(near.island_rows)[row.number])
    told = _row_told(made, row.number, first.work.rows[row.number].take(np.array([local])), near)
    told |= _island_told(first)
    second = None if first.is_matched else _second(made, row)
    if second is not None:
        told = _with_second(told, first, second)
    return told


def _second(made: Identification, row: _Row) -> Island | None:
    """What the second search makes of a row that the first one left alone; None: nothing."""
    near = second_search(made, row.core, row.is_here)
    node = None if near is None else row.node(near)
    search = made.final.fast
    if near is None or node is None or not isinstance(search, SecondSearch):
        return None
    rows, rules = near.island_rows, search.fastest(made.rules)
    found = search.pairs(rows, made.rules, made.learnt.densities)
    return _island(made, work_of_pairs(rows, *found, rules), rules, node)


def _island(made: Identification, work: Work, rules: Rules, node: int) -> Island:
    solved = solve(work, rules, made.learnt.densities, made.learnt.photometry)
    return Island(made, rules, replace(made.plan.shape, keep="all"), work, solved, node)


def _row_told(made: Identification, number: int, row: Rows, near: Neighbourhood) -> dict[str, Any]:
    """Of the row itself, calibrated, and of where it is."""
    others = [n for n in range(len(made.rules.names)) if n != number]
    return {
        "catalog": made.rules.names[number],
        "id": row.ids[0].as_py(),
        "ra": float(row.ra_deg[0]),
        "dec": float(row.dec_deg[0]),
        "epoch": number_or_none(row.epoch[0]),
        "mag": number_or_none(row.mag[0]),
        "chi2_limit": made.rules.chi2_limit,
        "radius_arcsec": made.rules.radius_arcsec,
        "constraint": made.rules.constraint,
        "beyond": [b for other in others for b in beyond(made, number, other, row, near.ranges)],
        "densities_per_deg2": densities_here(made, row),
        "footprint": footprint_here(made, number, row),
        "calibration": calibration_of(made, number, row),
    }


def _island_told(island: Island) -> dict[str, Any]:
    return _member_told(island.member) | {
        "candidates": island.candidates,
        "groups": island.groups,
        "n_groups": island.n_groups,
        "island_rows": island.n_rows,
        "exact": island.is_exact,
    }


def _member_told(member: dict[str, Any]) -> dict[str, Any]:
    return {
        "row": member["row"],
        "group_id": member["group_id"],
        "posterior": member["membership_posterior"],
        "p_none": member["p_none"],
        "reason": member["reason"],
        "flags": flag_names(member["flags"]),
    }


def _with_second(told: dict[str, Any], first: Island, second: Island) -> dict[str, Any]:
    """The candidates of both searches; the rest as the second one, which comes last, has it."""
    found = told["candidates"] + second.candidates
    if second.candidates or not first.candidates:
        told |= _island_told(second)
    return told | _member_told(second.member) | {"candidates": found}
