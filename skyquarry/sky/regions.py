"""Regions of the sky: cones, zones, boxes, convexes; with `ellipses` and `polygons`, all shapes.

Every shape is made in one of four frames and turned into ICRS at once, so that a test of points
costs the same in each. Positions and angles are degrees, radii and semi-axes arcseconds.

>>> from skyquarry.sky.vectors import to_xyz
>>> (Cone(10, 20, 3600) - Zone(20, 90)).contains(to_xyz([10, 10], [19.5, 20.5])).tolist()
[True, False]
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky.algebra import NOWHERE, WHOLE, Complement, Intersection, Region, Union
from skyquarry.sky.covers import cone_order, small_cone_cover
from skyquarry.sky.ellipses import Ellipse
from skyquarry.sky.halfspaces import Cap, Cells, Floats, Mask, Relation
from skyquarry.sky.placing import check_latitudes, direction, plain_numbers, to_icrs
from skyquarry.sky.polygons import Polygon
from skyquarry.sky.ranges import SKY_DEG2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from skyquarry.sky.covers import Cover, Scheme

__all__ = [
    "NOWHERE",
    "WHOLE",
    "Box",
    "Complement",
    "Cone",
    "Convex",
    "Ellipse",
    "Intersection",
    "Polygon",
    "Region",
    "Union",
    "Zone",
]

_SMALL = 0.02  # rad: cones up to a degree are searched for by the library


@dataclass(frozen=True)
class Cone(Region):
    """The points within `radius_arcsec` (0 to 648000) of a centre; a radius of 0 is the centre."""

    ra_deg: float
    dec_deg: float
    radius_arcsec: float
    frame: str = "icrs"
    cap: Cap = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain_numbers(self, "ra_deg", "dec_deg", "radius_arcsec")
        if not 0.0 <= self.radius_arcsec <= 648_000.0:
            raise RegionError(
                f"radius_arcsec is {self.radius_arcsec}, but a cone needs 0 to 648000 arcsec "
                "(180 degrees): is it in arcseconds?"
            )
        pole = direction(self.ra_deg, self.dec_deg, self.frame)
        object.__setattr__(self, "cap", Cap(pole, math.radians(self.radius_arcsec / 3600.0)))

    def _inside(self, xyz: Floats) -> Mask:
        return self.cap.contains(xyz)

    def relate(self, cells: Cells) -> Relation:
        """By one cap."""
        return self.cap.relate(cells)

    def cover(self, order: int | None = None, scheme: Scheme = "healpix") -> Cover:
        """As `Region.cover`; some 50 microseconds for a cone up to a degree."""
        if scheme == "healpix" and self.cap.angle_rad <= _SMALL:
            return small_cone_cover(self.cap, cone_order(self.cap) if order is None else order)
        return super().cover(order, scheme)

    def area(self) -> float:
        """Square degrees, exact."""
        return SKY_DEG2 * math.sin(0.5 * self.cap.angle_rad) ** 2


@dataclass(frozen=True)
class _Shape(Region):
    """A region that is known by a formula of caps, made once."""

    formula: Region = field(init=False, repr=False, compare=False)

    def _inside(self, xyz: Floats) -> Mask:
        return self.formula._inside(xyz)  # noqa: SLF001

    def relate(self, cells: Cells) -> Relation:
        """By the caps of the formula."""
        return self.formula.relate(cells)


@dataclass(frozen=True)
class HalfSpace(Region):
    """The points with n . x >= c: one cap as a region. Made by `Convex`, `Zone` and `Box`."""

    cap: Cap

    def _inside(self, xyz: Floats) -> Mask:
        return self.cap.contains(xyz)

    def relate(self, cells: Cells) -> Relation:
        """By one cap."""
        return self.cap.relate(cells)

    def area(self) -> float:
        """Square degrees, exact."""
        return SKY_DEG2 * math.sin(0.5 * max(self.cap.angle_rad, 0.0)) ** 2


@dataclass(frozen=True)
class Zone(_Shape):
    """The band between two declinations (of `frame`), both included."""

    dec_min: float
    dec_max: float
    frame: str = "icrs"

    def __post_init__(self) -> None:
        plain_numbers(self, "dec_min", "dec_max")
        check_latitudes(self.dec_min, self.dec_max)
        object.__setattr__(self, "formula", _band(self.dec_min, self.dec_max, self.frame))

    def area(self) -> float:
        """Square degrees, exact."""
        return _box_area(360.0, self.dec_min, self.dec_max)


@dataclass(frozen=True)
class Box(_Shape):
    """From `ra_min` eastward to `ra_max`, between two declinations; all edges are included.

    RA runs through 0h where `ra_min` is above `ra_max`: Box(350, 10, ...) is 20 degrees wide, as is
    Box(-10, 10, ...). 360 degrees or more is the whole ring; equal values are one meridian. A pole
    within the declinations belongs to the box whatever its RA.
    """

    ra_min: float
    ra_max: float
    dec_min: float
    dec_max: float
    frame: str = "icrs"

    def __post_init__(self) -> None:
        plain_numbers(self, "ra_min", "ra_max", "dec_min", "dec_max")
        if not (math.isfinite(self.ra_min) and math.isfinite(self.ra_max)):
            raise PositionError(
                f"RA runs from {self.ra_min} to {self.ra_max}; a box needs two finite numbers of "
                "degrees: try 0 and 360 for the whole ring"
            )
        check_latitudes(self.dec_min, self.dec_max)
        band = _band(self.dec_min, self.dec_max, self.frame)
        formula = band if self.width_deg >= 360.0 else Intersection.of(band, self._wedge())
        object.__setattr__(self, "formula", formula)

    @property
    def width_deg(self) -> float:
        """How far the box runs in RA: 0 to 360 degrees."""
        width = self.ra_max - self.ra_min
        return 360.0 if width >= 360.0 else width % 360.0

    def _wedge(self) -> Region:
        """Two meridian planes; up to 180 degrees what they share, beyond it what either allows."""
        west, east = math.radians(self.ra_min), math.radians(self.ra_min + self.width_deg)
        middle = 0.5 * (west + east)
        planes = [
            (-math.sin(west), math.cos(west), 0.0),
            (math.sin(east), -math.cos(east), 0.0),
        ]
        if self.width_deg > 180.0:
            return Union(tuple(_plane(n, self.frame) for n in planes))
        if self.width_deg <= 90.0:  # so that a meridian is not the whole great circle
            planes.append((math.cos(middle), math.sin(middle), 0.0))
        return Intersection(tuple(_plane(n, self.frame) for n in planes))

    def area(self) -> float:
        """Square degrees, exact."""
        return _box_area(self.width_deg, self.dec_min, self.dec_max)


@dataclass(frozen=True)
class Convex(_Shape):
    """What half-spaces n . x >= c share: [((nx, ny, nz), c), ...]; of none, the whole sky.

    n may have any length above zero; c is for a normal of length one, as in SkyServer's convexes.
    """

    half_spaces: tuple[tuple[tuple[float, float, float], float], ...]
    frame: str = "icrs"

    def __init__(self, half_spaces: Sequence[tuple[ArrayLike, float]], frame: str = "icrs") -> None:
        try:
            pairs = [(n, c) for n, c in half_spaces]
        except (TypeError, ValueError):
            raise RegionError(
                f"the half-spaces are {half_spaces!r}; a convex needs a list of pairs (normal, c): "
                "try [((0, 0, 1), 0.5)] for all north of 30 degrees"
            ) from None
        clean = tuple(_normalised(n, c) for n, c in pairs)
        object.__setattr__(self, "half_spaces", clean)
        object.__setattr__(self, "frame", frame)
        parts = [Cap.from_half_space(to_icrs(np.array(n), frame), c) for n, c in clean]
        object.__setattr__(self, "formula", Intersection(tuple(HalfSpace(p) for p in parts)))

    def area(self) -> float:
        """Square degrees; exact for one half-space, else as `Region.area`."""
        if len(self.half_spaces) == 1:
            c = min(max(self.half_spaces[0][1], -1.0), 1.0)
            return SKY_DEG2 * 0.5 * (1.0 - c)
        return super().area()


def _normalised(n: ArrayLike, c: float) -> tuple[tuple[float, float, float], float]:
    try:
        normal, limit = np.asarray(n, dtype=np.float64), float(c)
    except (TypeError, ValueError):
        normal, limit = np.empty(0), math.nan
    length = float(np.linalg.norm(normal)) if normal.shape == (3,) else math.nan
    if not (0.0 < length < math.inf and math.isfinite(limit)):
        raise RegionError(
            f"the half-space is n = {n!r}, c = {c!r}; it needs a normal of three finite "
            "numbers, not all 0, and a finite c: try ((0, 0, 1), 0.5) for all north of 30 degrees"
        )
    if abs(length - 1.0) > 4e-16:  # a unit vector stays as it is, digit by digit
        normal = normal / length
    x, y, z = normal.tolist()
    return (x, y, z), limit


def _plane(normal: tuple[float, float, float], frame: str) -> HalfSpace:
    return HalfSpace(Cap(to_icrs(np.array(normal), frame), 0.5 * math.pi))


def _band(low_deg: float, high_deg: float, frame: str) -> Region:
    """North of one parallel and south of another, as caps round the poles."""
    north = to_icrs(np.array((0.0, 0.0, 1.0)), frame)
    parts = []
    if low_deg > -90.0:
        parts.append(HalfSpace(Cap(north, math.radians(90.0 - low_deg))))
    if high_deg < 90.0:
        parts.append(HalfSpace(Cap(-north, math.radians(90.0 + high_deg))))
    return Intersection(tuple(parts))


def _box_area(width_deg: float, low_deg: float, high_deg: float) -> float:
    """The width times sin(high) - sin(low), written so that thin bands keep their digits."""
    half_sum, half_gap = (
        math.radians(0.5 * (high_deg + low_deg)),
        math.radians(0.5 * (high_deg - low_deg)),
    )
    return width_deg * math.degrees(2.0 * math.cos(half_sum) * math.sin(half_gap))
