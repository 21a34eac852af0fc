"""The two sides of a join on position: the rows that fulfil the conditions on each table alone.

They are held in memory, so that only those in pairs have to go to the database; rows that take more
than their share of the query's memory become a table of the database, which may spill it to disk.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.database.room import BATCH_ROWS, NoRoomError, gathered
from skyquarry.adql.joins.flat import owners
from skyquarry.adql.joins.joinplan import Sized, local
from skyquarry.adql.kinds import quoted
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.running.texts import replaced
from skyquarry.engine.executors import cpu_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.adql.joins.joinplan import Plan
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Band

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_NUMBER: Final = "~row"
"""The column that numbers rows, unless theirs has that name already."""
_TIMES: Final = 4
"""There are two sides, if they are not the same, and each is held again in the order of the sky."""
_NARROW: Final = 16
"""A side so many times smaller than the other tells which part of the other's sky is read."""
_FEW: Final = 50_000


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one table that count."""

    sized: Sized
    asked: tuple[str, ...]
    """The SQL of its numbers: of position and bands."""
    held: pa.Table | None
    """The rows; None where they are a table of the database."""
    number: str
    """The column that numbers the rows."""
    row: Ints | None
    """(n,) numbers of those that have a position; None where all have, and these are from 0 on."""
    ra_deg: Floats
    dec_deg: Floats
    values: tuple[Floats, ...]
    """(n,) each: numbers that must be near those of the other side."""

    def __len__(self) -> int:
        return len(self.ra_deg)

    def numbers(self, at: Ints) -> Ints:
        """The numbers of some of those that have a position."""
        return at if self.row is None else self.row[at]

    @property
    def key(self) -> str:
        """That column, in SQL."""
        return quoted(self.number)

    def handed(self, rows: Ints | None, connection: Any) -> Sized:
        """The side as the database joins it: of rows that are held some only, or all."""
        if self.held is None:
            return self.sized
        from skyquarry.catalog.arrow import from_numpy

        number = np.arange(self.held.num_rows) if rows is None else np.unique(rows)
        held = self.held if rows is None else _taken(self.held, number)
        name = f"met_{self.sized.alias}"
        connection.register(name, held.append_column(self.number, from_numpy(number)))
        sql, count = f"{name} AS {self.sized.alias}", float(len(number))
        return replace(self.sized, sql=sql, rows=count, whole=count)


def _taken(held: pa.Table, number: Ints) -> pa.Table:
    """The rows of these numbers, ascending: of each batch by itself, as Arrow would join all."""
    import pyarrow as pa

    from skyquarry.catalog.arrow import from_numpy

    batches = held.to_batches()
    ends = np.cumsum([len(each) for each in batches], dtype=np.int64)
    cut = np.searchsorted(number, ends)
    parts = [
        each.take(from_numpy(number[low:high] - (end - len(each))))
        for each, end, low, high in zip(batches, ends, [0, *cut][: len(cut)], cut, strict=True)
        if low < high
    ]
    return pa.Table.from_batches(parts, held.schema)


def _unlike(name: str, others: Sequence[str]) -> str:
    """A name that no other column has, in any case of its letters."""
    taken = {each.lower() for each in others}
    while name in taken:
        name += "~"
    return name


def sides(
    plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any, radius_arcsec: float
) -> list[Side]:
    """The two sides; the smaller one is read first, as it may tell where the other is read."""
    by_alias = {each.alias: each for each in sized}
    first, second = sorted(plan.aliases, key=lambda alias: by_alias[alias].rows)
    same = _same(plan, first, second, reads) and _asked(plan, first) == _asked(plan, second)
    room = plan.room_bytes / _TIMES * (2 if same else 1)
    made = {first: _side(plan, by_alias[first], reads, connection, room)}
    if same:
        made[second] = _again(made[first], second)
        return [made[alias] for alias in plan.aliases]
    around, rows = "", len(made[first])
    if rows <= _FEW and rows * _NARROW < by_alias[second].rows:
        around = _around(made[first], _read(plan, second, reads), radius_arcsec)
    made[second] = _side(plan, by_alias[second], reads, connection, room, around)
    return [made[alias] for alias in plan.aliases]


def _again(side: Side, alias: str) -> Side:
    """The same rows as another use of their table."""
    table = side.sized.sql.partition(" AS ")[0]
    return replace(side, sized=replace(side.sized, alias=alias, sql=f"{table} AS {alias}"))


def _read(plan: Plan, alias: str, reads: Sequence[Read]) -> Read:
    return next(reads[part.scan] for part in plan.join.flat.parts if part.alias == alias)


def _side(
    plan: Plan,
    sized: Sized,
    reads: Sequence[Read],
    connection: Any,
    room: float,
    source: str = "",
) -> Side:
    """One side; `room`: the bytes that it may take here, `source`: of what rows, if not of all."""
    alias, read = sized.alias, _read(plan, sized.alias, reads)
    asked = _asked(plan, alias)
    tests = " AND ".join(local(plan.join.flat, alias))
    rows = f"{source or _source(read)} AS {alias}{f' WHERE {tests}' if tests else ''}"
    names = _names(read)
    columns = ", ".join(f"{alias}.{quoted(name)}" for name in names)
    number = _unlike(_NUMBER, names)
    found = None
    if sized.rows * (_width(read) + 8.0 * len(asked)) <= room:
        named = {f"{alias}.{quoted(each.name)}": each for each in _fields(read)}
        found = _gathered(columns, named, _own(asked, alias), rows, connection, room)
    if found is None:
        table = f"met_{alias}"
        if _unlike("rowid", names) == "rowid":  # the database's own, which costs nothing
            number = "rowid"
        else:
            columns += f", row_number() OVER () AS {quoted(number)}"
        connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM {rows}")
        sized = replace(sized, sql=f"{table} AS {alias}")
        key, whole = f"{alias}.{quoted(number)}", f"{table} AS {alias}"
        found = _gathered(key, {key: None}, _own(asked, alias), whole, connection, room)
        if found is None:
            raise NoRoomError
        held = None
        row: Ints | None = np.asarray(found[0].column(0).to_numpy(), np.int64)
    else:
        held, row = found[0], None
    ra, dec, *values = found[1]
    count = float(len(ra))
    if not all(map(_finite, (ra, dec))):
        there = np.isfinite(ra) & np.isfinite(dec)
        row = np.flatnonzero(there) if row is None else row[there]
        ra, dec, *values = (each[there] for each in (ra, dec, *values))
    sized = replace(sized, rows=count, whole=count)
    return Side(sized, asked, held, number, row, *_on_sphere(ra, dec), tuple(values))


def _source(read: Read) -> str:
    """What stands in a FROM for a table: its name, or what reads its files."""
    if isinstance(read, GivenRead) or read.by_engine or not read.files():
        return read.name
    return f"({read.select(read.files())})"


def _own(asked: tuple[str, ...], alias: str) -> list[str]:
    """The SQL of a side's numbers, in its own name."""
    return [replaced(sql, {"t": alias}) for sql in asked]


