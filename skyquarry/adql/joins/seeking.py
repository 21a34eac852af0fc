"""Few rows of one table tell which of the others matter: these are sought by key, as by an index.

Of tables that stay in memory, inner joins by keys need not pass over all rows. The table of which
its own conditions leave the fewest is asked first. Its keys are sought in the order of those that
they must equal (`keyorder`), the keys of the rows found there in the next, while few are found.
What is found stands in the place of its table: among it are all rows that can be in the answer, and
every condition is asked of them as it was written, so that the answer is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skyquarry.adql.database.hot import Held, is_plain
from skyquarry.adql.database.keyorder import is_whole, keys_of
from skyquarry.adql.joins.joinplan import local
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.tables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from skyquarry.adql.joins.flat import Flat
    from skyquarry.adql.joins.joinplan import Sized
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Equal

_FEW: Final = 32
"""One in so many rows of a table, or fewer, is sought; of more, the database passes over all."""
_WORTH: Final = 200_000
"""Rows in the tables where rows are sought; over fewer the database is sooner than asked twice."""
_MOODY: Final = "random("
"""What may be asked of a row only once."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the keys are that are sought, and in what: names of tables in SQL, and columns."""

    by: tuple[str, str]
    of: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seeking:
    """Which table is asked first, and where its keys lead."""

    first: str
    sql: str
    """Gives its rows, less those that its own conditions leave out."""
    steps: tuple[Step, ...]

    def fewer(self, rows: pa.Table, reads: Sequence[GivenRead]) -> list[GivenRead]:
        """The tables with the rows that can matter, those of the first being these."""
        tables = {read.name: read.table for read in reads}
        found = {self.first: rows}
        for step in self.steps:
            if step.by[0] in found and step.of[0] not in found:
                some = _sought(tables[step.of[0]], step.of[1], found[step.by[0]][step.by[1]])
                if some is not None:
                    found[step.of[0]] = some
        return [_with(read, found) for read in reads]


def _sought(table: Given, column: str, keys: pa.ChunkedArray) -> pa.Table | None:
    """The rows of a table that have these keys in a column; None where they are not few."""
    few = table.rows // _FEW
    return table.sought(column, keys_of(keys), few) if isinstance(table, Held) else None


def _with(read: GivenRead, found: Mapping[str, pa.Table]) -> GivenRead:
    if read.name not in found:
        return read
    return GivenRead(read.name, Given(read.name, found[read.name]), read.columns)


def seeking(flat: Flat, sized: Sequence[Sized], reads: Sequence[Read]) -> Seeking | None:
    """What is sought in the tables of a join; None where nothing is, or it is not worth it."""
    given = {part.scan: reads[part.scan] for part in flat.parts}
    tables = {scan: read for scan, read in given.items() if isinstance(read, GivenRead)}
    lead = min(sized, key=lambda each: (each.rows, each.alias))
    scan = next(part.scan for part in flat.parts if part.alias == lead.alias)
    if scan not in tables or not all(map(is_plain, tables[scan].table_here().schema.types)):
        return None
    ways = list(_ways(flat, scan, lead.rows, tables))
    if sum(tables[of].table.rows for _, (of, _) in ways) < _WORTH:
        return None
    steps = [
        Step((tables[by].name, column), (tables[of].name, other))
        for (by, column), (of, other) in ways
    ]
    tests = [test for test in local(flat, lead.alias) if _MOODY not in test]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    name = tables[scan].name
    sql = f"SELECT {lead.alias}.* FROM {name} AS {lead.alias}{where}"
    return Seeking(name, sql, tuple(steps))


def _ways(flat: Flat, first: int, rows: float, tables: Mapping[int, GivenRead]) -> Iterator[Equal]:
    """From keys of the first table, and of those that these lead to, to what must equal them."""
    pairs = [pair for truth in flat.truths for pair in truth.equal]
    left, grown = {first: rows}, True
    while grown:
        grown = False
        for pair in pairs:
            (by, column), (of, other) = pair
            if by in left and of in tables.keys() - left.keys() and _is_key(tables[by], column):
                found = _rows_found(tables[of].table, other, left[by])
                if found * _FEW <= tables[of].table.rows:
                    left[of], grown = found, True
                    yield pair


def _is_key(read: GivenRead, column: str) -> bool:
    return is_whole(read.table.schema.field(column).type)


def _rows_found(table: Given, column: str, keys: float) -> float:
    """In how many rows so many keys will be found, about; infinite where they are not sought."""
    if not isinstance(table, Held) or keys * _FEW > table.rows:
        return math.inf
    order = table.order(column)
    return math.inf if order is None else keys * order.rows_a_key
