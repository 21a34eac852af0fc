"""Two tables that keys bring near each other, some numbers of which must be alike.

A table of neighbours has eight rows for one of its catalogue. Where two uses of the catalogue are
joined through it, and some of their numbers may differ by little only, as colours do, few pairs are
left. Its keys tell how far apart the two rows lie at most (`ties`); so the matcher finds the pairs
that are near and alike, and the table of neighbours is asked for these alone.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.geometry.shapes import Point
from skyquarry.adql.joins.flat import owners
from skyquarry.adql.joins.ties import apart
from skyquarry.adql.kinds import quoted
from skyquarry.adql.reads import StoredRead
from skyquarry.adql.terms import Near, Term
from skyquarry.adql.text.words import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.adql.joins.flat import Flat, Part
    from skyquarry.adql.joins.joinplan import Sized
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Origin

_WIDEST_ARCSEC: Final = 120.0
"""Beyond it more pairs are near each other than a table of them is likely to have."""


def keyed(flat: Flat, reads: Sequence[Read]) -> Near | None:
    """Two uses of a catalogue that keys bring near each other and whose numbers must be alike.

    They are never of the same row. None where there are none.
    """
    parts = {part.alias: part for part in flat.parts}
    for one, other in _alike(flat):
        ends = [parts[alias] for alias in (one, other)]
        places = [_place(part, reads[part.scan]) for part in ends]
        if None in places or len({_root(reads[part.scan]) for part in ends}) > 1:
            continue
        if never_same(flat, ends[0].scan, ends[1].scan):
            far = _bounds(flat, ends[0].scan, reads).get(ends[1].scan, np.inf)
            if far <= _WIDEST_ARCSEC:
                return Near(places[0], places[1], far / 3600.0)  # type: ignore[arg-type]
    return None


def _alike(flat: Flat) -> Iterator[tuple[str, str]]:
    """Tables of which numbers must be alike."""
    for truth in flat.truths:
        if truth.band is not None:
            ends = [owners(each.free) for each in (truth.band.one, truth.band.other)]
            if all(len(each) == 1 for each in ends) and ends[0] != ends[1]:
                yield min(ends[0]), min(ends[1])


def _place(part: Part, read: Read) -> Point | None:
    """Where rows of a table lie, by the columns that its pixels were made of."""
    import pyarrow as pa

    if not (isinstance(read, StoredRead) and read.has_places and read.source.stored.nan_is_null):
        return None
    roles, schema = read.source.stored.roles, read.source.stored.schema
    names = [name for name in (roles.ra, roles.dec) if name in schema.names]
    if len(names) < 2 or any(schema.field(name).type != pa.float64() for name in names):
        return None
    sqls = [f"{part.alias}.{quoted(str(name))}" for name in names]
    return Point(*(Term(sql, "float", Span(0, 0), free=frozenset((sql,))) for sql in sqls))


def _root(read: Any) -> str:
    return str(read.source.stored.folder.root)


def _bounds(flat: Flat, scan: int, reads: Sequence[Read]) -> Mapping[int, float]:
    """How many arc seconds rows of other tables may lie from those of this one, along keys."""
    steps: dict[int, list[tuple[int, float]]] = {}
    for one, other in {pair for truth in flat.truths for pair in truth.equal}:
        far = apart(reads[one[0]], one[1], reads[other[0]], other[1])
        if far is not None:
            steps.setdefault(one[0], []).append((other[0], far))
            steps.setdefault(other[0], []).append((one[0], far))
    found: dict[int, float] = {}
    ways = [(0.0, scan)]
    while ways:
        far, here = heapq.heappop(ways)
        if here not in found:
            found[here] = far
            for there, step in steps.get(here, []):
                heapq.heappush(ways, (far + step, there))
    return found


def never_same(flat: Flat, one: int, other: int) -> bool:
    """Whether two uses of a table never have the same row: values of a column of it differ.

    They do by `a.id < b.id`, or where columns differ that are equal to these.
    """
    pairs = [pair for truth in flat.truths for pair in truth.equal]
    differ = [each.differ for each in flat.truths if each.differ is not None]
    return any(
        a[0] == one and b[0] == other and a[1] == b[1]
        for ends in differ
        for first, second in (ends, ends[::-1])
        for a in _equal_to(first, pairs)
        for b in _equal_to(second, pairs)
    )


def _equal_to(column: Origin, pairs: Sequence[tuple[Origin, Origin]]) -> set[Origin]:
    """A column, and those that have its value."""
    found, left = {column}, [column]
    while left:
        here = left.pop()
        more = {b if a == here else a for a, b in pairs if here in (a, b)} - found
        found |= more
        left += more
    return found


# ---------------------------------------------------------------- what is read
def worth(near: Near, sized: Sequence[Sized]) -> bool:
    """Whether the tables between them have more rows than the two."""
    ends = owners(
        frozenset().union(*(each.free for p in (near.one, near.other) for each in p.parts))
    )
    inside = sum(each.rows for each in sized if each.alias in ends)
    return inside < sum(each.rows for each in sized if each.alias not in ends)


def with_places(near: Near, flat: Flat, reads: Sequence[Read]) -> list[Read]:
    """What is read, with the positions of the two tables too."""
    wider = list(reads)
    for part in flat.parts:
        read: Any = wider[part.scan]
        roles = [each for p in (near.one, near.other) for each in p.parts]
        if any(each.sql.startswith(f"{part.alias}.") for each in roles):
            places = (read.source.stored.roles.ra, read.source.stored.roles.dec)
            named = tuple(dict.fromkeys((*read.columns, *places)))
            wider[part.scan] = replace(read, named=named)
    return wider


def asked_for(
    sized: Sequence[Sized], flat: Flat, reads: Sequence[Read], ends: Sequence[str]
) -> list[Sized]:
    """The tables between, of rows that have a key of the two tables that were found."""
    by_alias = {each.alias: each for each in sized}
    aliases = {part.scan: part.alias for part in flat.parts}
    pairs = [pair for truth in flat.truths for pair in truth.equal]
    made = dict(by_alias)
    for (scan, column), (far, key) in (*pairs, *((b, a) for a, b in pairs)):
        alias, end, read = aliases.get(scan, ""), aliases.get(far, ""), reads[scan]
        if not alias or alias in ends or end not in ends or made[alias] is not by_alias[alias]:
            continue
        if isinstance(read, StoredRead) and not read.by_engine and read.files():
            held, table = by_alias[end], by_alias[alias]
            inner = f"SELECT {end}.{quoted(key)} FROM {held.sql}"
            sql = f"SELECT * FROM ({read.select(read.files())}) WHERE {quoted(column)} IN ({inner})"
            rows = min(table.rows, held.rows * max(table.whole / max(held.whole, 1.0), 1.0))
            made[alias] = replace(table, sql=f"({sql}) AS {alias}", rows=rows)
    return [made[each.alias] for each in sized]
