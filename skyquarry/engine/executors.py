"""Where tasks run: inline, in threads, in processes, or on an executor of the caller's.

Anything with the `submit` of `concurrent.futures.Executor` will do: Dask's `Client.get_executor()`,
MPI's, Parsl's.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from skyquarry.engine import cluster
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

Where = Literal["inline", "threads", "processes"] | Executor | None
"""What a caller may pass as `executor`: a name, an executor of its own, or None for threads."""
_NAMES: Final = ("inline", "threads", "processes")

_here = threading.local()
_threads_lock = threading.Lock()
_threads: list[ThreadPoolExecutor] = []


@dataclass(slots=True)
class Pool:
    """An executor and what a run has to know about it."""

    name: str
    executor: Executor | None
    """None: the tasks run in the calling thread, one after another."""
    workers: int
    options: dict[str, Any] = field(default_factory=dict)
    """Added to each `submit`."""
    rebuild: Callable[[], Executor] | None = None
    """Makes a new executor after a worker died; None where the executor is the caller's, or cannot
    die."""

    def renew(self) -> None:
        """Put a new executor in the place of a broken one."""
        if self.rebuild is not None:
            broken, self.executor = self.executor, self.rebuild()
            if broken is not None:
                broken.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop workers made for this run; those of the caller, and shared threads, stay."""
        if self.rebuild is not None and self.executor is not None:
            self.executor.shutdown(wait=True, cancel_futures=True)


def resolve(where: Where = None) -> Pool:
    """The pool for "threads" (or None), "processes", "inline", or any executor.

    A run started inside a thread of ours is inline: waiting there for other threads of the same
    pool could wait for ever. Raises UserError for anything else.
    """
    check(where)
    if where is None or where == "threads":
        return Pool("inline", None, 1) if inside_a_task() else _thread_pool()
    if where == "inline":
        return Pool("inline", None, 1)
    if where == "processes":
        return Pool("processes", _new_processes(), cpu_count(), rebuild=_new_processes)
    return Pool(type(where).__name__, where, worker_count(where), cluster.submit_options(where))


def check(where: Where) -> None:
    """Raise UserError where tasks cannot be run by this."""
    known = where is None or (isinstance(where, str) and where in _NAMES)
    if known or callable(getattr(where, "submit", None)):
        return
    raise UserError(
        f'executor is {where!r}, but a run needs "threads", "processes", "inline" or an object '
        "with the `submit` of concurrent.futures.Executor: leave it out to run in threads"
    )


def shares_memory(where: Where) -> bool:
    """Whether tasks see the memory of the caller: in threads and inline, not in processes."""
    return where is None or where in ("threads", "inline") or isinstance(where, ThreadPoolExecutor)


def cpu_count() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(executor: Executor) -> int:
    """How many tasks the executor works on at once; where it does not say, this machine's cores."""
    known = cluster.worker_count(executor)
    return known or int(getattr(executor, "_max_workers", 0)) or cpu_count()


def is_lost(error: BaseException) -> bool:
    """Whether a task failed with its worker or its connection, so that it may be tried again."""
    lost = (BrokenExecutor, CancelledError, ConnectionError, TimeoutError)
    return isinstance(error, lost) or cluster.is_lost(error)


def inside_a_task() -> bool:
    """Whether this code runs in one of our worker threads."""
    return getattr(_here, "working", False)


def _thread_pool() -> Pool:
    """The one thread pool of this process, made when first asked for."""
    with _threads_lock:
        if not _threads:
            _threads.append(ThreadPoolExecutor(cpu_count(), "skyquarry", mark_thread))
        return Pool("threads", _threads[0], cpu_count())


def mark_thread() -> None:
    """Say that this thread works on tasks: `inside_a_task`."""
    _here.working = True


def _new_processes() -> Executor:
    # Spawned, never forked: Arrow's and numba's threads do not survive a fork.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(cpu_count(), multiprocessing.get_context("spawn"))


def _forget_threads() -> None:
    """A forked child has none of its parent's threads: it makes its own pool."""
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
