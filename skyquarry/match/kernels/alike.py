"""Pairs that lie near each other and have like values, for which few of the near ones are kept.

Rows lie in zones of declination, in each along the right ascension (Gray, Nieto-Santisteban &
Szalay 2006, MSR-TR-2006-52): of the rows that may be near one row those of a zone follow each
other, and those of the next row begin a little later. Values are looked at first, as most pairs
fail there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.runs import lower
from skyquarry.sky.compiled import kernel

U = np.uint64
BLOCK = 4
"""Rows whose values are looked at together: a branch for each would be guessed wrong too often."""


class Zoned(NamedTuple):
    """Rows (n,) of some zones that follow each other, in their order."""

    first: int
    """the number of the first of these zones"""
    start: np.ndarray
    """(zones + 1,) where each begins"""
    ra: np.ndarray
    """(n,) degrees in [0, 360), ascending within a zone but for what `reach` has to spare"""
    dec: np.ndarray
    """(n,) degrees"""
    values: np.ndarray
    """(k, n + BLOCK): those of the rows, then NaN"""


class Limits(NamedTuple):
    """What a pair must keep within."""

    reach: np.ndarray
    """(zones of the sky,) degrees of right ascension that a pair of a row of this one may span"""
    chord: float
    """squared, on the unit sphere"""
    widths: np.ndarray
    """(k,) by which values may differ"""


@kernel
def zoned(dec_deg, height, zone, rows):
    """Zones (n,) of some rows; how many `rows` (zones,) each has is added to."""
    last = rows.size - 1
    for i in range(dec_deg.size):
        here = min(np.int64((dec_deg[i] + 90.0) / height), last)
        zone[i] = here
        rows[here] += 1


@kernel
def spread(zone, first, following, row):
    """Numbers of rows, which begin at `first`, into `row`: where each zone's are `following`."""
    for i in range(zone.size):
        at = following[zone[i]]
        row[at] = first + i
        following[zone[i]] = at + 1


@kernel
def keyed(ra_deg, row, start, steps, places, key):
    """Numbers (n,) by which rows in the order of zones come in that of right ascension too.

    Each has the zone, one of so many steps around the sky, and the row's place in so many bits.
    """
    for zone in range(start.size - 1):
        for i in range(start[zone], start[zone + 1]):
            along = min(np.int64(ra_deg[row[i]] * (steps / 360.0)), steps - 1)
            key[i] = ((zone * steps + along) << places) | i


@kernel
def laid(given, row, key, places, out):
    """Rows in the order of sorted keys: `given` and `out` have their numbers, ra and dec."""
    ra_deg, dec_deg = given
    then, ra, dec = out
    mask = (np.int64(1) << places) - 1
    for i in range(key.size):
        j = row[key[i] & mask]
        then[i] = j
        ra[i], dec[i] = ra_deg[j], dec_deg[j]


@kernel
def taken(given, row, out):
    """Some values, in the order of these rows."""
    for i in range(row.size):
        out[i] = given[row[i]]


@kernel
def near(ra, dec, other_ra, other_dec, chord):
    """Whether two places are no farther apart than this squared chord."""
    one_lon, one_lat = math.radians(ra), math.radians(dec)
    lon, lat = math.radians(other_ra), math.radians(other_dec)
    one_far, far = math.cos(one_lat), math.cos(lat)
    x = one_far * math.cos(one_lon) - far * math.cos(lon)
    y = one_far * math.sin(one_lon) - far * math.sin(lon)
    z = math.sin(one_lat) - math.sin(lat)
    return x * x + y * y + z * z <= chord


@kernel
def alike(left, right, once, limits, row, stop, out):
    """Pairs of the left rows from `row` up to `stop`: how many; -1 where `out` (2, m) has no room.

    `once`: right is left, and a row is paired with later ones. Numbers of rows are unsigned: numba
    then asks none whether it counts from the end.
    """
    found, size, more, block = U(0), U(out.shape[1]), U(1), U(BLOCK)
    ours, theirs, widths, along = left.values, right.values, limits.widths, right.ra
    second = min(1, widths.size - 1)  # two at once: one branch that is seldom taken
    one, one_width, one_other = ours[0], widths[0], theirs[0]
    two, two_width, two_other = ours[second], widths[second], theirs[second]
    for zone in range(left.start.size - 1):
        first, last = max(left.start[zone], row), min(left.start[zone + 1], stop)
        if first >= last:
            continue
        wide = limits.reach[left.first + zone]
        whole = wide >= 180.0
        for turn in range(1 if once else 0, 3):
            there = zone + turn - 1 + left.first - right.first
            if there < 0 or there >= right.start.size - 1:
                continue
            low, high = right.start[there], right.start[there + 1]
            begin, end = U(low), U(high)
            if not whole:
                begin = U(lower(along, left.ra[first] - wide, low, high))
            for at in range(first, last):
                i = U(at)
                ra, a, b = left.ra[i], one[i], two[i]
                back = -1 if ra + wide >= 360.0 and not whole else 0
                forth = 1 if ra < wide and not whole else 0
                # what lies before the window is too far away, but where that goes over 0h
                ahead = more if back else block
                while (
                    begin + ahead <= end and along[begin + ahead - more] < ra - wide and not whole
                ):
                    begin += ahead
                for lap in range(back, forth + 1):
                    j, limit = begin, ra + wide + 360.0 * lap
                    if whole:
                        limit = 360.0
                    elif lap == -1:  # beyond 360: the zone's beginning
                        j = U(low)
                    elif lap == 1:  # before 0: its end
                        j = U(lower(along, ra - wide + 360.0, low, high))
                    if once and turn == 1:
                        j = max(j, i + more)
                    while j < end and along[j] <= limit:
                        like = 0
                        for k in range(BLOCK):
                            n = j + U(k)
                            like += (abs(a - one_other[n]) <= one_width) & (
                                abs(b - two_other[n]) <= two_width
                            )
                        if like == 0:
                            j += block
                            continue
                        for n in range(j, min(j + block, end)):
                            fits = along[n] <= limit
                            for k in range(widths.size):
                                fits &= abs(ours[k, i] - theirs[k, n]) <= widths[k]
                            if fits and near(ra, left.dec[i], along[n], right.dec[n], limits.chord):
                                if found == size:
                                    return -1
                                out[0, found], out[1, found] = i, n
                                found += more
                        j += block
    return np.int64(found)
