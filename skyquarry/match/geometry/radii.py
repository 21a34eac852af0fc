"""How far from each other two rows may lie: a number for all, or a column of each side's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.columns import resolve
from skyquarry.errors import ColumnError, PositionError
from skyquarry.match.given.catalogsides import CatalogSide
from skyquarry.match.given.tablesides import TableSide

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.match.given.sides import Fetched, Side

    Floats = NDArray[np.float64]

WHOLE_SKY_ARCSEC = 648_000.0
"""180 degrees: nothing lies further away."""


@dataclass(frozen=True, slots=True)
class Radius:
    """What one side adds to the distance at which two rows are a pair."""

    arcsec: float = 0.0
    """the same for all rows, or the greatest of the column"""
    column: str | None = None
    """arcsec; a row without a number has no pair"""

    def of(self, fetched: Fetched) -> float | Floats:
        """The radius of every row, or one for all; NaN where a row has none."""
        if self.column is None:
            return self.arcsec
        return numbers(fetched.table.column(self.column), fetched.order)


def numbers(column: pa.ChunkedArray, order: Any) -> Floats:
    """float64 of a column, null as NaN."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    values = np.asarray(to_numpy(column), np.float64)
    return values if order is None else values[order]


def radius_of(given: Any, side: Side, what: str = "radius_arcsec") -> Radius:
    """A radius that a caller gave for one side: a number, or the name of a column.

    Raises PositionError for a number that is no radius, ColumnError for a name of no such column.
    """
    if isinstance(given, str):
        return _by_column(given, side, what)
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = float("nan")
    if not 0.0 <= value < np.inf:
        raise PositionError(
            f"{what} is {given!r}, but a number of arcseconds, 0 or more, is needed: try 1.0, or "
            f"the name of a column of {side.name}"
        )
    if value > WHOLE_SKY_ARCSEC:
        raise PositionError(
            f"{what} is {value:g}, but no two places are more than 648000 arcsec (180 degrees) "
            "apart: give arcseconds"
        )
    return Radius(value)


def _by_column(given: str, side: Side, what: str) -> Radius:
    name = resolve(side.schema, given)
    import pyarrow as pa

    kind = side.schema.field(name).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise ColumnError(
            f"{what} is {given!r}, a column of {kind}, but a radius is a number of arcseconds: "
            "name a column of numbers"
        )
    low, high = limits_of(side, name)
    if low < 0.0:
        raise PositionError(
            f"{what} is the column {name!r} of {side.name}, whose lowest value is {low:g}, but a "
            "radius is 0 or more: leave those rows out, or make them null"
        )
    if high > WHOLE_SKY_ARCSEC:
        raise PositionError(
            f"{what} is the column {name!r} of {side.name}, whose highest value is {high:g}, but "
            "no two places are more than 648000 arcsec apart: give arcseconds"
        )
    return Radius(max(high, 0.0), name)


def limits_of(side: Side, column: str) -> tuple[float, float]:
    """Lowest and highest value of a column; (inf, -inf) where it has none."""
    if isinstance(side, CatalogSide):
        return side.limits(column)
    assert isinstance(side, TableSide)
    values = side.values(column)
    known = values[~np.isnan(values)]
    return float(known.min(initial=np.inf)), float(known.max(initial=-np.inf))
