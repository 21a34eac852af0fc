"""Buckets of numbers and the pairs in them: loops over bare arrays.

A row goes to the box of a grid that holds it and to those whose border is within the margin. An
entry is a row in one of its boxes; `order` sorts entries by box (24 bits of its hash), by strip of
the second number (8 bits) and along the first one (32 bits). Two rows of a box that are within the
margin lie in one strip or in neighbouring ones, as a strip is wider than the margin.
"""

from __future__ import annotations

import math

import numpy as np

from skyquarry.sky.compiled import kernel

STRIPS = 240
"""of one box, at most: with those of the copies around it they fit into 8 bits"""
_WIDEST = 2.0**62


@kernel
def _boxes(values, i, widths, margins, box, sides):
    """How many boxes a row goes to, 0 where it lacks a number; fills its box, and sides (bits)."""
    total = 1
    for k in range(values.shape[0]):
        v = values[k, i]
        if not math.isfinite(v):
            return 0
        w = widths[k]
        box[k] = min(max(math.floor(v / w), -_WIDEST), _WIDEST)
        beyond = v - box[k] * w
        near = margins[k] * (1.0 + 1e-6) + 2e-15 * abs(v)  # rounding cannot hide a border
        sides[k] = (1 if beyond <= near else 0) + (2 if w - beyond <= near else 0)
        total *= 1 + (sides[k] & 1) + (sides[k] >> 1)
    return total


@kernel
def entry_count(values, widths, margins):
    """How many entries the rows of values (d, n) have at most."""
    d, n = values.shape
    box, sides = np.empty(d), np.empty(d, np.int64)
    total = 0
    for i in range(n):
        total += _boxes(values, i, widths, margins, box, sides)
    return total


@kernel
def _mixed(z):
    """SplitMix64's last steps (Steele et al. 2014): no two numbers become one."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def entries(values, widths, margins, odd, row, bucket, order, home):  # noqa: PLR0917
    """Fill the entries of values (d, n), row by row -> how many; a row is in a bucket once.

    odd (d,) uint64: what the places of boxes are multiplied by for their hash.
    """
    d, n = values.shape
    box, sides, step = np.empty(d), np.empty(d, np.int64), np.zeros(d, np.int64)
    along_scale = 4294967295.0 / (widths[0] + 4.0 * margins[0])
    strip = strip_width(widths[1], margins[1]) if d > 1 else 1.0
    filled = 0
    for i in range(n):
        if _boxes(values, i, widths, margins, box, sides) == 0:
            continue
        first, more = filled, True
        step[:] = 0
        while more:
            key, own = np.uint64(0), True
            for k in range(d):
                key += np.uint64(np.int64(box[k]) + step[k]) * odd[k]
                own = own and step[k] == 0
            key = _mixed(key)
            twice = False
            for e in range(first, filled):
                twice = twice or bucket[e] == key
            if not twice:
                along = values[0, i] - (box[0] + step[0]) * widths[0] + 2.0 * margins[0]
                place = np.uint64(min(max(along * along_scale, 0.0), 4294967295.0))
                number = np.uint64(0)
                if d > 1:
                    across = values[1, i] - (box[1] + step[1]) * widths[1]
                    number = np.uint64(min(max(across / strip + 4.0, 0.0), 255.0))
                row[filled], bucket[filled], home[filled] = i, key, own
                order[filled] = (
                    key >> np.uint64(40) << np.uint64(40) | number << np.uint64(32) | place
                )
                filled += 1
            more = _next(step, sides)
    return filled


@kernel
def _next(step, sides):
    """The next of a row's boxes: 0, -1 and +1 along each axis, where it is near that side."""
    for k in range(step.size):
        if step[k] == 0 and sides[k] & 1:
            step[k] = -1
            return True
        if step[k] <= 0 and sides[k] & 2:
            step[k] = 1
            return True
        step[k] = 0
    return False


@kernel
def strip_width(width, margin):
    """Of the strips of a box: a little more than the margin, or so that they are STRIPS at most."""
    return max(margin * (1.0 + 1e-6), width / STRIPS)


@kernel
def settle(order, place, along):
    """Put entries of equal order, sorted by `along` (n,) in any way, into the order of places."""
    for i in range(1, along.size):
        entry = along[i]
        j = i
        while j > 0 and order[along[j - 1]] == order[entry] and place[along[j - 1]] > place[entry]:
            along[j] = along[j - 1]
            j -= 1
        along[j] = entry


@kernel
def pairs_of(  # noqa: PLR0917
    start, stop, order, values, widths, margins, bucket, place, home, most, counts, left, right
):
    """Pairs of entries within the margins, of which the later one along `order` is any other.

    order (n,) uint64 sorted; values (d, n); bucket, place, home (n,). A pair is told once: in the
    bucket which the row that comes first by `place` calls its own; that row is left. Without room
    in left, right (0,) they are counted: counts (n,) is filled for entries start to stop, each with
    its partners behind it, until they are more than `most`. -> how many.
    """
    n, d = order.size, values.shape[0]
    reach = np.int64(margins[0] * (4294967295.0 / (widths[0] + 4.0 * margins[0]))) + 3
    one, high, low = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)
    filling = left.size > 0
    total, begin, group = 0, 0, np.uint64(0)
    for i in range(start, stop):
        before, along = total, np.int64(order[i] & low)
        for half in range(2 if d > 1 else 1):
            strip = (order[i] >> high) + (one if half else np.uint64(0))
            j = i + 1
            if half:
                if group != strip:
                    group, begin = strip, np.searchsorted(order, strip << high)
                while (
                    begin < n
                    and order[begin] >> high == strip
                    and np.int64(order[begin] & low) < along - reach
                ):
                    begin += 1
                j = begin
            while j < n and order[j] >> high == strip and np.int64(order[j] & low) - along <= reach:
                near = bucket[i] == bucket[j]
                for k in range(d):
                    near = near and abs(values[k, i] - values[k, j]) <= margins[k]
                if near:
                    first, second = (i, j) if place[i] < place[j] else (j, i)
                    if home[first]:
                        if filling:
                            left[total], right[total] = first, second
                        total += 1
                j += 1
        if not filling:
            counts[i] = total - before
            if total > most:
                return total
    return total
