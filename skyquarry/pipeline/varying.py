"""Which rows of a table with labels are known to vary: by a column, by their class, by light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.classes import Class
from skyquarry.errors import ColumnError
from skyquarry.pipeline.labelled import numbers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.features.making import Features

    Codes = NDArray[np.int8]

LIGHT: Final = "light"
"""as the name of the column: the light curves tell"""
_CURVE: Final = "lc_"
_SCATTER: Final = "_chi2_dof"
VARIES: Final = 3.0
"""chi^2 about the mean over its degrees of freedom, in any band: what PS1's stars that vary have"""
STEADY: Final = 1.5
"""up to here in every band: constant; between nobody knows"""


def varies_of(
    table: pa.Table, variable: str, words: Sequence[Any], made: Features
) -> tuple[Codes, tuple[str, ...]]:
    """(n,) 1 variable, 0 constant, -1 unknown; and the features that told it.

    variable: a column of true and false or 1 and 0, null where unknown; or LIGHT. A transient
    varies by its definition. Raises ColumnError for another column, or where no feature is of a
    light curve.
    """
    if variable == LIGHT:
        told, leave = by_light(made.values, made.names), _of_light(made.names)
    else:
        told, leave = _by_column(table, variable), ()
    transient = np.array([word == Class.TRANSIENT.label for word in words], np.bool_)
    told[transient] = 1
    return told, leave


def by_light(values: NDArray[np.float32], names: Sequence[str]) -> Codes:
    """(n,) what the scatter of light curves tells: features (n, p) by their names (p,)."""
    places = [at for at, name in enumerate(names) if _is_scatter(name)]
    if not places:
        raise ColumnError(
            f"variable is {LIGHT!r}, but none of the features ({', '.join(names[:4])} ...) is "
            f"{_CURVE}BAND{_SCATTER}: join features.lightcurves.variability_of to the table, or "
            "name a column"
        )
    scatter = values[:, places]
    known = np.isfinite(scatter)
    greatest = np.where(known, scatter, -np.inf).max(axis=1)
    told = np.full(len(values), -1, np.int8)
    told[known.any(axis=1) & (greatest <= STEADY)] = 0
    told[greatest > VARIES] = 1
    return told


def _is_scatter(name: str) -> bool:
    return name.startswith(_CURVE) and name.endswith(_SCATTER)


def _of_light(names: Sequence[str]) -> tuple[str, ...]:
    """All of a light curve: its amplitude tells what its scatter tells."""
    return tuple(name for name in names if name.startswith(_CURVE))


def _by_column(table: pa.Table, name: str) -> Codes:
    if name in table.column_names and pa.types.is_boolean(table[name].type):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.int8()))
    number = numbers_of(table, name, "variable")
    strange = np.isfinite(number) & ~np.isin(number, (0.0, 1.0))
    if strange.any():
        raise ColumnError(
            f"variable is {name!r}, which holds {number[strange][0]:g}, but it tells true or "
            "false (1 or 0), null where nobody knows: make a column of these"
        )
    return np.where(np.isfinite(number), number, -1.0).astype(np.int8)
