"""A bell that stops a query from another thread, as Ctrl-C in a shell does."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skyquarry.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """Rung once, it interrupts what runs under it, and nothing more begins."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._running: list[Any] = []
        self._lock = threading.Lock()

    @property
    def rung(self) -> bool:
        """Whether it has been rung."""
        return self._rung.is_set()

    def ring(self) -> None:
        """Interrupt every database that runs under it."""
        self._rung.set()
        with self._lock:  # what has ended may serve another query by now
            for each in self._running:
                each.interrupt()

    def check(self) -> None:
        """Raises CancelledError where it has been rung."""
        if self.rung:
            raise CancelledError("the query was stopped")

    @contextmanager
    def heard_by(self, connection: Any) -> Iterator[None]:
        """What runs in this connection of a database is interrupted when it rings."""
        with self._lock:
            self._running.append(connection)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._running.remove(connection)
