"""Candidates become pairs: in blocks, with hardly a branch, so that the processor never guesses."""

from __future__ import annotations

import math

import numpy as np

from skyquarry.match.kernels.ordering import before
from skyquarry.match.kernels.separation import (
    ARCSEC,
    HALF,
    NEAR,
    across,
    far_separation,
    near_separation,
    square_sine,
)
from skyquarry.match.kernels.stepping import step

CLOSE = 1e-4  # haversine up to which the series of the arcsine is exact: 1.1 degrees


@step
def measure(number, at, to, left, right, spans, rises, products, sep):  # noqa: PLR0917
    """Separations (number,) in arcsec by the series for near positions; scratch of as many.

    As `near_separation`; where that takes the arcsine, or the positions are far, NaN. The columns
    are gathered first: a loop that gathers and writes cannot be vectorised.
    """
    left_ra, left_dec, left_cos = left[:3]
    right_ra, right_dec, right_cos = right[:3]
    for c in range(np.uint64(number)):
        i, j = np.uint64(at[c]), np.uint64(to[c])
        spans[c] = across(left_ra[i], right_ra[j])
        rises[c] = left_dec[i] - right_dec[j]
        products[c] = left_cos[i] * right_cos[j]
    for c in range(np.uint64(number)):
        a, d = spans[c], rises[c]
        v, u = a * HALF, d * HALF
        h = square_sine(u * u) + products[c] * square_sine(v * v)
        x = math.sqrt(h)
        x *= 1.0 + h * (1.0 / 6.0 + h * (3.0 / 40.0 + h * (15.0 / 336.0)))
        s = 2.0 * x * ARCSEC
        near = (abs(a) <= NEAR) & (abs(d) <= NEAR) & (h < CLOSE)
        sep[c] = s if near else math.nan


@step
def measure_far(a, d, product, dec_1, dec_2):
    """The separation that `measure` leaves out."""
    if abs(a) <= NEAR and abs(d) <= NEAR:
        return near_separation(a, d, product)
    return far_separation(a, dec_1, dec_2, product)


@step
def judge(left, right, same, number, desk, m, out_left, out_right, out_sep):  # noqa: PLR0917
    """Write the pairs among the candidates behind the `m` that are there; returns the new end.

    `same` as in `search`. The buffers have room for all `number` candidates.
    """
    at, to, spans, rises, products, sep = desk[:6]
    measure(number, at, to, left, right, spans, rises, products, sep)
    left_radius, right_radius, right_row = left[4], right[4], right[5]
    left_step = 0 if left_radius.size == 1 else 1
    right_step = 0 if right_radius.size == 1 else 1
    in_order = right_row.size == 0
    end = np.uint64(m)
    for c in range(np.uint64(number)):
        i, j, s = at[c], to[c], sep[c]
        if math.isnan(s):  # seldom
            s = measure_far(spans[c], rises[c], products[c], left[1][i], right[1][j])
        row = j if in_order else right_row[j]
        out_left[end], out_right[end], out_sep[end] = i, row, s
        limit = left_radius[i * left_step] + right_radius[j * right_step]
        wanted = (row > i) | (same == 0) | ((same == 1) & (row < i))
        end += np.uint64((s <= limit) & wanted)
    return np.int64(end)


@step
def keep_best(begin, end, out_left, out_right, out_sep, rank):
    """The best pair of each left row of [begin, end), moved to the front; their end."""
    last = begin - 1
    for k in range(begin, end):
        if last >= begin and out_left[last] == out_left[k]:
            if before(out_sep[k], out_right[k], out_sep[last], out_right[last], rank):
                out_right[last], out_sep[last] = out_right[k], out_sep[k]
        else:
            last += 1
            out_left[last], out_right[last] = out_left[k], out_right[k]
            out_sep[last] = out_sep[k]
    return last + 1
