"""On a field of COSMOS's densities: probabilities are frequencies, and magnitudes help.

`sq.crossmatch` from tables to a table of candidates. The first four fields are judged together,
whatever each gives: of one alone sum P scatters by 1.1 % (design/quality.md has them one by one).
"""

from __future__ import annotations

import pytest

from skyquarry.testing.xrayscores import THREE, measured

FIELDS = range(1, 5)
RULES = ("one_to_one", "many_to_one")


@pytest.fixture(scope="module")
def score():
    """X-ray sources and optical ones, 8 square degrees."""
    return measured(seeds=FIELDS)["optical"]


@pytest.fixture(scope="module")
def three():
    """X-ray, optical and infrared sources at once, as much sky: by rule and other catalogue.

    Whole fields. Rare sets in islands of a dozen rows and more: sums over these must be exact to be
    learnt from.
    """
    return {rule: measured(seeds=FIELDS, names=THREE, constraint=rule) for rule in RULES}


def test_probabilities_in_doubt_are_frequencies(score):
    """0.01 < P < 0.99 in bins of equal count, debiased: at most 0.01."""
    assert score.n_doubt > 12_000
    assert score.ece_noise < 0.01
    assert score.ece_doubt <= 0.01, score


def test_all_probabilities_are_frequencies(score):
    assert score.ece_all <= 0.005, score


def test_the_sum_of_probabilities_is_the_number_of_true_pairs(score):
    """To 2 % of them, of which perfect probabilities would scatter by 0.55 % on such an area."""
    assert score.sum_noise < 0.006
    assert abs(score.sum_error) <= 0.02, score


def test_magnitudes_lift_the_right_best_matches_from_69_to_84_per_cent(score):
    alone = measured(seeds=(1,), prior="uniform", photometry=None)["optical"]
    assert alone.right == pytest.approx(0.69, abs=0.02)
    assert score.right >= 0.84, score


def test_every_true_pair_is_a_candidate(score):
    """completeness=0.9973: no more than about 0.3 % of the true pairs lie beyond the search."""
    assert score.among >= 0.99, score


@pytest.mark.parametrize("other", THREE[1:])
@pytest.mark.parametrize("rule", RULES)
def test_three_at_once_are_calibrated_too(three, rule, other):
    """To the same bounds. What two magnitudes tell of each other needs narrow bins in the tails."""
    found = three[rule][other]
    assert found.n_doubt > 9_000
    assert found.ece_noise < 0.01
    assert found.ece_doubt <= 0.01, found
    assert found.ece_all <= 0.005, found
    assert found.sum_noise < 0.006
    assert abs(found.sum_error) <= 0.02, found


@pytest.mark.parametrize("rule", RULES)
def test_three_at_once_find_more_than_two(score, three, rule):
    found = three[rule]["optical"]
    assert found.right > score.right + 0.01
    assert found.among >= 0.99, found
