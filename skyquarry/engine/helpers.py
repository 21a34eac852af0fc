"""Worker processes that know nothing of the caller's script.

`multiprocessing` imports the main module again in every process that it spawns, so that a script
without `if __name__ == "__main__"` breaks. These are fresh interpreters that talk over pipes: a
function of the library may start them wherever it is called. They end with the process that
started them. What travels must not be of the main module: `travels` tells. Tasks do without pandas.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from skyquarry.engine.executors import mark_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_BEGIN = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from skyquarry.engine.helpers import serve; serve()"
)
_ROOM = str(1 << 30)
_KNOWN = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Memory that a task gave back is the next one's: pages anew from the kernel cost a fifth of
    # a task's time. Of glibc, whose memory Arrow takes as numpy does; others do not read these.
    "MALLOC_MMAP_THRESHOLD_": _ROOM,
    "MALLOC_TRIM_THRESHOLD_": _ROOM,
    "MALLOC_TOP_PAD_": str(64 << 20),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class Helpers(Executor):
    """So many workers, started at once, until `shutdown`: processes; a dead one is replaced.

    A task whose worker died ends in a ConnectionResetError, so that a run tries it again. With
    `here` one of them is a thread of this process, which has loaded already what the others have to
    load, and has little else to do: tasks must then be right beside each other in one process.
    """

    def __init__(self, workers: int, *, here: bool = False) -> None:
        self._max_workers = workers  # `executors.worker_count` reads it, as of the library's own
        self._threads = ThreadPoolExecutor(workers, "skyquarry-helper", mark_thread)
        self._idle: SimpleQueue[_Worker | _Here] = SimpleQueue()
        if here:
            self._idle.put(_Here())
        for _ in range(workers - here):
            self._idle.put(_Worker())

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function of a module in one of the processes."""
        return self._threads.submit(self._asked, fn, args, kwargs)

    def shutdown(  # the signature of `Executor`
        self,
        wait: bool = True,  # noqa: FBT001, FBT002
        *,
        cancel_futures: bool = False,
    ) -> None:
        """End the processes once their tasks have ended."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        while not self._idle.empty():
            self._idle.get().close()

    def _asked(self, *task: Any) -> Any:
        worker = self._idle.get()
        try:
            done, value = worker.ask(task)
        except (EOFError, OSError) as error:
            worker.close()
            worker = _Worker()
            raise ConnectionResetError("a worker process died in the middle of a task") from error
        finally:
            self._idle.put(worker)
        if done:
            return value
        raise value


class _Here:
    """A worker that is a thread of this process."""

    @staticmethod
    def ask(task: tuple[Any, ...]) -> tuple[bool, Any]:
        """(True, the value), or (False, the error)."""
        function, args, kwargs = task
        try:
            return True, function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  told to who asked
            return False, error

    def close(self) -> None:
        """Nothing is to be ended."""


class _Worker:
    """One process, and the pipes to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  this interpreter
            [sys.executable, "-c", _BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_KNOWN | dict(os.environ),
        )
        with contextlib.suppress(OSError):
            self._tell(sys.path)

    def ask(self, task: tuple[Any, ...]) -> tuple[bool, Any]:
        """(True, the value), or (False, the error). Raises EOFError or OSError if it died."""
        self._tell(pickle.dumps(task, pickle.HIGHEST_PROTOCOL))
        assert self.process.stdout is not None
        told: tuple[bool, Any] = pickle.loads(pickle.load(self.process.stdout))  # noqa: S301
        return told

    def _tell(self, what: Any) -> None:
        assert self.process.stdin is not None
        pickle.dump(what, self.process.stdin, pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def close(self) -> None:
        """Let it end."""
        with contextlib.suppress(OSError):
            self.process.communicate()


class _NoPandas:
    """A finder of modules that finds all but pandas: pyarrow would load it, for 0.4 s.

    It is not there to those either that only look (astropy.table): an error would end them.
    """

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """What the finder finds; None for pandas."""
        return None if name == "pandas" else self._finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def do_without_pandas() -> None:
    """Whatever is installed: no library of this process loads it beside its first array."""
    sys.meta_path[:] = [_NoPandas(each) for each in sys.meta_path]


def serve() -> None:
    """Do tasks from the standard input until it ends; what tasks print goes to stderr."""
    do_without_pandas()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    gc.set_threshold(50_000, 20, 100)  # tables and arrays leave no cycles behind
    given, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = pickle.load(given)  # noqa: S301  bytes, so that what follows is the next task
            pickle.dump(_pickled(_done(task)), told, pickle.HIGHEST_PROTOCOL)
            told.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # who waits for it need not wait for each module to be taken down


def _done(task: bytes) -> tuple[bool, Any]:
    try:
        function, args, kwargs = pickle.loads(task)  # noqa: S301  from who started this process
        return True, function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001  told to who asked
        import traceback

        error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
        return False, error


def _pickled(answer: tuple[bool, Any]) -> bytes:
    try:
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  told to who asked
        return pickle.dumps((False, error))


def travels(*things: Any) -> bool:
    """Whether these may be sent to a worker: none is of the main module, and all can be pickled."""
    try:
        return b"__main__" not in pickle.dumps(things)
    except Exception:  # noqa: BLE001  whatever a class raises in place of its state
        return False
