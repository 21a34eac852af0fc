"""Filling: gaps hold what the measured features let one expect, and nothing measured changes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra learn is not installed")

from skyquarry.learn.classifiers.filling import Filling
from skyquarry.learn.classifiers.kernel import Kernel
from skyquarry.learn.examples import Examples


def magnitudes(n: int, seed: int, share: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Three bands and a colour of two of them, scaled, some blanked: values, and what is there."""
    random = np.random.default_rng(seed)
    bright, red = random.normal(size=(2, n))
    bands = np.stack([bright, bright + 0.3 * red, bright + 0.5 * red], axis=1)
    bands += random.normal(0.0, 0.02, bands.shape)
    whole = np.column_stack([bands, bands[:, 0] - bands[:, 1]]).astype(np.float32)
    gone = random.random((n, 4)) < share
    return whole, gone


def covariance(filling: Filling) -> np.ndarray:
    return np.asarray(filling.loadings @ filling.loadings.T + np.diag(filling.noise))


def likelihood(filling: Filling, x: np.ndarray, known: np.ndarray) -> float:
    total, whole = 0.0, covariance(filling)
    for row, there in zip(x, known > 0, strict=True):
        if there.any():
            left = (row - filling.mean)[there]
            some = whole[np.ix_(there, there)]
            total -= 0.5 * (np.linalg.slogdet(some)[1] + left @ np.linalg.solve(some, left))
    return total


def test_a_gap_is_filled_with_the_conditional_mean_of_a_normal_distribution():
    whole, gone = magnitudes(400, 1)
    filling = Filling.of(np.where(gone, 0.0, whole).astype(np.float32), gone)
    missing = np.array([[False, True, False, False], [True, False, False, True]])
    asked = np.where(missing, 0.0, whole[:2]).astype(np.float32)
    told, matrix = filling.apply(asked, missing), covariance(filling)
    for row, lacks, got in zip(asked.astype(float), missing, told, strict=True):
        apart, some = matrix[np.ix_(lacks, ~lacks)], matrix[np.ix_(~lacks, ~lacks)]
        by_hand = filling.mean[lacks] + apart @ np.linalg.solve(some, (row - filling.mean)[~lacks])
        assert got[lacks] == pytest.approx(by_hand, abs=1e-5)


def test_a_band_is_filled_from_its_colour_and_the_other_band():
    whole, gone = magnitudes(2_000, 2)
    filling = Filling.of(np.where(gone, 0.0, whole).astype(np.float32), gone)
    lacks = np.zeros(whole.shape, np.bool_)
    lacks[:, 1] = True
    told = filling.apply(np.where(lacks, 0.0, whole).astype(np.float32), lacks)
    assert np.std(told[:, 1] - whole[:, 1]) < 0.2 * np.std(whole[:, 1])


def test_each_round_makes_what_is_measured_likelier():
    whole, gone = magnitudes(300, 3)
    x, known = np.where(gone, 0.0, whole).astype(np.float64), (~gone).astype(np.float64)
    made = Filling(np.zeros(4), 0.1 * np.eye(4)[:, :2] + 0.05, np.ones(4))
    before = likelihood(made, x, known)
    for _ in range(8):
        made = made._better(x, known, known.sum(axis=0))
        after = likelihood(made, x, known)
        assert after > before - 0.1  # the ridge and the least noise are no part of it
        before = after


def test_what_is_measured_keeps_its_bits_and_rows_do_not_touch_one_another():
    whole, gone = magnitudes(200, 4)
    zeroed = np.where(gone, 0.0, whole).astype(np.float32)
    filling = Filling.of(zeroed, gone)
    told = filling.apply(zeroed, gone)
    assert (told[~gone] == zeroed[~gone]).all()
    assert (filling.apply(zeroed[50:60], gone[50:60]) == told[50:60]).all()


@pytest.mark.parametrize("gaps", ["by chance", "by class"])
def test_gaps_by_chance_are_filled_and_gaps_that_tell_the_class_are_told(gaps: str):
    random = np.random.default_rng(5)
    label = random.integers(0, 2, 600)
    both = random.normal(size=600) + 0.7 * label
    values = np.stack([both, both + random.normal(0.0, 0.1, 600)], axis=1)
    share = np.where(label, 0.45, 0.15) if gaps == "by class" else np.full(600, 0.3)
    gone = random.random((600, 2)) < share[:, None]
    gone &= ~gone.all(axis=1)[:, None]
    kind = [f"class {each}" for each in label]
    examples = Examples.of(np.where(gone, np.nan, values), ("a", "b"), kind)
    learnt = Kernel(landmarks=80).fit(examples, seed=0)
    filled = sum(
        share for share, each in zip(learnt._shares, learnt._members, strict=True) if not each.told
    )
    assert (filled > 0.5) == (gaps == "by chance")
