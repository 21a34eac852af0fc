"""The parts of the sky that a run works on, one a task, with what is expected in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.prediction import chance_pairs, rows_within
from skyquarry.match.given.dilation import dilated
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.tiles import Tiles
    from skyquarry.match.geometry.joins import Rule
    from skyquarry.match.given.sides import Side

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

UNIT_PAIRS = 10_000_000
"""A part of the sky with more predicted pairs is worked on in smaller pieces."""
UNIT_ROWS = 2_000_000
"""The same for the rows of the right side."""
UNIT_BYTES = 64 << 20
"""The same for the rows of both sides as they lie in memory, where a part of a tile can be read
alone: few columns never come to that, all columns of a full tile do."""
FEW, FEW_ROWS = 8, 131_072
"""Fewer parts than this are divided until each has an eighth of the rows, or so many at most: there
should be work for every core. Also only where a part of a tile can be read alone."""
NARROW = 12_000
"""Rows of the other side for each of ours, from which it is read around ours only: about what the
row groups hold that one row touches."""
_FINEST = 8  # orders that a part is divided by, at most


@dataclass(frozen=True, slots=True)
class Units:
    """Parts of the sky, a task each: ranges of order-29 pixels, along the sky."""

    starts: Ints
    stops: Ints
    rows: Floats
    """left rows, about"""
    others: Floats
    """right rows, about"""
    pairs: Floats
    """pairs by chance, about"""

    def __len__(self) -> int:
        return len(self.starts)

    def core(self, number: int) -> Ranges:
        """The part of the sky of one unit."""
        return Ranges(self.starts[number : number + 1], self.stops[number : number + 1])


def units_of(
    left: Side,
    right: Side,
    rule: Rule,
    radius_arcsec: float,
    row_bytes: tuple[float, float] = (0.0, 0.0),
) -> Units:
    """The left tiles, for an outer join what of the right ones lies between them; no part too full.

    With an inner join, those that are far from any right tile are left out. `row_bytes` of each
    side: what is read of a row.
    """
    starts, stops = left.tiles.starts, left.tiles.stops
    if rule.how == "inner":
        near = left.tiles.overlapping(dilated(_covered(right.tiles), radius_arcsec))
        starts, stops = starts[near], stops[near]
    if rule.how == "outer":
        starts, stops = _with_gaps(starts, stops, right.tiles)
    units = _described(starts, stops, left, right, rule, radius_arcsec)
    deeper = _deeper(units, left, right, rule, row_bytes)
    if not deeper.any():
        return units
    return _described(*_divided(starts, stops, deeper), left, right, rule, radius_arcsec)


def _described(
    starts: Ints, stops: Ints, left: Side, right: Side, rule: Rule, radius_arcsec: float
) -> Units:
    rows = rows_within(left.density, starts, stops)
    others = rows_within(right.density, starts, stops)
    pairs = chance_pairs(starts, stops, left.density, right.density, radius_arcsec)
    return Units(starts, stops, rows, others, pairs / 2.0 if not rule.both else pairs)


def _deeper(
    units: Units, left: Side, right: Side, rule: Rule, row_bytes: tuple[float, float]
) -> Ints:
    """(n,) how many orders each part is divided by."""
    others = units.others.copy()
    if left.in_memory and rule.how != "outer":
        others[units.rows * NARROW < others] = 0.0  # read around the left rows only
    if right.in_memory:
        others[:] = 0.0
    load = np.maximum(units.pairs / UNIT_PAIRS, others / UNIT_ROWS)
    if left.in_small_groups and right.in_small_groups:
        enough = max(float(units.rows.sum()) / FEW, FEW_ROWS)
        load = np.maximum(load, units.rows / enough)
        size = units.rows * row_bytes[0] + units.others * row_bytes[1]
        load = np.maximum(load, size / UNIT_BYTES)
    deeper = np.ceil(np.log2(np.maximum(load, 1.0)) / 2.0).astype(np.int64)
    width = units.stops - units.starts
    divisible = np.floor(np.log2(width & -width) / 2.0).astype(np.int64)
    found: Ints = np.minimum(np.minimum(deeper, divisible), _FINEST)
    return found


def _covered(tiles: Tiles) -> Ranges:
    return Ranges(tiles.starts, tiles.stops)


def _with_gaps(starts: Ints, stops: Ints, right: Tiles) -> tuple[Ints, Ints]:
    """The left tiles, and between them what of the right tiles lies there, cut at their borders."""
    gaps = ~Ranges(starts, stops)
    edges = np.unique(np.concatenate([gaps.starts, gaps.stops, right.starts, right.stops]))
    low, high = edges[:-1], edges[1:]
    keep = gaps.covers(low, high) & _covered(right).covers(low, high)
    low, high = np.concatenate([starts, low[keep]]), np.concatenate([stops, high[keep]])
    along = np.argsort(low, kind="stable")
    return low[along], high[along]


def _divided(starts: Ints, stops: Ints, deeper: Ints) -> tuple[Ints, Ints]:
    """Each range in 4**deeper equal pieces."""
    count = np.int64(1) << 2 * deeper
    width = np.repeat((stops - starts) // count, count)
    offset = np.cumsum(count) - count
    within = np.arange(int(count.sum())) - np.repeat(offset, count)
    low = np.repeat(starts, count) + within * width
    return low, low + width
