"""A project that is killed while it trains goes on to the same model; what is damaged is named."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.pipeline.models import load_model
from skyquarry.pipeline.project.reading import read_project
from skyquarry.pipeline.project.records import HIDDEN
from skyquarry.pipeline.project.running import Runner
from skyquarry.testing.classes import objects

TEXT = """
folder = "field"
[surveys.here]
files = "here.parquet"
columns = { ra = "ra", dec = "dec", id = "id" }
[surveys.there]
files = "there.parquet"
columns = { ra = "ra", dec = "dec", id = "id" }
[match]
default_error_arcsec = 0.2
calibrate = false
photometry = "none"
prior = "uniform"
[labels]
from = "files"
files = "labels.parquet"
catalog = "here"
id = "id"
set = "sdss"
least_per_class = 20
cell_order = 8
[training]
features = ["here_u-g", "here_g-r", "here_r-i", "here_i-z", "here_r"]
threads = 1
[training.learners]
catboost = { rounds = 60, depth = 4, snapshot_seconds = 0 }
forest = { trees = 30 }
network = { epochs = 6, width = 16 }
"""
FITS = 3 * 6
"""of each learner five folds and all rows"""
ROWS = 500


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project that is done up to its labels."""
    for module in ("catboost", "sklearn", "safetensors", "torch", "prov"):
        pytest.importorskip(module, reason="the extras learn, nn and project are not installed")
    home = tmp_path_factory.mktemp("labelled")
    made, random = objects(ROWS), np.random.default_rng(2)
    number = np.arange(ROWS)
    place = {"id": number, "ra": 150.0 + 0.01 * number, "dec": random.uniform(-1.0, 1.0, ROWS)}
    columns = {name: made.values[:, at].astype(float) for at, name in enumerate(made.names)}
    pq.write_table(pa.table(place | columns), home / "here.parquet")
    pq.write_table(pa.table(place), home / "there.parquet")
    words = np.array(["STAR", "GALAXY", "QSO"])[made.labels]
    pq.write_table(pa.table({"id": number, "class": words}), home / "labels.parquet")
    (home / "field.toml").write_text(TEXT)
    runner = Runner(read_project(home / "field.toml"))
    assert [each.name for each in runner.stages[3:]] == ["label", "train", "evaluate"]
    Runner(runner.project, runner.stages[:4]).run(say=lambda _: None)
    return home


@pytest.fixture(scope="module")
def whole(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The model of a project that nothing interrupts."""
    home = copied(labelled, tmp_path_factory.mktemp("whole"))
    runner_of(home).run(say=lambda _: None)
    return model_of(home)


def copied(home: Path, to: Path) -> Path:
    return Path(shutil.copytree(home, to / "project"))


def runner_of(home: Path) -> Runner:
    return Runner(read_project(home / "field.toml"))


def model_of(home: Path) -> dict[str, bytes]:
    """Its probabilities, and its files; CatBoost's own holds the time and the folder."""
    folder, labelled = home / "field" / "model", home / "field" / "examples" / "train.parquet"
    files = {str(each.relative_to(folder)): each for each in folder.rglob("*") if each.is_file()}
    told = {name: each.read_bytes() for name, each in files.items()
            if name not in ("catboost/model.cbm", "checksums.json")}  # fmt: skip
    return told | {"p": load_model(folder).predict_proba(labelled).tobytes()}


def fits_of(home: Path) -> list[Path]:
    """Folders of fits that are done."""
    kept = home / "field" / HIDDEN / "checkpoints"
    names = kept.iterdir() if kept.is_dir() else ()
    return sorted(each for each in names if re.fullmatch(r"[a-z]+-[0-9a-f]{16}", each.name))


def killed_at(home: Path, fits: int) -> None:
    """Run the project in a process of its own, and kill that when so many fits are done."""
    words = [sys.executable, "-m", "skyquarry", "run", str(home / "field.toml")]
    process = subprocess.Popen(words, env=dict(os.environ), stdout=subprocess.PIPE)
    while process.poll() is None and len(fits_of(home)) < fits:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert fits <= len(fits_of(home)) < FITS


def test_a_project_killed_twice_in_its_training_ends_in_the_same_model(
    labelled: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    home = copied(labelled, tmp_path)
    killed_at(home, 2)
    first = [each.name for each in fits_of(home)]
    killed_at(home, len(first) + 3)
    assert {each.name for each in fits_of(home)} > set(first)
    damaged = fits_of(home)[0]
    file = next(each for each in damaged.iterdir() if each.suffix in (".cbm", ".safetensors"))
    content = file.read_bytes()
    file.write_bytes(content[:-8])
    with pytest.raises(DamagedError, match=re.escape(file.name)):
        runner_of(home).run(say=lambda _: None)
    assert not (home / "field" / "model").exists()
    file.write_bytes(content)
    ran = runner_of(home).run(say=lambda _: None)
    assert ran.done == ("train", "evaluate")
    assert ran.kept == ("build here", "build there", "match", "label")
    assert model_of(home) == whole
    assert fits_of(home) == []


def test_a_damaged_model_is_trained_anew_and_is_the_same(
    labelled: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    home = copied(labelled, tmp_path)
    runner_of(home).run(say=lambda _: None)
    file = next((home / "field" / "model").rglob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-8])
    states = {each.stage.name: each.why for each in runner_of(home).states()}
    assert states["train"] == "its output was changed"
    runner_of(home).run(say=lambda _: None)
    assert model_of(home) == whole


def test_labels_of_one_class_are_named_and_nothing_is_lost(labelled: Path, tmp_path: Path) -> None:
    home = copied(labelled, tmp_path)
    words = pa.table({"id": np.arange(ROWS), "class": ["STAR"] * ROWS})
    pq.write_table(words, home / "labels.parquet")
    before = {each: each.read_bytes() for each in (home / "field" / "archive").rglob("*.parquet")}
    with pytest.raises(UserError, match="labelled objects are star 500, but two"):
        runner_of(home).run(say=lambda _: None)
    assert all(each.read_bytes() == content for each, content in before.items())
    events = [each["event"] for each in runner_of(home).audit.events()]
    assert events[-1] == "failed"
