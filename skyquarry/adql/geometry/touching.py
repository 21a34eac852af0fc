"""Whether shapes of rows touch, and whether one lies in another: any two of ADQL's shapes.

A shape is a list of numbers, as DALI writes it: 2 for a point, 3 for a circle, 4 for a box (centre,
width, height), 6 and more for a polygon, all degrees. Here each is corners, joined by great
circles, and a radius about them: a circle is one corner, and two shapes touch where their corners'
outlines are no farther apart than their radii together. A polygon is the smaller of the two parts
of the sky, simple, and no wider than a hemisphere; one that is wider has no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.sky.halfspaces import EDGE
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_BLOCK = 1 << 20
"""Pairs of corners that are compared at a time."""


def touching(one: Any, other: Any) -> Any:
    """Whether two shapes have a point in common, row by row; NULL where one is NULL."""
    return _answered(one, other, _touch)


def containing(outer: Any, inner: Any) -> Any:
    """Whether the inner shape lies wholly in the outer one, edges included."""
    return _answered(outer, inner, _contain)


# ------------------------------------------------------------------ rows of lists
def _answered(one: Any, other: Any, ask: Callable[..., Mask]) -> Any:
    """The answer for rows whose shapes have as many numbers each, group by group."""
    import pyarrow as pa

    sides = [lists_of(one), lists_of(other)]
    known = sides[0][2] & sides[1][2]
    found = np.zeros(len(known), bool)
    sizes = np.stack([side[1] for side in sides], axis=1)
    for pair in np.unique(sizes[known], axis=0):
        rows = np.flatnonzero(known & (sizes == pair).all(axis=1))
        step = max(_BLOCK // int(pair.prod()), 1)
        for begun in range(0, len(rows), step):
            some = rows[begun : begun + step]
            shapes = [
                shape_of(side[0], side[3][some], int(n))
                for side, n in zip(sides, pair, strict=True)
            ]
            answers = ask(*shapes[0], *shapes[1])
            found[some] = answers
            known[some] &= _is_narrow(shapes[0][0]) & _is_narrow(shapes[1][0])
    return pa.array(found, mask=~known)


def lists_of(column: Any) -> tuple[Floats, NDArray[np.int64], Mask, NDArray[np.int64]]:
    """Of lists: their numbers, how many each has, which are whole shapes, where each begins."""
    import pyarrow.compute as pc

    lists = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    sizes = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else np.zeros(0, np.int64)
    numbers = pc.list_flatten(lists).to_numpy(zero_copy_only=False).astype(np.float64)
    gaps = np.concatenate([[0], np.cumsum(~np.isfinite(numbers))])
    whole = gaps[begins + sizes] == gaps[begins] if len(sizes) else np.zeros(0, bool)
    shaped = np.isin(sizes, (2, 3, 4)) | ((sizes >= 6) & (sizes % 2 == 0))
    return numbers, sizes, whole & shaped, begins


def shape_of(numbers: Floats, begins: NDArray[np.int64], n: int) -> tuple[Floats, Floats]:
    """Corners (m, k, 3), unit vectors, and radii (m,) in radians of shapes of n numbers."""
    values = numbers[begins[:, None] + np.arange(n)]
    radius = np.radians(values[:, 2]) if n == 3 else np.zeros(len(values))
    if n == 4:
        return _box(values), radius
    pairs = values[:, : n - n % 2].reshape(len(values), -1, 2)
    flat = to_xyz(pairs[..., 0].ravel(), pairs[..., 1].ravel())
    return flat.reshape(len(values), -1, 3), radius


def _box(values: Floats) -> Floats:
    """The corners of boxes: where the great circles cross at right angles to the arms' ends."""
    lon, lat = np.radians(values[:, 0]), np.radians(values[:, 1])
    width, height = np.tan(0.5 * np.radians(values[:, 2:])).T[..., None]
    middle = to_xyz(values[:, 0], values[:, 1])
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=1)
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    corners = np.stack([middle + a * width * east + b * height * north for a, b in signs], axis=1)
    return np.asarray(corners / np.linalg.norm(corners, axis=2, keepdims=True))


def _is_narrow(corners: Floats) -> Mask:
    """Whether the corners lie within a hemisphere round their middle: single ones do."""
    middle = corners.sum(axis=1)
    return np.asarray((np.einsum("mkc,mc->mk", corners, middle) > 0).all(axis=1))


