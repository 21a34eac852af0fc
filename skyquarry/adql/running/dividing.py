"""Which table of a SELECT is read in parts, what goes with each part, or why it runs whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.joins.ties import same_place
from skyquarry.adql.reads import GivenRead, StoredRead
from skyquarry.adql.running.merging import MERGED, Merge, merge_of
from skyquarry.adql.running.texts import aliases_lacking, named_in, scans_in
from skyquarry.engine.scan import width_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from skyquarry.adql.blocks import Aggregate, Block
    from skyquarry.adql.reads import Read
    from skyquarry.adql.terms import Equal

FEW_ROWS: Final = 100_000
"""A table of more rows is not read again with every part."""
FIRST_ROWS: Final = 100_000
MOST_ROWS: Final = 1_600_000
_MORE: Final = 4
"""Rows that a part reads: few at first, for the first rows to come soon, then so many times more;
to begin a part takes the database 4 ms."""
_REST: Final = 3
_LAST_ROWS: Final = 300_000
"""A part has at most a third of the rows that are left, if not fewer than these: workers end
together."""
WIDE_BYTES: Final = 128.0
"""Of wider rows fewer."""


@dataclass(frozen=True)
class Division:
    """A SELECT that runs part by part."""

    block: Block
    merge: Merge
    lead: StoredRead
    """The table that is read in parts."""
    along: tuple[StoredRead, ...]
    """Tables whose rows lie where those of `lead` lie that they are joined with."""
    beside: tuple[Read, ...]
    """Small tables, read with every part."""
    number: int = 0

    @property
    def table(self) -> str:
        """What the parts' rows are called."""
        return f"m{self.number}"

    @property
    def sql(self) -> str:
        """What stands in the place of the SELECT."""
        return self.merge.sql.replace(MERGED, self.table)

    @cached_property
    def groups(self) -> list[list[int]]:
        """The tiles of each part, along the sky: few at first, 1.6e6 rows then, fewer at the end.

        Of wide rows fewer. It hangs on the query and the catalogue alone, so that sums are formed
        in one order whatever works on them.
        """
        wide = max(sum(self._widths()) / WIDE_BYTES, 1.0)
        rows = self.lead.source.rows[self.lead.numbers] * wide
        found: list[list[int]] = []
        wanted, room, left = FIRST_ROWS, 0.0, float(rows.sum())
        for number, count in zip(self.lead.numbers, rows.tolist(), strict=True):
            if room <= 0:
                found.append([])
                room = min(wanted, max(left / _REST, _LAST_ROWS))
                wanted = min(_MORE * wanted, MOST_ROWS)
            found[-1].append(number)
            room -= count
            left -= count
        return found

    @cached_property
    def spares(self) -> bool:
        """Whether tiles of the tables along lie beside those of `lead`, and are left out."""
        if not self.along:
            return False
        pixels = self.lead.pixels(self.lead.numbers)
        return any(
            not set(each.numbers) <= set(each.source.tiles.overlapping(pixels).tolist())
            for each in self.along
        )

    def _widths(self) -> Iterator[float]:
        schema = self.lead.scan.schema
        return (width_of(each.type) for each in schema)

    def parts(self) -> Iterator[tuple[list[int], list[Read]]]:
        """The tiles of each part, and what it reads of each table.

        Rows of other tables come with those of `lead` alone, which an outer join keeps, so that
        what lies elsewhere matters to no part.
        """
        for group in self.groups:
            some: list[Any] = [self.lead.of_tiles(group)]
            if self.along:
                pixels = self.lead.pixels(group)
                some += [each.along(pixels) for each in self.along]
            yield group, [*some, *self.beside]


def divided(
    block: Block,
    reads: Sequence[Read],
    aggregates: Mapping[str, Aggregate],
    most: int | None,
    called: Collection[str] = (),
) -> Division | str:
    """How a SELECT runs part by part; or, in words, why it does not.

    `called` names the functions of Python that it calls.
    """
    if named_in(block.sql):
        return "it names a query of WITH, which is made first"
    if aliases_lacking(block.sql):
        return "it looks at rows of the query round it"
    there = scans_in(block.sql)
    leads = [each for number, each in enumerate(reads) if number in block.source.parts & there]
    able = [each for each in leads if isinstance(each, StoredRead) and each.in_parts]
    if not able:
        return "no table of its FROM can be read in parts"
    lead = max(able, key=lambda each: each.source.stored.n_rows)
    along = _along(reads.index(lead), reads, block.source.equal)
    others = [reads[number] for number in sorted(there) if reads[number] is not lead]
    beside = [each for each in others if each not in along]
    large = [each for each in beside if not _is_few(each)]
    if large:
        return _why(large)
    merge = merge_of(block, aggregates, most, called)
    kept = tuple(each for each in others if each in along)
    return Division(block, merge, lead, kept, tuple(beside))


def _why(large: list[Any]) -> str:
    names = " and ".join(dict.fromkeys(str(each.table.name) for each in large))
    return f"{names} would be read whole with every part, as no key ties it to the tiles"


def _is_few(read: Read) -> bool:
    rows = read.table.table.num_rows if isinstance(read, GivenRead) else read.cost().rows
    return bool(rows <= FEW_ROWS)


def _along(lead: int, reads: Sequence[Read], equal: Sequence[Equal]) -> list[StoredRead]:
    """The tables that follow the one that is read in parts, by keys that tell the tile."""
    known = {lead}
    grown = True
    while grown:
        grown = False
        for one, other in equal:
            if one[0] not in known or other[0] in known:
                continue
            if same_place(reads[one[0]], one[1], reads[other[0]], other[1]):
                known.add(other[0])
                grown = True
    return [reads[each] for each in sorted(known - {lead})]  # type: ignore[misc]
