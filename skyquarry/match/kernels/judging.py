"""Candidates become pairs: in blocks, with hardly a branch, so that the processor never guesses."""

from __future__ import annotations

import math

from skyquarry.match.kernels.ordering import before
from skyquarry.match.kernels.separation import (
    ARCSEC,
    HALF,
    NEAR,
    far_separation,
    near_separation,
    square_sine,
)
from skyquarry.sky.compiled import kernel

CLOSE = 1e-4  # haversine up to which the series of the arcsine is exact: 1.1 degrees


@kernel
def measure(number, across, along, product, sep):
    """Separations (number,) in arcsec by the series for near positions; vectorised.

    As `near_separation`; where that takes the arcsine, or the positions are far, NaN.
    """
    for c in range(number):
        v, u = across[c] * HALF, along[c] * HALF
        h = square_sine(u * u) + product[c] * square_sine(v * v)
        x = math.sqrt(h)
        x *= 1.0 + h * (1.0 / 6.0 + h * (3.0 / 40.0 + h * (15.0 / 336.0)))
        s = 2.0 * x * ARCSEC
        near = (abs(across[c]) <= NEAR) & (abs(along[c]) <= NEAR) & (h < CLOSE)
        sep[c] = s if near else math.nan


@kernel
def judge(left, right, same, number, at, to, work, m, out_left, out_right, out_sep):  # noqa: PLR0917
    """Write the pairs among the candidates behind the `m` that are there; returns the new end.

    Candidates (number,) of left row `at` and right row `to`. `work` (4, k): difference of right
    ascension (as `separation.across`) and of declination in degrees, product of the cosines of
    the declinations, scratch. `same` as in `search`. The buffers have room for all candidates.
    """
    across, along, product, sep = work[0], work[1], work[2], work[3]
    measure(number, across, along, product, sep)
    left_dec, left_radius = left[1], left[4]
    right_dec, right_radius, right_row = right[1], right[4], right[5]
    left_step = 0 if left_radius.size == 1 else 1
    right_step = 0 if right_radius.size == 1 else 1
    in_order = right_row.size == 0
    for c in range(number):
        i, j, s = at[c], to[c], sep[c]
        if math.isnan(s):  # seldom
            if abs(across[c]) <= NEAR and abs(along[c]) <= NEAR:
                s = near_separation(across[c], along[c], product[c])
            else:
                s = far_separation(across[c], left_dec[i], right_dec[j], product[c])
        row = j if in_order else right_row[j]
        out_left[m], out_right[m], out_sep[m] = i, row, s
        limit = left_radius[i * left_step] + right_radius[j * right_step]
        m += (s <= limit) & ((row > i) | (same == 0) | ((same == 1) & (row < i)))
    return m


@kernel
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
