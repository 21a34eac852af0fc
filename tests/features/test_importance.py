import json

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.features.importance import importance

NAMES = ("used", "copy", "unused")


def _rows(n=4000):
    random = np.random.default_rng(8)
    x = random.normal(size=n)
    p = 1 / (1 + np.exp(-4 * x))
    label = (random.random(n) < p).astype(np.int64)
    return np.stack([x, x, random.normal(size=n)], axis=1).astype(np.float32), label


def _predict(table):
    # the mean of two columns that are the same unless one is shuffled
    p = 1 / (1 + np.exp(-2 * (table[:, 0] + table[:, 1]).astype(np.float64)))
    return np.stack([1 - p, p], axis=1)


def test_a_feature_that_is_not_used_is_worth_exactly_nothing():
    values, label = _rows()
    found = importance(_predict, values, NAMES, label)
    told = dict(zip(found.names, found.rise, strict=True))
    assert told["unused"] == 0.0
    assert told["used"] == pytest.approx(told["copy"], rel=0.1)
    assert set(found.worth()) == {"used", "copy"}


def test_features_that_cover_for_each_other_are_worth_more_together():
    values, label = _rows()
    found = importance(_predict, values, NAMES, label, together={"both": ["used", "copy"]})
    told = dict(zip(found.names, found.rise, strict=True))
    assert found.names[0] == "both"
    # no better than chance and overconfident: far above the loss of saying nothing
    assert told["both"] + found.log_loss > np.log(2)
    assert told["both"] > 2 * told["used"]


def test_two_rows_by_hand():
    # one repeat either leaves two rows as they are or swaps them: -ln(0.1) - -ln(0.9) a row
    values = np.array([[0.9], [0.1]], np.float32)
    predict = lambda table: np.hstack([1 - table, table]).astype(np.float64)  # noqa: E731
    rises = {
        round(importance(predict, values, ["p"], [1, 0], repeats=1, seed=seed).rise[0], 4)
        for seed in range(8)
    }
    assert rises == {0.0, round(float(np.log(9.0)), 4)}


def test_rows_of_one_cell_are_no_more_than_one_measurement():
    values, label = _rows(1000)
    # 27 partners for each row, as the nine copies have with three repeats each
    alone = importance(_predict, values, NAMES, label, repeats=27).error[0]
    repeated = np.repeat(np.arange(1000), 9)
    nine = importance(_predict, values[repeated], NAMES, label[repeated], cells=repeated).error[0]
    naive = importance(_predict, values[repeated], NAMES, label[repeated]).error[0]
    assert nine == pytest.approx(alone, rel=0.1)
    assert naive < 0.6 * nine


def test_unlabelled_rows_are_left_out_and_the_table_is_not_touched():
    values, label = _rows(500)
    before = values.copy()
    label[::2] = -1
    found = importance(_predict, values, NAMES, label)
    assert np.array_equal(values, before)
    assert found.log_loss == importance(_predict, values[1::2], NAMES, label[1::2]).log_loss
    assert json.loads(json.dumps(found.to_json()))["features"][0]["rise"] > 0


def test_a_group_of_unknown_features_is_refused():
    values, label = _rows(50)
    with pytest.raises(UserError, match=r"group 'W' of together names \['W1'\]"):
        importance(_predict, values, NAMES, label, together={"W": ["W1"]})
    with pytest.raises(UserError, match="importance has 0 labelled rows"):
        importance(_predict, values, NAMES, np.full(50, -1))
