"""Where the rows of a sorted side lie: buckets of pixels, and the rows near edges of base cells."""

from __future__ import annotations

from skyquarry.match.kernels.boxes import WHOLE, WIDE_ARCSEC, box, reach, spread
from skyquarry.sky.compiled import kernel

BLOCK = 64  # rows that are looked at together


@kernel
def disorder(spatial):
    """The first row that is less than the one before it, or -1."""
    for i in range(1, spatial.size):
        if spatial[i] < spatial[i - 1]:
            return i
    return -1


@kernel
def bucket_starts(spatial, begin, first, shift, starts):
    """First row of each bucket (n_buckets + 1,) of sorted pixels (n,), counted from `begin`."""
    bucket = 0
    starts[0] = begin
    for i in range(spatial.size):
        own = (spatial[i] - first) >> shift
        while bucket < own:
            bucket += 1
            starts[bucket] = begin + i
    starts[bucket + 1 :] = begin + spatial.size


@kernel
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
        if not (wide or differs > WHOLE or box(low, steep)[4] or box(high, steep)[4]):
            continue
        for i in range(begin, end):
            pixels = reach(dec[i], radius_arcsec)
            if wide or box(spatial[i] & WHOLE, spread(pixels))[4]:
                out[m] = i
                m += 1
    return m
