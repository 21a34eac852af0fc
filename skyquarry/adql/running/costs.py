"""What a query will cost: tiles, rows, bytes, seconds; before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.database.kept import knows
from skyquarry.adql.reads import GivenRead, StoredRead
from skyquarry.adql.running.calibrating import note, seconds_of
from skyquarry.adql.running.dividing import Division
from skyquarry.adql.running.estimating import Estimate, estimated
from skyquarry.adql.running.texts import columns_in
from skyquarry.adql.running.unread import unread
from skyquarry.engine.cost import Cost, in_bytes, in_time
from skyquarry.engine.scan import width_of
from skyquarry.errors import QueryError

if TYPE_CHECKING:
    from skyquarry.adql.reads import Read
    from skyquarry.adql.running.answers import Report
    from skyquarry.adql.running.calibrating import Work
    from skyquarry.adql.running.deciding import Pieces

_VECTOR: Final = 2_048
"""Rows that the database decodes together, where no condition has left any of them."""
_ONCE: Final = ("start", "look-up")
"""Work that a query does however much it reads."""
_WORTH_S: Final = 0.1
"""A shorter run is not noted, unless its cost was asked: noting takes four to ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Most:
    """What a query may cost at most; None: anything."""

    rows: int | None = None
    """Rows given."""
    seconds: float | None = None
    bytes: float | None = None
    """Read from disk."""

    def check(self, cost: Cost) -> None:
        """Raises QueryError where more is expected."""
        told = [
            (self.rows, cost.rows_out, "give", f"{cost.rows_out:,} rows", "most_rows"),
            (self.seconds, cost.seconds, "take", in_time(cost.seconds), "most_seconds"),
            (self.bytes, cost.bytes, "read", in_bytes(cost.bytes), "most_bytes"),
        ]
        for most, expected, verb, words, name in told:
            if most is not None and expected > most:
                raise QueryError(
                    f"the query would {verb} about {words}, but {name} is {most:,}: narrow it by "
                    "a region or a condition, take the first rows with TOP, or allow more"
                )

    def __bool__(self) -> bool:
        return (self.rows, self.seconds, self.bytes) != (None, None, None)


