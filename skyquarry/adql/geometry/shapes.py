"""Points, circles, boxes and polygons of a query as plain SQL, and as regions of the sky.

A point is inside a region where sums of products of its unit vector say so, the same as
`Region.contains` computes: below a radian by the squared chord from coordinate differences, which
is right at a milliarcsecond, else by a half-space n . x >= c. Longitude 0h and the poles are places
like any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from skyquarry.adql.geometry.regionsql import (
    FEW_EDGES,
    MAX_EDGES,
    is_convex,
    region_sql,
    squared,
    xyz_sql,
)
from skyquarry.adql.kinds import literal
from skyquarry.sky.halfspaces import EDGE
from skyquarry.sky.regions import Cone, Convex, Polygon

if TYPE_CHECKING:
    from skyquarry.adql.terms import Term
    from skyquarry.sky.algebra import Region

XYZ = tuple[str, str, str]
_BAND = 1e-9
"""Degrees that a band of declinations is wider than need be."""


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees."""

    lon: Term
    lat: Term

    @property
    def parts(self) -> tuple[Term, ...]:
        """The numbers that it is made of."""
        return (self.lon, self.lat)

    @property
    def fixed(self) -> tuple[float, float] | None:
        """Its degrees, where both are constants."""
        if isinstance(self.lon.constant, int | float) and isinstance(
            self.lat.constant, int | float
        ):
            return float(self.lon.constant), float(self.lat.constant)
        return None

    def xyz(self) -> XYZ:
        """The unit vector, as `sky.vectors.to_xyz` has it."""
        if self.fixed is not None:
            lon, lat = (math.radians(each) for each in self.fixed)
            along = math.cos(lat)
            x, y, z = along * math.cos(lon), along * math.sin(lon), math.sin(lat)
            return literal(x), literal(y), literal(z)
        return xyz_sql(self.lon.sql, self.lat.sql)


@dataclass(frozen=True, slots=True)
class Circle:
    """The points within a radius in degrees."""

    center: Point
    radius: Term

    @property
    def parts(self) -> tuple[Term, ...]:
        """The numbers that it is made of."""
        return (*self.center.parts, self.radius)


