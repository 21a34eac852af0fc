"""Few-label repair: bright SDSS's model and some labels of deep SDSS, against the labels alone.

    python benchmarks/repair.py --out benchmarks/results

Half of DR17's cells of the sky judge, the labels are drawn from the other half, another half and
other labels in each draw. Repaired or alone, the learners are those of `sq.repair`; the old model
is CatBoost on DR14. That a repair looks at what the old model says was chosen by these figures
(against old rows weighed by likeness, and both; the ways are within 0.002 of another); its learners
by others: 500 labels of the half that does not judge in draw 0, and the rest of that half.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from skyquarry.learn.ensemble import train
from skyquarry.learn.repaired import repair
from skyquarry.learn.scores import compare
from skyquarry.learn.splits import holdout
from skyquarry.pipeline.repairing import LEARNERS

import record
from learntasks import sdss14, sdss17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", help="folder of repair-*.json")
    given = parser.parse_args()
    begun = time.process_time()
    bright, deep = sdss14().ours, sdss17().ours
    old = train(bright, learners=["catboost"]).ensemble
    told = [draw(old, deep, given.labels, seed) for seed in range(given.draws)]
    figures = {
        "labels": given.labels, "draws": told, "over draws": summed(told),
        "cpu_s": round(time.process_time() - begun),
    }  # fmt: skip
    record.write("repair", given.labels, figures, given.out)


def draw(old: Any, deep: Any, labels: int, seed: int) -> dict[str, Any]:
    """One half of the cells, so many labels of the other half."""
    judged = holdout(deep.labels, deep.groups, 0.5, seed)
    pool = np.flatnonzero(~judged)
    few = deep.take(np.sort(np.random.default_rng(seed).permutation(pool)[:labels]))
    test = deep.take(judged)
    words = [few.classes[each] for each in few.labels]
    new = repair(old, few.values, few.names, words, groups=few.groups, learners=LEARNERS,
                 seed=seed)[0].ensemble.predict_proba(test.values)  # fmt: skip
    alone = train(few, learners=LEARNERS, seed=seed).ensemble.predict_proba(test.values)
    told = {
        name: compare(new, other, test.labels, cells=test.groups, seed=seed)
        for name, other in (("alone", alone), ("old model", old.predict_proba(test.values)))
    }
    kept = ("accuracy", "macro_f1", "log_loss")
    return {name: {each: told[name][each] for each in kept} for name in told}


def summed(draws: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean gain over the labels alone; its error is the greater of scatter and mean bootstrap."""
    told = {}
    for name in ("accuracy", "macro_f1", "log_loss"):
        every = [each["alone"][name] for each in draws]
        gain = np.array([each["difference"] for each in every])
        scatter = gain.std(ddof=1) if len(gain) > 1 else 0.0
        told[name] = {
            "repaired": float(np.mean([each["value"] for each in every])),
            "alone": float(np.mean([each["other"] for each in every])),
            "gain": float(gain.mean()),
            "bootstrap error of a draw": float(np.mean([each["error"] for each in every])),
            "scatter of draws": float(scatter),
            "draws better": int(sum(each["better"] for each in every)),
        }
    return told


if __name__ == "__main__":
    main()
