"""The golden field, all four catalogues at once: at or above its baseline, twice the same."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pyarrow import csv

from skyquarry.match.given.rows import Flag
from skyquarry.testing import golden as truth
from skyquarry.testing import scores

FULL = "map_1to1_pm_cal_mix"  # the golden's full method
DEFAULT, WIDER = 0.9973, 0.9999  # completeness
NAMES = truth.FIELD4


@pytest.fixture(scope="module")
def fields(golden):
    return {place: truth.field4(golden, place) for place in ("wrap", "pole")}


@pytest.fixture(scope="module")
def results(fields):
    """Both placements, identified with everything at its default."""
    return {place: truth.identify(field, NAMES) for place, (field, _) in fields.items()}


@pytest.fixture(scope="module")
def two_by_two(fields):
    """Pairs of Gaia with one survey, by placement, survey and completeness."""

    @cache
    def pairs(place, name, completeness):
        field, _ = fields[place]
        return truth.identify(field, ("gaia", name), completeness=completeness).pairs

    return pairs


@pytest.fixture(scope="module")
def baseline(golden):
    table = csv.read_csv(golden / "field4_baseline_scores.csv").to_pylist()
    return {(row["field"], row["cat"], row["method"]): row for row in table}


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


KEY = ("left_catalog", "left_row", "right_catalog", "right_row")


def test_both_placements_have_the_same_candidates_and_the_same_matches(results):
    """The same physics across RA 0 and over the pole: pairs, chi2, and who belongs to whom.

    The two lie at different galactic latitudes, and so do the motions that stars without one are
    expected to have: chi2 is compared where none is, and how far improbable pairs are sought is not
    the same. One row of WISE belongs to either of two stars at P = 0.50 (and 0.51 a while ago).
    """
    wrap, pole = (results[place].pairs for place in ("wrap", "pole"))
    keys = [list(zip(*(t[c].to_pylist() for c in KEY), strict=True)) for t in (wrap, pole)]
    both = set(keys[0]) & set(keys[1])
    assert len(both) > 6_000
    for own, table in zip(keys, (wrap, pole), strict=True):
        alone = np.array([key not in both for key in own])
        assert alone.sum() <= 10
        assert (column(table, "posterior")[alone] < 0.01).all()
    matched = [
        {key for key, inside, p in zip(own, *told, strict=True) if inside and abs(p - 0.5) > 0.01}
        for own, told in (
            (own, (column(table, "is_match"), column(table, "posterior")))
            for own, table in zip(keys, (wrap, pole), strict=True)
        )
    ]
    assert matched[0] == matched[1]
    orders = [sorted((k for k in range(len(o)) if o[k] in both), key=o.__getitem__) for o in keys]
    first, second = (t.take(o) for t, o in zip((wrap, pole), orders, strict=True))
    known = column(first, "flags") & Flag.PM_PRIOR == 0
    assert known.sum() > 1_000
    chi2 = [column(each, "chi2")[known] for each in (first, second)]
    np.testing.assert_allclose(*chi2, rtol=1e-6, atol=1e-7)  # as far as stored degrees go
    np.testing.assert_allclose(column(first, "sep_arcsec"), column(second, "sep_arcsec"), rtol=1e-5)
    posterior = [column(each, "posterior") for each in (first, second)]
    np.testing.assert_allclose(*posterior, rtol=0, atol=0.1)
    assert np.mean(np.abs(posterior[0] - posterior[1])) < 1e-3


@pytest.mark.parametrize("place", ["wrap", "pole"])
@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("completeness", [DEFAULT, WIDER])
def test_two_by_two_the_scores_are_at_or_above_the_full_method(
    fields, two_by_two, baseline, place, name, completeness
):
    """The golden's methods match Gaia with one survey at a time, and cut no candidate by chi2."""
    pairs = two_by_two(place, name, completeness)
    score, line = scored(pairs, fields[place][1], name), baseline[place, name, FULL]
    assert score.n_true_primary == line["n_true_primary"]
    for key in ("purity_shared", "purity_primary", "completeness_primary"):
        assert getattr(score, key) >= line[key] - 5e-7, (key, score)


@pytest.mark.parametrize("place", ["wrap", "pole"])
@pytest.mark.parametrize("name", NAMES[1:])
def test_candidates_are_as_complete_as_was_asked(fields, two_by_two, place, name):
    """At most 0.27 % of true pairs are none, blends too, whose errors are understated."""
    parts, pairs = fields[place][1], two_by_two(place, name, DEFAULT)
    true = scores.true_pairs(parts["gaia"], parts[name]).primary
    keys = scores.pair_keys(column(pairs, "left_row"), column(pairs, "right_row"))
    assert np.mean(~np.isin(true, keys)) <= 1.0 - DEFAULT


@pytest.mark.parametrize("place", ["wrap", "pole"])
@pytest.mark.parametrize("name", NAMES[1:])
def test_all_at_once_the_scores_are_at_or_above_the_full_method(
    fields, results, baseline, place, name
):
    """With everything at its default."""
    score, line = scored(results[place].pairs, fields[place][1], name), baseline[place, name, FULL]
    for key in ("purity_shared", "purity_primary", "completeness_primary"):
        assert getattr(score, key) >= line[key] - 5e-7, (key, score)


def scored(pairs, parts, name):
    true = scores.true_pairs(parts["gaia"], parts[name])
    return scores.score_pairs(*truth.matched_rows(pairs, "gaia", name), true)


@pytest.mark.parametrize("place", ["wrap", "pole"])
def test_every_two_rows_of_an_accepted_group_stand_among_the_pairs(results, place):
    """Those too that are no candidates of each other: a fast star, joined by the row between."""
    pairs, groups = results[place].pairs, results[place].groups
    size = column(groups, "n").astype(np.int64)
    inside = column(pairs, "is_match")
    assert inside.sum() == (size * (size - 1) // 2).sum()
    joined = column(pairs, "flags")[inside] & Flag.OUTLIER != 0
    assert joined.any()
    assert np.isnan(column(pairs, "ln_gain")[inside][joined]).all()


@pytest.mark.parametrize("place", ["wrap", "pole"])
def test_groups_that_are_almost_sure_are_right(fields, results, place):
    """P > 0.999: at least 99 in 100 hold exactly the rows of one object, and most are such."""
    field, parts = fields[place]
    primary = [truth.primary_objects(parts[name], field.catalogs[name].num_rows) for name in NAMES]
    group, catalog, row, posterior = truth.group_members(results[place], NAMES)
    sure = posterior > 0.999
    score = scores.score_groups(group[sure], catalog[sure], row[sure], primary)
    assert score.right >= 0.99, score
    assert score.found >= 0.8, score


def test_the_sum_of_probabilities_is_the_number_of_true_pairs(fields, results):
    _, parts = fields["wrap"]
    pairs = results["wrap"].pairs
    for name in NAMES[1:]:
        mine = [
            a == "gaia" and b == name
            for a, b in zip(
                pairs["left_catalog"].to_pylist(), pairs["right_catalog"].to_pylist(), strict=True
            )
        ]
        true = scores.true_pairs(parts["gaia"], parts[name])
        assert scores.sum_error(column(pairs, "posterior")[mine], len(true.primary)) < 0.03
