from __future__ import annotations

import pytest

pytest.importorskip("catboost", reason="the extra learn is not installed")

from skyquarry.learn.classifiers.catboost import CatBoost
from skyquarry.testing.learnsuite import ClassifierSuite


class TestCatBoost(ClassifierSuite):
    kind = CatBoost
    settings = {"rounds": 90, "rate": 0.15, "depth": 4, "patience": 12, "snapshot_seconds": 0}  # noqa: RUF012
    longer = {"rounds": 600, "rate": 0.3}  # noqa: RUF012
    kills = (12, 30, 50)


class TestCatBoostOfSomeColumns(TestCatBoost):
    """What is drawn by chance for each tree goes on after a kill too."""

    settings = TestCatBoost.settings | {"borders": 32, "columns": 0.5}
