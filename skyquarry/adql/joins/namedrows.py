"""Tags of named rows in place of their catalogue, where a query joins it with who names them.

Where rows of two tables meet only if a column of one has the key of the other (`Tree.equal`: in
inner joins either way, in an outer one from the side that is kept whole), or a condition is IN or
EXISTS of a query that has such rows, no row of the other matters whose key is not named. A tag that
promises every named row (`engine.named`) is then read in its place, whatever else is asked of
either. A tag may be named by another: the objects about those that have a spectrum, by the pairs of
these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from skyquarry.adql.joins.ties import place_of
from skyquarry.adql.reads import StoredRead
from skyquarry.engine.catalog import Catalog
from skyquarry.engine.named import named_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skyquarry.adql.blocks import Block
    from skyquarry.adql.reads import Read
    from skyquarry.adql.tablenames import Tables
    from skyquarry.adql.terms import Equal, Origin
    from skyquarry.catalog.relations import NamedRows
    from skyquarry.engine.source import Source

    Tags = list[tuple[Source, NamedRows]]

_WORTH: Final = 0.5
"""Of the rows that are read else those that a tag may have at most."""


def named_instead(reads: Sequence[Read], blocks: Iterable[Block], tables: Tables) -> list[Read]:
    """What is read of each table, where it is joined with one that names rows only these."""
    equal = [pair for block in blocks for pair in _closed(_within(block))]
    tags = _beside(reads, {other[0] for _, other in equal}, tables)
    if not tags:
        return list(reads)
    able = _able(reads, equal, tags)
    return [_least(read, able.get(number, ())) for number, read in enumerate(reads)]


def _within(block: Block) -> Iterator[Equal]:
    """Columns by which tables of one FROM are joined, of which conditions may narrow the rows.

    A query within a condition joins none of those around it, which have their rows all the same,
    unless the condition is that these are among its own (IN, EXISTS).
    """
    scans, source = block.source.scans, block.source
    yield from (pair for pair in source.equal if scans.issuperset(scan for scan, _ in pair))
    yield from (pair for pair in source.among if pair[1][0] in scans)


def _closed(pairs: Iterable[Equal]) -> list[Equal]:
    """These, and all that follow: who is among those that are among others is among these."""
    found = dict.fromkeys(pairs)
    beyond: dict[Origin, list[Origin]] = {}
    for one, other in found:
        beyond.setdefault(one, []).append(other)
    for start in list(beyond):
        todo, seen = [start], {start}
        while todo:
            new = [each for each in beyond.get(todo.pop(), ()) if each not in seen]
            seen.update(new)
            todo += new
        found.update(((start, each), None) for each in seen if each != start)
    return list(found)


def _beside(reads: Sequence[Read], scans: Iterable[int], tables: Tables) -> dict[int, Tags]:
    """The tags of named rows beside each table that is large, of those that are joined."""
    large = [
        (number, read)
        for number in scans
        if isinstance(read := reads[number], StoredRead)
        and read.may_have_tag and not read.scan.outlying
    ]  # fmt: skip
    found: dict[int, Tags] = {}
    by_place: dict[str, Tags] = {}
    for number, read in large:
        place = place_of(read.source.stored.home)
        if place not in by_place:
            by_place[place] = list(named_beside(read.source))
            for tag, _ in by_place[place]:
                tables.note(tag)
        stored = read.source.stored
        there = [each for each in by_place[place] if each[1].identity in stored.includes]
        if there:
            found[number] = there
    return found


def _able(
    reads: Sequence[Read], equal: Sequence[Equal], tags: dict[int, Tags]
) -> dict[int, list[Source]]:
    """The tags that have every row that matters of a table: by the tables, and by their tags."""
    able: dict[int, list[Source]] = {number: [] for number in tags}
    grown = True
    while grown:
        grown = False
        for (by, column), (of, key) in equal:
            who = reads[by]
            if of not in tags or not isinstance(who, StoredRead) or who.scan.outlying:
                continue
            naming = [who.source, *able.get(by, ())]
            for tag, promise in tags[of]:
                asked = (promise.column, promise.key) == (column, key)
                if asked and tag not in able[of] and _keeps(promise, reads[of], naming):
                    able[of].append(tag)
                    grown = True
    return able


def _keeps(promise: NamedRows, of: Read, naming: Iterable[Source]) -> bool:
    """Whether one of these is who names the rows, as it was when the tag was made of them."""
    assert isinstance(of, StoredRead)
    there = place_of(of.source.stored.home.parent.join(promise.by))
    return any(
        promise.by_identity in each.stored.includes and place_of(each.stored.home) == there
        for each in naming
    )


def _least(read: Read, tags: Iterable[Source]) -> Read:
    """The smallest of the tags that have the columns, where it is worth it."""
    if not isinstance(read, StoredRead):
        return read
    wanted = set(read.columns)
    some = [
        replace(
            read, table=replace(read.table, catalog=Catalog(tag)), named=read.columns,
            instead_of=read.table,
        )
        for tag in tags
        if wanted <= set(tag.stored.schema.names)
    ]  # fmt: skip
    least = min(some, key=lambda each: each.rows, default=None)
    return read if least is None or least.rows > _WORTH * read.rows else least
