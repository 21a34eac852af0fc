"""Filling: gaps hold what the measured features let one expect, and nothing measured changes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra learn is not installed")

from skyquarry.learn.classifiers.filling import Clouds, Factors, filling_of
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


def covariance(filling: Factors) -> np.ndarray:
    return np.asarray(filling.loadings @ filling.loadings.T + np.diag(filling.noise))


def likelihood(filling: Factors, x: np.ndarray, known: np.ndarray) -> float:
    total, whole = 0.0, covariance(filling)
    for row, there in zip(x, known > 0, strict=True):
        if there.any():
            left = (row - filling.mean)[there]
            some = whole[np.ix_(there, there)]
            total -= 0.5 * (np.linalg.slogdet(some)[1] + left @ np.linalg.solve(some, left))
    return total


def test_a_gap_is_filled_with_the_conditional_mean_of_a_normal_distribution():
    whole, gone = magnitudes(400, 1)
    filling = Factors.of(np.where(gone, 0.0, whole).astype(np.float32), gone)
    missing = np.array([[False, True, False, False], [True, False, False, True]])
    asked = np.where(missing, 0.0, whole[:2]).astype(np.float32)
    told, matrix = filling.apply(asked, missing), covariance(filling)
    for row, lacks, got in zip(asked.astype(float), missing, told, strict=True):
        apart, some = matrix[np.ix_(lacks, ~lacks)], matrix[np.ix_(~lacks, ~lacks)]
        by_hand = filling.mean[lacks] + apart @ np.linalg.solve(some, (row - filling.mean)[~lacks])
        assert got[lacks] == pytest.approx(by_hand, abs=1e-5)


def test_a_band_is_filled_from_its_colour_and_the_other_band():
    whole, gone = magnitudes(2_000, 2)
    filling = Factors.of(np.where(gone, 0.0, whole).astype(np.float32), gone)
    lacks = np.zeros(whole.shape, np.bool_)
    lacks[:, 1] = True
    told = filling.apply(np.where(lacks, 0.0, whole).astype(np.float32), lacks)
    assert np.std(told[:, 1] - whole[:, 1]) < 0.2 * np.std(whole[:, 1])


def test_each_round_makes_what_is_measured_likelier():
    whole, gone = magnitudes(300, 3)
    x, known = np.where(gone, 0.0, whole).astype(np.float64), (~gone).astype(np.float64)
    made = Factors(np.zeros(4), 0.1 * np.eye(4)[:, :2] + 0.05, np.ones(4))
    before = likelihood(made, x, known)
    for _ in range(8):
        made = made._better(x, known, known.sum(axis=0))
        after = likelihood(made, x, known)
        assert after > before - 0.1  # the ridge and the least noise are no part of it
        before = after


def test_what_is_measured_keeps_its_bits_and_rows_do_not_touch_one_another():
    whole, gone = magnitudes(200, 4)
    zeroed = np.where(gone, 0.0, whole).astype(np.float32)
    filling = Factors.of(zeroed, gone)
    told = filling.apply(zeroed, gone)
    assert (told[~gone] == zeroed[~gone]).all()
    assert (filling.apply(zeroed[50:60], gone[50:60]) == told[50:60]).all()


def two_clouds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sequences that rise and fall, parted in a third feature; which one each row is of."""
    random = np.random.default_rng(seed)
    first = random.random(n) < 0.4
    x = random.normal(size=n)
    y = np.where(first, x, -x) + random.normal(0.0, 0.05, n)
    side = np.where(first, 1.0, -1.0) + random.normal(0.0, 0.1, n)
    return np.stack([x, y, side], axis=1).astype(np.float32), first


def test_each_cloud_is_filled_as_its_own_members_are():
    whole, first = two_clouds(1_500, 6)
    gone = np.random.default_rng(7).random(whole.shape) < 0.1
    made = filling_of(np.where(gone, 0.0, whole).astype(np.float32), gone)
    lacks = np.zeros(whole.shape, np.bool_)
    lacks[:, 1] = True
    blank = np.where(lacks, 0.0, whole).astype(np.float32)
    told = made.apply(blank, lacks)
    assert isinstance(made, Clouds)
    assert np.abs(told[:, 1] - np.where(first, whole[:, 0], -whole[:, 0])).mean() < 0.1
    one = Factors.of(np.where(gone, 0.0, whole).astype(np.float32), gone).apply(blank, lacks)
    assert np.std(one[:, 1] - whole[:, 1]) > 3.0 * np.std(told[:, 1] - whole[:, 1])


def test_clouds_keep_what_is_measured_and_rows_do_not_touch_one_another():
    whole, _ = two_clouds(600, 8)
    gone = np.random.default_rng(9).random(whole.shape) < 0.3
    zeroed = np.where(gone, 0.0, whole).astype(np.float32)
    made = Clouds.of(zeroed, gone)
    told = made.apply(zeroed, gone)
    assert (told[~gone] == zeroed[~gone]).all()
    assert (made.apply(zeroed[50:60], gone[50:60]) == told[50:60]).all()
    assert made.apply(whole, np.zeros_like(gone)) is whole


def test_a_row_of_nothing_is_filled_with_the_mean_of_all():
    whole, _ = two_clouds(600, 10)
    made = Clouds.of(whole, np.zeros(whole.shape, np.bool_))
    told = made.apply(np.zeros((1, 3), np.float32), np.ones((1, 3), np.bool_))
    assert told[0] == pytest.approx(whole.mean(axis=0), abs=0.02)


def test_few_rows_are_filled_by_factors():
    whole, gone = magnitudes(319, 11)
    assert isinstance(filling_of(whole, gone), Factors)
    assert isinstance(filling_of(*magnitudes(320, 11)), Clouds)


@pytest.mark.parametrize("rows", [200, 600])
def test_a_kernel_that_fills_is_the_same_from_its_file(rows: int, tmp_path):
    whole, first = two_clouds(rows, 12)
    gone = np.random.default_rng(13).random(whole.shape) < 0.2
    gone[:, 2] &= ~gone[:, :2].any(axis=1)
    values = np.where(gone, np.nan, whole)
    kind = [f"class {each:d}" for each in first]
    learnt = Kernel(landmarks=60).fit(Examples.of(values, ("a", "b", "c"), kind), seed=0)
    learnt.save(tmp_path)
    again = Kernel.load(tmp_path)
    assert type(again._sight.filling) is (Clouds if rows > 300 else Factors)
    assert (again.predict_proba(values) == learnt.predict_proba(values)).all()


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
