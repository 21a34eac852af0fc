"""ADQL's geometrical functions: shapes, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.calls.casting import geometry_term
from skyquarry.adql.geometry import shapes as geometry
from skyquarry.adql.geometry.manycorners import carried
from skyquarry.adql.geometry.shapes import Box, Circle, Fixed, Outline, Point, Shape
from skyquarry.adql.kinds import WORDS, literal
from skyquarry.adql.terms import Narrow, Narrowing, Near, Term, Truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.making import Maker
    from skyquarry.adql.text.syntax import Call
    from skyquarry.sky.algebra import Region

    Terms = tuple[Term, ...]


def called(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The value of a geometrical function."""
    return MAKERS[tree.key](maker, tree, arguments)


# ------------------------------------------------------------------ shapes
_NO_DEGREES: Final = ("rad", "15deg", "hourangle")
"""Units in which columns of positions may say that they are."""


def _point(maker: Maker, tree: Call, arguments: Terms) -> Term:
    return geometry_term(_position(maker, tree.key, arguments), tree, "point")


def _position(maker: Maker, key: str, arguments: Terms) -> Point:
    """A point of two numbers, or of one point."""
    if len(arguments) == 1:
        return point_of(maker, arguments[0])
    lon, lat = (maker.number(each, key) for each in arguments)
    for each in (lon, lat):
        if each.unit in _NO_DEGREES:
            raise maker.error(
                each, f"is in {each.unit}, but {key} takes degrees: write IN_UNIT(..., 'deg') of it"
            )
    if isinstance(lat.constant, int | float) and not -90 <= lat.constant <= 90:
        raise maker.error(lat, "is no declination, which runs from -90 to 90 degrees")
    return Point(lon, lat)


def _circle(maker: Maker, tree: Call, arguments: Terms) -> Term:
    center = _position(maker, tree.key, arguments[:-1])
    radius = maker.number(arguments[-1], "a radius")
    if isinstance(radius.constant, int | float) and not 0 <= radius.constant <= 180:
        raise maker.error(radius, "is no radius, which runs from 0 to 180 degrees")
    return _checked(tree, Circle(center, radius))


def _box(maker: Maker, tree: Call, arguments: Terms) -> Term:
    center = _position(maker, tree.key, arguments[:-2])
    width, height = (maker.number(each, "a box's side") for each in arguments[-2:])
    return _checked(tree, Box(center, width, height))


def _polygon(maker: Maker, tree: Call, arguments: Terms) -> Term:
    if any(each.kind == "geometry" for each in arguments):
        corners = [point_of(maker, each) for each in arguments]
    else:
        pairs = zip(arguments[::2], arguments[1::2], strict=False)
        corners = [_position(maker, tree.key, pair) for pair in pairs]
    if len(arguments) % 2 and arguments[0].kind != "geometry":
        raise maker.error(tree, "has an odd number of coordinates, but each corner needs two")
    return _checked(tree, Outline(tuple(corners)))


def _region(maker: Maker, tree: Call, arguments: Terms) -> Term:
    from skyquarry.sky.regiontext import region_from_text

    text = arguments[0].constant
    if not isinstance(text, str):
        raise maker.error(arguments[0], "is no text in quotes, but REGION needs one")
    term = _checked(tree, Fixed(region_from_text(text)))
    return replace(term, sql=arguments[0].sql)


def _checked(tree: Call, shape: Shape) -> Term:
    """The shape as a value; a region that cannot be is refused here, not at the first row."""
    geometry.region_of(shape)
    return geometry_term(shape, tree, tree.key.lower())


def shape_of(maker: Maker, term: Term) -> Shape:
    """The shape that a value is; QueryError for what is none."""
    if term.shape is None:
        raise maker.error(
            term, f"is {WORDS[term.kind]}, but a geometry is needed: POINT(ra, dec), CIRCLE(...)"
        )
    return term.shape


def point_of(maker: Maker, term: Term) -> Point:
    """The point that a value is."""
    shape = shape_of(maker, term)
    if not isinstance(shape, Point):
        raise maker.error(term, "is no point, but one is needed: try CENTROID(...)")
    return shape


