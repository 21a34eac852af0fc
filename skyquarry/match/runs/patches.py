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
from skyquarry.match.given.dilation import dilated
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.priors.fields import Counts
    from skyquarry.match.resolution.groups import Islands

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

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


# ---------------------------------------------------------------- islands that cross a border


def open_islands(islands: Islands, in_core: Mask) -> tuple[Mask, Mask]:
    """(islands,) which lie in the core, done with; and which cross its border, and are open.

    `in_core` (n,) of each node. Islands without a core row are neither: they are another patch's.
    """
    core = np.bincount(islands.label, in_core, len(islands))
    size = np.diff(islands.start)
    return core == size, (core > 0) & (core < size)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of open islands as one patch saw them, and pairs between them."""

    key: Ints
    """(n, k) what a row is known by in every patch: catalogue, spatial, rank, row"""
    left: Ints
    """(m,) numbers of rows of this part"""
    right: Ints


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows and pairs of several parts, each once."""

    row: Ints
    """(n,) sorted by key: where each row is first, among those of all parts one after the other"""
    left: Ints
    """(m,) numbers of merged rows; pairs are sorted by left, then right"""
    right: Ints


def merge_open(parts: Sequence[Part]) -> Merged:
    """The rows of all parts, sorted by key, each once, and the pairs between them, each once."""
    if not parts:
        return Merged(*(np.empty(0, np.int64) for _ in range(3)))
    key = np.concatenate([part.key for part in parts])
    order = np.lexsort(key.T[::-1])
    new = np.ones(len(order), bool)
    new[1:] = (key[order[1:]] != key[order[:-1]]).any(axis=1)
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(new) - 1
    offset = np.cumsum([0, *(len(part.key) for part in parts[:-1])])
    ends = np.array(
        [
            number[np.concatenate([p.left + o for p, o in zip(parts, offset, strict=True)])],
            number[np.concatenate([p.right + o for p, o in zip(parts, offset, strict=True)])],
        ]
    )
    pairs = np.unique(np.sort(ends, axis=0), axis=1)
    return Merged(order[new], pairs[0], pairs[1])
