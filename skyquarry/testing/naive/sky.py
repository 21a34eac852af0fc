"""Geometry said slowly: one point at a time, by the definitions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_V = [np.array(v, dtype=np.float64) for v in
      [(0, 0, 1), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, -1)]]  # fmt: skip
# S0 .. S3, N0 .. N3 by the numbers of their corners (MSR-TR-2005-123, table 1)
_ROOTS = [(1, 5, 2), (2, 5, 3), (3, 5, 4), (4, 5, 1), (1, 0, 4), (4, 0, 3), (3, 0, 2), (2, 0, 1)]


def htm_index(point: Vector, level: int) -> int:
    """The trixel of one unit vector (3,), by testing it against the edges of each child."""
    trixel = 8 + _root(point)
    corners = htm_corners(trixel)
    for _ in range(level):
        children = _children(corners)
        found = next((k for k in range(3) if _holds(children[k], point)), 3)
        trixel, corners = (trixel << 2) | found, children[found]
    return trixel


def htm_corners(trixel: int) -> list[Vector]:
    """The three corners of one trixel, by halving edges."""
    path = []
    while trixel >= 16:
        path.append(trixel & 3)
        trixel >>= 2
    corners = [_V[k] for k in _ROOTS[trixel - 8]]
    for child in reversed(path):
        corners = _children(corners)[child]
    return corners


def _root(point: Vector) -> int:
    quarter = int((math.degrees(math.atan2(point[1], point[0])) % 360.0) // 90.0) % 4
    return quarter if point[2] < 0 else 7 - quarter


def _children(corners: list[Vector]) -> list[list[Vector]]:
    v0, v1, v2 = corners
    w0, w1, w2 = (_unit(a + b) for a, b in ((v1, v2), (v0, v2), (v0, v1)))
    return [[v0, w2, w1], [v1, w0, w2], [v2, w1, w0], [w0, w1, w2]]


def _holds(corners: list[Vector], point: Vector) -> bool:
    v0, v1, v2 = corners
    return all(_side(a, b, point) >= 0 for a, b in ((v0, v1), (v1, v2), (v2, v0)))


def _side(a: Vector, b: Vector, point: Vector) -> float:
    """Above zero left of the edge from a to b; differences keep the digits of small trixels."""
    return float(np.dot(a, np.cross(b - a, point - a)))


def _unit(v: Vector) -> Vector:
    return np.asarray(v / math.sqrt(float(np.dot(v, v))))
