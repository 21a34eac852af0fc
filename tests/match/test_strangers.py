"""Rows moved to where they do not belong find what chance gives, and the report says so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyquarry as sq
from skyquarry.match.reports.strangers import STRANGERS, strangers
from skyquarry.match.reports.tally import P_EDGES

ROLES = {
    "id": "id",
    "ra": "ra",
    "dec": "dec",
    "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
}
SIDE = 0.4
"""degrees: a field that is crowded within the errors"""


def table(ra, dec, first: int, sigma: float) -> pa.Table:
    ids = np.arange(len(ra)) + first
    return pa.table({"id": ids, "ra": ra, "dec": dec, "err": np.full(len(ra), sigma)})


@pytest.fixture(scope="module")
def crowded():
    """2,000 rows, 60 % with a counterpart, among 20,000 strangers: 0.6 of them within 3 arcsec."""
    random = np.random.default_rng(7)
    n, m, sigma = 2_000, 20_000, 0.9
    ra, dec = 40.0 + SIDE * random.random(n), SIDE * random.random(n)
    real = np.flatnonzero(random.random(n) < 0.6)
    there = [each[real] + random.normal(0, sigma / 3600, len(real)) for each in (ra, dec)]
    other = [
        np.append(t, o + SIDE * random.random(m)) for t, o in zip(there, (40.0, 0.0), strict=True)
    ]
    a, b = table(ra, dec, 0, sigma), table(*other, 10**6, 0.05)
    result = sq.crossmatch((a, ROLES), (b, ROLES), names=["a", "b"], calibrate=False).run()
    truth = np.full(n, -1)
    truth[real] = 10**6 + np.arange(len(real))
    return result, truth


def test_strangers_find_what_wrong_candidates_of_lonely_rows_are(crowded):
    """The candidates of rows without a counterpart, by P, are a sample of what strangers find."""
    result, truth = crowded
    found = strangers(result.made)[0, 1]
    pairs = result.pairs
    left, p = pairs["left_id"].to_numpy(), pairs["posterior"].to_numpy()
    lonely = np.histogram(p[truth[left] < 0], P_EDGES)[0]
    rows = (truth < 0).sum()
    assert found.rows > 8 * 0.5 * len(truth)
    expected = found.candidates * rows / found.rows
    assert np.all(np.abs(lonely - expected) < 4.5 * np.sqrt(expected + 1.0) + 0.1 * expected)
    assert lonely[P_EDGES[:-1] > 0.3].sum() > 50


def test_the_reliability_table_has_a_measured_side_near_the_truth(crowded):
    result, truth = crowded
    pairs = result.pairs
    right = truth[pairs["left_id"].to_numpy()] == pairs["right_id"].to_numpy()
    bins = compared(result, right)
    assert sum(low >= 0.5 for low in bins) > 4
    assert sum(low < 0.5 for low in bins) > 4  # where rows with a counterpart have rivals
    for each in result.report["pairs"][0]["reliability"]:
        if each["from"] in bins and each["from"] < 0.2:
            assert each["shifted"] < 0.35


def compared(result, right) -> list[float]:
    """The bins that are measured, each within four standard errors of the truth."""
    p = result.pairs["posterior"].to_numpy()
    found = []
    for each in result.report["pairs"][0]["reliability"]:
        here = (p >= each["from"]) & ((p < each["to"]) | (each["to"] == 1.0))
        assert here.sum() == each["candidates"]
        if each["shifted"] is not None:
            assert 0.0 < each["shifted_error"] <= 0.2
            assert abs(each["shifted"] - right[here].mean()) < 4.0 * each["shifted_error"]
            found.append(each["from"])
    return found


def test_which_star_of_a_blend_it_is_is_not_said_to_be_measured():
    """600 double stars, of each of which the other survey sees the one star, or the other."""
    random = np.random.default_rng(3)
    n, sigma, apart = 600, 0.5, 1.0 / 3600.0
    ra, dec = 40.0 + 2.0 * random.random(n), random.random(n)
    seen = random.random(n) < 0.5
    offset = random.normal(0.0, sigma / 3600.0, (2, n))
    a = table(np.append(ra, ra), np.append(dec, dec + apart), 0, 0.05)
    b = table(ra + offset[0], dec + np.where(seen, apart, 0.0) + offset[1], 10**6, sigma)
    result = sq.crossmatch((a, ROLES), (b, ROLES), names=["a", "b"], calibrate=False).run()
    bins = result.report["pairs"][0]["reliability"]
    between = [each for each in bins if 0.1 <= each["from"] < 0.8]
    assert sum(each["candidates"] for each in between) > 100
    assert all(each["shifted"] is None for each in between)  # by chance alone all would be true
    p = result.pairs["posterior"].to_numpy()
    left, other = (result.pairs[n].to_numpy() for n in ("left_id", "right_id"))
    right = left == other - 10**6 + n * seen[other - 10**6]
    likely = [each for each in bins if 0.8 <= each["from"] < 0.999 and each["shifted"] is not None]
    assert len(likely) > 2
    for each in likely:
        here = (p >= each["from"]) & (p < each["to"])
        assert abs(each["shifted"] - right[here].mean()) < 2.0 * each["shifted_error"]
    hopeless = [each["shifted"] for each in bins if each["to"] <= 0.1]
    assert any(share is not None for share in hopeless)
    assert all(share is None or share < 0.1 for share in hopeless)


def test_no_more_than_so_many_rows_are_moved(crowded):
    result, _ = crowded
    assert strangers(result.made)[0, 1].rows <= 8 * STRANGERS
