"""Finer classes: learnt apart, summed, saved, and told in the classes' names."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import ensemblefile, modelfile, sealed, summed
from skyquarry.learn.ensemble import train
from skyquarry.learn.model import Model
from skyquarry.testing.classes import NAMES, objects

LEARNERS = {"catboost": {"rounds": 30, "rate": 0.1, "depth": 3}, "forest": {"trees": 10}}


def kinds_of(examples):
    """Class 0 is of two kinds, by a feature; class 1 has a kind of few; class 2 of none."""
    bright = np.nan_to_num(examples.values[:, 3]) > 0.0
    told = np.where(bright, "bright", "faint").astype(object)
    told[examples.labels == 1] = None
    told[np.flatnonzero(examples.labels == 1)[:7]] = "odd"
    told[examples.labels == 2] = None
    return list(told)


@pytest.fixture(scope="module")
def taught():
    examples = objects(900)
    return summed.split(examples, kinds_of(examples), least=50)


@pytest.fixture(scope="module")
def trained(taught):
    return summed.of_classes(train(taught, learners=LEARNERS, seed=1), taught, objects(900))


def test_kinds_of_few_count_to_the_largest_of_their_class(taught):
    assert taught.classes == ("class 0: bright", "class 0: faint", "class 1", "class 2")
    assert taught.counts().sum() == 900
    assert taught.counts()[2] == objects(900).counts()[1]


def test_probabilities_of_kinds_add_up_to_those_of_their_class(trained):
    whole, values = trained.ensemble, objects(200, seed=5).values
    assert whole.classes == ("class 0", "class 1", "class 2")
    finer, p = whole.predict_finer(values), whole.predict_proba(values)
    assert (p[:, 0] == finer[:, 0] + finer[:, 1]).all()
    assert (p[:, 1:] == finer[:, 2:]).all()
    assert trained.held.shape == (900, 3)
    assert trained.losses["calibrated"] < trained.losses["finer"]


def test_reasons_are_told_of_the_classes(trained):
    whole, values = trained.ensemble, objects(30, seed=5).values
    told = whole.explain(values)
    finer = whole.learners[0].explain(values)
    assert told.shape == (30, 5, 3)
    assert told[:, :, 2] == pytest.approx(finer[:, :, 3])
    low, high = np.minimum(finer[..., 0], finer[..., 1]), np.maximum(finer[..., 0], finer[..., 1])
    assert ((told[:, :, 0] >= low - 1e-9) & (told[:, :, 0] <= high + 1e-9)).all()


def test_it_is_saved_as_a_model_and_as_an_ensemble(trained, tmp_path):
    values = objects(100, seed=6).values
    said = trained.ensemble.predict_proba(values)
    Model(trained.ensemble, NAMES, ("mag",) * 5).save(tmp_path / "model")
    again = modelfile.load(tmp_path / "model")
    assert again.classes == ("class 0", "class 1", "class 2")
    assert (again.predict_proba(values) == said).all()
    (tmp_path / "ensemble").mkdir()
    ensemblefile.save(trained.ensemble, tmp_path / "ensemble")
    assert (ensemblefile.load(tmp_path / "ensemble").predict_proba(values) == said).all()


def test_finer_classes_of_no_class_are_damage(trained, tmp_path):
    Model(trained.ensemble, NAMES, ("mag",) * 5).save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    told = json.loads(path.read_bytes()) | {"of": [0, 0, 1, 7]}
    path.write_text(json.dumps(told))
    sealed.seal(tmp_path / "model")
    with pytest.raises(DamagedError, match=r"model\.json has finer classes that belong to none"):
        modelfile.load(tmp_path / "model")


def test_kinds_that_tell_nothing_apart_are_an_error():
    examples = objects(90)
    with pytest.raises(UserError, match="no class has two kinds of 200 members"):
        summed.split(examples, ["a", None] * 45)
    with pytest.raises(UserError, match="there are 3 kinds for 90 rows"):
        summed.split(examples, [None] * 3)
