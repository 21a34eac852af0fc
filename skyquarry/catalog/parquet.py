"""Rows of one Parquet file: only the row groups that can matter are decoded, and counted.

A row group is left out when its lowest and highest `_healpix_29` miss the asked ranges, or those of
a column miss the asked bounds. The rows of the rest are then cut to the ranges.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.footers import FILES, open_reader, unreadable
from skyquarry.errors import DamagedError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.footers import Footer, Key, Limits
    from skyquarry.catalog.schemas import Spatial
    from skyquarry.catalog.tiles import SkyRanges

Bounds = tuple[Any, Any]
"""(lowest, highest) that a row may have, both inclusive; None is open."""


class Decoded:
    """What has been decoded so far: row groups, rows, compressed bytes of those row groups."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.row_groups = 0
        self.rows = 0

    def add(self, row_groups: int, rows: int) -> None:
        """Count one read."""
        with self._lock:
            self.row_groups += row_groups
            self.rows += rows

    def __repr__(self) -> str:
        return f"decoded {self.row_groups} row groups, {self.rows:,} rows"


DECODED = Decoded()
"""All that this process has decoded."""


def select_groups(
    footer: Footer,
    spatial: Spatial,
    ranges: SkyRanges | None,
    bounds: Mapping[str, Bounds] | None,
) -> NDArray[np.int64]:
    """Numbers of the row groups that can hold a row in the ranges and within all bounds."""
    keep = footer.rows > 0
    if ranges is not None and spatial.column in footer.leaves:
        keep &= _touches(footer, spatial, ranges)
    for column, (low, high) in (bounds or {}).items():
        if column in footer.leaves:
            keep &= _within(footer, column, low, high)
    return np.flatnonzero(keep)


def _touches(footer: Footer, spatial: Spatial, ranges: SkyRanges) -> NDArray[np.bool_]:
    limits, (low, high) = pixel_limits(footer, spatial)
    first = np.searchsorted(ranges.stops, low, side="right")
    last = np.searchsorted(ranges.starts, high, side="right")
    return (last > first) | ~limits.known


