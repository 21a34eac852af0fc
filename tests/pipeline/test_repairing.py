"""`sq.repair`: a few labels of another depth and an old model beat the labels alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

pytest.importorskip("catboost", reason="the extra learn is not installed")
pytest.importorskip("sklearn", reason="the extra learn is not installed")

import skyquarry as sq
from skyquarry.cli import app
from skyquarry.errors import ColumnError, DamagedError, UserError

QUICK = {"catboost": {"rounds": 60, "rate": 0.1, "depth": 4}}


def sky(n, seed, *, deep):
    """Spirals of two classes in two colours, hard to learn of few; deep ones are redder by 0.3."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, n)
    turn = random.uniform(0.5, 3.5, n) * np.pi
    at = turn + np.pi * label
    x, y = (0.4 * turn * wave(at) + random.normal(0, 0.2, n) for wave in (np.cos, np.sin))
    columns = {"g-r": x + 0.3 * deep, "r-i": y, "cell": random.integers(0, 30, n)}
    return pa.table(columns | {"class": np.array(["galaxy", "star"])[label].tolist()})


@pytest.fixture(scope="module")
def old():
    return sq.train(sky(3_000, 1, deep=False), features=["g-r", "r-i"], groups="cell",
                    learners=QUICK, threads=1)  # fmt: skip


@pytest.fixture(scope="module")
def few():
    return sky(150, 2, deep=True)


@pytest.fixture(scope="module")
def new(old, few):
    return sq.repair(old, few, groups="cell", learners=QUICK, threads=1)


def loss(model, table):
    p = model.predict_proba(table)
    place = [model.classes.index(word) for word in table["class"].to_pylist()]
    return -np.log(np.maximum(p[np.arange(len(p)), place], 1e-9))


def test_a_repaired_model_beats_the_labels_alone_and_the_old_model(old, few, new):
    alone = sq.train(few, features=["g-r", "r-i"], groups="cell", learners=QUICK, threads=1)
    test = sky(3_000, 3, deep=True)
    repaired, others = loss(new, test), [loss(alone, test), loss(old, test)]
    for other in others:
        gain = other - repaired
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_it_says_what_it_repairs_and_keeps_features_classes_and_sets(old, new):
    assert new.features == old.features
    assert new.classes == old.classes
    assert new.told["repairs"]["data"] == old.told["data"]
    assert new.told["data"]["rows"] == 150
    assert new.sets(sky(20, 5, deep=True)).shape == (20, 2)
    weights = new.explain(sky(20, 5, deep=True))
    assert weights.shape == (20, 2, 2)
    assert np.abs(weights).max() > 0


def test_it_is_saved_whole_and_repaired_again(new, tmp_path):
    new.save(tmp_path / "new")
    test = sky(200, 4, deep=True)
    read = sq.load_model(tmp_path / "new")
    assert np.array_equal(read.predict_proba(test), new.predict_proba(test))
    again = sq.repair(tmp_path / "new", sky(100, 6, deep=True), groups="cell", learners=QUICK)
    again.save(tmp_path / "again")
    twice = sq.load_model(tmp_path / "again")
    assert np.array_equal(twice.predict_proba(test), again.predict_proba(test))
    (tmp_path / "new" / "base" / "ensemble.json").write_text("{}")
    with pytest.raises(DamagedError, match="base/ensemble"):
        sq.load_model(tmp_path / "new")


def test_labels_of_other_words_give_their_own_classes(old, few):
    words = ["red" if each > 0.5 else "blue" for each in few["g-r"].to_pylist()]
    place = few.column_names.index("class")
    told = sq.repair(old, few.set_column(place, "class", pa.array(words)), groups="cell",
                     learners=QUICK)  # fmt: skip
    assert told.classes == ("blue", "red")


def test_what_cannot_be_repaired_is_named(old, few):
    with pytest.raises(UserError, match="of one class only, 'galaxy'"):
        sq.repair(old, few.filter(pa.compute.equal(few["class"], "galaxy")), groups="cell")
    with pytest.raises(ColumnError, match="lacks 'r-i'"):
        sq.repair(old, few.drop_columns(["r-i"]), groups="cell")
    nothing = few.set_column(few.column_names.index("class"), "class", pa.nulls(150, pa.string()))
    with pytest.raises(UserError, match="none of 150 rows has a label"):
        sq.repair(old, nothing, groups="cell")


def test_the_command_repairs_and_writes_a_model(old, few, tmp_path):
    import pyarrow.parquet as pq

    old.save(tmp_path / "old")
    pq.write_table(few, tmp_path / "few.parquet")
    words = ["repair", str(tmp_path / "old"), str(tmp_path / "few.parquet"), "--out",
             str(tmp_path / "new"), "--groups", "cell", "--learners", "forest"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert sq.load_model(tmp_path / "new").classes == ("galaxy", "star")
    card = (tmp_path / "new" / "README.md").read_text()
    rows = old.told["data"]["rows"]
    assert f"It repairs a model of {rows:,} other rows, kept whole in" in card