def _centroid(maker: Maker, tree: Call, arguments: Terms) -> Term:
    shape = shape_of(maker, arguments[0])
    if isinstance(shape, Point):
        return geometry_term(shape, tree, "centroid")
    if isinstance(shape, Circle | Box):
        return geometry_term(shape.center, tree, "centroid")
    middle = _middle(shape)
    if middle is None:
        return _middle_of_rows(maker, tree, arguments[0])
    constants = [Term(literal(each), "float", tree.span, constant=each) for each in middle]
    return geometry_term(Point(*constants), tree, "centroid")


def _middle(shape: Shape) -> tuple[float, float] | None:
    """The direction of a polygon's mean vector; None where its corners are no constants."""
    import numpy as np

    from skyquarry.adql.geometry.measuring import middles_of
    from skyquarry.sky.vectors import to_xyz

    region = geometry.region_of(shape)
    corners = getattr(region, "vertices", None)
    if corners is None:
        return None
    ra, dec = middles_of(to_xyz(*np.array(corners).T)[None, :, :])[0]
    return float(ra), float(dec)


def _middle_of_rows(maker: Maker, tree: Call, polygon: Term) -> Term:
    """The middle of a polygon whose corners rows hold, by a function of ours."""
    if not isinstance(polygon.shape, Outline):
        raise maker.error(tree, "has no form for this REGION: give a circle or a polygon")
    maker.state.functions.add("sky_middle")
    sql = f"sky_middle({polygon.sql})"
    lon, lat = (maker.made(f"{sql}[{i}]", "float", tree, (polygon,), unit="deg") for i in (1, 2))
    return geometry_term(Point(lon, lat), tree, "centroid")


# ------------------------------------------------------------------ numbers
def _coordinate(maker: Maker, tree: Call, arguments: Terms) -> Term:
    point = point_of(maker, arguments[0])
    term = point.lon if tree.key == "COORD1" else point.lat
    return replace(term, span=tree.span, name=tree.key.lower(), unit="deg")


def _frame(maker: Maker, tree: Call, arguments: Terms) -> Term:
    shape_of(maker, arguments[0])
    return Term("'ICRS'", "text", tree.span, "coordsys", constant="ICRS")


def _area(maker: Maker, tree: Call, arguments: Terms) -> Term:
    found = geometry.area(shape_of(maker, arguments[0]))
    if found is None:
        maker.state.functions.add("sky_area")
        found = f"sky_area({arguments[0].sql})"
    return maker.made(found, "float", tree, arguments, name="area", unit="deg2")


def _distance(maker: Maker, tree: Call, arguments: Terms) -> Term:
    if len(arguments) == 2:
        ends = point_of(maker, arguments[0]), point_of(maker, arguments[1])
    else:
        halves = arguments[:2], arguments[2:]
        ends = tuple(_position(maker, tree.key, half) for half in halves)  # type: ignore[assignment]
    sql = geometry.separation(*ends)
    made = maker.made(sql, "float", tree, arguments, name="distance", unit="deg")
    return replace(made, distance=ends)


# ------------------------------------------------------------------ conditions
def _contains(maker: Maker, tree: Call, arguments: Terms) -> Term:
    inner, outer = (shape_of(maker, each) for each in arguments)
    sql = _by_corners(maker, inner, outer) or geometry.contains_shape(outer, inner)
    sql = sql or _by_rows(maker, "sky_containing", outer, inner)
    made = _asked(maker, tree, arguments, sql, _narrowing(maker, inner, outer))
    return _with_near(made, inner, outer)


def _with_near(term: Term, inner: Shape, outer: Shape) -> Term:
    """The same, knowing that a point in a circle of fixed radius is near its middle."""
    if not (isinstance(inner, Point) and isinstance(outer, Circle)):
        return term
    radius = outer.radius.constant
    fixed = inner.fixed is not None or outer.center.fixed is not None
    if fixed or not isinstance(radius, int | float) or term.truth is None:
        return term
    near = Near(inner, outer.center, float(radius))
    return replace(term, truth=replace(term.truth, near=(near,)))


