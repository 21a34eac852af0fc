"""Areas and middles of polygons whose corners rows hold: the smaller of the two parts of the sky.

A polygon is a list of ra, dec, ra, dec ... in degrees. Its area is the sum of the spherical
excesses of the triangles from its first corner, with their signs (Van Oosterom & Strackee 1983,
IEEE Trans. Biomed. Eng. 30, 125); its middle the direction of the mean vector, an integral along
its edges.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.adql.geometry.touching import lists_of, shape_of
from skyquarry.sky.vectors import to_radec

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DEG2 = math.degrees(1.0) ** 2


def areas(polygons: Any) -> Any:
    """Square degrees, row by row; NULL where a number is."""
    import pyarrow as pa

    found, known = _measured(polygons, 1, lambda corners: _areas(corners)[:, None])
    return pa.array(found[:, 0], mask=~known)


def middles(polygons: Any) -> Any:
    """(ra, dec) lists, row by row; NULL where a number is."""
    import pyarrow as pa

    found, known = _measured(polygons, 2, middles_of)
    ends = np.arange(0, 2 * len(found) + 1, 2, dtype=np.int32)
    offsets = pa.array(ends, mask=np.append(~known, False))
    return pa.ListArray.from_arrays(offsets, pa.array(found.ravel()))


def _measured(
    polygons: Any, width: int, measure: Callable[[Floats], Floats]
) -> tuple[Floats, NDArray[np.bool_]]:
    """What is measured of each row, (n, width), and where all of its numbers are there."""
    numbers, sizes, known, begins = lists_of(polygons)
    found = np.zeros((len(sizes), width))
    for size in np.unique(sizes[known]):
        rows = np.flatnonzero(known & (sizes == size))
        found[rows] = measure(shape_of(numbers, begins[rows], int(size))[0])
    return found, known


def _areas(corners: Floats) -> Floats:
    """(m,) square degrees of polygons of corners (m, k, 3)."""
    first, total = corners[:, 0], np.zeros(len(corners))
    for i in range(1, corners.shape[1] - 1):
        one, other = corners[:, i], corners[:, i + 1]
        across = np.cross(one - first, other - first)  # differences keep the digits of small ones
        apart = np.einsum("mc,mc->m", first, across)
        near = 1.0 + sum(
            np.einsum("mc,mc->m", a, b) for a, b in ((first, one), (one, other), (other, first))
        )
        total += 2.0 * np.arctan2(apart, near)
    whole = np.abs(total) % (4.0 * math.pi)
    return np.asarray(np.minimum(whole, 4.0 * math.pi - whole) * _DEG2)


def middles_of(corners: Floats) -> Floats:
    """(m, 2) degrees, of polygons of corners (m, k, 3), unit vectors."""
    after = np.roll(corners, -1, axis=1)
    cross = np.cross(corners, after)
    size = np.linalg.norm(cross, axis=2)
    angle = np.arctan2(size, np.einsum("mkc,mkc->mk", corners, after))
    total = np.einsum("mk,mkc->mc", angle / np.maximum(size, 1e-300), cross)
    total[np.einsum("mc,mc->m", total, corners.sum(axis=1)) < 0] *= -1.0
    flat = np.linalg.norm(total, axis=1) < 1e-300
    total[flat] = corners[flat, 0]  # corners that are one place: that one
    ra, dec = to_radec(total / np.linalg.norm(total, axis=1, keepdims=True))
    return np.column_stack([ra, dec])
