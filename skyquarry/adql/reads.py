"""What of each table a query reads: tiles by its region and bounds, columns by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.adql.kinds import literal, quoted
from skyquarry.adql.partreads import FileRead, PieceRead
from skyquarry.adql.pixelsql import within
from skyquarry.adql.tables import Given, Plain, Stored
from skyquarry.engine.cost import Cost
from skyquarry.engine.scan import Scan
from skyquarry.engine.tags import tag_with
from skyquarry.errors import QueryError
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from skyquarry.adql.scanned import Scanned
    from skyquarry.adql.terms import Narrow
    from skyquarry.engine.source import Source
    from skyquarry.engine.tags import Tag

_MUCH = 250_000
"""Rows of a scan that is read from a tag: small places are sought in the smaller row groups."""
_WHOLE = 4_096
"""A catalogue of so many files may be opened whole: the database then serves other queries too."""


def read_of(scanned: Scanned) -> Read:
    """How a table of a query is read."""
    table = scanned.table
    lower: dict[str, str] = {}
    for name in scanned.columns:
        other = lower.setdefault(name.lower(), name)
        if other != name:
            raise QueryError(
                f"the columns {other} and {name} of {table.name} differ in case only, and the "
                "database takes them for one: ask for them in two queries"
            )
    if isinstance(table, Given):
        return GivenRead(scanned.name, table, tuple(scanned.columns))
    assert isinstance(table, Stored)
    return StoredRead(scanned.name, table, tuple(scanned.columns), scanned.narrow)


@dataclass(frozen=True)
class GivenRead:
    """A table in memory."""

    name: str
    table: Given
    columns: tuple[str, ...]

    is_small = True
    """Whether its rows are in memory, or soon are."""

    def table_here(self) -> pa.Table:
        """The columns that are named; one at least, to count rows by."""
        return self.table.select(list(self.columns) or self.table.schema.names[:1])

    def standing(self, dialect: str) -> str:
        """The SQL that stands for it in a query that is printed: a table of its name."""
        if dialect == "duckdb" and isinstance(self.table, Plain):
            listed = ", ".join(quoted(name) for name in self.columns or self.table.shown[:1])
            return f"SELECT {listed} FROM read_parquet({literal(self.table.path)})"
        if dialect == "duckdb":
            raise QueryError(
                f"the table {self.table.name} is in this process's memory, where no other can read "
                "it: write it to a file, or build a catalogue of it"
            )
        columns = self.columns or self.table.shown[:1]
        return _of_table(self.table.name, [quoted(name) for name in columns])

    def cost(self) -> Cost:
        """Nothing is read from disk."""
        rows = self.table.rows
        return Cost(0, rows, 0, rows, 0.0)

    def explain(self) -> list[str]:
        """One line."""
        where = (
            "kept without positions" if isinstance(self.table, Plain) else "given with the query"
        )
        return [f"table {self.table.name}, {where}: {self.cost().rows:,} rows"]


@dataclass(frozen=True)
class StoredRead:
    """A catalogue: its tiles that can hold rows that matter."""

    name: str
    table: Stored
    named: tuple[str, ...]
    narrow: Narrow
    barren: bool = False
    """Whether none of its rows matters, as what they are joined with has none."""
    instead_of: Stored | None = None
    """The table that the query names, where a tag of the rows of it that matter is read."""

    @property
    def source(self) -> Source:
        """What the engine knows of the catalogue."""
        return self.table.source

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read; one at least, to count rows by."""
        if self.named:
            return self.named
        names = self.source.stored.schema.names
        return (self.spatial or names[0],)

    @cached_property
    def spatial(self) -> str | None:
        """The stored column of order-29 pixels; None where there is none."""
        spatial = self.source.stored.spatial
        return spatial.column if spatial.exact else None

    @cached_property
    def scan(self) -> Scan:
        """The engine's scan: what its owner cut, and what the query asks."""
        # columns at another epoch are not stored: a cut that moves its rows adds them by itself
        stored = tuple(name for name in self.columns if name in self.source.schema.names)
        cut = self.table.catalog.cut.only(columns=stored)
        if self.narrow.region is not None:
            cut = cut.within(self.narrow.region)
        return Scan(self.source, cut)

    @cached_property
    def numbers(self) -> list[int]:
        """The tiles that are read."""
        if self.barren:
            return []
        found = self.scan.numbers
        if self.narrow.bounds and len(found) > 1 and self.source.statistics:
            found = found[self.source.admitted(self.narrow.bounds)[found]]
        return [int(each) for each in found]

    @property
    def by_engine(self) -> bool:
        """Whether the engine reads the rows.

        It does where they are far away, cut by the catalogue's owner, or have columns whose names
        differ in case only, which the database would take for one.
        """
        return self.table.cut or not self.source.stored.folder.local or self._has_twins

    @cached_property
    def _has_twins(self) -> bool:
        lower = [name.lower() for name in self.source.stored.schema.names]
        return any(lower.count(name.lower()) > 1 for name in self.columns)

    @property
    def is_small(self) -> bool:
        """Whether it is nothing, or a small place in a few tiles: read at once, in this thread."""
        return not self.numbers or (self.scan.is_small and not self.table.cut)

    @property
    def may_have_tag(self) -> bool:
        """Whether it is large enough to look for one."""
        return not self.by_engine and int(self.source.rows[self.numbers].sum()) >= _MUCH

    @cached_property
    def tag(self) -> Tag | None:
        """The tag whose files the database reads instead: its tiles are of the same."""
        return self._current_tag()

    def has_current_tag(self, among: Iterable[Source]) -> bool:
        """Whether it is the same now, of those beside its catalogue: tags come and go."""
        now, then = self._current_tag(among), self.tag
        return now is then or (now is not None and then is not None and now.stored is then.stored)

    def _current_tag(self, among: Iterable[Source] | None = None) -> Tag | None:
        if not self.may_have_tag:
            return None
        found = tag_with(self.source, self.columns, self.narrow.bounds, among)
        return found if found is not None and found.rows[self.numbers].any() else None

    @property
    def rows(self) -> int:
        """The rows of its tiles that are read."""
        return self.rows_in(self.numbers)

    def rows_in(self, numbers: Sequence[int]) -> int:
        """The rows of some tiles: of a tag those that it has."""
        rows = self.source.rows if self.tag is None else self.tag.rows
        return int(rows[list(numbers)].sum())

    # ------------------------------------------------------------ in parts
    @property
    def in_parts(self) -> bool:
        """Whether its rows may be read in parts: an owner's limit is one of the whole."""
        return self.scan.cut.limit is None

    @property
    def has_places(self) -> bool:
        """Whether the database can tell from a stored column where a row lies."""
        return self.spatial is not None and not self.by_engine and not self.scan.outlying

    def of_tiles(self, numbers: Sequence[int]) -> FileRead | PieceRead:
        """The same of some of its tiles."""
        if self.by_engine:
            pieces = tuple(self.scan.piece(each, inside=self._is_inside(each)) for each in numbers)
            return PieceRead(self.name, self.scan.reader, pieces, self.scan.schema)
        files = self.files(numbers)
        if not files:
            return self._nothing
        sql = self._reading(files, [self._ranges_sql(numbers)])
        return self._file_read(sql, files)

    def _file_read(self, sql: str, files: list[str]) -> FileRead:
        may_open, editions = self.may_open, self.editions
        return FileRead(self.name, sql, tuple(files), may_open, self.columns, editions)

    def pixels(self, numbers: Sequence[int]) -> Ranges:
        """The pixels of order 29 where rows of some of its tiles may matter."""
        tiles = self.source.tiles
        found = Ranges(tiles.starts[list(numbers)], tiles.stops[list(numbers)])
        touched = self.scan.touched
        return found if touched is None or self.scan.outlying else found & touched

    def along(self, pixels: Ranges) -> FileRead | PieceRead:
        """The same of these pixels; `has_places` must be so."""
        tiles, numbers = self.source.tiles, np.asarray(self.numbers, np.int64)
        touching = np.intersect1d(tiles.overlapping(pixels), numbers).tolist()
        files = self.files(touching)
        if not files:
            return self._nothing
        whole = pixels.covers(tiles.starts[touching], tiles.stops[touching]).all()
        cut = "" if whole else within(quoted(str(self.spatial)), pixels)
        sql = self._reading(files, [cut, self._ranges_sql(touching)])
        return self._file_read(sql, files)

    @property
    def _nothing(self) -> PieceRead:
        return PieceRead(self.name, self.scan.reader, (), self.scan.schema)

    @cached_property
    def may_open(self) -> tuple[str, ...]:
        """The files that its database may open: of a large catalogue those that are read."""
        few = len(self.source.tiles) <= _WHOLE
        some = range(len(self.source.stored.tiles)) if few else self.numbers
        own = self.own_files(some)  # where a small place is sought, tag or no tag
        return tuple(own if self.tag is None else [*self.files(some), *own])

    @cached_property
    def editions(self) -> tuple[str, ...]:
        """What the files are of: the catalogue, and its tag."""
        own = (self.source.edition,)
        return own if self.tag is None else (self.tag.edition, *own)

    def _is_inside(self, number: int) -> bool:
        return bool(self.scan.inside[np.searchsorted(self.scan.numbers, number)])

    def table_here(self) -> pa.Table:
        """The rows of the pixels that the region touches, read in this thread."""
        import pyarrow as pa

        stored, bounds = self.source.stored, self.narrow.bounds or None
        parts = [
            stored.read(tile, self.columns, ranges=self.scan.touched, bounds=bounds)
            for tile in self.numbers
        ]
        return pa.concat_tables(parts) if parts else self.scan.schema.empty_table()

    def standing(self, dialect: str) -> str:
        """The SQL that stands for it in a query that is printed: its files, or a table."""
        if self.instead_of is not None and (dialect != "duckdb" or not len(self.source.tiles)):
            return replace(self, table=self.instead_of, instead_of=None).standing(dialect)
        if self.table.cut:
            raise QueryError(
                f"the catalogue {self.table.name} was cut before it was given, and what was cut "
                "has no form in SQL: give it whole, and say the cut in WHERE"
            )
        here = self.source.stored
        if dialect == "duckdb" and len(here.tiles):
            some = self.files() or [here.folder.path(here.files(0)[0])]
            return self.select(some) if self.numbers else f"{self.select(some)} LIMIT 0"
        found = _of_table(self.table.catalog.name, [self._column(name) for name in self.columns])
        ranges = self._ranges_sql() if self.numbers else "FALSE"
        return f"{found} WHERE {ranges}" if ranges else found

    def files(self, numbers: Sequence[int] | None = None) -> list[str]:
        """The Parquet files of the tiles, or of some of them."""
        some = self.numbers if numbers is None else numbers
        if self.tag is not None:
            return [path for tile in some for path in self.tag.files(tile)]
        return self.own_files(some)

    def own_files(self, tiles: Iterable[int]) -> list[str]:
        """Those of some tiles in the catalogue itself, tag or no tag."""
        stored = self.source.stored
        return [stored.folder.path(rel) for tile in tiles for rel in stored.files(tile)]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, read by the engine."""
        from skyquarry.engine.plan import Limit, Plan

        limit = self.scan.cut.limit
        root: Any = self.scan if limit is None else Limit(self.scan, limit)
        return Plan(root).stream()

    def select(self, files: list[str]) -> str:
        """The SQL that reads the columns of the files."""
        return self._reading(files, [self._ranges_sql()])

    def _reading(self, files: list[str], tests: list[str]) -> str:
        listed = ", ".join("'" + each.replace("'", "''") + "'" for each in files)
        columns = ", ".join(self._column(name) for name in self.columns)
        test = " AND ".join(f"({each})" for each in tests if each)
        return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)" + (
            f" WHERE {test}" if test else ""
        )

    def _column(self, name: str) -> str:
        """A column; NaN is NULL, in trees of others as in ours."""
        field = self.source.schema.field(name)
        if self.source.stored.nan_is_null or not _is_float(field.type):
            return quoted(name)
        column = quoted(name)
        return f"CASE WHEN NOT isnan({column}) THEN {column} END AS {column}"

    def _ranges_sql(self, numbers: Sequence[int] | None = None) -> str:
        """What leaves row groups unread: the pixels that the region touches, of some tiles."""
        touched = self.scan.touched
        if touched is None or self.spatial is None or self.scan.outlying:
            return ""
        if all(map(self._is_inside, numbers)) if numbers is not None else self.scan.inside.all():
            return ""
        if numbers is not None:
            tiles = self.source.tiles
            touched = touched & Ranges(tiles.starts[list(numbers)], tiles.stops[list(numbers)])
        return within(quoted(self.spatial), touched)

    def cost(self) -> Cost:
        """By the engine's prediction for its scan, less the tiles that bounds leave out."""
        whole = self.scan.cost()
        share = len(self.numbers) / max(len(self.scan), 1)
        return Cost(
            len(self.numbers),
            int(whole.rows * share),
            int(whole.bytes * share),
            int(whole.rows_out * share),
            whole.seconds * share,
        )


Read = GivenRead | StoredRead
PartRead = GivenRead | StoredRead | FileRead | PieceRead
"""What one part of a query may read."""


def _of_table(name: str, columns: list[str]) -> str:
    return f"SELECT {', '.join(columns)} FROM {quoted(name)}"


def _is_float(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind))