@dataclass(frozen=True)
class Costs:
    """What is expected of a query, worked out once."""

    pieces: Pieces
    called: set[str]

    @cached_property
    def estimate(self) -> Estimate | None:
        """By a sample; None where no sample tells (a join of two large tables, set operations)."""
        root = self.pieces.root
        if isinstance(root, str) or root.lead.scan.cut.moved is not None:
            return None
        return estimated(root, self.pieces.aggregates, self.called)

    @cached_property
    def spared(self) -> frozenset[int]:
        """Which of the tables need not be read, as pairs that are found stand in their place."""
        return unread(self.pieces.here.joins, self.pieces.reads)

    @property
    def reads(self) -> list[Read]:
        """The others."""
        return [each for n, each in enumerate(self.pieces.reads) if n not in self.spared]

    @cached_property
    def cost(self) -> Cost:
        """Tiles, rows, bytes and seconds."""
        reads = [self._of_read(each) for each in self.reads]
        rows, bytes_ = sum(rows for rows, _ in reads), sum(size for _, size in reads)
        tiles = sum(len(each.numbers) for each in self.reads if isinstance(each, StoredRead))
        given = self._given
        seconds = seconds_of(self._work(given))
        early = self._early
        if early < 1.0:
            tiles, rows, bytes_ = (max(round(each * early), 1) for each in (tiles, rows, bytes_))
        exact = self.estimate is not None and self.estimate.exact
        return Cost(tiles, int(rows), int(bytes_), round(given), seconds, exact)

    def learn(self, report: Report) -> None:
        """Note what a run took that came to its end; of the same plan ever more seldom."""
        asked = "estimate" in self.__dict__
        if not asked and (report.seconds < _WORTH_S or not _is_new(next(self.pieces.runs))):
            return
        note(self._work(float(report.rows), asked=asked), report.seconds)

    # ------------------------------------------------------------ rows
    @property
    def _given(self) -> float:
        if self.estimate is not None:
            given = self.estimate.given
        else:
            given = float(max((each.cost().rows_out for each in self.reads), default=1))
        root = self.pieces.root
        tops = [self.pieces.limit]
        if isinstance(root, Division):
            given = max(given - root.block.offset, 0.0)
            tops.append(root.block.top)
        return min([given, *(float(each) for each in tops if each is not None)])

    @property
    def _early(self) -> float:
        """The part that is read before enough rows have come."""
        course = self.pieces.here
        if not course.streams or course.most is None or self.estimate is None:
            return 1.0
        division = course.divisions[0]
        share = (course.most + division.block.offset) / max(self.estimate.given, 1.0)
        return _until(share, division)

    def _share(self, read: StoredRead) -> float:
        """The part of a table's rows that is read."""
        root = self.pieces.root
        if isinstance(root, Division) and read in root.along:
            return min(self._share(root.lead), read.cost().rows / max(read.source.stored.n_rows, 1))
        known = self.estimate if "estimate" in self.__dict__ else None
        lead = isinstance(root, Division) and read is root.lead
        rows = known.read if known is not None and lead else read.cost().rows
        return min(rows / max(read.source.stored.n_rows, 1), 1.0)

    def _of_read(self, read: Any) -> tuple[float, float]:
        """Rows and bytes."""
        if isinstance(read, GivenRead):
            return float(read.table.table.num_rows), 0.0
        if not isinstance(read, StoredRead):
            return float(read.cost().rows), float(read.cost().bytes)
        share = self._share(read) * read.rows / max(int(read.source.rows[read.numbers].sum()), 1)
        bytes_ = float(read.source.bytes_of(read.columns).sum()) * share
        return read.source.stored.n_rows * share, bytes_

    # ------------------------------------------------------------ work
    def _work(self, given: float, *, asked: bool = True) -> Work:
        """How much of each kind of work it does; `asked`: whether a sample may be taken."""
        estimate = self.estimate if asked else None
        work: Work = {"look-up" if all(each.is_small for each in self.reads) else "start": 1.0}
        for read in self.reads:
            for kind, much in self._reading(read, estimate).items():
                work[kind] = work.get(kind, 0.0) + much
        early = self._early if asked else 1.0
        work = {kind: much * (1.0 if kind in _ONCE else early) for kind, much in work.items()}
        matched = work.get("tested", 0.0) if estimate is None else estimate.matched
        return {**work, **self._finishing(given, matched)}

    def _reading(self, read: Any, estimate: Estimate | None) -> Work:
        rows, bytes_ = self._of_read(read)
        if not isinstance(read, StoredRead):
            return {"joined": rows}
        wide, whole = self._wide(read, estimate), self._wide(read, None)
        found = {"tiles": float(len(read.numbers)), "tested": rows}
        if read.tag is None:
            found |= {"stored": bytes_ * wide / max(whole, 1.0), "decoded": rows * wide}
        else:
            found["scanned"] = rows * wide
        if read.narrow.region is not None:
            found["placed"] = rows
        if not knows(read.may_open):
            found["footers"] = _footers(read)
        if len(self.pieces.reads) > 1:
            found["joined"] = rows
        return found

    def _wide(self, read: StoredRead, estimate: Estimate | None) -> float:
        """Bytes decoded of a row: columns of conditions of each, others where rows may match."""
        widths = {each.name: width_of(each.type) for each in read.scan.schema}
        root = self.pieces.root
        if estimate is None or not isinstance(root, Division) or read is not root.lead:
            return sum(widths.values())
        share = min(estimate.matched / max(estimate.read, 1), 1.0)
        tested = {each.partition(".")[2].strip('"') for each in columns_in(root.block.where)}
        often = 1.0 - (1.0 - share) ** _VECTOR
        return sum(wide * (1.0 if name in tested else often) for name, wide in widths.items())

    def _finishing(self, given: float, matched: float) -> Work:
        wide = sum(8.0 if each.kind in ("integer", "float") else 24.0 for each in self._fields)
        found = {"given": given * wide}
        root = self.pieces.root
        if not isinstance(root, Division):
            return {**found, "sorted": given}
        block = root.block
        if block.grouped or block.distinct:
            found |= {"grouped": matched, "kept": given}
        if block.orders and block.top is None:
            found["sorted"] = given
        return found

    @property
    def _fields(self) -> Any:
        return self.pieces.compiled.fields


def _footers(read: StoredRead) -> float:
    """Columns told in the footers of the files that are read: of a tag, its own."""
    stored = read.source.stored if read.tag is None else read.tag.stored
    return float(len(read.files()) * len(stored.schema.names))


def _is_new(run: int) -> bool:
    """Whether a run tells what those before it did not: the first, second, fourth, eighth ..."""
    return run & (run - 1) == 0


def _until(share: float, division: Division) -> float:
    """The part of a table that is read until a share of all rows has come.

    Another part is read beside the one that they come of; where one part has enough, each of the
    two ends when it has.
    """
    sizes = [float(division.lead.source.rows[group].sum()) for group in division.groups]
    parts = np.cumsum(sizes) / max(sum(sizes), 1.0)
    if share <= parts[0]:
        return float(min(2.0 * share, parts[min(1, len(parts) - 1)]))
    last = int(np.searchsorted(parts, share)) + 1
    return float(parts[min(last, len(parts) - 1)])
