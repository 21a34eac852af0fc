"""Splits: no group is cut, every class is in every fold, and what cannot be is an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyquarry.errors import UserError
from skyquarry.learn.splits import folds, holdout, sky_groups


def sky(seed: int, n: int = 3000, cells: int = 90):
    random = np.random.default_rng(seed)
    groups = np.floor(cells * random.random(n) ** 2).astype(np.int64) * 7 + 3
    labels = random.choice(4, n, p=[0.6, 0.3, 0.08, 0.02])
    return labels, groups


@given(seed=st.integers(0, 50), k=st.integers(2, 6))
def test_no_group_is_in_two_folds_and_each_fold_has_its_share_of_each_class(seed, k):
    labels, groups = sky(seed)
    fold = folds(labels, groups, k, seed)
    assert fold.dtype == np.int8
    assert all(len(set(fold[groups == each])) == 1 for each in np.unique(groups))
    for each in range(4):
        share = np.bincount(fold[labels == each], minlength=k) / (labels == each).sum()
        assert (share > 0).all()
        assert np.abs(share - 1 / k).max() < (0.05 if each < 2 else 0.2)


def test_folds_of_groups_do_not_depend_on_the_order_of_the_rows():
    labels, groups = sky(1)
    order = np.random.default_rng(5).permutation(len(labels))
    assert np.array_equal(
        folds(labels, groups, 5, 3)[order], folds(labels[order], groups[order], 5, 3)
    )


def test_another_seed_is_another_split_and_the_same_seed_the_same():
    labels, groups = sky(2)
    one = folds(labels, groups, 5, 0)
    assert np.array_equal(one, folds(labels, groups, 5, 0))
    assert np.mean(one == folds(labels, groups, 5, 1)) < 0.5


def test_rows_without_groups_are_dealt_evenly_by_class():
    labels = np.repeat([0, 1, 2], [1003, 57, 5])
    fold = folds(labels, None, 5, 0)
    for each, least in ((0, 200), (1, 11), (2, 1)):
        count = np.bincount(fold[labels == each], minlength=5)
        assert count.min() >= least
        assert count.max() <= least + 1
    assert np.ptp(np.bincount(fold)) <= 1


def test_rows_without_a_label_follow_their_group():
    labels, groups = sky(4)
    labels[::3] = -1
    fold = folds(labels, groups, 4, 0)
    assert all(len(set(fold[groups == each])) == 1 for each in np.unique(groups))


def test_a_rare_class_in_as_many_groups_as_folds_is_in_each():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), random.integers(5, 400, 40))
    labels = np.zeros(len(groups), np.int64)
    for each in (3, 11, 12, 30, 39):
        labels[np.flatnonzero(groups == each)[:2]] = 1
    fold = folds(labels, groups, 5, 0)
    assert set(fold[labels == 1]) == set(range(5))


def test_a_class_in_too_few_groups_is_an_error_that_names_it():
    labels, groups = sky(0)
    labels[labels == 3] = 2
    labels[np.flatnonzero(groups == groups[0])[:3]] = 7
    with pytest.raises(UserError, match=r"class 7 has 1 groups, but 5 folds need 5"):
        folds(labels, groups, 5, 0)


def test_a_class_with_two_members_is_an_error_without_groups():
    with pytest.raises(UserError, match=r"class 1 has 2 members, but 5 folds"):
        folds(np.array([0] * 50 + [1, 1]), None, 5, 0)
    with pytest.raises(UserError, match=r"class 'quasar' has 2 members, but 5 folds"):
        folds(np.array([0] * 50 + [1, 1]), None, 5, 0, names=("star", "quasar"))


def test_classes_that_share_their_only_groups_so_that_no_cut_exists_are_an_error():
    labels, groups = np.array([1, 2, 1, 3, 2, 3]), np.array([0, 0, 1, 1, 2, 2])
    with pytest.raises(UserError, match=r"class . stands in groups with others"):
        folds(labels, groups, 2, 0)  # two of the three groups are together, and share a class


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5])
def test_a_holdout_is_its_share_of_each_class_in_whole_groups(share):
    labels, groups = sky(8, 20_000, 400)
    held = holdout(labels, groups, share, 1)
    assert all(len(set(held[groups == each])) == 1 for each in np.unique(groups))
    for each in range(4):
        assert held[labels == each].mean() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: folds(np.array([0, 1]), None, 1), "k is 1"),
        (lambda: folds(np.array([0.5, 1.0]), None), "float64"),
        (lambda: folds(np.array([-1, -1]), None), "none of 2 rows has a label"),
        (lambda: folds(np.array([0, 1]), np.array([1])), r"groups have shape \(1,\)"),
        (lambda: holdout(np.array([0, 1]), None, 1.2), "share is 1.2"),
    ],
)
def test_what_cannot_be_split_is_an_error_with_its_value(call, words):
    with pytest.raises(UserError, match=words):
        call()


def test_sky_groups_are_nested_cells():
    ra, dec = np.array([10.0, 10.001, 200.0]), np.array([-5.0, -5.001, 70.0])
    cells = sky_groups(ra, dec)
    assert cells.dtype == np.int64
    assert cells[0] == cells[1] != cells[2]
    assert np.array_equal(cells >> 4, sky_groups(ra, dec, order=4))
