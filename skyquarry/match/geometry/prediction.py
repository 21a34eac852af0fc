"""How many pairs there will be, about: by the densities that the tiles tell, before any row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.ranges import MAX_ORDER, N_PIXELS
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.tiles import Tiles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def rows_within(tiles: Tiles, starts: Ints, stops: Ints) -> Floats:
    """(n,) about how many rows lie in each range of pixels, spread evenly over each tile."""
    return _within(tiles, np.maximum(tiles.rows, 0).astype(np.float64), starts, stops)


def cap_fraction(radius_arcsec: float) -> float:
    """The part of the sky within the radius of a point."""
    return float(np.sin(min(radius_arcsec / ARCSEC_PER_RADIAN, np.pi) / 2.0) ** 2)


def chance_pairs(
    starts: Ints, stops: Ints, left: Tiles, right: Tiles, radius_arcsec: float
) -> Floats:
    """(n,) pairs of the left rows in each range, by the density of the right side there."""
    return _within(left, _pairs_of(left, right, radius_arcsec), starts, stops)


def _pairs_of(left: Tiles, right: Tiles, radius_arcsec: float) -> Floats:
    """(tiles,) pairs of each left tile.

    Where the circle is larger than the tile, the density is that of a cell as large as the circle.
    """
    part, rows = cap_fraction(radius_arcsec), np.maximum(left.rows, 0).astype(np.float64)
    every = float(np.maximum(right.rows, 0).sum())
    least = max(int(part * N_PIXELS), 1)
    order = int(np.clip(np.floor(np.log2(N_PIXELS / 12 / least) / 2), 0, MAX_ORDER))
    if 12 * least > N_PIXELS:  # the circle is larger than a cell of order 0
        return np.asarray(rows * every * part, np.float64)
    shift = 2 * (MAX_ORDER - order)
    narrow = left.stops - left.starts < least
    low = np.where(narrow, left.starts >> shift << shift, left.starts)
    high = np.where(narrow, (left.stops - 1 >> shift) + 1 << shift, left.stops)
    there = rows_within(right, low, high)
    found = rows * there * np.minimum(part * N_PIXELS / (high - low), 1.0)
    return np.asarray(np.minimum(found, rows * every), np.float64)


def _within(tiles: Tiles, amount: Floats, starts: Ints, stops: Ints) -> Floats:
    """(n,) of an amount in each tile, what lies in each range of pixels."""
    if not len(tiles):
        return np.zeros(len(starts))
    total = np.concatenate([[0.0], np.cumsum(amount)])

    def below(pixels: Ints) -> Floats:
        at = np.searchsorted(tiles.starts, pixels, side="right")
        last = np.maximum(at - 1, 0)
        width = (tiles.stops[last] - tiles.starts[last]).astype(np.float64)
        part = (np.minimum(pixels, tiles.stops[last]) - tiles.starts[last]) / width
        found: Floats = total[last] + np.where(at > 0, part, 0.0) * amount[last]
        return found

    return np.maximum(below(stops) - below(starts), 0.0)
