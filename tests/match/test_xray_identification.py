"""On a field of COSMOS's densities: probabilities are frequencies, and magnitudes help."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from skyquarry.testing import golden, scores
from skyquarry.testing.xraysky import xraysky


@pytest.fixture(scope="module")
def sky():
    return xraysky()


@pytest.fixture(scope="module")
def pairs(sky):
    return identified(sky)


def identified(sky, **settings):
    field = golden.Field(sky.catalogs, sky.roles)
    settings |= {"constraint": "many_to_one"}
    return golden.identify(field, ("xray", "optical"), **settings).pairs


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def is_true(sky, pairs):
    counterpart = column(sky.truth, "optical")
    return counterpart[column(pairs, "left_row")] == column(pairs, "right_row")


def share_right(sky, pairs):
    """Of the X-ray sources with a counterpart, those whose most probable candidate it is."""
    counterpart = column(sky.truth, "optical")
    left, p = column(pairs, "left_row"), column(pairs, "posterior")
    order = np.lexsort((column(pairs, "right_row"), -p, left))
    first = order[np.r_[True, np.diff(left[order]) > 0]]
    return is_true(sky, pairs)[first].sum() / (counterpart >= 0).sum()


def test_probabilities_in_doubt_are_frequencies(sky, pairs):
    """0.01 < P < 0.99 in bins of equal count, debiased: at most 0.01."""
    told = scores.reliability(column(pairs, "posterior"), is_true(sky, pairs), low=0.01, high=0.99)
    assert told.n > 3_000
    assert told.ece <= 0.01, told


def test_all_probabilities_are_frequencies(sky, pairs):
    assert scores.reliability(column(pairs, "posterior"), is_true(sky, pairs)).ece <= 0.005


def test_the_sum_of_probabilities_is_the_number_of_true_pairs(sky, pairs):
    n_true = (column(sky.truth, "optical") >= 0).sum()
    assert scores.sum_error(column(pairs, "posterior"), n_true) <= 0.02


def test_magnitudes_lift_the_right_best_matches_from_69_to_84_per_cent(sky, pairs):
    alone = identified(sky, prior="uniform", photometry=None)
    assert share_right(sky, alone) == pytest.approx(0.69, abs=0.02)
    assert share_right(sky, pairs) >= 0.84


def test_every_true_pair_is_a_candidate(sky, pairs):
    """completeness=0.9973: no more than about 0.3 % of the true pairs lie beyond the search."""
    n_true = (column(sky.truth, "optical") >= 0).sum()
    assert is_true(sky, pairs).sum() >= 0.99 * n_true
    assert pc.all(pc.less_equal(pairs["posterior"], 1.0)).as_py()
