"""E(B-V) in front of each row: from the table, from SDSS's own extinction, or from a dust map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.rolekeys import nearest
from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.features.observed import Observed

    Floats = NDArray[np.float64]

Dust = Any
"""A column's name, the name of a dust map, values (n,), or None"""

_NAMES: Final = ("ebv", "E_B_V", "EBV", "E(B-V)", "eBV", "sfd_ebv", "ebv_sfd", "sfdEBV")
_SDSS_R: Final = 2.751
"""A_r / E(B-V) of the column extinction_r: Schlegel, Finkbeiner & Davis 1998, table 6"""


def ebv_of(sky: Observed, dust: Dust, positions: tuple[str, str] | None = None) -> Observed:
    """The table with what is known of its dust; `positions` names its columns of ra and dec."""
    if dust is None:
        return _own(sky)
    if isinstance(dust, str):
        if dust in sky.columns.names:
            return replace(sky, ebv=sky.columns.floats(dust), ebv_columns=(dust,))
        from skyquarry.features.dust import MAPS, map_of

        if dust in MAPS:
            ra, dec, columns = _places(sky) if positions is None else _named(sky, positions)
            return replace(sky, ebv=map_of(dust, ra, dec), ebv_columns=columns)
        raise UserError(
            f"ebv is {dust!r}, but that is neither a column nor a dust map: give values, a column, "
            f"or one of {', '.join(MAPS)}"
        )
    values = np.asarray(dust, np.float64)
    if values.shape != (sky.rows,):
        raise UserError(
            f"ebv has the shape {values.shape}, but the table has {sky.rows} rows: give one value "
            "a row"
        )
    return replace(sky, ebv=values, ebv_columns=("ebv",))


def _own(sky: Observed) -> Observed:
    """E(B-V) that the table itself tells."""
    prefixes = ["", *(each.prefix for each in sky.surveys if each.prefix)]
    for name in (f"{prefix}{name}" for name in _NAMES for prefix in prefixes):
        if name in sky.columns.names:
            return replace(sky, ebv=sky.columns.floats(name), ebv_columns=(name,))
    sdss = sky.survey("sdss")
    if sdss is not None and sdss.has("extinction_r"):
        column = sdss.renamed["extinction_r"]
        return replace(sky, ebv=sdss.floats("extinction_r") / _SDSS_R, ebv_columns=(column,))
    return sky


def _named(sky: Observed, names: tuple[str, str]) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Positions, in degrees, by the names of their columns."""
    for name in names:
        if name not in sky.columns.names:
            raise ColumnError(
                f"positions are {', '.join(map(repr, names))}, but the table has no column "
                f"{name!r}: {nearest(name, sky.columns.names)}"
            )
    ra, dec = (sky.columns.floats(name) for name in names)
    return ra, dec, tuple(names)


def _places(sky: Observed) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Positions: of the first survey that has them for each row; else by their usual names."""
    ra, dec = np.full(sky.rows, np.nan), np.full(sky.rows, np.nan)
    columns: list[str] = []
    for survey in sky.surveys:
        names = [name for name in (survey.roles.ra, survey.roles.dec) if name is not None]
        if len(names) < 2 or survey.roles.position_unit != "deg":
            continue
        empty = np.isnan(ra)
        for values, name in zip((ra, dec), names, strict=True):
            values[empty] = survey.told(name)[empty]
            columns.append(name)
    return (ra, dec, tuple(columns)) if columns else _named(sky, _usual(sky))


def _usual(sky: Observed) -> tuple[str, str]:
    """Columns of ra and dec by their usual names, where no survey tells them."""
    from skyquarry.ingest.guess import guess_roles

    try:
        roles = guess_roles(sky.columns.schema).roles
    except ColumnError as error:
        raise _unknown(str(error).partition(":")[0]) from None
    if roles.frame not in ("icrs", "fk5") or roles.position_unit != "deg":
        raise _unknown(
            f"{roles.ra} and {roles.dec} are of {roles.frame.upper()} in {roles.position_unit}"
        )
    return str(roles.ra), str(roles.dec)


def _unknown(why: str) -> ColumnError:
    return ColumnError(
        f"ebv is a dust map, but the table has no positions that are understood ({why}): name its "
        "columns with positions=(ra, dec), which are in degrees of ICRS, or give ebv a column of "
        "E(B-V)"
    )
