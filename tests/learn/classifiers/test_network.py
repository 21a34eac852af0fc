from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra nn is not installed")

from skyquarry.learn.classifiers.encoding import Encoding
from skyquarry.learn.classifiers.network import Network
from skyquarry.testing.classes import objects
from skyquarry.testing.learnsuite import ClassifierSuite


class TestNetwork(ClassifierSuite):
    kind = Network
    settings = {"epochs": 12, "batch": 64, "width": 32, "members": 2, "patience": 4}  # noqa: RUF012
    longer = {"epochs": 90, "rate": 0.01}  # noqa: RUF012
    kills = (2, 6, 8)
    every = 3


def test_a_value_is_told_by_the_bins_below_it_and_its_share_of_its_own():
    encoding = Encoding.of(np.array([[0.0], [1.0], [2.0], [4.0], [8.0]], np.float32), 4)
    told = encoding.encoded(np.array([[3.0], [8.0], [10.0], [-0.5]], np.float32))[0]
    assert told[:, :4].tolist() == [[1, 1, 0.5, 0], [1, 1, 1, 1], [1, 1, 1, 1.5], [-0.5, 0, 0, 0]]
    assert (told[:, 4] == 0).all()


def test_encoding_agrees_with_numpy_bit_for_bit():
    values = objects(700, missing=0.2).values
    values[3, 1], values[4, 2] = np.inf, 1e30
    encoding = Encoding.of(values, 24)
    column = values.T[:, :, None]
    with np.errstate(invalid="ignore"):
        share = (column - encoding.edges[:, None]) * encoding.scale[:, None]
    share = np.clip(share, encoding.low[:, None], encoding.high[:, None])
    known = np.isfinite(column)
    told = encoding.encoded(values)
    assert (told[:, :, :-1] == np.where(known, share, 0.0)).all()
    assert (told[:, :, -1:] == ~known).all()


def test_what_is_not_measured_is_told_by_one_number():
    encoding = Encoding.of(np.arange(10, dtype=np.float32)[:, None], 4)
    assert encoding.encoded(np.full((1, 1), np.nan, np.float32))[0, 0].tolist() == [0, 0, 0, 0, 1]


def test_a_feature_of_one_value_is_encoded():
    encoding = Encoding.of(np.full((9, 1), 3.0, np.float32), 4)
    assert np.isfinite(encoding.encoded(np.array([[3.0], [2.9]], np.float32))).all()


def test_balance_moves_no_probability_off_the_mix_of_the_training_set():
    examples = objects(3000, missing=0.0)
    rare = np.flatnonzero(examples.labels == 2)[150:]
    some = examples.take(np.delete(np.arange(3000), rare))
    learnt = Network(epochs=15, batch=128, width=32, balance=1.0).fit(some, seed=1)
    share = learnt.predict_proba(some.values).mean(axis=0)
    assert np.abs(share - some.priors()).max() < 0.03
