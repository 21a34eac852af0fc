"""Small tables stay in memory: what is asked again and again of some MB is read once.

A spectrum's row is one of 35,000, a line's one of 400,000: to ask their files takes the database
longer than to look at the values. So the columns that queries ask of a small table are held from
the second time on, as Arrow arrays, and the database reads these. They are those of the files that
lie there now: each time every file is looked at, and what was written anew, or is gone, is not
answered from here. All together take 64 MiB at most; what was not asked for longest goes first.
Where few rows of a column of keys are sought (`joins.seeking`), their order is held beside it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.database.keyorder import KeyOrder, is_whole
from skyquarry.adql.reads import GivenRead, StoredRead
from skyquarry.adql.recall import Recall
from skyquarry.adql.tables import Given
from skyquarry.catalog.arrow import taken
from skyquarry.catalog.filemark import Mark, mark_of
from skyquarry.engine.scan import width_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from skyquarry.adql.database.keyorder import Ints
    from skyquarry.adql.reads import PartRead
    from skyquarry.catalog.stored import Stored as StoredCatalog
    from skyquarry.engine.source import Source

_MOST_BYTES: Final = 64 << 20
"""Of all columns that are held; a query that has no other limit may use 64 times as much."""
_TABLE_BYTES: Final = 16 << 20
"""Of the columns that a query asks of one table."""
_TABLE_ROWS: Final = 500_000
_FILES: Final = 64
"""Each of them is looked at whenever the table is asked."""
_SHARE: Final = 4
"""A query that reads less than this part of a table reads its files: it is through with few."""
_NAMES: Final = 4_096
"""Columns that are known to have been asked."""
_VECTOR: Final = 65_536
"""Rows that one thread of the database takes at a time."""

_Marks = tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query asks of one table, however often it names it."""

    source: Source
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table, and the files that it was in."""

    marks: _Marks
    values: pa.ChunkedArray | None = None
    """In parts that threads share out. None: it was asked for once."""
    whole: pa.ChunkedArray | None = None
    """The same memory in one."""
    too_large: bool = False
    """Whether it took more than was foretold when it was read."""
    order: KeyOrder | None = None
    """Its keys in their order, once they were sought."""

    @property
    def size(self) -> int:
        own = 0 if self.values is None else int(self.values.nbytes)
        return own if self.order is None else own + self.order.size


@dataclass(frozen=True)
class Held(Given):
    """A table whose columns are held."""

    edition: str
    columns: Mapping[str, _Column]

    def sought(self, name: str, keys: Ints, most: int) -> pa.Table | None:
        """The rows with one of these keys (n,) in a column; None where they are more than that."""
        import pyarrow as pa

        order = self.order(name)
        rows = None if order is None else order.rows_of(keys, most)
        if rows is None:
            return None
        names = self.table.schema.names
        return pa.table({each: taken(self.columns[each].whole, rows) for each in names})

    def order(self, name: str) -> KeyOrder | None:
        """The order of a column's keys, held with it; None where these are no whole numbers."""
        values = self.columns[name].values
        if values is None or not is_whole(values.type):
            return None
        known = self._known(name)
        if known is not None and known.order is not None:
            return known.order
        order = KeyOrder.of(values)
        with _LOCK:
            known = self._known(name)
            if known is not None:
                _COLUMNS[self.edition, name] = replace(known, order=order)
                _let_go()
        return order

    def _known(self, name: str) -> _Column | None:
        """What is known of a column, as long as its values are these."""
        known = _COLUMNS.get((self.edition, name))
        same = known is not None and known.values is self.columns[name].values
        return known if same else None


_COLUMNS: OrderedDict[tuple[str, str], _Column] = OrderedDict()
"""By the edition of the table and the column's name, the last asked last."""
_LOCK = threading.Lock()


def in_memory(reads: Sequence[PartRead]) -> list[GivenRead] | None:
    """The same tables from memory; None where one of them is not there, and not small either."""
    asked: dict[str, _Asked] = {}
    for read in reads:
        if read.is_small:
            continue
        if not isinstance(read, StoredRead) or not _MAY_STAY(read):
            return None
        asked.setdefault(read.source.edition, _Asked(read.source)).names.update(read.columns)
    held = {edition: _columns(each) for edition, each in asked.items()}
    if not all(held.values()):
        return None
    return [here(read) if read.is_small else _held(read, held) for read in reads]


def forget_all() -> None:
    """Hold nothing."""
    with _LOCK:
        _COLUMNS.clear()


