"""Real labels, photometry alone: our ensemble beside usual learners, object by object.

    python benchmarks/learn.py --out benchmarks/results          # everything: make bench-learn
    python benchmarks/learn.py --tasks ptsrc --seeds 0
    python benchmarks/learn.py --blanked                         # the same rows with blanked cells
    python benchmarks/learn.py --speed                           # objects a second of the ensemble
    python benchmarks/learn.py --smoke                           # does it run at all

Both sides see the same folds of whole cells of the sky (points without positions: single rows).
Ours are the defaults of sq.train: learners by the number of rows and features; how smooth the
kernel is it finds on inner folds of what it is given; the numbers of the pool, which calibration
and its numbers are chosen anew for each fold by the other four. Rivals are those of the notes,
their stack cross-fitted on the same folds. What was predicted is kept in benchmarks/data, by rows,
folds, settings, code and versions. Of a task that was run before, the file keeps the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import learncache as cache
import numpy as np
from learnscores import compared

import skyquarry
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.ensemble import FOLDS, joined, usual_learners, usual_settings
from skyquarry.learn.scores import evaluate
from skyquarry.learn.splits import folds

import record
from learntasks import BLANKED, LABELS, TASKS, Task
from rival_learners import unseen as rivals_unseen

FILES = {"sdss_dr17": "sdss_dr17_10k", "sdss_dr14": "sdss_dr14_10k",
         "ptsrc": "sdss_ptsrc_qso_star_wd", "muwclass": "muwclass_8class"}  # fmt: skip
MEASURES = ("accuracy", "macro_f1", "log_loss", "ece")
SMALL: dict[str, dict[str, Any]] = {
    "catboost": {"rounds": 20}, "xgboost": {"rounds": 10}, "forest": {"trees": 10},
    "extratrees": {"trees": 10}, "kernel": {"landmarks": 40}, "network": {"epochs": 2},
    "discriminant": {"fits": 1},
}  # fmt: skip
CODE = {
    "catboost": ("catboost",), "xgboost": ("xgboost",), "forest": ("forest", "nodes"),
    "extratrees": ("forest", "nodes"),
    "kernel": ("kernel", "similarity", "filling", "mixtures", "gaussians"),
    "discriminant": ("discriminant", "similarity", "mixtures", "gaussians"),
}  # fmt: skip
"""files that a learner's answer depends on"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)), help="which ones")
    parser.add_argument("--out", help="folder of learn-DATE.json")
    parser.add_argument("--speed", action="store_true", help="objects a second, and no task")
    parser.add_argument("--blanked", action="store_true", help="without a tenth of the cells")
    parser.add_argument("--smoke", action="store_true", help="small models, 600 rows, no rivals")
    given = parser.parse_args()
    told: dict[str, Any] = {}
    if given.speed:
        told["speed"] = speed(rows=600 if given.smoke else 3_000, small=given.smoke)
        keep(told, given.out)
    if given.blanked:
        told["blanked"] = {name: blanked(name) for name in BLANKED if name in given.tasks}
        keep(told, given.out)
    for name in () if given.speed or given.blanked else given.tasks:
        task = smaller(TASKS[name]()) if given.smoke else TASKS[name]()
        seeds = [one(task, seed, smoke=given.smoke) for seed in given.seeds]
        told[name] = {"commit": record.commit(), "sha256": digest(name), "rows": len(task.ours),
                      "whole set": task.to_reach}  # fmt: skip
        if not given.smoke:
            told[name] |= together(task, seeds)
        told[name]["seeds"] = [each["told"] for each in seeds]
        keep(told, given.out)


