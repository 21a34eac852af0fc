"""Whether a tag of named rows has those that it promises, as they are, and no other row.

Queries that join its catalogue with the one that names rows read it in their place: a row that it
lacks would be lost to them. All keys that are named are held, else memory is bounded by a tile.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.beside import beside
from skyquarry.catalog.faults import EXAMPLES, Fault
from skyquarry.catalog.relations import NAMED_ROWS, can_name, named_rows
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.catalog.relations import NamedRows
    from skyquarry.catalog.stored import Stored


def check_named(stored: Stored) -> Iterator[Fault]:
    """Faults where a tag's rows are not those that its properties promise."""
    file = stored.folder.path("hats.properties")
    try:
        promise = named_rows(stored.properties)
    except ValueError as error:
        yield Fault(file, f"{NAMED_ROWS} cannot be read ({error}): make the tag again")
        return
    if promise is None:
        return
    there, by = (beside(stored, name) for name in (promise.catalog, promise.by))
    if there is None or by is None or _is_later(promise, there, by):
        return  # of what is gone, and of a later version, nothing is promised
    wrong = _unfit(stored, there, by, promise)
    if wrong:
        yield Fault(file, f"{NAMED_ROWS} {wrong}: make the tag again")
        return
    yield from _compared(stored, there, by, promise)


def _is_later(promise: NamedRows, there: Stored, by: Stored) -> bool:
    """Whether one of the two has another version by now."""
    moved = promise.identity not in there.includes and there.version != promise.version
    left = promise.by_identity not in by.includes and by.version != promise.by_version
    return moved or left


def _unfit(stored: Stored, there: Stored, by: Stored, promise: NamedRows) -> str:
    """Why the promise cannot hold, whatever the rows are; empty where it may."""
    if promise.identity not in there.includes:
        return f"is of {there.name} as another build had it that was {promise.version} too"
    if promise.by_identity not in by.includes:
        return f"is by {by.name} as another build had it that was {promise.by_version} too"
    missing = set(stored.schema.names) - set(there.schema.names) - {str(stored.spatial.column)}
    missing |= {promise.key} - (set(there.schema.names) & set(stored.schema.names))
    missing |= {promise.column} - set(by.schema.names)
    if missing:
        return f"is of columns of {there.name} and {by.name}, but there is no {min(missing)}"
    types = by.schema.field(promise.column).type, there.schema.field(promise.key).type
    if not can_name(*types):
        return f"is told by {types[0]} of {by.name} for {types[1]}, which name no row"
    return ""


def _compared(stored: Stored, there: Stored, by: Stored, promise: NamedRows) -> Iterator[Fault]:
    keys = _named(by, promise.column)
    missing: Counter[Any] = Counter()
    surplus: Counter[Any] = Counter()
    other, read = 0, 0
    for tile in range(len(there.tiles)):
        cell = Ranges(there.tiles.starts[[tile]], there.tiles.stops[[tile]])
        told = _rows(stored, cell)
        read += told.num_rows
        whole = there.read(tile, told.column_names)
        due = whole.filter(_among(whole.column(promise.key), keys))
        if _sorted(due, promise.key).equals(_sorted(told, promise.key)):
            continue
        wanted, had = (Counter(each.column(promise.key).to_pylist()) for each in (due, told))
        missing += wanted - had
        surplus += had - wanted
        other += wanted == had
    yield from _faults(stored, promise, missing, surplus)
    if other:
        yield _fault(stored, f"in {other} tiles of {there.name} its rows have other values, whose")
    if read < stored.n_rows:
        yield _fault(stored, f"{stored.n_rows - read} rows lie where {there.name} has none, whose")


def _faults(
    stored: Stored, promise: NamedRows, missing: Counter[Any], surplus: Counter[Any]
) -> Iterator[Fault]:
    named = f"rows of {promise.catalog} that {promise.by} names by {promise.column}"
    if missing:
        what = f"{missing.total()} {named} are not among its rows, all of which"
        yield _fault(stored, what, _examples(promise, missing))
    if surplus:
        what = f"{surplus.total()} of its rows are no {named}, or there twice, which"
        yield _fault(stored, what, _examples(promise, surplus))


def _examples(promise: NamedRows, keys: Counter[Any]) -> tuple[dict[str, Any], ...]:
    return tuple({promise.key: key} for key in list(keys)[:EXAMPLES])


def _fault(stored: Stored, what: str, rows: tuple[dict[str, Any], ...] = ()) -> Fault:
    said = f"{what} {NAMED_ROWS} promises: make the tag again"
    return Fault(stored.folder.path("dataset"), said, rows)


def _named(by: Stored, column: str) -> pa.Array:
    """(n,) the values of a column, each once."""
    parts = [by.read(tile, [column]).column(0) for tile in range(len(by.tiles))]
    empty = pa.chunked_array([], by.schema.field(column).type)
    chunks = [chunk for part in parts for chunk in part.chunks]
    found = pc.unique(pa.chunked_array(chunks, empty.type)).drop_null()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _among(column: pa.ChunkedArray, keys: pa.Array) -> pa.ChunkedArray:
    """(n,) which values are among the keys; a null is not."""
    if pa.types.is_integer(keys.type):
        column, keys = column.cast(pa.int64()), keys.cast(pa.int64())
    return pc.is_in(column, value_set=keys, skip_nulls=True)


def _rows(stored: Stored, cells: Ranges) -> pa.Table:
    """The rows of the tag that lie in cells of the sky."""
    tiles = stored.tiles.overlapping(cells).tolist()
    parts = [stored.read(tile, stored.schema.names, ranges=cells) for tile in tiles]
    return pa.concat_tables([stored.schema.empty_table(), *parts])


def _sorted(table: pa.Table, key: str) -> pa.Table:
    """Rows in an order that their values decide; meanings of columns are left out."""
    plain = [f.name for f in table.schema if not pa.types.is_nested(f.type) and f.name != key]
    order = [(name, "ascending") for name in (key, *plain)]
    return (
        table.sort_by(order)
        .replace_schema_metadata(None)
        .combine_chunks()
        .cast(pa.schema([pa.field(f.name, f.type) for f in table.schema]))
    )
