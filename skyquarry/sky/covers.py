"""Which cells a region holds wholly and which it cuts: HEALPix and HTM by one recursion.

The paper's own (Szalay et al. 2000; Kunszt, Szalay & Thakar 2001): a cell is inside, outside or
cut; only cut cells are divided, here a whole level at a time. The cells that are cut at the asked
order are looked at two orders finer before they are called so, for a bounding circle is larger than
its cell. HTM trixels are compared with half-spaces by their corners, which is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.cellsearch import center_xyz, locate
from skyquarry.sky.halfspaces import CUT, INSIDE, OUTSIDE, SLACK, Cap, Cells, Floats, unit
from skyquarry.sky.ranges import MAX_ORDER, SKY_DEG2, Ranges, canonical
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_xyz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.sky.algebra import Region

    Ints = NDArray[np.int64]

Scheme = Literal["healpix", "htm"]
MAX_CELLS = 10_000_000
MAX_WINDOW = 400  # cells judged at once for a small cone
_BLOCK = 1 << 14  # cells related at once: temporaries stay in the cache
_FINER = 2
_AREA_TO = 1e-3
_AREA_CELLS = 3_000_000


@dataclass(frozen=True, slots=True)
class Cover:
    """Cells of a region: no point of it lies outside `inner` and `outer`."""

    inner: Ranges
    """Cells wholly inside: their points need no test."""
    outer: Ranges
    """Cells that are cut: a point in one may be inside or not. They share nothing with `inner`."""

    @property
    def all(self) -> Ranges:
        """Every cell that the region touches."""
        return self.inner | self.outer


@dataclass(frozen=True, slots=True)
class Pixels:
    """HEALPix cells of one order."""

    ids: Ints
    order: int

    @classmethod
    def roots(cls) -> Pixels:
        """The twelve base cells."""
        return cls(np.arange(12, dtype=np.int64), 0)

    def cells(self) -> Cells:
        """Centres with the largest radius of any cell of the order."""
        centers = to_xyz(*healpix.center(self.ids, self.order))
        radius = np.full(len(self.ids), pixel_radius(self.order))
        return Cells(centers, radius, spans=healpix.pixel_range(self.order, self.ids))

    def take(self, which: NDArray[np.intp]) -> Pixels:
        """Some of the cells."""
        return Pixels(self.ids[which], self.order)

    def split(self) -> Pixels:
        """Four children each, in order."""
        return Pixels(_children(self.ids), self.order + 1)


@dataclass(frozen=True, slots=True)
class Trixels:
    """HTM triangles of one level, with their corners (n, 3, 3)."""

    ids: Ints
    corners: Floats

    @classmethod
    def roots(cls) -> Trixels:
        """S0 to S3 and N0 to N3, ids 8 to 15, with the corners of the paper."""
        v = np.array(
            [(0, 0, 1), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, -1)], np.float64
        )
        south = [(1, 5, 2), (2, 5, 3), (3, 5, 4), (4, 5, 1)]
        north = [(1, 0, 4), (4, 0, 3), (3, 0, 2), (2, 0, 1)]
        return cls(np.arange(8, 16, dtype=np.int64), v[np.array(south + north)])

    def cells(self) -> Cells:
        """Middles of the corners, and the distance to the farthest corner."""
        centers = unit(self.corners.sum(axis=1))
        away = self.corners - centers[:, None, :]
        chord = np.sqrt(np.einsum("nij,nij->ni", away, away).max(axis=1))
        return Cells(centers, 2.0 * np.arcsin(0.5 * chord), self.corners)

    def take(self, which: NDArray[np.intp]) -> Trixels:
        """Some of the triangles."""
        return Trixels(self.ids[which], self.corners[which])

    def split(self) -> Trixels:
        """Four children each, in order (Kunszt, Szalay & Thakar 2001, figure 2)."""
        v0, v1, v2 = (self.corners[:, i] for i in range(3))
        w0, w1, w2 = unit(v1 + v2), unit(v0 + v2), unit(v0 + v1)
        four = ((v0, w2, w1), (v1, w0, w2), (v2, w1, w0), (w0, w1, w2))
        corners = np.stack([np.stack(one, axis=1) for one in four], axis=1)
        return Trixels(_children(self.ids), corners.reshape(-1, 3, 3))


Batch = Pixels | Trixels
_SCHEMES: dict[str, tuple[type[Batch], int]] = {
    "healpix": (Pixels, MAX_ORDER),
    "htm": (Trixels, 24),
}


def pixel_radius(order: int) -> float:
    """The largest distance, in radians, from the centre of any HEALPix cell of `order` to its rim.

    From the cells that touch z = 2/3 on the side of the pole (Reinecke, `max_pixrad` of the HEALPix
    library): no corner of another cell is farther, and no point of a rim than its corners.
    """
    nside = 1 << order
    top = 1.0 - (1.0 - 1.0 / nside) ** 2 / 3.0
    turn, z = math.pi / (4 * nside), 2.0 / 3.0
    low = np.array(
        [math.sqrt(1 - z * z) * math.cos(turn), math.sqrt(1 - z * z) * math.sin(turn), z]
    )
    high = np.array([math.sqrt(max(1 - top * top, 0.0)), 0.0, top])
    chord = float(np.linalg.norm(low - high))
    return 2.0 * math.asin(0.5 * chord) * (1.0 + 1e-6) + SLACK


def cover(region: Region, order: int, scheme: Scheme = "healpix") -> Cover:
    """The cover of any region that can relate cells; see `Region.cover`."""
    kind, deepest = _scheme(scheme)
    if not (isinstance(order, int | np.integer) and 0 <= order <= deepest):
        raise RegionError(
            f"order is {order!r}, but covers by {scheme} need 0 to {deepest}: try {deepest}"
        )
    batch: Batch = kind.roots()
    inner: list[tuple[int, Ints]] = []
    for level in range(order + 1):
        inside, batch = _divide(region, batch)
        inner.append((level, inside))
        _check_size(len(batch.ids), level, order)
        if level < order:
            batch = batch.split()
    whole, cut = _look_closer(region, batch, min(_FINER, deepest - order))
    inner.append((order, whole))
    deep = MAX_ORDER if scheme == "healpix" else order
    found = Ranges.union(_ranges(level, ids, deep) for level, ids in inner)
    return Cover(found, _ranges(order, cut, deep))


def auto_order(region: Region, scheme: Scheme = "healpix") -> int:
    """An order at which some ten to two hundred cells cover the region."""
    kind, deepest = _scheme(scheme)
    batch: Batch = kind.roots()
    n_inside = 0
    for level in range(deepest + 1):
        inside, batch = _divide(region, batch)
        n_inside += len(inside)
        if n_inside + len(batch.ids) >= 40 or len(batch.ids) == 0:
            return level
        batch = batch.split()
    return deepest


def measured_area(region: Region) -> float:
    """Square degrees from ever finer covers: cells inside, and cut cells whose centre is inside.

    Stops where all cut cells together have less than a thousandth of the area (or 1e-12 deg2), so
    the error is surely below that; errors of single cells cancel, and 1e-4 is usual. Raises
    RegionError where three million cut cells would not do.
    """
    batch: Batch = Pixels.roots()
    inner = cut = 0.0
    for level in range(MAX_ORDER + 1):
        inside, batch = _divide(region, batch)
        cell = SKY_DEG2 / (12 << 2 * level)
        inner += len(inside) * cell
        cut = len(batch.ids) * cell
        if cut <= max(_AREA_TO * (inner + cut), 1e-12) or level == MAX_ORDER:
            break
        if len(batch.ids) > _AREA_CELLS:
            raise RegionError(
                f"the area lies between {inner:.6g} and {inner + cut:.6g} deg2 after "
                f"{len(batch.ids):,} cut cells, and one part in 1,000 is needed: "
                f"try area_bounds({level})"
            )
        batch = batch.split()
    centers = (batch.take(block).cells().centers for block in _blocks(len(batch.ids)))
    return inner + cell * sum(int(region.contains(xyz).sum()) for xyz in centers)


def cone_order(cap: Cap) -> int:
    """The order whose cells are about half as wide as a small cone's radius."""
    if cap.angle_rad <= 0.0:
        return MAX_ORDER
    return min(max(math.ceil(math.log2(2.0 / cap.angle_rad)), 0), MAX_ORDER)


