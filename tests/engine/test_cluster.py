"""Which failures of Dask are of its workers, and which of the task."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest

from skyquarry.engine.cluster import is_lost

cfexecutor = pytest.importorskip("distributed.cfexecutor")


@dataclass
class Ended:
    """A future of Dask's whose task has ended."""

    status: str
    value: Any

    async def _result(self, *, raiseit: bool) -> Any:
        assert not raiseit
        return self.value


def handed_on(ended: Ended) -> BaseException:
    """The error that Dask's executor makes of it."""
    told: Future[Any] = Future()

    async def hand_on() -> None:
        await cfexecutor._cascade_future(ended, told)

    asyncio.run(hand_on())
    error = told.exception(timeout=5)
    assert error is not None
    return error


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize("value", [4, None, {"rows": 1}, (1, 2, 3), "four"])
def test_a_value_whose_worker_died_before_it_was_fetched_is_lost(value):
    assert is_lost(handed_on(Ended("lost", value)))


@pytest.mark.parametrize("error", [TypeError("no number"), ValueError("x"), AttributeError("y")])
def test_an_error_of_the_task_is_none_of_the_workers(error):
    trace = raised(error).__traceback__
    assert not is_lost(handed_on(Ended("error", (type(error), error, trace))))
    assert not is_lost(handed_on(Ended("error", (type(error), error, None))))
    assert not is_lost(raised(error))
