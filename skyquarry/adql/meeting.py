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
from skyquarry.adql.ordering import Sized, local
from skyquarry.adql.reads import GivenRead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.adql.ordering import Plan
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Band, Truth

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_WIDER_ARCSEC: Final = 1e-5
"""The SQL decides what lies at the very rim."""
_ROOM: Final = 1 << 21
_HELD: Final = 1 << 23
"""Pairs up to which they are all found before the joins are ordered; more of them stream."""
_NARROW: Final = 16
"""A side so many times smaller than the other tells which part of the other's sky is read."""
_FEW: Final = 50_000


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one table that count."""

    sized: Sized
    table: str
    """Its name in the database."""
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
    rows, ra, dec, *values = _numbers(plan, table, alias, connection)
    there = np.isfinite(ra) & np.isfinite(dec)
    ra, dec = _on_sphere(ra[there], dec[there])
    made = replace(sized, sql=f"{table} AS {alias}", rows=float(len(rows)), whole=float(len(rows)))
    return Side(made, table, rows[there], ra, dec, tuple(each[there] for each in values))


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


def _numbers(plan: Plan, table: str, alias: str, connection: Any) -> list[NDArray[Any]]:
    """rowid, ra, dec of a side, and its numbers of each band, as float64; NaN for NULL."""
    assert plan.near is not None
    point = plan.near.one if plan.aliases[0] == alias else plan.near.other
    bands = [_turned(band, alias).one for band in _bands(plan)]
    listed = ", ".join(
        f"CAST({term.sql} AS DOUBLE) AS v{i}" for i, term in enumerate((*point.parts, *bands))
    )
    found = connection.sql(f"SELECT {alias}.rowid AS n, {listed} FROM {table} AS {alias}")
    arrays = found.to_arrow_table()
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
        if points and side.table == sides[0].table and _same_places(side, sides[0]):
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
