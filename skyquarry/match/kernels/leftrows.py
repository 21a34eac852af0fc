"""Candidates of left rows: of the many whose box is whole, quickly; of any row at all."""

from __future__ import annotations

import math

from skyquarry.match.kernels.boxes import (
    WHOLE,
    WIDE_ARCSEC,
    box,
    even_size,
    reach,
)
from skyquarry.match.kernels.looking import look_across, look_at_few, look_near, look_within
from skyquarry.match.kernels.runs import FINEST, runs_of
from skyquarry.match.kernels.separation import ARCSEC, HALF_TURN, NEAR, RADIAN
from skyquarry.match.kernels.stepping import step
from skyquarry.match.kernels.tables import bucket_of
from skyquarry.sky.kernels.cells import spread

NEAR_ENOUGH = 0.99 * NEAR * 3600.0  # arcsec
FEW = 16  # rows that are looked at without more ado
SHARED = 2  # halvings of a box's side: rows that lie in one such cell share their runs


@step
def is_plain(total, cos):
    """Whether no pair of this radius (arcsec) spans more than NEAR in right ascension."""
    return total < NEAR_ENOUGH * cos and total < WIDE_ARCSEC


@step
def alike(i, end, cell, total, pixels, dec, cos, spatial):  # noqa: PLR0917
    """The row behind those that lie in one cell with row `i` and reach no farther than it."""
    j = i + 1
    while (
        j < end
        and (spatial[j] ^ spatial[i]) <= cell
        and reach(dec[j], total) <= pixels
        and is_plain(total, cos[j])
    ):
        j += 1
    return j


@step
def window(x_from, x_to, y_from, y_to, face, table):
    """Rows [low, high) that hold all rows of a box, by the table of their buckets."""
    low = bucket_of(face | x_from | y_from, table)[0]
    return low, bucket_of(face | x_to | y_to, table)[1]


@step
def near_rows(left, right, i, after, desk, room, number):
    """Candidates of the rows from `i` on, up to one that is not plain or about `room` of them.

    Plain is a row whose box leaves its base cell nowhere and that is not close to a pole. Returns
    (the next row, number of candidates). `after`: only right rows behind the left one are wanted.
    """
    left_ra, left_dec, left_cos, left_spatial, left_radius = left
    right_ra, right_dec, right_cos, right_spatial = right[:4]
    class_start, class_radius = right[7], right[8]
    firsts, lasts, shifts, cell_start, cells, buckets = right[9:15]
    at, to = desk[:2]
    squares, stack, starts, stops = desk[6:10]
    classes, n = class_radius.size, left_ra.size
    each = 0 if left_radius.size == 1 else 1
    spread_of, spread_reach, finest, cell = -1, 0, 0, 0
    shares = classes == 1 and left_radius.size == 1
    runs, shared = 0, i  # the row behind those that share the runs
    while i < n and number <= room:
        start, begin = number, i + 1 if after else 0
        ra, dec, cos = left_ra[i], left_dec[i], left_cos[i]
        own, face = left_spatial[i] & WHOLE, left_spatial[i] & ~WHOLE
        own_radius = left_radius[i * each]
        for c in range(classes if own_radius >= 0.0 else 0):
            total = own_radius + class_radius[c]
            limit = total / 3600.0 + 1e-13
            # d^2 + cos cos a^2 is at most 1.7e-3 (relative) above the square of the separation, in
            # degrees, while a and d stay below NEAR
            square_deg = limit * limit * 1.002
            if i >= shared:
                pixels = reach(dec, total)
                if pixels != spread_of:
                    spread_of, spread_reach, size = pixels, spread(pixels), even_size(pixels)
                    finest = (1 << max(size - 2 * FINEST, 0)) - 1
                    cell = (1 << max(size - 2 * SHARED, 0)) - 1
                x_from, x_to, y_from, y_to, cut = box(own, own, spread_reach)
                if cut or not is_plain(total, cos):
                    return i, start
                table = firsts[c], lasts[c], shifts[c], cell_start[c], cells, buckets
                low, high = window(x_from, x_to, y_from, y_to, face, table)
                low = max(low, begin)
                if high - low <= FEW:
                    number = look_at_few(
                        i, ra, dec, cos, square_deg, low, high, class_start[c + 1],
                        right_ra, right_dec, right_cos, squares, at, to, number,
                    )  # fmt: skip
                    continue
                if shares and i + 1 < n and (left_spatial[i + 1] ^ left_spatial[i]) <= cell:
                    shared = alike(i, n, cell, total, pixels, left_dec, left_cos, left_spatial)
                    x_from, x_to, y_from, y_to, cut = box(own & ~cell, own | cell, spread_reach)
                    if cut:
                        return i, start
                    low, high = window(x_from, x_to, y_from, y_to, face, table)
                runs = runs_of(
                    x_from, x_to, y_from, y_to, face, max(low, begin), high, finest,
                    right_spatial, table, stack, starts, stops,
                )  # fmt: skip
            number = look_near(
                i, ra, dec, cos, square_deg, begin, runs, starts, stops,
                right_ra, right_dec, right_cos, squares, at, to, number,
            )  # fmt: skip
        i += 1
    return i, number


@step
def any_row(left, right, i, after, desk, number):
    """Candidates of a row, wherever it is and however far it reaches; their new number."""
    at, to = desk[:2]
    stack, starts, stops = desk[7:10]
    right_spatial, class_radius = right[3], right[8]
    firsts, lasts, shifts, cell_start, cells, buckets = right[9:15]
    zone_start, zone_dec, zone_at, zone_xyz = right[15:]
    ra, dec, cos = left[0][i], left[1][i], left[2][i]
    own, face = left[3][i] & WHOLE, left[3][i] & ~WHOLE
    own_radius = left[4][0 if left[4].size == 1 else i]
    px, py = cos * math.cos(ra * RADIAN), cos * math.sin(ra * RADIAN)
    place = dec, px, py, math.sin(dec * RADIAN)
    for c in range(class_radius.size):
        total = own_radius + class_radius[c]
        x_from, x_to, y_from, y_to, cut = 0, -1, 0, -1, True
        if total < WIDE_ARCSEC:
            pixels = reach(dec, total)
            finest = (1 << max(even_size(pixels) - 2 * FINEST, 0)) - 1
            x_from, x_to, y_from, y_to, cut = box(own, own, spread(pixels))
            table = firsts[c], lasts[c], shifts[c], cell_start[c], cells, buckets
            low, high = window(x_from, x_to, y_from, y_to, face, table)
            begin = max(low, i + 1) if after else low
            runs = runs_of(
                x_from, x_to, y_from, y_to, face, begin, high, finest,
                right_spatial, table, stack, starts, stops,
            )  # fmt: skip
            number = look_within(
                i, face, x_from, x_to, y_from, y_to, begin, runs, starts, stops, right_spatial,
                at, to, number,
            )  # fmt: skip
        if cut:
            half = math.sin(0.5 * min(total, HALF_TURN) / ARCSEC)
            square = 4.0 * half * half * (1.0 + 1e-9) + 1e-14
            number = look_across(
                i, place, total / 3600.0 + 1e-9, square, face, x_from, x_to, y_from, y_to,
                zone_start[c], zone_start[c + 1], zone_dec, zone_at, zone_xyz, right_spatial,
                at, to, number,
            )  # fmt: skip
    return number
