"""A rival: the queries about neighbours by DuckDB without the table of them, as of 2002.

Who has plain files has no table of neighbours, unless he makes one. Here each query finds its own
pairs, by the join on cells of a grid that is usual in SQL: zones of declination, in each its own
cells of right ascension; a row of the right side stands in every cell that its circle touches.
Conditions on either side alone come first. The archive has nothing near 0h or a pole, which such a
grid would have to be told about.
"""

from __future__ import annotations

import math
import re

from skyquarry.adql.twenty.asked import Boxes
from skyquarry.testing.twentyqueries import queries

CELL_ARCSEC = 90.0
"""Six objects are in such a cell; quicker for query 18 than 60 (25.3 CPU s; 28.6)."""
NEIGHBOUR_ARCSEC = 30.0
"""How far the table of neighbours reaches, which the queries leave unsaid."""


def by_own_join(boxes: Boxes | None = None) -> dict[str, str]:
    """{name: SQL} of the queries that ask the table of neighbours, without it."""
    at = Boxes() if boxes is None else boxes
    told = queries(at)
    fourteen = told["14"].partition("WHERE s1.run")[2]
    sane = {s: _about(fourteen, s) for s in ("s1", "s2")}
    blue = re.sub(r"\bs1\.", "", told["17"].partition("0.05\n")[2].strip().removeprefix("AND "))
    alike = told["18"].partition("FROM pair WHERE ")[2]
    red = told["20"].partition("FROM (")[2].partition(") P JOIN Neighbors")[0]
    quasars = """SELECT DISTINCT s.specObjID, p.* FROM SpecObj s JOIN SpecLine l USING (specObjID)
        JOIN PhotoObj p ON p.objID = s.objID WHERE s.specClass IN (3, 4) AND l.lineID != 0
        AND l.ew < -10"""
    return {
        "14": _near(
            "SELECT DISTINCT s1.objID", ("s1", f"SELECT * FROM Star WHERE {sane['s1']}"),
            ("s2", f"SELECT * FROM PhotoObj WHERE type = 6 AND {sane['s2']}"), 0.5,
            f"s1.run{fourteen}",
        ),
        "17": _near(
            "SELECT DISTINCT s1.objID", ("s1", f"SELECT * FROM Star WHERE {blue}"),
            ("s2", "SELECT * FROM Star"), 3.0, "",
        ),
        "18": _near(
            "SELECT DISTINCT P.objID", ("P", "SELECT * FROM PhotoPrimary"),
            ("L", "SELECT * FROM PhotoPrimary"), NEIGHBOUR_ARCSEC, f"P.objID < L.objID AND {alike}",
        ),
        "19": _near(
            "SELECT DISTINCT s.specObjID", ("s", quasars), ("g", "SELECT * FROM Galaxy"), 10.0, "",
        ),
        "20": _near(
            "SELECT P.objID, count(*) AS n",
            ("P", f"SELECT p.*, q.z AS photo FROM ({red}) p JOIN PhotoZ q USING (objID)"),
            ("G", "SELECT p.*, q.z AS photo FROM Galaxy p JOIN PhotoZ q USING (objID)"),
            NEIGHBOUR_ARCSEC, "abs(P.photo - G.photo) < 0.05", " GROUP BY P.objID",
        ),
    }  # fmt: skip


def _about(conditions: str, side: str) -> str:
    """What is asked of one side alone, that of its magnitudes being sane."""
    found = re.findall(rf"\b{side}\.(psfMag_\w BETWEEN 1 AND 27)", conditions)
    assert len(found) == 5, conditions
    return " AND ".join(found)


def _near(
    gives: str,
    left: tuple[str, str],
    right: tuple[str, str],
    radius_arcsec: float,
    more: str,
    end: str = "",
) -> str:
    """Pairs of two sides within a radius, and what is asked of them."""
    (one, first), (other, second) = left, right
    cell, r = CELL_ARCSEC / 3600.0, radius_arcsec / 3600.0 * (1 + 1e-9)
    width = f"({cell} / cos(radians(zone * {cell})))"
    # at 5 degrees of a pole's distance a circle is no wider in RA than this
    wide = f"({r} * 1.001 / cos(radians(dec)))"
    chord2 = (2.0 * math.sin(math.radians(radius_arcsec / 3600.0) / 2.0)) ** 2
    apart = " + ".join(f"power({one}.c{x} - {other}.c{x}, 2)" for x in "xyz")
    return f"""WITH l AS (SELECT *, floor(ra / {width})::INT AS cell FROM (
            SELECT *, floor(dec / {cell})::INT AS zone FROM ({first}))),
        d AS (SELECT *, unnest(range(floor((dec - {r}) / {cell})::INT,
            floor((dec + {r}) / {cell})::INT + 1)) AS zone FROM ({second})),
        e AS (SELECT *, unnest(range(floor((ra - {wide}) / {width})::INT,
            floor((ra + {wide}) / {width})::INT + 1)) AS cell FROM d)
        {gives} FROM l AS {one} JOIN e AS {other} USING (zone, cell)
        WHERE {apart} < {chord2} AND {one}.objID != {other}.objID
        {"AND " + more if more else ""}{end}"""
