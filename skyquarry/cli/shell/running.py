"""Work that Ctrl-C stops, and nothing else with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from skyquarry.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

_GLANCE_S = 0.2
"""Windows hears of Ctrl-C between two waits only."""


def stoppable(work: Callable[[Any], str]) -> str:
    """What the work gives, done in a thread of its own, since a database's calls hear no signal.

    Raises KeyboardInterrupt once a Ctrl-C has stopped it.
    """
    from skyquarry.adql.database.stopping import Stop

    stop = Stop()
    with ThreadPoolExecutor(1, "query") as pool:
        future = pool.submit(work, stop)
        while not future.done():
            try:
                wait([future], _GLANCE_S)
                if stop.rung:
                    stop.ring()  # one that came while the database was between two works was lost
            except KeyboardInterrupt:
                stop.ring()
    try:
        return future.result()
    except CancelledError:
        if stop.rung:
            raise KeyboardInterrupt from None
        raise
