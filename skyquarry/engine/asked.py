"""What a caller passes, as what the engine takes: positions, regions and ids."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from skyquarry.engine.cut import Ids
from skyquarry.errors import ColumnError, PositionError
from skyquarry.sky.regions import Cone

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.sky.algebra import Region


def cone_of(ra_deg: Any, dec_deg: Any, radius_arcsec: Any) -> Cone:
    """The cone around degrees, a SkyCoord, a text or a name; PositionError where it is none."""
    if radius_arcsec is None:
        raise PositionError(
            f"a cone was asked around {ra_deg!r}, {dec_deg!r} without a radius: give "
            "radius_arcsec=, in arcseconds"
        )
    radius = _arcsec(radius_arcsec)
    if not (isinstance(ra_deg, int | float) and isinstance(dec_deg, int | float)):
        from skyquarry.engine.positions import resolve

        ra_deg, dec_deg = resolve(ra_deg, dec_deg)
    return Cone(float(ra_deg), float(dec_deg), radius)


def _arcsec(radius: Any) -> float:
    """A number of arcseconds, or a Quantity of an angle; PositionError for all else."""
    try:
        number = radius.to_value("arcsec") if hasattr(radius, "to_value") else radius
        return float("" if isinstance(number, bool | str) else number)
    except (TypeError, ValueError):
        raise PositionError(
            f"radius_arcsec is {radius!r}, but a cone needs a number of arcseconds: try 60"
        ) from None


def whole_number(value: Any) -> int | None:
    """The integer that a value is, also one of numpy's; None where it is none, as True."""
    return None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)


def real_number(value: Any) -> float | None:
    """The number that a value is, also one of numpy's; None for a text, or True."""
    return None if isinstance(value, bool) or not isinstance(value, Real) else float(value)


def region_of(region: Region | str) -> Region:
    """The region, or the one that a text states; RegionError where it states none."""
    from skyquarry.sky.algebra import Region as Known

    if isinstance(region, Known):
        return region
    from skyquarry.sky.regiontext import region_from_text

    return region_from_text(region)


def ids_of(column: str, schema: pa.Schema, values: Any) -> Ids:
    """Ids as sorted, distinct values of the column's type; ColumnError where they are no ids."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = schema.field(column).type
    if isinstance(values, str | int | np.integer):
        values = [values]
    try:
        given = pc.unique(_as_array(values, kind).cast(kind))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ColumnError(
            f"the ids {str(values)[:60]} do not fit the column {column}, which is {kind} "
            f"({error}): give ids of that type"
        ) from None
    if isinstance(given, pa.ChunkedArray):
        given = given.combine_chunks()
    given = given.drop_null()
    return Ids(column, given.take(pc.array_sort_indices(given)))


def _as_array(values: Any, kind: pa.DataType) -> Any:
    """The values as an Arrow array, of the column's type where they fit no signed integer."""
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    some = values if hasattr(values, "__len__") else list(values)
    try:
        return pa.array(some)
    except OverflowError:
        return pa.array(some, kind)
