"""The rows of one file of a catalogue: selected, decoded, cut to the ranges, brought into form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog import parquet
from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.catalog.footers import Footer
    from skyquarry.catalog.parquet import Bounds
    from skyquarry.catalog.stored import Stored
    from skyquarry.catalog.tiles import SkyRanges


def read_file(
    stored: Stored,
    rel: str,
    columns: tuple[str, ...],
    schema: pa.Schema,
    *,
    ranges: SkyRanges | None,
    bounds: Mapping[str, Bounds] | None,
) -> pa.Table:
    """Columns of the rows of one file that lie in the ranges; see `Stored.read`."""
    key, footer = stored.footer(rel)
    spatial = stored.spatial
    groups = parquet.select_groups(footer, spatial, ranges, bounds)
    if not len(groups):
        return schema.empty_table()
    needed, by_position = _needed(stored, columns, ranged=ranges is not None)
    table = parquet.decode(stored.folder, rel, key, footer, groups, needed)
    stored.decoded.add(len(groups), table.num_rows)
    pixels = None
    if ranges is not None or SPATIAL in columns:
        pixels = _pixels(stored, table, footer, by_position=by_position)
    if ranges is not None and pixels is not None:
        rows = _rows(pixels, ranges)
        table = parquet.take(table, rows)
        pixels = pixels[rows]
    return _in_form(stored, table, schema, footer, pixels)


def _needed(
    stored: Stored, columns: tuple[str, ...], *, ranged: bool
) -> tuple[tuple[str, ...], bool]:
    """The stored columns to decode, and whether pixels must be computed from positions."""
    spatial, roles = stored.spatial, stored.roles
    if not ranged and SPATIAL not in columns:
        return columns, False
    kept = tuple(name for name in columns if name in stored.schema.names)
    if spatial.exact:
        return (*kept, str(spatial.column)), False
    if roles.ra is not None and roles.dec is not None:
        return (*kept, roles.ra, roles.dec), True
    if spatial.column is not None:
        return (*kept, spatial.column), False
    raise DamagedError(
        f"{stored.folder.root} has neither a HEALPix column nor positions, so that its rows "
        "cannot be placed on the sky; read it without a region"
    )


def _pixels(
    stored: Stored, table: pa.Table, footer: Footer, *, by_position: bool
) -> NDArray[np.int64]:
    """Order-29 pixel of each row: stored, shifted from a lower order, or from ra and dec."""
    if by_position:
        from skyquarry.sky import healpix

        ra = _degrees(table, stored.roles.ra, footer, np.inf)
        dec = _degrees(table, stored.roles.dec, footer, 90.0)
        return healpix.index(ra, dec)
    name = str(stored.spatial.column)
    values = parquet.integers(table.column(name), footer.path, name)
    shift = 2 * (29 - stored.spatial.order)
    return values << shift if shift else values  # a copy less


def _degrees(
    table: pa.Table, name: str | None, footer: Footer, limit: float
) -> NDArray[np.float64]:
    values: NDArray[np.float64] = to_numpy(table.column(name)).astype(np.float64, copy=False)
    good = np.isfinite(values) & (np.abs(values) <= limit)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise DamagedError(
            f"{footer.path}: the position column {name} holds {values[row]}, but every row needs "
            "a position in degrees; verify shows the rows, or build the catalogue again"
        )
    return values


def _rows(pixels: NDArray[np.int64], ranges: SkyRanges) -> slice | NDArray[np.int64]:
    """Which rows lie in the ranges; sorted rows are found by bisection."""
    if bool((pixels[1:] >= pixels[:-1]).all()):  # 6 us a row group: cheaper than a wrong answer
        return parquet.rows_in(pixels, ranges)
    return parquet.contains(pixels, ranges)


def _in_form(
    stored: Stored,
    table: pa.Table,
    schema: pa.Schema,
    footer: Footer,
    pixels: NDArray[np.int64] | None,
) -> pa.Table:
    """The asked columns in their order, types and meanings, NaN as null."""
    casts = footer.agreed[1] if footer.agreed else frozenset()
    arrays: list[Any] = []
    for field in schema:
        if field.name == SPATIAL and pixels is not None:
            arrays.append(from_numpy(pixels))
            continue
        column = table.column(field.name)
        if field.name in casts:
            column = _cast(column, field, footer)
        if not stored.nan_is_null and parquet.may_hold_nan(field.type):
            column = parquet.nan_to_null(column)
        arrays.append(column)
    made = pa.Table.from_arrays(arrays, schema=schema) if arrays else table.select([])
    return _sorted(made, pixels)


def _cast(column: Any, field: pa.Field, footer: Footer) -> Any:
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise DamagedError(
            f"{footer.path}: the column {field.name} cannot be read as {field.type} "
            f"({error}), as the catalogue's schema says; build the catalogue again"
        ) from error


def _sorted(table: pa.Table, pixels: NDArray[np.int64] | None) -> pa.Table:
    """Rows by pixel, as ours are; a stable sort where another writer left them unsorted."""
    if pixels is None or bool((pixels[1:] >= pixels[:-1]).all()):
        return table
    return table.take(from_numpy(np.argsort(pixels, kind="stable")))


def joined(parts: list[pa.Table]) -> pa.Table:
    """The rows of the files of one tile, by pixel where that column was asked for."""
    table = pa.concat_tables(parts)
    if SPATIAL not in table.column_names:
        return table
    pixels = to_numpy(table.column(SPATIAL))
    return table.take(from_numpy(np.argsort(pixels, kind="stable")))
