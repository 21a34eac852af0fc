"""Where the rows of a sorted side lie: buckets of pixels, and the rows near edges of base cells."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.boxes import WHOLE, WIDE_ARCSEC, box, reach
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel
from skyquarry.sky.kernels.cells import spread

BLOCK = 64  # rows that are looked at together
STRETCH = 4096  # the same where only their order counts
A_CELL = 32  # rows of a cell of the table, on the average


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
def cells_of(spatial, begin, first, shift, at, cells, buckets):
    """Where sorted pixels (n,) lie: `cells` of the sky, each in as many buckets as it has rows.

    Rows are strewn so unevenly over the sky that buckets of one size would be empty or crowded. A
    cell (n_cells, 3) is: its first row, counted from `begin`; the place of its first bucket; how
    far a pixel is shifted to be a bucket. A bucket is its first row, counted from that of its cell;
    behind the last of a cell stands how many rows it has. The first bucket goes to `at`; returns
    the end of the last.
    """
    i, n = np.int64(0), spatial.size
    for c in range(cells.shape[0]):
        start, behind = i, first + ((np.int64(c) + 1) << shift)
        while i < n and spatial[i] < behind:
            i += 1
        bits = np.int64(0)
        while bits < shift and (np.int64(1) << bits) < i - start:
            bits += 1
        cells[c, 0], cells[c, 1], cells[c, 2] = begin + start, at, shift - bits
        end = at + (np.int64(1) << bits)
        fill(spatial, start, i, shift - bits, (np.int64(1) << bits) - 1, at, end, buckets)
        at = end + 1
    return at


@step
def fill(spatial, start, stop, shift, within, at, end, buckets):  # noqa: PLR0917
    """Write the buckets [at, end) of the rows [start, stop) of a cell, and their end."""
    for k in range(np.uint64(at), np.uint64(end + 1)):  # unsigned: see `looking.py`
        buckets[k] = 0
    for i in range(np.uint64(start), np.uint64(stop)):
        buckets[np.uint64(at + 1 + ((spatial[i] >> shift) & within))] += 1
    rows = np.int64(0)
    for k in range(np.uint64(at), np.uint64(end + 1)):
        rows += buckets[k]
        buckets[k] = rows


@step
def bucket_of(pixel, table):
    """(first row, row behind the last) of the bucket of a pixel.

    That of the first or the last row where the pixel lies outside the table.
    """
    first, last, shift, start, cells, buckets = table
    inside = min(max(pixel, first), last)
    c = start + ((inside - first) >> shift)
    k = cells[c, 1] + ((inside & ((1 << shift) - 1)) >> cells[c, 2])
    return cells[c, 0] + buckets[k], cells[c, 0] + buckets[k + 1]


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
