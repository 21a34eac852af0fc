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
        self._call = call
        self._turn = threading.Lock()
        self._begun = self._left = False
        self.over = threading.Event()
        self._made: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """What the other thread does."""
        with self._turn:
            if self._left:
                self.over.set()
                return
            self._begun = True
        try:
            self._made = self._call()
        except BaseException as error:  # noqa: BLE001  the one who waits raises it
            self._error = error
        self.over.set()

    def result(self) -> Any:
        """What it gave, or the error that it raised."""
        self.over.wait()
        if self._error is not None:
            raise self._error
        return self._made

    def leave(self, connection: Any) -> None:
        """It does not begin any more, or is interrupted and over afterwards."""
        with self._turn:
            self._left = True
        while self._begun and not self.over.wait(0.05):
            connection.interrupt()  # one that comes before the work begins is lost


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
    another thread, and interrupted.
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
