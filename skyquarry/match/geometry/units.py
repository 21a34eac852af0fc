"""The parts of the sky that a run works on, one a task, with what is expected in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.prediction import chance_pairs, rows_within
from skyquarry.sky.dilation import dilated
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.tiles import Tiles
    from skyquarry.match.geometry.joins import Rule
    from skyquarry.match.given.sides import Side

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

UNIT_PAIRS = 10_000_000
"""A part of the sky with more predicted pairs is worked on in smaller pieces."""
UNIT_ROWS = 2_000_000
"""The same for the rows of the right side."""
UNIT_BYTES = 64 << 20
"""The same for the rows of both sides as they lie in memory, where a part of a tile can be read
alone: few columns never come to that, all columns of a full tile do."""
FEW, FEW_ROWS = 8, 262_144
"""Fewer parts than this are divided until each has an eighth of the rows, or so many at most (half
of it where all pairs are asked for: what writes them should not wait long for the first): there
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

    def take(self, which: Mask) -> Units:
        """Some of them."""
        return Units(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def core(self, number: int) -> Ranges:
        """The part of the sky of one unit."""
        return Ranges(self.starts[number : number + 1], self.stops[number : number + 1])


def units_of(
    left: Side,
    right: Side,
    rule: Rule,
    radius_arcsec: float,
    row_bytes: tuple[float, float] = (0.0, 0.0),
    most_pairs: float = UNIT_PAIRS,
) -> Units:
    """The left tiles, for an outer join what of the right ones lies between them; no part too full.

    With an inner join, those that are far from any right tile are left out. `row_bytes` of each
    side: what is read of a row. `most_pairs`: of a part, infinite where they take no room.
    """
    most = row_bytes, most_pairs
    starts, stops = left.tiles.starts, left.tiles.stops
    if rule.how == "inner":
        near = left.tiles.overlapping(dilated(_covered(right.tiles), radius_arcsec))
        starts, stops = starts[near], stops[near]
    if rule.how == "outer":
        starts, stops = _with_gaps(starts, stops, right.tiles)
    units = _described(starts, stops, (left.density, right.density), rule, radius_arcsec)
    if not (_load(units, left, right, rule, *most) > 1.0).any():
        return units
    density, parent = (left.crowding, right.crowding), np.arange(len(units))
    for _ in range(_FINEST):
        units = _described(units.starts, units.stops, density, rule, radius_arcsec)
        full = _load(units, left, right, rule, *most) > 1.0
        full &= (units.stops - units.starts) % 4 == 0
        if not full.any():
            break
        parent = np.repeat(parent, np.where(full, 4, 1))
        starts, stops = _quartered(units.starts, units.stops, full)
        units = _described(starts, stops, density, rule, radius_arcsec)
    first = _gathered(_load(units, left, right, rule, *most), parent)
    starts, stops = units.starts[first], np.append(units.stops[first[1:] - 1], units.stops[-1:])
    units = _described(starts, stops, density, rule, radius_arcsec)
    return units.take(units.rows > 0.0) if rule.how == "inner" else units


def _described(
    starts: Ints, stops: Ints, density: tuple[Tiles, Tiles], rule: Rule, radius_arcsec: float
) -> Units:
    left, right = density
    rows, others = rows_within(left, starts, stops), rows_within(right, starts, stops)
    pairs = chance_pairs(starts, stops, left, right, radius_arcsec)
    return Units(starts, stops, rows, others, pairs / 2.0 if not rule.both else pairs)


def _load(
    units: Units,
    left: Side,
    right: Side,
    rule: Rule,
    row_bytes: tuple[float, float],
    most_pairs: float,
) -> Floats:
    """(n,) how full each part is; above 1 it is too full."""
    others = units.others.copy()
    if left.in_memory and rule.how != "outer":
        others[units.rows * NARROW < others] = 0.0  # read around the left rows only
    if right.in_memory:
        others[:] = 0.0
    load = np.maximum(units.pairs / most_pairs, others / UNIT_ROWS)
    if left.in_small_groups and right.in_small_groups:
        few_rows = FEW_ROWS if rule.nearest is not None else FEW_ROWS // 2
        enough = max(float(units.rows.sum()) / FEW, few_rows)
        load = np.maximum(load, units.rows / enough)
        size = units.rows * row_bytes[0] + units.others * row_bytes[1]
        load = np.maximum(load, size / UNIT_BYTES)
    return np.asarray(load, np.float64)


def _gathered(load: Floats, parent: Ints) -> Ints:
    """The first of each run of neighbours of one parent that are not too much together."""
    first, whole = [0], 0.0
    for i, (own, same) in enumerate(zip(load, parent[1:] == parent[:-1], strict=False)):
        whole += own
        if not same or whole + load[i + 1] > 1.0:
            first.append(i + 1)
            whole = 0.0
    return np.array(first, np.int64)


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


def _quartered(starts: Ints, stops: Ints, full: Mask) -> tuple[Ints, Ints]:
    """Each range that is full in four equal pieces."""
    count = np.where(full, 4, 1)
    width = np.repeat((stops - starts) // count, count)
    within = np.arange(len(width)) - np.repeat(np.cumsum(count) - count, count)
    low = np.repeat(starts, count) + within * width
    return low, low + width