def here(read: Any) -> GivenRead:
    """A table in memory: one that was given with the query, or a small place that is read now."""
    if isinstance(read, GivenRead):
        return read
    return GivenRead(read.name, Given(read.name, read.table_here()), read.columns)


def _held(read: Any, held: Mapping[str, Mapping[str, _Column] | None]) -> GivenRead:
    """A table whose columns are held."""
    import pyarrow as pa

    edition = read.source.edition
    columns: Any = held[edition]
    table = pa.table({name: columns[name].values for name in read.columns})
    return GivenRead(read.name, Held(read.name, table, edition, columns), read.columns)


def _may_stay(read: StoredRead) -> bool:
    """Whether it is a small table, of which the database would read much, and the same values."""
    stored, names = read.source.stored, read.columns
    if read.by_engine or not stored.nan_is_null or not set(names) <= set(stored.schema.names):
        return False
    if stored.n_rows > _TABLE_ROWS or len(stored.tiles) > _FILES:
        return False
    kinds = [stored.schema.field(name).type for name in names]
    fits = stored.n_rows * sum(map(width_of, kinds)) <= _TABLE_BYTES
    much = int(read.source.rows[read.numbers].sum()) * _SHARE >= stored.n_rows
    return fits and much and all(map(is_plain, kinds))


def is_plain(kind: Any) -> bool:
    """Whether a type is the same to the database, of a file or of Arrow."""
    from pyarrow import types

    return bool(
        types.is_integer(kind)
        or types.is_float32(kind)
        or types.is_float64(kind)
        or types.is_boolean(kind)
        or types.is_string(kind)
    )


def _columns(asked: _Asked) -> dict[str, _Column] | None:
    """The columns of all rows by name; None where one of them is asked for the first time."""
    edition, marks = asked.source.edition, _marks(asked.source.stored)
    if marks is None:
        return None
    found: dict[str, _Column] = {}
    again = True
    with _LOCK:
        for name in asked.names:
            known = _COLUMNS.get((edition, name))
            if known is None or known.marks != marks:
                known, again = _Column(marks), False
            found[name] = known
            again = again and not known.too_large
            _put((edition, name), known)
    lacking = [name for name, each in found.items() if each.values is None]
    if not again or (lacking and not _read(asked.source, lacking, marks, found)):
        return None
    return found


def _read(source: Source, names: list[str], marks: _Marks, found: dict[str, _Column]) -> bool:
    """Columns of all rows, held from now on; False where they are more than was told, or others."""
    import pyarrow as pa

    stored = source.stored
    table = pa.concat_tables([stored.read(tile, names) for tile in range(len(stored.tiles))])
    if _marks(stored) != marks:
        return False
    if table.nbytes > _TABLE_BYTES:
        with _LOCK:
            for name in names:
                _put((source.edition, name), _Column(marks, too_large=True))
        return False
    whole = table.combine_chunks()
    even = pa.Table.from_batches(whole.to_batches(max_chunksize=_VECTOR), whole.schema)
    found.update({name: _Column(marks, even[name], whole[name]) for name in names})
    with _LOCK:
        for name in names:
            _put((source.edition, name), found[name])
        _let_go()
    return True


def _marks(stored: StoredCatalog) -> _Marks | None:
    """What tells the files of a table as they lie there now; None where one is gone."""
    try:
        return tuple(map(mark_of, _PATHS(stored)))
    except OSError:
        return None


def _paths(stored: StoredCatalog) -> list[str]:
    """The files of a table."""
    files = (rel for tile in range(len(stored.tiles)) for rel in stored.files(tile))
    return [stored.folder.path(rel) for rel in files]


_MAY_STAY: Final[Recall[bool]] = Recall(_may_stay, most=128)
_PATHS: Final[Recall[list[str]]] = Recall(_paths, most=64)


def _put(key: tuple[str, str], column: _Column) -> None:
    """As the last asked; the lock is held."""
    _COLUMNS[key] = column
    _COLUMNS.move_to_end(key)
    while len(_COLUMNS) > _NAMES:
        _COLUMNS.popitem(last=False)


def _let_go() -> None:
    """Of those not asked for longest, until the others have room; the lock is held."""
    left = sum(each.size for each in _COLUMNS.values()) - _MOST_BYTES
    for key in list(_COLUMNS):
        if left <= 0:
            return
        left -= _COLUMNS[key].size
        if _COLUMNS[key].size:
            del _COLUMNS[key]
