"""Novelty: the rate of false alarms holds in every class, strangers are found, gaps are borne."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import edges, mixtures, novelty


def sky(n, seed, gaps=0.2):
    """Three classes: a bent one, a broad one, a rare one; a feature that tells nothing."""
    random = np.random.default_rng(seed)
    label = random.choice(3, n, p=[0.6, 0.35, 0.05])
    t = random.uniform(-2, 2, n)
    bent = np.stack([t, t**2, 0 * t], 1)
    x = np.where((label == 0)[:, None], bent, [4.0, 0.0, 2.0] * (label == 1)[:, None])
    x = x + [0.0, 6.0, -2.0] * (label == 2)[:, None] + random.normal(0, 0.3, (n, 3))
    x = np.column_stack([x, x[:, 0] + 0.001 * random.normal(size=n), random.normal(0, 5, n)])
    x[random.random(x.shape) < gaps] = np.nan
    return x.astype(np.float32), label


def test_each_class_keeps_its_rate_of_false_alarms():
    told = novelty.fit(*sky(5_000, 0))
    x, label = sky(12_000, 1)
    for alpha in (0.01, 0.05):
        flags = told.judge(x).flags(alpha)
        for k in range(3):
            n = (label == k).sum()
            assert flags[label == k].mean() < alpha + 3 * np.sqrt(alpha / n) + 0.005
        assert flags.mean() > 0.2 * alpha  # calibrated, not silent


def test_what_lies_between_classes_and_beyond_them_is_found():
    told = novelty.fit(*sky(5_000, 0))
    random = np.random.default_rng(2)
    strange = np.array([[0.0, 3.0, 0.0], [9.0, 9.0, 9.0]]).repeat(200, axis=0)
    strange = strange + random.normal(0, 0.1, strange.shape)
    x = np.column_stack([strange, strange[:, 0], random.normal(0, 5, 400)])
    judged = told.judge(x)
    assert judged.flags(0.01).mean() > 0.97
    assert judged.distance[200:].min() > judged.distance[:200].max()


def test_a_twin_of_a_feature_and_one_that_tells_nothing_are_left_out():
    told = novelty.fit(*sky(5_000, 0, gaps=0.0))
    assert len({0, 3} & set(told.columns)) == 1
    assert set(told.columns) >= {1, 2}


def test_a_row_without_any_value_is_not_novel():
    told = novelty.fit(*sky(3_000, 0))
    judged = told.judge(np.full((1, 5), np.nan))
    assert judged.p_value[0] == 1.0


def test_a_class_with_few_members_does_not_hide_what_is_strange():
    x, label = sky(6_000, 0)
    keep = (label < 2) | (np.cumsum(label == 2) <= 12)
    told = novelty.fit(x[keep], label[keep])
    assert told.weak == (2,)
    far = np.full((5, 5), 30.0)
    assert told.judge(far).flags(0.01).all()


@pytest.mark.parametrize("members", [12, 104])
def test_a_class_with_few_members_keeps_its_rate_too(members):
    """Of 840 objects called white dwarfs 761 were flagged where 104 had been learnt from."""
    rates = []
    for seed in range(3):
        x, label = sky(6_000, seed)
        keep = (label < 2) | (np.cumsum(label == 2) <= members)
        judged = novelty.fit(x[keep], label[keep], seed=seed).judge(sky(12_000, 10 + seed)[0])
        mine = sky(12_000, 10 + seed)[1] == 2
        rates.append(judged.flags(0.01)[mine].mean())
        assert (judged.outside <= 0.04)[mine].mean() < 0.1
    assert np.mean(rates) < 0.02


def test_of_few_scores_the_tail_says_what_is_strange():
    random = np.random.default_rng(4)
    rates = []
    for _ in range(4_000):
        p = edges.share_beyond_few(np.sort(random.exponential(size=20)), random.exponential(size=9))
        rates.append((p <= 0.01).mean())
    assert np.mean(rates) == pytest.approx(0.01, abs=0.002)
    few = np.arange(20.0)
    assert (edges.share_beyond_few(few, few) == edges.share_beyond(few, few)).all()
    assert edges.share_beyond_few(few, np.array([60.0]))[0] < 0.01
    assert edges.share_beyond_few(np.ones(5), np.array([9.0]))[0] == 1 / 6  # no tail to go by
    assert edges.share_beyond_few(np.array([-np.inf, 2.0]), np.array([9.0]))[0] == 1 / 3


def test_rows_in_another_order_give_the_same_mixture():
    x, _ = sky(3_000, 3)
    order = np.random.default_rng(0).permutation(len(x))
    one, two = (mixtures.fit(each.astype(float), 1) for each in (x, x[order]))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.covariance, two.covariance)


def test_a_single_gaussian_is_found_through_its_gaps():
    random = np.random.default_rng(5)
    truth = np.array([[1.0, 0.8], [0.8, 1.0]])
    x = random.multivariate_normal([1.0, -1.0], truth, 79)  # too few for two components
    many = random.multivariate_normal([1.0, -1.0], truth, 20_000)
    many[:10_000, 1] = np.nan
    assert len(mixtures.fit(x).weight) == 1
    made = mixtures.fit(many)
    mean = made.weight @ made.mean
    whole = np.einsum("c,cij->ij", made.weight, made.covariance)
    whole += np.einsum("c,ci,cj->ij", made.weight, made.mean - mean, made.mean - mean)
    assert mean == pytest.approx([1.0, -1.0], abs=0.05)
    assert whole == pytest.approx(truth, abs=0.06)


def test_distances_of_gaussian_rows_are_normal_deviates_whatever_is_missing():
    random = np.random.default_rng(6)
    one = mixtures.Mixture(np.ones(1), np.zeros((1, 4)), np.eye(4)[None])
    for missing in range(4):
        x = random.normal(size=(20_000, 4))
        x[:, :missing] = np.nan
        far = one.distance(x)
        assert far.mean() == pytest.approx(0.0, abs=0.08)
        assert np.quantile(far, 0.975) == pytest.approx(1.96, abs=0.1)


def test_a_novelty_score_comes_back_bitwise_from_json():
    told = novelty.fit(*sky(3_000, 0))
    again = novelty.Novelty.from_json(json.loads(json.dumps(told.to_json())))
    x, _ = sky(500, 9)
    assert np.array_equal(told.judge(x).p_value, again.judge(x).p_value)
    assert np.array_equal(told.judge(x).distance, again.judge(x).distance)
    with pytest.raises(DamagedError, match="columns"):
        novelty.Novelty.from_json(told.to_json() | {"columns": [0]})


def test_features_that_tell_nothing_are_an_error():
    with pytest.raises(UserError, match="none of 2 features"):
        novelty.fit(np.full((50, 2), np.nan), np.arange(50) % 2)
    told = novelty.fit(*sky(2_000, 0))
    with pytest.raises(UserError, match="is needed"):
        told.judge(np.zeros((3, 2)))
