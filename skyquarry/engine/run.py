"""Tasks over any executor: a bounded window of them, results as they finish, lost ones again.

There is never a graph of all tasks: the next one is made when there is room for it, so that a
million tiles cost the memory of those in flight.
"""

from __future__ import annotations

import queue
from collections import deque
from concurrent.futures import BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from skyquarry.engine.executors import Pool, Where, is_lost, resolve
from skyquarry.errors import CancelledError, TaskLostError, UserError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

Task = tuple[Any, "Callable[..., Any]", "tuple[Any, ...]"]
"""A key, a function, its arguments; for processes and clusters a function of a module."""


@dataclass(frozen=True, slots=True)
class Instead:
    """What a task may give in place of a value: smaller tasks that do its work, in their order."""

    arguments: tuple[tuple[Any, ...], ...]
    """of the same function, for each; they have the same key"""


_PATIENCE_S = 0.1
"""How soon a cancelled run notices it while all its tasks are busy."""


def run_tasks(  # noqa: PLR0913 (each is a knob of the same run)
    tasks: Iterable[Task],
    executor: Where = None,
    *,
    window: int | None = None,
    retries: int = 2,
    ordered: bool = False,
    cancel: threading.Event | None = None,
    memory_bytes: int | None = None,
    weigh: Callable[[Any], int] | None = None,
) -> Iterator[tuple[Any, Any]]:
    """The (key, value) of each task as it finishes; with `ordered`, in the order of `tasks`.

    At most `window` tasks (default: twice the workers) are submitted and not yet handed out; with
    `memory_bytes` and `weigh(key) -> bytes`, also no more than that many bytes of them by what
    `weigh` expects, but always one, so that a single large task exceeds it. A task whose worker
    died or whose connection broke is tried again, `retries` times; the tasks that were in flight
    beside it are then run one at a time, so that the one at fault is known. A task may give
    `Instead` of a value: then smaller ones take its place. The first error of a task itself ends
    the run, with the task's key in a note. Setting `cancel`, or closing the iterator, cancels what
    has not begun and waits for what has. A single task, and everything with executor="inline", runs
    in the calling thread.

    Raises TaskLostError, CancelledError, UserError for a bad argument, and whatever a task raises.

    >>> list(run_tasks([("a", abs, (-1,))]))
    [('a', 1)]
    """
    if window is not None and window < 1:
        raise UserError(
            f"window is {window}, but a run needs at least 1 task at once: leave it out"
        )
    if retries < 0:
        raise UserError(f"retries is {retries}, but it needs 0 or more: 2 is usual")
    todo = iter(tasks)
    first = list(islice(todo, 2))
    if len(first) < 2 and not callable(getattr(executor, "submit", None)):
        executor = "inline"
    pool = resolve(executor)
    todo = chain(first, todo)
    if pool.executor is None:
        return _run_inline(todo, retries, cancel)
    run = _Run(todo, pool, window or 2 * pool.workers, retries, ordered, cancel)
    run.memory_bytes, run.weigh = memory_bytes, weigh
    return run.results()


def _run_inline(
    tasks: Iterator[Task], retries: int, cancel: threading.Event | None
) -> Iterator[tuple[Any, Any]]:
    for key, function, args in tasks:
        for attempt in range(retries + 1):
            if cancel is not None and cancel.is_set():
                raise CancelledError(
                    f"the run was cancelled before task {key!r}: run it again to go on"
                )
            try:
                value = function(*args)
                break
            except Exception as error:
                if not is_lost(error):
                    raise _noted(error, key)  # noqa: B904 (the same error, with a note)
                if attempt == retries:
                    raise _lost(key, retries, error) from error
        if isinstance(value, Instead):
            parts = ((key, function, each) for each in value.arguments)
            yield from _run_inline(parts, retries, cancel)
        else:
            yield key, value


