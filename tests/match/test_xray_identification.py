"""On a field of COSMOS's densities: probabilities are frequencies, and magnitudes help.

`sq.crossmatch` from tables to a table of candidates. The first four fields are judged together,
whatever each gives: of one alone sum P scatters by 1.1 % (design/quality.md has them one by one).
"""

from __future__ import annotations

import pytest

from skyquarry.testing.xrayscores import THREE, measured


@pytest.fixture(scope="module")
def score():
    """X-ray sources and optical ones, 8 square degrees."""
    return measured(seeds=range(1, 5))


@pytest.fixture(scope="module")
def three():
    """X-ray, optical and infrared sources at once: the first field, whole, 2 square degrees.

    Rare sets in islands of a dozen rows and more: sums over these must be exact to be learnt from.
    """
    return measured(seeds=(1,), names=THREE)


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
    alone = measured(seeds=(1,), prior="uniform", photometry=None)
    assert alone.right == pytest.approx(0.69, abs=0.02)
    assert score.right >= 0.84, score


def test_every_true_pair_is_a_candidate(score):
    """completeness=0.9973: no more than about 0.3 % of the true pairs lie beyond the search."""
    assert score.among >= 0.99, score


def test_three_at_once_are_calibrated_too(three):
    """In doubt 1 % and what scatter adds on this area; over four whole fields 1.4 to 1.8 %."""
    assert three.n_doubt > 1_500
    assert three.ece_doubt <= 0.01 + three.ece_noise, three
    assert three.ece_all <= 0.005, three
    assert abs(three.sum_error) <= 0.02, three


def test_three_at_once_find_more_than_two(score, three):
    assert three.right > score.right + 0.01
    assert three.among >= 0.99, three
