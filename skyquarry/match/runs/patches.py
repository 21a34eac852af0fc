"""Patches: the parts of the sky that are worked on one at a time.

Every row is core in exactly one patch. Beside the core a patch sees a ring round it, so that every
pair of a core row is seen. An island inside the core is whole, and done. One that reaches beyond
is open, and its core rows are so in every patch that has some of them: the rows that all patches
leave open, taken together, are whole islands again. Proof: let a row x of a core be joined by pairs
to a row outside it; the first row on the way that is outside lies in the ring, so the patch sees
that x's island leaves its core. Where there is no such way, the patch sees all of the island.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.errors import UserError
from skyquarry.sky.dilation import dilated
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.priors.fields import Counts

    Ints = NDArray[np.int64]

FINEST = 8
"""Order below which the sky is not divided: cells of 14 arcmin"""


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of the sky that is worked on at once."""

    number: int
    """along the curve, from 0"""
    core: Ranges
    """the rows that are this patch's own, by the pixel where they were catalogued"""

    @property
    def is_whole(self) -> bool:
        """Whether the patch is the whole sky: nothing lies around it."""
        return self.core == Ranges.whole()

    def ring(self, radius_arcsec: float) -> Ranges:
        """All that lies within the radius (closed) of the core and outside it, and some more.

        Raises UserError for a radius that is negative or no number.
        """
        if not radius_arcsec >= 0.0:
            raise UserError(
                f"radius_arcsec is {radius_arcsec}, but a ring needs a radius of 0 or more: pass "
                "the greatest distance at which rows may be a pair"
            )
        return dilated(self.core, radius_arcsec) - self.core


def patches_of(counts: Sequence[Counts], rows_a_patch: int) -> list[Patch]:
    """Patches that make up the sky, of at most so many rows of all catalogues where that goes.

    Cells with more are divided down to order 8, or to the coarsest order of the counts; small ones
    that follow on the curve are put together. A cell of that order is one patch however much it
    holds.

    Raises UserError when `rows_a_patch` is below 1.

    >>> [patch.is_whole for patch in patches_of([], 1000)]
    [True]
    """
    if rows_a_patch < 1:
        raise UserError(
            f"rows_a_patch is {rows_a_patch}, but a patch needs room for 1 row: give 1 or more"
        )
    order = min([FINEST, *(each.order for each in counts)])
    pixels = [each.pixel >> 2 * (each.order - order) for each in counts]
    rows = [each.count for each in counts]
    none = np.empty(0, np.int64)
    tiles = tiles_from_counts(
        np.concatenate([none, *pixels]), np.concatenate([none, *rows]), order, rows_a_patch
    )
    first = _groups(tiles.rows, rows_a_patch)
    starts = tiles.starts[first]
    stops = np.append(starts[1:], tiles.stops[-1])
    return [
        Patch(number, Ranges([start], [stop]))
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]


def _groups(rows: Ints, most: int) -> Ints:
    """Where groups of neighbours begin: each as long as goes with at most so many rows."""
    below = np.concatenate([[0], np.cumsum(rows)])
    first = [0]
    while True:
        end = int(np.searchsorted(below, below[first[-1]] + most, side="right")) - 1
        end = max(end, first[-1] + 1)
        if end >= len(rows):
            return np.array(first, np.int64)
        first.append(end)
