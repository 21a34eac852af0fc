"""Predicates on rows, some hundred at a time: one loop a step of a program, in the nearest cache.

A program is a list of steps (n, 4) int64: what, where to, and two places, of which each kind has
its own: columns, constants, floats and wholes worked out, masks (0 or 1 a row).
"""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

ROWS = 512
"""rows that a step works on at once"""

FROM_FLOAT32, FROM_FLOAT64, FROM_INT64, AS_FLOAT = 0, 1, 2, 3
ADD, SUBTRACT, MULTIPLY, DIVIDE = 10, 11, 12, 13
"""of two floats; 4 more: of a float and a constant; 8 more: of a constant and a float"""
LESS, AT_MOST, EQUAL, UNEQUAL = 30, 31, 32, 33
"""of two floats; 10 more: of a float and a constant, from there MORE and AT_LEAST, too; 20 more: of
two wholes; 30 more: of a whole and a whole constant"""
MORE, AT_LEAST = 34, 35
KNOWN, UNKNOWN = 46, 47
BOTH, EITHER, OPPOSITE, ALWAYS = 80, 81, 82, 83


@kernel
def choose(  # noqa: PLR0917
    columns, steps, constants, whole_constants, first, last, asked, sizes, out
):
    """Rows [first, last) where masks are 1, rising: out (asked, last - first) -> counts (asked,).

    columns: a tuple of arrays of bytes, always as many; sizes: how many floats, wholes
    and masks the steps use. A comparison with NaN is false; dividing by zero is NaN.
    """
    floats = np.empty((sizes[0], ROWS))
    wholes = np.empty((sizes[1], ROWS), np.int64)
    masks = np.zeros((sizes[2], ROWS), np.uint8)
    counts = np.zeros(asked.size, np.int64)
    start = first
    while start < last:
        m = min(ROWS, last - start)
        for k in range(steps.shape[0]):
            what, to, a, b = steps[k, 0], steps[k, 1], steps[k, 2], steps[k, 3]
            if what >= BOTH:
                _joined(what, masks, to, a, b, m)
            elif what >= LESS + 20:
                _of_wholes(what, wholes, whole_constants, masks, to, a, b, m)
            elif what >= LESS:
                _compared(what, floats, constants, masks, to, a, b, m)
            elif what >= ADD:
                _arithmetic(what, floats, constants, to, a, b, m)
            elif what == FROM_FLOAT32:
                read32 = columns[a].view(np.float32)[start : start + m]
                for i in range(m):
                    floats[to, i] = read32[i]
            elif what == FROM_FLOAT64:
                read64 = columns[a].view(np.float64)[start : start + m]
                for i in range(m):
                    floats[to, i] = read64[i]
            elif what == AS_FLOAT:
                for i in range(m):
                    floats[to, i] = wholes[a, i]
            else:
                read = columns[a].view(np.int64)[start : start + m]
                for i in range(m):
                    wholes[to, i] = read[i]
        for j in range(asked.size):
            counts[j] = _rows(masks[asked[j]], start, m, out[j], counts[j])
        start += m
    return counts


