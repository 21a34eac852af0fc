"""On a field of COSMOS's densities: probabilities are frequencies, and magnitudes help.

`sq.crossmatch` from tables to a table of candidates; over several seeds: design/quality.md.
"""

from __future__ import annotations

import pytest

from skyquarry.testing.xrayscores import measured


@pytest.fixture(scope="module", params=[1, 2])
def score(request):
    return measured(seed=request.param)


def test_probabilities_in_doubt_are_frequencies(score):
    """0.01 < P < 0.99 in bins of equal count, debiased: at most 0.01."""
    assert score.n_doubt > 3_000
    assert score.ece_doubt <= 0.01, score


def test_all_probabilities_are_frequencies(score):
    assert score.ece_all <= 0.005, score


def test_the_sum_of_probabilities_is_the_number_of_true_pairs(score):
    """To 2 % of them, of which perfect probabilities would scatter by 1.1 % from field to field."""
    assert abs(score.sum_error) <= 0.02, score


def test_magnitudes_lift_the_right_best_matches_from_69_to_84_per_cent(score):
    assert score.right_alone == pytest.approx(0.69, abs=0.02)
    assert score.right >= 0.84, score


def test_every_true_pair_is_a_candidate(score):
    """completeness=0.9973: no more than about 0.3 % of the true pairs lie beyond the search."""
    assert score.among >= 0.99, score
