"""Joins on position by the matcher: the rows of both tables that count, then pairs of them.

What narrows each side comes first: `sides` has the rows that fulfil the conditions on one table
alone. The matcher finds the pairs within the radius and hands them on a roomful at a time; of a
table with itself each pair both ways, and each row with itself, as SQL means it. Where two numbers
of a pair may differ by little only, as colours do, the others go before they reach the database.
Whatever is left is tested by the SQL as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.joins.flat import Flat
from skyquarry.adql.joins.joinplan import Sized
from skyquarry.adql.joins.keyed import never_same
from skyquarry.adql.joins.sides import bands, sides, turned
from skyquarry.engine.executors import cpu_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.adql.joins.joinplan import Plan
    from skyquarry.adql.joins.sides import Side
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Truth

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Pairs = tuple[Ints, Ints]

_WIDER_ARCSEC: Final = 1e-5
"""The SQL decides what lies at the very rim."""
_ROOM: Final = 1 << 21
_HELD: Final = 1 << 23
"""Pairs up to which they are all found before the joins are ordered; more of them stream."""
_PAIR_BYTES: Final = 64
"""Of room for each: two numbers, and those of rows that are handed on."""
_WIDEST_ARCSEC: Final = 36_000.0
"""Up to which numbers are looked at while pairs are found: zones of the sky narrow no more down."""


@dataclass(frozen=True, slots=True)
class End:
    """One of the two tables of pairs."""

    alias: str
    sql: str
    """Its number of a row."""


@dataclass(frozen=True, slots=True)
class Met:
    """What the matcher found, as tables of the database."""

    tables: list[Sized]
    """Those of the join, and that of the pairs."""
    joined: tuple[Truth, ...]
    """What joins the pairs to the two tables."""
    ends: tuple[End, End]
    """The tables of which `one` and `other` of the pairs are rows."""
    pairs: str | None
    """The table of the pairs; None where it streams, and can be read once only."""


def met(plan: Plan, sized: list[Sized], reads: Sequence[Read], connection: Any) -> Met:
    """The tables of a join with pairs of two of them as one more, and what joins these."""
    assert plan.near is not None
    radius_arcsec = plan.near.radius_deg * 3600.0 + _WIDER_ARCSEC
    both = sides(plan, sized, reads, connection, radius_arcsec)
    widths = [turned(band, plan.aliases[0]).width for band in bands(plan)]
    if widths and radius_arcsec <= _WIDEST_ARCSEC:
        pairs = _like_pairs(both, radius_arcsec, widths, apart=_never_itself(plan))
    else:
        pairs = _pairs(both, radius_arcsec, widths)
    name = f"pairs_{'_'.join(plan.aliases)}"
    first, more = _first(pairs, min(_HELD, plan.room_bytes // _PAIR_BYTES))
    ends: list[Any] = [np.concatenate(each) for each in zip(*first, strict=True)]
    if more or not first:
        ends = [None, None] if more else [np.empty(0, np.int64)] * 2
    made = {
        side.sized.alias: side.handed(rows, connection)
        for side, rows in zip(both, ends, strict=True)
    }
    _given(connection, name, first, pairs if more else None)
    count = 1e12 if more else float(len(ends[0]))
    tables = [made.get(each.alias, each) for each in sized]
    one, other = (End(side.sized.alias, f"{side.sized.alias}.{side.key}") for side in both)
    joined = (
        Flat.equality(f"{name}.one", one.sql),
        Flat.equality(f"{name}.other", other.sql),
    )
    # a pair has one row of either side: the sizes of the keys are the sides' own
    tables.append(Sized(name, name, count, count))
    return Met(tables, joined, (one, other), None if more else name)


# ---------------------------------------------------------------- pairs
def _pairs(
    both: list[Side], radius_arcsec: float, widths: list[float]
) -> Iterator[tuple[Ints, Ints]]:
    """Numbers of rows of both sides of each pair, along the sky, a roomful at a time."""
    from skyquarry.match.geometry.search import sorted_points
    from skyquarry.match.geometry.searching import Search

    if not all(map(len, both)):
        return
    points: list[Any] = []
    orders: list[Any] = []
    values: list[list[Floats]] = []
    for side in both:
        if points and (side.ra_deg is both[0].ra_deg or _same_places(side, both[0])):
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
            yield both[0].numbers(orders[0][one]), both[1].numbers(orders[1][other])


def _never_itself(plan: Plan) -> bool:
    """Whether a condition is false of a row with itself, as a.id < b.id of two uses of a table."""
    scans = {part.alias: part.scan for part in plan.join.flat.parts}
    return never_same(plan.join.flat, *(scans[alias] for alias in plan.aliases))


def _like_pairs(
    both: list[Side], radius_arcsec: float, widths: list[float], *, apart: bool
) -> Iterator[tuple[Ints, Ints]]:
    """The same of sides whose numbers must differ by little, in the order of zones.

    Numbers are looked at while pairs are found, few of which are left. `apart`: no row is paired
    with itself.
    """
    from skyquarry.match.geometry.alike import Valued, alike_pairs

    one, other = both
    # numbers of one table may be different ones on either side, as in ABS(a.u - b.g) < 1
    itself = one.ra_deg is other.ra_deg
    own = Valued(one.ra_deg, one.dec_deg, one.values)
    theirs = own if itself else Valued(other.ra_deg, other.dec_deg, other.values)
    slack = np.array([width + 1e-9 * (1.0 + width) for width in widths])
    found = alike_pairs(own, None if itself else theirs, radius_arcsec, slack, cpu_count())
    for left, right in found:
        yield one.numbers(left), other.numbers(right)
        if itself:
            yield one.numbers(right), other.numbers(left)
    if itself and not apart:
        known = ~np.logical_or.reduce([np.isnan(each) for each in own.values])
        yield one.numbers(np.flatnonzero(known)), other.numbers(np.flatnonzero(known))


def _same_places(one: Side, other: Side) -> bool:
    return np.array_equal(one.ra_deg, other.ra_deg) and np.array_equal(one.dec_deg, other.dec_deg)


def _first(pairs: Iterator[Pairs], most: int) -> tuple[list[Pairs], bool]:
    """So many pairs at most, and whether there may be more than are worth counting."""
    held, rows = [], 0
    for each in pairs:
        held.append(each)
        rows += len(each[0])
        if rows > most:
            return held, True
    return held, False


def _given(connection: Any, name: str, first: list[Pairs], rest: Iterator[Pairs] | None) -> None:
    """Hand the pairs to the database: those at hand, and the rest as they are found."""
    import pyarrow as pa

    from skyquarry.catalog.arrow import from_numpy

    schema = pa.schema([("one", pa.int64()), ("other", pa.int64())])
    batches = (
        pa.record_batch([from_numpy(one), from_numpy(other)], schema=schema)
        for one, other in chain(first, rest or ())
    )
    given = pa.RecordBatchReader.from_batches(schema, batches)
    connection.register(name, given.read_all() if rest is None else given)
