"""A part of the sky grown by a radius, as cells: nothing within the radius is left out.

A cell of order k is nowhere narrower than `HEIGHT / 2**k` radians (`catalog.kernels`), so what lies
within that distance of a cell lies in it or in its eight neighbours.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.ranges import MAX_ORDER, N_PIXELS, Ranges
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SAFE = 1.02  # cells are at least so much wider than the radius
_HEIGHT = 0.68  # as catalog.kernels.HEIGHT, which would load numba
_FINE = 6  # orders below a cell's own: its ring is then a 64th of its side wide
_FEW_CELLS = 2_000  # more are grown by whole cells
_MANY_BORDERS, _MANY_CELLS = 32_000, 200_000  # that rings are made of


def order_of(radius_arcsec: float) -> int | None:
    """The finest order whose cells are wider than the radius; None where no order has such cells.

    >>> order_of(1.0)
    17
    """
    width = radius_arcsec / ARCSEC_PER_RADIAN * _SAFE / _HEIGHT
    if width > 1.0:
        return None
    return MAX_ORDER if width <= 0.0 else min(MAX_ORDER, math.floor(-math.log2(width)))


def dilated(ranges: Ranges, radius_arcsec: float) -> Ranges:
    """The ranges and all that lies within the radius of them, and some more.

    Up to 2,000 cells get a ring of a 64th of their side (a few hundred: of a 32nd, and so on) or of
    the radius, whichever is wider; more than that are grown by cells that are coarse enough for
    there to be no more than 200,000.
    """
    order = order_of(radius_arcsec)
    if not len(ranges):
        return ranges
    if order is None:
        return Ranges.whole()
    orders, pixels = ranges.cells()
    if len(orders) > _FEW_CELLS:
        return ranges | _grown(ranges, order)
    levels = sorted(set(orders.tolist()))
    return Ranges.union(
        [ranges, *(_around_cells(level, pixels[orders == level], order) for level in levels)]
    )


def ahead_of(core: Ranges) -> Ranges:
    """All of the sky from the beginning of a part of it on, along the curve."""
    return Ranges(core.starts[:1], [N_PIXELS])


def around(pixels: Ints, radius_arcsec: float, coarsest: int = 14) -> Ranges:
    """All that lies within the radius of rows, given by their order-29 pixels (n,) int64.

    In cells of order `coarsest` or wider: finer ones would only make the list longer.
    """
    order = order_of(radius_arcsec)
    if not len(pixels):
        return Ranges.empty()
    if order is None:
        return Ranges.whole()
    return _beside(
        np.unique(pixels >> 2 * (MAX_ORDER - min(order, coarsest))), min(order, coarsest)
    )


def _grown(ranges: Ranges, order: int) -> Ranges:
    """The ranges in coarse cells, with every neighbour."""
    while order > 0 and _count(ranges, order) > _MANY_CELLS:
        order -= 1
    return _beside(ranges.flat(order), order)


def _count(ranges: Ranges, order: int) -> int:
    return ranges.coarsen(order).count() >> 2 * (MAX_ORDER - order)


def _around_cells(cell_order: int, pixels: Ints, order: int) -> Ranges:
    """What surrounds cells, in cells of `order` or, for a small radius, of a few orders less."""
    if cell_order >= order:
        return _beside(np.unique(pixels >> 2 * (cell_order - order)), order)
    deeper = min(order - cell_order, _FINE)
    while deeper > 1 and len(pixels) << deeper + 2 > _MANY_BORDERS:
        deeper -= 1
    border = (pixels[:, None] << 2 * deeper) + _border(deeper)
    return _beside(border.ravel(), cell_order + deeper)


def _beside(cells: Ints, order: int) -> Ranges:
    """Cells and their neighbours."""
    near = healpix.neighbours(cells, order).ravel()
    return Ranges.from_cells(order, np.concatenate([cells, near[near >= 0]]))


@cache
def _border(deeper: int) -> Ints:
    """Numbers of the cells along the border of a cell, `deeper` orders below it, 1 or more."""
    side = 1 << deeper
    line = np.arange(side, dtype=np.int64)
    first, last, between = np.zeros_like(line), np.full_like(line, side - 1), line[1:-1]
    x = np.concatenate([line, line, first[1:-1], last[1:-1]])
    y = np.concatenate([first, last, between, between])
    border: Ints = _spread(x) | _spread(y) << 1
    border.flags.writeable = False
    return border


def _spread(values: Ints) -> Ints:
    """The bits of small numbers, a zero after each."""
    found = np.zeros_like(values)
    for bit in range(_FINE + 1):
        found |= (values >> bit & 1) << 2 * bit
    return found