def _gathered(
    columns: str,
    named: dict[str, pa.Field | None],
    asked: list[str],
    rows: str,
    connection: Any,
    room: float,
) -> tuple[pa.Table, list[Floats]] | None:
    """Columns of rows, `named` by their SQL, and numbers of each row; None where they take more."""
    import pyarrow as pa

    doubles = [each is not None and each.type == pa.float64() for each in named.values()]
    at = {sql: i for i, sql in enumerate(named) if doubles[i]}
    more = [sql for sql in dict.fromkeys(asked) if sql not in at]
    at |= {sql: len(named) + i for i, sql in enumerate(more)}
    listed = [columns, *(f'CAST({sql} AS DOUBLE) AS "~{i}"' for i, sql in enumerate(more))]
    reader = connection.sql(f"SELECT {', '.join(listed)} FROM {rows}").to_arrow_reader(BATCH_ROWS)
    found = gathered(reader, room)
    if found is None:
        return None
    with ThreadPoolExecutor(cpu_count()) as pool:
        numbers = list(pool.map(_floats, (found.column(at[sql]) for sql in asked)))
    return found.select(range(len(named))), numbers


def _names(read: Read) -> tuple[str, ...]:
    """The columns that the query names; one at least."""
    if isinstance(read, GivenRead):
        return tuple(read.table_here().schema.names)
    return read.columns


