"""Loops over the rows of a tile: how far is a row from a HEALPix cell?

A cell is the square [x, x + size] x [y, y + size] of one of the 12 faces, each of which is the unit
square (Gorski et al. 2005, section 5.3). Its edges are curves on the sphere: neither great circles
nor parallels. Invariants that make these loops right, in radians for each unit of a face:

- moving along x or y alone is never faster than SPEED (1.52 in the limit at a pole's corner);
- to change x or y by d takes a path of at least HEIGHT * d (0.689 in the same limit);
- an edge lies in the polar or in the equatorial part of its face, never in both: the border
  between them, x + y = const, meets edges at their ends only;
- between two points of an edge the curve stays within bend * length**2 / 8 of the straight chord,
  where `bend` bounds the second derivative.
"""

from __future__ import annotations

import math

import numba
import numpy as np

SPEED = 1.53
HEIGHT = 0.68

_CAP = 64  # more halvings than a double has bits
_EXACT = 1e-14  # radians: half a nanoarcsecond


@numba.njit(nogil=True, cache=True)
def compact(bits):
    """Every second bit of a number, beginning with the lowest, put together."""
    bits &= 0x5555555555555555
    bits = (bits | (bits >> 1)) & 0x3333333333333333
    bits = (bits | (bits >> 2)) & 0x0F0F0F0F0F0F0F0F
    bits = (bits | (bits >> 4)) & 0x00FF00FF00FF00FF
    bits = (bits | (bits >> 8)) & 0x0000FFFF0000FFFF
    return (bits | (bits >> 16)) & 0x00000000FFFFFFFF


@numba.njit(nogil=True, cache=True)
def near_border(spatial, order, limit, out):
    """Rows whose order-29 cell is at most `limit` such cells from the border of their tile.

    spatial (n,) int64, out (n,) int64 -> how many of `out` were filled, ascending.
    """
    side = 1 << (29 - order)
    mask = (1 << (2 * (29 - order))) - 1
    found = 0
    for i in range(len(spatial)):
        place = spatial[i] & mask
        x = compact(place)
        y = compact(place >> 1)
        gap = min(x, side - 1 - x, y, side - 1 - y)
        if gap <= limit:
            out[found] = i
            found += 1
    return found


@numba.njit(nogil=True, cache=True)
def on_sphere(face, x, y):
    """Unit vector of the place (x, y) of a face."""
    row = face // 4
    ring = row + 2.0 - x - y  # 0 at the north pole, 4 at the south pole
    if ring < 1.0:
        size = ring
        drop = size * size / 3.0
        z = 1.0 - drop
        planar = math.sqrt(drop * (2.0 - drop))
    elif ring > 3.0:
        size = 4.0 - ring
        drop = size * size / 3.0
        z = drop - 1.0
        planar = math.sqrt(drop * (2.0 - drop))
    else:
        size = 1.0
        z = (2.0 - ring) * 2.0 / 3.0
        planar = math.sqrt((1.0 - z) * (1.0 + z))
    if size < 1e-300:
        return 0.0, 0.0, z
    first = 2 * (face % 4) + (0 if row == 1 else 1)
    azimuth = math.pi / 4.0 * (first * size + x - y) / size
    return planar * math.cos(azimuth), planar * math.sin(azimuth), z


@numba.njit(nogil=True, cache=True)
def bend(face, fixed, low, high):
    """Bound of the second derivative along a piece of an edge, from `low` to `high`."""
    row = face // 4
    if row == 0:  # measured from the north pole's corner
        fixed, low, high = 1.0 - fixed, 1.0 - high, 1.0 - low
    if row == 1 or fixed + high > 1.0 + 1e-12:
        return 2.0
    nearest = fixed + low
    if fixed <= 0.0 or nearest <= 0.0:
        return 2.0
    return 2.0 + 2.1 * fixed * fixed / (nearest * nearest * nearest)


@numba.njit(nogil=True, cache=True)
def chord_to_segment(px, py, pz, ax, ay, az, bx, by, bz):  # noqa: PLR0917  three vectors
    """Distance of a point from the straight segment a b, in space."""
    ux, uy, uz = bx - ax, by - ay, bz - az
    wx, wy, wz = px - ax, py - ay, pz - az
    length2 = ux * ux + uy * uy + uz * uz
    t = 0.0
    if length2 > 0.0:
        t = (ux * wx + uy * wy + uz * wz) / length2
        t = min(1.0, max(0.0, t))
    dx, dy, dz = wx - t * ux, wy - t * uy, wz - t * uz
    return math.sqrt(dx * dx + dy * dy + dz * dz)


@numba.njit(nogil=True, cache=True)
def chord_to_edge(px, py, pz, face, fixed, start, size, along_x, best):  # noqa: PLR0917
    """Chord from a point to one edge of a cell; `best` where the edge is not nearer than that.

    Branch and bound: a piece of the edge is given up when its straight chord, less the most that
    the curve can stray from it, is farther than the best so far.
    """
    low = np.empty(_CAP)
    high = np.empty(_CAP)
    low[0], high[0] = start, start + size
    left = 1
    while left > 0:
        left -= 1
        s0, s1 = low[left], high[left]
        if along_x:
            ax, ay, az = on_sphere(face, s0, fixed)
            bx, by, bz = on_sphere(face, s1, fixed)
        else:
            ax, ay, az = on_sphere(face, fixed, s0)
            bx, by, bz = on_sphere(face, fixed, s1)
        away = chord_to_segment(px, py, pz, ax, ay, az, bx, by, bz)
        stray = min(bend(face, fixed, s0, s1) * (s1 - s0) ** 2 / 8.0, SPEED * (s1 - s0))
        if away - stray >= best:
            continue
        if stray < _EXACT or left + 2 > _CAP:
            best = min(best, away)
            continue
        # The ends are points of the curve: what is near them bounds the rest.
        best = min(best, math.sqrt((px - ax) ** 2 + (py - ay) ** 2 + (pz - az) ** 2))
        best = min(best, math.sqrt((px - bx) ** 2 + (py - by) ** 2 + (pz - bz) ** 2))
        middle = 0.5 * (s0 + s1)
        low[left], high[left] = s0, middle
        low[left + 1], high[left + 1] = middle, s1
        left += 2
    return best


@numba.njit(nogil=True, cache=True)
def chord_to_cell(px, py, pz, order, pixel, limit):
    """Chord from a point outside a cell to the cell; `limit` where it is not nearer than that."""
    face = pixel >> (2 * order)
    place = pixel & ((1 << (2 * order)) - 1)
    size = 1.0 / (1 << order)
    x, y = compact(place) * size, compact(place >> 1) * size
    cx, cy, cz = on_sphere(face, x + 0.5 * size, y + 0.5 * size)
    middle = math.sqrt((px - cx) ** 2 + (py - cy) ** 2 + (pz - cz) ** 2)
    if middle - SPEED * size >= limit:
        return limit
    best = chord_to_edge(px, py, pz, face, y, x, size, True, limit)
    best = chord_to_edge(px, py, pz, face, y + size, x, size, True, best)
    best = chord_to_edge(px, py, pz, face, x, y, size, False, best)
    return chord_to_edge(px, py, pz, face, x + size, y, size, False, best)


@numba.njit(nogil=True, cache=True)
def chords_to_cells(xyz, order, pixel, limit, out):
    """Chord from each point, outside its cell, to that cell: xyz (n, 3), order, pixel, out (n,).

    `limit` where a chord is not below it.
    """
    for i in range(len(xyz)):
        out[i] = chord_to_cell(xyz[i, 0], xyz[i, 1], xyz[i, 2], order[i], pixel[i], limit)
