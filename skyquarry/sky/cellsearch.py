"""Which HEALPix cells a shape touches, and which it holds: a descent that never errs.

Written because the searches of cdshealpix (0.9) are not exact: some cones lose a cell at a seam of
the polar caps, cones above a hemisphere lose whole base cells, and a cone of 22 degrees was said to
hold a base cell of 45 (`tests/sky/test_healpix.py` has them). Here a cell is judged by the cap
round its centre, with a radius that no cell of its order exceeds: "outside" and "inside" are then
certain, whatever is neither is looked at again, `delta` orders finer, and the rest is called cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, Floats, to_xyz

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Cells = tuple[Ints, npt.NDArray[np.int8], Bools]
# centres (n, 3) of caps and their common radius in radians -> (may touch, certainly inside)
Judge = Callable[[Floats, float], tuple[Bools, Bools]]

MAX_ORDER: Final = 29
_START: Final = 4  # 3072 cells are judged at once from a table; below it the descent begins
_STRIDE: Final = 3  # orders a step goes down: 64 children cost a numpy call no more than 4
_ROUNDING: Final = 4e-16  # radians: what float64 may do to a unit vector

# Górski et al. 2005, figure 4: where each base cell's southern corner lies, in rings and eighths.
_RING: Final = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4], np.float64)
_EIGHTH: Final = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7], np.float64)


class _Grid(NamedTuple):
    """Cells of one order as base cell and column, row in it."""

    order: int
    face: Ints
    x: Ints
    y: Ints

    def take(self, which: Bools) -> _Grid:
        return _Grid(self.order, self.face[which], self.x[which], self.y[which])


@cache
def cap_radius(order: int) -> float:
    """Radius in radians of the cap round a cell's centre that holds it, for any cell of the order.

    The largest distance of a corner from its centre is that of the cells whose corner lies on the
    meridian of a base cell at |z| = 2/3 or next to it (as `max_pixrad` of the HEALPix library).
    """
    nside = 1 << order
    a = to_xyz(180.0 / (4 * nside), np.degrees(np.arcsin(2.0 / 3.0)))[0]
    b = to_xyz(0.0, np.degrees(np.arcsin(1.0 - (1.0 - 1.0 / nside) ** 2 / 3.0)))[0]
    half_chord = 0.5 * float(np.linalg.norm(a - b))
    return 2.0 * float(np.arcsin(half_chord)) * (1.0 + 1e-6) + _ROUNDING


def center_xyz(order: int, face: Ints, x: Ints, y: Ints) -> Floats:
    """Unit vectors (n, 3) of the centres of cells given by base cell, column and row."""
    size = 1.0 / (1 << order)
    ring = _RING[face] - (x + y + 1) * size  # 0 at the north pole, 2 at the equator, 4 at the south
    step = np.minimum(np.minimum(ring, 4.0 - ring), 1.0)  # shrinks towards a pole
    phi = (0.25 * np.pi) * (_EIGHTH[face] + (x - y) * size / step)
    cap = step < 1.0
    z = np.where(cap, np.copysign(1.0 - step * step / 3.0, 2.0 - ring), (2.0 - ring) * (2.0 / 3.0))
    # sin(theta) without cancellation at the poles
    across = np.where(cap, step * np.sqrt((2.0 - step * step / 3.0) / 3.0), np.sqrt(1.0 - z * z))
    xyz = np.empty((ring.size, 3))
    np.multiply(across, np.cos(phi), out=xyz[:, 0])
    np.multiply(across, np.sin(phi), out=xyz[:, 1])
    xyz[:, 2] = z
    return xyz


def search(
    judge: Judge, order: int, *, delta: int = 2, around: tuple[float, float, float] | None = None
) -> Cells:
    """Cells that a shape touches, sorted along the sky: (pixel int64, order int8, fully bool).

    Full cells are of any order up to `order`, cut ones of `order`. `judge` may say "touches" too
    often and "inside" too seldom, never the reverse; then no point of the shape is missed and no
    cut cell called full. `around` (ra_deg, dec_deg, radius in radians) is a cap known to hold the
    shape: a small one makes the search start near it.
    """
    check_order(order)
    window = _window(*around, order) if around else None
    if window is None:
        grid, xyz = _table(min(_START, order))
    else:
        grid, xyz = window, center_xyz(*window)
    full: list[_Grid] = []
    while True:
        touched, inside = judge(xyz, cap_radius(grid.order))
        full.append(grid.take(inside))
        grid = grid.take(touched & ~inside)
        if grid.order == order or grid.face.size == 0:
            break
        grid = _finer(grid, min(_STRIDE, order - grid.order))
        xyz = center_xyz(*grid)
    whole, cut = _look_again(judge, grid, min(delta, MAX_ORDER - grid.order))
    return _join([*full, whole], cut, order)


def _window(ra_deg: float, dec_deg: float, radius: float, order: int) -> _Grid | None:
    """Cells of one base cell that surely hold a cap, or None where the cap may leave the base cell.

    Within a base cell a point on the sky moves by at most 1.5 base cells a radian: in a cap
    sqrt(6 + (4 / pi * sqrt(6) / (2 cos(24.1 deg)))**2) / 2 = 1.493, elsewhere less.
    """
    reach = 1.5 * radius + 1e-13
    face, x, y = locate(ra_deg, dec_deg)
    if not (reach <= x <= 1.0 - reach and reach <= y <= 1.0 - reach):
        return None
    level = min(order, int(-math.log2(reach)) + 1)  # a window of at most 6 x 6 cells
    size = 1 << level
    across = np.arange(int((x - reach) * size), min(int((x + reach) * size), size - 1) + 1)
    along = np.arange(int((y - reach) * size), min(int((y + reach) * size), size - 1) + 1)
    n = across.size * along.size
    columns, rows = np.repeat(across, along.size), np.tile(along, across.size)
    return _Grid(level, np.full(n, face, np.int64), columns, rows)


def locate(ra_deg: float, dec_deg: float) -> tuple[int, float, float]:
    """(base cell, x, y) of a point, x and y from 0 to 1 (Górski et al. 2005, section 4)."""
    turn = (ra_deg % 360.0) / 90.0
    z = math.sin(math.radians(dec_deg))
    if abs(z) <= 2.0 / 3.0:
        up, down = turn + 0.5 - 0.75 * z, turn + 0.5 + 0.75 * z
        i, j = int(up), int(down)
        face = (i & 3) | 4 if i == j else (i & 3 if i < j else (j & 3) + 8)
        return face, down - j, 1.0 - (up - i)
    quarter = min(int(turn), 3)
    ring = math.sqrt(6.0) * math.sin(0.5 * math.radians(90.0 - abs(dec_deg)))
    p, m = (turn - quarter) * ring, (1.0 - (turn - quarter)) * ring
    return (quarter, 1.0 - m, 1.0 - p) if z > 0 else (quarter + 8, p, m)


def _look_again(judge: Judge, grid: _Grid, delta: int) -> tuple[_Grid, _Grid]:
    """(whole, cut) of cells that could not be judged as they are, by their parts."""
    if delta == 0 or grid.face.size == 0:
        return grid.take(np.zeros(grid.face.size, bool)), grid
    parts = _finer(grid, delta)
    touched, inside = judge(center_xyz(*parts), cap_radius(parts.order))
    block = (grid.face.size, -1)
    whole = np.asarray(inside.reshape(block).all(axis=1))
    return grid.take(whole), grid.take(np.asarray(touched.reshape(block).any(axis=1)) & ~whole)


@cache
def _table(order: int) -> tuple[_Grid, Floats]:
    side = np.arange(1 << order, dtype=np.int64)
    face, x, y = (a.ravel() for a in np.meshgrid(np.arange(12), side, side, indexing="ij"))
    return _Grid(order, face, x, y), center_xyz(order, face, x, y)


@cache
def _offsets(steps: int) -> tuple[Ints, Ints]:
    side = np.arange(1 << steps, dtype=np.int64)
    dx, dy = np.meshgrid(side, side, indexing="ij")
    return dx.ravel(), dy.ravel()


def _finer(grid: _Grid, steps: int) -> _Grid:
    """All parts of the cells, `steps` orders finer, those of one cell together."""
    dx, dy = _offsets(steps)
    x = ((grid.x << steps)[:, np.newaxis] + dx).ravel()
    y = ((grid.y << steps)[:, np.newaxis] + dy).ravel()
    return _Grid(grid.order + steps, np.repeat(grid.face, dx.size), x, y)


def _pixels(grid: _Grid) -> Ints:
    return (grid.face << (2 * grid.order)) | _spread(grid.x) | (_spread(grid.y) << 1)


def _spread(v: Ints) -> Ints:
    """Bits of v on the even places (Morton's order)."""
    v = (v | (v << 16)) & 0x0000FFFF0000FFFF
    v = (v | (v << 8)) & 0x00FF00FF00FF00FF
    v = (v | (v << 4)) & 0x0F0F0F0F0F0F0F0F
    v = (v | (v << 2)) & 0x3333333333333333
    return np.asarray((v | (v << 1)) & 0x5555555555555555)


def _join(full: list[_Grid], cut: _Grid, order: int) -> Cells:
    """Full cells, four sisters made one while that goes, and cut ones, in order along the sky."""
    found: list[tuple[int, Ints, bool]] = [(order, _pixels(cut), False)] if cut.face.size else []
    some: dict[int, Ints] = {}
    for grid in full:
        if grid.face.size:
            some[grid.order] = np.concatenate([some.get(grid.order, _NONE), _pixels(grid)])
    for level in range(max(some, default=-1), -1, -1):
        here = np.sort(some.get(level, _NONE))
        if level and here.size >= 4:
            here, up = _merge_sisters(here)
            some[level - 1] = np.concatenate([some.get(level - 1, _NONE), up])
        if here.size:
            found.append((level, here, True))
    if not found:
        return _NONE, np.empty(0, np.int8), np.empty(0, bool)
    pixel = np.concatenate([p for _, p, _ in found])
    depth = np.concatenate([np.full(p.size, level, np.int8) for level, p, _ in found])
    fully = np.concatenate([np.full(p.size, whole) for _, p, whole in found])
    along = np.argsort(pixel << (2 * (MAX_ORDER - depth.astype(np.int64))))
    return pixel[along], depth[along], fully[along]


_NONE: Final = np.empty(0, np.int64)


def _merge_sisters(pixel: Ints) -> tuple[Ints, Ints]:
    """(those left, parents of complete fours) of sorted, distinct cells of one order."""
    first = pixel[:-3]
    four = (first & 3 == 0) & (pixel[3:] == first + 3)
    where = np.flatnonzero(four)
    left = np.ones(pixel.size, bool)
    left[(where[:, np.newaxis] + np.arange(4)).ravel()] = False
    return pixel[left], first[four] >> 2


# ------------------------------------------------------------------ two shapes
def cone_cells(
    ra_deg: float, dec_deg: float, radius_arcsec: float, order: int, *, delta: int = 2
) -> Cells:
    """Cells of a cone of 0 to 180 degrees, as `search` gives them; its rim belongs to it.

    Raises PositionError or RegionError for a centre or radius that is not on the sphere.
    """
    if not (-90.0 <= dec_deg <= 90.0 and np.isfinite(ra_deg)):
        raise PositionError(
            f"the centre is ra_deg {ra_deg}, dec_deg {dec_deg}, but a position needs a finite RA "
            "and a declination from -90 to 90 degrees; try degrees, in this order"
        )
    if not 0.0 <= radius_arcsec <= 648000.0:
        raise RegionError(
            f"radius_arcsec is {radius_arcsec}, but a cone needs 0 to 648000 arcsec (180 degrees); "
            "try a radius within that"
        )
    centre = to_xyz(ra_deg, dec_deg)[0]
    radius = radius_arcsec / ARCSEC_PER_RADIAN
    around = (ra_deg, dec_deg, radius)
    return search(cone_judge(centre, radius), order, delta=delta, around=around)


def cone_judge(centre: Floats, radius: float) -> Judge:
    """A judge of caps for the cone of `radius` radians round a unit vector (3,)."""

    def judge(xyz: Floats, cap: float) -> tuple[Bools, Bools]:
        apart = xyz - centre
        chord2 = np.einsum("ij,ij->i", apart, apart)
        touched = chord2 <= _chord2(radius + cap + _ROUNDING)
        inside = chord2 <= (5.0 if radius >= np.pi else _chord2(radius - cap - _ROUNDING))
        return touched, inside

    return judge


def _chord2(angle: float) -> float:
    """Squared chord of an angle, for comparing: -1 below zero, 4 and a bit from 180 degrees on."""
    if angle < 0.0:
        return -1.0
    return 4.1 if angle >= np.pi else float((2.0 * np.sin(0.5 * angle)) ** 2)


def zone_cells(ra_deg: tuple[float, float], dec_deg: tuple[float, float], order: int) -> Cells:
    """Cells of a zone: from one RA eastward to the other, between two declinations, edges included.

    An RA range of 360 degrees or more is the whole ring; one that ends below its start runs
    through 0h. Raises RegionError unless the southern declination comes first.
    """
    (west, east), (south, north) = ra_deg, dec_deg
    if not (-90.0 <= south <= north <= 90.0 and np.isfinite(west) and np.isfinite(east)):
        raise RegionError(
            f"the zone is RA {west} to {east}, Dec {south} to {north}, but it needs finite RA and "
            "declinations within -90 to 90, the southern first; try swapping them"
        )
    return search(_zone_judge((west, east), (south, north)), order)


def _zone_judge(ra_deg: tuple[float, float], dec_deg: tuple[float, float]) -> Judge:
    width = ra_deg[1] - ra_deg[0]
    width = 360.0 if width >= 360.0 else width % 360.0
    middle, half = np.radians(ra_deg[0] + 0.5 * width), np.radians(0.5 * width)
    south, north = np.radians(dec_deg)
    slack = 4.0 * _ROUNDING

    def judge(xyz: Floats, cap: float) -> tuple[Bools, Bools]:
        flat = np.hypot(xyz[:, 0], xyz[:, 1])
        lat = np.arctan2(xyz[:, 2], flat)
        grown = cap + slack
        touched = (lat >= south - grown) & (lat <= north + grown)
        inside = (_reach(lat, -grown, south)) & (_reach(-lat, -grown, -north))
        if width < 360.0:
            # a cap spans arcsin(sin(cap) / cos(lat)) in RA, and all of it where it holds a pole
            holds_pole = np.abs(lat) + grown >= 0.5 * np.pi
            span = np.arcsin(np.minimum(1.0, np.sin(grown) / np.where(holds_pole, 1.0, flat)))
            away = np.arctan2(xyz[:, 1], xyz[:, 0]) - middle
            away = np.abs(np.remainder(away + np.pi, 2.0 * np.pi) - np.pi)
            touched &= holds_pole | (away <= half + span + slack)
            inside &= ~holds_pole & (away + span + slack <= half)
        return touched, inside

    return judge


def _reach(lat: Floats, grown: float, limit: float) -> Bools:
    """Whether a cap stays north of a limit; nothing lies south of the south pole."""
    if limit <= -0.5 * np.pi:
        return np.ones(lat.size, bool)
    return np.asarray(lat + grown >= limit)


def check_order(order: int) -> int:
    """The order as an int; raises RegionError unless it is 0 to 29."""
    if not (isinstance(order, int | np.integer) and 0 <= order <= MAX_ORDER):
        raise RegionError(
            f"order is {order!r}, but HEALPix needs an order from 0 to {MAX_ORDER}; "
            "try 10 (3.4 arcmin) or 13 (26 arcsec)"
        )
    return int(order)
