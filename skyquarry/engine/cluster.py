"""Dask, the one cluster known by name: any other comes as its own `concurrent.futures.Executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from concurrent.futures import Executor

_LOST = ("KilledWorker", "FutureCancelledError", "FutureLostError", "CommClosedError")
_HANDS_ON = ("distributed.cfexecutor", "_cascade_future")
"""Where Dask's executor hands a task's value or error on."""


def dask_executor(address: str | Any = None, **options: Any) -> Executor:
    """An executor over a Dask cluster.

    `address` is a scheduler's address, a `distributed.Client`, or None for a local cluster. Raises
    MissingExtraError without `skyquarry[cluster]`.

    >>> sky["gaia"].plan().run(dask_executor("tcp://scheduler:8786"))  # doctest: +SKIP
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise missing_extra("dask[distributed]", "cluster", "running on a Dask cluster") from error
    client = address if isinstance(address, Client) else Client(address, **options)
    return cast("Executor", client.get_executor())


def worker_count(executor: Executor) -> int:
    """The threads of the Dask cluster behind the executor; 0 where it is none of Dask's."""
    client = getattr(executor, "_client", None)
    if client is None or not hasattr(client, "nthreads"):
        return 0
    return int(sum(client.nthreads().values()))


def submit_options(executor: Executor) -> dict[str, Any]:
    """What to add to each `submit`: Dask takes equal calls for one, old errors included."""
    return {"pure": False} if worker_count(executor) else {}


def is_lost(error: BaseException) -> bool:
    """Whether Dask gave up a task because of its workers, told without importing Dask."""
    return _has_lost_value(error) or any(
        kind.__name__ in _LOST and kind.__module__.startswith("distributed")
        for kind in type(error).__mro__
    )


def _has_lost_value(error: BaseException) -> bool:
    """Whether a worker died between a task's end and the fetching of its value.

    Dask's executor then takes the value for an error's three parts, and raises what comes of that:
    no error of the task, whose future is "lost" and not "error".
    """
    trace = error.__traceback__
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == _HANDS_ON:
            return frame.f_locals.get("status") not in ("error", None)
    return False