def one(task: Task, seed: int, *, smoke: bool, rivals: bool = True) -> dict[str, Any]:
    """One seed of one task: figures, and the probabilities they are of."""
    ours, theirs = task.ours, task.theirs
    fold = folds(ours.labels, ours.groups, FOLDS, seed)
    names = usual_learners(*ours.values.shape)
    found = [crossed(name, ours, fold, seed, small=smoke) for name in names]
    parts = np.stack([p for p, _ in found])
    begun = time.process_time()
    held, ways = pooled_unseen(parts, ours, fold)
    spent = time.process_time() - begun + sum(each for _, each in found)
    told: dict[str, Any] = {
        "seed": seed, "ours": measured(held, ours), "learners": {
            name: round(log_loss(p, ours.labels, None), 5)
            for name, (p, _) in zip(names, found, strict=True)
        }, "pools and calibrations of the folds": ways, "cpu_s": round(spent, 1),
    }  # fmt: skip
    if smoke or not rivals:
        return {"told": told}
    others, spent = rivals_unseen(theirs, fold, seed)
    told["rivals_cpu_s"] = round(spent, 1)
    told["rivals"] = {name: measured(p, theirs) for name, p in others.items()}
    less, _ = pooled_unseen(parts[[name != "xgboost" for name in names]], ours, fold)
    return {"told": told, "ours": held, "without xgboost": less, "rivals": others}


def crossed(
    name: str, examples: Any, fold: Any, seed: int, *, small: bool, learnt: Any = None
) -> tuple[Any, float]:
    """(n, K) what a learner of ours, as sq.train has it, says of rows it has not seen.

    `learnt` (n,) bool: the rows that it may learn of; all, where it is not given.
    """
    settings = usual_settings(name, *examples.values.shape) | (SMALL[name] if small else {})
    kind = kind_of(name)

    def made() -> Any:
        p = np.empty((len(examples), len(examples.classes)))
        for each in np.unique(fold):
            out = fold == each
            some = ~out if learnt is None else ~out & learnt
            learner = kind(**settings).fit(examples.take(some), seed=seed)
            p[out] = learner.predict_proba(examples.values[out])
        return p

    files = sorted((Path(skyquarry.__file__).parent / "learn").rglob("*.py"))
    code = [each for each in files if each.stem in CODE[name]]
    key = {"rows": examples.fingerprint(), "fold": cache.digest(fold), "ours": name, "seed": seed,
           "settings": kind(**settings).settings(), "code": cache.digest(*code),
           "versions": record.packages()} | cache.of_some(learnt)  # fmt: skip
    return cache.kept(key, made)


def pooled_unseen(
    parts: Any, examples: Any, fold: Any, learnt: Any = None
) -> tuple[Any, list[str]]:
    """(n, K): each fold by a pool and a calibration that are chosen and learnt of the others.

    `learnt` (n,) bool: the rows that they may learn of.
    """
    held, ways = np.empty(parts.shape[1:]), []
    for each in np.unique(fold):
        out = fold == each
        rest = ~out if learnt is None else ~out & learnt
        pool, mended, _, _ = joined(
            parts[:, rest], examples.labels[rest], fold[rest], examples.weights[rest]
        )
        held[out] = mended.apply(pool.apply(parts[:, out]))
        ways.append(f"{pool.method}, {mended.method}")
    return held, ways


