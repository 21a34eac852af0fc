"""The tiles that hold given ids, by the id index: only the row groups that can know are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog import parquet
from skyquarry.errors import ColumnError, DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from skyquarry.catalog.footers import Footer
    from skyquarry.catalog.stored import Stored

CELL = ("Norder", "Npix")


def tiles_of_values(
    stored: Stored, column: str, values: Iterable[Any] | ArrayLike
) -> NDArray[np.int64]:
    """Numbers of the tiles that hold these values; see `Stored.lookup`."""
    index = stored.index(column)
    if index is None:
        known = ", ".join(stored.indexes) or "none"
        raise ColumnError(
            f"{stored.name} has no index of the column {column!r} (indexed: {known}); "
            f"search with where(...), which reads all tiles, or build with id={column!r}"
        )
    key = key_column(index, column)
    wanted = _as_keys(values, index.schema.field(key).type, column)
    orders, pixels = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    if len(wanted):
        for rel in index.index_files():
            found = _cells_in_file(index, rel, key, wanted)
            orders.append(found.column("Norder").to_numpy().astype(np.int64))
            pixels.append(found.column("Npix").to_numpy().astype(np.int64))
    return _numbers(stored, np.concatenate(orders), np.concatenate(pixels), column)


def key_column(index: Stored, column: str) -> str:
    """The name of the key in the index's files; DamagedError where they hold no such key."""
    key = index.properties["hats_index_column"].strip()
    missing = [name for name in (key, *CELL) if name not in index.schema.names]
    if missing:
        raise DamagedError(
            f"{index.folder.root}: the index of {column} has no column "
            f"{', '.join(missing)}; build the index again"
        )
    return key


def _as_keys(values: Any, kind: Any, column: str) -> pa.Array:
    """The values as sorted, distinct keys of the column's type.

    A number that the type cannot hold is in no row, and left out; a text among numbers is an error.
    """
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    given = [value for value in listed if value is not None]
    try:
        if pa.types.is_integer(kind):
            keys = pa.array(_integers_that_fit(given, kind), kind)
        else:
            keys = pc.unique(pa.array(given).cast(kind) if given else pa.array([], kind))
    except (pa.ArrowException, TypeError) as error:
        raise ColumnError(
            f"the ids {str(given[:3])[:80]} do not fit the column {column}, which is {kind} "
            f"({error}); give ids of that type"
        ) from error
    return keys.take(pc.array_sort_indices(keys))


def _integers_that_fit(given: list[Any], kind: Any) -> list[int]:
    wrong = [v for v in given if isinstance(v, bool) or not isinstance(v, (int, np.integer))]
    if wrong:
        raise TypeError(f"{wrong[0]!r} is no integer")
    limits = np.iinfo(kind.to_pandas_dtype())
    return [v for v in set(map(int, given)) if limits.min <= v <= limits.max]


def _cells_in_file(index: Stored, rel: str, key: str, wanted: pa.Array) -> pa.Table:
    """Norder and Npix of the rows of one index file whose key is wanted."""
    file_key, footer = index.footer(rel)
    groups = _groups_with(footer, key, wanted)
    if not len(groups):
        return pa.table({name: pa.array([], pa.int64()) for name in CELL})
    table = parquet.decode(index.folder, rel, file_key, footer, groups, (key, *CELL))
    index.decoded.add(len(groups), table.num_rows)
    keys = table.column(key)
    if keys.type != wanted.type:
        keys = keys.cast(wanted.type)
    return table.filter(pc.is_in(keys, value_set=wanted)).select(list(CELL))


def _groups_with(footer: Footer, key: str, wanted: pa.Array) -> NDArray[np.int64]:
    """The row groups whose lowest and highest key enclose one that is wanted."""
    limits = footer.limits(key)
    # whole numbers of 64 bits without sign overflow the dtype of limits that do not
    kind = object if pa.types.is_uint64(wanted.type) else limits.low.dtype
    keys = np.asarray(wanted.to_pylist(), dtype=kind)
    admitted = ~limits.known
    known = np.flatnonzero(limits.known)
    first = np.searchsorted(keys, limits.low[known], side="left")
    last = np.searchsorted(keys, limits.high[known], side="right")
    admitted[known] = last > first
    return np.flatnonzero(admitted & (footer.rows > 0))


def _numbers(
    stored: Stored, order: NDArray[np.int64], pixel: NDArray[np.int64], column: str
) -> NDArray[np.int64]:
    """Tile numbers of cells, ascending; DamagedError where the index names a tile that is not."""
    cells = np.unique(np.stack([order, pixel]), axis=1) if len(order) else np.empty((2, 0), int)
    numbers = [stored.tiles.number(int(o), int(p)) for o, p in cells.T]
    if -1 in numbers:
        at = numbers.index(-1)
        raise DamagedError(
            f"the index of {column} in {stored.home.root} names the tile Norder={cells[0, at]}/"
            f"Npix={cells[1, at]}, which the catalogue does not have; build the index again"
        )
    return np.unique(np.array(numbers, np.int64))
