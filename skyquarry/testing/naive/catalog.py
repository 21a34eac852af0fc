"""Slow, obvious twins of the fast code in `skyquarry.catalog`: tests hold the two together."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.tiles import SkyRanges, Tiles


def tiles_overlapping(tiles: Tiles, ranges: SkyRanges) -> list[int]:
    """Numbers of the tiles that share a pixel with the ranges, by trying every pair."""
    pairs = list(zip(ranges.starts.tolist(), ranges.stops.tolist(), strict=True))
    return [
        number
        for number, (low, high) in enumerate(
            zip(tiles.starts.tolist(), tiles.stops.tolist(), strict=True)
        )
        if any(start < high and low < stop for start, stop in pairs)
    ]


def divide(
    counts: dict[int, int], order: int, max_rows: int, cell: tuple[int, int] | None = None
) -> list[tuple[int, int, int]]:
    """(order, pixel, rows) of the leaves: a cell with more than `max_rows` is divided in four."""
    if cell is None:
        return [leaf for base in range(12) for leaf in divide(counts, order, max_rows, (0, base))]
    k, pixel = cell
    rows = sum(count for fine, count in counts.items() if fine >> 2 * (order - k) == pixel)
    if rows <= max_rows or k == order:
        return [(k, pixel, rows)]
    children = [(k + 1, 4 * pixel + child) for child in range(4)]
    return [leaf for child in children for leaf in divide(counts, order, max_rows, child)]


def distance_to_cell(ra_deg: float, dec_deg: float, order: int, pixel: int) -> float:
    """Arcseconds from a place to a cell, by trying points along its border, ever closer ones.

    The border comes from cdshealpix (`healpix.corners` with many steps), not from our projection;
    between two points it is taken as straight, where they are less than `step` apart.
    """
    place = to_xyz(ra_deg, dec_deg)[0]
    if healpix.index(ra_deg, dec_deg, order)[0] == pixel:
        return 0.0
    border = _border(order, pixel)
    chords = [_chord(place, a, b) for a, b in _near_pieces(place, border)]
    return float(2.0 * np.arcsin(min(chords) / 2.0) * ARCSEC_PER_RADIAN)


@lru_cache(maxsize=64)
def _border(order: int, pixel: int) -> NDArray[np.float64]:
    ra, dec = healpix.corners(np.array([pixel]), order, steps=4_096)
    return to_xyz(ra.ravel(), dec.ravel())


def _near_pieces(
    place: NDArray[np.float64], border: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    away = np.linalg.norm(border - place, axis=1)
    near = np.argsort(away)[:8]
    ends = [(border[i], border[(i + step) % len(border)]) for i in near for step in (-1, 1)]
    return [(a, b) for a, b in ends if np.linalg.norm(a - b) > 0]


def _chord(place: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Chord from a place to the great circle through two near points, between them."""
    along = np.clip((place - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
    nearest = a + along * (b - a)
    return float(np.linalg.norm(place - nearest / np.linalg.norm(nearest)))


def margin_pairs(
    ra_deg: NDArray[np.float64],
    dec_deg: NDArray[np.float64],
    tile: tuple[int, int],
    leaves: Tiles,
    threshold_arcsec: float,
) -> list[tuple[int, int, float]]:
    """(row, leaf, distance) of rows within the threshold of other leaves, by trying every pair."""
    found = []
    for number, (order, pixel) in enumerate(leaves):
        if (order, pixel) == tile:
            continue
        for row, (ra, dec) in enumerate(zip(ra_deg.tolist(), dec_deg.tolist(), strict=True)):
            if _surely_farther(ra, dec, order, pixel, threshold_arcsec):
                continue
            distance = distance_to_cell(ra, dec, order, pixel)
            if distance <= threshold_arcsec:
                found.append((row, number, distance))
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def _surely_farther(
    ra_deg: float, dec_deg: float, order: int, pixel: int, threshold_arcsec: float
) -> bool:
    """Whether a place is farther from a cell's centre than any of the cell's points can matter."""
    centre = to_xyz(*healpix.center(np.array([pixel]), order))[0]
    chord = float(np.linalg.norm(to_xyz(ra_deg, dec_deg)[0] - centre))
    return bool(chord > threshold_arcsec / ARCSEC_PER_RADIAN + 2.2 / 2**order)


def id_index(
    runs: list[tuple[int, int, list[Any]]],
) -> tuple[list[tuple[Any, int, int]], dict[Any, int]]:
    """(key, Norder, Npix) of an id index, sorted; and how often each id that repeats stands there.

    `runs` are (order, pixel, keys) of the tiles; null keys are in no index.
    """
    entries = {
        (key, order, pixel) for order, pixel, keys in runs for key in keys if key is not None
    }
    counts = Counter(key for _, _, keys in runs for key in keys if key is not None)
    along = sorted(entries, key=lambda entry: (entry[0], entry[2] << 2 * (29 - entry[1])))
    return along, {key: count for key, count in counts.items() if count > 1}
