"""What is known by an id: where a row lies, and the groups that rows are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.errors import UserError
from skyquarry.match.runs.rowsource import Resident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog
    from skyquarry.match.runs.identification import Identification

    Ints = NDArray[np.int64]


def as_catalogued(row_id: Any, kind: pa.DataType) -> Any:
    """The id in the catalogue's own type.

    Tables of catalogues whose ids are of several types have them as text.

    >>> as_catalogued("4472832130942575872", pa.int64())
    4472832130942575872
    """
    if isinstance(row_id, str) and pa.types.is_integer(kind) and row_id.lstrip("-").isdecimal():
        return int(row_id)
    return row_id


def located(made: Identification, number: int, row_id: Any) -> Ints:
    """Order-29 pixels of the rows of catalogue `number` with this id, ascending."""
    if isinstance(made.source, Resident):
        rows = made.source.held[number]
        return rows.spatial[_places(rows.ids, row_id)]
    side = made.plan.sides[number]
    if side.in_memory:
        table = side.read(None, [str(side.roles.id), SPATIAL])
        at = _places(table.column(str(side.roles.id)), row_id)
        return np.asarray(to_numpy(table.column(SPATIAL)))[at]
    if side.roles.id == SPATIAL:
        return np.array([row_id], np.int64)
    found = rows_with_ids(side, [row_id]).select([SPATIAL]).to_table()
    return np.sort(to_numpy(found.column(SPATIAL)))


def rows_with_ids(side: Any, ids: list[Any]) -> Catalog:
    """The rows of a catalogue on disk that have these ids."""
    from skyquarry.engine.catalog import Catalog

    return Catalog(side.source, side.cut).ids(ids)


def groups_with(groups: pa.Table, name: str, ids: Iterable[Any]) -> pa.Table:
    """The groups that hold rows of the catalogue `name` with these ids, in the order of the ids.

    Ids that no group holds are left out; a group is told once for each id that it was asked by.
    """
    column = groups.column(f"{name}_id")
    wanted = _wanted(ids, column.type)
    mine = groups.filter(pc.is_in(column, value_set=wanted))
    order = to_numpy(pc.index_in(mine.column(f"{name}_id"), value_set=wanted).cast(pa.int64()))
    return mine.take(from_numpy(np.argsort(order, kind="stable")))


def _wanted(ids: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """The ids, each once, in the type of a column. Raises UserError where they are of another."""
    given = [as_catalogued(each, kind) for each in to_list(ids)]
    try:
        return pc.unique(pa.array(given, kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as problem:
        raise UserError(
            f"the ids begin with {given[:1]}, but ids of type {kind} are needed ({problem}): give "
            "them as the catalogue has them"
        ) from None


def to_list(ids: Iterable[Any] | Any) -> list[Any]:
    """Ids of any sequence, Arrow or numpy array, as a plain list; one id by itself is a list."""
    if isinstance(ids, str | bytes | int):
        return [ids]
    if isinstance(ids, pa.Array | pa.ChunkedArray):
        return list(ids.drop_null().to_pylist())
    return list(np.asarray(ids).tolist()) if isinstance(ids, np.ndarray) else list(ids)


def _places(ids: Any, row_id: Any) -> Ints:
    """Where an id stands; nowhere, where it is of another kind than the ids."""
    try:
        wanted = pa.scalar(row_id, ids.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError):
        return np.empty(0, np.int64)
    found = pc.indices_nonzero(pc.equal(ids, wanted).fill_null(False))
    return np.asarray(to_numpy(found), np.int64)
