"""The twenty queries of Szalay et al. 2000 as plain SQL of 2002, over an archive's Parquet files.

SQL: Gray et al., MSR-TR-2002-01 (arXiv cs/0202014), paraphrased; every constant is theirs but for
the boxes, which are parameters. (7/3) is divided as numbers, not as T-SQL's integers. A check of
the archive's contents: ADQL, plans and speed are the query room's.
"""

# ruff: noqa: S608  (the SQL is made of constants)

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skyquarry.adql.twenty.asked import Boxes
from skyquarry.synthetic.sdss.codes import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.engine.archive import Archive

TABLES = (
    "photoobj", "phototag", "specobj", "specline", "xcredshift", "photoz", "neighbors",
)  # fmt: skip
_VIEWS = """
CREATE VIEW PhotoPrimary AS SELECT * FROM PhotoObj WHERE mode = 1;
CREATE VIEW Star AS SELECT * FROM PhotoPrimary WHERE type = 6;
CREATE VIEW Galaxy AS SELECT * FROM PhotoPrimary WHERE type = 3;
"""


def _elliptical(*, sized: bool) -> str:
    """The conditions of queries 5 and 20; `sized`: with the cuts in surface brightness of 20."""
    good = int(Flag.BINNED1 | Flag.BINNED2 | Flag.BINNED4)
    blended, alone = int(Flag.BLENDED), int(Flag.NODEBLEND | Flag.CHILD)
    bad = int(Flag.EDGE | Flag.SATURATED)
    m = "(petroMag_r - reddening_r)"
    gr = "((g - reddening_g) - (r - reddening_r))"
    ri = "((r - reddening_r) - (i - reddening_i))"
    bright = f"AND {m} + 2.5 * log10(2 * 3.1415 * petroR50_r * petroR50_r)" if sized else ""
    first, second = (f"{bright} < {limit}" if sized else "" for limit in (24.2, 23.3))
    across = f"({ri} - {gr} / 4 - 0.18)"
    return f"""lDev_r > 1.1 * lExp_r AND lExp_r > 0 AND (flags & {good}) != 0
        AND ((flags & {blended}) = 0 OR (flags & {alone}) != 0) AND (flags & {bad}) = 0
        AND petroMag_i > 17.5 AND (petroMag_r > 15.5 OR petroR50_r > 2)
        AND petroMag_r > 0 AND g > 0 AND r > 0 AND i > 0
        AND (({m} < 19.2 AND {m} < 12.38 + (7.0 / 3.0) * {gr} + 4 * {ri}
              AND abs({across}) < 0.2 {first})
          OR ({m} < 19.5 AND {across} > 0.45 - 4 * {gr} AND {gr} > 1.35 + 0.25 * {ri} {second}))"""


