"""Suites that prove an extension of yours: subclass one, say how yours is made, and run pytest.

>>> class TestMyExecutor(ExecutorSuite):  # doctest: +SKIP
...     def make(self):
...         return MyExecutor(workers=2)
"""

# ruff: noqa: D102 (the name of a test is its claim)

from __future__ import annotations

import os
import signal
import threading
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skyquarry.engine.run import Instead, run_tasks
from skyquarry.errors import CancelledError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.engine.executors import Where


class ExecutorSuite:
    """What a run needs of an executor. Override `make`, and `close` where it must be shut down."""

    kills_workers = False
    """Whether a task may kill the worker that runs it, and the run has to survive."""

    def make(self) -> Where:
        """The executor to be proved: a name, or an object with `submit`."""
        raise NotImplementedError

    def close(self, executor: Where) -> None:
        """Shut down what `make` made."""
        shutdown = getattr(executor, "shutdown", None)
        if shutdown is not None:
            shutdown()

    @pytest.fixture
    def executor(self) -> Iterator[Where]:
        executor = self.make()
        yield executor
        self.close(executor)

    def test_every_task_comes_back_once_with_its_value(self, executor: Where) -> None:
        found = list(run_tasks(squares(23), executor))
        assert sorted(found) == [(n, n * n) for n in range(23)]

    def test_an_ordered_run_keeps_the_order_of_its_tasks(self, executor: Where) -> None:
        found = list(run_tasks(squares(9), executor, ordered=True, window=3))
        assert found == [(n, n * n) for n in range(9)]

    def test_smaller_tasks_take_the_place_of_one_that_gives_them(self, executor: Where) -> None:
        tasks = [(end, numbers_to, (end, end - size)) for end, size in [(3, 3), (24, 21), (30, 6)]]
        found = list(run_tasks(tasks, executor, ordered=True, window=2))
        assert [value for _, value in found] == list(range(30))
        assert [key for key, _ in found] == [3] * 3 + [24] * 21 + [30] * 6
        weighed = run_tasks(tasks, executor, memory_bytes=10, weigh=lambda end: end)
        assert sorted(value for _, value in weighed) == list(range(30))

    def test_no_task_is_no_result(self, executor: Where) -> None:
        assert list(run_tasks([], executor)) == []

    def test_no_more_tasks_are_made_than_the_window_has_room_for(self, executor: Where) -> None:
        made: list[int] = []
        run = run_tasks(noting(made, squares(50)), executor, window=3)
        for taken, _ in enumerate(run):
            assert len(made) <= taken + 3
        assert len(made) == 50

    def test_the_first_error_ends_the_run_and_names_its_task(self, executor: Where) -> None:
        made: list[int] = []
        tasks = noting(made, ((n, refuse_seven, (n,)) for n in range(1000)))
        with pytest.raises(UserError, match="no sevens") as caught:
            list(run_tasks(tasks, executor, window=2, ordered=True))
        assert "in task 7" in "".join(caught.value.__notes__)
        assert len(made) < 20

    def test_closing_the_run_stops_it(self, executor: Where) -> None:
        made: list[int] = []
        run = run_tasks(noting(made, squares(1000)), executor, window=2)
        next(run)
        run.close()  # type: ignore[attr-defined]
        assert len(made) < 10

    def test_a_cancelled_run_says_so(self, executor: Where) -> None:
        cancel = threading.Event()
        run = run_tasks(squares(1000), executor, window=2, cancel=cancel)
        next(run)
        cancel.set()
        with pytest.raises(CancelledError, match="the run was cancelled"):
            list(run)

    def test_a_lost_connection_is_tried_again(self, executor: Where, tmp_path: Path) -> None:
        tasks = [(n, lose_once, (str(tmp_path), n)) for n in range(6)]
        assert sorted(run_tasks(tasks, executor)) == [(n, n) for n in range(6)]

    def test_a_killed_worker_does_not_end_the_run(self, executor: Where, tmp_path: Path) -> None:
        if not self.kills_workers:
            pytest.skip("its tasks run in this process: killing a worker would kill the test")
        tasks = [(n, die_once, (str(tmp_path), n)) for n in range(12)]
        assert sorted(run_tasks(tasks, executor)) == [(n, n) for n in range(12)]
        assert (tmp_path / "died-5").exists()


def square(n: int) -> int:
    """The square of n."""
    return n * n


def squares(count: int) -> Iterator[tuple[int, Any, tuple[Any, ...]]]:
    """Tasks 0 to count - 1."""
    return ((n, square, (n,)) for n in range(count))


def numbers_to(end: int, first: int) -> int | Instead:
    """The number before `end` where it is `first`, else two or three tasks that give them all."""
    if end - first == 1:
        return first
    cuts = sorted({first, (2 * first + end) // 3, (first + end) // 2, end})
    return Instead(tuple((b, a) for a, b in pairwise(cuts)))


def noting(made: list[int], tasks: Iterator[Any]) -> Iterator[Any]:
    """The tasks, each key noted in `made` as its task is asked for."""
    for task in tasks:
        made.append(task[0])
        yield task


def refuse_seven(n: int) -> int:
    """N, or an error of the user's at 7."""
    if n == 7:
        raise UserError("n is 7, but there are no sevens here: try another")
    return n


def lose_once(folder: str, n: int) -> int:
    """N; every second task loses its connection the first time."""
    mark = Path(folder) / f"lost-{n}"
    if n % 2 and not mark.exists():
        mark.touch()
        raise ConnectionResetError("the store hung up")
    return n


def die_once(folder: str, n: int) -> int:
    """N; the task 5 kills its worker the first time."""
    mark = Path(folder) / f"died-{n}"
    if n == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n