def _intersects(maker: Maker, tree: Call, arguments: Terms) -> Term:
    one, other = (shape_of(maker, each) for each in arguments)
    sql = _by_corners(maker, one, other) or _by_corners(maker, other, one)
    sql = sql or geometry.touching(one, other) or _by_rows(maker, "sky_touching", one, other)
    narrowing = _narrowing(maker, one, other) or _narrowing(maker, other, one)
    return _asked(maker, tree, arguments, sql, narrowing)


def _by_corners(maker: Maker, point: Shape, outer: Shape) -> str | None:
    """The condition that a point lies in a polygon of many corners; None for other shapes."""
    polygon = geometry.of_many_corners(outer)
    if polygon is None or not isinstance(point, Point):
        return None
    name = carried(polygon)
    maker.state.functions.add(name)
    ra, dec = (f"CAST({part.sql} AS DOUBLE)" for part in point.parts)
    return f"{name.partition('=')[0]}({ra}, {dec})"


def _by_rows(maker: Maker, name: str, one: Shape, other: Shape) -> str | None:
    """A condition of two shapes by a function of ours; None for a region that is no list."""
    lists = [_listed(each) for each in (one, other)]
    if lists[0] is None or lists[1] is None:
        return None
    maker.state.functions.add(name)
    return f"{name}({lists[0]}, {lists[1]})"


def _listed(shape: Shape) -> str | None:
    """The SQL of a shape as the list of its numbers."""
    parts = [part.sql for part in shape.parts]
    if isinstance(shape, Fixed):
        numbers = geometry.numbers_of(shape.region)
        if numbers is None:
            return None
        parts = [literal(each) for each in numbers]
    return f"[{', '.join(f'CAST({each} AS DOUBLE)' for each in parts)}]"


def _asked(
    maker: Maker, tree: Call, arguments: Terms, sql: str | None, narrowing: Narrowing
) -> Term:
    if sql is None:
        raise maker.error(
            tree,
            f"has no form for these two shapes: beside a point, {tree.key} takes a REGION that is "
            "a circle or a polygon",
        )
    otherwise = {scan: Narrow(~each.region) for scan, each in narrowing.items() if each.region}
    made = maker.made(
        f"(CASE WHEN {sql} THEN 1 WHEN NOT {sql} THEN 0 END)",
        "integer",
        tree,
        arguments,
        name=tree.key.lower(),
    )
    truth = Truth(sql, narrowing, otherwise, made.free, made.aggregated)
    return replace(made, truth=truth)


def _narrowing(maker: Maker, inner: Shape, outer: Shape) -> Narrowing:
    """Which scan the region of the outer shape narrows: the one whose position is the inner."""
    region = geometry.region_of(outer)
    if region is None or not isinstance(inner, Point):
        return {}
    return narrowed_to(maker, inner, region)


def narrowed_to(maker: Maker, point: Point, region: Region) -> Narrowing:
    """What it narrows that a point lies in a region: the scan whose rows' position it is."""
    scan = scan_of_position(maker, point)
    return {} if scan is None else {scan: Narrow(region)}


def scan_of_position(maker: Maker, point: Point) -> int | None:
    """The scan of whose rows a point is the position, by which they lie in tiles; else None."""
    ends = [part.column.origin if part.column else None for part in point.parts]
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        return None
    source = getattr(maker.state.scans[ends[0][0]].table, "source", None)
    if source is None or (source.roles.ra, source.roles.dec) != (ends[0][1], ends[1][1]):
        return None
    return ends[0][0]


MAKERS: Final[dict[str, Callable[[Maker, Call, Any], Term]]] = {
    "POINT": _point,
    "CIRCLE": _circle,
    "BOX": _box,
    "POLYGON": _polygon,
    "REGION": _region,
    "CENTROID": _centroid,
    "COORD1": _coordinate,
    "COORD2": _coordinate,
    "COORDSYS": _frame,
    "AREA": _area,
    "DISTANCE": _distance,
    "CONTAINS": _contains,
    "INTERSECTS": _intersects,
}
