from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra learn is not installed")

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays
from skyquarry.learn.classifiers import kernel
from skyquarry.learn.classifiers.kernel import Kernel
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.classifiers.similarity import Landmarks, Scaling
from skyquarry.testing.classes import objects
from skyquarry.testing.learnsuite import ClassifierSuite


class TestKernel(ClassifierSuite):
    kind = Kernel
    settings = {"landmarks": 80}  # noqa: RUF012
    kills = (2, 5, 7)
    every = 1


def test_with_all_rows_as_landmarks_the_slope_is_what_the_gradient_of_a_gaussian_process_says():
    """At the mode of p(f) p(labels | f) with covariance k: beta = ridge (label - p)."""
    examples = objects(120, missing=0.0)
    scaled = Scaling.of(examples.values).apply(examples.values)
    landmarks = Landmarks.of(scaled, np.arange(120), 0.5, 0.5)
    label = np.eye(3)[examples.labels]
    problem = kernel._Problem(landmarks, scaled, label, np.ones(120))
    slope, shift = problem.path(slice(None), (3.0,))[0]
    p = kernel.softmax(problem.likened @ slope + shift)
    assert np.abs(slope - 3.0 * (label - p)).max() < 0.05
    assert np.abs((label - p).sum(axis=0)).max() < 0.05  # the shift has no prior


def test_similarity_is_one_at_a_landmark_and_half_at_the_root_of_two_lengths():
    scaled = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    landmarks = Landmarks.of(scaled, np.array([0]), 0.5, 0.0)
    length = 0.5 * np.std([0.0, 1.0, 2.0, 3.0], ddof=1)
    asked = np.array([[0.0], [np.sqrt(2.0) * length]], np.float32)
    assert landmarks.likened(asked)[:, 0] == pytest.approx([1.0, 0.5], abs=1e-6)


def test_what_is_not_measured_lies_in_the_middle_and_is_told():
    values = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 7.0], [4.0, 9.0]], np.float32)
    told = Scaling.of(values).apply(values)
    assert told.shape == (4, 3)
    assert told[1, 1] == 0.0
    assert told[:, 2].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_far_outliers_go_to_three_and_no_further():
    values = np.linspace(-1.0, 1.0, 101, dtype=np.float32)[:, None]
    scaling = Scaling.of(values)
    told = scaling.apply(np.array([[1e30], [-np.inf], [3e38]], np.float32))
    assert np.abs(told[0, 0]) <= 3.0 + 1e-6
    assert told[1, 0] == 0.0


def test_a_feature_that_is_the_same_everywhere_tells_nothing():
    examples = objects(300)
    examples.values[:, 4] = 7.0
    learnt = Kernel(landmarks=60).fit(examples, seed=1)
    moved = examples.values.copy()
    moved[:, 4] = 9.0
    assert (learnt.predict_proba(moved) == learnt.predict_proba(examples.values)).all()


def test_a_class_too_rare_for_folds_is_learnt_by_plain_settings():
    examples = objects(300)
    examples.labels[examples.labels == 2] = 1
    examples.labels[:2] = 2
    learnt = Kernel(landmarks=60).fit(examples, seed=1)
    p = learnt.predict_proba(objects(300, seed=2).values)
    assert p.shape == (300, 3)
    assert p[:, 2].mean() < 0.05


def test_of_many_rows_it_takes_some():
    examples, seen = objects(3000), objects(1000, seed=2)
    few = Kernel(landmarks=60, rows=300).fit(examples, seed=1).predict_proba(seen.values)
    many = Kernel(landmarks=60).fit(examples, seed=1).predict_proba(seen.values)
    assert log_loss(many, seen.labels, None) < log_loss(few, seen.labels, None) < 0.8


def test_a_file_that_lacks_an_array_is_named(tmp_path):
    Kernel(landmarks=40).fit(objects(200), seed=1).save(tmp_path)
    path = tmp_path / "kernel.safetensors"
    kept, told = arrays.from_bytes(path.read_bytes(), "it")
    del kept["1.slope"]
    path.write_bytes(arrays.to_bytes(kept, told))
    with pytest.raises(DamagedError, match=r"kernel\.safetensors lacks '1\.slope'"):
        Kernel.load(tmp_path)
