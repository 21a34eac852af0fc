"""The twenty queries of Szalay et al. 2000 in ADQL, with the constants of the SQL of 2002.

Each asks what `twentyqueries.queries` asks in the database's own SQL: the two are written apart,
and a test holds their rows against each other. (7/3) is divided as numbers; flags are tested by
`bitwise_and`; HTM's cell of level 8 is the id divided by 2^24, as whole numbers divide.
"""

# ruff: noqa: S608  (the ADQL is made of constants)

from __future__ import annotations

from skyquarry.synthetic.sdss.codes import Flag
from skyquarry.testing.twentyqueries import Boxes


def adql(boxes: Boxes | None = None) -> dict[str, str]:
    """{name: ADQL}: one for each of the twenty, and the variants 10A, 12mask and 15B."""
    at = Boxes() if boxes is None else boxes
    return {**_of_objects(at), **_of_spectra(), **_of_neighbours(at)}


def _of_objects(at: Boxes) -> dict[str, str]:
    """Those that look at photometric objects alone."""
    ra, dec = at.cone
    grid = (
        "FLOOR(30 * ra * COS(RADIANS(FLOOR(30 * dec) / 30))) AS x, FLOOR(30 * dec) / 30 AS y, "
        "COUNT(*) AS n"
    )
    box = f"ra BETWEEN {at.grid[0]} AND {at.grid[1]} AND dec BETWEEN {at.grid[2]} AND {at.grid[3]}"
    return {
        "1": f"""SELECT objID FROM Galaxy WHERE bitwise_and(flags, {int(Flag.SATURATED)}) = 0
            AND 1 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {at.cone_arcmin / 60}))""",
        "2": f"""SELECT objID FROM Galaxy WHERE g + rho BETWEEN 23 AND 25 AND dec < 0
            AND ra BETWEEN {at.southern[0]} AND {at.southern[1]}""",
        "3": f"SELECT objID FROM Galaxy WHERE r < 22 AND reddening_r > {at.reddened}",
        "4": """SELECT objID FROM Galaxy WHERE r + rho < 24 AND isoA_r BETWEEN 30 AND 60
            AND q_r * q_r + u_r * u_r > 0.25""",
        "5": f"SELECT objID FROM Galaxy WHERE {elliptical(sized=False)}",
        "6": """SELECT g.objID, g.u, g.g, g.r, g.i, g.z FROM Galaxy AS g
            JOIN Star AS s ON g.parentID = s.parentID WHERE g.parentID > 0""",
        "7": """SELECT ROUND(u - g) AS ug, ROUND(g - r) AS gr, ROUND(r - i) AS ri,
            ROUND(i - z) AS iz, COUNT(*) AS n FROM Star WHERE u + g + r + i + z < 150
            GROUP BY ROUND(u - g), ROUND(g - r), ROUND(r - i), ROUND(i - z) ORDER BY n""",
        "12": f"""SELECT {grid} FROM Galaxy WHERE u - g > 1 AND r < 21.5 AND {box}
            GROUP BY x, y""",
        "12mask": f"""SELECT {grid} FROM PhotoObj WHERE type IN (0, 1, 2, 4, 7) AND {box}
            GROUP BY x, y""",
        "13": """SELECT htmID / 16777216 AS trixel, AVG(ra) AS ra, AVG(dec) AS dec, COUNT(*) AS n
            FROM Galaxy WHERE 0.7 * u - 0.5 * g - 0.2 * i < 1.25 AND r < 21.75
            GROUP BY htmID / 16777216""",
        "15": """SELECT objID, SQRT(rowv * rowv + colv * colv) AS velocity FROM PhotoObj
            WHERE rowv * rowv + colv * colv BETWEEN 50 AND 1000 AND rowv >= 0 AND colv >= 0""",
        "15B": f"""SELECT r.objID, g.objID AS other FROM (SELECT * FROM PhotoObj WHERE {trail("r")})
            AS r JOIN (SELECT * FROM PhotoObj WHERE {trail("g")}) AS g
            ON r.run = g.run AND r.camcol = g.camcol
            WHERE ABS(g.field - r.field) <= 1 AND ABS(r.fiberMag_r - g.fiberMag_g) < 2
            AND DISTANCE(r.ra, r.dec, g.ra, g.dec) < 4. / 60""",
        "16": """SELECT objID, type FROM PhotoPrimary WHERE (u - g > 2.0 OR u > 22.3)
            AND i BETWEEN 0 AND 19 AND g - r > 1.0 AND i - z < 0.25
            AND (r - i < 0.08 + 0.42 * (g - r - 0.96) OR g - r > 2.26)""",
    }  # fmt: skip


