"""A HEALPix cell as ADQL can say it: always a little larger than the cell, never smaller.

Rows that a query brings from beyond the cell are left out afterwards, by the index of their own
position; so the text need only be sure to hold the whole cell.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.polygons import Polygon
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.surveys.fetch.cells import Cell

    Floats = NDArray[np.float64]

PAD_DEG = 0.05 / 3600.0
"""Beyond each border: what a service may round a position or a radius by."""
_STEPS = 32
_COARSEST_POLYGON = 3
_FARTHEST = 0.3
"""How far corners are moved outward at most, as a part of their distance from the middle: 0.18 is
enough for every cell of order 2 and finer, 0.01 for most."""


def outline(cell: Cell, steps: int = _STEPS) -> tuple[Floats, Floats]:
    """(ra_deg, dec_deg), each (4 * steps,): points on the cell's border, corners among them."""
    ra, dec = healpix.corners([cell.pixel], cell.order, steps)
    return ra.ravel(), dec.ravel()


def circle(cell: Cell) -> tuple[float, float, float]:
    """(ra_deg, dec_deg, radius_deg) of a circle round the cell."""
    (ra,), (dec,) = healpix.center([cell.pixel], cell.order)
    chords = np.linalg.norm(to_xyz(*outline(cell)) - to_xyz(ra, dec), axis=1)
    radius = math.degrees(2.0 * math.asin(min(1.0, 0.5 * float(chords.max()))))
    return float(ra), float(dec), min(180.0, 1.01 * radius + PAD_DEG)


def polygon(cell: Cell) -> list[tuple[float, float]] | None:
    """The four corners (ra_deg, dec_deg) of a polygon of great circles round the cell.

    None where the cell is too large for that: order below 3.
    """
    if cell.order < _COARSEST_POLYGON:
        return None
    border = to_xyz(*outline(cell))
    (ra,), (dec,) = healpix.center([cell.pixel], cell.order)
    center = to_xyz(ra, dec)
    vertices = to_xyz(*outline(cell, 1))
    grown = 4.0 * math.radians(PAD_DEG) / float(np.linalg.norm(vertices - center, axis=1).min())
    most = max(_FARTHEST, 2.0 * grown)  # the pad is more than the whole of the finest cells
    while grown <= most:
        pushed = center + (1.0 + grown) * (vertices - center)
        found = _polygon_round(pushed, center + (1.0 + 0.25 * grown) * (border - center))
        if found is not None:
            return found
        grown = max(1.3 * grown, 1e-3)
    return None


def _polygon_round(vertices: Floats, border: Floats) -> list[tuple[float, float]] | None:
    """The vertices in degrees, where what they enclose holds the whole border."""
    ra, dec = to_radec(_unit(vertices))
    corners = [(float(a), float(d)) for a, d in zip(ra, dec, strict=True)]
    try:
        shape = Polygon(corners)
    except RegionError:
        return None
    return corners if bool(shape.contains(_unit(border)).all()) else None


def box(cell: Cell) -> tuple[float, float, float, float]:
    """(west, east, south, north) in degrees round the cell; west is above east across 0h.

    0, 360 is the whole ring: a cell at a pole.
    """
    ra, dec = outline(cell)
    pad = PAD_DEG + 0.01 * math.degrees(healpix.cap_radius(cell.order))
    south, north = max(-90.0, float(dec.min()) - pad), min(90.0, float(dec.max()) + pad)
    if south == -90.0 or north == 90.0:
        return 0.0, 360.0, south, north
    (middle,), _ = healpix.center([cell.pixel], cell.order)
    off = (ra - middle + 180.0) % 360.0 - 180.0
    wider = pad / math.cos(math.radians(max(abs(south), abs(north))))
    west, east = float(off.min()) - wider, float(off.max()) + wider
    if east - west >= 360.0:
        return 0.0, 360.0, south, north
    return float((middle + west) % 360.0), float((middle + east) % 360.0), south, north


def _unit(xyz: Floats) -> Floats:
    return np.asarray(xyz / np.linalg.norm(xyz, axis=1, keepdims=True))