def small_cone_cover(cap: Cap, order: int) -> Cover:
    """The HEALPix cover of a cone up to a degree: the hot path of a search.

    The few cells of a square window of its base cell are judged at once, each by the circle round
    it; a cone whose window would be large, or leave its base cell, goes by the general search.
    """
    healpix.check_order(order)
    x, y, z = cap.pole.tolist()
    ra, dec = math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))
    grid = _window(ra, dec, cap.angle_rad, order)
    if grid is None:
        radius = (cap.angle_rad + SLACK) * ARCSEC_PER_RADIAN
        pixel, depth, inside = healpix.cone_cells(ra, dec, radius, order)
        shift = 2 * (MAX_ORDER - depth.astype(np.int64))
        return _cover_of(pixel << shift, (pixel + 1) << shift, inside)
    away = center_xyz(order, *grid) - cap.pole
    squared = np.einsum("ij,ij->i", away, away)
    reach = _PIXEL_RADII[order] + SLACK
    touched = np.flatnonzero(squared <= (2.0 * math.sin(0.5 * (cap.angle_rad + reach))) ** 2)
    pixel = _pixels(order, *(part[touched] for part in grid))
    along = np.argsort(pixel)
    starts = pixel[along] << (2 * (MAX_ORDER - order))
    stops = starts + (1 << (2 * (MAX_ORDER - order)))
    if cap.angle_rad <= reach:
        return Cover(Ranges.empty(), _joined(starts, stops))
    within = squared[touched[along]] <= (2.0 * math.sin(0.5 * (cap.angle_rad - reach))) ** 2
    return _cover_of(starts, stops, within)