def together(task: Task, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """All seeds: figures of both sides, and ours beside each rival."""

    def beside(which: str, names: Any) -> dict[str, Any]:
        return {
            name: compared(
                [each[which] for each in seeds], [each["rivals"][name] for each in seeds],
                task.ours.labels, task.ours.groups,
            )
            for name in names
        }  # fmt: skip

    against = beside("ours", seeds[0]["rivals"])
    nearest = min(against, key=lambda name: against[name]["log_loss"]["theirs"])
    named = tuple(dict.fromkeys((task.rival, nearest)))
    mean = {
        name: float(np.mean([each["told"]["ours"][name] for each in seeds])) for name in MEASURES
    }
    return {
        "ours": mean, "reached": {name: against[name]["reached"] for name in named},
        "ours against": against, "without xgboost": beside("without xgboost", named),
    }  # fmt: skip


def blanked(name: str, share: float = 0.1) -> dict[str, Any]:
    """Accuracy of the same rows and folds (seed 0), complete and without a share of the cells.

    A cell is a magnitude (of point sources, a colour): what is made of it goes with it. Cells of
    the training set are blanked as those of the test set.
    """
    told: dict[str, Any] = {"cells blanked": share, "commit": record.commit()}
    for which, task in (("complete", TASKS[name]()), ("blanked", TASKS[name](share))):  # type: ignore[operator]
        told[which] = one(task, 0, smoke=False, rivals=False)["told"]["ours"]
        told[f"{which} rows with a blank"] = round(
            float(np.isnan(task.ours.values).any(axis=1).mean()), 4
        )
    told["points of accuracy lost"] = 100.0 * (
        told["complete"]["accuracy"] - told["blanked"]["accuracy"]
    )
    return told


def smaller(task: Task) -> Task:
    rows = np.random.default_rng(0).permutation(len(task.ours))[:600]
    return replace(task, ours=task.ours.take(rows), theirs=task.theirs.take(rows))


def measured(p: Any, examples: Any) -> dict[str, float]:
    told = evaluate(p, examples.labels, examples.classes, cells=examples.groups).to_json()
    return {name: told["overall"][name]["value"] for name in MEASURES}


def speed(rows: int, *, small: bool) -> dict[str, Any]:
    """Objects a CPU second on one thread, 60 features, 8 classes, of an ensemble as trained."""
    from skyquarry.learn.calibration import fit
    from skyquarry.learn.classifiers.registry import USUAL
    from skyquarry.learn.ensemble import Ensemble
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.pooling import fit as pooled

    random = np.random.default_rng(1)
    values = random.normal(size=(rows, 60)).astype(np.float32)
    score = values[:, :8] + 0.5 * values[:, 8:16] * values[:, 16:24] + random.normal(size=(rows, 8))
    made = Examples.of(values, [f"f{each}" for each in range(60)], score.argmax(axis=1))
    settings = SMALL if small else {"network": {"epochs": 2}}  # as fast as after forty
    told = {}
    asked = np.tile(values, (max(1, 20_000 // rows), 1))
    for said, names in (("few rows", usual_learners(rows, 60)), ("many rows", USUAL)):
        learners = tuple(
            kind_of(name)(**usual_settings(name, rows, 60) | settings.get(name, {})).fit(made)
            for name in names
        )
        parts = np.stack([each.predict_proba(values) for each in learners])
        fold = (np.arange(rows) % 5).astype(np.int8)
        way: Any = "stack" if names is USUAL else "auto"  # of many rows that which takes longest
        pool, held, _ = pooled(parts, made.labels, fold, made.weights, combine=way)
        mended = fit(held, made.labels, method="dirichlet")
        whole = Ensemble(made.classes, learners, pool, mended)
        told |= {each.name: rate(each.predict_proba, asked) for each in learners}
        told[f"whole, {said}"] = rate(whole.predict_proba, asked)
    return told


def rate(predict: Any, values: Any) -> int:
    taken = []
    for _ in range(3):
        begun = time.process_time()
        predict(values)
        taken.append(time.process_time() - begun)
    return round(len(values) / min(taken))


def digest(name: str) -> str:
    return hashlib.sha256((LABELS / f"{FILES[name]}.parquet").read_bytes()).hexdigest()


def keep(told: dict[str, Any], out: str | None) -> None:
    """Print, and put into the file of today beside what was run before."""
    print(json.dumps(told, indent=2), flush=True)
    if out is None:
        return
    path = Path(out) / f"learn-{datetime.now(UTC).date()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(path.read_text())["figures"] if path.exists() else {}
    whole = {"benchmark": "learn", "commit": record.commit(), "machine": record.machine(),
             "packages": record.packages(), "figures": before | told}  # fmt: skip
    path.write_text(json.dumps(whole, indent=1) + "\n")


class _Plain(argparse.RawDescriptionHelpFormatter):
    pass


if __name__ == "__main__":
    main()
