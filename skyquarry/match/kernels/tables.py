"""Where the rows of a sorted side lie: buckets of pixels, and the rows near edges of base cells."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.boxes import WHOLE, WIDE_ARCSEC, box, reach, spread
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

BLOCK = 64  # rows that are looked at together
STRETCH = 4096  # the same where only their order counts


@kernel
def disorder(spatial):
    """The first row that is less than the one before it, or -1."""
    n = spatial.size
    for begin in range(1, n, STRETCH):
        end, wrong = min(begin + STRETCH, n), False
        for i in range(np.uint64(begin), np.uint64(end)):  # unsigned: see `looking.py`
            wrong |= spatial[i] < spatial[i - np.uint64(1)]
        if wrong:
            for j in range(begin, end):
                if spatial[j] < spatial[j - 1]:
                    return j
    return -1


@kernel
def bucket_starts(spatial, begin, first, shift, starts):
    """First row of each bucket (n_buckets + 1,) of sorted pixels (n,), counted from `begin`.

    The last row of a bucket tells where it ends; an empty one ends where the one before it does.
    """
    for k in range(starts.size):
        starts[k] = begin
    for i in range(spatial.size):
        starts[((spatial[i] - first) >> shift) + 1] = begin + i + 1
    latest = begin
    for k in range(starts.size):
        latest = max(latest, starts[k])
        starts[k] = latest


@step
def smear(v):
    """All bits at and below the highest bit of v."""
    v |= v >> 1
    v |= v >> 2
    v |= v >> 4
    v |= v >> 8
    v |= v >> 16
    return v | (v >> 32)


@kernel
def near_edge(dec, spatial, radius_arcsec, out):
    """Sorted rows (n,) whose square of this radius leaves their base cell, in `out`; their number.

    A block of rows lies in one cell: where the squares of its corners stay inside, so do all.
    """
    steep = spread(reach(90.0, radius_arcsec))
    wide = radius_arcsec >= WIDE_ARCSEC
    m = 0
    for begin in range(0, spatial.size, BLOCK):
        end = min(begin + BLOCK, spatial.size)
        differs = smear(spatial[begin] ^ spatial[end - 1])
        low, high = spatial[begin] & ~differs & WHOLE, (spatial[end - 1] | differs) & WHOLE
        if not (wide or differs > WHOLE or box(low, high, steep)[4]):
            continue
        for i in range(begin, end):
            pixels = reach(dec[i], radius_arcsec)
            own = spatial[i] & WHOLE
            if wide or box(own, own, spread(pixels))[4]:
                out[m] = i
                m += 1
    return m