# ------------------------------------------------------------------ answers
def _touch(one: Floats, near: Floats, other: Floats, far: Floats) -> Mask:
    """Whether shapes touch: corners (m, k, 3) and radii (m,) of either."""
    real = (near >= 0) & (far >= 0)
    return np.asarray(real & (_apart(one, other) <= near + far + EDGE))


def _contain(outer: Floats, reach: Floats, inner: Floats, radius: Floats) -> Mask:
    real = (reach >= 0) & (radius >= 0)
    if outer.shape[1] == 1:  # a circle holds what is far enough from the point opposite its middle
        return np.asarray(real & (_apart(-outer, inner) >= np.pi - reach + radius - EDGE))
    within = _inside(outer, inner) | (_to_edges(inner, outer) <= EDGE)
    held = within.all(axis=1) & ~_cross(outer, inner)
    return np.asarray(
        real & held & ((radius == 0) | (_to_edges(inner, outer).min(axis=1) >= radius - EDGE))
    )


def _apart(one: Floats, other: Floats) -> Floats:
    """Radians between two outlines with what they enclose; 0 where they meet."""
    meet = _inside(one, other).any(axis=1) | _inside(other, one).any(axis=1) | _cross(one, other)
    corners = _angle(one[:, :, None, :], other[:, None, :, :]).min(axis=(1, 2))
    edges = np.minimum(_to_edges(one, other).min(axis=1), _to_edges(other, one).min(axis=1))
    return np.where(meet, 0.0, np.minimum(corners, edges))


def _angle(a: Floats, b: Floats) -> Floats:
    """Exact from 0 to pi."""
    apart, along = np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)
    return np.asarray(2.0 * np.arctan2(apart, along))


def _edges(corners: Floats) -> tuple[Floats, Floats, Floats]:
    """Where edges begin and end, and their normals, all (m, k, 3)."""
    ends = np.roll(corners, -1, axis=1)
    return corners, ends, np.cross(corners, ends)


def _to_edges(points: Floats, corners: Floats) -> Floats:
    """(m, i) radians from points to the nearest edge; infinite where none lies beside a point."""
    if corners.shape[1] < 2:
        return np.full(points.shape[:2], np.inf)
    first, last, normal = (each[:, None] for each in _edges(corners))
    at = points[:, :, None, :]
    beside = (np.cross(normal, first) * at).sum(-1) >= 0
    beside &= (np.cross(last, normal) * at).sum(-1) >= 0
    off = np.abs((normal * at).sum(-1))
    away = np.arctan2(off, np.linalg.norm(np.cross(normal, at), axis=-1))
    away = np.where(beside, away, np.inf)
    at_ends = _angle(at, first)
    return np.asarray(np.minimum(away, at_ends).min(axis=2))


def _cross(one: Floats, other: Floats) -> Mask:
    """Whether an edge of one crosses an edge of the other, not at an end of either."""
    if one.shape[1] < 2 or other.shape[1] < 2:
        return np.zeros(len(one), bool)
    a, b, ab = (each[:, :, None, :] for each in _edges(one))
    c, d, cd = (each[:, None, :, :] for each in _edges(other))
    sides = [-(ab * c).sum(-1), (ab * d).sum(-1), -(cd * b).sum(-1), (cd * a).sum(-1)]
    low, high = np.minimum.reduce(sides), np.maximum.reduce(sides)
    return np.asarray(((low > 0) | (high < 0)).any(axis=(1, 2)))


def _inside(corners: Floats, points: Floats) -> Mask:
    """(m, i): whether points lie in polygons, by how often the corners go round them."""
    if corners.shape[1] < 3:
        return np.zeros(points.shape[:2], bool)
    east, north = _plane(points)
    x = np.einsum("mkc,mic->mik", corners, east)
    y = np.einsum("mkc,mic->mik", corners, north)
    angle = np.arctan2(y, x)
    turn = np.roll(angle, -1, axis=2) - angle
    turn -= 2 * np.pi * np.round(turn / (2 * np.pi))
    near = np.einsum("mic,mc->mi", points, corners.sum(axis=1)) > 0
    return np.asarray(near & (np.abs(turn.sum(axis=2)) > np.pi))


def _plane(points: Floats) -> tuple[Floats, Floats]:
    """Two directions at right angles to each point and to each other."""
    least = np.abs(points).argmin(axis=-1)
    axis = np.eye(3)[least]
    east = np.cross(axis, points)
    east /= np.linalg.norm(east, axis=-1, keepdims=True)
    return east, np.cross(points, east)