def _of_spectra() -> dict[str, str]:
    """Those that look at spectra and their lines."""
    return {
        "8": "SELECT specObjID FROM SpecObj WHERE specClass = 0",
        "9": """SELECT s.specObjID, MAX(l.sigma * 300000 / l.wave) AS width, AVG(s.z) AS z
            FROM SpecObj AS s JOIN SpecLine AS l USING (specObjID)
            WHERE s.specClass IN (3, 4) AND s.z BETWEEN 2.5 AND 2.7 AND s.zConf > 0.9
            AND l.sigma * 300000 / l.wave > 2000 GROUP BY s.specObjID""",
        "10": """SELECT g.objID FROM Galaxy AS g JOIN SpecObj AS s ON g.objID = s.objID
            JOIN SpecLine AS l ON l.specObjID = s.specObjID WHERE l.lineID = 6564 AND l.ew > 40""",
        "10A": """SELECT g.objID FROM Galaxy AS g JOIN SpecObj AS s ON g.objID = s.objID
            JOIN SpecLine AS a ON a.specObjID = s.specObjID
            JOIN SpecLine AS b ON b.specObjID = s.specObjID
            WHERE a.lineID = 6564 AND b.lineID = 4862 AND a.ew > 200 AND b.ew > 10
            AND b.ew * 20 < a.ew""",
        "11": """SELECT DISTINCT x.specObjID FROM XCRedshift AS x
            JOIN SpecLine AS l ON x.specObjID = l.specObjID
            WHERE x.tempNo = 8 AND l.lineID = 0 AND l.ew > 10 AND x.specObjID NOT IN (
                SELECT k.specObjID FROM SpecLine AS k JOIN SpecLine AS m
                ON k.specObjID = m.specObjID
                WHERE k.lineID != 0 AND m.lineID = 0 AND ABS(k.wave - m.wave) < 0.01)""",
    }  # fmt: skip


