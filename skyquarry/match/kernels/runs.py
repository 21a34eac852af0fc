"""The rows of a box of pixels, as few runs of the sorted rows.

Between the least and the greatest pixel of a box lie all its rows, and others (Tropf and Herzog
1981, "Multidimensional range search in dynamically balanced trees"). Where these are many, the box
is halved at the highest bit in which the two differ: then the rows of the halves follow each other,
and nothing lies in both. So cells get small where rows are crowded, and only there.
"""

from __future__ import annotations

from skyquarry.match.kernels.boxes import EVEN, ODD
from skyquarry.match.kernels.stepping import step
from skyquarry.match.kernels.tables import bucket_of, smear

LEAF = 64  # rows that are sooner looked at than halved
FINEST = 4  # a box is cut into cells of a 16th of its side
MOST = 512  # runs of one box, with room to spare: it touches at most 22 by 22 such cells
DEEPEST = 64  # halves that wait: one a bit
ROUGH = 16  # rows by which an end may be off


@step
def lower(values, value, start, stop):
    """First place in the sorted values[start:stop] that is not below the value."""
    while start < stop:
        middle = (start + stop) >> 1
        if values[middle] < value:
            start = middle + 1
        else:
            stop = middle
    return start


@step
def around(pixel, low, high, spatial, table):
    """Two places in [low, high], at most ROUGH apart, about the first row not below the pixel."""
    start, stop = bucket_of(pixel, table)
    low, high = max(low, min(start, high)), min(high, max(stop, low))
    while high - low > ROUGH:
        middle = (low + high) >> 1
        below = spatial[middle] < pixel
        low, high = middle + 1 if below else low, high if below else middle
    return low, high


@step
def runs_of(  # noqa: PLR0917  a box, a window of rows, a table and scratch
    x_from, x_to, y_from, y_to, face, low, high, finest,
    spatial, table, stack, starts, stops,
):  # fmt: skip
    """Runs of the rows in [low, high) that hold all rows of a box, ascending; how many there are.

    `finest`: the bits of a cell that is not halved. Scratch: `stack` (DEEPEST, 5).
    """
    found, depth = 0, 0
    while True:
        bottom, top = face | x_from | y_from, face | x_to | y_to
        if high - low > LEAF:
            low = around(bottom, low, high, spatial, table)[0]
            high = around(top + 1, low, high, spatial, table)[1]
        bits = smear(bottom ^ top)
        part = (bottom & bits) != 0 or (top & bits) != bits  # of a cell, not all of it
        if high - low > LEAF and bits > finest and part:
            below = bits >> 1
            x_half, y_half = x_from, y_from
            if (bits ^ below) & EVEN:
                x_half = x_to & ~(below & EVEN)
            else:
                y_half = y_to & ~(below & ODD)
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = x_half, x_to, y_half
            stack[depth, 3], stack[depth, 4] = y_to, high
            depth += 1
            if x_half != x_from:
                x_to = x_from | (below & EVEN)
            else:
                y_to = y_from | (below & ODD)
            continue
        if high > low:
            if found > 0 and stops[found - 1] == low:
                stops[found - 1] = high
            else:
                starts[found], stops[found] = low, high
                found += 1
            low = high
        if depth == 0:
            return found
        depth -= 1
        x_from, x_to, y_from = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        y_to, high = stack[depth, 3], stack[depth, 4]
