"""Pairs of positions within a radius whose values are alike: colours of lensed images, for one.

To find all pairs within an arc minute of 1e7 objects first, of which one in thousands has like
colours, takes ten times as long as to look at the colours while the pairs are found.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.geometry.searching import kernels
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_LOWEST_DEG: Final = 1.0 / 120.0
"""Height of a zone at least: few zones may have few rows."""
_STEPS: Final = 1 << 40
"""Of right ascension by which rows of a zone are ordered: 1.2 micro-arcseconds."""
_SPARE_DEG: Final = 1e-8
"""By which windows are wider, for that order and for rounding."""
_PART: Final = 1 << 18
"""Rows that a thread searches together."""


@dataclass(frozen=True, slots=True)
class Valued:
    """Positions in any order, all valid, with values that pairs must share about."""

    ra_deg: Floats
    """(n,) in [0, 360)"""
    dec_deg: Floats
    """(n,) in [-90, 90]"""
    values: Floats
    """(n, k); NaN is like nothing"""


def alike_pairs(
    left: Valued, right: Valued | None, radius_arcsec: float, widths: Floats, threads: int = 1
) -> Iterator[tuple[Ints, Ints]]:
    """Rows of both sides of pairs no farther apart than the radius and `widths` (k,), some at once.

    Without `right` those of `left` with itself: each pair once, no row with itself. Both limits are
    closed; at the very rim of the radius rounding decides. The order of the pairs hangs on
    positions alone.
    """
    height = max(radius_arcsec / 3600.0, _LOWEST_DEG) * (1.0 + 1e-9)
    one, one_row = _zoned(left, height)
    other, other_row = (one, one_row) if right is None else _zoned(right, height)
    limits = kernels("alike").Limits(
        _reach(len(one.start) - 1, height, radius_arcsec / 3600.0),
        float((2.0 * np.sin(np.radians(radius_arcsec / 7200.0))) ** 2 * (1.0 + 1e-12)),
        np.ascontiguousarray(widths, np.float64),
    )

    def found(part: tuple[int, int]) -> list[tuple[Ints, Ints]]:
        return list(_pairs_of(part, (one, other, right is None, limits)))

    edges = [*range(0, len(one.ra), _PART), len(one.ra)]
    with ThreadPoolExecutor(threads) as pool:
        for pairs in pool.map(found, pairwise(edges)):
            yield from ((one_row[i], other_row[j]) for i, j in pairs)


def _pairs_of(part: tuple[int, int], search: tuple[Any, ...]) -> Iterator[tuple[Ints, Ints]]:
    """The pairs of some rows, as numbers in the order of zones."""
    row, stop = part
    size = _PART
    while row < stop:
        out = np.empty((2, size), np.int64)
        then, many = kernels("alike").alike(*search, row, stop, out)
        size = size if many else 2 * size  # one row has more than that
        row = then
        if many:
            yield out[0, :many], out[1, :many]


def _zoned(side: Valued, height: float) -> tuple[Any, Ints]:
    """A side in the order of its zones, and for each row the row that it was."""
    zones = int(np.ceil(180.0 / height))
    zone = np.minimum(((side.dec_deg + 90.0) / height).astype(np.int64), zones - 1)
    along = np.minimum((side.ra_deg * (_STEPS / 360.0)).astype(np.int64), _STEPS - 1)
    row = np.argsort(zone * _STEPS + along)
    zone, ra = zone[row], np.ascontiguousarray(side.ra_deg[row], np.float64)
    start = np.searchsorted(zone, np.arange(zones + 1)).astype(np.int64)
    xyz = np.ascontiguousarray(to_xyz(ra, side.dec_deg[row]))
    values = np.ascontiguousarray(side.values[row], np.float64)
    return kernels("alike").Zoned(zone, ra, xyz, values, start), row


def _reach(zones: int, height: float, radius_deg: float) -> Floats:
    """(zones,) degrees of right ascension that a pair may span: asin(sin r / cos dec) at most."""
    edges = np.minimum(np.arange(zones + 1) * height - 90.0, 90.0)
    farthest = np.maximum(np.abs(edges[:-1]), np.abs(edges[1:]))
    open_sky = farthest + radius_deg < 90.0 - _SPARE_DEG
    ratio = np.sin(np.radians(radius_deg)) / np.cos(np.radians(np.where(open_sky, farthest, 0.0)))
    wide = np.degrees(np.arcsin(np.minimum(ratio, 1.0))) + _SPARE_DEG
    return np.where(open_sky, wide, 180.0)
