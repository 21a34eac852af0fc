"""Whether a query runs part by part or whole, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Final

from skyquarry.adql.joins.ordering import planned
from skyquarry.adql.reads import StoredRead
from skyquarry.adql.running.dividing import Division, divided
from skyquarry.adql.running.texts import scans_in
from skyquarry.adql.selects import with_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.adql.blocks import Aggregate, Block
    from skyquarry.adql.compiled import Compiled
    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.reads import Read

_EXACT: Final = frozenset(("COUNT", "MIN", "MAX"))
_TOO_LITTLE: Final = "it reads too little to be taken apart"


@dataclass(frozen=True, slots=True)
class Course:
    """How a query runs."""

    divisions: tuple[Division, ...]
    """SELECTs that run part by part; where the first is all of the query, the only one."""
    sql: str
    """What runs after them, on their rows and on tables that were not read in parts."""
    rest: tuple[Read, ...]
    """Those tables."""
    why: str = ""
    """Why it is not run part by part, or not all of it; empty where it is."""
    streams: bool = False
    """Whether the rows of the parts are those of the query, one part after another."""
    most: int | None = None
    """How many rows are wanted at most, where it streams."""
    joins: tuple[JoinText, ...] = ()
    """Of a query that runs whole: SELECTs that may be joined in another order."""


@dataclass(frozen=True)
class Pieces:
    """A query, ready to be taken apart."""

    compiled: Compiled
    reads: Sequence[Read]
    blocks: Sequence[Block]
    aggregates: Mapping[str, Aggregate]
    limit: int | None
    called: frozenset[str] = frozenset()
    """The functions of Python that it calls."""
    joins: tuple[JoinText, ...] = ()
    """SELECTs whose tables may be joined in another order, or by the matcher."""
    runs: Iterator[int] = field(default_factory=lambda: count(1), compare=False)
    """Numbers its runs that came to their end, as far as they were long."""

    @property
    def whole(self) -> str:
        """Its SQL in one piece."""
        return with_named(self.compiled.named, self.compiled.sql, self.limit)

    def course(self, *, spread: bool) -> Course:
        """How it runs: on workers elsewhere (`spread`), or on the cores of this machine.

        Here a query runs part by part where that makes its first rows come sooner, lets parts be
        left out, or makes its sums the same whatever runs them; else the database has it whole.
        """
        if all(read.is_small for read in self._fruitful):
            return self._whole(_TOO_LITTLE)
        if any(plan.near is not None for plan in planned(self.joins, self.reads)):
            return self._whole("the matcher finds its pairs on the sky")
        root = self.root
        found = root if isinstance(root, str) else self._checked(root, spread=spread)
        if isinstance(found, Division):
            return self._of_root(found)
        if isinstance(root, Division) or not spread:
            return self._whole(found)
        return self._inner(found)

    @cached_property
    def here(self) -> Course:
        """How it runs on this machine."""
        return self.course(spread=False)

    def _whole(self, why: str) -> Course:
        return Course((), self.whole, self._fruitful, why, joins=self.joins)

    @cached_property
    def _fruitful(self) -> tuple[Read, ...]:
        """What is read where it runs whole: nothing of tables joined with one that has no row."""
        found = list(self.reads)
        for join in self.joins:
            scans = [part.scan for part in join.flat.parts]
            if any(
                isinstance(r, StoredRead) and not r.numbers for r in map(found.__getitem__, scans)
            ):
                for scan in scans:
                    read = found[scan]
                    found[scan] = (
                        replace(read, barren=True) if isinstance(read, StoredRead) else read
                    )
        return tuple(found)

    @cached_property
    def root(self) -> Division | str:
        """How all of it would be taken apart; or why it cannot be."""
        block = next((each for each in self.blocks if each.sql == self.compiled.sql), None)
        if block is None:
            return "it unites, or sorts, the rows of several queries"
        return divided(block, self.reads, self.aggregates, self.limit, self.called)

    def _checked(self, division: Division, *, spread: bool) -> Division | str:
        if len(division.groups) < (1 if division.spares else 2):
            return _TOO_LITTLE
        if spread:
            return division
        if division.merge.way in ("rows", "once", "ordered"):
            return "one database is as quick with it"  # it leaves row groups out as it sorts
        if self._adds_exactly(division):
            return "one database is as quick with it"  # and begins once: 3 to 7 ms a part
        beside = sum(each.cost().rows for each in division.beside)
        return "one database is as quick with it" if beside > 10_000 else division

    def _adds_exactly(self, division: Division) -> bool:
        """Whether groups of one table's rows are the same in whatever order rows are added.

        Sums of floats are not; nor are the first of groups that come in any order.
        """
        block, alone = division.block, not (division.along or division.beside)
        every = block.top is None and not block.offset and self.limit is None
        keys = {each.key for sql, each in self.aggregates.items() if sql in block.sql}
        grouped = division.merge.way == "grouped" and not self.called
        return grouped and alone and every and keys <= _EXACT

    def _of_root(self, division: Division) -> Course:
        sql = with_named((), division.sql, self.limit)
        streams = division.merge.way == "one after another"
        wanted = (each for each in (division.block.top, self.limit) if each is not None)
        return Course((division,), sql, (), streams=streams, most=min(wanted, default=None))

    def _inner(self, why: str) -> Course:
        """The largest SELECTs in it that can be taken apart; the rest runs on what they give."""
        sql = self.whole
        found: list[Division] = []
        for block in reversed(self.blocks):
            if sql.count(block.sql) != 1:
                continue
            division = divided(block, self.reads, self.aggregates, None, self.called)
            if isinstance(division, Division) and len(division.groups) > 1:
                division = replace(division, number=len(found))
                sql = sql.replace(block.sql, division.sql)
                found.append(division)
        there = scans_in(sql)
        rest = tuple(each for number, each in enumerate(self.reads) if number in there)
        return Course(tuple(found), sql, rest, why)
