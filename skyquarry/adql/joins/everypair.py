"""Tables of neighbours that need not be read: what the matcher found are their rows.

A table that our builders made of a catalogue promises every pair of its rows within a radius, each
both ways, and no other row (`catalog.relations.AllPairs`). Where it stands between two uses of the
catalogue, and nothing of it is asked but the two keys, its rows that can matter are those pairs
that the matcher found: they are given to the database in its place, so that whatever is asked of
the keys is answered as by the table. Where one of them lies at the very rim of the radius, rounding
decides whether the table has it, and the table is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.adql.joins.flat import Flat
from skyquarry.adql.joins.joinplan import Sized
from skyquarry.adql.joins.ties import place_of
from skyquarry.adql.kinds import literal, quoted
from skyquarry.adql.reads import StoredRead
from skyquarry.adql.terms import Truth
from skyquarry.catalog.relations import RIM_ARCSEC, all_pairs, is_unique
from skyquarry.engine.spans import implies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.adql.joins.flat import Part
    from skyquarry.adql.joins.meeting import Met
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Near
    from skyquarry.catalog.relations import AllPairs


@dataclass(frozen=True, slots=True)
class EveryPair:
    """A table between two uses of a catalogue that has every pair of its rows."""

    alias: str
    promise: AllPairs
    ends: tuple[str, str]
    """The two uses: that of its first key, and that of the other."""


def every_pair(flat: Flat, reads: Sequence[Read], near: Near) -> list[EveryPair]:
    """The tables of which the pairs of two others are all that can matter."""
    ends = _ends(flat, near)
    return [
        EveryPair(part.alias, promise, (each[0].alias, each[1].alias))
        for part in flat.parts
        if part not in ends and (promise := _promise(reads[part.scan])) is not None
        for each in (ends, ends[::-1])
        if _between(flat, reads, part, promise, each)
    ]


def _ends(flat: Flat, near: Near) -> list[Part]:
    names = [min(point.lon.free).partition(".")[0] for point in (near.one, near.other)]
    parts = {part.alias: part for part in flat.parts}
    return [parts[name] for name in names]


def _promise(read: Read) -> AllPairs | None:
    """The promise of a table that is read whole, of which only the two keys are asked."""
    if not isinstance(read, StoredRead) or read.by_engine or read.scan.outlying:
        return None
    try:
        promise = all_pairs(read.source.stored.properties)
    except ValueError:  # `verify` says what is wrong with it
        return None
    keys = set() if promise is None else {promise.column, promise.other}
    return promise if read.named and set(read.named) <= keys else None


def _between(
    flat: Flat, reads: Sequence[Read], part: Part, promise: AllPairs, ends: Sequence[Part]
) -> bool:
    """Whether the keys of a table are those of the two others, of whose catalogue it promises."""
    pairs = {pair for truth in flat.truths for pair in truth.equal}
    table = reads[part.scan]
    return all(
        _is_of(reads[end.scan], table, promise, column)
        and not pairs.isdisjoint({
            ((part.scan, column), (end.scan, promise.key)),
            ((end.scan, promise.key), (part.scan, column)),
        })
        for column, end in zip((promise.column, promise.other), ends, strict=True)
    )  # fmt: skip


def _is_of(read: Any, table: Any, promise: AllPairs, column: str) -> bool:
    """Whether a read is of the very rows of which a table promises the pairs."""
    stored = read.source.stored
    there = place_of(table.source.stored.home.parent.join(promise.catalog))
    own = place_of(stored.home) == there and stored.rows_identity == promise.identity
    known = {promise.key, *promise.limits} <= set(stored.schema.names)
    if not (own and known and is_unique(stored, promise.key)):
        return False
    own_type, told = stored.schema.field(promise.key).type, table.source.stored.schema
    return bool(own_type == told.field(column).type)


# ---------------------------------------------------------------- what is read
def limited(
    every: Sequence[EveryPair], flat: Flat, reads: Sequence[Read]
) -> tuple[Flat, list[Read]]:
    """The joins with the limits within which rows have pairs, where they are not asked anyway."""
    truths, wider = list[Truth](), list(reads)
    scans = {part.alias: part.scan for part in flat.parts}
    for each in every:
        for alias in each.ends:
            read: Any = wider[scans[alias]]
            limits = each.promise.limits
            if not implies(read.narrow.bounds, limits):
                named = tuple(dict.fromkeys((*read.columns, *limits)))
                wider[scans[alias]] = replace(read, named=named)
                truths += _within(alias, each.promise)
    return Flat(flat.parts, (*flat.truths, *truths)), wider


def _within(alias: str, promise: AllPairs) -> Iterator[Truth]:
    for name, ends in promise.limits.items():
        column = f"{alias}.{quoted(name)}"
        for end, operator in zip(ends, (">=", "<="), strict=True):
            if end is not None:
                sql = f"(CAST({column} AS DOUBLE) {operator} {literal(float(end))})"
                yield Truth(sql, free=frozenset((column,)))


# ---------------------------------------------------------------- what stands for it
def given(every: Sequence[EveryPair], met: Met, near: Near, connection: Any) -> list[Sized]:
    """Pairs that were found in place of tables that need not be read.

    None for a table of which a pair lies at the rim, or where the pairs are too many to be held.
    """
    if met.pairs is None:
        return []
    found = (_given(each, met, near, connection) for each in every)
    return [each for each in found if each is not None]


def _given(each: EveryPair, met: Met, near: Near, connection: Any) -> Sized | None:
    tables = {table.alias: table for table in met.tables}
    one, other = met.ends
    first, second = (f"{alias}.{quoted(each.promise.key)}" for alias in each.ends)
    places = (term.sql for point in (near.one, near.other) for term in (point.lon, point.lat))
    rows = connection.sql(
        f"SELECT {first} AS one, {second} AS other, {', '.join(places)} FROM {met.pairs} "
        f"INNER JOIN {tables[one.alias].sql} ON {met.pairs}.one = {one.sql} "
        f"INNER JOIN {tables[other.alias].sql} ON {met.pairs}.other = {other.sql} "
        f"WHERE {first} <> {second}"
    ).to_arrow_table()
    inside = _inside(rows, each.promise.arcsec)
    if inside is None:
        return None
    import pyarrow as pa

    keys = rows.select(["one", "other"]).filter(pa.array(inside))
    name = f"every_{each.alias}"
    connection.register(name, keys.rename_columns([each.promise.column, each.promise.other]))
    count = float(keys.num_rows)
    return Sized(each.alias, f"{name} AS {each.alias}", count, count)


def _inside(rows: pa.Table, radius_arcsec: float) -> NDArray[np.bool_] | None:
    """(n,) which pairs lie within the radius; None where that cannot be told of one."""
    from skyquarry.catalog.arrow import to_numpy
    from skyquarry.sky.vectors import separation_arcsec, to_xyz

    lon, lat, others_lon, others_lat = (to_numpy(rows.column(i)) for i in range(2, 6))
    if not all((np.abs(each) <= 90.0).all() for each in (lat, others_lat)):
        return None
    arcsec = separation_arcsec(to_xyz(lon, lat), to_xyz(others_lon, others_lat))
    if (np.abs(arcsec - radius_arcsec) <= RIM_ARCSEC).any():
        return None
    return np.asarray(arcsec < radius_arcsec)
