"""Regions written as IVOA shapes and as STC-S; what they cannot say is refused, not bent.

Every number is written so that `region_from_text` gives back the very same region.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING

from skyquarry.errors import RegionError
from skyquarry.sky.algebra import Complement, Intersection, Union
from skyquarry.sky.ranges import SKY_DEG2
from skyquarry.sky.regions import Box, Cone, Convex, Ellipse, Polygon, Zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skyquarry.sky.algebra import Region

_STCS_FRAMES = {
    "icrs": "ICRS",
    "galactic": "GALACTIC",
    "ecliptic": "ECLIPTIC",
    "supergalactic": "SUPER_GALACTIC",
}


def to_ivoa(region: Region) -> str:
    """The region as DALI text: CIRCLE, POLYGON or RANGE, in ICRS degrees.

    Raises RegionError for any other region: one in another frame, an ellipse, a combination.

    >>> to_ivoa(Cone(12, -3, 1800))
    'CIRCLE 12.0 -3.0 0.5'
    """
    if getattr(region, "frame", "").lower() == "icrs":
        if isinstance(region, Cone):
            return _line("CIRCLE", region.ra_deg, region.dec_deg, _degrees(region.radius_arcsec))
        if isinstance(region, Polygon):
            return _line("POLYGON", *_vertices(region))
        if isinstance(region, Zone):
            return _line("RANGE", 0.0, 360.0, region.dec_min, region.dec_max)
        if isinstance(region, Box):
            return _line("RANGE", region.ra_min, region.ra_max, region.dec_min, region.dec_max)
    raise RegionError(
        f"the region is a {_name(region)}; IVOA text has only cones, polygons and "
        "ranges in ICRS: try to_stcs(), or to_moc(order) for any region"
    )


def to_stcs(region: Region) -> str:  # noqa: PLR0911 - one return a kind of combination
    """The region as STC-S text, combinations too; each shape says its own frame.

    Raises RegionError for what STC-S has no words for: MOCs, very many cones, polygons larger than
    a hemisphere.

    >>> to_stcs(~Ellipse(12, -3, 3600, 1800, 30, "galactic"))
    'Not ICRS ( Ellipse GALACTIC 12.0 -3.0 1.0 0.5 30.0 )'
    """
    if isinstance(region, Intersection):
        if not region.parts:
            return "AllSky ICRS"
        return _line("Intersection ICRS (", *map(to_stcs, region.parts), ")")
    if isinstance(region, Union):
        if not region.parts:
            return "Not ICRS ( AllSky ICRS )"
        return _line("Union ICRS (", *map(to_stcs, region.parts), ")")
    if isinstance(region, Complement):
        return _line("Not ICRS (", to_stcs(region.region), ")")
    if isinstance(region, Convex) and not region.half_spaces:
        return "AllSky ICRS"
    kind, numbers = _shape(region)
    return _line(kind, _STCS_FRAMES[region.frame.lower()], *numbers)  # type: ignore[attr-defined]


def _shape(region: Region) -> tuple[str, list[float | str]]:
    """The word for a shape, and its numbers."""
    if isinstance(region, Cone):
        return "Circle", [region.ra_deg, region.dec_deg, _degrees(region.radius_arcsec)]
    if isinstance(region, Ellipse):
        axes = _degrees(region.semi_major_arcsec), _degrees(region.semi_minor_arcsec)
        return "Ellipse", [region.ra_deg, region.dec_deg, *axes, region.pa_deg]
    if isinstance(region, Polygon):
        return "Polygon", list(_vertices(region))
    if isinstance(region, Zone):
        return "PositionInterval", [0.0, region.dec_min, 360.0, region.dec_max]
    if isinstance(region, Box):
        return "PositionInterval", [region.ra_min, region.dec_min, region.ra_max, region.dec_max]
    if isinstance(region, Convex):
        return "Convex", [v for n, c in region.half_spaces for v in (*n, c)]
    raise RegionError(
        f"the region is a {_name(region)}, for which STC-S has no word; it needs to be made of "
        "cones, ellipses, boxes, polygons and convexes: try to_moc(order)"
    )


def _vertices(region: Polygon) -> Iterable[float]:
    if region.interior == "left" and region.area() > 0.5 * SKY_DEG2:
        raise RegionError(
            f"the polygon has {region.area():,.0f} deg2, but a polygon in text is the smaller side "
            "of its edges: try the complement of the small one, or to_moc(order)"
        )
    return (value for pair in region.vertices for value in pair)


def _degrees(arcsec: float) -> str:
    """Degrees that are read back as the same arcseconds: few digits where these do, else 30."""
    short = repr(arcsec / 3600.0)
    if float(Decimal(short) * 3600) == arcsec:
        return short
    return str(Context(prec=30).divide(Decimal(arcsec), Decimal(3600)))


def _line(*words: float | str) -> str:
    return " ".join(word if isinstance(word, str) else repr(float(word)) for word in words)


def _name(region: Region) -> str:
    frame = getattr(region, "frame", "")
    return f"{type(region).__name__} in {frame}" if frame else type(region).__name__
