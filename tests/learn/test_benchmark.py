from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

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


def script(name, monkeypatch=None):
    """A program of benchmarks/, which are scripts side by side: some need others."""
    if monkeypatch is not None:
        monkeypatch.syspath_prepend(ROOT / "benchmarks")
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


def test_a_model_of_some_rows_has_seen_no_other_and_none_of_its_fold(monkeypatch):
    learners = script("rival_learners", monkeypatch)
    random = np.random.default_rng(3)
    rows, fold, learnt = np.arange(60), np.arange(60) % 3, random.random(60) < 0.5
    seen = []

    class Told:
        def fit(self, values, labels):
            seen.append(set(values[:, 0].astype(int)))
            return self

        def predict_proba(self, values):
            return np.full((len(values), 2), 0.5)

    class Given:
        values, labels, classes = rows[:, None].astype(np.float32), rows % 2, ("a", "b")

        def __len__(self):
            return 60

    learners._crossed(Told, Given(), fold, learnt)
    assert seen == [set(rows[learnt & (fold != each)]) for each in range(3)]


def test_the_least_purity_of_a_cut_is_the_exact_limit_of_its_rows(monkeypatch):
    least_purity = script("physicscuts", monkeypatch).least_purity
    for right, rows in ((543, 543), (90, 100), (1, 20)):
        told = binomtest(right, rows, alternative="greater").proportion_ci(0.95, "exact").low
        assert least_purity(right / rows, rows) == pytest.approx(told)


def test_results_that_were_written_leave_the_commit_clean(tmp_path, monkeypatch):
    record = script("record")
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    for path in (tmp_path / "code.py", results / "old.json"):
        path.write_text("1")
    for words in (("init", "-q"), ("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b.c",
                                                 "commit", "-qm", "all")):  # fmt: skip
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "RESULTS", results)
    (results / "old.json").write_text("2")
    assert not record.commit().endswith("+")
    (tmp_path / "code.py").write_text("2")
    assert record.commit().endswith("+")
