"""Edges of a training set: sharp limits are sharp, tails are tails, and rates are kept."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.learn import edges


def made(n=4_000, seed=0):
    """A magnitude with a sharp limit at 20, one with a normal tail, one that is often missing."""
    random = np.random.default_rng(seed)
    limit = 20.0 - random.exponential(1.0, n)
    values = np.stack([limit, random.normal(18, 1, n), random.normal(0, 1, n)], axis=1)
    values[random.random(n) < 0.4, 2] = np.nan
    return values


@pytest.fixture(scope="module")
def support():
    values = made()
    seen = np.arange(len(values)) % 5 < 3
    other = np.random.default_rng(1).random((~seen).sum())
    return edges.support_of(values, [0, 1, 2], seen, other, np.zeros((~seen).sum(), int))


def told(support, rows, other):
    return support.p_value(rows, other, np.zeros(len(rows), int))


def test_rows_just_beyond_a_sharp_limit_are_outside_and_just_inside_are_not(support):
    rows = np.array([[20.3, 18.0, 0.0], [19.98, 18.0, 0.0], [20.3, np.nan, np.nan]])
    p = told(support, rows, np.ones(3))
    assert (p[[0, 2]] <= 0.002).all()
    assert p[1] > 0.1


def test_further_out_is_stranger_in_either_direction(support):
    out = np.array([3.0, 4.0, 6.0, 9.0])
    scores = [
        support.edges.score((np.array([[19.0, 18 + side * k, 0] for k in out]) - support.centre)
                            / support.scale)
        for side in (-1, 1)
    ]  # fmt: skip
    assert (np.diff(scores) > 0).all()


def test_unseen_rows_are_outside_at_the_rate_that_was_said(support):
    n = 20_000
    other = np.random.default_rng(3).random(n)
    p = told(support, made(n, 4), other)
    for rate in (0.01, 0.05, 0.2):
        assert (p <= rate).mean() == pytest.approx(rate, rel=0.25)


def test_a_row_without_any_value_is_not_outside(support):
    p = told(support, np.full((1, 3), np.nan), np.ones(1))
    assert p[0] > 0.5


def test_support_is_kept_as_plain_data_to_the_bit(support):
    read = edges.Support.from_json(json.loads(json.dumps(support.to_json())))
    rows, other = made(500, 7), np.linspace(0.01, 1, 500)
    assert (told(read, rows, other) == told(support, rows, other)).all()


def test_the_order_of_the_training_rows_does_not_matter(support):
    values = made()
    seen = np.arange(len(values)) % 5 < 3
    other = np.random.default_rng(1).random((~seen).sum())
    order = np.random.default_rng(2).permutation(len(values))
    whole = np.empty(len(values))
    whole[~seen] = other
    shuffled = edges.support_of(values[order], [0, 1, 2], seen[order],
                                whole[order][~seen[order]],
                                np.zeros((~seen).sum(), int))  # fmt: skip
    rows = made(500, 7)
    assert (told(shuffled, rows, np.ones(500)) == told(support, rows, np.ones(500))).all()


def test_a_rare_class_at_the_edge_of_the_whole_is_not_outside_but_beyond_it_is():
    random = np.random.default_rng(5)
    label = (random.random(20_000) < 0.02).astype(int)
    values = np.where(label == 1, 6.0, 0.0)[:, None] + random.normal(0, 1, (20_000, 1))
    seen = np.arange(len(values)) % 5 < 3
    other = random.random((~seen).sum())
    support = edges.support_of(values, [0], seen, other, label[~seen])
    rare = np.array([[5.0], [6.0], [7.0], [40.0]])
    p = support.p_value(rare, np.ones(4), np.ones(4, int))
    assert (p[:3] > 0.04).all()
    assert p[3] < 0.02
    few = edges.support_of(values, [0], seen, other, np.where(np.cumsum(label[~seen]) < 20,
                                                              label[~seen], 0))  # fmt: skip
    assert few.p_value(rare, np.ones(4), np.ones(4, int))[3] > 0.04
