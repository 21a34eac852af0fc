"""One cell at a service: its rows counted, fetched, checked against the count, or the cell cut."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from skyquarry.errors import IngestError, ServiceError
from skyquarry.surveys.fetch import queries, replies
from skyquarry.surveys.fetch.cells import levels_for
from skyquarry.surveys.fetch.head import Head, check_position, columns_of, head_of
from skyquarry.surveys.fetch.patience import TooMuch, Transient, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from skyquarry.sky.algebra import Region
    from skyquarry.surveys.fetch.cache import Cache
    from skyquarry.surveys.fetch.cells import Cell
    from skyquarry.surveys.fetch.target import Target
    from skyquarry.surveys.fetch.transport import Wire

T = TypeVar("T")
_ROUND = 1000
"""A service that cuts in silence cuts at a round number."""
_SYNC_TRIES = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """The cell is too much for one answer: it is to be asked for in parts."""

    levels: int


@dataclass(frozen=True, slots=True)
class Rows:
    """A cell's rows lie in their file."""

    kept: int
    received: int


class Mismatch(Exception):  # noqa: N818  told as a ServiceError, where a new count does not mend it
    """COUNT(*) and the rows that came differ."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What asks for cells; threads share it, each with a cell of its own."""

    target: Target
    region: Region
    wire: Wire
    cache: Cache
    finest: int

    def head(self) -> Head:
        """The table's columns, by the service's own words."""
        query = queries.head_query(self.target.service.table)

        def ask(_: int) -> Head:
            with self._scratch(None, "head") as path:
                self.wire.sync(query, 1, path)
                answer = replies.opened(path, self.wire.url)
                schema = answer.table.schema
                head = head_of(self.target, columns_of(schema))
                check_position(self.target, head, schema)
                return head

        return self._patiently(ask)

    def count(self, head: Head, cell: Cell) -> int | Cut:
        """The rows that the query for the cell gives; Cut where they cannot be counted in time."""
        query = queries.count_query(head, cell)

        def ask(attempt: int) -> int:
            with self._scratch(cell, "count") as path:
                way = self.wire.sync if attempt < _SYNC_TRIES else self.wire.job
                way(query, 1, path)
                return replies.number_in(replies.opened(path, self.wire.url))

        try:
            return self._patiently(ask)
        except TooMuch as fault:
            return self.cut(cell, 0, str(fault))

    def rows(self, head: Head, cell: Cell, counted: int | None) -> Rows | Cut:
        """The cell's rows into its file; Cut where the answer overflows or takes too long.

        Raises ServiceError where count and rows differ, counted anew, a second time.
        """
        try:
            return self._rows(head, cell, counted)
        except Mismatch:
            again = self.count(head, cell)
        try:
            return again if isinstance(again, Cut) else self._rows(head, cell, again)
        except Mismatch as fault:
            raise ServiceError(str(fault)) from fault

    def _rows(self, head: Head, cell: Cell, counted: int | None) -> Rows | Cut:
        query, most = queries.rows_query(head, cell), self.target.service.max_rows
        few = counted is not None and counted <= self.target.service.sync_rows

        def ask(attempt: int) -> Rows | Cut:
            with self._scratch(cell, "rows") as path:
                way = self.wire.sync if few and attempt < _SYNC_TRIES else self.wire.job
                way(query, most, path)
                answer = replies.opened(path, self.wire.url)
                return self._sieved(head, cell, answer, counted)

        try:
            return self._patiently(ask)
        except TooMuch as fault:
            return self.cut(cell, counted or 0, str(fault))

    def cut(self, cell: Cell, rows: int, why: str) -> Cut:
        """Into how fine parts the cell is cut. Raises ServiceError where it cannot be."""
        most = self.target.service.max_rows
        levels = levels_for(rows, max(1, most // 2), cell.order, self.finest)
        if levels < 1:
            raise ServiceError(
                f"cell {cell.key} of {self.target.title} is too much for one answer ({why}) and "
                f"the finest there is, but at most {most:,} rows can lie there: raise max_rows, or "
                "narrow the download by a condition (--where)"
            )
        return Cut(levels)

    def _sieved(
        self, head: Head, cell: Cell, answer: replies.Answer, counted: int | None
    ) -> Rows | Cut:
        sieve, path = replies.Sieve(head, cell, self.region), self.cache.path(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            replies.write_rows(answer, sieve, path)
        except IngestError as fault:
            raise Transient(f"an answer is damaged: {fault}") from fault
        if self._is_cut(answer, sieve.received, counted):
            path.unlink(missing_ok=True)
            return self.cut(cell, sieve.received, f"it overflowed at {sieve.received:,} rows")
        if counted is not None and sieve.received != counted:
            path.unlink(missing_ok=True)
            raise Mismatch(
                f"{self.target.title} counts {counted:,} rows in cell {cell.key} but sends "
                f"{sieve.received:,}, and the two have to agree: its rows may be changing, so try "
                "again later, or leave the count out with --no-count"
            )
        return Rows(sieve.kept, sieve.received)

    def _is_cut(self, answer: replies.Answer, received: int, counted: int | None) -> bool:
        """Whether the service has more rows than it sent."""
        if answer.overflow or received > self.target.service.max_rows:
            return True
        if counted is None:
            return received >= self.target.service.max_rows
        return counted > received > 0 and received % _ROUND == 0

    def _patiently(self, ask: Callable[[int], T]) -> T:
        return patiently(ask, self.wire.patience, self.wire.stops, self.target.title)

    @contextmanager
    def _scratch(self, cell: Cell | None, what: str) -> Iterator[Path]:
        """A name for an answer; what lies there goes at the end."""
        path = self.cache.scratch(cell, what)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
