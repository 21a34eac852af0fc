from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import DamagedError
from skyquarry.learn import pooling
from skyquarry.learn.calibration import softmax
from skyquarry.learn.classifiers.pace import log_loss


def opinions(n=2400, seed=1):
    """Two learners of three classes: a good one, and one that tells the third class too often."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n).astype(np.int16)
    true = np.eye(3)[labels]
    good = softmax(2.0 * true + random.normal(size=(n, 3)))
    poor = softmax(0.7 * true + random.normal(size=(n, 3)) + [0.0, 0.0, 1.5])
    return np.stack([good, poor]), labels, (np.arange(n) % 5).astype(np.int8), np.ones(n)


def test_a_vote_gives_more_shares_to_the_better_learner():
    parts, labels, fold, weights = opinions()
    pool, _, _ = pooling.fit(parts, labels, fold, weights, combine="vote")
    assert pool.method == "vote"
    assert pool.shares.sum() == pytest.approx(1.0)
    assert pool.shares[0] > 0.8


def test_learners_that_say_the_same_have_equal_shares():
    parts, labels, fold, weights = opinions()
    pool, _, _ = pooling.fit(parts[[0, 0]], labels, fold, weights, combine="vote")
    assert np.abs(pool.shares - 0.5).max() < 1e-9


def test_a_stack_mends_what_a_learner_says_too_often():
    parts, labels, fold, weights = opinions()
    pool, held, told = pooling.fit(parts, labels, fold, weights, combine="stack")
    vote = pooling.fit(parts, labels, fold, weights, combine="vote")[2]["vote"]
    assert told["stack"] < vote - 0.01
    assert pool.method == "stack"
    assert log_loss(held, labels, weights) == told["stack"]


def test_of_many_rows_the_best_way_is_taken(monkeypatch):
    parts, labels, fold, weights = opinions()
    monkeypatch.setattr(pooling, "MEANT", 2399)
    pool, held, told = pooling.fit(parts, labels, fold, weights)
    assert pool.method == min(told, key=lambda way: told[way])
    assert log_loss(held, labels, weights) == told[pool.method]


def test_of_few_rows_the_mean_of_vote_and_product_is_taken():
    parts, labels, fold, weights = opinions()
    pool, held, told = pooling.fit(parts, labels, fold, weights)
    assert pool.method == "mean"
    ways = ("vote", "product")
    assert tuple(each.method for each in pool.of) == ways
    apart = [pooling.fit(parts, labels, fold, weights, combine=each) for each in ways]
    assert np.abs(held - np.mean([each[1] for each in apart], axis=0)).max() < 1e-15
    said = np.mean([each[0].apply(parts) for each in apart], axis=0)
    assert np.abs(pool.apply(parts) - said).max() < 1e-15
    assert told["mean"] == log_loss(held, labels, weights)
    assert told["mean"] <= np.mean([told[each] for each in ways])


def test_one_learner_has_no_ways_to_mean():
    parts, labels, fold, weights = opinions(600)
    pool, _, told = pooling.fit(parts[:1], labels, fold, weights)
    assert pool.method == "vote"
    assert list(told) == ["vote"]


def test_a_stack_with_few_rows_is_near_the_geometric_vote():
    parts, labels, _, weights = opinions(30)
    stack = pooling._Stack(0.1)(parts, labels, weights).apply(parts)
    logs = np.log(np.maximum(parts, pooling.FLOOR)).mean(axis=0)
    assert np.abs(stack - softmax(logs)).max() < 0.05


def test_with_few_members_of_a_class_no_stack_is_tried(monkeypatch):
    parts, labels, fold, weights = opinions(900)
    monkeypatch.setattr(pooling, "MEANT", 0)
    assert "stack" in pooling.fit(parts, labels, fold, weights)[2]
    few = np.flatnonzero(labels == 1)[150:]
    keep = np.delete(np.arange(900), few)
    _, _, told = pooling.fit(parts[:, keep], labels[keep], fold[keep], weights[keep])
    assert sorted(told) == ["product", "vote"]


def test_what_is_held_comes_of_a_pool_of_the_other_folds():
    parts, labels, fold, weights = opinions(300)
    _, held, _ = pooling.fit(parts, labels, fold, weights, combine="vote")
    out = fold == 2
    rest = pooling._vote(parts[:, ~out], labels[~out], weights[~out])
    assert (held[out] == rest.apply(parts[:, out])).all()


@pytest.mark.parametrize("combine", ["vote", "product", "stack", "auto"])
def test_json_keeps_every_bit(combine):
    parts, labels, fold, weights = opinions(600)
    pool, _, _ = pooling.fit(parts, labels, fold, weights, combine=combine)
    again = pooling.Pool.from_json(pool.to_json(), 2, 3)
    assert (again.apply(parts) == pool.apply(parts)).all()


def test_a_pool_of_other_learners_is_refused():
    parts, labels, fold, weights = opinions(600)
    pool, _, _ = pooling.fit(parts, labels, fold, weights, combine="vote")
    with pytest.raises(DamagedError, match="does not fit its learners"):
        pooling.Pool.from_json(pool.to_json(), 3, 3)


def test_a_mean_of_nothing_is_refused():
    parts, labels, fold, weights = opinions(600)
    told = pooling.fit(parts, labels, fold, weights)[0].to_json()
    with pytest.raises(DamagedError, match="does not fit its learners"):
        pooling.Pool.from_json(told | {"of": []}, 2, 3)


def test_a_product_gives_no_power_to_a_learner_that_tells_nothing_new():
    parts, labels, fold, weights = opinions()
    noise = softmax(np.random.default_rng(3).normal(size=parts[0].shape))
    pool, _, told = pooling.fit(
        np.stack([parts[0], noise]), labels, fold, weights, combine="product"
    )
    assert pool.method == "product"
    assert pool.shares[1] < 0.05
    assert pool.shares[0] > 1.0
    assert list(told) == ["product"]


def least(loss, at):
    """Whether a loss has no slope at numbers (m,), to a hundredth."""
    step = 1e-4 * np.eye(len(at))
    slope = np.array([(loss(at + each) - loss(at - each)) / 2e-4 for each in step])
    return np.abs(slope).max() < 0.01


def uneven(n=200):
    """Opinions of few rows, where priors weigh, some of which count for many."""
    parts, labels, _, _ = opinions(n)
    weights = np.random.default_rng(2).uniform(0.2, 5.0, n)
    return parts, labels, weights


def likelihood(scores, labels, weights):
    """Minus the log-likelihood of as many rows as weights so uneven are worth."""
    worth = weights.sum() / (weights @ weights)
    return -worth * weights @ np.log(softmax(scores)[np.arange(len(labels)), labels])


def test_a_product_is_where_likelihood_and_prior_say():
    parts, labels, weights = uneven()
    logs = np.log(np.maximum(parts, pooling.FLOOR))

    def loss(theta):
        scores = np.tensordot(theta[:2], logs, axes=1) + theta[2:]
        prior = ((theta[:2] - 0.5) / 0.7) ** 2, (theta[2:] / 0.5) ** 2
        return likelihood(scores, labels, weights) + 0.5 * sum(each.sum() for each in prior)

    pool = pooling._product(parts, labels, weights)
    assert pool.shares.min() > 0.1  # else the power would stay at its bound
    assert least(loss, np.concatenate([pool.shares, pool.shift]))


def test_a_stack_is_where_likelihood_and_prior_say():
    parts, labels, weights = uneven()
    logs = np.log(np.maximum(parts, pooling.FLOOR))
    logs -= logs.mean(axis=2, keepdims=True)
    spread = 0.6 * np.where(np.eye(3), 0.3, 0.05)

    def loss(theta):
        matrix, shift = theta[:18].reshape(2, 3, 3), theta[18:]
        scores = np.einsum("lkj,lnj->nk", matrix, logs) + shift
        prior = ((matrix - np.eye(3) / 2) / spread) ** 2, (shift / (0.6 * 0.5)) ** 2
        return likelihood(scores, labels, weights) + 0.5 * sum(each.sum() for each in prior)

    pool = pooling._Stack(0.6)(parts, labels, weights)
    assert least(loss, np.concatenate([pool.matrix.ravel(), pool.shift]))


def test_a_product_of_learners_that_err_apart_is_surer_than_each():
    """Of two independent measurements the logarithms of the odds add up."""
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 4000).astype(np.int16)
    seen = np.where(labels == 1, 1.0, -1.0) + 1.5 * random.normal(size=(2, 4000))
    odds = 2.0 * seen / 1.5**2  # exact for each alone
    p = 1.0 / (1.0 + np.exp(-odds))
    parts, fold = np.stack([1.0 - p, p], axis=2), (np.arange(4000) % 5).astype(np.int8)
    _, _, told = pooling.fit(parts, labels, fold, np.ones(4000))
    assert told["product"] < told["vote"] - 0.01
    assert pooling._product(parts, labels, np.ones(4000)).shares == pytest.approx([1, 1], abs=0.1)
