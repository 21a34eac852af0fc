"""Memory that is free, but that the process still holds, given back to the system."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

_THRESHOLDS = {-1: 128 << 10, -2: 128 << 10, -3: 128 << 10}
"""M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD of mallopt(3), as the GNU C library begins"""
_KEPT = {-1: 1 << 30, -2: 64 << 20, -3: 1 << 30}
OFTEN = 32
"""What is freed is mostly taken again for the next patches: after every fourth one it cost a
quarter of a run's system time, for one per cent of its memory."""


def give_back() -> None:
    """Give back what Arrow and the C library keep for later use.

    Tables that are made in threads leave holes between what stays: after four catalogues of 1e6
    rows half of the memory of the process was free, and kept. To take it again costs about a second
    a gigabyte.
    """
    pa.default_memory_pool().release_unused()
    _trim()


def giving_back(items: Iterable[T]) -> Iterator[T]:
    """The items; after every few of them memory that is free is given back."""
    for number, item in enumerate(items, 1):
        yield item
        if number % OFTEN == 0:
            give_back()


@contextmanager
def keeping() -> Iterator[None]:
    """What is freed within is kept for what comes next, and given back at the end.

    Tables are made and dropped by the hundred, and pages anew from the kernel took a fifth of that
    time. Arrow then takes the C library's memory, as numpy does, so that each can have what the
    other has left.
    """
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    _tuned(_KEPT)
    try:
        yield
    finally:
        _tuned(_THRESHOLDS)
        pa.set_memory_pool(before)
        give_back()


def _tuned(thresholds: dict[int, int]) -> None:
    mallopt = _of_c("mallopt")
    if mallopt is not None:
        for name, value in thresholds.items():
            mallopt(name, value)


def _trim() -> None:
    trim = _of_c("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _of_c(name: str) -> Callable[..., int] | None:
    """A function of the GNU C library; None where there is another one."""
    import ctypes

    try:
        found: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    return found