@dataclass(frozen=True, slots=True)
class Box:
    """A cross of two great circles, and the great circles at right angles to its ends."""

    center: Point
    width: Term
    height: Term

    @property
    def parts(self) -> tuple[Term, ...]:
        """The numbers that it is made of."""
        return (*self.center.parts, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon with great circles for edges: the smaller of the two parts of the sky."""

    corners: tuple[Point, ...]

    @property
    def parts(self) -> tuple[Term, ...]:
        """The numbers that it is made of."""
        return tuple(part for corner in self.corners for part in corner.parts)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A region that is known as one: of REGION('...')."""

    region: Region

    @property
    def parts(self) -> tuple[Term, ...]:
        """It is made of no numbers that a row could hold."""
        return ()


Shape = Point | Circle | Box | Outline | Fixed


def region_of(shape: Shape) -> Region | None:
    """The region of the sky that a shape of constants is; None where a row has its numbers.

    Raises RegionError and PositionError for numbers that make no region.
    """
    if isinstance(shape, Fixed):
        return shape.region
    values = [part.constant for part in shape.parts]
    numbers = [float(each) for each in values if isinstance(each, int | float)]
    if len(numbers) != len(values):
        return None
    if isinstance(shape, Point):
        return Cone(numbers[0], numbers[1], 0.0)
    if isinstance(shape, Circle):
        return Cone(numbers[0], numbers[1], numbers[2] * 3600.0)
    if isinstance(shape, Box):
        return _box(*numbers)
    return _polygon(tuple(numbers))


@lru_cache(maxsize=32)
def _polygon(numbers: tuple[float, ...]) -> Polygon:
    """A polygon is asked for some times, and that its edges do not cross is worked out once."""
    return Polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


def of_many_corners(shape: Shape) -> Polygon | None:
    """The polygon whose conditions would take longer than a function; None for other shapes."""
    if not (isinstance(shape, Outline) and len(shape.corners) > FEW_EDGES):
        return None
    region = region_of(shape)
    if not isinstance(region, Polygon):
        return None
    return None if len(shape.corners) <= MAX_EDGES and is_convex(region) else region


def _box(lon: float, lat: float, width: float, height: float) -> Convex:
    """Four half-spaces: at the ends of the arms, great circles at right angles to them."""
    from skyquarry.errors import RegionError
    from skyquarry.sky.placing import direction, north_and_east

    if not (0.0 < width <= 180.0 and 0.0 < height <= 180.0):
        raise RegionError(
            f"the box is {width} by {height} degrees, but each needs more than 0 and at most 180"
        )
    middle = direction(lon, lat, "icrs")
    north, east = north_and_east(lon, lat, "icrs")
    sides = [
        (math.radians(0.5 * size), sign * along)
        for size, along in ((width, east), (height, north))
        for sign in (1.0, -1.0)
    ]
    return Convex(
        [(math.sin(half) * middle - math.cos(half) * along, 0.0) for half, along in sides]
    )


def numbers_of(region: Region) -> tuple[float, ...] | None:
    """A region as DALI's list of numbers: a circle or polygon; None for others."""
    if isinstance(region, Cone) and region.frame == "icrs":
        return (region.ra_deg, region.dec_deg, region.radius_arcsec / 3600.0)
    if isinstance(region, Polygon) and region.frame == "icrs" and region.interior == "smaller":
        return tuple(each for pair in region.vertices for each in pair)
    return None


# ------------------------------------------------------------------ as conditions
def contains_point(shape: Shape, point: Point) -> str | None:
    """The condition that a point lies in a shape, edges included; None where there is no form."""
    region = region_of(shape)
    if region is not None:
        return region_sql(region, point.xyz())
    if isinstance(shape, Point):
        return f"({chord2(shape, point)} <= {literal(EDGE * EDGE)})"
    if isinstance(shape, Circle):
        return _in_circle(shape, point)
    if isinstance(shape, Box):
        return _in_box(shape, point)
    return None


def _in_circle(circle: Circle, point: Point) -> str:
    radius = circle.radius.constant
    if isinstance(radius, int | float):
        return near(circle.center, point, float(radius), "<=") if radius >= 0 else "FALSE"
    half = f"sin(radians(least({circle.radius.sql}, 180)) / 2)"
    limit = f"(2 * {half} + {literal(EDGE)})"
    away = chord2(circle.center, point)
    return f"({circle.radius.sql} >= 0 AND {away} <= {limit} * {limit})"


def within(near: str, radius_deg: float, sign: str) -> str:
    """A squared chord compared with a radius of 0 to 180 degrees."""
    limit = 2.0 * math.sin(0.5 * math.radians(radius_deg)) + (EDGE if "=" in sign else 0.0)
    return f"({near} {sign} {literal(limit * limit)})"


def _band(one: Point, other: Point, radius_deg: float) -> str:
    """What a join goes by: declinations can differ by no more than the radius."""
    if one.fixed is not None or other.fixed is not None:
        return ""
    reach = literal(radius_deg + _BAND)
    low, high = f"{one.lat.sql} - {reach}", f"{one.lat.sql} + {reach}"
    return f" AND {other.lat.sql} BETWEEN {low} AND {high}"


def near(one: Point, other: Point, radius_deg: float, sign: str) -> str:
    """The condition that two points are nearer than a radius of 0 degrees or more, or as near."""
    test = within(chord2(one, other), min(radius_deg, 180.0), sign)
    return f"({test}{_band(one, other, radius_deg)})"


def _in_box(box: Box, point: Point) -> str:
    """The same four half-spaces, with the box's numbers from a row."""
    lon, lat = f"radians({box.center.lon.sql})", f"radians({box.center.lat.sql})"
    x, y, z = point.xyz()
    middle = dot(box.center.xyz(), (x, y, z))
    east = f"({y} * cos({lon}) - {x} * sin({lon}))"
    north = f"({z} * cos({lat}) - sin({lat}) * ({x} * cos({lon}) + {y} * sin({lon})))"
    tests = []
    for size, along in ((box.width.sql, east), (box.height.sql, north)):
        half = f"radians({size}) / 2"
        bound = f"sin({half}) * {middle} + {literal(EDGE)}"
        tests.append(f"{size} > 0 AND {bound} >= abs(cos({half}) * {along})")
    return f"({' AND '.join(tests)})"


def touching(one: Shape, other: Shape) -> str | None:
    """The condition that two shapes have a point in common; None where there is no form."""
    if isinstance(one, Point):
        return contains_point(other, one)
    if isinstance(other, Point):
        return contains_point(one, other)
    if isinstance(one, Circle) and isinstance(other, Circle):
        away = separation(one.center, other.center)
        return f"({away} <= {one.radius.sql} + {other.radius.sql})"
    return None


def contains_shape(outer: Shape, inner: Shape) -> str | None:
    """The condition that one shape lies wholly in another; None where there is no form."""
    if isinstance(inner, Point):
        return contains_point(outer, inner)
    if isinstance(outer, Circle) and isinstance(inner, Circle):
        away = separation(outer.center, inner.center)
        return f"({away} + {inner.radius.sql} <= {outer.radius.sql})"
    return None


# ------------------------------------------------------------------ as numbers
def dot(one: XYZ, other: XYZ) -> str:
    """The product of two vectors."""
    return f"({' + '.join(f'{a} * {b}' for a, b in zip(one, other, strict=True))})"


def chord2(one: Point, other: Point) -> str:
    """The squared chord between two points, from differences."""
    return squared(one.xyz(), other.xyz(), "-")


def separation(one: Point, other: Point) -> str:
    """Degrees between two points, exact from 0 to 180: 2 atan2(|a - b|, |a + b|)."""
    a, b = one.xyz(), other.xyz()
    return f"degrees(2 * atan2(sqrt({squared(a, b, '-')}), sqrt({squared(a, b, '+')})))"


def area(shape: Shape) -> str | None:
    """Square degrees; None for a polygon whose corners a row holds."""
    if isinstance(shape, Point):
        return "0e0"
    if isinstance(shape, Box):
        # of a pyramid whose sides make these angles at its tip, 4 asin(sin(w/2) sin(h/2))
        width, height = (f"sin(radians({each.sql}) / 2)" for each in (shape.width, shape.height))
        fits = " AND ".join(
            f"{each.sql} > 0 AND {each.sql} <= 180" for each in (shape.width, shape.height)
        )
        scale = literal(4.0 * math.degrees(1.0) ** 2)
        return f"(CASE WHEN {fits} THEN {scale} * asin({width} * {height}) END)"
    region = region_of(shape)
    if region is not None:
        return literal(region.area())
    if isinstance(shape, Circle):
        # 4 pi sin^2(r/2) steradian, which keeps its digits for small circles
        whole = literal(4.0 * math.pi * math.degrees(1.0) ** 2)
        return f"({whole} * power(sin(radians({shape.radius.sql}) / 2), 2))"
    return None
