"""Which of some right rows may be pairs of a left row: hardly a branch, several rows at once.

A candidate is a place in the left and one in the right columns, `at` and `to` (room,); `number` of
them are there, and each function returns how many there are behind it. Places in arrays are
unsigned where a loop shall be vectorised: numba asks of a signed one whether it counts from the
end.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from skyquarry.match.kernels.boxes import EVEN, ODD, WHOLE
from skyquarry.match.kernels.runs import lower
from skyquarry.match.kernels.separation import across
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import compiled_with

CHUNK = 256  # rows that are looked at together
LANES = 4  # the same where there are few, however many are wanted


@step
def within(code, face, x_from, x_to, y_from, y_to):
    """Whether a pixel lies in a box of a base cell."""
    x, y = code & EVEN, code & ODD
    return (code & ~WHOLE == face) & (x >= x_from) & (x <= x_to) & (y >= y_from) & (y <= y_to)


@partial(compiled_with, inline="always")  # a call would take as long as a few rows
def look_at_few(  # noqa: PLR0917
    i, ra, dec, cos, square_deg, low, high, end,
    right_ra, right_dec, right_cos, squares, at, to, number,
):  # fmt: skip
    """Candidates of left row `i` among the rows [low, high), maybe some behind these before `end`.

    They are those where d^2 + cos cos a^2 is at most `square_deg`.
    """
    while low < high:
        if low + LANES > end:
            a, d = across(ra, right_ra[low]), dec - right_dec[low]
            at[number], to[number] = i, low
            number += d * d + cos * right_cos[low] * (a * a) <= square_deg
            low += 1
            continue
        first, m = np.uint64(low), np.uint64(number)
        for lane in range(LANES):
            k = first + np.uint64(lane)
            a, d = across(ra, right_ra[k]), dec - right_dec[k]
            squares[lane] = d * d + cos * right_cos[k] * (a * a)
            at[m + np.uint64(lane)] = i
        for lane in range(LANES):
            to[m] = first + np.uint64(lane)
            m += np.uint64(squares[lane] <= square_deg)
        number = np.int64(m)
        low += LANES
    return number


@step
def look_near(  # noqa: PLR0917
    i, ra, dec, cos, square_deg, begin, runs, starts, stops,
    right_ra, right_dec, right_cos, squares, at, to, number,
):  # fmt: skip
    """The same among the rows of some runs (runs,), without those below `begin`."""
    before, m = np.uint64(number), np.uint64(number)
    for run in range(runs):
        low, high = max(starts[run], begin), stops[run]
        while low < high:
            some = np.uint64(min(high - low, CHUNK))
            first = np.uint64(low)
            for k in range(some):
                a, d = across(ra, right_ra[first + k]), dec - right_dec[first + k]
                squares[k] = d * d + cos * right_cos[first + k] * (a * a)
            for k in range(some):
                to[m] = first + k
                m += np.uint64(squares[k] <= square_deg)
            low += CHUNK
    for k in range(before, m):
        at[k] = i
    return np.int64(m)


@step
def look_within(  # noqa: PLR0917
    i, face, x_from, x_to, y_from, y_to, begin, runs, starts, stops, spatial, at, to, number
):
    """Candidates are all rows of the runs that lie in the box: where no series holds."""
    for run in range(runs):
        for k in range(max(starts[run], begin), stops[run]):
            at[number], to[number] = i, k
            number += within(spatial[k], face, x_from, x_to, y_from, y_to)
    return number


@step
def look_across(  # noqa: PLR0917
    i, place, span_deg, square, face, x_from, x_to, y_from, y_to, zone, end,
    zone_dec, zone_at, zone_xyz, spatial, at, to, number,
):  # fmt: skip
    """Candidates among the rows [zone, end) near an edge, without those that lie in the box.

    `place`: declination and unit vector; `square`: how large the square of the chord may be.
    """
    dec, px, py, pz = place
    zone = lower(zone_dec, dec - span_deg, zone, end)
    while zone < end and zone_dec[zone] <= dec + span_deg:
        dx, dy, dz = zone_xyz[zone, 0] - px, zone_xyz[zone, 1] - py, zone_xyz[zone, 2] - pz
        j = zone_at[zone]
        near = dx * dx + dy * dy + dz * dz <= square
        at[number], to[number] = i, j
        number += near & (not within(spatial[j], face, x_from, x_to, y_from, y_to))
        zone += 1
    return number
