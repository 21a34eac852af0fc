"""Joins on position by the matcher: the rows of both tables that count, then pairs of them.

What narrows each side comes first: the rows that fulfil the conditions on one table alone become a
table of the database, a row's number its `rowid`. The matcher finds the pairs within the radius and
hands them on a roomful at a time; of a table with itself each pair both ways, and each row with
itself, as SQL means it. Where two numbers of a pair may differ by little only, as colours do, the
others go before they reach the database. Whatever is left is tested by the SQL as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.flat import Flat, owners
from skyquarry.adql.joinplan import Sized, local
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.running.texts import replaced
from skyquarry.engine.executors import cpu_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.adql.joinplan import Plan
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Band, Truth

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_WIDER_ARCSEC: Final = 1e-5
"""The SQL decides what lies at the very rim."""
_ROOM: Final = 1 << 21
_HELD: Final = 1 << 23
"""Pairs up to which they are all found before the joins are ordered; more of them stream."""
_WIDEST_ARCSEC: Final = 36_000.0
"""Up to which numbers are looked at while pairs are found: zones of the sky narrow no more down."""
_NARROW: Final = 16
"""A side so many times smaller than the other tells which part of the other's sky is read."""
_FEW: Final = 50_000


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one table that count."""

    sized: Sized
    table: str
    """Its name in the database."""
    asked: tuple[str, ...]
    """The SQL of its numbers: of position and bands."""
    row: Ints
    """(n,) `rowid` of those that have a position."""
    ra_deg: Floats
    dec_deg: Floats
    values: tuple[Floats, ...]
    """(n,) each: numbers that must be near those of the other side."""


def met(
    plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any
) -> tuple[list[Sized], tuple[Truth, ...]]:
    """The tables of a join with pairs of two of them as one more, and what joins these."""
    assert plan.near is not None
    radius_arcsec = plan.near.radius_deg * 3600.0 + _WIDER_ARCSEC
    sides = _sides(plan, sized, reads, connection, radius_arcsec)
    bands = [_turned(band, plan.aliases[0]) for band in _bands(plan)]
    apart = _never_itself(plan)
    if bands and radius_arcsec <= _WIDEST_ARCSEC:
        pairs = _like_pairs(sides, radius_arcsec, [band.width for band in bands], apart=apart)
    else:
        pairs = _pairs(sides, radius_arcsec, [band.width for band in bands])
    name = f"pairs_{'_'.join(plan.aliases)}"
    rows = _given(connection, name, pairs)
    made = {side.sized.alias: side.sized for side in sides}
    tables = [made.get(each.alias, each) for each in sized]
    ends = [
        Flat.equality(f"{name}.{column}", f"{side.sized.alias}.rowid")
        for column, side in zip(("one", "other"), sides, strict=True)
    ]
    # a pair has one row of either side: the sizes of the keys are the sides' own
    return [*tables, Sized(name, name, rows, rows)], tuple(ends)


# ---------------------------------------------------------------- sides
def _sides(
    plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any, radius_arcsec: float
) -> list[Side]:
    """The two sides; the smaller one first, as it may tell where the other is read."""
    by_alias = {each.alias: each for each in sized}
    first, second = sorted(plan.aliases, key=lambda alias: by_alias[alias].rows)
    made = {first: _side(plan, by_alias[first], reads, connection, "", ())}
    around = ""
    rows = len(made[first].row)
    if rows <= _FEW and rows * _NARROW < by_alias[second].rows:
        around = _around(made[first], _read(plan, second, reads), radius_arcsec)
    made[second] = _side(plan, by_alias[second], reads, connection, around, (made[first],))
    return [made[alias] for alias in plan.aliases]


def _read(plan: Plan, alias: str, reads: Sequence[Read]) -> Read:
    return next(reads[part.scan] for part in plan.join.flat.parts if part.alias == alias)


def _side(
    plan: Plan,
    sized: Sized,
    reads: Sequence[Read],
    connection: Any,
    source: str,
    others: tuple[Side, ...],
) -> Side:
    """One side as a table of the database: that of the other one, where both have the same rows."""
    alias, read = sized.alias, _read(plan, sized.alias, reads)
    tests = " AND ".join(local(plan.join.flat, alias))
    columns = ", ".join(f'{alias}."{name.replace(chr(34), 2 * chr(34))}"' for name in _names(read))
    source = source or read.name
    where = f" WHERE {tests}" if tests else ""
    table = next((each.table for each in others if _same(plan, each.sized.alias, alias, reads)), "")
    if not table:
        table = f"met_{alias}"
        sql = f"SELECT {columns} FROM {source} AS {alias}{where}"
        connection.execute(f"CREATE TEMP TABLE {table} AS {sql}")
    asked = _asked(plan, alias)
    again = next((each for each in others if (each.table, each.asked) == (table, asked)), None)
    made = replace(sized, sql=f"{table} AS {alias}")
    if again is not None:
        return replace(again, sized=replace(made, rows=again.sized.rows, whole=again.sized.whole))
    rows, ra, dec, *values = _numbers(table, asked, connection)
    made = replace(made, rows=float(len(rows)), whole=float(len(rows)))
    there = np.isfinite(ra) & np.isfinite(dec)
    if not there.all():
        rows, ra, dec, *values = (each[there] for each in (rows, ra, dec, *values))
    return Side(made, table, asked, rows, *_on_sphere(ra, dec), tuple(values))


def _names(read: Read) -> tuple[str, ...]:
    """The columns that the query names; one at least."""
    if isinstance(read, GivenRead):
        return tuple(read.table_here().schema.names)
    return read.columns


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
    bands = [_turned(band, alias).one for band in _bands(plan)]
    return tuple(replaced(term.sql, {alias: "t"}) for term in (*point.parts, *bands))


def _numbers(table: str, asked: tuple[str, ...], connection: Any) -> list[NDArray[Any]]:
    """Numbers of rows and what is asked of each row of a side, as float64; NaN for NULL."""
    listed = ", ".join(f"CAST({sql} AS DOUBLE) AS v{i}" for i, sql in enumerate(asked))
    arrays = connection.sql(f"SELECT t.rowid AS n, {listed} FROM {table} AS t").to_arrow_table()
    row = np.asarray(arrays.column(0).combine_chunks().to_numpy(zero_copy_only=False), np.int64)
    return [row, *(_floats(arrays.column(i)) for i in range(1, arrays.num_columns))]


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _on_sphere(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Right ascensions from 0 to 360; what lies beyond a pole where sine and cosine have it."""
    beyond = np.abs(dec_deg) > 90.0
    if beyond.any():
        from skyquarry.sky.vectors import to_radec

        lon, lat = np.radians(ra_deg[beyond]), np.radians(dec_deg[beyond])
        xyz = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        ra_deg, dec_deg = ra_deg.copy(), dec_deg.copy()
        ra_deg[beyond], dec_deg[beyond] = to_radec(np.column_stack(xyz))
    ra = np.mod(ra_deg, 360.0)
    ra[ra >= 360.0] = 0.0
    return ra, dec_deg


