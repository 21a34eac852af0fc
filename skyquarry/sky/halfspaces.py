"""One half-space n . x >= c cuts the unit sphere in a cap: the atom of every region.

After Szalay, Kunszt, Thakar, Gray, Slutz & Brunner (SIGMOD 2000). A cap is kept as its pole n and
its angular radius, not as c: the cosine of a milliarcsecond is 1 to the last digit.

Three answers are given about a cell: 1 wholly inside, -1 wholly outside, 0 cut or not known. They
are conservative: 1 and -1 are proofs, 0 is none. So `and` is the minimum, `or` the maximum and
`not` the sign change, whatever the cells are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Relation = NDArray[np.int8]

EDGE: Final = 1e-15
"""Edges are inclusive: a point within 1e-15 rad (0.2 nano-arcsec) of one is inside. Less is lost in
the rounding of a unit vector."""
SLACK: Final = 1e-14
"""What a proof about a cell leaves for rounding, in radians: more than EDGE, far less than the
smallest cell (2e-9 rad at order 29)."""
INSIDE: Final = np.int8(1)
CUT: Final = np.int8(0)
OUTSIDE: Final = np.int8(-1)
_DIRECT: Final = 1.0  # rad from a pole within which coordinate differences are used


@dataclass(frozen=True, slots=True)
class Cells:
    """A batch of cells of the sphere, each within a circle of `radius` round its centre."""

    centers: Floats
    """(n, 3) unit vectors."""
    radius: Floats
    """(n,) radians: no point of a cell is farther from its centre."""
    corners: Floats | None = None
    """(n, 3, 3) corners of cells that are spherical triangles, counterclockwise; else None."""
    spans: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    """(n,) starts and stops in order-29 pixels of cells that are HEALPix cells; else None."""

    def __len__(self) -> int:
        return len(self.radius)

    def take(self, which: Mask | NDArray[np.intp] | slice) -> Cells:
        """Some of the cells."""
        corners = None if self.corners is None else self.corners[which]
        spans = None if self.spans is None else (self.spans[0][which], self.spans[1][which])
        return Cells(self.centers[which], self.radius[which], corners, spans)


@dataclass(frozen=True, slots=True, eq=False)
class Cap:
    """The points within `angle_rad` of `pole`: none for a negative angle, all for pi."""

    pole: Floats
    """(3,) unit vector, ICRS."""
    angle_rad: float

    @classmethod
    def from_half_space(cls, normal: Floats, c: float) -> Cap:
        """The cap n . x >= c; c beyond 1 leaves nothing, c at or below -1 all."""
        if c > 1.0:
            return cls(normal, -1.0)
        return cls(normal, math.acos(max(c, -1.0)))

    @property
    def complement(self) -> Cap:
        """The other side (its edge too)."""
        return Cap(-self.pole, math.pi - self.angle_rad)

    def contains(self, xyz: Floats) -> Mask:
        """Whether unit vectors (n, 3) lie in the cap, edge included; NaN never does.

        By |x - n|^2 <= 4 sin^2(angle / 2) from coordinate differences, which is the same in algebra
        as n . x >= c, and right at a milliarcsecond, where the product is not.
        """
        if self.angle_rad < 0.0:
            return np.zeros(len(xyz), dtype=bool)
        if self.angle_rad <= _DIRECT:
            away = xyz - self.pole
            limit = 2.0 * math.sin(0.5 * self.angle_rad) + EDGE
            return np.asarray(np.einsum("ij,ij->i", away, away) <= limit * limit)
        if self.angle_rad >= math.pi - _DIRECT:
            away = xyz + self.pole
            limit = max(2.0 * math.sin(0.5 * (math.pi - self.angle_rad)) - EDGE, 0.0)
            return np.asarray(np.einsum("ij,ij->i", away, away) >= limit * limit)
        return np.asarray(xyz @ self.pole >= math.cos(self.angle_rad) - EDGE)

    def relate(self, cells: Cells) -> Relation:
        """1, 0 or -1 for each cell, (n,) int8."""
        if self.angle_rad < 0.0:
            return np.full(len(cells), OUTSIDE)
        if self.angle_rad >= math.pi:
            return np.full(len(cells), INSIDE)
        found = self._by_circle(cells)
        if cells.corners is not None and (found == CUT).any():
            unsure = np.flatnonzero(found == CUT)
            found[unsure] = self._by_corners(cells.corners[unsure])
        return found

    def _by_circle(self, cells: Cells) -> Relation:
        away = angles(cells.centers, self.pole)
        reach = cells.radius + SLACK
        inside = away + reach <= self.angle_rad
        outside = away - reach > self.angle_rad
        return inside.astype(np.int8) - outside.astype(np.int8)

    def _by_corners(self, corners: Floats) -> Relation:
        """Exact for spherical triangles (Kunszt, Szalay & Thakar 2001, section 4)."""
        if self.angle_rad > 0.5 * math.pi:
            return np.asarray(-_convex_cap(self.complement, corners))
        return _convex_cap(self, corners)


def _convex_cap(cap: Cap, corners: Floats) -> Relation:
    """A cap up to a hemisphere holds a triangle that has all corners in it, for it is convex.

    With no corner in it, it is free of the triangle unless it bulges over a side or lies within.
    """
    away = angles(corners, cap.pole)
    inside = np.asarray((away + SLACK <= cap.angle_rad).all(axis=1))
    no_corner = (away - SLACK > cap.angle_rad).all(axis=1)
    following = corners[:, (1, 2, 0)]
    sides = unit(np.cross(corners - following, corners + following))
    above = sides @ cap.pole
    along = (np.cross(sides, corners) @ cap.pole > -SLACK) & (
        np.cross(following, sides) @ cap.pole > -SLACK
    )
    bulges = (along & (np.abs(above) <= math.sin(cap.angle_rad) + SLACK)).any(axis=1)
    within = (above >= -SLACK).all(axis=1)
    outside = np.asarray(no_corner & ~bulges & ~within)
    return inside.astype(np.int8) - outside.astype(np.int8)


def angles(xyz: Floats, pole: Floats) -> Floats:
    """Angles in radians between unit vectors (..., 3) and one, right from 0 to pi."""
    less, more = xyz - pole, xyz + pole
    near = np.einsum("...i,...i->...", less, less)
    far = np.einsum("...i,...i->...", more, more)
    return np.asarray(2.0 * np.arctan2(np.sqrt(near), np.sqrt(far)))


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) brought to length one."""
    return np.asarray(vectors / np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None])
