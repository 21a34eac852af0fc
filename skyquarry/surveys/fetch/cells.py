"""The HEALPix cells that a region is fetched by: how fine they begin, and how one is divided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.sky.algebra import Region

    Ints = NDArray[np.int64]

MOST_CELLS = 100_000
"""Of one download: beyond that, a survey's files are the better way."""
FINEST = 20
"""0.2 arcsec: no table has more rows than an answer can hold at one place of that size."""
FEW, SOME, MANY = 4, 32, 128
"""Cells that a download may begin with: of few rows, of nobody knows how many, of many. With 128
cells of a cone a third more rows are fetched than lie in it, with 28 cells more than half."""
_ROWS_A_CELL = 5_000
_GUARD_ORDERS = 2
_FINER = 4
_MOST_GUARDED = 2_000_000


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A HEALPix cell, half-open: a position belongs to the cell that its index names."""

    order: int
    pixel: int

    @property
    def key(self) -> str:
        """As in a MOC: order/pixel."""
        return f"{self.order}/{self.pixel}"

    @property
    def span(self) -> tuple[Ints, Ints]:
        """Its first pixel of order 29, and the one behind its last: (1,) each."""
        start, stop = healpix.pixel_range(self.order, [self.pixel])
        return start, stop

    def children(self, levels: int = 1) -> list[Cell]:
        """The cells, `levels` orders finer, that it consists of."""
        first, count = self.pixel << (2 * levels), 1 << (2 * levels)
        return [Cell(self.order + levels, first + i) for i in range(count)]

    def owns(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which positions (n,) in degrees belong to the cell."""
        return np.asarray(healpix.index(ra_deg, dec_deg, self.order) == self.pixel)


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a download begins."""

    rows_a_deg2: float | None
    """In the mean; None where nobody knows."""
    rows_a_cell: int
    finest: int = FINEST
    guarded: int | None = None
    """The order of a service's own pixels, which may be those of an older position: cells that lie
    as far from the region as a pixel two orders coarser are fetched too. (Of 482,106 bright stars
    of Gaia 1,327 lie in another pixel of order 12 than their source_id says, the farthest 157
    arcsec from it; a pixel of order 10 is 206 arcsec wide.)"""


def starting_cells(region: Region, grain: Grain) -> list[Cell]:
    """The cells that a region touches, sorted along the sky.

    As fine as a few cells allow, so that little is fetched beyond the region's border, and finer
    where a cell would hold more rows than one answer. Raises UserError above MOST_CELLS.
    """
    order = _shapely_order(region, grain)
    if grain.rows_a_deg2 is not None:
        while (
            order < grain.finest
            and grain.rows_a_deg2 * float(healpix.cell_area_deg2(order)) > grain.rows_a_cell
        ):
            order += 1
    check_number(_number(touched(region, order, None), order))
    found = touched(region, order, grain.guarded)
    check_number(_number(found, order))
    return [Cell(order, int(pixel)) for pixel in found.flat(order)]


def _shapely_order(region: Region, grain: Grain) -> int:
    """The finest order at which a region touches no more than some cells."""
    expected = None if grain.rows_a_deg2 is None else grain.rows_a_deg2 * area_of(region)
    most = SOME if expected is None else int(min(max(expected / _ROWS_A_CELL, FEW), MANY))
    order = 0
    while order < grain.finest and _few(region, order + 1, grain.guarded, most):
        order += 1
    return order


def _few(region: Region, order: int, guarded: int | None, most: int) -> bool:
    """Whether the region, and then what its guard adds, touches no more cells than `most`."""
    return all(_number(touched(region, order, g), order) <= most for g in (None, guarded))


def _number(found: Ranges, order: int) -> int:
    """How many cells of `order` a set of such cells has."""
    return found.count() >> (2 * (healpix.MAX_ORDER - order))


def touched(region: Region, order: int, guarded: int | None) -> Ranges:
    """The cells of `order` that a region touches; with a guard's width more."""
    cover = region.cover(order).all
    if guarded is None:
        return cover
    fine = min(max(0, guarded - _GUARD_ORDERS), order + _FINER)
    while fine > order and cover.count() >> (2 * (healpix.MAX_ORDER - fine)) > _MOST_GUARDED:
        fine -= 1
    pixels = region.cover(fine).all.flat(fine)
    around = np.append(healpix.neighbours(pixels, fine), pixels)
    return Ranges.from_cells(fine, np.unique(around[around >= 0])).coarsen(order)


def area_of(region: Region) -> float:
    """Square degrees of a region, or of its cells where no formula tells."""
    from skyquarry.errors import RegionError

    try:
        return region.area()
    except RegionError:
        return region.cover(8).all.area_deg2()


def levels_for(rows: int, most: int, order: int, finest: int) -> int:
    """How many orders finer a cell's parts are, so that none holds more than `most` rows."""
    levels = 1
    while levels < 3 and rows > most * 4**levels:
        levels += 1
    return max(min(levels, finest - order), 0)


def check_number(cells: int) -> None:
    """Raise UserError where a download would take too many queries."""
    if cells > MOST_CELLS:
        raise UserError(
            f"the region takes {cells:,} queries or more, but at most {MOST_CELLS:,} are sent to a "
            "service: fetch a smaller region, or build from the survey's bulk files"
        )