def _around(side: Side, read: Read, radius_arcsec: float) -> str:
    """The rows of a catalogue that lie near those of a small side: the others' tiles stay unread.

    Empty where that cannot be said.
    """
    if isinstance(read, GivenRead) or read.by_engine or read.spatial is None:
        return ""
    from skyquarry.adql.reads import near_select
    from skyquarry.match.given.dilation import around
    from skyquarry.sky import healpix

    ranges = around(healpix.index(side.ra_deg, side.dec_deg), radius_arcsec)
    return near_select(read, ranges)


# ---------------------------------------------------------------- pairs
def _bands(plan: Plan) -> list[Band]:
    """Numbers of the two sides that have to be near each other."""
    ends = set(plan.aliases)
    found = []
    for truth in plan.join.flat.truths:
        if truth.band is not None:
            sides = [owners(truth.band.one.free), owners(truth.band.other.free)]
            if all(len(each) == 1 for each in sides) and set().union(*sides) == ends:
                found.append(truth.band)
    return found


def _turned(band: Band, alias: str) -> Band:
    """A band whose first number is of this table."""
    if owners(band.one.free) == {alias}:
        return band
    return replace(band, one=band.other, other=band.one)


def _pairs(
    sides: list[Side], radius_arcsec: float, widths: list[float]
) -> Iterator[tuple[Ints, Ints]]:
    """`rowid` of both sides of each pair, along the sky, a roomful at a time."""
    from skyquarry.match.geometry.search import sorted_points
    from skyquarry.match.geometry.searching import Search

    if not all(len(side.row) for side in sides):
        return
    points: list[Any] = []
    orders: list[Any] = []
    values: list[list[Floats]] = []
    for side in sides:
        if points and (side.row is sides[0].row or _same_places(side, sides[0])):
            point, order = points[0], orders[0]
        else:
            point, order = sorted_points(side.ra_deg, side.dec_deg)
        points.append(point)
        orders.append(order)
        values.append([each[order] for each in side.values])
    search = Search(points[0], points[1], radius_arcsec, 0.0, same=False)
    for left, right in search.roomfuls(_ROOM):
        one, other = left, right
        for mine, theirs, width in zip(*values, widths, strict=True):
            slack = width + 1e-9 * (1.0 + width)
            near = np.abs(mine[one] - theirs[other]) <= slack  # NaN is near nothing
            one, other = one[near], other[near]
        if len(one):
            yield sides[0].row[orders[0][one]], sides[1].row[orders[1][other]]