def queries(boxes: Boxes | None = None) -> dict[str, str]:
    """{name: SQL}: one for each of the twenty, and the variants 10A, 12mask and 15B."""
    at = Boxes() if boxes is None else boxes
    ra0, ra1, dec0, dec1 = at.grid
    red0, red1, reddec0, reddec1 = at.red
    cone = (
        f"sin(radians(dec)) * sin(radians({at.cone[1]})) + cos(radians(dec)) * "
        f"cos(radians({at.cone[1]})) * cos(radians(ra - {at.cone[0]})) > "
        f"cos(radians({at.cone_arcmin / 60.0}))"
    )
    # a trail on one chip: what query 15B asks of both of its images
    trail = (
        "power(q_{b}, 2) + power(u_{b}, 2) > 0.111111 AND isoA_{b} / isoB_{b} > 1.5 "
        "AND isoA_{b} > 2.0 AND parentID = 0 AND fiberMag_{b} BETWEEN 6 AND 22 "
        "AND fiberMag_{b} = least(fiberMag_u, fiberMag_g, fiberMag_r, fiberMag_i, fiberMag_z)"
    )
    varies = " OR ".join(
        f"abs(s1.psfMag_{b} - s2.psfMag_{b}) > 0.1 + abs(s1.psfMagErr_{b}) + abs(s2.psfMagErr_{b})"
        for b in "ugriz"
    )
    sane = " AND ".join(f"{s}.psfMag_{b} BETWEEN 1 AND 27" for s in ("s1", "s2") for b in "ugriz")
    alike = " AND ".join(
        f"abs((P.{a} - P.{b}) - (L.{a} - L.{b})) < 0.05" for a, b in ("ug", "gr", "ri", "iz")
    )
    grid = (
        "floor(30 * ra * cos(radians(floor(30 * dec) / 30))) AS x, floor(30 * dec) / 30 AS y, "
        "count(*) AS n"
    )
    return {
        "1": f"SELECT objID FROM Galaxy WHERE {cone} AND (flags & {int(Flag.SATURATED)}) = 0",
        "2": f"""SELECT objID FROM Galaxy WHERE ra BETWEEN {at.southern[0]} AND {at.southern[1]}
            AND dec < 0 AND g + rho BETWEEN 23 AND 25""",
        "3": f"SELECT objID FROM Galaxy WHERE r < 22 AND reddening_r > {at.reddened}",
        "4": """SELECT objID FROM Galaxy WHERE r + rho < 24 AND isoA_r BETWEEN 30 AND 60
            AND power(q_r, 2) + power(u_r, 2) > 0.25""",
        "5": f"SELECT objID FROM Galaxy WHERE {_elliptical(sized=False)}",
        "6": """SELECT g.objID, g.u, g.g, g.r, g.i, g.z FROM Galaxy g JOIN Star s
            ON g.parentID = s.parentID WHERE g.parentID > 0""",
        "7": """SELECT round(u-g) AS ug, round(g-r) AS gr, round(r-i) AS ri, round(i-z) AS iz,
            count(*) AS n FROM Star WHERE u + g + r + i + z < 150 GROUP BY ALL ORDER BY n""",
        "8": "SELECT specObjID FROM SpecObj WHERE specClass = 0",
        "9": """SELECT s.specObjID, max(l.sigma * 300000 / l.wave) AS width, avg(s.z) AS z
            FROM SpecObj s JOIN SpecLine l USING (specObjID) WHERE s.specClass IN (3, 4)
            AND s.z BETWEEN 2.5 AND 2.7 AND s.zConf > 0.9 AND l.sigma * 300000 / l.wave > 2000
            GROUP BY s.specObjID""",
        "10": """SELECT g.objID FROM Galaxy g JOIN SpecObj s USING (objID)
            JOIN SpecLine l ON l.specObjID = s.specObjID WHERE l.lineID = 6564 AND l.ew > 40""",
        "10A": """SELECT g.objID FROM Galaxy g JOIN SpecObj s USING (objID)
            JOIN SpecLine a ON a.specObjID = s.specObjID JOIN SpecLine b
            ON b.specObjID = s.specObjID WHERE a.lineID = 6564 AND b.lineID = 4862
            AND a.ew > 200 AND b.ew > 10 AND b.ew * 20 < a.ew""",
        "11": """SELECT DISTINCT x.specObjID FROM XCRedshift x JOIN SpecLine l USING (specObjID)
            WHERE x.tempNo = 8 AND l.lineID = 0 AND l.ew > 10 AND x.specObjID NOT IN (
                SELECT k.specObjID FROM SpecLine k JOIN SpecLine m USING (specObjID)
                WHERE k.lineID != 0 AND m.lineID = 0 AND abs(k.wave - m.wave) < 0.01)""",
        "12": f"""SELECT {grid} FROM Galaxy WHERE u - g > 1 AND r < 21.5
            AND ra BETWEEN {ra0} AND {ra1} AND dec BETWEEN {dec0} AND {dec1} GROUP BY x, y""",
        "12mask": f"""SELECT {grid} FROM PhotoObj WHERE type IN (0, 1, 2, 4, 7)
            AND ra BETWEEN {ra0} AND {ra1} AND dec BETWEEN {dec0} AND {dec1} GROUP BY x, y""",
        "13": """SELECT htmID >> 24 AS trixel, avg(ra) AS ra, avg(dec) AS dec, count(*) AS n
            FROM Galaxy WHERE 0.7 * u - 0.5 * g - 0.2 * i < 1.25 AND r < 21.75 GROUP BY trixel""",
        "14": f"""WITH n AS MATERIALIZED (SELECT * FROM Neighbors WHERE distanceMins < 0.5 / 60
            AND mode = 1 AND objType = 6 AND NeighborObjType = 6), pair AS MATERIALIZED (
            SELECT s1, s2 FROM n JOIN Star s1 ON s1.objID = n.objID
            JOIN PhotoObj s2 ON s2.objID = n.NeighborObjID)
            SELECT DISTINCT s1.objID FROM pair WHERE s1.run != s2.run AND {sane}
            AND ({varies})""",
        "15": """SELECT objID, sqrt(rowv * rowv + colv * colv) AS velocity FROM PhotoObj
            WHERE rowv * rowv + colv * colv BETWEEN 50 AND 1000 AND rowv >= 0 AND colv >= 0""",
        "15B": f"""WITH r AS (SELECT * FROM PhotoObj WHERE {trail.format(b="r")}),
            g AS (SELECT * FROM PhotoObj WHERE {trail.format(b="g")})
            SELECT r.objID, g.objID FROM r JOIN g ON r.run = g.run AND r.camcol = g.camcol
            WHERE abs(g.field - r.field) <= 1 AND abs(r.fiberMag_r - g.fiberMag_g) < 2
            AND power(r.cx - g.cx, 2) + power(r.cy - g.cy, 2) + power(r.cz - g.cz, 2)
                < power(radians(4 / 60.0), 2)""",
        "16": """SELECT objID, type FROM PhotoPrimary WHERE (u - g > 2.0 OR u > 22.3)
            AND i BETWEEN 0 AND 19 AND g - r > 1.0
            AND (r - i < 0.08 + 0.42 * (g - r - 0.96) OR g - r > 2.26) AND i - z < 0.25""",
        "17": """SELECT DISTINCT s1.objID FROM Star s1 JOIN Neighbors n ON s1.objID = n.objID
            JOIN Star s2 ON s2.objID = n.NeighborObjID WHERE n.distanceMins < 0.05
            AND s1.u - s1.g < 0.4 AND s1.g - s1.r < 0.7 AND s1.r - s1.i > 0.4
            AND s1.i - s1.z > 0.4""",
        "18": f"""WITH p AS MATERIALIZED (SELECT objID, u, g, r, i, z FROM PhotoPrimary),
            pair AS MATERIALIZED (SELECT P, L FROM Neighbors n JOIN p P ON P.objID = n.objID
            JOIN p L ON L.objID = n.NeighborObjID WHERE n.objID < n.NeighborObjID)
            SELECT DISTINCT P.objID FROM pair WHERE {alike}""",
        "19": """SELECT DISTINCT s.specObjID FROM SpecObj s JOIN SpecLine l USING (specObjID)
            JOIN Neighbors n ON n.objID = s.objID JOIN Galaxy g ON g.objID = n.NeighborObjID
            WHERE s.specClass IN (3, 4) AND l.lineID != 0 AND l.ew < -10
            AND n.distanceMins < 10 / 60.0""",
        "20": f"""SELECT P.objID, count(*) AS n FROM (SELECT * FROM Galaxy WHERE
            ra BETWEEN {red0} AND {red1} AND dec BETWEEN {reddec0} AND {reddec1}
            AND {_elliptical(sized=True)}) P JOIN Neighbors N ON N.objID = P.objID
            JOIN Galaxy G ON G.objID = N.NeighborObjID JOIN PhotoZ a ON a.objID = P.objID
            JOIN PhotoZ b ON b.objID = G.objID WHERE abs(a.z - b.z) < 0.05 GROUP BY P.objID""",
    }


