"""Slow, obvious twins of `sky.ranges` and `sky.regions`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Position = tuple[float, float]


def ranges_of(pixels: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open ranges of a set of whole numbers, found by walking along them one by one."""
    ranges: list[tuple[int, int]] = []
    for pixel in sorted(pixels):
        if ranges and ranges[-1][1] == pixel:
            ranges[-1] = (ranges[-1][0], pixel + 1)
        else:
            ranges.append((pixel, pixel + 1))
    return ranges


def pixels_of(ranges: Iterable[tuple[int, int]]) -> set[int]:
    """Every whole number of some half-open ranges."""
    return {pixel for start, stop in ranges for pixel in range(start, stop)}


def cells_of(pixels: set[int], deepest: int) -> list[tuple[int, int]]:
    """The fewest nested cells (order, pixel) that make up a set of pixels of order `deepest`.

    A cell is taken where all its pixels are in the set and not all of its parent's are.
    """
    found = []
    for order in range(deepest + 1):
        step = 4 ** (deepest - order)
        for cell in range(12 * 4**order):
            if not _whole(pixels, cell, step):
                continue
            if order > 0 and _whole(pixels, cell // 4, 4 * step):
                continue
            found.append((order, cell))
    return sorted(found, key=lambda cell: cell[1] * 4 ** (deepest - cell[0]))


def _whole(pixels: set[int], cell: int, step: int) -> bool:
    return all(pixel in pixels for pixel in range(cell * step, (cell + 1) * step))


# ------------------------------------------------------------------ textbook trigonometry
def separation(a: Position, b: Position) -> float:
    """Degrees between two positions in degrees (Vincenty's formula, good at any angle)."""
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, p)) for p in (a, b))
    turn = lon2 - lon1
    east = math.cos(lat2) * math.sin(turn)
    north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(turn)
    along = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(turn)
    return math.degrees(math.atan2(math.hypot(east, north), along))


def offset(start: Position, pa_deg: float, distance_deg: float) -> Position:
    """The position that lies at an angle from another, in a direction from north over east."""
    lon, lat = math.radians(start[0]), math.radians(start[1])
    pa, s = math.radians(pa_deg), math.radians(distance_deg)
    up = math.cos(lat) * math.cos(s) - math.sin(lat) * math.cos(pa) * math.sin(
        s
    )  # along start's RA
    east = math.sin(pa) * math.sin(s)
    north = math.sin(lat) * math.cos(s) + math.cos(lat) * math.cos(pa) * math.sin(s)
    ra = math.degrees(lon + math.atan2(east, up))
    return ra, math.degrees(math.atan2(north, math.hypot(up, east)))


def in_cone(point: Position, center: Position, radius_deg: float) -> bool:
    """Whether the separation is at most the radius."""
    return separation(point, center) <= radius_deg


def in_box(point: Position, west: float, east: float, south: float, north: float) -> bool:
    """Whether the declination is between two, and the RA no farther east of `west` than `east`."""
    width = 360.0 if east - west >= 360.0 else (east - west) % 360.0
    inside_ra = (point[0] - west) % 360.0 <= width or abs(point[1]) == 90.0
    return south <= point[1] <= north and inside_ra


def in_ellipse(point: Position, center: Position, a: float, b: float, pa: float) -> bool:
    """Whether the distances to two foci add up to at most 2 a; cos f = cos a / cos b."""
    half_sum, half_gap = math.radians(0.5 * (a + b)), math.radians(0.5 * (a - b))
    half = math.sin(half_sum) * math.sin(half_gap) / math.cos(math.radians(b))  # sin^2(f / 2)
    focus = 2.0 * math.degrees(math.asin(math.sqrt(half)))
    foci = offset(center, pa, focus), offset(center, pa + 180.0, focus)
    return sum(separation(point, f) for f in foci) <= 2.0 * a


def in_polygon(point: Position, vertices: Sequence[Position]) -> bool:
    """Whether a polygon turns round the point: the angles between its corners, seen from there.

    For points nearer than 90 degrees to all vertices; others are called outside.
    """
    if any(separation(point, v) >= 90.0 for v in vertices):
        return False
    seen = [_bearing(point, v) for v in vertices]
    turns = [
        (b - a + 180.0) % 360.0 - 180.0 for a, b in zip(seen, seen[1:] + seen[:1], strict=True)
    ]
    return abs(sum(turns)) > 180.0


def _bearing(a: Position, b: Position) -> float:
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, p)) for p in (a, b))
    east = math.cos(lat2) * math.sin(lon2 - lon1)
    north = math.cos(lat1) * math.sin(lat2)
    north -= math.sin(lat1) * math.cos(lat2) * math.cos(lon2 - lon1)
    return math.degrees(math.atan2(east, north))
