"""Cells asked for several at a time, no more than the service bears; each may fall into parts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from skyquarry.surveys.fetch.cells import Cell, check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skyquarry.surveys.fetch.patience import Stops

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Crowd(Generic[T]):
    """Cells and their parts, some of them asked for at a time.

    `known` answers from what is kept, else `work` asks in a thread of its own; `seen` is told of
    each answer in the thread that called, and gives the parts that the cell fell into.
    """

    known: Callable[[Cell], T | None]
    work: Callable[[Cell], T]
    seen: Callable[[Cell, T], Sequence[Cell]]
    parallel: int
    stops: Stops
    last_wait_s: float
    """how long the others are waited for when one has failed"""

    def over(self, cells: Iterable[Cell]) -> None:
        """Go through the cells and their parts. Raises the first failure, the others seen to."""
        waiting, met = deque(cells), 0
        running: dict[Cell, Thread] = {}
        ended: SimpleQueue[tuple[Cell, T | None, BaseException | None]] = SimpleQueue()
        try:
            while waiting or running:
                while waiting and len(running) < self.parallel:
                    met += 1
                    check_number(met)
                    cell = waiting.popleft()
                    told = self.known(cell)
                    if told is None:
                        running[cell] = self._begun(cell, ended)
                    else:
                        waiting.extendleft(reversed(self.seen(cell, told)))
                if running:
                    waiting.extendleft(reversed(self._next(running, ended)))
        except Exception:
            self.stops.waiting.set()
            self._last(running, ended)
            raise
        finally:
            self.stops.set_all() if running else None

    def _begun(
        self, cell: Cell, ended: SimpleQueue[tuple[Cell, T | None, BaseException | None]]
    ) -> Thread:
        def run() -> None:
            try:
                ended.put((cell, self.work(cell), None))
            except BaseException as fault:  # noqa: BLE001  it is raised where it is waited for
                ended.put((cell, None, fault))

        # a thread that waits for a silent service must not keep the program from ending
        thread = Thread(target=run, daemon=True, name=f"fetch {cell.key}")
        thread.start()
        return thread

    def _next(
        self,
        running: dict[Cell, Thread],
        ended: SimpleQueue[tuple[Cell, T | None, BaseException | None]],
        wait_s: float | None = None,
    ) -> Sequence[Cell]:
        cell, told, fault = ended.get(timeout=wait_s)
        running.pop(cell).join()
        if fault is not None:
            raise fault
        assert told is not None  # work gives an answer or raises
        return self.seen(cell, told)

    def _last(
        self,
        running: dict[Cell, Thread],
        ended: SimpleQueue[tuple[Cell, T | None, BaseException | None]],
    ) -> None:
        """Keep what the others still bring."""
        ends = time.monotonic() + self.last_wait_s
        while running and (left := ends - time.monotonic()) > 0.0:
            try:
                self._next(running, ended, left)
            except Empty:
                return
            except Exception:  # noqa: BLE001, S112  the first failure is the one to tell
                continue
