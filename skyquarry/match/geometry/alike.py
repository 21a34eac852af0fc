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
_RANGES: Final = 4
"""Into which a large side is cut to be sorted."""


@dataclass(frozen=True, slots=True)
class Valued:
    """Positions in any order, all valid, with values that pairs must share about."""

    ra_deg: Floats
    """(n,) in [0, 360)"""
    dec_deg: Floats
    """(n,) in [-90, 90]"""
    values: tuple[Floats, ...]
    """(n,) each; NaN is like nothing"""


def alike_pairs(
    left: Valued, right: Valued | None, radius_arcsec: float, widths: Floats, threads: int = 1
) -> Iterator[tuple[Ints, Ints]]:
    """Rows of both sides of pairs no farther apart than the radius and `widths` (k,), some at once.

    Without `right` those of `left` with itself: each pair once, no row with itself. Both limits are
    closed; at the very rim of the radius rounding decides. The order of the pairs hangs on
    positions alone.
    """
    height = max(radius_arcsec / 3600.0, _LOWEST_DEG) * (1.0 + 1e-9)
    with ThreadPoolExecutor(threads) as pool:
        one, one_row = _zoned(left, height, pool)
        other, other_row = (one, one_row) if right is None else _zoned(right, height, pool)
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


def _zoned(side: Valued, height: float, pool: ThreadPoolExecutor) -> tuple[Any, Ints]:
    """A side in the order of its zones, and for each row the row that it was."""
    zones, rows = int(np.ceil(180.0 / height)), len(side.ra_deg)
    own = [np.ascontiguousarray(each, np.float64) for each in (side.ra_deg, side.dec_deg)]
    parts = [slice(at, at + _PART) for at in range(0, rows, _PART)]
    key = np.empty(rows, np.int64)

    def place(part: slice) -> None:
        kernels("alike").placed(own[0][part], own[1][part], height, zones, _STEPS, key[part])

    list(pool.map(place, parts))
    row = _ordered(key, pool)
    zone, ra = np.empty(rows, np.int64), np.empty(rows)
    xyz, values = np.empty((rows, 3)), np.empty((len(side.values), rows))

    def lay(part: slice) -> None:
        some = row[part]
        kernels("alike").laid((*own, key), _STEPS, some, (zone[part], ra[part], xyz[part]))
        for to, each in zip(values, side.values, strict=True):
            to[part] = each[some]

    list(pool.map(lay, parts))
    start = np.searchsorted(zone, np.arange(zones + 1)).astype(np.int64)
    return kernels("alike").Zoned(zone, ra, xyz, values, start), row


def _ordered(key: Ints, pool: ThreadPoolExecutor) -> Ints:
    """The rows by ascending numbers: some ranges of these at once, the same for any threads."""
    if len(key) <= _PART:
        return np.argsort(key)
    sample = np.sort(key[:: max(len(key) // 1_000, 1)])
    edges = sample[np.arange(1, _RANGES) * len(sample) // _RANGES]

    def some(low: int, high: int) -> Ints:
        rows = np.flatnonzero((key >= low) & (key < high))
        return rows[np.argsort(key[rows])]

    limits = [np.iinfo(np.int64).min, *edges.tolist(), np.iinfo(np.int64).max]
    return np.concatenate(list(pool.map(lambda ends: some(*ends), pairwise(limits))))


def _reach(zones: int, height: float, radius_deg: float) -> Floats:
    """(zones,) degrees of right ascension that a pair may span: asin(sin r / cos dec) at most."""
    edges = np.minimum(np.arange(zones + 1) * height - 90.0, 90.0)
    farthest = np.maximum(np.abs(edges[:-1]), np.abs(edges[1:]))
    open_sky = farthest + radius_deg < 90.0 - _SPARE_DEG
    ratio = np.sin(np.radians(radius_deg)) / np.cos(np.radians(np.where(open_sky, farthest, 0.0)))
    wide = np.degrees(np.arcsin(np.minimum(ratio, 1.0))) + _SPARE_DEG
    return np.where(open_sky, wide, 180.0)