def _never_itself(plan: Plan) -> bool:
    """Whether a condition is false of a row with itself, as a.id < b.id of two uses of a table."""
    scans = {part.scan for part in plan.join.flat.parts if part.alias in plan.aliases}
    differ = [each.differ for each in plan.join.flat.truths if each.differ is not None]
    return any({one[0], other[0]} == scans and one[1] == other[1] for one, other in differ)


def _like_pairs(
    sides: list[Side], radius_arcsec: float, widths: list[float], *, apart: bool
) -> Iterator[tuple[Ints, Ints]]:
    """The same of sides whose numbers must differ by little, in the order of zones.

    Numbers are looked at while pairs are found, few of which are left. `apart`: no row is paired
    with itself.
    """
    from skyquarry.match.geometry.alike import Valued, alike_pairs

    one, other = sides
    # numbers of one table may be different ones on either side, as in ABS(a.u - b.g) < 1
    itself = one.row is other.row
    own = Valued(one.ra_deg, one.dec_deg, np.column_stack(one.values))
    theirs = own if itself else Valued(other.ra_deg, other.dec_deg, np.column_stack(other.values))
    slack = np.array([width + 1e-9 * (1.0 + width) for width in widths])
    found = alike_pairs(own, None if itself else theirs, radius_arcsec, slack, cpu_count())
    for left, right in found:
        yield one.row[left], other.row[right]
        if itself:
            yield one.row[right], other.row[left]
    if itself and not apart:
        known = ~np.isnan(own.values).any(axis=1)
        yield one.row[known], other.row[known]


def _same_places(one: Side, other: Side) -> bool:
    return np.array_equal(one.ra_deg, other.ra_deg) and np.array_equal(one.dec_deg, other.dec_deg)


def _given(connection: Any, name: str, pairs: Iterator[tuple[Ints, Ints]]) -> float:
    """Hand the pairs to the database; how many there are, or more than are worth counting."""
    import pyarrow as pa

    from skyquarry.catalog.arrow import from_numpy

    def batch(one: Ints, other: Ints) -> pa.RecordBatch:
        return pa.record_batch([from_numpy(one), from_numpy(other)], schema=schema)

    schema = pa.schema([("one", pa.int64()), ("other", pa.int64())])
    held, rows = [], 0
    for one, other in pairs:
        held.append(batch(one, other))
        rows += len(one)
        if rows > _HELD:
            rest = (batch(*more) for more in pairs)
            stream = pa.RecordBatchReader.from_batches(schema, _chained(held, rest))
            connection.register(name, stream)
            return 1e12
    connection.register(name, pa.Table.from_batches(held, schema))
    return float(rows)


def _chained(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from rest