def pixel_limits(
    footer: Footer, spatial: Spatial
) -> tuple[Limits, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Lowest and highest order-29 pixel of each row group, (g,) each, both inclusive."""
    limits = footer.limits(str(spatial.column))
    shift = 2 * (29 - spatial.order)
    if not shift:
        return limits, (limits.low, limits.high)
    return limits, (limits.low << shift, (limits.high + 1 << shift) - 1)


def _within(footer: Footer, column: str, low: Any, high: Any) -> NDArray[np.bool_]:
    """Where a column's statistics admit a value in [low, high]; True where they do not say."""
    limits = footer.limits(column)
    admitted = np.ones(len(limits.known), bool)
    try:
        if low is not None:
            admitted &= np.asarray(limits.high >= low, bool)
        if high is not None:
            admitted &= np.asarray(limits.low <= high, bool)
    except TypeError:  # a text compared with a number: the statistics cannot help
        return np.ones(len(limits.known), bool)
    return admitted | ~limits.known


def decode(
    folder: Folder,
    rel: str,
    key: Key,
    footer: Footer,
    groups: NDArray[np.int64],
    columns: Sequence[str],
) -> pa.Table:
    """Columns of some row groups, in the order of the file; no thread is started.

    Raises
    ------
    DamagedError
        Naming the file, where its pages cannot be decoded.
    """
    leaves = sorted({leaf for column in columns for leaf in footer.leaves[column]})
    reader = FILES.take(key) or open_reader(folder, rel, footer.metadata)
    try:
        table = reader.reader.read_row_groups(
            groups.tolist(), column_indices=leaves, use_threads=False
        )
    except (pa.ArrowException, OSError, NotFoundError, StorageError) as error:
        raise unreadable(footer.path, error) from error
    FILES.give(key, reader)
    DECODED.add(len(groups), table.num_rows)
    return table


def rows_in(pixels: NDArray[np.int64], ranges: SkyRanges) -> slice | NDArray[np.int64]:
    """Which of these sorted pixels lie in the ranges: one slice if they are neighbours."""
    first = np.searchsorted(pixels, ranges.starts)
    last = np.searchsorted(pixels, ranges.stops)
    some = np.flatnonzero(last > first)
    if not len(some):
        return slice(0, 0)
    first, last = first[some], last[some]
    if bool(np.array_equal(first[1:], last[:-1])):
        return slice(int(first[0]), int(last[-1]))
    length = last - first
    offset = np.cumsum(length) - length
    return np.repeat(first - offset, length) + np.arange(int(length.sum()))


def contains(pixels: NDArray[np.int64], ranges: SkyRanges) -> NDArray[np.int64]:
    """Which of these pixels, in any order, lie in the ranges: their numbers."""
    number = np.searchsorted(ranges.starts, pixels, side="right") - 1
    if not len(ranges.starts):
        return np.empty(0, np.int64)
    return np.flatnonzero((number >= 0) & (pixels < ranges.stops[number]))


def take(table: pa.Table, rows: slice | NDArray[np.int64]) -> pa.Table:
    """These rows of a table; a slice costs nothing."""
    if isinstance(rows, slice):
        return table.slice(rows.start, rows.stop - rows.start)
    return table.take(from_numpy(rows))


def integers(column: pa.ChunkedArray, path: str, name: str) -> NDArray[np.int64]:
    """A column without nulls as int64; DamagedError where it is something else."""
    if column.null_count or not pa.types.is_integer(column.type):
        what = f"{column.null_count} nulls" if column.null_count else f"type {column.type}"
        raise DamagedError(
            f"{path}: the spatial column {name} has {what}, but it needs a 64-bit integer in "
            "every row; build the catalogue again"
        )
    values: NDArray[np.int64] = to_numpy(column).astype(np.int64, copy=False)
    return values


def nan_to_null(column: Any) -> Any:
    """The column with null where a float is NaN, inside lists and structs as well."""
    if isinstance(column, pa.ChunkedArray):
        chunks = [nan_to_null(chunk) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=column.type)
    if pa.types.is_floating(column.type):
        return _floats_nan_to_null(column)
    if not may_hold_nan(column.type):
        return column
    return _nested_nan_to_null(column)


def may_hold_nan(kind: Any) -> bool:
    """Whether a type is a float or holds floats inside."""
    if pa.types.is_struct(kind):
        return any(may_hold_nan(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_map(kind):
        return False
    if pa.types.is_nested(kind):
        return may_hold_nan(kind.value_type)
    return bool(pa.types.is_floating(kind))


def _floats_nan_to_null(column: Any) -> Any:
    import pyarrow.compute as pc

    bad = pc.is_nan(column)
    if not pc.any(bad).as_py():
        return column
    return pc.if_else(bad, pa.scalar(None, column.type), column)


def _nested_nan_to_null(column: Any) -> Any:
    """A struct or list rebuilt around its cleaned values; the same object where none changed."""
    import pyarrow.compute as pc

    if pa.types.is_struct(column.type):
        fields = [column.type.field(i) for i in range(column.type.num_fields)]
        old = [pc.struct_field(column, [i]) for i in range(len(fields))]
        new = [nan_to_null(values) for values in old]
        if all(a is b for a, b in zip(old, new, strict=True)):
            return column
        return pa.StructArray.from_arrays(new, fields=fields, mask=pc.is_null(column))
    if pa.types.is_fixed_size_list(column.type):
        return _fixed_lists(column)
    flat = column.flatten()  # only the values of rows that are there
    clean = nan_to_null(flat)
    if clean is flat:
        return column
    kind = pa.LargeListArray if pa.types.is_large_list(column.type) else pa.ListArray
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    wide = pa.int64() if kind is pa.LargeListArray else pa.int32()
    made = kind.from_arrays(pa.array(offsets, wide), clean, type=column.type)
    return _with_nulls(made, column)


def _fixed_lists(column: Any) -> Any:
    """Fixed-size lists: a null row holds a full length of nulls."""
    import pyarrow.compute as pc

    full = pc.take(column, pa.array(np.arange(len(column))))  # without an offset
    clean = nan_to_null(full.values)
    if clean is full.values:
        return column
    made = pa.FixedSizeListArray.from_arrays(clean, type=column.type)
    return _with_nulls(made, column)


def _with_nulls(made: Any, like: Any) -> Any:
    import pyarrow.compute as pc

    if not like.null_count:
        return made
    return pc.if_else(pc.is_null(like), pa.scalar(None, like.type), made)
