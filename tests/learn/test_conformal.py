"""Conformal sets: the promised coverage, class by class and bin by bin, in simulations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn.calibration import softmax
from skyquarry.learn.conformal import ConformalSets, fit

SHARES = np.array([0.7, 0.27, 0.03])


def sky(n: int, random: np.random.Generator):
    """A model that is overconfident, worse at the faint end, with a rare class."""
    magnitude = random.uniform(16, 22, n)
    label = random.choice(3, n, p=SHARES)
    signal = 4.0 * np.exp(-(((magnitude - 16) / 5) ** 2))
    scores = signal[:, None] * np.eye(3)[label] * [1, 1, 0.6] + random.normal(0, 1, (n, 3))
    return softmax(2.0 * scores + np.log(SHARES)), label, magnitude


def coverage(sets, label):
    return np.array([sets[label == k, k].mean() for k in range(3)])


def test_every_class_is_covered_as_promised_over_many_calibration_sets():
    random = np.random.default_rng(1)
    told = []
    for _ in range(60):
        p, label, _ = sky(3_000, random)
        unseen, truth, _ = sky(3_000, random)
        told.append(coverage(fit(p, label, alpha=0.1).sets(unseen), truth))
    assert np.mean(told, axis=0) == pytest.approx([0.9] * 3, abs=0.012)


def test_exact_finite_coverage_with_nine_rows_of_a_class():
    random = np.random.default_rng(2)
    covered = []
    for _ in range(4_000):  # 9 rows: the promise of 0.9 is kept exactly, 9 / 10
        p = random.random(10)
        told = fit(np.stack([p[:9], 1 - p[:9]], 1), np.zeros(9, int), alpha=0.1)
        covered.append(told.sets(np.array([[p[9], 1 - p[9]]]))[0, 0])
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_a_class_with_too_few_rows_is_in_every_set():
    p = np.array([[0.9, 0.1], [0.2, 0.8]] * 4)
    told = fit(p, np.array([0, 1] * 4), alpha=0.1)
    assert (told.thresholds == 0).all()
    assert told.sets(np.array([[0.0, 1.0]])).all()


def test_bins_of_magnitude_are_each_covered_where_one_threshold_fails_the_faint():
    random = np.random.default_rng(3)
    p, label, magnitude = sky(60_000, random)
    unseen, truth, faint = sky(60_000, random)
    edges = (18.0, 20.0)
    mondrian = fit(p, label, magnitude=magnitude, edges=edges).sets(unseen, faint)
    plain = fit(p, label).sets(unseen)
    place = np.searchsorted(edges, faint)
    for each in range(3):
        here = place == each
        assert coverage(mondrian[here], truth[here])[:2] == pytest.approx([0.9] * 2, abs=0.012)
    assert coverage(plain[place == 2], truth[place == 2])[0] < 0.88


def test_bins_with_few_rows_are_joined_to_a_neighbour():
    random = np.random.default_rng(4)
    p, label, magnitude = sky(2_000, random)
    told = fit(p, label, magnitude=magnitude, edges=(17.0, 18.0, 19.0, 20.0, 21.0))
    assert (told.counts[:6, 2] < 100).all()  # all of a rare class in one lot
    assert len(set(told.thresholds[:6, 2])) == 1
    assert len(set(told.thresholds[:6, 0])) == 6
    assert (told.thresholds[6] == 0).all()  # nothing was learnt of rows without a magnitude


def test_weights_move_the_promise_to_another_mix_of_magnitudes():
    random = np.random.default_rng(5)
    p, label, magnitude = sky(40_000, random)
    unseen, truth, other = sky(200_000, random)
    faint = random.random(len(other)) < np.exp((other - 22) * 0.7)
    weights = np.exp((magnitude - 22) * 0.7)
    plain = coverage(fit(p, label).sets(unseen[faint]), truth[faint])
    weighted = coverage(fit(p, label, weights=weights).sets(unseen[faint]), truth[faint])
    assert plain[0] < 0.87
    assert weighted[:2] == pytest.approx([0.9, 0.9], abs=0.015)


def test_sets_come_back_the_same_from_json():
    random = np.random.default_rng(6)
    p, label, magnitude = sky(1_000, random)
    told = fit(p, label, magnitude=magnitude, edges=(19.0,))
    again = ConformalSets.from_json(json.loads(json.dumps(told.to_json())))
    assert np.array_equal(told.sets(p, magnitude), again.sets(p, magnitude))
    with pytest.raises(DamagedError, match="edges need"):
        ConformalSets.from_json(told.to_json() | {"edges": []})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"alpha": 1.0}, "alpha is 1.0"),
        ({"labels": np.array([0, 5])}, "labels go from 0 to 5"),
        ({"edges": (3.0, 2.0), "magnitude": np.zeros(2)}, "rising edges"),
        ({"edges": (3.0,)}, "magnitude missing"),
    ],
)
def test_what_cannot_be_promised_is_an_error(change, words):
    given = {"p": np.full((2, 2), 0.5), "labels": np.array([0, 1])} | change
    with pytest.raises(UserError, match=words):
        fit(**given)


def test_sets_made_for_bins_need_a_magnitude():
    p = np.full((4, 2), 0.5)
    told = fit(p, np.array([0, 1, 0, 1]), magnitude=np.arange(4.0), edges=(2.0,))
    with pytest.raises(UserError, match="magnitude is None"):
        told.sets(p)
