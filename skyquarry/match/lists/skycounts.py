"""How dense a catalogue is round a place, and whether it looked there, from its map of counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.ranges import MAX_ORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.priors.fields import Counts
    from skyquarry.sky.footprint import Footprint

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

ENOUGH = 100
"""A density is taken from the smallest cell round a place that holds so many rows: to 10 %."""
FULL = 5.0
"""Rows a cell of the map from which on an empty cell is one where nobody looked."""


@dataclass(frozen=True)
class SkyCounts:
    """A catalogue's rows by cell, and its own map where it keeps one."""

    counts: Counts
    footprint: Footprint | None = None

    def density_sr(self, spatial: Ints) -> Floats:
        """(n,) rows per sr round order-29 pixels (n,).

        Of the smallest cell with 100 rows, by the part of it that was looked at: where cells of the
        map hold five rows and more, its empty cells are left out. Never below one row a cell.
        """
        rows, cells = self._rows_around(spatial)
        return np.maximum(rows, 1.0) / (cells * _area_sr(self.counts.order))

    def _rows_around(self, spatial: Ints) -> tuple[Floats, Floats]:
        """(n,) rows of the cell that is chosen, and how many cells of the map it is worth."""
        fine, pixel, passed = self.counts.order, self.counts.pixel, self._passed
        rows, worth = np.zeros(len(spatial)), np.ones(len(spatial))
        left = np.arange(len(spatial))
        for order in range(fine, -1, -1):
            deeper = 2 * (fine - order)
            cell = spatial[left] >> 2 * (MAX_ORDER - order)
            first = np.searchsorted(pixel, cell << deeper)
            last = np.searchsorted(pixel, cell + 1 << deeper)
            here = (passed[last] - passed[first]).astype(np.float64)
            filled = np.maximum(last - first, 1).astype(np.float64)
            rows[left] = here
            worth[left] = np.where(here >= FULL * filled, filled, float(1 << deeper))
            left = left[here < ENOUGH]
            if not len(left):
                break
        return rows, worth

    def observed(self, spatial: Ints) -> Mask:
        """(n,) whether the catalogue looked at these pixels.

        By its own map; without one, whether it has rows in the cell or beside it, in cells that
        hold five rows on average.
        """
        if self.footprint is not None:
            inside: Mask = self.footprint.ranges.contains(spatial)
            return inside
        counts = self._full
        cell = spatial >> 2 * (MAX_ORDER - counts.order)
        around = np.column_stack([cell, healpix.neighbours(cell, counts.order)])
        at = np.minimum(np.searchsorted(counts.pixel, around), max(len(counts.pixel) - 1, 0))
        held = counts.pixel[at] == around if len(counts.pixel) else np.zeros(around.shape, bool)
        return np.asarray(held.any(axis=1))

    @cached_property
    def _passed(self) -> Ints:
        """Rows before each cell of the map, and all."""
        return np.concatenate([[0], np.cumsum(self.counts.count)])

    @cached_property
    def _full(self) -> Counts:
        """The map in cells that hold five rows on average."""
        counts = self.counts
        while counts.order and counts.rows < FULL * len(counts.pixel):
            counts = counts.coarsened(counts.order - 1)
        return counts


def _area_sr(order: int) -> float:
    return 4.0 * np.pi / (12.0 * 4.0**order)
