"""Real labels, photometry alone: our ensemble beside usual learners, object by object.

    python benchmarks/learn.py --out benchmarks/results          # everything: make bench-learn
    python benchmarks/learn.py --tasks ptsrc --seeds 1
    python benchmarks/learn.py --speed                           # objects a second of the ensemble
    python benchmarks/learn.py --smoke                           # does it run at all

Both sides see the same folds of whole cells of the sky (points without positions: single rows);
pools, stacks and calibrations are learnt of the other folds. No setting was chosen by these
figures: ours are the defaults of sq.train. Of a task that was run before, the file keeps the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from skyquarry.learn.ensemble import joined, unseen
from skyquarry.learn.scores import compare, evaluate
from skyquarry.learn.splits import folds

import record
from learntasks import LABELS, TASKS, Task
from rival_learners import unseen as rivals_unseen

FILES = {"sdss_dr17": "sdss_dr17_10k", "sdss_dr14": "sdss_dr14_10k",
         "ptsrc": "sdss_ptsrc_qso_star_wd", "muwclass": "muwclass_8class"}  # fmt: skip
MEASURES = ("accuracy", "macro_f1", "log_loss", "ece")
SMALL: dict[str, dict[str, Any]] = {
    "catboost": {"rounds": 20}, "xgboost": {"rounds": 10}, "forest": {"trees": 10},
    "network": {"epochs": 2},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", help="folder of learn-DATE.json")
    parser.add_argument("--speed", action="store_true", help="objects a second, and no task")
    parser.add_argument("--smoke", action="store_true", help="small models, 600 rows, no rivals")
    given = parser.parse_args()
    told: dict[str, Any] = {}
    if given.speed:
        told["speed"] = speed(rows=600 if given.smoke else 3_000, small=given.smoke)
        keep(told, given.out)
    for name in () if given.speed else given.tasks:
        task = TASKS[name]()
        told[name] = {
            "commit": record.commit(), "sha256": digest(name),
            "rows": len(task.ours), "whole set": task.to_reach,
            "seeds": [one(task, seed, smoke=given.smoke) for seed in range(given.seeds)],
        }  # fmt: skip
        keep(told, given.out)


def one(task: Task, seed: int, *, smoke: bool) -> dict[str, Any]:
    """One seed of one task."""
    ours, theirs = task.ours, task.theirs
    if smoke:
        rows = np.random.default_rng(seed).permutation(len(ours))[:600]
        ours, theirs = ours.take(rows), theirs.take(rows)
    begun = time.process_time()
    parts, fold = unseen(ours, learners=SMALL if smoke else None, seed=seed)
    pool, mended, held, losses = joined(parts, ours.labels, fold, ours.weights)
    told: dict[str, Any] = {
        "ours": measured(held, ours), "ways": losses, "pool": pool.method,
        "calibration": mended.method, "cpu_s": round(time.process_time() - begun, 1),
    }  # fmt: skip
    if smoke:
        return told
    assert (folds(theirs.labels, theirs.groups, 5, seed) == fold).all()
    begun = time.process_time()
    others = rivals_unseen(theirs, fold, seed)
    told["rivals_cpu_s"] = round(time.process_time() - begun, 1)
    told["rivals"] = {name: measured(p, theirs) for name, p in others.items()}
    told["ours against"] = {
        name: compare(held, others[name], ours.labels, cells=ours.groups)
        for name in ("stack", "vote of boosters", "vote of forest and boosters", "catboost")
    }
    return told


def measured(p: Any, examples: Any) -> dict[str, float]:
    told = evaluate(p, examples.labels, examples.classes, cells=examples.groups).to_json()
    return {name: told["overall"][name]["value"] for name in MEASURES}


def speed(rows: int, *, small: bool) -> dict[str, Any]:
    """Objects a CPU second on one thread, 60 features, 8 classes, of an ensemble as trained."""
    from skyquarry.learn.calibration import fit
    from skyquarry.learn.classifiers.registry import USUAL, kind_of
    from skyquarry.learn.ensemble import Ensemble
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.pooling import fit as pooled

    random = np.random.default_rng(1)
    values = random.normal(size=(rows, 60)).astype(np.float32)
    score = values[:, :8] + 0.5 * values[:, 8:16] * values[:, 16:24] + random.normal(size=(rows, 8))
    made = Examples.of(values, [f"f{each}" for each in range(60)], score.argmax(axis=1))
    settings = SMALL if small else {"network": {"epochs": 2}}  # as fast as after forty
    learners = tuple(kind_of(name)(**settings.get(name, {})).fit(made) for name in USUAL)
    parts = np.stack([each.predict_proba(values) for each in learners])
    pool, held, _ = pooled(
        parts, made.labels, (np.arange(rows) % 5).astype(np.int8), made.weights, combine="stack"
    )
    whole = Ensemble(made.classes, learners, pool, fit(held, made.labels, method="dirichlet"))
    asked = np.tile(values, (max(1, 20_000 // rows), 1))
    told = {each.name: rate(each.predict_proba, asked) for each in learners}
    return {"whole": rate(whole.predict_proba, asked)} | told


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
