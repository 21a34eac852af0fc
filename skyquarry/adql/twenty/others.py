"""Those of the twenty queries that ask spectra and neighbours: 8 to 11, 14, 17 to 20."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skyquarry.adql.twenty.asked import Asked, Boxes, within
from skyquarry.adql.twenty.photometry import SEVEN_THIRDS, elliptical

if TYPE_CHECKING:
    from collections.abc import Iterator

_H_ALPHA, _H_BETA, _UNKNOWN_LINE, _ELLIPTICAL = 6564, 4862, 0, 8
_KMS: Final = "300000 * l.sigma / l.wave"
_LINES: Final = (
    "Galaxy AS g JOIN SpecObj AS s ON g.objID = s.objID "
    "JOIN SpecLine AS {0} ON {0}.specObjID = s.specObjID"
)


def spectroscopic(*, paper: bool) -> Iterator[Asked]:
    """8 to 11 and 19: constants of 2000 and 2002 are the same, but for the variant 10A."""
    yield Asked(_n("8", paper), "spectra that no class was found for", "specObjID", "SpecObj",
                ("specClass = 0",))  # fmt: skip
    yield Asked(
        _n("9", paper), "quasars of 2.5 < z < 2.7 with lines broader than 2,000 km/s",
        f"s.specObjID, MAX({_KMS}) AS width, AVG(s.z) AS z",
        "SpecObj AS s JOIN SpecLine AS l ON s.specObjID = l.specObjID",
        ("s.specClass IN (3, 4)", "s.z BETWEEN 2.5 AND 2.7", "s.zConf > 0.9", f"{_KMS} > 2000"),
        "GROUP BY s.specObjID",
    )  # fmt: skip
    yield Asked(_n("10", paper), "galaxies whose H alpha is wider than 40 angstroms", "g.objID",
                _LINES.format("l"), (f"l.lineID = {_H_ALPHA}", "l.ew > 40"))  # fmt: skip
    if not paper:
        yield Asked(
            "10A-2002", "galaxies of much H alpha and little H beta", "g.objID",
            _LINES.format("a") + " JOIN SpecLine AS b ON b.specObjID = s.specObjID",
            (f"a.lineID = {_H_ALPHA}", f"b.lineID = {_H_BETA}", "a.ew > 200", "b.ew > 10",
             "b.ew * 20 < a.ew"),
        )  # fmt: skip
    yield Asked(
        _n("11", paper), "elliptical galaxies with an emission line that is none of those known",
        "DISTINCT x.specObjID", "XCRedshift AS x JOIN SpecLine AS l ON x.specObjID = l.specObjID",
        (f"x.tempNo = {_ELLIPTICAL}", f"l.lineID = {_UNKNOWN_LINE}", "l.ew > 10",
         ("x.specObjID NOT IN (SELECT k.specObjID FROM SpecLine AS k JOIN SpecLine AS m "
          f"ON k.specObjID = m.specObjID WHERE k.lineID <> {_UNKNOWN_LINE} "
          f"AND m.lineID = {_UNKNOWN_LINE} AND ABS(k.wave - m.wave) < 0.01)")),
    )  # fmt: skip
    yield Asked(
        _n("19", paper), "quasars with an absorption line and a galaxy within ten arc seconds",
        "DISTINCT s.specObjID",
        "SpecObj AS s JOIN SpecLine AS l ON s.specObjID = l.specObjID "
        "JOIN Neighbors AS n ON n.objID = s.objID JOIN Galaxy AS g ON g.objID = n.NeighborObjID",
        ("s.specClass IN (3, 4)", f"l.lineID <> {_UNKNOWN_LINE}", "l.ew < -10",
         "n.distanceMins < 10 / 60.0"),
    )  # fmt: skip


def neighbouring(at: Boxes, *, paper: bool) -> Iterator[Asked]:
    """14, 17, 18 and 20: through the table of neighbours within 30 arc seconds."""
    yield _variable(paper=paper)
    yield Asked(
        _n("17", paper), "stars with the colours of a white dwarf beside a red star",
        "DISTINCT a.objID",
        "Star AS a JOIN Neighbors AS n ON a.objID = n.objID "
        "JOIN Star AS b ON b.objID = n.NeighborObjID",
        ("n.distanceMins < 0.05", "a.u - a.g < 0.4", "a.g - a.r < 0.7", "a.r - a.i > 0.4",
         "a.i - a.z > 0.4"),
    )  # fmt: skip
    yield _lenses(paper=paper)
    yield Asked(
        _n("20", paper), "red galaxies with neighbours at their photometric redshift, counted",
        "p.objID, COUNT(*) AS n",
        "Galaxy AS p JOIN Neighbors AS n ON n.objID = p.objID "
        "JOIN Galaxy AS g ON g.objID = n.NeighborObjID JOIN PhotoZ AS a ON a.objID = p.objID "
        "JOIN PhotoZ AS b ON b.objID = g.objID",
        (*within(at.red, "p."), *elliptical(sized=True, of="p."), "ABS(a.z - b.z) < 0.05"),
        "GROUP BY p.objID", SEVEN_THIRDS,
    )  # fmt: skip


def _n(number: str, paper: bool) -> str:  # noqa: FBT001
    return number if paper else f"{number}-2002"


def _variable(*, paper: bool) -> Asked:
    varies = " OR ".join(
        f"ABS(a.psfMag_{b} - c.psfMag_{b}) > 0.1 + ABS(a.psfMagErr_{b}) + ABS(c.psfMagErr_{b})"
        for b in "ugriz"
    )
    sane = tuple(f"{s}.psfMag_{b} BETWEEN 1 AND 27" for s in "ac" for b in "ugriz")
    return Asked(
        _n("14", paper), "stars seen twice, with different magnitudes", "DISTINCT a.objID",
        "Star AS a JOIN Neighbors AS n ON a.objID = n.objID "
        "JOIN PhotoObj AS c ON c.objID = n.NeighborObjID",
        ("n.distanceMins < 0.5 / 60", "a.run <> c.run", "c.type = 6", *sane, f"({varies})"),
    )  # fmt: skip


def _lenses(*, paper: bool) -> Asked:
    alike = tuple(
        f"ABS((p.{a} - p.{b}) - (q.{a} - q.{b})) < 0.05" for a, b in ("ug", "gr", "ri", "iz")
    )
    near = "JOIN Neighbors AS n ON n.objID = p.objID JOIN PhotoPrimary AS q"
    if not paper:
        return Asked(
            "18-2002", "pairs within half an arc minute that have the same colours",
            "DISTINCT p.objID", f"PhotoPrimary AS p {near} ON q.objID = n.NeighborObjID",
            ("n.objID < n.NeighborObjID", *alike),
        )  # fmt: skip
    return Asked(
        "18", "pairs within one arc minute that have the same colours", "DISTINCT p.objID",
        "PhotoPrimary AS p JOIN PhotoPrimary AS q "
        "ON DISTANCE(POINT(p.ra, p.dec), POINT(q.ra, q.dec)) < 1 / 60.0",
        ("p.objID < q.objID", *alike),
        reading="the table of neighbours ends at half an arc minute: a join on position",
    )  # fmt: skip
