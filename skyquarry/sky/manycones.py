"""The union of very many cones, as of masks round bright stars: looked up by cell, not one by one.

A cone of radius r is filed under the HEALPix cell of its centre and that cell's neighbours, at an
order whose cells are at least some 4.5 r wide. Within a base cell a point moves by at most 1.5
cells of order 0 a radian (see `cellsearch`), so a point of the cone, or of a cell that reaches into
it and is no larger, has its own centre in one of the nine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.algebra import Region
from skyquarry.sky.halfspaces import EDGE, SLACK, Cap, Cells, Floats, Mask, Relation
from skyquarry.sky.mocs import around
from skyquarry.sky.ranges import MAX_ORDER, Ranges
from skyquarry.sky.vectors import check_positions, to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]

_WIDE = 4.5


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """Cones of like size, filed under cells of one order."""

    order: int
    pixel: Ints
    """(m,) sorted: nine for each cone."""
    cone: Ints
    """(m,) which cone is filed there."""
    sky: Ranges
    """All those pixels."""

    @classmethod
    def of(cls, order: int, centers: Floats, cones: Ints) -> _Shelf:
        """File some cones, by number, under their centres (n, 3) and what is round them."""
        own = healpix.index(*to_radec(centers), order)
        nine = np.column_stack([own, healpix.neighbours(own, order)])
        real = nine >= 0
        pixel, cone = nine[real], np.broadcast_to(cones[:, None], nine.shape)[real]
        along = np.argsort(pixel, kind="stable")
        return cls(order, pixel[along], cone[along], Ranges.from_cells(order, np.unique(pixel)))

    @property
    def reach_rad(self) -> float:
        """The largest radius of a cone, or of a cell asked about."""
        return 1.0 / (_WIDE * (1 << self.order))

    def pairs(self, xyz: Floats) -> tuple[Ints, Ints]:
        """Which point meets which cone, (k,) each: every pair that can be close, and some more."""
        pixel = healpix.index(*to_radec(xyz), self.order)
        low = np.searchsorted(self.pixel, pixel, side="left")
        n = np.searchsorted(self.pixel, pixel, side="right") - low
        point = np.repeat(np.arange(len(xyz)), n)
        at = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n - low, n)
        return point, self.cone[at]


@dataclass(frozen=True, eq=False, repr=False)
class Cones(Region):
    """The points within any of n cones: ICRS degrees and radii in arcseconds (0 to 324000), (n,).

    >>> from skyquarry.sky.vectors import to_xyz
    >>> Cones([10, 20], [0, 0], [60, 1]).contains(to_xyz([10.01, 20.01], [0, 0])).tolist()
    [True, False]
    """

    centers: Floats
    radii_rad: Floats
    _shelves: tuple[_Shelf, ...] = field(init=False)
    _wide: tuple[Cap, ...] = field(init=False)

    def __init__(self, ra_deg: ArrayLike, dec_deg: ArrayLike, radius_arcsec: ArrayLike) -> None:
        ra, dec = check_positions(ra_deg, dec_deg)
        arcsec = np.broadcast_to(np.asarray(radius_arcsec, np.float64), ra.shape)
        bad = ~((arcsec >= 0.0) & (arcsec <= 324_000.0))
        if bad.any():
            row = int(np.argmax(bad))
            raise RegionError(
                f"radius_arcsec is {arcsec[row]} in row {row}, but a cone among many needs 0 to "
                "324000 arcsec (90 degrees): try Cone for a larger one"
            )
        radii = np.radians(arcsec / 3600.0)
        with np.errstate(divide="ignore"):
            order = np.minimum(np.floor(np.log2(1.0 / (_WIDE * radii))), MAX_ORDER).astype(int)
        centers, shelves = to_xyz(ra, dec), []
        for level in np.unique(order[order >= 0]).tolist():
            some = np.flatnonzero(order == level)
            shelves.append(_Shelf.of(level, centers[some], some))
        wide = [Cap(centers[i], float(radii[i])) for i in np.flatnonzero(order < 0)]
        object.__setattr__(self, "centers", centers)
        object.__setattr__(self, "radii_rad", radii)
        object.__setattr__(self, "_shelves", tuple(shelves))
        object.__setattr__(self, "_wide", tuple(wide))

    def __repr__(self) -> str:
        return f"Cones: the union of {len(self.radii_rad):,} cones"

    def _inside(self, xyz: Floats) -> Mask:
        found = np.zeros(len(xyz), dtype=bool)
        real = np.flatnonzero(np.isfinite(xyz).all(axis=1))
        for shelf in self._shelves:
            point, cone = shelf.pairs(xyz[real])
            limit = 2.0 * np.sin(0.5 * self.radii_rad[cone]) + EDGE
            found[real[point[self._chord(xyz[real], point, cone) <= limit]]] = True
        for cap in self._wide:
            found |= cap.contains(xyz)
        return found

    def relate(self, cells: Cells) -> Relation:
        """Inside where one cone holds the cell's circle, outside where none reaches it."""
        inside, touched = np.zeros(len(cells), bool), np.zeros(len(cells), bool)
        for shelf in self._shelves:
            small = np.flatnonzero(cells.radius + SLACK <= shelf.reach_rad)
            point, cone = shelf.pairs(cells.centers[small])
            chord = self._chord(cells.centers[small], point, cone)
            away = 2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0))
            radius, reach = self.radii_rad[cone], cells.radius[small[point]] + SLACK
            inside[small[point[away + reach <= radius]]] = True
            touched[small[point[away - reach <= radius]]] = True
            large = np.flatnonzero(cells.radius + SLACK > shelf.reach_rad)
            touched[large] |= _may_touch(shelf, cells.take(large))
        for cap in self._wide:
            relation = cap.relate(cells)
            inside |= relation > 0
            touched |= relation >= 0
        return inside.astype(np.int8) - (~touched & ~inside).astype(np.int8)

    def _chord(self, xyz: Floats, point: Ints, cone: Ints) -> Floats:
        away = xyz[point] - self.centers[cone]
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", away, away)))


def _may_touch(shelf: _Shelf, cells: Cells) -> Mask:
    """Whether cells larger than the cones may hold a pixel under which one is filed."""
    if cells.spans is None:
        return around(shelf.sky, cells)[1]
    return shelf.sky.overlaps(*cells.spans)
