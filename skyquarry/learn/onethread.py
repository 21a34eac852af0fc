"""One thread for linear algebra while many small products are made.

A fit makes ten thousand products of a few numbers by a few thousand rows. A second thread gains
nothing there, and while it waits for the next product it spins: on a busy machine of two cores a
pool of 30,000 rows took 177 s of processor time, and 9 s with one thread. Sums of one thread do not
depend on how many cores there are, either.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadpoolctl import ThreadpoolController

_LOCK = threading.Lock()
_WITHIN = 0
"""how many are at work with one thread, of all threads of this process"""
_LIMIT = ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra by one thread, for as long as any thread of this process is in here.

    Also a decorator: `@one_thread()`. The number of threads is the whole process's: whoever comes
    first sets it, whoever leaves last gives back what was there.
    """
    global _WITHIN  # noqa: PLW0603
    with _LOCK:
        if _WITHIN == 0:
            _LIMIT.enter_context(_controller().limit(limits=1, user_api="blas"))
        _WITHIN += 1
    try:
        yield
    finally:
        with _LOCK:
            _WITHIN -= 1
            if _WITHIN == 0:
                _let_go()
                _LIMIT.close()


def _let_go() -> None:
    """Who set the limit may have left sooner: OpenBLAS is given back by whoever is last."""
    for each in _controller().lib_controllers:
        if hasattr(each, "clear_controlling_thread"):  # threadpoolctl 3.7 and later
            each.clear_controlling_thread(force=True)


@cache
def _controller() -> ThreadpoolController:
    """Of the libraries of numpy and scipy, which must be there to be found."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
