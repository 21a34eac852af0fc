"""Functions of services about places: cells of the sky, frames, and other epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql.calls.casting import geometry_term
from skyquarry.adql.calls.geocalls import point_of, scan_of_position, shape_of
from skyquarry.adql.database import functions
from skyquarry.adql.geometry.regionsql import dot, vector
from skyquarry.adql.geometry.shapes import Circle, Outline, Point
from skyquarry.adql.kinds import quoted
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.adql.making import Maker
    from skyquarry.adql.text.syntax import Call

    Terms = tuple[Term, ...]


# ------------------------------------------------------------------ cells of the sky
def healpix_index(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The nested pixel of a place; the stored one, shifted, where rows are sorted by it."""
    order = _constant(maker, arguments[0], 0, 29, "an order")
    point = _point(maker, tree, arguments[1:])
    stored = _spatial(maker, point)
    if stored is not None:
        sql = f"({stored} >> {2 * (29 - order)})"
        return maker.made(sql, "integer", tree, point.parts, name="healpix")
    maker.state.functions.add("sky_healpix")
    sql = _python("sky_healpix", (*point.parts, arguments[0]))
    return maker.made(sql, "integer", tree, point.parts, name="healpix")


def _spatial(maker: Maker, point: Point) -> str | None:
    """The stored column of order-29 pixels of the rows whose position a point is."""
    number = scan_of_position(maker, point)
    if number is None:
        return None
    scan: Any = maker.state.scans[number]
    spatial = scan.table.source.stored.spatial
    alias = point.lon.sql.partition(".")[0]
    if not spatial.exact or alias != scan.alias or spatial.column not in scan.table.schema.names:
        return None
    scan.columns[spatial.column] = None
    return f"{alias}.{quoted(spatial.column)}"


