"""Pairs within a radius, from rows sorted by the nested index: no tree is built.

For each left row the square of `boxes.py` holds every right row of the same base cell that can
match. The square is cut into cells of one level; the rows of a cell are one run of the sorted right
rows, found by a table of buckets. The level follows the crowding on the way: where a row had to
look at many, cells get smaller; where most were empty, larger. It decides the time, never the
result. What the square cannot hold, pairs across the edge of a base cell, is sought among the
right rows that lie near an edge, sorted by declination.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.boxes import (
    EVEN,
    ODD,
    WHOLE,
    WIDE_ARCSEC,
    box,
    even_size,
    reach,
    spread,
)
from skyquarry.match.kernels.judging import judge, keep_best
from skyquarry.match.kernels.ordering import BINS, sort_pairs
from skyquarry.match.kernels.separation import ARCSEC, HALF_TURN, NEAR, RADIAN, across
from skyquarry.sky.compiled import kernel

FINEST = 5  # a square is cut into at most 33 by 33 cells
NEAR_ENOUGH = 0.99 * NEAR * 3600.0  # arcsec
CROWDED, EMPTY = 16, 3  # rows looked at, a cell: above and below, the level changes
LONG = 16  # rows of a run above which its ends are sought in the rows themselves
BLOCK = 2048  # candidates that are judged together: their arrays stay in the cache
SCRATCH = 4096  # pairs of a row that are sorted by bins


class Left(NamedTuple):
    """The rows that look: (n,) each; `radius` (1,) or (n,) arcsec, NaN matches nothing."""

    ra: np.ndarray
    dec: np.ndarray
    cos: np.ndarray
    spatial: np.ndarray
    radius: np.ndarray


class Right(NamedTuple):
    """The rows that are looked for, in classes of their radius, in each sorted by `spatial`."""

    ra: np.ndarray
    dec: np.ndarray
    cos: np.ndarray
    spatial: np.ndarray
    radius: np.ndarray
    """(1,) or (n,) arcsec, never NaN"""
    row: np.ndarray
    """(n,) number of the row, or (0,) where the rows are in their order"""
    rank: np.ndarray
    """by number of the row"""
    class_start: np.ndarray
    """(classes + 1,) first row of each class"""
    class_radius: np.ndarray
    """(classes,) greatest radius in it"""
    first: np.ndarray
    shift: np.ndarray
    """(classes,) bucket of a pixel: (pixel - first) >> shift"""
    bucket_start: np.ndarray
    """(classes + 1,) where the table of a class lies in `buckets`"""
    buckets: np.ndarray
    """first row of each bucket, and the end of the last"""
    zone_start: np.ndarray
    """(classes + 1,) where the edge rows of a class lie in the arrays below"""
    zone_dec: np.ndarray
    """sorted in each class"""
    zone_at: np.ndarray
    """place in the arrays above"""
    zone_xyz: np.ndarray
    """(edge rows, 3) unit vectors"""


@kernel
def lower(values, value, start, stop):
    """First place in the sorted values[start:stop] that is not below the value."""
    while start < stop:
        middle = (start + stop) >> 1
        if values[middle] < value:
            start = middle + 1
        else:
            stop = middle
    return start


@kernel
def within(code, face, x_from, x_to, y_from, y_to):
    """Whether a pixel lies in a box of a base cell."""
    x, y = code & EVEN, code & ODD
    return (code & ~WHOLE == face) & (x >= x_from) & (x <= x_to) & (y >= y_from) & (y <= y_to)


@kernel
def in_order_of_rows(  # noqa: PLR0917  columns and scratch
    begin, end, nearest, out_left, out_right, out_sep, rank, counts, bins, spare_sep, spare_right
):
    """Sort the pairs [begin, end) of whole rows, keep the nearest; returns their new end."""
    if nearest == 1:
        return keep_best(begin, end, out_left, out_right, out_sep, rank)
    to, k = begin, begin
    while k < end:
        start, i = k, out_left[k]
        while k < end and out_left[k] == i:
            k += 1
        if k - start > 1:
            sort_pairs(out_sep, out_right, start, k, rank, counts, bins, spare_sep, spare_right)
        stop = min(k, start + nearest) if nearest > 0 else k
        if to == start:
            to = stop
            continue
        for from_ in range(start, stop):
            out_left[to], out_right[to], out_sep[to] = i, out_right[from_], out_sep[from_]
            to += 1
    return to


@kernel
def search(left, right, nearest, same, first, out_left, out_right, out_sep):  # noqa: PLR0917
    """Pairs of the left rows from `first` on, until the buffers are full.

    Returns (next row, pairs written): where the buffers were full, `next row` is the first row
    whose pairs are not in them. `nearest` 0: all. `same` 1: the row of the same number is left out;
    2: so are those before it.
    """
    left_ra, left_dec, left_cos, left_spatial, left_radius = left
    right_ra, right_dec, right_cos, right_spatial = right[:4]
    rank, class_radius = right[6], right[8]
    right_first, right_shift, bucket_start, buckets = right[9:13]
    zone_start, zone_dec, zone_at, zone_xyz = right[13:]
    n, classes = left_ra.size, class_radius.size
    left_step = 0 if left_radius.size == 1 else 1
    after = same == 2 and right[5].size == 0  # rows that are left out need not be looked at
    level = right_shift & ~1
    at, to = np.empty(BLOCK + 1, np.int64), np.empty(BLOCK + 1, np.int64)
    work = np.empty((4, BLOCK + 1))
    spans, rises, products = work[0], work[1], work[2]
    counts, bins = np.empty(BINS * SCRATCH + 1, np.int64), np.empty(SCRATCH, np.int64)
    spare_sep, spare_right = np.empty(SCRATCH), np.empty(SCRATCH, np.int64)
    spread_of, spread_reach, finest = -1, 0, 0
    number = np.int64(0)  # candidates
    m, done = np.int64(0), np.int64(0)  # pairs written; of them in their order, of whole rows
    whole = first  # rows before this one are done
    for i in range(first, n):
        own_radius = left_radius[i * left_step]
        if not own_radius >= 0.0:
            continue
        if number > BLOCK // 2 or i - whole > BLOCK:
            if m + number > out_sep.size:
                return whole, done
            m = judge(left, right, same, number, at, to, work, m, out_left, out_right, out_sep)
            number = np.int64(0)
            done = in_order_of_rows(
                done,
                m,
                nearest,
                out_left,
                out_right,
                out_sep,
                rank,
                counts,
                bins,
                spare_sep,
                spare_right,
            )
            m, whole = done, i
        ra, dec, cos = left_ra[i], left_dec[i], left_cos[i]
        face = left_spatial[i] & ~WHOLE
        for c in range(classes):
            total = own_radius + class_radius[c]
            limit = total / 3600.0 + 1e-13
            # d^2 + cos cos a^2 is at most 1.7e-3 (relative) above the square of the separation, in
            # degrees, while a and d stay below NEAR
            limit_q = limit * limit * 1.002
            wide = total >= WIDE_ARCSEC
            cut = True
            x_from, x_to, y_from, y_to = 0, -1, 0, -1
            if not wide:
                pixels = reach(dec, total)
                if pixels != spread_of:
                    spread_of, spread_reach = pixels, spread(pixels)
                    finest = max(even_size(pixels) - 2 * FINEST, 0)
                x_from, x_to, y_from, y_to, cut = box(left_spatial[i] & WHOLE, spread_reach)
                fold = max(level[c], finest)
                inner = (1 << fold) - 1
                table, last = bucket_start[c], bucket_start[c + 1] - bucket_start[c] - 1
                # so far from a pole that no pair spans more than NEAR in right ascension
                plain = not cut and total < NEAR_ENOUGH * cos
                cells, looked = 0, 0
                y = y_from
                while True:
                    y_end = min(y | (inner & ODD), y_to)
                    x = x_from
                    while True:
                        x_end = min(x | (inner & EVEN), x_to)
                        bottom, top = face | x | y, face | x_end | y_end
                        k = (bottom - right_first[c]) >> right_shift[c]
                        j = buckets[table + min(max(k, 0), last)]
                        k = ((top - right_first[c]) >> right_shift[c]) + 1
                        stop = buckets[table + min(max(k, 0), last)]
                        if stop - j > LONG:
                            j = lower(right_spatial, bottom, j, stop)
                            stop = lower(right_spatial, top + 1, j, stop)
                        cells += 1
                        looked += stop - j
                        if after:
                            j = max(j, i + 1)
                        while j < stop:
                            some = min(stop - j, BLOCK - number)
                            if plain:
                                for k in range(j, j + some):
                                    code = right_spatial[k]
                                    d = dec - right_dec[k]
                                    a = across(ra, right_ra[k])
                                    p = cos * right_cos[k]
                                    at[number], to[number] = i, k
                                    spans[number], rises[number], products[number] = a, d, p
                                    number += (
                                        (d * d + p * (a * a) <= limit_q)
                                        & (code >= bottom)
                                        & (code <= top)
                                    )
                            else:
                                for k in range(j, j + some):
                                    code = right_spatial[k]
                                    at[number], to[number] = i, k
                                    spans[number] = across(ra, right_ra[k])
                                    rises[number] = dec - right_dec[k]
                                    products[number] = cos * right_cos[k]
                                    number += within(code, face, x, x_end, y, y_end)
                            j += some
                            if number == BLOCK:
                                if m + number > out_sep.size:
                                    return whole, done
                                m = judge(
                                    left, right, same, number, at, to, work, m,
                                    out_left, out_right, out_sep,
                                )  # fmt: skip
                                number = np.int64(0)
                        if x_end == x_to:
                            break
                        x = ((x_end | ODD) + 1) & EVEN
                    if y_end == y_to:
                        break
                    y = ((y_end | EVEN) + 1) & ODD
                if looked > CROWDED * cells:
                    level[c] = max(fold - 2, finest)
                elif looked < EMPTY * cells and cells > 1:
                    level[c] = min(fold + 2, 56)
            if cut and zone_start[c + 1] > zone_start[c]:
                half = math.sin(0.5 * min(total, HALF_TURN) / ARCSEC)
                limit = 4.0 * half * half * (1.0 + 1e-9) + 1e-14
                px = cos * math.cos(ra * RADIAN)
                py = cos * math.sin(ra * RADIAN)
                pz = math.sin(dec * RADIAN)
                span = total / 3600.0 + 1e-9
                stop = zone_start[c + 1]
                z = lower(zone_dec, dec - span, zone_start[c], stop)
                while z < stop and zone_dec[z] <= dec + span:
                    dx, dy, dz = zone_xyz[z, 0] - px, zone_xyz[z, 1] - py, zone_xyz[z, 2] - pz
                    if dx * dx + dy * dy + dz * dz <= limit:
                        j = zone_at[z]
                        seen = within(right_spatial[j], face, x_from, x_to, y_from, y_to)
                        at[number], to[number] = i, j
                        spans[number] = across(ra, right_ra[j])
                        rises[number] = dec - right_dec[j]
                        products[number] = cos * right_cos[j]
                        number += not seen
                        if number == BLOCK:
                            if m + number > out_sep.size:
                                return whole, done
                            m = judge(
                                left, right, same, number, at, to, work, m,
                                out_left, out_right, out_sep,
                            )  # fmt: skip
                            number = np.int64(0)
                    z += 1
    if m + number > out_sep.size:
        return whole, done
    m = judge(left, right, same, number, at, to, work, m, out_left, out_right, out_sep)
    done = in_order_of_rows(
        done, m, nearest, out_left, out_right, out_sep, rank, counts, bins, spare_sep, spare_right
    )
    return n, done
