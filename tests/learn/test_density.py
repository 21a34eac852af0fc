"""Density of a catalogue over the training set: the ratio of known densities is found again."""

from __future__ import annotations

import numpy as np
import pytest

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays
from skyquarry.learn.density import FILE, MOST, MOST_ROWS, TrainingSample

COLUMNS = (1, 3)


def rows(n, seed, share):
    """Two loci, one with so great a share, in columns 1 and 3; others tell nothing."""
    random = np.random.default_rng(seed)
    there = random.random(n) < share
    x = random.normal(size=(n, 4)).astype(np.float32)
    x[:, 1] += 6.0 * there
    return x, there


def test_a_locus_ten_times_as_frequent_has_that_ratio():
    train, _ = rows(20_000, 1, 0.04)
    sample = TrainingSample.of(train, COLUMNS)
    assert sample.values.shape == (MOST_ROWS, 2)
    ratio = sample.ratio_to(rows(4_000, 2, 0.4)[0])
    assert ratio is not None
    values, there = rows(3_000, 3, 0.5)
    told = ratio.of(values)
    assert np.median(told[there]) == pytest.approx(10.0, rel=0.3)
    assert np.median(told[~there]) == pytest.approx(0.6 / 0.96, rel=0.2)
    assert told.max() <= MOST
    assert told == pytest.approx(ratio.learnt.ratio(values[:, list(COLUMNS)], MOST), rel=1e-3)


def test_a_catalogue_like_the_training_set_has_no_row_of_ten():
    ratio = TrainingSample.of(rows(20_000, 1, 0.04)[0], COLUMNS).ratio_to(rows(4_000, 2, 0.04)[0])
    assert ratio is not None
    told = ratio.of(rows(5_000, 3, 0.04)[0])
    assert (told >= 10.0).mean() < 0.001
    assert np.median(told) == pytest.approx(1.0, abs=0.15)


def test_too_few_rows_tell_no_ratio():
    sample = TrainingSample.of(rows(500, 1, 0.5)[0], COLUMNS)
    assert sample.ratio_to(rows(49, 2, 0.5)[0]) is None
    assert sample.ratio_to(rows(50, 2, 0.5)[0]) is not None


def test_a_sample_comes_back_from_its_file_and_a_wrong_one_is_named(tmp_path):
    sample = TrainingSample.of(rows(500, 1, 0.5)[0], COLUMNS)
    assert TrainingSample.load(tmp_path, 4) is None
    sample.save(tmp_path)
    again = TrainingSample.load(tmp_path, 4)
    assert again is not None
    assert again.columns == COLUMNS
    assert np.array_equal(again.values, sample.values)
    TrainingSample.of(rows(500, 1, 0.5)[0], (0, 2)).save(tmp_path)
    first = TrainingSample.load(tmp_path, 3)
    assert first is not None
    assert first.columns == (0, 2)
    sample.save(tmp_path)
    with pytest.raises(DamagedError, match=r"sample\.safetensors is of features that the model"):
        TrainingSample.load(tmp_path, 3)
    (tmp_path / FILE).write_bytes(arrays.to_bytes({"values": np.zeros(3)}, {"columns": [0]}))
    with pytest.raises(DamagedError, match=r"sample\.safetensors holds no sample"):
        TrainingSample.load(tmp_path, 4)


def test_a_row_has_the_same_ratio_alone_among_few_and_among_many():
    train, _ = rows(20_000, 1, 0.04)
    ratio = TrainingSample.of(train, COLUMNS).ratio_to(rows(4_000, 2, 0.4)[0])
    assert ratio is not None
    values, _ = rows(3_000, 3, 0.5)
    whole = ratio.of(values)
    for size in (1, 7, 40):
        told = [ratio.of(values[at : at + size]) for at in range(0, 40 * size, size)]
        assert (np.concatenate(told) == whole[: 40 * size]).all(), f"{size} at once"
