"""Memory that is free, but that the process still holds, given back to the system."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

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


def _trim() -> None:
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Of the GNU C library; None where there is another one."""
    import ctypes

    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
