from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from skyquarry.engine.executors import resolve
from skyquarry.engine.helpers import Helpers, travels
from skyquarry.engine.run import run_tasks
from skyquarry.errors import TaskLostError, UserError
from skyquarry.testing.suites import ExecutorSuite, square


class TestInline(ExecutorSuite):
    def make(self):
        return "inline"


class TestThreads(ExecutorSuite):
    def make(self):
        return "threads"


class TestProcesses(ExecutorSuite):
    kills_workers = True

    def make(self):
        return "processes"


class TestHelpers(ExecutorSuite):
    kills_workers = True

    def make(self):
        return Helpers(2)


class TestHelpersOfWhichOneIsHere(ExecutorSuite):
    def make(self):
        return Helpers(2, here=True)


class TestAnExecutorOfTheCallers(ExecutorSuite):
    def make(self):
        return ThreadPoolExecutor(2)


@pytest.fixture(scope="module", params=["processes", "threads"])
def dask_client(request):
    distributed = pytest.importorskip("distributed")
    processes = request.param == "processes"
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=processes, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.has_workers_to_lose = processes
        yield client


class TestDask(ExecutorSuite):
    @pytest.fixture
    def executor(self, dask_client):
        from skyquarry.engine.cluster import dask_executor

        self.kills_workers = dask_client.has_workers_to_lose
        return dask_executor(dask_client)


def kill(n: int) -> int:
    if n == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def test_a_task_that_kills_every_worker_is_named_and_the_others_are_not_blamed():
    with pytest.raises(TaskLostError, match="task 'poison' was lost 2 times"):
        list(
            run_tasks(
                [("a", kill, (1,)), ("poison", kill, (2,)), ("b", kill, (3,))],
                "processes",
                retries=1,
            )
        )


def test_a_broken_executor_of_the_callers_is_not_replaced():
    import multiprocessing

    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as theirs,
        pytest.raises(TaskLostError, match="only its owner can make a new one"),
    ):
        list(run_tasks([(n, kill, (n,)) for n in range(3)], theirs))


class Slow(Executor):
    """Never ends a task by itself: the test does."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        self.futures.append((future, function(*args)))
        return future


def test_memory_bounds_the_tasks_in_flight_but_always_lets_one_through():
    slow = Slow()
    weights = {0: 60, 1: 60, 2: 500, 3: 10}
    run = run_tasks(
        [(n, square, (n,)) for n in range(4)],
        slow,
        window=4,
        memory_bytes=100,
        weigh=weights.__getitem__,
    )
    found = []
    for n in range(4):
        finisher = threading.Thread(target=finish, args=(slow, n))
        finisher.start()
        found.append(next(run))
        finisher.join()
        assert len(slow.futures) == n + 1
    assert found == [(n, n * n) for n in range(4)]
    assert list(run) == []


def finish(slow, n):
    while len(slow.futures) <= n:
        pass
    future, value = slow.futures[n]
    future.set_result(value)


def test_a_run_inside_a_task_of_ours_does_not_wait_for_its_own_pool():
    tasks = [(n, run_within, (n,)) for n in range(8)]
    assert dict(run_tasks(tasks, "threads")) == {n: [n * n, n * n] for n in range(8)}


def run_within(n):
    return [value for _, value in run_tasks([(0, square, (n,)), (1, square, (n,))])]


def test_one_task_needs_no_pool():
    here = []
    list(run_tasks([(0, lambda: here.append(threading.current_thread()), ())], "threads"))
    assert here == [threading.current_thread()]


@pytest.mark.parametrize("wrong", ["gpu", 3])
def test_what_is_no_executor_is_refused(wrong):
    with pytest.raises(UserError, match=f"executor is {wrong!r}"):
        resolve(wrong)


@pytest.mark.parametrize("option", [{"window": 0}, {"retries": -1}])
def test_impossible_bounds_are_refused(option):
    with pytest.raises(UserError, match=f"{next(iter(option))} is"):
        list(run_tasks([], **option))


def test_dask_is_not_loaded_by_a_run():
    import subprocess

    code = (
        "import sys, skyquarry.engine.run\n"
        "print('dask' in sys.modules or 'distributed' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


SCRIPT = """
from skyquarry.engine.helpers import Helpers
from skyquarry.testing.suites import square

with Helpers(1) as helpers:
    print(helpers.submit(square, 3).result(), helpers.submit(print, "to stderr").result())
"""


def test_helpers_serve_a_script_without_a_guard(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("9 None\n", "to stderr\n")


def loaded(*names):
    """Those of the modules that an Arrow table of numbers brings along."""
    import numpy as np
    import pyarrow as pa

    made = pa.table({"x": pa.array(np.arange(3.0), mask=np.zeros(3, bool))})
    assert made["x"].to_numpy().sum() == 3
    return [name for name in names if name in sys.modules]


def test_helpers_load_no_pandas_beside_arrow():
    with Helpers(1) as helpers:
        assert helpers.submit(loaded, "pandas", "pyarrow").result() == ["pyarrow"]


def test_one_of_the_helpers_is_this_process_where_that_is_asked():
    import os

    with Helpers(2, here=True) as helpers:
        found = {helpers.submit(os.getpid).result() for _ in range(20)}
    assert os.getpid() in found
    assert len(found) == 2
    with Helpers(1, here=True) as alone, pytest.raises(ZeroDivisionError):
        alone.submit(divmod, 1, 0).result()


class OfMain:
    __module__ = "__main__"


@pytest.mark.parametrize(("thing", "does"), [((1, "a"), True), (OfMain(), False), (len, True)])
def test_what_is_of_the_main_module_does_not_travel(thing, does):
    assert travels(thing) is does
