"""How a kernel's inner steps are compiled: as kernels are, and without counting references.

A step is called for every pair or group, allocates nothing and keeps nothing. numba would count the
references to each array it is handed, atomically, at every call: that took two thirds of the time
of a pair (106 against 40 ns for `filter.mixed`). `_nrt=False` leaves the counting out; where a
version of numba does not know it, steps are plain kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from skyquarry.sky.compiled import compiled_with, kernel

F = TypeVar("F", bound=Callable[..., Any])


def step(function: F) -> F:
    """The function as machine code for calls from kernels."""
    try:
        return compiled_with(function, _nrt=False, no_cpython_wrapper=True)
    except KeyError:  # an option that this numba does not know
        return kernel(function)
