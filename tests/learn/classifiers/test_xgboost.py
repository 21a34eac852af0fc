from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("xgboost", reason="the extra learn is not installed")

from skyquarry.learn.classifiers import shapley
from skyquarry.learn.classifiers.xgboost import XGBoost
from skyquarry.testing.classes import objects
from skyquarry.testing.learnsuite import ClassifierSuite


class TestXGBoost(ClassifierSuite):
    kind = XGBoost
    settings = {"rounds": 90, "rate": 0.1, "depth": 4, "patience": 12}  # noqa: RUF012
    longer = {"rounds": 300}  # noqa: RUF012
    kills = (12, 40, 60)
    every = 25


class TestXGBoostOfSomeColumns(TestXGBoost):
    """What is drawn by chance for each tree goes on after a kill too."""

    settings = TestXGBoost.settings | {"bins": 64, "columns": 1.0, "tree_columns": 0.5}


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"depth": 5, "bins": 64}, np.uint8), ({"depth": 7, "bins": 512}, np.uint16)],
)
def test_scores_are_those_of_xgboost_bit_for_bit(settings, kind):
    learnt = XGBoost(rounds=40, **settings).fit(objects(4000, missing=0.2), seed=2)
    assert learnt._trees.rank.dtype == kind
    values = objects(2500, seed=3, missing=0.3).values
    theirs = learnt._booster.inplace_predict(values, missing=np.nan, predict_type="margin")
    assert (learnt._trees.scores(values) == theirs).all()
    own = learnt._booster.inplace_predict(values, missing=np.nan)
    assert np.abs(learnt.predict_proba(values) - own).max() < 1e-6


def test_a_value_at_a_threshold_goes_where_xgboost_sends_it():
    learnt = XGBoost(rounds=10, depth=4).fit(objects(1500, missing=0.1), seed=2)
    cuts = learnt._trees.cuts
    near = np.concatenate([cuts, np.nextafter(cuts, -9.0), np.nextafter(cuts, 9.0)])
    values = np.repeat(near[:, None], 5, axis=1)
    theirs = learnt._booster.inplace_predict(values, missing=np.nan, predict_type="margin")
    assert (learnt._trees.scores(values) == theirs).all()


def test_neither_threads_nor_other_rows_change_a_score():
    learnt = XGBoost(rounds=10, threads=1).fit(objects(600), seed=2)
    values = objects(2100, seed=4).values
    whole = learnt._trees.scores(values)
    assert (learnt._trees.scores(values, threads=3) == whole).all()
    assert (learnt._trees.scores(values[5:6]) == whole[5:6]).all()


def test_trees_of_many_leaves_are_asked_by_xgboost():
    learnt = XGBoost(rounds=2, depth=12, least_weight=0.0).fit(objects(4000), seed=2)
    assert learnt._trees is None
    assert learnt.predict_proba(objects(30).values).shape == (30, 3)


def test_trees_that_ask_nothing_give_the_mix():
    learnt = XGBoost(rounds=3, least_weight=1e9).fit(objects(300), seed=2)
    p = learnt.predict_proba(objects(30, seed=3).values)
    assert np.abs(p - p[0]).max() == 0.0


@pytest.mark.parametrize("depth", [1, 4, 6])
def test_shapley_values_are_those_of_xgboost(depth):
    learnt = XGBoost(rounds=30, depth=depth).fit(objects(3000, missing=0.2), seed=2)
    values = objects(300, seed=3, missing=0.3).values
    told = learnt.explain(values)
    assert learnt._shapley[0] is not None
    assert np.abs(told - learnt._explained(values)).max() < 1e-5
    assert np.abs(told).max() > 0.3
    margin = learnt._booster.inplace_predict(values, missing=np.nan, predict_type="margin")
    assert np.ptp(margin - told.sum(axis=1), axis=0).max() < 1e-5, "they add up to the score"


def test_shapley_values_at_a_threshold_are_those_of_xgboost():
    learnt = XGBoost(rounds=10, depth=4).fit(objects(1500, missing=0.1), seed=2)
    cuts = learnt._trees.cuts
    near = np.concatenate([cuts, np.nextafter(cuts, -9.0), np.nextafter(cuts, 9.0), [np.nan]])
    values = np.repeat(near[:, None], 5, axis=1).astype(np.float32)
    assert np.abs(learnt.explain(values) - learnt._explained(values)).max() < 1e-5


def test_neither_threads_nor_other_rows_change_a_shapley_value():
    learnt = XGBoost(rounds=10).fit(objects(600), seed=2)
    values = objects(700, seed=4).values
    whole = learnt.explain(values)
    learnt.threads = 3
    assert (learnt.explain(values) == whole).all()
    assert (learnt.explain(values[5:6]) == whole[5:6]).all()
    assert learnt.explain(values[:0]).shape == (0, 5, 3)


def test_trees_too_deep_for_tables_are_told_of_by_xgboost(monkeypatch):
    learnt = XGBoost(rounds=5).fit(objects(600), seed=2)
    values = objects(40, seed=4).values
    by_tables = learnt.explain(values)
    monkeypatch.setattr(shapley, "MOST_ANSWERS", 100)
    learnt._shapley = None
    by_xgboost = learnt.explain(values)
    assert learnt._shapley == (None,)
    assert np.abs(by_xgboost - by_tables).max() < 1e-5


def test_trees_that_ask_nothing_have_nothing_to_explain():
    learnt = XGBoost(rounds=3, least_weight=1e9).fit(objects(300), seed=2)
    assert not learnt.explain(objects(30, seed=3).values).any()
