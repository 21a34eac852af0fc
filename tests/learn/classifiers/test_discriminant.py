"""Densities of classes: by hand, with gaps, whatever the units; and the suite of all learners."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra learn is not installed")

from skyquarry.errors import DamagedError
from skyquarry.learn import arrays
from skyquarry.learn.classifiers.discriminant import Discriminant, own_features
from skyquarry.learn.examples import Examples
from skyquarry.testing.classes import objects
from skyquarry.testing.learnsuite import ClassifierSuite


class TestDiscriminant(ClassifierSuite):
    kind = Discriminant
    settings = {"fits": 2}  # noqa: RUF012
    kills = (2, 3, 5)
    every = 1


def two_normals(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two normal clouds of unequal shape, and which each row is of."""
    random = np.random.default_rng(seed)
    first = np.arange(n) % 3 == 0
    a = random.normal(size=(n, 2)) @ np.array([[1.0, 0.8], [0.0, 0.4]])
    b = random.normal(size=(n, 2)) * 0.5 + np.array([1.0, -0.5])
    return np.where(first[:, None], a, b), first


def truth(x: np.ndarray, lacks: int | None) -> np.ndarray:
    """The probability of the first cloud."""
    square = np.array([[1.0, 0.8], [0.0, 0.4]])
    clouds = ((1 / 3, np.zeros(2), square.T @ square), (2 / 3, [1.0, -0.5], 0.25 * np.eye(2)))
    here = [each for each in (0, 1) if each != lacks]
    told = []
    for share, mean, wide in clouds:
        some = wide[np.ix_(here, here)]
        left = (x - mean)[:, here]
        square = (left * np.linalg.solve(some, left.T).T).sum(axis=1)
        told.append(share * np.exp(-0.5 * square) / np.sqrt(np.linalg.det(some)))
    return told[0] / (told[0] + told[1])


def learnt_of(x: np.ndarray, first: np.ndarray) -> Discriminant:
    names = tuple(f"feature {each}" for each in range(x.shape[1]))
    kind = np.where(first, "a", "b")
    return Discriminant().fit(Examples.of(x, names, kind), seed=1)


@pytest.mark.parametrize("lacks", [None, 0, 1])
def test_probabilities_of_normal_clouds_are_those_by_hand_where_a_value_lacks_too(lacks):
    learnt = learnt_of(*two_normals(30_000, 1))
    x, _ = two_normals(2_000, 2)
    asked = x.astype(np.float32)
    if lacks is not None:
        asked[:, lacks] = np.nan
    assert np.abs(learnt.predict_proba(asked)[:, 0] - truth(x, lacks)).mean() < 0.02


def test_a_feature_that_follows_from_others_is_left_out_and_changes_nothing():
    x, first = two_normals(3_000, 3)
    both = np.column_stack([x, x[:, 0] - x[:, 1], np.full(len(x), 7.0)])
    learnt, plain = learnt_of(both, first), learnt_of(x, first)
    assert learnt._features.tolist() == [0, 1]
    p, q = (a.predict_proba(b.astype(np.float32)) for a, b in ((learnt, both), (plain, x)))
    assert np.abs(p - q).max() < 1e-12


def test_units_and_mixes_of_features_do_not_matter():
    x, first = two_normals(3_000, 4)
    turned = x @ np.array([[20.0, 3.0], [-5.0, 0.1]]) + 100.0
    p = learnt_of(x, first).predict_proba(x.astype(np.float32))
    q = learnt_of(turned, first).predict_proba(turned.astype(np.float32))
    assert np.abs(p - q).mean() < 0.01


def test_features_are_all_kept_where_complete_rows_are_few():
    x = np.random.default_rng(5).normal(size=(100, 3))
    x[:, 2] = x[:, 0] + x[:, 1]
    assert own_features(x).tolist() == [0, 1]
    x[8:, 1] = np.nan
    assert own_features(x).tolist() == [0, 1, 2]


def test_a_class_that_is_hardly_there_has_the_density_of_all():
    x, first = two_normals(600, 6)
    kind = np.where(first, "a", "b").astype(object)
    kind[:5] = "c"
    x[:2, 1] = np.nan  # three values are left
    learnt = Discriminant().fit(Examples.of(x, ("x", "y"), kind), seed=1)
    p = learnt.predict_proba(x.astype(np.float32))[:, 2]
    assert p.mean() == pytest.approx(5 / 600, rel=0.5)
    assert p.max() < 0.2


def test_values_far_off_have_probabilities():
    learnt = learnt_of(*two_normals(600, 7))
    asked = np.array([[1e30, 0.0], [3e38, -3e38], [np.inf, np.nan]], np.float32)
    p = learnt.predict_proba(asked)
    assert np.isfinite(p).all()
    assert np.abs(p.sum(axis=1) - 1.0).max() < 1e-12


@pytest.mark.parametrize("gone", ["prior", "1.covariance", "scaling.factor"])
def test_a_file_that_lacks_an_array_is_named(tmp_path, gone):
    Discriminant(fits=1).fit(objects(200), seed=1).save(tmp_path)
    path = tmp_path / "mixtures.safetensors"
    kept, told = arrays.from_bytes(path.read_bytes(), "it")
    del kept[gone]
    path.write_bytes(arrays.to_bytes(kept, told))
    with pytest.raises(DamagedError, match=rf"mixtures\.safetensors lacks '{gone}'"):
        Discriminant.load(tmp_path)
