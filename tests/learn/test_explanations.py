"""Explanations: the weightiest first, in the words of the features."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.learn.explanations import overall, reasons, sentence

NAMES, CLASSES = ("W1-W2", "g-r", "chi2_pm"), ("star", "quasar", "white_dwarf")


def test_a_reason_is_told_in_the_words_of_the_feature():
    contributions = np.zeros((1, 3, 3))
    contributions[0, 0] = [-1.0, 2.0, -1.0]
    contributions[0, 2] = [0.3, -0.6, 0.3]
    values = np.array([[1.1, 0.2, 12.34567]])
    told = reasons(contributions, values, NAMES, CLASSES, [1], units=("mag", "mag", ""))[0]
    assert [each.text for each in told] == [
        "W1-W2 = 1.1 mag speaks for quasar",
        "chi2_pm = 12.3 speaks against quasar",
    ]
    assert sentence(told).count("; ") == 1


def test_what_is_added_to_all_classes_says_nothing():
    contributions = np.full((1, 3, 3), 5.0)
    contributions[0, 1] = [6.0, 5.0, 5.0]
    told = reasons(contributions, np.ones((1, 3)), NAMES, CLASSES, [0])[0]
    assert [each.feature for each in told] == ["g-r"]
    assert told[0].score == pytest.approx(2 / 3)


def test_a_missing_value_may_speak_too():
    contributions = np.zeros((1, 3, 3))
    contributions[0, 0, 2] = 1.0
    told = reasons(contributions, np.full((1, 3), np.nan), NAMES, CLASSES, [2])[0]
    assert told[0].text == "that W1-W2 is not measured speaks for white dwarf"


def test_no_more_reasons_than_asked_for_and_equals_in_the_order_of_the_features():
    contributions = np.zeros((2, 3, 3))
    contributions[:, :, 0] = 1.0
    told = reasons(contributions, np.ones((2, 3)), NAMES, CLASSES, [0, 0], most=2)
    assert [[each.feature for each in row] for row in told] == [["W1-W2", "g-r"]] * 2


def test_the_model_as_a_whole_is_told_by_mean_size():
    contributions = np.zeros((2, 3, 3))
    contributions[0, 1, 0], contributions[1, 1, 0] = 3.0, -3.0
    told = overall(contributions, NAMES, CLASSES)["star"]
    assert told[0] == ("g-r", pytest.approx(2.0))


@pytest.mark.parametrize(
    ("value", "words"), [(0.00123, "0.00123"), (12345.6, "12,300"), (-3.0, "-3"), (2e-7, "2e-7")]
)
def test_values_are_told_with_three_digits(value, words):
    contributions = np.zeros((1, 3, 3))
    contributions[0, 0, 0] = 1.0
    told = reasons(contributions, np.full((1, 3), value), NAMES, CLASSES, [0])[0][0]
    assert told.text == f"W1-W2 = {words} speaks for star"


def test_parts_of_different_models_are_an_error():
    with pytest.raises(UserError, match="same objects and model"):
        reasons(np.zeros((1, 2, 3)), np.zeros((1, 3)), NAMES, CLASSES, [0])
    with pytest.raises(UserError, match="3 names and 2 classes"):
        overall(np.zeros((1, 3, 3)), NAMES, CLASSES[:2])
