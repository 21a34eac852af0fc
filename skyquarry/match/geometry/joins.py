"""From rows of two sides to rows of the answer: which pairs are kept, which rows stay alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.geometry.search import Found, Points
    from skyquarry.match.geometry.searching import Search

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

Keep = Literal["all", "best", "mutual"]
How = Literal["inner", "left", "outer", "anti"]
KEEPS: tuple[Keep, ...] = ("all", "best", "mutual")
HOWS: tuple[How, ...] = ("inner", "left", "outer", "anti")


@dataclass(frozen=True, slots=True)
class Rule:
    """Which pairs are kept, and what becomes of rows without one."""

    keep: Keep = "all"
    how: How = "inner"
    k: int | None = None
    """of all pairs, the nearest k of each left row"""
    same: bool = False
    """both sides are the same rows: none is its own pair"""
    both: bool = True
    """of the same rows: (i, j) and (j, i); else once, i before j along the sky"""

    @property
    def nearest(self) -> int | None:
        """How many right rows a left row may have."""
        return self.k if self.keep == "all" else 1

    @property
    def once(self) -> bool:
        """Whether of the same rows only those behind a row, along the sky, can be its partners."""
        return self.same and not self.both and self.keep != "mutual"

    @property
    def left_reach(self) -> int:
        """How many radii around its part of the sky a task needs left rows."""
        return max(2 if self.keep == "mutual" else 0, 1 if self.how == "outer" else 0)

    @property
    def right_reach(self) -> int:
        """How many radii around its part of the sky a task needs right rows.

        A right row is alone if no left row has it for its best, which their other neighbours say.
        """
        return 2 if self.how == "outer" and self.nearest is not None else 1


@dataclass(frozen=True, slots=True)
class Placed:
    """One side's rows in a task."""

    points: Points
    """those that have a position and a radius"""
    radius: float | Floats
    """of the points"""
    number: Ints | None
    """(points,) the place along the sky of each point; None: the first rows, in order"""
    core: slice
    """the rows that belong to the task, and not to its surroundings"""
    pixels: Ints
    """(rows,) along the sky"""

    @property
    def in_order(self) -> bool:
        """Whether the points follow each other as their rows do."""
        return self.number is None or bool((self.number[1:] > self.number[:-1]).all())

    @property
    def core_points(self) -> slice | None:
        """The points of the task itself, where they follow each other as their rows do."""
        if self.number is None:
            return self.core
        if not self.in_order:
            return None
        first, stop = np.searchsorted(self.number, [self.core.start, self.core.stop]).tolist()
        return slice(first, stop)

    def places(self, index: Ints) -> Ints:
        """Places along the sky of points."""
        return index if self.number is None else self.number[index]


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows of the answer: places along the sky in each side, -1 where there is no partner."""

    left: Ints
    right: Ints
    sep_arcsec: Floats
    """NaN without a partner"""

    def __len__(self) -> int:
        return len(self.left)


def search_of(rule: Rule, left: Placed, right: Placed, expected: int | None = None) -> Search:
    """The search that finds the pairs of a task's rows, before it is done.

    `expected`: about how many of them all there will be, where that is known.
    """
    from skyquarry.match.geometry.searching import Search

    search = Search(
        left.points,
        right.points,
        left.radius,
        right.radius,
        same=rule.same,
        once=rule.once and left.in_order,
        rows=left.core_points if rule.left_reach == 0 else None,
    )
    if expected is not None:
        search.expected = expected
    return search


def cuts_of(rule: Rule, left: Placed, search: Search, most: int) -> Ints:
    """The pixels at which to cut a task with many more pairs than `most`, in equal shares."""
    none = np.empty(0, np.int64)
    if rule.nearest is not None or rule.left_reach or left.core_points is None:
        return none
    if search.is_small or search.expected <= 2 * most:
        return none
    pixels = left.pixels[left.places(search.sampled.cuts(most))]
    return np.unique(pixels[pixels > left.pixels[left.core.start]])


def joined(rule: Rule, left: Placed, right: Placed, search: Search | None = None) -> Joined:
    """The rows of the answer that belong to a task, in the order of the sky."""
    found = _kept(rule, left, right, search or search_of(rule, left, right))
    i, j, sep = left.places(found.left), right.places(found.right), found.sep_arcsec
    paired = _marked(right, j) if rule.how == "outer" else None
    if left.number is not None and bool((i[1:] < i[:-1]).any()):
        along = np.argsort(i, kind="stable")
        i, j, sep = i[along], j[along], sep[along]
    ours = slice(*np.searchsorted(i, [left.core.start, left.core.stop]).tolist())
    i, j, sep = i[ours], j[ours], sep[ours]
    if rule.how == "inner":
        return Joined(i, j, sep)
    alone = _unmarked(left, _marked(left, i))
    if rule.how == "anti":
        return _alone(alone, left=True)
    pairs = _with_left(Joined(i, j, sep), alone)
    if paired is None:
        return pairs
    return _with_right(pairs, _unmarked(right, paired), left.pixels, right.pixels)


def _kept(rule: Rule, left: Placed, right: Placed, search: Search) -> Found:
    """The pairs of all rows that are kept, by the numbers of points."""
    from skyquarry.match.geometry.search import Found, find_pairs

    found = Found(*search.pairs(rule.nearest or 0))
    keep: Mask | None = None
    if rule.keep == "mutual":
        back = found
        if not rule.same:
            back = find_pairs(
                right.points,
                left.points,
                right.radius,
                right_radius_arcsec=left.radius,
                nearest=1,
            )
        best = np.full(len(right.points), -1, np.int64)
        best[back.left] = back.right
        keep = best[found.right] == found.left
    if rule.same and not rule.both and not search.once:
        before = left.places(found.left) < left.places(found.right)
        keep = before if keep is None else keep & before
    if keep is None:
        return found
    return Found(found.left[keep], found.right[keep], found.sep_arcsec[keep])


def _marked(side: Placed, rows: Ints) -> Mask:
    mask = np.zeros(len(side.pixels), bool)
    mask[rows] = True
    return mask


def _unmarked(side: Placed, mask: Mask) -> Ints:
    """Rows of the task itself that are not marked."""
    alone: Ints = np.flatnonzero(~mask[side.core]) + side.core.start
    return alone


def _alone(rows: Ints, *, left: bool) -> Joined:
    none = np.full(len(rows), -1, np.int64)
    nan = np.full(len(rows), np.nan)
    return Joined(rows, none, nan) if left else Joined(none, rows, nan)


def _with_left(pairs: Joined, alone: Ints) -> Joined:
    """Left rows without a partner, each in its place."""
    if not len(alone):
        return pairs
    return _inserted(pairs, _alone(alone, left=True), np.searchsorted(pairs.left, alone))


def _with_right(rows: Joined, alone: Ints, left_pixels: Ints, right_pixels: Ints) -> Joined:
    """Right rows without a partner, after the left rows of their pixel."""
    if not len(alone):
        return rows
    at = np.searchsorted(left_pixels[rows.left], right_pixels[alone], side="right")
    return _inserted(rows, _alone(alone, left=False), at)


def _inserted(rows: Joined, more: Joined, at: Ints) -> Joined:
    return Joined(
        np.insert(rows.left, at, more.left),
        np.insert(rows.right, at, more.right),
        np.insert(rows.sep_arcsec, at, more.sep_arcsec),
    )