def _fields(read: Read) -> list[pa.Field]:
    """These columns."""
    schema = read.table_here().schema if isinstance(read, GivenRead) else read.scan.schema
    return [schema.field(name) for name in _names(read)]


def _width(read: Read) -> float:
    """About how many bytes a row takes."""
    from skyquarry.engine.scan import width_of

    return sum(width_of(each.type) for each in _fields(read))


def _same(plan: Plan, one: str, other: str, reads: Sequence[Read]) -> bool:
    """Whether two uses of a table have the same rows and columns after their own conditions."""
    a, b = (_read(plan, alias, reads) for alias in (one, other))
    if a.table is not b.table and not _same_stored(a, b):
        return False
    tests = [sorted(local(plan.join.flat, alias)) for alias in (one, other)]
    if any("'" in test for each in tests for test in each):
        return False
    plain = [[test.replace(f"{alias}.", "t.") for test in each] for alias, each in
             zip((one, other), tests, strict=True)]  # fmt: skip
    return plain[0] == plain[1] and set(_names(a)) == set(_names(b))


def _same_stored(a: Read, b: Read) -> bool:
    if isinstance(a, GivenRead) or isinstance(b, GivenRead):
        return False
    roots = {each.source.stored.folder.root for each in (a, b)}
    return len(roots) == 1 and a.table.catalog.cut == b.table.catalog.cut and a.narrow == b.narrow


def _asked(plan: Plan, alias: str) -> tuple[str, ...]:
    """The SQL of a side's ra, dec and number of each band, the side being called t."""
    assert plan.near is not None
    point = plan.near.one if plan.aliases[0] == alias else plan.near.other
    terms = (*point.parts, *(turned(band, alias).one for band in bands(plan)))
    return tuple(replaced(term.sql, {alias: "t"}) for term in terms)


def _floats(column: Any) -> Floats:
    """A column as float64, NaN for NULL."""
    from skyquarry.catalog.arrow import to_numpy

    return np.asarray(to_numpy(column), np.float64)


def _finite(numbers: Floats) -> bool:
    """Whether all are, without room for an answer of each."""
    return not len(numbers) or bool(np.isfinite([numbers.min(), numbers.max()]).all())


def _on_sphere(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Right ascensions from 0 to 360; what lies beyond a pole where sine and cosine have it."""
    if len(ra_deg) and not -90.0 <= dec_deg.min() <= dec_deg.max() <= 90.0:
        from skyquarry.sky.vectors import to_radec

        beyond = np.abs(dec_deg) > 90.0
        lon, lat = np.radians(ra_deg[beyond]), np.radians(dec_deg[beyond])
        xyz = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        ra_deg, dec_deg = ra_deg.copy(), dec_deg.copy()
        ra_deg[beyond], dec_deg[beyond] = to_radec(np.column_stack(xyz))
    if len(ra_deg) and not (ra_deg.min() >= 0.0 and ra_deg.max() < 360.0):
        ra_deg = np.mod(ra_deg, 360.0)
        ra_deg[ra_deg >= 360.0] = 0.0
    return ra_deg, dec_deg


def _around(side: Side, read: Read, radius_arcsec: float) -> str:
    """The rows of a catalogue that lie near those of a small side: the others' tiles stay unread.

    Empty where that cannot be said.
    """
    if isinstance(read, GivenRead) or read.by_engine or read.spatial is None:
        return ""
    from skyquarry.adql.pixelsql import near_select
    from skyquarry.sky import healpix
    from skyquarry.sky.dilation import around

    ranges = around(healpix.index(side.ra_deg, side.dec_deg), radius_arcsec)
    return near_select(read, ranges)


# ---------------------------------------------------------------- bands
def bands(plan: Plan) -> list[Band]:
    """Numbers of the two sides that have to be near each other."""
    ends = set(plan.aliases)
    found = []
    for truth in plan.join.flat.truths:
        if truth.band is not None:
            pair = [owners(truth.band.one.free), owners(truth.band.other.free)]
            if all(len(each) == 1 for each in pair) and set().union(*pair) == ends:
                found.append(truth.band)
    return found


def turned(band: Band, alias: str) -> Band:
    """A band whose first number is of this table."""
    if owners(band.one.free) == {alias}:
        return band
    return replace(band, one=band.other, other=band.one)
