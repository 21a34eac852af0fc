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
    p = pairs["posterior"].to_numpy()
    table = result.report["pairs"][0]["reliability"]
    compared = 0
    for each in table:
        here = (p >= each["from"]) & (p < each["to"])
        if each["from"] >= 0.5 and here.sum() > 40:
            error = np.sqrt(max(each["expected"] * (1 - each["expected"]), 0.01) / here.sum())
            assert each["shifted"] == pytest.approx(right[here].mean(), abs=5 * error + 0.1)
            compared += 1
    assert compared > 1


def test_no_more_than_so_many_rows_are_moved(crowded):
    result, _ = crowded
    assert strangers(result.made)[0, 1].rows <= 8 * STRANGERS