def _window(ra: float, dec: float, radius: float, order: int) -> tuple[Ints, Ints, Ints] | None:
    """Base cell, columns and rows that surely hold a cone; None for too many or several base cells.

    Within a base cell a point moves by at most 1.5 base cells a radian (see `cellsearch`).
    """
    face, x, y = locate(ra, dec)
    size, reach = 1 << order, 1.5 * radius + 1e-13
    if not (reach <= x <= 1.0 - reach and reach <= y <= 1.0 - reach):
        return None
    if (2.0 * reach * size + 2.0) ** 2 > MAX_WINDOW:
        return None
    columns = np.arange(int((x - reach) * size), min(int((x + reach) * size), size - 1) + 1)
    rows = np.arange(int((y - reach) * size), min(int((y + reach) * size), size - 1) + 1)
    n = len(columns) * len(rows)
    return np.full(n, face), np.repeat(columns, len(rows)), np.tile(rows, len(columns))


def _pixels(order: int, face: Ints, x: Ints, y: Ints) -> Ints:
    """Nested pixels: the bits of x and y interleaved."""
    both = np.stack((x, y))
    for shift, mask in _SPREAD:
        both = (both | (both << shift)) & mask
    return np.asarray((face << (2 * order)) | both[0] | (both[1] << 1))


_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
_PIXEL_RADII = np.array([pixel_radius(order) for order in range(MAX_ORDER + 1)])


def _cover_of(starts: Ints, stops: Ints, inside: NDArray[np.bool_]) -> Cover:
    cut = ~inside
    return Cover(_joined(starts[inside], stops[inside]), _joined(starts[cut], stops[cut]))


def _joined(starts: Ints, stops: Ints) -> Ranges:
    """Ranges that are sorted and disjoint, those that touch made one."""
    gap = stops[:-1] != starts[1:]
    first, last = np.ones(len(starts), bool), np.ones(len(starts), bool)
    first[1:], last[:-1] = gap, gap
    return canonical(starts[first], stops[last])


def _scheme(scheme: str) -> tuple[type[Batch], int]:
    if scheme not in _SCHEMES:
        raise RegionError(f"scheme is {scheme!r}, but a cover needs 'healpix' or 'htm': try one")
    return _SCHEMES[scheme]


def _divide(region: Region, batch: Batch) -> tuple[Ints, Batch]:
    """The ids that are wholly inside, and the cells that are cut."""
    found = [region.relate(batch.take(block).cells()) for block in _blocks(len(batch.ids))]
    relation = np.concatenate(found) if found else np.empty(0, np.int8)
    return batch.ids[relation == INSIDE], batch.take(np.flatnonzero(relation == CUT))


def _look_closer(region: Region, batch: Batch, levels: int) -> tuple[Ints, Ints]:
    """Of cut cells those that are wholly inside after all, and those still cut.

    A cell is free of the region if all its descendants are, inside if all are, cut otherwise.
    """
    whole, cut = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in _blocks(len(batch.ids), _BLOCK >> (2 * levels)):
        some = batch.take(block)
        lowest, highest = _extremes(region, some, levels)
        whole.append(some.ids[lowest == INSIDE])
        cut.append(some.ids[(lowest < INSIDE) & (highest > OUTSIDE)])
    return np.concatenate(whole), np.concatenate(cut)


def _extremes(region: Region, batch: Batch, levels: int) -> tuple[Ints, Ints]:
    """The least and the greatest relation among the descendants of each cut cell."""
    lowest = highest = np.zeros(len(batch.ids), np.int64)
    if levels:
        children = batch.split()
        relation = region.relate(children.cells()).astype(np.int64)
        low, high = relation, relation.copy()
        unsure = np.flatnonzero(relation == CUT)
        low[unsure], high[unsure] = _extremes(region, children.take(unsure), levels - 1)
        lowest, highest = low.reshape(-1, 4).min(axis=1), high.reshape(-1, 4).max(axis=1)
    return lowest, highest


def _blocks(n: int, size: int = _BLOCK) -> Iterator[NDArray[np.intp]]:
    return (np.arange(start, min(start + size, n)) for start in range(0, n, size))


def _children(ids: Ints) -> Ints:
    return (ids[:, None] * 4 + np.arange(4)).ravel()


def _ranges(level: int, ids: Ints, deep: int) -> Ranges:
    shift = 2 * (deep - level)
    return _joined(ids << shift, (ids + 1) << shift) if len(ids) else Ranges.empty()


def _check_size(n_cut: int, level: int, order: int) -> None:
    if n_cut > MAX_CELLS:
        raise RegionError(
            f"a cover of order {order} was asked, but order {level} alone has {n_cut:,} cut cells; "
            f"a cover needs fewer than {MAX_CELLS:,}: try order {level - 1} or lower"
        )
