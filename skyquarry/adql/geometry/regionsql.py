"""A region of the sky as a condition in plain SQL on x, y, z of a unit vector.

The forms are those of `sky.halfspaces.Cap.contains` and `sky.polygons.Polygon`, edges and all, so
that a row is chosen here where it is chosen there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.adql.kinds import literal
from skyquarry.errors import RegionError
from skyquarry.sky.algebra import Complement, Intersection, Union
from skyquarry.sky.halfspaces import EDGE
from skyquarry.sky.regions import Box, Cone, Convex, HalfSpace, Polygon, Zone

if TYPE_CHECKING:
    from skyquarry.sky.algebra import Region
    from skyquarry.sky.halfspaces import Cap, Floats

XYZ = tuple[str, str, str]
_DIRECT = 1.0  # rad from a pole within which coordinate differences are used, as in `halfspaces`
MAX_EDGES = 200
FEW_EDGES = 8
"""Of a polygon that is not convex: of more edges a function is quicker than conditions."""


def xyz_sql(ra: str, dec: str) -> XYZ:
    """The unit vector of a position in degrees, as `sky.vectors.to_xyz` has it."""
    lon, lat = f"radians({ra})", f"radians({dec})"
    return (f"(cos({lat}) * cos({lon}))", f"(cos({lat}) * sin({lon}))", f"sin({lat})")


def region_sql(region: Region, xyz: XYZ) -> str:
    """The condition that a unit vector lies in a region: NULL for a vector of NULLs.

    Raises RegionError for a region that has no form in SQL (an ellipse, a MOC).
    """
    if isinstance(region, Cone | HalfSpace):
        return cap_sql(region.cap, xyz)
    if isinstance(region, Box | Zone | Convex):
        return region_sql(region.formula, xyz)
    if isinstance(region, Intersection | Union):
        return _junction(region, xyz)
    if isinstance(region, Complement):
        return f"(NOT {region_sql(region.region, xyz)})"
    if isinstance(region, Polygon):
        return polygon_sql(region, xyz)
    raise RegionError(
        f"the region is {region!r:.60}, which has no form in SQL: use circles, boxes and polygons"
    )


def _junction(region: Intersection | Union, xyz: XYZ) -> str:
    everywhere = isinstance(region, Intersection)
    if not region.parts:
        return f"({xyz[0]} IS {'NOT ' if everywhere else ''}NULL)"
    word = " AND " if everywhere else " OR "
    return "(" + word.join(region_sql(part, xyz) for part in region.parts) + ")"


def cap_sql(cap: Cap, xyz: XYZ) -> str:
    """The condition that a unit vector lies in a cap: `Cap.contains`, digit by digit."""
    pole = vector(cap.pole)
    if cap.angle_rad < 0.0:
        return f"({xyz[0]} > 2)"
    if cap.angle_rad <= _DIRECT:
        limit = 2.0 * math.sin(0.5 * cap.angle_rad) + EDGE
        return f"({squared(xyz, pole, '-')} <= {literal(limit * limit)})"
    if cap.angle_rad >= math.pi - _DIRECT:
        limit = max(2.0 * math.sin(0.5 * (math.pi - cap.angle_rad)) - EDGE, 0.0)
        return f"({squared(xyz, pole, '+')} >= {literal(limit * limit)})"
    return f"({dot(xyz, pole)} >= {literal(math.cos(cap.angle_rad) - EDGE)})"


def polygon_sql(polygon: Polygon, xyz: XYZ) -> str:
    """Half-spaces where the polygon is convex, else a count of crossings."""
    edges = polygon._edges  # noqa: SLF001  (the same geometry)
    if len(edges) > MAX_EDGES:
        raise RegionError(
            f"the polygon has {len(edges):,} edges, but a REGION('...') of a query takes at most "
            f"{MAX_EDGES}: write POLYGON(...), give the rows of a region by catalog.region(...), "
            "or a coarser outline"
        )
    inward = _convex_normals(polygon)
    if inward is not None:
        tests = [f"{dot(xyz, vector(n))} >= {literal(-EDGE)}" for n in inward]
        return "(" + " AND ".join(tests) + ")"
    return _by_crossings(polygon, xyz)


def is_convex(polygon: Polygon) -> bool:
    """Whether it is what half-spaces have in common."""
    return _convex_normals(polygon) is not None


def _convex_normals(polygon: Polygon) -> Floats | None:
    """(n, 3) normals whose half-spaces have the polygon in common; None where it is not convex."""
    edges = polygon._edges  # noqa: SLF001
    for sign in (1.0, -1.0):
        heights = sign * (edges.normals @ edges.first.T)
        if (heights >= -1e-14).all() and _smaller_than_hemisphere(polygon):
            return np.asarray(sign * edges.normals)
    return None


def _smaller_than_hemisphere(polygon: Polygon) -> bool:
    corners = polygon._edges.first  # noqa: SLF001
    middle = corners.sum(axis=0)
    return bool((corners @ middle > 0.0).all()) and polygon.area() < 20_000.0


def _by_crossings(polygon: Polygon, xyz: XYZ) -> str:
    """Meridians from a point to a pole that cross an odd number of edges (`Edges.odd_crossings`).

    A point on an edge belongs to the side that rounding gives it to.
    """
    edges = polygon._edges  # noqa: SLF001
    lon = _longitude(edges.pole, xyz)
    terms = []
    for i in range(len(edges)):
        height = dot(xyz, vector(edges.normals[i]))
        west, east = literal(float(edges.west[i])), literal(float(edges.east[i]))
        word = "AND" if edges.west[i] <= edges.east[i] else "OR"
        below = "<" if edges.eastward[i] else ">"
        crossed = f"({west} <= {lon} {word} {lon} < {east}) AND {height} {below} 0"
        terms.append(f"CASE WHEN {crossed} THEN 1 ELSE 0 END")
    odd = 0 if polygon._pole_inside else 1  # noqa: SLF001
    return f"({xyz[0]} IS NOT NULL AND ({' + '.join(terms)}) % 2 = {odd})"


def _longitude(pole: Floats, xyz: XYZ) -> str:
    """Longitude round a pole, as `polygons` has it."""
    side = np.zeros(3)
    side[np.argmin(np.abs(pole))] = 1.0
    x = np.cross(side, pole)
    x /= np.linalg.norm(x)
    return f"atan2({dot(xyz, vector(np.cross(pole, x)))}, {dot(xyz, vector(x))})"


def vector(xyz: Floats) -> XYZ:
    """A vector of numbers as SQL."""
    x, y, z = (literal(float(each)) for each in xyz)
    return x, y, z


def dot(one: XYZ, other: XYZ) -> str:
    """The product of two vectors."""
    return f"({' + '.join(f'{a} * {b}' for a, b in zip(one, other, strict=True))})"


def squared(one: XYZ, other: XYZ, sign: str) -> str:
    """The squared length of a difference or sum of two vectors."""
    parts = [f"({a} {sign} {b})" for a, b in zip(one, other, strict=True)]
    return "(" + " + ".join(f"{part} * {part}" for part in parts) + ")"
