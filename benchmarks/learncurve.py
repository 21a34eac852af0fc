"""What more labelled rows would give: the same test rows, and parts of the rows to learn of.

    python benchmarks/learncurve.py --out benchmarks/results

Folds are those of `learn.py` (seed 0) and every row is judged, by models that have learnt of a part
of the other folds: a stratified quarter or half of them, whole cells of the sky, a smaller part
within a larger one. Pools, calibrations and stacks learn of these rows alone too. A quarter of
MUWCLASS is left out: of one class no row would be in it. A report: nothing is chosen by it.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any, Final

import numpy as np
from learn import crossed, measured, pooled_unseen
from learnscores import compared

from skyquarry.learn.ensemble import FOLDS, usual_learners
from skyquarry.learn.splits import folds

import record
from learntasks import TASKS, Task
from rival_learners import unseen as rivals_unseen

QUARTERS: Final = {"ptsrc": (1, 2, 4), "muwclass": (2, 4)}
"""of the rows that could be learnt of, by task"""
SEED: Final = 0
_DEAL: Final = 77
"""seed of the quarters: another than that of the folds"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=QUARTERS, default=list(QUARTERS))
    parser.add_argument("--out", help="folder of learncurve-ROWS.json")
    given = parser.parse_args()
    told = {name: curve(TASKS[name](), QUARTERS[name]) for name in given.tasks}
    record.write("learncurve", sum(each["rows"] for each in told.values()), told, given.out)


def curve(task: Task, quarters: tuple[int, ...]) -> dict[str, Any]:
    """Figures of ours and of the best rivals at each part, and what each doubling gave."""
    examples = task.ours
    fold = folds(examples.labels, examples.groups, FOLDS, SEED)
    quarter = folds(examples.labels, examples.groups, 4, _DEAL)
    steps = [asked(task, fold, quarter < each) for each in quarters]
    return {
        "rows": len(examples), "quarters": list(quarters),
        "steps": [each["told"] for each in steps],
        "gains of doubling": [
            {side: compared([more[side]], [less[side]], examples.labels, examples.groups)
             for side in ("ours", "rival")}
            for less, more in pairwise(steps)
        ],
    }  # fmt: skip


def asked(task: Task, fold: Any, learnt: Any) -> dict[str, Any]:
    """Of models that learnt of some rows: figures, and the probabilities (n, K) they are of."""
    some = None if learnt.all() else learnt
    names = usual_learners(*task.ours.values.shape)
    parts = np.stack([crossed(name, task.ours, fold, SEED, small=False, learnt=some)[0]
                      for name in names])  # fmt: skip
    ours, _ = pooled_unseen(parts, task.ours, fold, some)
    rivals, _ = rivals_unseen(task.theirs, fold, SEED, some)
    figures = {name: measured(p, task.theirs) for name, p in rivals.items()}
    best = min(figures, key=lambda name: figures[name]["log_loss"])
    told = {
        "learnt of": round(float(learnt.sum()) * (FOLDS - 1) / FOLDS),
        "ours": measured(ours, task.ours), "best rival": best, "rivals": figures,
    }  # fmt: skip
    return {"told": told, "ours": ours, "rival": rivals[best]}


if __name__ == "__main__":
    main()
