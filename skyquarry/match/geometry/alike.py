"""Pairs of positions within a radius whose values are alike: colours of lensed images, for one.

To find all pairs within an arc minute of 1e7 objects first, of which one in thousands has like
colours, takes ten times as long as to look at the colours while the pairs are found.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.geometry.searching import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Rows = NDArray[np.integer[Any]]
    """Numbers of rows: of 32 bits where these are enough."""

_LOWEST_DEG: Final = 1.0 / 120.0
"""Height of a zone at least: few zones may have few rows."""
_STEPS: Final = 40
"""Bits of a step of right ascension by which rows of a zone are ordered: 1.2 micro-arcseconds. In
a belt of so many rows that a key has no room for these steps are wider."""
_KEY: Final = 63
_SPARE_DEG: Final = 1e-8
"""By which windows are wider than these steps, for rounding."""
_PART: Final = 1 << 18
"""Rows that a thread puts into zones at once, at least."""
_PARTS: Final = 64
"""At most."""
_BELT: Final = 1 << 17
"""Rows of some zones that a thread orders and searches together: what they take stays near it."""
_ROOM: Final = 1 << 15
"""Pairs that are written at once."""


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
        one = _by_zone(left, height, pool)
        other = one if right is None else _by_zone(right, height, pool)
        belts = list(_belts(one, other))
        steps = _steps(belts, one, other)
        limits = kernels("alike").Limits(
            _reach(len(one.start) - 1, height, radius_arcsec / 3600.0, 360.0 / steps + _SPARE_DEG),
            float((2.0 * np.sin(np.radians(radius_arcsec / 7200.0))) ** 2 * (1.0 + 1e-12)),
            np.ascontiguousarray(widths, np.float64),
        )

        def found(belt: tuple[int, int]) -> list[tuple[Ints, Ints]]:
            return list(_pairs_of(belt, one, None if right is None else other, steps, limits))

        for pairs in pool.map(found, belts):
            yield from pairs


@dataclass(frozen=True, slots=True)
class _ByZone:
    """A side, and its rows zone by zone."""

    ra_deg: Floats
    dec_deg: Floats
    values: tuple[Floats, ...]
    row: Rows
    """(n,)"""
    start: Ints
    """(zones + 1,) where those of each begin"""


def _by_zone(side: Valued, height: float, pool: ThreadPoolExecutor) -> _ByZone:
    zones, rows = int(np.ceil(180.0 / height)), len(side.ra_deg)
    ra, dec, *values = (
        np.ascontiguousarray(each, np.float64) for each in (side.ra_deg, side.dec_deg, *side.values)
    )
    size = max(_PART, -(-rows // _PARTS))
    parts = [slice(at, at + size) for at in range(0, rows, size)]
    zone = np.empty(rows, np.int32)
    counts = np.zeros((len(parts), zones), np.int64)

    def count(number: int) -> None:
        part = parts[number]
        kernels("alike").zoned(dec[part], height, zone[part], counts[number])

    list(pool.map(count, range(len(parts))))
    start = np.concatenate([[0], np.cumsum(counts.sum(axis=0))])
    following = start[:-1] + np.cumsum(counts, axis=0) - counts
    few = rows <= np.iinfo(np.int32).max
    row: Rows = np.empty(rows, np.int32 if few else np.int64)

    def spread(number: int) -> None:
        part = parts[number]
        kernels("alike").spread(zone[part], part.start, following[number], row)

    list(pool.map(spread, range(len(parts))))
    return _ByZone(ra, dec, tuple(values), row, start)


def _belts(one: _ByZone, other: _ByZone) -> Iterator[tuple[int, int]]:
    """Zones that are searched together, where there are rows of the left side: first, and end."""
    until = one.start[1:] + (0 if other is one else other.start[1:])
    first, zones = 0, len(until)
    while first < zones:
        before = until[first - 1] if first else 0
        end = max(first + 1, int(np.searchsorted(until, before + _BELT, "right")))
        if one.start[first] < one.start[end]:
            yield first, end
        first = end


def _beside(belt: tuple[int, int], zones: int) -> tuple[int, int]:
    """The zones of a belt, and those next to it."""
    return max(belt[0] - 1, 0), min(belt[1] + 1, zones)


def _steps(belts: list[tuple[int, int]], *sides: _ByZone) -> int:
    """Of right ascension around the sky: as many as a key of the largest belt has room for."""
    zones = len(sides[0].start) - 1
    bits = 0
    for belt in belts:
        low, high = _beside(belt, zones)
        rows = max(int(side.start[high] - side.start[low]) for side in sides)
        bits = max(bits, rows.bit_length() + (high - low).bit_length())
    return 1 << min(_STEPS, _KEY - bits)


def _pairs_of(
    belt: tuple[int, int], one: _ByZone, other: _ByZone | None, steps: int, limits: Any
) -> Iterator[tuple[Ints, Ints]]:
    """The pairs of the left rows of a belt."""
    low, high = _beside(belt, len(one.start) - 1)
    if other is None:  # each row is paired with later ones
        left, left_row = right, right_row = _laid(one, (belt[0], high), steps)
    else:
        left, left_row = _laid(one, belt, steps)
        right, right_row = _laid(other, (low, high), steps)
    row, stop = 0, int(left.start[belt[1] - belt[0]])
    step, out = stop, np.empty((2, _ROOM), np.int64)
    while row < stop:
        end = min(row + step, stop)
        many = kernels("alike").alike(left, right, other is None, limits, row, end, out)
        if many >= 0:
            one_row, other_row = left_row[out[0, :many]], right_row[out[1, :many]]
            yield one_row.astype(np.int64), other_row.astype(np.int64)
            row = end
        elif end - row > 1:
            step = max(step // 2, 1)
        else:
            out = np.empty((2, 2 * out.shape[1]), np.int64)


def _laid(side: _ByZone, zones: tuple[int, int], steps: int) -> tuple[Any, Rows]:
    """Some zones of a side in their order, and for each row the row that it was."""
    start = side.start[zones[0] : zones[1] + 1]
    own = side.row[start[0] : start[-1]]
    start = start - start[0]
    rows = len(own)
    places = rows.bit_length()
    key = np.empty(rows, np.int64)
    kernels("alike").keyed(side.ra_deg, own, start, steps, places, key)
    key.sort()
    row = np.empty(rows, own.dtype)
    ra, dec = np.empty(rows), np.empty(rows)
    values = np.empty((len(side.values), rows + kernels("alike").BLOCK))
    values[:, rows:] = np.nan
    kernels("alike").laid((side.ra_deg, side.dec_deg), own, key, places, (row, ra, dec))
    for to, each in zip(values, side.values, strict=True):
        kernels("alike").taken(each, row, to[:rows])
    return kernels("alike").Zoned(zones[0], start, ra, dec, values), row


def _reach(zones: int, height: float, radius_deg: float, spare_deg: float) -> Floats:
    """(zones,) degrees of right ascension that a pair may span: asin(sin r / cos dec) at most."""
    edges = np.minimum(np.arange(zones + 1) * height - 90.0, 90.0)
    farthest = np.maximum(np.abs(edges[:-1]), np.abs(edges[1:]))
    open_sky = farthest + radius_deg < 90.0 - spare_deg
    ratio = np.sin(np.radians(radius_deg)) / np.cos(np.radians(np.where(open_sky, farthest, 0.0)))
    wide = np.degrees(np.arcsin(np.minimum(ratio, 1.0))) + spare_deg
    return np.where(open_sky, wide, 180.0)