def _of_neighbours(at: Boxes) -> dict[str, str]:
    """Those that look at pairs of objects."""
    sane = " AND ".join(f"{s}.psfMag_{b} BETWEEN 1 AND 27" for s in ("s1", "s2") for b in "ugriz")
    varies = " OR ".join(
        f"ABS(s1.psfMag_{b} - s2.psfMag_{b}) > 0.1 + ABS(s1.psfMagErr_{b}) + ABS(s2.psfMagErr_{b})"
        for b in "ugriz"
    )
    alike = " AND ".join(
        f"ABS((p.{a} - p.{b}) - (q.{a} - q.{b})) < 0.05" for a, b in ("ug", "gr", "ri", "iz")
    )
    west, east, south, north = at.red
    return {
        "14": f"""SELECT DISTINCT s1.objID FROM Neighbors AS n
            JOIN Star AS s1 ON s1.objID = n.objID JOIN PhotoObj AS s2 ON s2.objID = n.NeighborObjID
            WHERE n.distanceMins < 0.5 / 60 AND n.mode = 1 AND n.objType = 6
            AND n.NeighborObjType = 6 AND s1.run <> s2.run AND {sane} AND ({varies})""",
        "17": """SELECT DISTINCT s1.objID FROM Star AS s1 JOIN Neighbors AS n ON s1.objID = n.objID
            JOIN Star AS s2 ON s2.objID = n.NeighborObjID WHERE n.distanceMins < 0.05
            AND s1.u - s1.g < 0.4 AND s1.g - s1.r < 0.7 AND s1.r - s1.i > 0.4
            AND s1.i - s1.z > 0.4""",
        "18": f"""SELECT DISTINCT p.objID FROM Neighbors AS n
            JOIN PhotoPrimary AS p ON p.objID = n.objID
            JOIN PhotoPrimary AS q ON q.objID = n.NeighborObjID
            WHERE n.objID < n.NeighborObjID AND {alike}""",
        "19": """SELECT DISTINCT s.specObjID FROM SpecObj AS s
            JOIN SpecLine AS l ON s.specObjID = l.specObjID
            JOIN Neighbors AS n ON n.objID = s.objID JOIN Galaxy AS g ON g.objID = n.NeighborObjID
            WHERE s.specClass IN (3, 4) AND l.lineID <> 0 AND l.ew < -10
            AND n.distanceMins < 10. / 60""",
        "20": f"""SELECT p.objID, COUNT(*) AS n FROM (SELECT objID FROM Galaxy WHERE
            ra BETWEEN {west} AND {east} AND dec BETWEEN {south} AND {north}
            AND {elliptical(sized=True)}) AS p
            JOIN Neighbors AS n ON n.objID = p.objID JOIN Galaxy AS g ON g.objID = n.NeighborObjID
            JOIN PhotoZ AS a ON a.objID = p.objID JOIN PhotoZ AS b ON b.objID = g.objID
            WHERE ABS(a.z - b.z) < 0.05 GROUP BY p.objID""",
    }  # fmt: skip


def elliptical(*, sized: bool) -> str:
    """The conditions of queries 5 and 20; `sized`: with the cuts in surface brightness of 20."""
    good = int(Flag.BINNED1 | Flag.BINNED2 | Flag.BINNED4)
    alone, bad = int(Flag.NODEBLEND | Flag.CHILD), int(Flag.EDGE | Flag.SATURATED)
    m = "(petroMag_r - reddening_r)"
    gr = "((g - reddening_g) - (r - reddening_r))"
    ri = "((r - reddening_r) - (i - reddening_i))"
    faint = f"{m} + 2.5 * LOG10(2 * 3.1415 * petroR50_r * petroR50_r)"
    first, second = (f"AND {faint} < {limit}" if sized else "" for limit in (24.2, 23.3))
    across = f"({ri} - {gr} / 4 - 0.18)"
    return f"""lDev_r > 1.1 * lExp_r AND lExp_r > 0 AND bitwise_and(flags, {good}) <> 0
        AND (bitwise_and(flags, {int(Flag.BLENDED)}) = 0 OR bitwise_and(flags, {alone}) <> 0)
        AND bitwise_and(flags, {bad}) = 0 AND petroMag_i > 17.5
        AND (petroMag_r > 15.5 OR petroR50_r > 2)
        AND petroMag_r > 0 AND g > 0 AND r > 0 AND i > 0
        AND (({m} < 19.2 AND {m} < 12.38 + (7.0 / 3.0) * {gr} + 4 * {ri}
              AND ABS({across}) < 0.2 {first})
          OR ({m} < 19.5 AND {across} > 0.45 - 4 * {gr} AND {gr} > 1.35 + 0.25 * {ri} {second}))"""


def trail(band: str) -> str:
    """What query 15B asks of an image in a band: long, thin, alone, and brightest in this band."""
    fiber = f"fiberMag_{band}"
    brightest = " AND ".join(f"{fiber} <= fiberMag_{other}" for other in "ugriz" if other != band)
    q, u = f"q_{band}", f"u_{band}"
    return (
        f"{q} * {q} + {u} * {u} > 0.111111 AND isoA_{band} / isoB_{band} > 1.5 "
        f"AND isoA_{band} > 2.0 AND parentID = 0 AND {fiber} BETWEEN 6 AND 22 AND {brightest}"
    )
