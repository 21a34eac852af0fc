"""What stops a query while the database works: a bell that another thread rings, and Ctrl-C."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from skyquarry.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

Made = TypeVar("Made")


class _Beside:
    """A call that another thread makes while this one waits."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call: Callable[[], Any] | None = call
        self._turn = threading.Lock()
        self._begun = self._left = False
        self.over = threading.Event()
        self._made: Any = None
        self._error: BaseException | None = None
        self._then: Callable[[], object] | None = None

    def run(self) -> None:
        """What the other thread does; what it held is let go of before the answer is there."""
        with self._turn:
            call, self._call = self._call, None
            self._begun = not self._left
        try:
            if call is not None and self._begun:
                self._made = call()
        except BaseException as error:  # noqa: BLE001  the one who waits raises it
            self._error = error
        del call
        with self._turn:
            self.over.set()
        if self._then is not None:
            self._then()

    def result(self) -> Any:
        """What it gave, or the error that it raised: the other thread has them no more."""
        self.over.wait()
        error, self._error = self._error, None
        made, self._made = self._made, None
        if error is not None:
            raise error
        return made

    def leave(self, connection: Any) -> None:
        """It does not begin any more, or is interrupted and over afterwards.

        Ctrl-C while that is waited for leaves it alone: one long call hears no interruption.
        """
        with self._turn:
            self._left = True
        try:
            while self._begun and not self.over.wait(0.05):
                connection.interrupt()  # one that comes before the work begins is lost
        except BaseException:
            _LEFT.append((connection, self))
            raise
        self._error = self._made = None

    def then(self, function: Callable[[], object]) -> bool:
        """Whether it will call this when it is over; False where it is."""
        with self._turn:
            if self.over.is_set():
                return False
            self._then = function
            return True


_LEFT: list[tuple[Any, _Beside]] = []
"""Calls that go on while nobody waits for them, each with its connection."""


def when_over(connection: Any, function: Callable[[], object]) -> None:
    """Call this when nothing runs in the connection: now, or after a call that was left alone."""
    for left in [each for each in _LEFT if each[0] is connection]:
        _LEFT.remove(left)
        if left[1].then(function):
            return
    function()


class _Maker:
    """The thread that makes calls for the main thread, one after another.

    It is kept, as to start one takes longer than a small query.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._calls: SimpleQueue[_Beside | None] = SimpleQueue()
        self._last: threading.Event | None = None
        threading.Thread(target=self._make, name="skyquarry-query", daemon=True).start()

    @property
    def is_free(self) -> bool:
        """Whether the next call would be made at once; threads do not come along in a fork."""
        return self._process == os.getpid() and (self._last is None or self._last.is_set())

    def take(self, call: _Beside) -> None:
        """Make this one."""
        self._calls.put(call)
        self._last = call.over  # the call itself would keep its rows

    def end(self) -> None:
        """It makes no call after those that it has taken."""
        self._calls.put(None)

    def _make(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            del call  # and with it what it gave


_MAKER: list[_Maker] = []


def _maker() -> _Maker:
    """The one of the main thread: another where it is still at a call that was left."""
    if _MAKER and not _MAKER[0].is_free:
        _MAKER.pop().end()
    if not _MAKER:
        _MAKER.append(_Maker())
    return _MAKER[0]


def heard(connection: Any, call: Callable[[], Made]) -> Made:
    """What a call of a database gives, while Ctrl-C is heard.

    The main thread alone is told of it, and not before the call is over: so the call is made in
    another thread, and interrupted. A second Ctrl-C does not wait for one that heeds none of it.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    beside = _Beside(call)
    try:  # Ctrl-C may come while the thread starts, too
        _maker().take(beside)
        result: Made = beside.result()
    except BaseException:  # also one that the call raised: then it is over
        beside.leave(connection)
        raise
    return result


class Heard:
    """The batches of a reader, each asked for while Ctrl-C is heard."""

    def __init__(self, reader: pa.RecordBatchReader, connection: Any) -> None:
        self._reader = reader
        self._connection = connection
        self.schema: pa.Schema = reader.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := heard(self._connection, self._next)) is not None:
            yield batch

    def read_all(self) -> pa.Table:
        """All rows."""
        return heard(self._connection, self._reader.read_all)

    def _next(self) -> pa.RecordBatch | None:
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None


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
