"""Pairs of positions within a radius: geometry alone, exact, in the order of the sky.

Both sides are sorted by their order-29 nested pixel, as every tile on disk is; `kernels/search.py`
says how that replaces a tree, `searching.py` prepares for it. What a call returns depends on the
positions, radii and ranks alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skyquarry.match.geometry.searching import (
    Search,
    check_nearest,
    check_sorted,
    kernels,
    writable,
)
from skyquarry.sky import healpix

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Points:
    """Positions of one side, all of them valid, sorted by `spatial`."""

    ra_deg: Floats
    """(n,) in [0, 360)"""
    dec_deg: Floats
    """(n,) in [-90, 90]"""
    spatial: Ints
    """(n,) order-29 nested pixel of this very position, sorted"""
    rank: Ints
    """(n,) decides ties: the lower wins (the rank of the row's id)"""

    def __len__(self) -> int:
        return len(self.spatial)


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs (m,), sorted by left row, separation, rank of the right row, its number."""

    left: Ints
    right: Ints
    sep_arcsec: Floats

    def __len__(self) -> int:
        return len(self.left)

    def take(self, which: Bools | Ints) -> Found:
        """These pairs: a mask (m,) or their numbers."""
        return Found(self.left[which], self.right[which], self.sep_arcsec[which])


def sorted_points(
    ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, rank: npt.ArrayLike | None = None
) -> tuple[Points, Ints]:
    """Points of valid positions in any order, and for each of them the row it was (n,) int64.

    Without `rank` the row itself decides ties.
    """
    ra, dec = np.asarray(ra_deg, np.float64), np.asarray(dec_deg, np.float64)
    spatial = healpix.index(ra, dec)
    ranks = np.arange(len(ra)) if rank is None else np.asarray(rank, np.int64)
    order = np.lexsort((ranks, spatial))
    return Points(ra[order], dec[order], spatial[order], ranks[order]), order


def find_pairs(
    left: Points,
    right: Points,
    radius_arcsec: float | Floats,
    *,
    right_radius_arcsec: float | Floats = 0.0,
    nearest: int | None = None,
    same: bool = False,
    once: bool = False,
) -> Found:
    """All pairs at most the sum of their two radii apart (closed), or the `nearest` k of each row.

    Radii are arcseconds from 0 to 648000, one or one a row; NaN matches nothing, 0 only the same
    place (0h from either side, a pole at any right ascension). `same=True`: left is right; a row
    does not match itself, and each pair is given from both its rows, or `once` from its first.
    `estimate_pairs` tells beforehand how many there will be.

    Raises PositionError for a radius that is negative or above 180 degrees or of another length,
    and UserError for rows that are not sorted.
    """
    check_nearest(nearest)
    for side in (left,) if same else (left, right):
        check_sorted(side)
    search = Search(left, right, radius_arcsec, right_radius_arcsec, same=same, once=once)
    return Found(*search.pairs(nearest or 0))


def estimate_pairs(
    left: Points,
    right: Points,
    radius_arcsec: float | Floats,
    *,
    right_radius_arcsec: float | Floats = 0.0,
    same: bool = False,
) -> int:
    """About how many pairs `find_pairs` would return: from a thousand rows strewn over the sky."""
    return Search(left, right, radius_arcsec, right_radius_arcsec, same=same).sample().pairs


@cache
def warm_up() -> None:
    """Load the kernels of a search, by one that takes no time."""
    here = sorted_points([0.0], [0.0])[0]
    Search(here, here, 1.0, 0.0, same=False).pairs(0)


def unmatched(n: int, rows: Ints) -> Ints:
    """The rows of 0..n-1 that are not among `rows`, sorted: what has no counterpart."""
    alone = np.ones(n, np.bool_)
    alone[rows] = False
    return np.flatnonzero(alone)


def separation_arcsec(
    ra_1: npt.ArrayLike, dec_1: npt.ArrayLike, ra_2: npt.ArrayLike, dec_2: npt.ArrayLike
) -> Floats:
    """Angles between positions in degrees, of their common shape, as `find_pairs` gives them."""
    arrays = np.broadcast_arrays(*(np.atleast_1d(a) for a in (ra_1, dec_1, ra_2, dec_2)))
    flat: Floats = kernels("separation").separations(
        *(writable(a.ravel(), np.float64) for a in arrays)
    )
    return flat.reshape(arrays[0].shape)