@dataclass(slots=True)
class _Try:
    """One task on its way: its number, the task, how often it was lost."""

    number: int
    task: Task
    lost: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Run:
    """The state of one run: what waits, what is in flight, what is done and not yet handed out."""

    tasks: Iterator[Task]
    pool: Pool
    window: int
    retries: int
    ordered: bool
    cancel: threading.Event | None
    memory_bytes: int | None = None
    weigh: Callable[[Any], int] | None = None
    flying: dict[Future[Any], _Try] = field(default_factory=dict)
    landed: queue.SimpleQueue[Future[Any]] = field(default_factory=queue.SimpleQueue)
    suspects: deque[_Try] = field(default_factory=deque)
    """Tasks that were in flight when a worker died: run alone, to find out which one kills."""
    held: dict[int, tuple[Any, Any, int]] = field(default_factory=dict)
    """Ordered runs: finished before their turn, with their bytes."""
    waiting: _Try | None = None
    """The next task, where there is no memory for it yet."""
    order: list[int] = field(default_factory=list)
    """Numbers of what is not handed out, in the order in which it will be."""
    parts: list[_Try] = field(default_factory=list)
    """Tasks in the place of a larger one that have not begun."""
    begun: int = 0
    handed: int = 0
    bytes: int = 0

    def results(self) -> Iterator[tuple[Any, Any]]:
        try:
            self.submit()
            while self.flying:
                attempt, value = self.land()
                if attempt is not None and isinstance(value, Instead):
                    self.divide(attempt, value)
                elif attempt is not None:
                    self.held[attempt.number] = (attempt.task[0], value, attempt.bytes)
                for key, ready, weight in self.ready():
                    yield key, ready
                    self.bytes -= weight
                self.submit()
        finally:
            self.stop()

    def ready(self) -> Iterator[tuple[Any, Any, int]]:
        """What may be handed out now."""
        while self.held:
            number = self.order[0] if self.ordered else next(iter(self.held))
            if number not in self.held:
                return
            self.order.remove(number)
            self.handed += 1
            yield self.held.pop(number)

    def submit(self) -> None:
        """Submit tasks while there is room; one at a time while a killer is looked for."""
        self.check_cancelled()
        if self.suspects:
            if not self.flying:
                self.fly(self.suspects.popleft())
            return
        if any(attempt.lost for attempt in self.flying.values()):
            return
        while len(self.flying) + len(self.held) < self.window or (
            self.parts and len(self.flying) < self.pool.workers
        ):
            attempt = self.next_try()
            if attempt is None:
                return
            self.bytes += attempt.bytes
            self.fly(attempt)

    def next_try(self) -> _Try | None:
        """The next task; None where there is no more, or no memory for it now."""
        attempt, self.waiting = self.waiting, None
        if attempt is None and self.parts:
            attempt = min(self.parts, key=lambda part: self.order.index(part.number))
            self.parts.remove(attempt)
        if attempt is None:
            task = next(self.tasks, None)
            if task is None:
                return None
            attempt = self.numbered(task, self.weigh(task[0]) if self.weigh else 0)
            self.order.append(attempt.number)
        full = self.memory_bytes is not None and self.bytes + attempt.bytes > self.memory_bytes
        if full and self.flying:
            self.waiting = attempt
            return None
        return attempt

    def numbered(self, task: Task, weight: int) -> _Try:
        self.begun += 1
        return _Try(self.begun, task, bytes=weight)

    def divide(self, whole: _Try, instead: Instead) -> None:
        """Put smaller tasks in the place of one that has landed."""
        key, function, _ = whole.task
        weight = whole.bytes // max(len(instead.arguments), 1)
        parts = [self.numbered((key, function, each), weight) for each in instead.arguments]
        at = self.order.index(whole.number)
        self.order[at : at + 1] = [part.number for part in parts]
        self.parts += parts
        self.bytes -= whole.bytes

    def fly(self, attempt: _Try) -> None:
        _, function, args = attempt.task
        assert self.pool.executor is not None
        try:
            future = self.pool.executor.submit(function, *args, **self.pool.options)
        except Exception as error:
            if not is_lost(error):
                raise
            future = Future()
            future.set_exception(error)
        self.flying[future] = attempt
        future.add_done_callback(self.landed.put)

    def land(self) -> tuple[_Try | None, Any]:
        """Wait for a task: it and its value; (None, None) where it was lost, to go round again."""
        future = self.next_landed()
        attempt = self.flying.pop(future)
        try:
            return attempt, future.result()
        except BaseException as error:  # noqa: BLE001 (raised again, or counted)
            if not is_lost(error):
                raise _noted(error, attempt.task[0])  # noqa: B904 (the same error, with a note)
            self.lose(attempt, error)
            return None, None

    def next_landed(self) -> Future[Any]:
        while True:
            try:
                return self.landed.get(timeout=_PATIENCE_S if self.cancel is not None else None)
            except queue.Empty:
                self.check_cancelled()

    def lose(self, attempt: _Try, error: BaseException) -> None:
        """Note a lost task, with a broken pool all in flight; give up after the last retry."""
        lost = [attempt]
        if isinstance(error, BrokenExecutor):
            if self.pool.rebuild is None:
                raise TaskLostError(_broken(attempt.task[0], self.pool.name)) from error
            lost += self.ground()
            self.pool.renew()
        for each in sorted(lost, key=lambda each: each.number):
            each.lost += 1
            if each.lost > self.retries and (
                len(lost) == 1 or not isinstance(error, BrokenExecutor)
            ):
                raise _lost(each.task[0], self.retries, error) from error
            self.suspects.append(each)

    def ground(self) -> list[_Try]:
        """Take everything out of the air; what had finished well is kept."""
        grounded = []
        wait(self.flying)
        for future, attempt in self.flying.items():
            if not future.cancelled() and future.exception() is None:
                self.held[attempt.number] = (attempt.task[0], future.result(), attempt.bytes)
            else:
                grounded.append(attempt)
        self.flying.clear()
        self.landed = queue.SimpleQueue()
        return grounded

    def check_cancelled(self) -> None:
        if self.cancel is not None and self.cancel.is_set():
            raise CancelledError(
                f"the run was cancelled after {self.handed} tasks: run it again to go on"
            )

    def stop(self) -> None:
        """Leave nothing running behind the caller's back."""
        busy = [future for future in self.flying if not future.cancel()]
        wait(busy)
        self.pool.close()


def _noted(error: BaseException, key: Any) -> BaseException:
    error.add_note(f"in task {key!r}")
    return error


def _lost(key: Any, retries: int, error: BaseException) -> TaskLostError:
    return TaskLostError(
        f"task {key!r} was lost {retries + 1} times ({type(error).__name__}: {error}), but a run "
        "needs each task to end: look for a worker that runs out of memory, or give the run a "
        "smaller window"
    )


def _broken(key: Any, pool: str) -> str:
    return (
        f"the {pool} that was passed broke in task {key!r}, and only its owner can make a new one: "
        'make a new executor and run again, or pass "processes" and let lost workers be replaced'
    )
