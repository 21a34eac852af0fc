from __future__ import annotations

import pytest

pytest.importorskip("xgboost", reason="the extra learn is not installed")

from skyquarry.learn.classifiers.xgboost import XGBoost
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