def healpix_center(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The middle of a pixel."""
    _constant(maker, arguments[0], 0, 29, "an order")
    pixel = whole(maker, tree, arguments[1])
    maker.state.functions.add("sky_healpix_center")
    return _listed_point(maker, tree, "sky_healpix_center", (pixel, arguments[0]))


def htm_id(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """The trixel of a place, by SkyServer's numbers."""
    level = _constant(maker, arguments[2], 0, 24, "a level") if len(arguments) > 2 else 20
    point = _point(maker, tree, arguments[:2])
    maker.state.functions.add("sky_htm")
    at = Term(str(level), "integer", tree.span, constant=level)
    sql = _python("sky_htm", (*point.parts, at))
    return maker.made(sql, "integer", tree, point.parts, name="htm")


def gaia_healpix(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """Gaia's source_id holds the order-12 pixel above its 35 lower bits."""
    order = _constant(maker, arguments[0], 0, 12, "an order")
    of = whole(maker, tree, arguments[1])
    sql = f"({of.sql} >> {35 + 2 * (12 - order)})"
    return maker.made(sql, "integer", tree, (of,), name="healpix")


def _point(maker: Maker, tree: Call, arguments: Terms) -> Point:
    if len(arguments) == 1:
        return point_of(maker, arguments[0])
    lon, lat = (maker.number(each, tree.name) for each in arguments)
    return Point(lon, lat)


def _constant(maker: Maker, term: Term, low: int, high: int, what: str) -> int:
    value: Any = term.constant
    if not isinstance(value, int) or not low <= value <= high:
        raise maker.error(term, f"stands where {what} is needed: a number from {low} to {high}")
    return value


def _python(name: str, arguments: Terms) -> str:
    types = functions.PYTHON[name].takes
    cast = (f"CAST({each.sql} AS {type_})" for each, type_ in zip(arguments, types, strict=True))
    return f"{name}({', '.join(cast)})"


def _listed_point(maker: Maker, tree: Call, name: str, arguments: Terms) -> Term:
    """A point from a function that gives the list of its two coordinates."""
    sql = _python(name, arguments)
    lon, lat = (maker.made(f"{sql}[{i}]", "float", tree, arguments, unit="deg") for i in (1, 2))
    return geometry_term(Point(lon, lat), tree, "point")


# ------------------------------------------------------------------ frames and epochs
def epoch_prop_pos(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """A place at another epoch; of six arguments parallax and radial velocity are left out."""
    numbers = tuple(maker.number(each, tree.name) for each in arguments)
    if len(numbers) == 6:
        unknown = Term("NULL", "null", tree.span)
        numbers = (*numbers[:2], unknown, *numbers[2:4], unknown, *numbers[4:])
    maker.state.functions.add("sky_moved")
    return _listed_point(maker, tree, "sky_moved", numbers)


def epoch_prop(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """All six parameters at another epoch: the list of ra, dec, parallax, pmra, pmdec, velocity."""
    numbers = tuple(maker.number(each, tree.name) for each in arguments)
    maker.state.functions.add("sky_propagated")
    sql = _python("sky_propagated", numbers)
    return maker.made(sql, "list", tree, numbers, name="epoch_prop")


def transform(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """A point, circle or polygon in another frame."""
    frames = [_frame(maker, each) for each in arguments[:2]]
    matrix = frames[1] @ frames[0].T
    shape = shape_of(maker, arguments[2])
    if isinstance(shape, Point):
        return geometry_term(_turned(maker, tree, shape, matrix), tree, "point")
    if isinstance(shape, Circle):
        center = _turned(maker, tree, shape.center, matrix)
        return geometry_term(Circle(center, shape.radius), tree, "circle")
    if isinstance(shape, Outline):
        corners = tuple(_turned(maker, tree, each, matrix) for each in shape.corners)
        return geometry_term(Outline(corners), tree, "polygon")
    raise maker.error(arguments[2], "is no point, circle or polygon, but one is needed")


def _frame(maker: Maker, term: Term) -> NDArray[Any]:
    """The matrix from ICRS to the frame of that name."""
    import numpy as np

    from skyquarry.sky.frames import FRAMES, rotation

    known = (*FRAMES, "fk5")
    name = str(term.constant).lower()
    if name not in known:
        listed = ", ".join(f"'{each.upper()}'" for each in known)
        raise maker.error(term, f"is no frame that is known here: write one of {listed}")
    return np.array(_FK5) if name == "fk5" else rotation(name)


_FK5: Final = (
    (0.9999999999999921, -1.1102233297408327e-07, -4.411804498096771e-08),
    (1.1102233723050035e-07, 0.9999999999999889, 9.647792246010129e-08),
    (4.411803426976326e-08, -9.647792751958126e-08, 0.9999999999999943),
)
"""From ICRS to FK5 of J2000, the frame's bias as astropy has it (Hilton & Hohenkerk 2004)."""


def _turned(maker: Maker, tree: Call, point: Point, matrix: NDArray[Any]) -> Point:
    """Longitude (0 to 360) and latitude of a point in another frame."""
    x, y, z = (dot(point.xyz(), vector(row)) for row in matrix)
    angle = f"degrees(atan2({y}, {x}))"
    lon = f"(CASE WHEN {angle} < 0 THEN {angle} + 360 ELSE {angle} END)"
    lat = f"degrees(atan2({z}, sqrt({x} * {x} + {y} * {y})))"
    made = [maker.made(sql, "float", tree, point.parts, unit="deg") for sql in (lon, lat)]
    return Point(made[0], made[1])


def galactic(maker: Maker, tree: Call, arguments: Terms) -> Term:
    """Galactic longitude or latitude of a place."""
    from skyquarry.sky.frames import rotation

    there = _turned(maker, tree, _point(maker, tree, arguments), rotation("galactic"))
    along = tree.key == "GALACTIC_LONGITUDE"
    return there.lon.called("l") if along else there.lat.called("b")


def whole(maker: Maker, tree: Call, term: Term) -> Term:
    """A whole number; QueryError for another."""
    found = maker.number(term, tree.name)
    if found.kind not in ("integer", "null"):
        raise maker.error(term, f"is no whole number, but {tree.name} needs one here")
    return found
