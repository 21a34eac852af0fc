"""Where a learner works: on the processor, or on a GPU where there is one and its package knows it.

A device is asked for by "auto", "cpu" or "cuda". Only the processor gives the same bits every time:
on a GPU sums are taken in the order in which they come. What was learnt on a GPU predicts anywhere.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final, Literal

from skyquarry.errors import UserError, one_of

Device = Literal["cpu", "cuda"]
DEVICES: Final = ("auto", "cpu", "cuda")


def device_of(asked: str, lacking: str, *, there: bool) -> Device:
    """The device to be used: `there` tells whether a GPU can be, `lacking` what it needs else.

    Raises UserError for "cuda" where none can be: "auto" takes the processor there.
    """
    one_of("device", asked, DEVICES)
    if asked == "cuda" and not there:
        raise UserError(
            f"device is 'cuda', but {lacking}: try device='auto', which takes the processor where "
            "there is no GPU"
        )
    return "cuda" if there and asked != "cpu" else "cpu"


def gpus() -> int:
    """How many GPUs NVIDIA's driver knows; 0 without the driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
