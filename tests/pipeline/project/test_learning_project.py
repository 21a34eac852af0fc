"""A project from a synthetic sky to a model, in small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import skyquarry as sq
from skyquarry.catalog.formats import open_table
from skyquarry.pipeline.project.running import Runner
from skyquarry.pipeline.project.settings import read_project

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
[region]
text = "CIRCLE 180 30 0.08"
[surveys.sdss]
from = "simulate"
[surveys.gaia]
from = "simulate"
[match]
[labels]
least_per_class = 20
cell_order = 12
[training]
features = ["sdss_g-r", "sdss_r-i", "sdss_psf-total"]
learners = ["catboost"]
allow_leakage = true
threads = 1
[classify]
columns = ["sdss_id"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("catboost", reason="the extra learn is not installed")
    file = tmp_path_factory.mktemp("learning") / "field.toml"
    file.write_text(TEXT)
    runner = Runner(read_project(file))
    said: list[str] = []
    runner.run(say=said.append)
    assert any("main_sequence" in line and "left out" in line for line in said)
    assert any(line.lstrip().startswith("done in") and "macro f1" in line for line in said)
    assert all(state.why == "" for state in runner.states())
    return runner.folder


def test_the_model_tells_galaxies_from_stars_of_cells_that_it_has_not_seen(folder: Path) -> None:
    model = sq.load_model(folder / "model")
    assert set(model.classes) == {"galaxy", "main_sequence"}
    test = open_table(folder / "examples" / "test.parquet")
    (part,) = test.parts()
    rows = next(part.batches())
    right = model.predict(rows) == np.array(rows["label_class"].to_pylist())
    assert right.mean() > 0.8


def test_the_label_is_no_column_that_a_model_needs(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched").to_table()
    p = sq.load_model(folder / "model").predict_proba(matched)
    assert p.shape == (matched.num_rows, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)


def test_the_scores_are_at_the_mix_of_the_match(folder: Path) -> None:
    told = json.loads((folder / "scores" / "scores.json").read_text())
    assert told["mix"] == "all labelled objects of the match"
    assert 0.8 < told["overall"]["accuracy"]["value"] <= 1.0
    assert "<html" in (folder / "scores" / "scores.html").read_text()


def test_every_matched_object_is_classified(folder: Path) -> None:
    matched = sq.open(folder / "archive" / "matched")
    made = sq.open(folder / "archive" / "classified").to_table()
    assert made.num_rows == matched.stored.n_rows
    assert {"group_id", "sdss_id", "p_galaxy", "p_main_sequence"} <= set(made.column_names)
