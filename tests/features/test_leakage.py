import json

import numpy as np
import pytest

from skyquarry.errors import UserError
from skyquarry.features.leakage import check_leakage, leakage
from skyquarry.learn.splits import folds

NAMES = ("sdss_u", "sdss_g", "wise_W1", "wise_W2")


def _rows(n=3000, k=3, seed=1):
    random = np.random.default_rng(seed)
    label = random.integers(0, k, n)
    return random.normal(size=(n, len(NAMES))).astype(np.float32), label, random


def _found(values, label, **more):
    return leakage(values, NAMES, label, folds(label, None, 5), **more)


def test_complete_rows_tell_nothing():
    values, label, _ = _rows()
    found = _found(values, label)
    assert found.of_nulls == pytest.approx(1 / 3, abs=1e-12)
    assert found.of_surveys == pytest.approx(1 / 3, abs=1e-12)
    assert found.most_telling == ()
    check_leakage(found)


def test_cells_that_are_blank_at_random_tell_nothing():
    values, label, random = _rows()
    values[random.random(values.shape) < 0.3] = np.nan
    assert not _found(values, label).leaks


def test_a_survey_that_only_one_class_has_is_a_leak_and_is_named():
    values, label, _ = _rows()
    values[label != 1, 2:] = np.nan
    found = _found(values, label)
    # class 1 is told exactly; the two others are one guess: (1 + 1 + 0) / 3
    assert found.of_nulls == pytest.approx(2 / 3, abs=1e-9)
    assert found.of_surveys == pytest.approx(2 / 3, abs=1e-9)
    assert {name for name, _ in found.most_telling} == {"wise_W1", "wise_W2"}
    with pytest.raises(UserError, match=r"0\.667 from which features.*allow_leakage=True"):
        check_leakage(found)
    check_leakage(found, allow_leakage=True)


def test_depth_within_one_survey_leaks_by_nulls_and_not_by_survey():
    values, label, _ = _rows()
    values[label == 2, 3] = np.nan
    found = _found(values, label)
    assert found.of_nulls == pytest.approx(2 / 3, abs=1e-9)
    assert found.of_surveys == pytest.approx(1 / 3, abs=1e-9)
    assert found.leaks


def test_the_origin_of_labels_is_judged_too():
    values, label, random = _rows()
    mixed = random.integers(0, 2, len(label))
    assert not _found(values, label, origin=np.array(["sdss", "lamost"])[mixed]).leaks
    assert _found(values, label, origin=np.array(["sdss", "lamost", "simple"])[label]).leaks


def test_patterns_seen_once_are_judged_column_by_column():
    random = np.random.default_rng(5)
    label = np.arange(400) % 2
    names = [f"s{number}_x" for number in range(60)]
    # each column is null twice as often in class 1: no pattern stands twice
    null = random.random((400, 60)) < np.where(label, 0.6, 0.3)[:, None]
    values = np.where(null, np.nan, 1.0)
    assert leakage(values, names, label, folds(label, None, 5)).of_nulls > 0.95


def test_unlabelled_rows_are_not_judged():
    values, label, _ = _rows()
    values[label != 1, 2:] = np.nan
    label = np.where(label == 1, -1, label)
    assert not _found(values, label).leaks


def test_one_class_cannot_be_judged():
    with pytest.raises(UserError, match="labels hold 1 classes"):
        leakage(np.zeros((4, 4)), NAMES, [0, 0, 0, 0], [0, 1, 0, 1])


def test_it_goes_into_a_report():
    values, label, _ = _rows()
    told = json.loads(json.dumps(_found(values, label).to_json()))
    assert told["leaks"] is False
    assert told["chance"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("stand_in", [-9999.0, 0.0, 99.0])
def test_a_number_that_stands_for_not_measured_is_a_gap(stand_in):
    """The gaps told the class, and were complete rows in the eyes of the test."""
    values, label, random = _rows()
    values += 18.0
    values[label == 1, 1] = stand_in
    found = _found(values, label)
    assert found.of_nulls == pytest.approx(2 / 3, abs=1e-9)
    assert found.stand_ins == (("sdss_g", stand_in, int((label == 1).sum())),)
    with pytest.raises(UserError, match=rf"sdss_g = {stand_in:g} in .* rows; make it null"):
        check_leakage(found)
    at_random, label, random = _rows()
    at_random[random.random(at_random.shape) < 0.2] = -9999.0
    assert len(_found(at_random, label).stand_ins) == 4
    assert not _found(at_random, label).leaks


def test_numbers_that_many_rows_share_among_others_are_measurements():
    values, label, random = _rows()
    values[:, 0] = np.where(label == 1, 0.0, np.abs(values[:, 0]))  # what does not vary
    values[:, 1] = label  # a count
    values[:, 2] = np.round(values[:, 2], 1)
    values[:, 3] = np.maximum(values[:, 3], 0.5)  # cut off
    found = _found(values, label)
    assert found.stand_ins == ()
    assert found.most_telling == ()
    values[:, 1] = np.where(label == 1, 1.0, random.integers(30, 60, len(label)))  # a flag, say
    assert _found(values, label).stand_ins == ()
