from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
FILES = {
    "sdss_dr17": "sdss_dr17_10k",
    "sdss_dr14": "sdss_dr14_10k",
    "ptsrc": "sdss_ptsrc_qso_star_wd",
    "muwclass": "muwclass_8class",
}


def test_the_committed_scores_are_of_the_labels_that_lie_here(shared_data):
    told = json.loads(max(RESULTS.glob("learn-*.json")).read_text())["figures"]
    tasks = [name for name in told if name in FILES]
    assert tasks
    for name in tasks:
        content = (shared_data / "labels" / f"{FILES[name]}.parquet").read_bytes()
        assert told[name]["sha256"] == hashlib.sha256(content).hexdigest()


def script(name):
    """A program of benchmarks/, which are scripts side by side."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_says_what_the_committed_scores_say():
    figures = json.loads(max(RESULTS.glob("learn-*.json")).read_text())["figures"]
    page = (ROOT / "docs" / "explain" / "benchmarks.md").read_text()
    learnpage = script("learnpage")
    assert learnpage.written(page, figures, learnpage.others()) == page


def sides(n=400, seeds=2):
    """A side that knows more than the other, and labels of three classes in cells of four."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, n)
    made = []
    for strength in (2.5, 1.0):
        score = strength * np.eye(3)[labels] + random.normal(size=(seeds, n, 3))
        raised = np.exp(score)
        made.append(list(raised / raised.sum(axis=2, keepdims=True)))
    return *made, labels, np.arange(n) // 4


def test_a_side_that_knows_more_has_reached_it_and_the_other_has_not():
    better, worse, labels, cells = sides()
    compared = script("learnscores").compared
    assert compared(better, worse, labels, cells)["reached"]
    told = compared(worse, better, labels, cells)
    assert not told["reached"]
    assert told["log_loss"]["low"] > 0.0


def test_what_is_compared_is_what_scikit_learn_says_of_each_seed():
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra learn is not installed")
    better, worse, labels, cells = sides()
    told = script("learnscores").compared(better, worse, labels, cells)
    asked = {
        "log_loss": lambda p: metrics.log_loss(labels, p),
        "accuracy": lambda p: metrics.accuracy_score(labels, p.argmax(axis=1)),
        "macro_f1": lambda p: metrics.f1_score(labels, p.argmax(axis=1), average="macro"),
    }
    for name, score in asked.items():
        assert told[name]["ours"] == pytest.approx(np.mean([score(p) for p in better]))
        assert told[name]["theirs"] == pytest.approx(np.mean([score(p) for p in worse]))
