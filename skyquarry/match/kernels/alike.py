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


class Zoned(NamedTuple):
    """Rows (n,) of one side in the order of their zones."""

    zone: np.ndarray
    """(n,) ascending"""
    ra: np.ndarray
    """(n,) degrees in [0, 360), ascending within a zone but for what `reach` has to spare"""
    xyz: np.ndarray
    """(n, 3)"""
    values: np.ndarray
    """(k, n): a search goes along the first of them"""
    start: np.ndarray
    """(zones + 1,) where each zone begins"""


class Limits(NamedTuple):
    """What a pair must keep within."""

    reach: np.ndarray
    """(zones,) degrees of right ascension that a pair of a row of this zone may span"""
    chord: float
    """squared, on the unit sphere"""
    widths: np.ndarray
    """(k,) by which values may differ"""


@kernel
def placed(ra_deg, dec_deg, height, zones, steps, key):
    """Numbers (n,) by which rows come in the order of zones, and of right ascension in each."""
    for i in range(ra_deg.size):
        zone = min(np.int64((dec_deg[i] + 90.0) / height), zones - 1)
        along = min(np.int64(ra_deg[i] * (steps / 360.0)), steps - 1)
        key[i] = zone * steps + along


@kernel
def laid(given, steps, row, out):
    """Zones, right ascensions and vectors of some rows, in their order.

    `given`: ra, dec and key of all (n,); `out`: zone (m,), ra (m,), xyz (m, 3) of those in `row`.
    """
    ra_deg, dec_deg, key = given
    zone, ra, xyz = out
    for i in range(row.size):
        j = row[i]
        zone[i] = key[j] // steps
        ra[i] = ra_deg[j]
        lon, lat = math.radians(ra_deg[j]), math.radians(dec_deg[j])
        far = math.cos(lat)
        xyz[i, 0], xyz[i, 1], xyz[i, 2] = far * math.cos(lon), far * math.sin(lon), math.sin(lat)


@kernel
def _fits(left, i, right, j, limits):
    """Whether two rows are alike and near: NaN is like nothing."""
    for k in range(limits.widths.size):
        if not abs(left.values[k, i] - right.values[k, j]) <= limits.widths[k]:
            return False
    chord = 0.0
    for k in range(3):
        step = left.xyz[i, k] - right.xyz[j, k]
        chord += step * step
    return chord <= limits.chord


@kernel
def alike(left, right, once, limits, row, stop, out):
    """Pairs of the left rows from `row` up to `stop`: the row that comes next, how many were found.

    `once`: right is left, and a row is paired with later ones. `out` (2, m) is written to; it ends
    before a row whose pairs have no room there.
    """
    found, zones = 0, right.start.size - 1
    before = -1
    at = np.zeros(3, np.int64)
    while row < stop:
        zone, ra, wide = left.zone[row], left.ra[row], limits.reach[left.zone[row]]
        begun = found
        for turn in range(3):
            other = zone + turn - 1
            if other < 0 or other >= zones or (once and turn == 0):
                continue
            low, high = right.start[other], right.start[other + 1]
            whole = wide >= 180.0
            if whole:
                at[turn] = low
            elif before != zone:
                at[turn] = lower(right.ra, ra - wide, low, high)
            else:
                while at[turn] < high and right.ra[at[turn]] < ra - wide:
                    at[turn] += 1
            for lap in range(-1, 2):
                if lap == 0:
                    j = at[turn]
                elif whole or (lap == -1 and ra + wide < 360.0) or (lap == 1 and ra >= wide):
                    continue
                elif lap == -1:  # beyond 360: the zone's beginning
                    j = low
                else:  # before 0: its end
                    j = lower(right.ra, ra - wide + 360.0, low, high)
                limit = ra + wide + 360.0 * lap
                if whole:
                    limit = 360.0
                if once and turn == 1:
                    j = max(j, row + 1)
                while j < high and right.ra[j] <= limit:
                    if _fits(left, row, right, j, limits):
                        if found == out.shape[1]:
                            return row, begun
                        out[0, found] = row
                        out[1, found] = j
                        found += 1
                    j += 1
        before = zone
        row += 1
    return row, found
