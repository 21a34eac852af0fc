from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import ColumnError, UserError
from skyquarry.learn.examples import Examples

NAMES = ("a", "b")


def values(n=10):
    return np.arange(2.0 * n).reshape(n, 2)


def test_classes_are_sorted_and_labels_are_their_places():
    made = Examples.of(values(), NAMES, ["star", "galaxy"] * 5)
    assert made.classes == ("galaxy", "star")
    assert made.labels.tolist() == [1, 0] * 5
    assert made.counts().tolist() == [5, 5]


def test_an_empty_label_is_unlabelled():
    made = Examples.of(values(12), NAMES, ["a", "b"] * 5 + [None, ""])
    assert made.labels[-2:].tolist() == [-1, -1]
    assert len(made.labelled()) == 10


def test_infinity_counts_as_not_measured():
    given = values()
    given[3, 0] = np.inf
    assert np.isnan(Examples.of(given, NAMES, ["a", "b"] * 5).values[3, 0])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a"] * 10, "one class only, 'a'"),
        ([None] * 10, "the labels are of no class"),
        (["a"] * 8 + ["b"] * 2, "the class 'b' has 2 members, but at least 5"),
        (["a"] * 5 + ["b"] * 4, "there are 9 labels for 10 rows"),
    ],
)
def test_labels_of_which_nothing_is_learnt_are_refused(labels, said):
    with pytest.raises(UserError, match=said):
        Examples.of(values(), NAMES, labels)


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(UserError, match="a label is 'c', but the classes are a, b"):
        Examples.of(values(11), NAMES, [*["a", "b"] * 5, "c"], classes=["a", "b"])


def test_a_feature_that_is_never_measured_is_named():
    given = values()
    given[:, 1] = np.nan
    with pytest.raises(ColumnError, match="'b': all values are null"):
        Examples.of(given, NAMES, ["a", "b"] * 5)
    with pytest.raises(ColumnError, match="none of the 2 features"):
        Examples.of(given * np.nan, NAMES, ["a", "b"] * 5)


def test_a_weight_below_zero_is_refused():
    with pytest.raises(UserError, match=r"a weight is -1\.0"):
        Examples.of(values(), NAMES, ["a", "b"] * 5, weights=[1.0] * 9 + [-1.0])


def test_features_are_taken_by_name():
    made = Examples.of(values(), NAMES, ["a", "b"] * 5)
    assert made.columns(["b"]).values[:, 0].tolist() == values()[:, 1].tolist()
    with pytest.raises(ColumnError, match="'c' was asked for, but the examples have"):
        made.columns(["c"])


def test_the_fingerprint_feels_a_single_bit():
    made = Examples.of(values(), NAMES, ["a", "b"] * 5)
    mark = made.fingerprint()
    made.values[4, 1] = np.nextafter(made.values[4, 1], np.float32(0))
    assert made.fingerprint() != mark


def test_rows_without_a_label_need_no_weight():
    """The row was left out, and its weight an error."""
    labels = ["a", "b", None] * 10
    weights = np.where(np.arange(30) % 3 == 2, np.nan, 2.0)
    made = Examples.of(np.ones((30, 1)), ["x"], labels, weights=weights)
    assert made.labelled().weights.tolist() == [2.0] * 20
    with pytest.raises(UserError, match="a weight is nan"):
        Examples.of(np.ones((30, 1)), ["x"], ["a", "b", "b"] * 10, weights=weights)


@pytest.mark.parametrize("weight", [1e300, 1e-300])
def test_weights_whose_squares_have_no_sum_are_told(weight):
    """They ended in an overflow, after all learners were fitted."""
    weights = np.where(np.arange(30) < 3, weight, 1.0)
    with pytest.raises(UserError, match="divide them by their mean"):
        Examples.of(np.ones((30, 1)), ["x"], ["a", "b", "b"] * 10, weights=weights)


def test_bytes_that_are_no_text_are_told():
    with pytest.raises(UserError, match=r"a label is b'gal.*xy', which is no UTF-8"):
        Examples.of(np.ones((20, 1)), ["x"], [b"gal\xe4xy", b"star"] * 10)