def answers(archive: Archive, boxes: Boxes | None = None) -> dict[str, Any]:
    """{name of a query: its rows, a list of tuples}."""
    with _tables(archive) as found:
        return {name: found.sql(text).fetchall() for name, text in queries(boxes).items()}


def boxes_of(archive: Archive, published: Boxes | None = None, least: int = 10) -> Boxes:
    """The published boxes; those in which this sky has fewer than `least` rows give way.

    Query 1 looks at one arc minute and query 3 at the densest dust, which chance fills in one sky
    and not in another. The circle moves to the nearest galaxy, within a degree, that has enough
    others about it, and the reddening goes down to that of the `least` most reddened galaxies.
    """
    at = Boxes() if published is None else published
    sql = queries(at)
    with _tables(archive) as found:
        if len(found.sql(sql["1"]).fetchall()) < least:
            at = replace(at, cone=_crowded(found, at, least))
        if len(found.sql(sql["3"]).fetchall()) < least:
            told = found.sql(
                f"SELECT reddening_r FROM Galaxy WHERE r < 22 ORDER BY 1 DESC LIMIT {least}"
            ).fetchall()
            at = replace(at, reddened=told[-1][0] - 1e-6)
    return at


def _crowded(found: Any, at: Boxes, least: int) -> tuple[float, float]:
    """The nearest galaxy to query 1's circle that has enough galaxies in such a circle."""
    ra, dec = at.cone
    chord = f"2 * sin(radians({at.cone_arcmin / 120.0}))"
    near = found.sql(f"""WITH near AS MATERIALIZED (SELECT ra, dec, cx, cy, cz,
            power((ra - {ra}) * cos(radians(dec)), 2) + power(dec - {dec}, 2) AS away
            FROM Galaxy WHERE abs(dec - {dec}) < 1 AND abs(ra - {ra}) < 1
            AND (flags & {int(Flag.SATURATED)}) = 0)
        SELECT a.ra, a.dec FROM near a JOIN near b ON abs(a.dec - b.dec) < {at.cone_arcmin / 60.0}
            AND abs(a.ra - b.ra) < {at.cone_arcmin / 30.0}
        WHERE power(a.cx - b.cx, 2) + power(a.cy - b.cy, 2) + power(a.cz - b.cz, 2)
            < power({chord}, 2)
        GROUP BY a.ra, a.dec, a.away HAVING count(*) >= {least} ORDER BY a.away LIMIT 1""")
    place = near.fetchone()
    return at.cone if place is None else place


@contextmanager
def _tables(archive: Archive) -> Iterator[Any]:
    """DuckDB with the archive's tables and views."""
    import duckdb

    with duckdb.connect() as found:
        for name in TABLES:
            stored = archive[name].stored
            files = f"{stored.folder.root}/dataset/**/*.parquet"
            found.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}', "
                "hive_partitioning=false)"
            )
        found.execute(_VIEWS)
        yield found
