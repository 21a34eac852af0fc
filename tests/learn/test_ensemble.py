from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

from skyquarry.errors import DamagedError, ExistsError, NotFoundError, UserError
from skyquarry.learn import ensemble, modelfile
from skyquarry.learn.checkpoints import Checkpoint
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.ensemble import train
from skyquarry.learn.examples import Examples
from skyquarry.learn.fitting import Fitting
from skyquarry.learn.model import Model
from skyquarry.testing.classes import NAMES, objects

LEARNERS = {
    "catboost": {"rounds": 60, "rate": 0.1, "depth": 4},
    "forest": {"trees": 20, "depth": 8},
}


@pytest.fixture(scope="module")
def trained():
    return train(objects(900), learners=LEARNERS, seed=1)


@pytest.fixture(scope="module")
def model(trained):
    return Model(trained.ensemble, NAMES, ("mag",) * 5, told={"losses": trained.losses})


def test_the_whole_is_no_worse_than_its_best_learner(trained):
    seen = objects(2000, seed=7)
    whole = log_loss(trained.ensemble.predict_proba(seen.values), seen.labels, None)
    parts = [log_loss(p, seen.labels, None) for p in trained.ensemble.parts(seen.values)]
    assert whole < min(parts) + 0.005


def test_what_it_says_of_rows_not_seen_is_what_it_says_of_a_new_sky(trained):
    seen = objects(3000, seed=8)
    new = log_loss(trained.ensemble.predict_proba(seen.values), seen.labels, None)
    assert abs(trained.losses["calibrated"] - new) < 0.06
    assert trained.held.shape == (900, 3)


def test_rows_without_a_label_are_left_out():
    examples = objects(900)
    examples.labels[::7] = -1
    made = train(examples, learners={"forest": {"trees": 5}}, seed=1)
    assert (made.rows == np.flatnonzero(examples.labels >= 0)).all()


def test_many_rows_hold_one_fifth_of_the_groups_out(monkeypatch):
    monkeypatch.setattr(ensemble, "CROSSED", 500)
    made = train(objects(900), learners=LEARNERS, seed=1)
    assert 0.15 < len(made.rows) / 900 < 0.25
    assert len(np.unique(objects(900).groups[made.rows])) == pytest.approx(len(made.rows) / 10)


def test_a_fit_that_is_done_is_not_done_again(tmp_path):
    steps = []
    fitting = Fitting(tmp_path, telling=steps.append)
    first = train(objects(400), learners=LEARNERS, seed=1, fitting=fitting)
    count = len(steps)
    second = train(objects(400), learners=LEARNERS, seed=1, fitting=fitting)
    values = objects(100, seed=3).values
    assert len(steps) == count
    assert (first.ensemble.predict_proba(values) == second.ensemble.predict_proba(values)).all()


def test_a_fit_that_was_done_and_then_damaged_is_named(tmp_path):
    train(objects(400), learners={"forest": {"trees": 5}}, fitting=Fitting(tmp_path))
    path = next(tmp_path.rglob("nodes.safetensors"))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamagedError, match=r"nodes\.safetensors is not what was written"):
        train(objects(400), learners={"forest": {"trees": 5}}, fitting=Fitting(tmp_path))


def test_many_features_are_asked_for_fewer_at_a_time():
    few = ensemble.usual_settings("catboost", 5_000, 15)
    assert few == ensemble.usual_settings("forest", 5_000, 121) == {}
    random = np.random.default_rng(2)
    made = objects(900)
    noise = random.normal(size=(900, 45)).astype(np.float32)
    names = (*NAMES, *(f"n{each}" for each in range(45)))
    words = np.array(made.classes)[made.labels]
    wide = Examples.of(np.hstack([made.values, noise]), names, words, groups=made.groups)
    quick = {"catboost": {"rounds": 3}, "xgboost": {"rounds": 3}}
    first, second = (each.settings() for each in train(wide, learners=quick).ensemble.learners)
    assert (first["borders"], first["columns"]) == (64, 0.3)
    assert (second["bins"], second["tree_columns"]) == (64, 0.3)


def test_no_learners_are_refused():
    with pytest.raises(UserError, match="learners is empty"):
        train(objects(400), learners=[])


def test_a_loaded_model_predicts_the_same_bits(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = modelfile.load(tmp_path / "model")
    values = objects(300, seed=4).values
    assert (loaded.predict_proba(values) == model.predict_proba(values)).all()
    assert (loaded.classes, loaded.features) == (model.classes, model.features)


def test_no_file_of_a_model_is_a_pickle(model, tmp_path):
    model.save(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".cbm", ".safetensors"}


@pytest.mark.parametrize("name", ["model.json", "catboost/model.cbm", "forest/nodes.safetensors"])
def test_a_damaged_model_names_the_file(model, tmp_path, name):
    model.save(tmp_path / "model")
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=f"{name} is not what was written"):
        modelfile.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(DamagedError, match=f"{name} is missing"):
        modelfile.load(tmp_path / "model")


def test_another_folder_is_never_written_over(model, tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(ExistsError, match="notes exists already"):
        model.save(tmp_path / "notes", overwrite=True)
    model.save(tmp_path / "model")
    with pytest.raises(ExistsError, match="or say overwrite=True"):
        model.save(tmp_path / "model")
    model.save(tmp_path / "model", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "notes"]


def test_what_is_no_model_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="is no model"):
        modelfile.load(tmp_path)


def test_a_checkpoint_of_another_training_is_left_alone(tmp_path):
    Checkpoint(tmp_path).write("one", 5, b"state", {})
    assert Checkpoint(tmp_path).read("another") is None
    assert Checkpoint(tmp_path).read("one").content == b"state"


def test_explanations_are_of_the_learners_that_can_tell(model):
    told = model.explain(objects(50, seed=3).values)
    assert told.shape == (50, 5, 3)
