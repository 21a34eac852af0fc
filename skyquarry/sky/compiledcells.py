"""Nested HEALPix cells of many short lists of positions, and back, by loops of our own (numba).

cdshealpix begins a thread in every call, 0.1 to 0.5 ms. These take microseconds, and load numba:
for rooms that need it anyhow. Cells are those of `healpix.index`, but for positions within 1e-15 of
a border; so what is compared with the spatial column (order 29) is asked of `healpix`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.kernels.cells import centers_of, pixels_of
from skyquarry.sky.vectors import wrap_ra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def cells_at(ra_deg: Floats, dec_deg: Floats, order: int) -> Ints:
    """(n,) nested pixels of an order from 0 to 29; positions are finite, |dec| at most 90."""
    ra = np.ascontiguousarray(ra_deg, np.float64)
    if ra.size and (ra.min() < 0.0 or ra.max() >= 360.0):
        ra = wrap_ra(ra)
    out = np.empty(ra.size, np.int64)
    pixels_of(ra, np.ascontiguousarray(dec_deg, np.float64), order, out)
    return out


def centers(pixel: Ints, order: int) -> tuple[Floats, Floats]:
    """(ra_deg in [0, 360), dec_deg), (n,) each, of pixels of one order."""
    ra, dec = np.empty((2, len(pixel)))
    centers_of(np.ascontiguousarray(pixel, np.int64), order, ra, dec)
    return ra, dec
