"""A download from its first cell to its last: counted, fetched, cut where need be, kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from skyquarry.errors import RunError
from skyquarry.surveys.fetch.asking import Asker, Cut, Rows
from skyquarry.surveys.fetch.cells import Cell, touched
from skyquarry.surveys.fetch.crowd import Crowd
from skyquarry.surveys.fetch.head import Head, as_payload, from_payload
from skyquarry.surveys.fetch.patience import Stops
from skyquarry.surveys.fetch.transport import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from skyquarry.sky.ranges import Ranges
    from skyquarry.surveys.fetch.cache import Cache, Kept
    from skyquarry.surveys.fetch.plan import FetchPlan

T = TypeVar("T")
_PARTS_ORDER = 12
_HEAD = "head"


class Telling(Protocol):
    """What a download tells: as a build does."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins, with so many rows to do (None: not known)."""

    def advance(self, rows: int) -> None:
        """So many more rows are done."""

    def note(self, text: str) -> None:
        """Something the user should read."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download has brought."""

    files: tuple[Path, ...]
    """One a cell that has rows, along the sky."""
    rows: int
    received: int
    """With those beyond the borders of cells and region, which were left out."""
    cells: int
    asked: int
    """Cells that were fetched now, and not by an earlier run."""
    head: Head
    date: str
    seconds: float


class Download:
    """One run of a plan; what it does is kept in the cache as it goes."""

    def __init__(self, plan: FetchPlan, cache: Cache, telling: Telling) -> None:
        self.plan, self.cache, self.telling = plan, cache, telling
        self.stops = Stops()
        self.asked = 0
        self.kept: dict[Cell, Kept] = {}
        self._asker: Asker | None = None
        self._making = Lock()
        self._touched: dict[int, Ranges] = {}

    def run(self) -> Fetched:
        """Fetch all that is not kept. Raises ServiceError, StorageError, CancelledError."""
        began = time.monotonic()
        try:
            head = self._head()
            self._fetch(head, self._count(head))
        except RunError as fault:
            raise self._told(fault) from fault
        finally:
            self.stops.set_all()
            if self._asker is not None:
                self._asker.wire.close()
        cells = sorted(self.kept, key=lambda cell: cell.pixel << (2 * (29 - cell.order)))
        return Fetched(
            tuple(file for cell in cells if (file := self.kept[cell].file) is not None),
            sum(each.rows for each in self.kept.values()),
            sum(each.received for each in self.kept.values()),
            len(cells),
            self.asked,
            head,
            self.cache.date(),
            time.monotonic() - began,
        )

    # ------------------------------------------------------------------ its three parts
    def _head(self) -> Head:
        told = self.cache.journal.done(_HEAD)
        if told is not None:
            return from_payload(told)
        head = self._service().head()
        self.cache.journal.record(_HEAD, as_payload(head))
        if head.missing:
            self.telling.note(
                f"{self.plan.target.title} has not the columns {', '.join(head.missing)}, which "
                "the role file describes: they are left out"
            )
        return head

    def _count(self, head: Head) -> dict[Cell, int | None]:
        """The cells to fetch, each with the rows that the service counts for it."""
        if not self.plan.target.service.count:
            return dict.fromkeys(self.plan.cells)
        leaves: dict[Cell, int | None] = {}
        self.telling.stage("counting", None)

        def work(cell: Cell) -> int | Cut:
            return self._counted(self._service().count(head, cell), cell)

        def seen(cell: Cell, told: int | Cut) -> Sequence[Cell]:
            if isinstance(told, Cut):
                return self._parts(cell, told)
            if self.cache.count(cell) != told:
                self.cache.keep_count(cell, told)
            leaves[cell] = told
            self.telling.advance(told)
            return ()

        self._crowd(self._known_count, work, seen).over(self.plan.cells)
        return leaves

    def _fetch(self, head: Head, counts: dict[Cell, int | None]) -> None:
        known = [rows for rows in counts.values() if rows is not None]
        self.telling.stage("fetching", sum(known) if len(known) == len(counts) else None)

        def work(cell: Cell) -> Rows | Cut | Kept:
            rows = counts.get(cell)
            if rows is None and self.plan.target.service.count:  # a part of a cell that overflowed
                told = self._counted(self._service().count(head, cell), cell)
                if isinstance(told, Cut):
                    return told
                rows = told
            return Rows(0, 0) if rows == 0 else self._service().rows(head, cell, rows)

        def seen(cell: Cell, told: Rows | Cut | Kept) -> Sequence[Cell]:
            if isinstance(told, Cut):
                return self._parts(cell, told)
            if isinstance(told, Rows):
                self.asked += 1
                told = self.cache.keep(cell, told.kept, told.received)
            self.kept[cell] = told
            self.telling.advance(told.received)
            return ()

        self._crowd(self._known_rows, work, seen).over(counts)

    # ------------------------------------------------------------------ what they need
    def _service(self) -> Asker:
        """What asks the service: made when something has to be asked."""
        with self._making:
            if self._asker is None:
                plan = self.plan
                wire = Wire.to(plan.target.service.tap, plan.patience, self.stops)
                self._asker = Asker(plan.target, plan.region, wire, self.cache, plan.finest)
            return self._asker

    def _known_count(self, cell: Cell) -> int | Cut | None:
        levels, rows = self.cache.cut(cell), self.cache.count(cell)
        if levels or rows is None:
            return Cut(levels) if levels else None
        return self._counted(rows, cell)

    def _known_rows(self, cell: Cell) -> Rows | Cut | Kept | None:
        levels = self.cache.cut(cell)
        return Cut(levels) if levels else self.cache.kept(cell)

    def _counted(self, rows: int | Cut, cell: Cell) -> int | Cut:
        """The count, or the cut that it asks for."""
        if isinstance(rows, Cut) or rows <= self.plan.target.service.max_rows:
            return rows
        return self._service().cut(cell, rows, f"{rows:,} rows")

    def _parts(self, cell: Cell, cut: Cut) -> list[Cell]:
        """The cell's parts that the region touches."""
        if not self.cache.cut(cell):
            self.cache.keep_cut(cell, cut.levels)
        order = min(cell.order + cut.levels, _PARTS_ORDER)
        if order not in self._touched:
            self._touched[order] = touched(self.plan.region, order, self.plan.guarded)
        found, parts = self._touched[order], cell.children(cut.levels)
        return [part for part in parts if found.overlaps(*part.span).all()]

    def _crowd(
        self,
        known: Callable[[Cell], T | None],
        work: Callable[[Cell], T],
        seen: Callable[[Cell, T], Sequence[Cell]],
    ) -> Crowd[T]:
        service, patience = self.plan.target.service, self.plan.patience
        return Crowd(known, work, seen, service.parallel, self.stops, patience.silence_s)

    def _told(self, fault: RunError) -> RunError:
        """The failure, and what is kept of the download."""
        return type(fault)(
            f"{fault}. What was fetched is kept, {len(self.cache):,} cells in "
            f"{self.cache.folder}: the same command goes on from there"
        )
