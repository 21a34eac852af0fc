"""When the time of a query is over: one thread waits for all, as to start one takes longer."""

from __future__ import annotations

import heapq
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_AGAIN_S: Final = 0.1
"""Between two rings: an interruption that comes while a database is between two works is lost."""
_MANY: Final = 64
"""Ends that lie about before those taken back are thrown away."""


@dataclass(order=True, slots=True)
class _End:
    """What happens at a moment, until it is taken back."""

    at: float
    number: int
    ring: Callable[[], None] | None = field(compare=False)


class _Watch:
    """The thread of one process, and the ends that it waits for."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._ends: list[_End] = []
        self._changed = threading.Condition()
        self._number = count()
        threading.Thread(target=self._wait, name="skyquarry-deadlines", daemon=True).start()

    def add(self, seconds: float, ring: Callable[[], None]) -> _End:
        end = _End(time.monotonic() + seconds, next(self._number), ring)
        with self._changed:
            heapq.heappush(self._ends, end)
            if self._ends[0] is end:
                self._changed.notify()
        return end

    def take_back(self, end: _End) -> None:
        """What is not due yet never comes; many that lie about are thrown away."""
        with self._changed:
            end.ring = None
            left = sum(each.ring is not None for each in self._ends)
            if len(self._ends) > _MANY and left < len(self._ends) // 2:
                self._ends = [each for each in self._ends if each.ring is not None]
                heapq.heapify(self._ends)

    def _wait(self) -> None:
        while True:
            with self._changed:
                while not self._ends:
                    self._changed.wait()
                left = self._ends[0].at - time.monotonic()
                if left > 0:
                    self._changed.wait(min(left, threading.TIMEOUT_MAX))
                    continue
                end = heapq.heappop(self._ends)
                if end.ring is not None:
                    with suppress(Exception):  # others wait for their ends
                        end.ring()  # under the lock: what is taken back is not rung any more
                    end.at = time.monotonic() + _AGAIN_S
                    heapq.heappush(self._ends, end)


_LOCK = threading.Lock()
_WATCHES: list[_Watch] = []


@contextmanager
def after(seconds: float | None, ring: Callable[[], None]) -> Iterator[None]:
    """`ring` is called from another thread when this lasts longer; never where that is None.

    And again, until this ends. It must be quick: all others wait for it.
    """
    if seconds is None:
        yield
        return
    watch = _watch()
    end = watch.add(seconds, ring)
    try:
        yield
    finally:
        watch.take_back(end)


def begin() -> None:
    """Start the thread now: where memory is bounded there may be no room for it later."""
    _watch()


def _watch() -> _Watch:
    """The one of this process: threads do not come along when it forks."""
    with _LOCK:
        if not _WATCHES or _WATCHES[0].process != os.getpid():
            _WATCHES[:] = [_Watch()]
        return _WATCHES[0]
