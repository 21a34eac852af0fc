"""Calibration: known distortions are undone, plain data come back the same, bad input is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn.calibration import METHODS, Calibration, best, fit, softmax


def honest(n: int, classes: int = 3, seed: int = 0):
    """Probabilities that are right, and labels drawn from them."""
    random = np.random.default_rng(seed)
    p = softmax(random.normal(0, 2.0, (n, classes)) + np.linspace(0, -1.5, classes))
    label = (p.cumsum(axis=1) < random.random((n, 1))).sum(axis=1)
    return p, label


def loss(p, label):
    return -np.log(p[np.arange(len(label)), label]).mean()


def test_temperature_is_found_again():
    p, label = honest(40_000)
    sharp = softmax(np.log(p) * 2.5)
    assert fit(sharp, label).temperature == pytest.approx(2.5, rel=0.03)
    assert fit(p, label).temperature == pytest.approx(1.0, rel=0.03)


def test_dirichlet_undoes_a_linear_distortion_that_temperature_cannot():
    p, label = honest(40_000)
    bent = softmax(
        np.log(p) @ np.array([[1.6, 0.2, 0], [-0.3, 0.6, 0.3], [-0.2, 0.3, 0.8]]) + [0, 1.0, -0.5]
    )
    found = {method: loss(fit(bent, label, method=method).apply(bent), label) for method in METHODS}
    assert found["dirichlet"] == pytest.approx(loss(p, label), abs=2e-3)
    assert found["temperature"] > loss(p, label) + 0.02
    assert found["dirichlet"] < found["vector"] < found["temperature"]


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrated_row_sums_to_one_and_honest_probabilities_stay(method):
    p, label = honest(20_000, 4, 1)
    told = fit(p, label, method=method).apply(p)
    assert np.allclose(told.sum(axis=1), 1.0, atol=1e-12)
    assert np.abs(told - p).mean() < 0.006


def test_with_few_rows_of_a_class_dirichlet_stays_near_the_temperature():
    p, label = honest(80, 8, 2)
    assert np.bincount(label, minlength=8).min() in (1, 2, 3)
    found = fit(p, label, method="dirichlet")
    unseen, truth = honest(20_000, 8, 3)
    assert loss(found.apply(unseen), truth) < loss(unseen, truth) + 0.06


def test_weights_bring_the_fit_to_another_mix_and_their_scale_does_not_matter():
    p, label = honest(30_000)
    weight = np.array([1.0, 1.0, 8.0])[label]
    found = fit(p, label, weight, method="vector")
    told = np.average(found.apply(p), axis=0, weights=weight)
    assert told == pytest.approx(np.bincount(label, weight) / weight.sum(), abs=2e-3)
    again = fit(p, label, weight * 1e6, method="vector")
    assert np.allclose(found.matrix, again.matrix, atol=1e-4)


def test_zero_probability_of_the_truth_is_bounded_not_infinite():
    p, label = honest(2_000)
    p[0] = [0.0, 1.0, 0.0]
    label[0] = 0
    told = fit(p, label).apply(p)
    assert np.isfinite(np.log(told)).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_calibration_comes_back_bitwise_from_json(method):
    p, label = honest(500)
    found = fit(p, label, method=method)
    again = Calibration.from_json(json.loads(json.dumps(found.to_json())))
    assert np.array_equal(found.apply(p), again.apply(p))


def test_the_best_method_is_the_plainest_that_serves():
    p, label = honest(6_000, 3, 4)
    fold = np.arange(len(label)) % 5
    assert best(softmax(np.log(p) * 2), label, fold)[0].method == "temperature"
    bent = softmax(np.log(p) * [2.0, 1.0, 0.5] + [0.0, 1.0, 0.0])
    chosen, losses = best(bent, label, fold)
    assert chosen.method in ("vector", "dirichlet")
    assert losses["vector"] < losses["temperature"]


@pytest.mark.parametrize(
    ("p", "label", "words"),
    [
        (np.ones((3, 1)), [0, 0, 0], r"shape \(3, 1\)"),
        (np.full((2, 2), np.nan), [0, 1], "NaN"),
        (np.full((2, 2), 0.5), [0, -1], "labels go from -1 to 0"),
        (np.full((2, 2), 0.5), [0, 1, 1], r"labels of shape \(3,\)"),
    ],
)
def test_what_cannot_be_calibrated_is_an_error(p, label, words):
    with pytest.raises(UserError, match=words):
        fit(p, np.array(label))


def test_a_class_that_is_not_there_is_named():
    p, label = honest(100, 3)
    with pytest.raises(UserError, match="no row held out is of class 2"):
        fit(p[label < 2], label[label < 2], method="vector")


def test_a_damaged_calibration_is_an_error():
    with pytest.raises(DamagedError, match="shape"):
        Calibration.from_json(
            {"method": "vector", "matrix": [[1.0]], "shift": [0.0, 1.0], "n_effective": 3}
        )
    with pytest.raises(DamagedError, match="shift"):
        Calibration.from_json({"method": "vector", "matrix": [[1.0]]})
