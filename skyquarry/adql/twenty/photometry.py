"""Those of the twenty queries that ask photometry: 1 to 7, 12, 13, 15, 16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.adql.twenty.asked import Asked, Boxes, within

if TYPE_CHECKING:
    from collections.abc import Iterator

# PhotoObj.flags: Stoughton et al. 2002, AJ 123, 485, table 9
EDGE, BLENDED, CHILD, NODEBLEND, SATURATED = 0x4, 0x8, 0x10, 0x40, 0x40000
BINNED, MOVED = 0x70000000, 0x80000000
_CAMERA_S: Final = 4 * 71.72
"""from the first filter of SDSS's camera to the fifth: Gunn et al. 1998, AJ 116, 3040"""
_PIXEL_GRID: Final = (
    "FLOOR(30 * ra * COS(RADIANS(FLOOR(30 * dec) / 30))) AS x, FLOOR(30 * dec) / 30 AS y, "
    "COUNT(*) AS n"
)
_EQUAL: Final = "cells are of equal size on the sky: x runs along ra cos(dec), not along ra"


def photometric(at: Boxes, *, paper: bool) -> Iterator[Asked]:
    """The queries, with the constants of the paper of 2000, or else of the report of 2002."""
    yield _unsaturated(at, paper=paper)
    yield from _bright(at, paper=paper)
    yield _dusty(at, paper=paper)
    yield _flat(paper=paper)
    yield Asked(_n("5", paper), "galaxies that look elliptical, by profile and colours", "objID",
                "Galaxy", elliptical(sized=False), reading=SEVEN_THIRDS)  # fmt: skip
    yield Asked(_n("6", paper), "galaxies blended with a star, and their magnitudes",
                "g.objID, g.u, g.g, g.r, g.i, g.z",
                "Galaxy AS g JOIN Star AS s ON g.parentID = s.parentID",
                ("g.parentID > 0",))  # fmt: skip
    yield _rare(paper=paper)
    yield from _gridded(at, paper=paper)
    trixel = "htm_id(ra, dec, 8)" if paper else f"htmID / {1 << 24}"
    yield Asked(_n("13", paper), "galaxies of a colour, counted in triangles of HTM's level 8",
                f"{trixel} AS trixel, AVG(ra) AS ra, AVG(dec) AS dec, COUNT(*) AS n",
                "Galaxy", ("0.7 * u - 0.5 * g - 0.2 * i < 1.25", "r < 21.75"),
                f"GROUP BY {trixel}")  # fmt: skip
    yield from _moving(paper=paper)
    yield _far(paper=paper)


def _n(number: str, paper: bool) -> str:  # noqa: FBT001
    return number if paper else f"{number}-2002"


def _unsaturated(at: Boxes, *, paper: bool) -> Asked:
    ra, dec = at.cone
    there = f"POINT({ra}, {dec})"
    return Asked(
        _n("1", paper), f"galaxies without saturated pixels within {at.cone_arcmin:g}' of a point",
        f"objID, 60 * DISTANCE(POINT(ra, dec), {there}) AS arcmin", "Galaxy",
        (f"1 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {at.cone_arcmin} / 60.0))",
         f"has_flag(flags, {SATURATED}) = 0"),
        "ORDER BY arcmin",
        "one arc second holds no ten galaxies of any survey: 2002 made it one arc minute"
        if paper else "",
    )  # fmt: skip


def _bright(at: Boxes, *, paper: bool) -> Iterator[Asked]:
    low, high = at.southern
    plane = "COORD2(ivo_geom_transform('ICRS', 'SUPERGALACTIC', POINT(ra, dec)))"
    box = f"{plane} BETWEEN -10 AND 10" if paper else f"ra BETWEEN {low} AND {high}"
    yield Asked(
        _n("2", paper), "galaxies of blue surface brightness 23 to 25 in the south", "objID",
        "Galaxy", (box, "dec < 0", "g + rho BETWEEN 23 AND 25"),
    )  # fmt: skip


