"""The golden field's candidates of Gaia, one by one: separations, chi2, evidence, the best match.

The golden tables give a motion that nobody measured N(0, (10 mas/yr)^2) per axis, and take a
measured one as it is, without a prior: evidence is compared with that prior and with a flat one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from skyquarry.catalog.arrow import to_numpy
from skyquarry.match.given.reading import rows_of
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.runs.identify import identify
from skyquarry.match.runs.rules import Rules
from skyquarry.sky.vectors import normalised, to_radec, to_xyz
from skyquarry.testing import golden as truth

if TYPE_CHECKING:
    from pathlib import Path

    from skyquarry.match.given.rows import Rows

OTHERS = truth.FIELD4[1:]
CENTRE = {"wrap": (0.0, 30.0), "pole": (123.4, 89.95)}
CASES = [(place, cal) for place in CENTRE for cal in ("", "_cal")]
ARCSEC = np.pi / (180.0 * 3600.0)
PRIOR, FLAT = MotionPrior.single(10.0), MotionPrior.single(1e6)
LIMIT = 0.9999  # completeness whose chi2 the golden's candidates have, 18.42


@dataclass(frozen=True)
class Candidates:
    """Golden pairs of Gaia with one survey, and the rows they are of."""

    gaia: Rows
    other: Rows
    i: Any
    j: Any
    table: dict[str, Any]


@cache
def field_rows(folder: Path, place: str, cal: str) -> dict[str, Rows]:
    """Rows of each catalogue; with `_cal`, as the golden calibration leaves them."""
    field, _ = truth.field4(folder, place)
    rows = {n: rows_of(field.catalogs[n], field.roles[n], name=n)[0] for n in truth.FIELD4}
    if cal:
        told = csv.read_csv(folder / "field4_calibration.csv").to_pylist()
        for line in told:
            if line["field"] == place:
                rows[line["cat"]] = calibrated(rows[line["cat"]], CENTRE[place], line)
    return rows


def calibrated(rows: Rows, centre: tuple[float, float], line: dict[str, Any]) -> Rows:
    """Rows without the golden zero point, which lies along the axes of the field's centre."""
    x, y = (1e-3 * line[f"offset_{axis}_mas"] * ARCSEC for axis in "xy")
    ra = np.radians(centre[0])
    u, east = to_xyz(rows.ra_deg, rows.dec_deg), np.array([-np.sin(ra), np.cos(ra), 0.0])
    along = normalised(east - (u @ east)[:, None] * u)
    ra_deg, dec_deg = to_radec(normalised(u - x * along - y * np.cross(u, along)))
    floor = np.array([1.0, 1.0, 0.0]) * line["floor_arcsec"] ** 2
    return replace(rows, ra_deg=ra_deg, dec_deg=dec_deg, covariance=rows.covariance + floor)


@cache
def candidates(folder: Path, place: str, cal: str, name: str) -> Candidates:
    rows = field_rows(folder, place, cal)
    whole = pq.read_table(folder / f"field4_{place}_pairs{cal}.parquet")
    mine = whole.filter(pc.equal(whole["cat"], name))
    table = {c: to_numpy(mine[c].combine_chunks()) for c in mine.column_names if c != "cat"}
    gaia, other = rows["gaia"], rows[name]
    return Candidates(gaia, other, places(gaia, table["gaia_id"]), places(other, table["x_id"]),
                      table)  # fmt: skip


def places(rows: Rows, ids: Any) -> Any:
    """The row of each id."""
    order = np.argsort(to_numpy(rows.ids))
    return order[np.searchsorted(to_numpy(rows.ids)[order], ids)]


@pytest.mark.parametrize(("place", "cal"), CASES)
@pytest.mark.parametrize("name", OTHERS)
def test_separations_chi2_and_evidence_are_golden(golden, place, cal, name):
    """Epochs, motions and ellipses together, across RA 0 and over the pole.

    Stored degrees hold 0.2 nas, of pairs that lie 0.3 mas apart: chi2 below 0.1 is held to 1e-8,
    and lnB about 0 to 1e-7.
    """
    c = candidates(golden, place, cal, name)
    found = pair_evidence(c.gaia, c.other, c.i, c.j, PRIOR)
    np.testing.assert_allclose(found.sep_arcsec, c.table["sep_at_epoch_arcsec"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.chi2, c.table["chi2"], rtol=1e-7, atol=1e-8)
    measured = ~np.isnan(c.gaia.motions.pm[c.i, 0])
    assert 0 < measured.sum() < len(measured)
    flat = pair_evidence(c.gaia, c.other, c.i, c.j, FLAT)
    lnB = np.where(measured, flat.lnB, found.lnB)
    np.testing.assert_allclose(lnB, c.table["lnB"], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("place", "cal"), CASES)
@pytest.mark.parametrize("name", OTHERS)
def test_the_search_finds_the_golden_candidates_and_no_other(golden, place, cal, name):
    """Of all pairs within 5", those within the limit of chi2; farther ones are too unlike."""
    c = candidates(golden, place, cal, name)
    rules = Rules(("gaia", name), "one_to_one", LIMIT, PRIOR)
    work = identify([c.gaia, c.other], rules)
    near = np.flatnonzero(work.pairs.sep_arcsec <= 5.0)
    found = set(zip(work.left[near].tolist(), work.right[near] - len(c.gaia), strict=True))
    wanted = ~np.isnan(c.table["gain"])
    assert found == set(zip(c.i[wanted].tolist(), c.j[wanted].tolist(), strict=True))


@pytest.mark.parametrize(("place", "cal"), CASES)
@pytest.mark.parametrize("name", OTHERS)
def test_the_best_one_to_one_match_is_golden(golden, place, cal, name):
    """`gain` is the ln odds of a pair: the matching of the greatest sum is in_map_1to1."""
    c = candidates(golden, place, cal, name)
    work = identify([c.gaia, c.other], Rules(("gaia", name), "one_to_one", LIMIT, PRIOR))
    key = c.i * len(c.other) + c.j
    order = np.argsort(key)
    own = work.left * len(c.other) + work.right - len(c.gaia)
    at = np.minimum(np.searchsorted(key[order], own), len(key) - 1)
    known = key[order][at] == own
    gain = np.where(known, c.table["gain"][order][at], -np.inf)  # beyond 5": the golden has none
    weight = np.zeros(len(work.groups))
    weight[work.own] = gain
    chosen = resolve(work.islands, work.groups, weight, "one_to_one").chosen[work.own]
    assert set(own[chosen].tolist()) == set(key[c.table["in_map_1to1"]].tolist())
