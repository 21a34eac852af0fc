"""Functions that ADQL leaves to services: IVOA's catalogue of them, Gaia's, and some of ours.

Most are plain SQL. Those that are not are Python's (`functions`), named by `needs`; they have no
form on a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.adql import arraycalls, functions
from skyquarry.adql.casting import geometry_term
from skyquarry.adql.geocalls import point_of, scan_of_position
from skyquarry.adql.geometry import Point
from skyquarry.adql.kinds import literal, quoted
from skyquarry.adql.regionsql import dot, vector
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.resolving import Resolver
    from skyquarry.adql.syntax import Call

    Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a service: how it is made, and how it is written."""

    make: Callable[[Resolver, Call, Any], Term]
    counts: tuple[int, ...]
    """How many arguments it may have."""
    usage: str


def called(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    """The value of such a function."""
    function = FUNCTIONS[tree.key]
    if len(arguments) not in function.counts:
        raise resolver.error(tree, f"has other arguments than it takes: {function.usage}")
    return function.make(resolver, tree, arguments)


# ------------------------------------------------------------------ cells of the sky
def _healpix_index(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    order = _constant(resolver, arguments[0], 0, 29, "an order")
    point = _point(resolver, tree, arguments[1:])
    stored = _spatial(resolver, point)
    if stored is not None:
        sql = f"({stored} >> {2 * (29 - order)})"
        return resolver.made(sql, "integer", tree, point.parts, name="healpix")
    resolver.state.functions.add("sky_healpix")
    sql = _python("sky_healpix", (*point.parts, arguments[0]))
    return resolver.made(sql, "integer", tree, point.parts, name="healpix")


def _spatial(resolver: Resolver, point: Point) -> str | None:
    """The stored column of order-29 pixels of the rows whose position a point is."""
    number = scan_of_position(resolver, point)
    if number is None:
        return None
    scan: Any = resolver.state.scans[number]
    spatial = scan.table.source.stored.spatial
    alias = point.lon.sql.partition(".")[0]
    if not spatial.exact or alias != scan.alias or spatial.column not in scan.table.schema.names:
        return None
    scan.columns[spatial.column] = None
    return f"{alias}.{quoted(spatial.column)}"


def _healpix_center(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    _constant(resolver, arguments[0], 0, 29, "an order")
    pixel = resolver.number(arguments[1], tree.name)
    resolver.state.functions.add("sky_healpix_center")
    return _listed_point(resolver, tree, "sky_healpix_center", (pixel, arguments[0]))


def _htm_id(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    level = _constant(resolver, arguments[2], 0, 24, "a level") if len(arguments) > 2 else 20
    point = _point(resolver, tree, arguments[:2])
    resolver.state.functions.add("sky_htm")
    at = Term(str(level), "integer", tree.span, constant=level)
    sql = _python("sky_htm", (*point.parts, at))
    return resolver.made(sql, "integer", tree, point.parts, name="htm")


def _gaia_healpix(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    """Gaia's source_id holds the order-12 pixel above its 35 lower bits."""
    order = _constant(resolver, arguments[0], 0, 12, "an order")
    of = resolver.number(arguments[1], tree.name)
    sql = f"({of.sql} >> {35 + 2 * (12 - order)})"
    return resolver.made(sql, "integer", tree, (of,), name="healpix")


def _point(resolver: Resolver, tree: Call, arguments: Terms) -> Point:
    if len(arguments) == 1:
        return point_of(resolver, arguments[0])
    lon, lat = (resolver.number(each, tree.name) for each in arguments)
    return Point(lon, lat)


def _constant(resolver: Resolver, term: Term, low: int, high: int, what: str) -> int:
    value: Any = term.constant
    if not isinstance(value, int) or not low <= value <= high:
        raise resolver.error(term, f"stands where {what} is needed: a number from {low} to {high}")
    return value


def _python(name: str, arguments: Terms) -> str:
    types = functions.PYTHON[name].takes
    cast = (f"CAST({each.sql} AS {type_})" for each, type_ in zip(arguments, types, strict=True))
    return f"{name}({', '.join(cast)})"


def _listed_point(resolver: Resolver, tree: Call, name: str, arguments: Terms) -> Term:
    """A point from a function that gives the list of its two coordinates."""
    sql = _python(name, arguments)
    lon, lat = (resolver.made(f"{sql}[{i}]", "float", tree, arguments, unit="deg") for i in (1, 2))
    return geometry_term(Point(lon, lat), tree, "point")


# ------------------------------------------------------------------ frames and epochs
def _epoch_prop_pos(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    numbers = tuple(resolver.number(each, tree.name) for each in arguments)
    resolver.state.functions.add("sky_moved")
    return _listed_point(resolver, tree, "sky_moved", numbers)


def _epoch_prop(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    """All six parameters at another epoch: the list of ra, dec, parallax, pmra, pmdec, velocity."""
    numbers = tuple(resolver.number(each, tree.name) for each in arguments)
    resolver.state.functions.add("sky_propagated")
    sql = _python("sky_propagated", numbers)
    return resolver.made(sql, "list", tree, numbers, name="epoch_prop")


def _normal_random(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    """By Box and Muller."""
    mean, sigma = (resolver.number(each, tree.name) for each in arguments)
    drawn = "(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"
    sql = f"({mean.sql} + {sigma.sql} * {drawn})"
    return resolver.made(sql, "float", tree, (mean, sigma), name="normal", unit=mean.unit)


def _transform(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    frames = [str(each.constant).lower() for each in arguments[:2]]
    point = point_of(resolver, arguments[2])
    lon, lat = _turned(resolver, tree, point, *frames)
    return geometry_term(Point(lon, lat), tree, "point")


def _turned(
    resolver: Resolver, tree: Call, point: Point, one: str, other: str
) -> tuple[Term, Term]:
    """Longitude (0 to 360) and latitude of a point in another frame."""
    from skyquarry.sky.frames import rotation

    matrix = rotation(other) @ rotation(one).T
    x, y, z = (dot(point.xyz(), vector(row)) for row in matrix)
    angle = f"degrees(atan2({y}, {x}))"
    lon = f"(CASE WHEN {angle} < 0 THEN {angle} + 360 ELSE {angle} END)"
    lat = f"degrees(atan2({z}, sqrt({x} * {x} + {y} * {y})))"
    made = [resolver.made(sql, "float", tree, point.parts, unit="deg") for sql in (lon, lat)]
    return made[0], made[1]


def _galactic(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    point = _point(resolver, tree, arguments)
    lon, lat = _turned(resolver, tree, point, "icrs", "galactic")
    return lon.called("l") if tree.key == "GALACTIC_LONGITUDE" else lat.called("b")


def _julian(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    zero = 40_587.0 if tree.key.endswith("MJD") else 2_440_587.5
    of = arguments[0]
    if of.kind != "time":
        from skyquarry.adql.casting import moment

        made = moment(resolver, of)
        if made is None:
            raise resolver.error(of, "is no moment: CAST it to TIMESTAMP")
        of = made
    sql = f"(epoch_us({of.sql}) / 86400e6 + {literal(zero)})"
    return resolver.made(sql, "float", tree, (of,), name=tree.key[-3:].lower(), unit="d")


# ------------------------------------------------------------------ texts, flags, intervals
def _hashlist_has(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    has, item = (resolver.text(each, tree.name) for each in arguments)
    test = f"list_contains(string_split(lower({has.sql}), '#'), lower({item.sql}))"
    return _as_number(resolver, tree, test, (has, item))


def _hasword(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    has, word = (resolver.text(each, tree.name) for each in arguments)
    words = f"string_split_regex(lower({has.sql}), '[^a-z0-9]+')"
    return _as_number(resolver, tree, f"list_contains({words}, lower({word.sql}))", (has, word))


def _nocasematch(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    of, pattern = (resolver.text(each, tree.name) for each in arguments)
    return _as_number(resolver, tree, f"{of.sql} ILIKE {pattern.sql}", (of, pattern))


def _overlaps(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    a, b, c, d = (resolver.number(each, tree.name) for each in arguments)
    return _as_number(resolver, tree, f"{a.sql} <= {d.sql} AND {c.sql} <= {b.sql}", (a, b, c, d))


def _bits(resolver: Resolver, tree: Call, arguments: Terms) -> Term:
    a, b = (_whole(resolver, tree, each) for each in arguments)
    sign = "|" if tree.key == "BITWISE_OR" else "&"
    if tree.key == "HAS_FLAG":
        return _as_number(resolver, tree, f"({a.sql} & {b.sql}) <> 0", (a, b))
    return resolver.made(f"({a.sql} {sign} {b.sql})", "integer", tree, (a, b), name=a.name)


def _whole(resolver: Resolver, tree: Call, term: Term) -> Term:
    found = resolver.number(term, tree.name)
    if found.kind not in ("integer", "null"):
        raise resolver.error(term, f"is no whole number, but {tree.name} takes bits of such")
    return found


def _as_number(resolver: Resolver, tree: Call, test: str, of: Terms) -> Term:
    from dataclasses import replace

    from skyquarry.adql.terms import Truth

    sql = f"(CASE WHEN {test} THEN 1 WHEN NOT ({test}) THEN 0 END)"
    made = resolver.made(sql, "integer", tree, of, name=tree.name.lower())
    return replace(made, truth=Truth(f"({test})", free=made.free, aggregated=made.aggregated))


_MOVED = "(ra, dec, parallax, pmra, pmdec, radial_velocity, from_year, to_year)"
FUNCTIONS: Final[dict[str, Function]] = {
    "IVO_HEALPIX_INDEX": Function(
        _healpix_index, (2, 3), "ivo_healpix_index(order, ra, dec) or (order, point)"
    ),
    "IVO_HEALPIX_CENTER": Function(_healpix_center, (2,), "ivo_healpix_center(order, pixel)"),
    "GAIA_HEALPIX_INDEX": Function(_gaia_healpix, (2,), "gaia_healpix_index(order, source_id)"),
    "HTM_ID": Function(_htm_id, (2, 3), "htm_id(ra, dec) or htm_id(ra, dec, level)"),
    "IVO_HASHLIST_HAS": Function(_hashlist_has, (2,), "ivo_hashlist_has('a#b', item)"),
    "IVO_HASWORD": Function(_hasword, (2,), "ivo_hasword(text, word)"),
    "IVO_NOCASEMATCH": Function(_nocasematch, (2,), "ivo_nocasematch(text, pattern)"),
    "IVO_INTERVAL_OVERLAPS": Function(_overlaps, (4,), "ivo_interval_overlaps(l1, h1, l2, h2)"),
    **dict.fromkeys(
        ("IVO_TO_MJD", "IVO_TO_JD", "GAVO_TO_MJD", "GAVO_TO_JD"),
        Function(_julian, (1,), "ivo_to_mjd(moment), ivo_to_jd(moment)"),
    ),
    **dict.fromkeys(
        ("IVO_EPOCH_PROP_POS", "EPOCH_PROP_POS", "ESDC_EPOCH_PROP_POS", "GAIA_EPOCH_PROP_POS"),
        Function(_epoch_prop_pos, (8,), f"ivo_epoch_prop_pos{_MOVED}"),
    ),
    "IVO_GEOM_TRANSFORM": Function(
        _transform, (3,), "ivo_geom_transform('ICRS', 'GALACTIC', point)"
    ),
    **dict.fromkeys(
        ("GALACTIC_LONGITUDE", "GALACTIC_LATITUDE"),
        Function(_galactic, (1, 2), "galactic_longitude(ra, dec), galactic_latitude(ra, dec)"),
    ),
    **dict.fromkeys(
        ("EPOCH_PROP", "IVO_EPOCH_PROP", "ESDC_EPOCH_PROP", "GAIA_EPOCH_PROP"),
        Function(_epoch_prop, (8,), f"ivo_epoch_prop{_MOVED}"),
    ),
    "IVO_NORMAL_RANDOM": Function(_normal_random, (2,), "ivo_normal_random(mean, sigma)"),
    "ARRAY_ITEM": Function(
        arraycalls.item, (2, 3), "array_item(array, number) or array_item(array, row, number)"
    ),
    "ARRAY_ROW": Function(arraycalls.row, (2,), "array_row(array, row)"),
    "ARRAY_LENGTH": Function(arraycalls.length, (1,), "array_length(array)"),
    **dict.fromkeys(
        ("ARRAY_SUM", "ARRAY_AVG", "ARRAY_MIN", "ARRAY_MAX"),
        Function(arraycalls.whole, (1,), "array_sum(array), array_avg, array_min, array_max"),
    ),
    "BITWISE_AND": Function(_bits, (2,), "bitwise_and(flags, mask)"),
    "BITWISE_OR": Function(_bits, (2,), "bitwise_or(flags, mask)"),
    "HAS_FLAG": Function(_bits, (2,), "has_flag(flags, mask)"),
}