def _dusty(at: Boxes, *, paper: bool) -> Asked:
    return Asked(
        _n("3", paper), f"galaxies brighter than 22 behind dust of more than {at.reddened:g} mag",
        "objID", "Galaxy", ("r < 22", f"reddening_r > {at.reddened}"),
        reading="there is no such dust at the Galactic latitudes of the archive" if paper else "",
    )  # fmt: skip


def _flat(*, paper: bool) -> Asked:
    return Asked(
        _n("4", paper), "flat galaxies of a size and surface brightness", "objID", "Galaxy",
        (f"r + rho {'>' if paper else '<'} 24", "isoA_r BETWEEN 30 AND 60",
         "POWER(q_r, 2) + POWER(u_r, 2) > 0.25"),
        reading="a surface brightness larger than 24 is a fainter one" if paper else "",
    )  # fmt: skip


def _rare(*, paper: bool) -> Asked:
    bins = ", ".join(f"ROUND({a} - {b})" for a, b in ("ug", "gr", "ri", "iz"))
    named = "ROUND(u - g) AS ug, ROUND(g - r) AS gr, ROUND(r - i) AS ri, ROUND(i - z) AS iz"
    known = "u + g + r + i + z < 150"
    if not paper:
        return Asked("7-2002", "stars counted in bins of their colours, the rarest first",
                     f"{named}, COUNT(*) AS n", "Star", (known,),
                     f"GROUP BY {bins} ORDER BY n")  # fmt: skip
    return Asked(
        "7", "stars of the rarest colours: in bins that hold less than one of a hundred",
        "s.objID, c.n",
        "Star AS s JOIN c ON ROUND(s.u - s.g) = c.ug AND ROUND(s.g - s.r) = c.gr "
        "AND ROUND(s.r - s.i) = c.ri AND ROUND(s.i - s.z) = c.iz, t",
        ("s.u + s.g + s.r + s.i + s.z < 150", "100 * c.n < t.every"),
        before=f"WITH c AS (SELECT {named}, COUNT(*) AS n FROM Star WHERE {known} GROUP BY {bins}),"
        f"\n  t AS (SELECT COUNT(*) AS every FROM Star WHERE {known})",
        reading="1 % rare: of bins of a magnitude in four colours that hold less than 1 % each",
    )  # fmt: skip


def _gridded(at: Boxes, *, paper: bool) -> Iterator[Asked]:
    cells = "GROUP BY FLOOR(30 * ra * COS(RADIANS(FLOOR(30 * dec) / 30))), FLOOR(30 * dec) / 30"
    box = within(at.grid)
    yield Asked(_n("12", paper), "red galaxies counted in cells of two arc minutes", _PIXEL_GRID,
                "Galaxy", ("u - g > 1", "r < 21.5", *box), cells, _EQUAL)  # fmt: skip
    yield Asked(_n("12mask", paper), "what is no star and no galaxy, in the same cells",
                _PIXEL_GRID, "PhotoObj", ("type IN (0, 1, 2, 4, 7)", *box), cells,
                _EQUAL)  # fmt: skip


def _moving(*, paper: bool) -> Iterator[Asked]:
    speed = "SQRT(rowv * rowv + colv * colv)"
    select, tables = f"objID, {speed} AS velocity", "PhotoObj"
    if paper:
        yield Asked(
            "15", "moving objects whose five images lie within two arc seconds", select, tables,
            (f"{speed} > 0", f"{speed} / 3600 * {_CAMERA_S} < 2", f"has_flag(flags, {MOVED}) = 1"),
            reading="the archive has velocities, not five positions: from the first filter to the "
            f"fifth are {_CAMERA_S:g} s",
        )  # fmt: skip
        return
    yield Asked(
        "15-2002", "asteroids, by their velocities", select, tables,
        ("rowv * rowv + colv * colv BETWEEN 50 AND 1000", "rowv >= 0", "colv >= 0"),
    )  # fmt: skip
    yield _trails()


