"""Ends a run when its time is over or its folder too large: all that was done is kept.

Stages write what they finish as they go and go on from it, as they do after a kill. So a limit
need not ask them: it interrupts the main thread, as Ctrl-C does.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyquarry.errors import RunError
from skyquarry.pipeline.project.words import told_bytes, told_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

_LOOK_S = 2.0


class StoppedError(RunError):
    """A limit that the user set was reached; a later run goes on."""


@dataclass(slots=True)
class Limits:
    """What a run may use."""

    seconds: float | None = None
    bytes: int | None = None
    look_s: float = _LOOK_S
    """between two looks at the folder's size"""
    began: float = field(default_factory=time.monotonic)
    reached: str = ""
    """which limit, in words; empty while none is"""

    def check(self, folder: Path) -> None:
        """Raises StoppedError where a limit is reached."""
        self._look(folder)
        if self.reached:
            raise StoppedError(self.reached)

    @contextmanager
    def held(self, folder: Path) -> Iterator[None]:
        """What runs inside is interrupted, as StoppedError, at the limit. Main thread only."""
        if self.seconds is None and self.bytes is None:
            yield
            return
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(folder, over), daemon=True)
        try:
            with _interruptible(lambda: bool(self.reached)):
                watch.start()
                yield
                over.set()
                watch.join()
        except KeyboardInterrupt:
            over.set()
            watch.join()
            if not self.reached:
                raise
            raise StoppedError(self.reached) from None
        finally:
            over.set()

    def _watch(self, folder: Path, over: threading.Event) -> None:
        while not over.wait(self._pause()):
            self._look(folder)
            if self.reached and not over.is_set():
                _interrupt_main()
                return

    def _pause(self) -> float:
        if self.seconds is None:
            return self.look_s
        left = max(self.began + self.seconds - time.monotonic(), 0.0)
        return left if self.bytes is None else min(left, self.look_s)

    def _look(self, folder: Path) -> None:
        if self.seconds is not None and time.monotonic() - self.began >= self.seconds:
            self.reached = f"{told_s(self.seconds)} are over"
        elif self.bytes is not None and (size := size_of(folder)) > self.bytes:
            self.reached = f"{folder} has {told_bytes(size)}, more than {told_bytes(self.bytes)}"


@contextmanager
def _interruptible(due: Callable[[], bool]) -> Iterator[None]:
    """The signal of Ctrl-C ends the work where that is due, also where the process ignores it.

    A script ignores it for what it starts in the background, as batch queues do.
    """
    before = signal.getsignal(signal.SIGINT)

    def told(number: int, frame: FrameType | None) -> None:
        if due() or before == signal.SIG_DFL:
            raise KeyboardInterrupt
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_main() -> None:
    """As Ctrl-C does: a real signal ends the main thread's waiting too, where the system has it."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder; a file of several names counts once."""
    seen = {}
    for path in folder.rglob("*"):
        with suppress(OSError):  # it may be a temporary one that is gone by now
            state = path.stat()
            if path.is_file():
                seen[state.st_dev, state.st_ino] = state.st_size
    return sum(seen.values())