@kernel
def _rows(mask, start, m, out, count):
    words = mask.view(np.uint64)
    for w in range(m // 8):
        if words[w] != 0:
            for i in range(8 * w, 8 * w + 8):
                if mask[i]:
                    out[count] = start + i
                    count += 1
    for i in range(m // 8 * 8, m):
        if mask[i]:
            out[count] = start + i
            count += 1
    return count


@kernel
def _joined(what, masks, to, a, b, m):
    t, u, v = masks[to], masks[a], masks[b]
    if what == BOTH:
        for i in range(m):
            t[i] = u[i] & v[i]
    elif what == EITHER:
        for i in range(m):
            t[i] = u[i] | v[i]
    elif what == OPPOSITE:
        for i in range(m):
            t[i] = 1 - u[i]
    else:
        for i in range(m):
            t[i] = a


@kernel
def _arithmetic(what, floats, constants, to, a, b, m):
    t = floats[to]
    if what < ADD + 4:
        p, q = floats[a], floats[b]
        if what == ADD:
            for i in range(m):
                t[i] = p[i] + q[i]
        elif what == SUBTRACT:
            for i in range(m):
                t[i] = p[i] - q[i]
        elif what == MULTIPLY:
            for i in range(m):
                t[i] = p[i] * q[i]
        else:
            for i in range(m):
                t[i] = np.nan if q[i] == 0.0 else p[i] / q[i]
    elif what < ADD + 8:
        p, c = floats[a], constants[b]
        if what == ADD + 4:
            for i in range(m):
                t[i] = p[i] + c
        elif what == SUBTRACT + 4:
            for i in range(m):
                t[i] = p[i] - c
        elif what == MULTIPLY + 4:
            for i in range(m):
                t[i] = p[i] * c
        else:
            for i in range(m):
                t[i] = np.nan if c == 0.0 else p[i] / c
    else:
        c, q = constants[a], floats[b]
        if what == ADD + 8:
            for i in range(m):
                t[i] = c + q[i]
        elif what == SUBTRACT + 8:
            for i in range(m):
                t[i] = c - q[i]
        elif what == MULTIPLY + 8:
            for i in range(m):
                t[i] = c * q[i]
        else:
            for i in range(m):
                t[i] = np.nan if q[i] == 0.0 else c / q[i]


@kernel
def _compared(what, floats, constants, masks, to, a, b, m):  # noqa: PLR0917
    t, p = masks[to], floats[a]
    if what < LESS + 10:
        q = floats[b]
        if what == LESS:
            for i in range(m):
                t[i] = p[i] < q[i]
        elif what == AT_MOST:
            for i in range(m):
                t[i] = p[i] <= q[i]
        elif what == EQUAL:
            for i in range(m):
                t[i] = p[i] == q[i]
        else:
            for i in range(m):
                t[i] = (p[i] < q[i]) | (p[i] > q[i])
        return
    c = constants[b] if what < KNOWN else 0.0
    if what == LESS + 10:
        for i in range(m):
            t[i] = p[i] < c
    elif what == AT_MOST + 10:
        for i in range(m):
            t[i] = p[i] <= c
    elif what == EQUAL + 10:
        for i in range(m):
            t[i] = p[i] == c
    elif what == UNEQUAL + 10:
        for i in range(m):
            t[i] = (p[i] < c) | (p[i] > c)
    elif what == MORE + 10:
        for i in range(m):
            t[i] = p[i] > c
    elif what == AT_LEAST + 10:
        for i in range(m):
            t[i] = p[i] >= c
    elif what == KNOWN:
        for i in range(m):
            t[i] = p[i] == p[i]  # not NaN
    else:
        for i in range(m):
            t[i] = p[i] != p[i]  # NaN


@kernel
def _of_wholes(what, wholes, whole_constants, masks, to, a, b, m):  # noqa: PLR0917
    t = masks[to]
    p = wholes[a]
    if what < LESS + 30:
        q = wholes[b]
        if what == LESS + 20:
            for i in range(m):
                t[i] = p[i] < q[i]
        elif what == AT_MOST + 20:
            for i in range(m):
                t[i] = p[i] <= q[i]
        elif what == EQUAL + 20:
            for i in range(m):
                t[i] = p[i] == q[i]
        else:
            for i in range(m):
                t[i] = p[i] != q[i]
        return
    c = whole_constants[b]
    if what == LESS + 30:
        for i in range(m):
            t[i] = p[i] < c
    elif what == AT_MOST + 30:
        for i in range(m):
            t[i] = p[i] <= c
    elif what == EQUAL + 30:
        for i in range(m):
            t[i] = p[i] == c
    elif what == UNEQUAL + 30:
        for i in range(m):
            t[i] = p[i] != c
    elif what == MORE + 30:
        for i in range(m):
            t[i] = p[i] > c
    else:
        for i in range(m):
            t[i] = p[i] >= c