def _trails() -> Asked:
    def of(band: str) -> tuple[str, ...]:
        brighter = tuple(
            f"{band}.fiberMag_{band} <= {band}.fiberMag_{other}"
            for other in "ugriz"
            if other != band
        )
        return (
            f"POWER({band}.q_{band}, 2) + POWER({band}.u_{band}, 2) > 0.111111",
            f"{band}.isoA_{band} / {band}.isoB_{band} > 1.5", f"{band}.isoA_{band} > 2.0",
            f"{band}.parentID = 0", f"{band}.fiberMag_{band} BETWEEN 6 AND 22", *brighter,
        )  # fmt: skip

    return Asked(
        "15B-2002", "fast movers: a trail in r beside one in g, of the same run and camera column",
        "r.objID AS r_objID, g.objID AS g_objID",
        "PhotoObj AS r JOIN PhotoObj AS g ON r.run = g.run AND r.camcol = g.camcol",
        (*of("r"), *of("g"), "ABS(g.field - r.field) <= 1", "ABS(r.fiberMag_r - g.fiberMag_g) < 2",
         "DISTANCE(POINT(r.ra, r.dec), POINT(g.ra, g.dec)) < 4 / 60.0"),
    )  # fmt: skip


def _far(*, paper: bool) -> Asked:
    if paper:
        return Asked(
            "16", "point sources within 0.2 mag of the colours of a quasar of 5.5 < z < 6.5",
            "objID", "Star",
            ("(ABS(r - i - 2.3) < 0.2 OR r > 23)", "ABS(i - z - 2.3) < 0.2", "z < 20.5"),
            reading="colours of z = 6: i - z of 2.3 (Fan et al. 2001, AJ 122, 2833), r as faint as "
            "SDSS sees or as red; there are two such quasars in 1,000 square degrees",
        )  # fmt: skip
    return Asked(
        "16-2002", "objects of the colours of quasars at high redshift", "objID, type",
        "PhotoPrimary",
        ("(u - g > 2.0 OR u > 22.3)", "i BETWEEN 0 AND 19", "g - r > 1.0",
         "(r - i < 0.08 + 0.42 * (g - r - 0.96) OR g - r > 2.26)", "i - z < 0.25"),
    )  # fmt: skip


SEVEN_THIRDS: Final = "7/3 is divided as numbers, where T-SQL made it 2"


def elliptical(*, sized: bool, of: str = "") -> tuple[str, ...]:
    """The conditions of queries 5 and 20 on columns of `of`; `sized`: 20's, with brightness."""
    m = f"({of}petroMag_r - {of}reddening_r)"
    gr = f"(({of}g - {of}reddening_g) - ({of}r - {of}reddening_r))"
    ri = f"(({of}r - {of}reddening_r) - ({of}i - {of}reddening_i))"
    across = f"({ri} - {gr} / 4 - 0.18)"
    disc = f" AND {m} + 2.5 * LOG10(2 * 3.1415 * {of}petroR50_r * {of}petroR50_r)"
    first, second = (f"{disc} < {limit}" if sized else "" for limit in (24.2, 23.3))
    return (
        f"{of}lDev_r > 1.1 * {of}lExp_r", f"{of}lExp_r > 0", f"has_flag({of}flags, {BINNED}) = 1",
        f"(has_flag({of}flags, {BLENDED}) = 0 OR has_flag({of}flags, {NODEBLEND | CHILD}) = 1)",
        f"has_flag({of}flags, {EDGE | SATURATED}) = 0", f"{of}petroMag_i > 17.5",
        f"({of}petroMag_r > 15.5 OR {of}petroR50_r > 2)",
        f"{of}petroMag_r > 0", f"{of}g > 0", f"{of}r > 0", f"{of}i > 0",
        (f"(({m} < 19.2 AND {m} < 12.38 + (7.0 / 3.0) * {gr} + 4 * {ri} "
         f"AND ABS({across}) < 0.2{first})\n    OR ({m} < 19.5 AND {across} > 0.45 - 4 * {gr} "
         f"AND {gr} > 1.35 + 0.25 * {ri}{second}))"),
    )  # fmt: skip
