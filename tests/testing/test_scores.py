"""The scores give known answers: the golden field's own, and those of made-up probabilities."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from skyquarry.errors import UserError
from skyquarry.testing import scores
from skyquarry.testing.crossfields import crossfield


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


# ---------------------------------------------------------------- against the golden field
@pytest.fixture(scope="module", params=["wrap", "pole"])
def field4(request, golden):
    name = f"field4_{request.param}"
    links = pq.read_table(golden / f"{name}_links.parquet")
    catalogs = {
        c: pq.read_table(golden / f"{name}_{c}.parquet") for c in ("gaia", "tmass", "wise", "ps1")
    }
    table = csv.read_csv(golden / "field4_baseline_scores.csv").to_pylist()
    return links, catalogs, [row for row in table if row["field"] == request.param]


def parts(field4, name):
    links, catalogs, _ = field4
    mine = column(links, "cat") == name
    order = {i: k for k, i in enumerate(column(catalogs[name], "id").tolist())}
    rows = [order[i] for i in column(links, "det_id")[mine].tolist()]
    thing, primary = column(links, "obj_id")[mine], column(links, "is_primary")[mine]
    return scores.Parts(np.array(rows), thing, primary.astype(bool))


def sky(table, *, moving):
    place = [column(table, c) for c in ("ra_deg", "dec_deg")]
    if not moving:
        return scores.Sky(*place)
    motion = [column(table, c) if c in table.column_names else None
              for c in ("epoch_jyear", "pmra_masyr", "pmdec_masyr")]  # fmt: skip
    return scores.Sky(*place, *motion)


@pytest.mark.parametrize("name", ["tmass", "wise", "ps1"])
@pytest.mark.parametrize("how", ["nearest", "mutual_nearest"])
@pytest.mark.parametrize("moving", [False, True])
def test_nearest_has_the_scores_of_the_golden_field(field4, name, how, moving):
    """Every nearest-neighbour line of field4_baseline_scores.csv, to its last digit.

    Of raw positions to three pairs: the golden lists know only what lies within 5" at epoch, so
    that a fast star's nearest as catalogued may be another there.
    """
    truth = scores.true_pairs(parts(field4, "gaia"), parts(field4, name))
    for radius in (1, 2, 3):
        method = f"{'mutual_' * (how != 'nearest')}nn_{'pm' if moving else 'raw'}_{radius}as"
        (line,) = [r for r in field4[2] if r["cat"] == name and r["method"] == method]
        match = getattr(scores, how)
        left, right = (sky(field4[1][c], moving=moving) for c in ("gaia", name))
        score = scores.score_pairs(*match(left, right, radius)[:2], truth)
        assert score.n_true_primary == line["n_true_primary"]
        assert score.n_matched == pytest.approx(line["n_matched"], abs=0 if moving else 3), method
        for key in ("purity_shared", "purity_primary", "completeness_primary"):
            near = 5.1e-7 if moving else 3 / line["n_matched"]
            assert getattr(score, key) == pytest.approx(line[key], abs=near), (method, key)


# ---------------------------------------------------------------- pairs by hand
def test_a_blend_shares_with_all_its_parts_and_is_primary_with_the_brightest():
    left = scores.Parts(np.array([0, 1, 2]), np.array([10, 11, 12]), np.ones(3, bool))
    right = scores.Parts(np.array([0, 0, 1]), np.array([10, 11, 12]), np.array([True, False, True]))
    truth = scores.true_pairs(left, right)
    found = scores.score_pairs(np.array([1, 0, 2, 2]), np.array([0, 0, 0, 0]), truth)
    assert found == scores.PairScore(3, 2, 2 / 3, 1 / 3, 1 / 2)


def test_bins_of_magnitude_share_out_pairs_and_truth():
    rows = np.arange(6)
    all_six = scores.Parts(rows, rows, np.ones(6, bool))
    truth = scores.true_pairs(all_six, all_six)
    mag = np.array([15.0, 15.5, 16.0, 16.5, 17.0, 99.0])
    told = scores.score_by_magnitude(
        np.array([0, 1, 2]), np.array([0, 2, 2]), truth, mag, np.array([15.0, 16.0, 18.0])
    )
    assert [(a, b) for a, b, _ in told] == [(15.0, 16.0), (16.0, 18.0)]
    assert told[0][2] == scores.PairScore(2, 2, 0.5, 0.5, 0.5)
    assert told[1][2] == scores.PairScore(1, 3, 1.0, 1.0, 1 / 3)


def test_nothing_found_has_no_purity_and_no_completeness():
    rows = np.arange(2)
    truth = scores.true_pairs(*[scores.Parts(rows, rows, np.ones(2, bool))] * 2)
    score = scores.score_pairs(np.empty(0, int), np.empty(0, int), truth)
    assert score.n_matched == 0
    assert np.isnan(score.purity_primary)
    assert score.completeness_primary == 0.0


def test_the_nearest_of_two_that_are_equal_is_the_lower_row():
    left = scores.Sky(np.array([10.0]), np.array([0.0]))
    right = scores.Sky(np.array([10.0, 10.0]), np.array([1e-4, 1e-4]))
    assert scores.nearest(left, right, 1.0)[1].tolist() == [0]


# ---------------------------------------------------------------- calibration
def drawn(n, gap=0.0, seed=0):
    """Probabilities, and truths that are right more rarely by `gap` (P of 0.2 to 0.8)."""
    random = np.random.default_rng(seed)
    p = 0.2 + 0.6 * random.random(n)
    return p, random.random(n) < p - gap


def test_calibrated_probabilities_have_no_calibration_error():
    """Plain ECE is all noise, as large as foreseen; debiased it is within half of that noise."""
    told = [scores.reliability(*drawn(20_000, seed=s)) for s in range(40)]
    plain = np.mean([t.ece_plain for t in told])
    assert plain == pytest.approx(np.mean([t.ece_noise for t in told]), rel=0.1)
    assert np.mean([t.ece for t in told]) < 0.5 * plain
    assert np.mean([t.ece == 0.0 for t in told]) > 0.3


@pytest.mark.parametrize("gap", [0.01, 0.03, 0.1])
def test_a_known_calibration_error_is_measured(gap):
    told = [scores.reliability(*drawn(200_000, gap, seed=s)) for s in range(5)]
    assert np.mean([t.ece for t in told]) == pytest.approx(gap, abs=0.0015)


def test_easy_rows_do_not_dilute_what_is_in_doubt():
    p, true = drawn(20_000, 0.1)
    easy = np.full(10**6, 1e-4)
    all_p, all_true = np.concatenate([p, easy]), np.concatenate([true, np.zeros(10**6, bool)])
    assert scores.reliability(all_p, all_true, low=0.01, high=0.99).ece == pytest.approx(
        scores.reliability(p, true).ece
    )
    assert scores.reliability(all_p, all_true).ece < 0.01


def test_bins_hold_equal_numbers():
    told = scores.reliability(*drawn(1003), bins=10)
    assert set(told.count.tolist()) == {100, 101}
    assert told.n == 1003


def test_too_few_probabilities_are_refused():
    with pytest.raises(UserError, match="7 probabilities lie between"):
        scores.reliability(np.full(7, 0.5), np.ones(7, bool))


def test_the_sum_of_probabilities_is_compared_with_the_true_number():
    assert scores.sum_error(np.array([0.5, 0.5, 0.8]), 2) == pytest.approx(0.1)


# ---------------------------------------------------------------- groups
def test_groups_are_right_where_they_hold_all_rows_of_one_object():
    """Objects 1 (a, b, c), 2 (a, b), 3 (a), 4 (b, c); row 2 of c is of nothing."""
    primary = [np.array([1, 2, 3]), np.array([1, 2, 4]), np.array([1, 4, -1])]
    group = np.array([0, 0, 0, 1, 2, 2, 3, 3, 4])
    catalog = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    row = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    told = scores.score_groups(group, catalog, row, primary)
    assert told == scores.GroupScore(3, 3, 1 / 3, 1 / 3, 1 / 3)
    part = scores.score_groups(np.array([7, 7]), np.array([0, 1]), np.array([0, 0]), primary)
    assert part == scores.GroupScore(1, 3, 0.0, 1.0, 0.0)


# ---------------------------------------------------------------- the frozen sky
@pytest.mark.parametrize(("name", "low", "high"), [("twomass_psc", 0.9, 0.995),
                                                   ("allwise", 0.8, 0.985),
                                                   ("panstarrs1", 0.9, 0.995)])  # fmt: skip
def test_the_frozen_sky_is_neither_trivial_nor_hopeless_for_the_nearest(name, low, high):
    field = crossfield(30, area_deg2=0.3)
    roles = field.roles[name]
    gaia, other = field.catalogs["gaia_dr3"], field.catalogs[name]
    left = scores.Sky(*(column(gaia, c) for c in ("ra", "dec", "ref_epoch", "pmra", "pmdec")))
    epoch = roles.epoch.jyears(column(other, roles.epoch.column))
    right = scores.Sky(column(other, roles.ra), column(other, roles.dec), epoch)
    truth = scores.true_pairs(*(scores.parts_of(field.links, n) for n in ("gaia_dr3", name)))
    score = scores.score_pairs(*scores.nearest(left, right, 1.0)[:2], truth)
    assert low < score.purity_primary < high
    assert low < score.completeness_primary
