"""Published cuts against a classifier, where the truth is known: completeness at their own purity.

    python benchmarks/physicscuts.py --sky sky --out benchmarks/results

The sample is that of `skyscores.py`: all eight classes but clusters, boosted, each object weighing
what it stands for in the sky. One booster alone is fitted on three folds of cells of the sky, for
finer classes brought to the mix of the sky; every cut of `pipeline/physicscuts.py` is compared with
it among the rows where all that the cut needs is measured, draw by draw of a bootstrap of cells.

A cut that is not beaten at its own purity is also compared at the least purity that its sample
allows it (95 %, one-sided, binomial in effective rows): 543 rows without a wrong one may be of
a cut that is 99.4 % pure, and a purity of exactly 1 is where the first wrong row stands, by chance.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta
from skyscores import SURVEYS, Parts, _Laps, rows_of

from skyquarry.features.making import features_of
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores import against_cuts
from skyquarry.learn.scores.blocks import Blocks, effective
from skyquarry.learn.scores.curves import Ranked
from skyquarry.learn.scores.rivals import INTERVAL, Cut
from skyquarry.learn.splits import folds
from skyquarry.pipeline.examples import CELL
from skyquarry.pipeline.physicscuts import cuts_of

import record

SETTINGS = {"rounds": 120, "rate": 0.12, "bins": 64, "tree_columns": 0.3}
FOLDS = 3
DRAWS, SEED = 400, 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sky", required=True, help="folder of the sky; kept for a second run")
    parser.add_argument("--area", type=float, default=16.0, help="square degrees")
    parser.add_argument("--seed", type=int, default=8101)
    parser.add_argument("--rows", type=int, default=45_000, help="of the sample, by chance")
    parser.add_argument("--out")
    given = parser.parse_args()
    begun = time.process_time()
    table = rows_of(Path(given.sky), given.area, given.seed, _Laps())
    some = np.random.default_rng(given.seed).permutation(table.num_rows)[: given.rows]
    told = compared(Parts.of(table.take(np.sort(some)), given.seed), given.seed)
    for each in told:
        print(f"{each['class']:13} {each['name']:40} {words(each)}")
    beaten = [bool(each["beaten"]) for each in told]
    figures = {"cuts": told, "beaten": f"{sum(beaten)} of {len(beaten)}",
               "cpu_s": round(time.process_time() - begun)}  # fmt: skip
    record.write("physicscuts", len(some), figures, given.out)


def compared(parts: Parts, seed: int) -> list[dict[str, Any]]:
    """Each cut, its purity and completeness, and the booster's at that purity."""
    drop = [name for name in parts.table.column_names if name.startswith("label_")]
    plain = parts.table.drop_columns(drop)
    made = features_of(plain, SURVEYS)
    measured = np.flatnonzero(np.asarray(np.isfinite(made.values).any(axis=0)))
    cells = parts.column(CELL)
    examples = Examples.of(
        made.values[:, measured], [made.names[each] for each in measured],
        np.array(parts.names)[parts.fine], groups=cells,
    )  # fmt: skip
    fold = folds(examples.labels, cells, FOLDS, seed)
    sky = np.bincount(parts.fine, parts.weight, len(parts.names))
    p = np.zeros((len(examples), len(parts.classes)))
    for each in range(FOLDS):
        out = np.flatnonzero(fold == each)
        learnt = examples.take(fold != each)
        fine = (
            kind_of("xgboost")(**SETTINGS)
            .fit(learnt, seed=seed)
            .predict_proba(examples.values[out])
        )
        at_sky = fine * (sky / sky.sum() / learnt.priors())
        at_sky /= at_sky.sum(axis=1, keepdims=True)
        for number, place in enumerate(parts.of_fine):
            p[out, place] += at_sky[:, number]
    cuts = cuts_of(plain, SURVEYS, parts.classes)
    told = against_cuts(p, parts.label, parts.classes, cuts, weights=parts.weight, cells=cells)
    for cut, each in zip(cuts, told, strict=True):
        if each["beaten"] is False:
            each["within its error"] = within_error(p, parts, cut, each)
    return told


def within_error(p: Any, parts: Parts, cut: Cut, told: dict[str, Any]) -> dict[str, Any]:
    """The booster's completeness at the least purity that the cut's sample allows the cut."""
    known = np.ones(len(p), bool) if cut.known is None else cut.known
    number = parts.classes.index(cut.label)
    mine, weight = parts.label[known] == number, parts.weight[known]
    chosen = cut.chosen[known]
    least = least_purity(told["purity"], effective(weight[chosen]))
    ranked = Ranked.of(p[known, number], mine)
    blocks = Blocks.of(parts.column(CELL), len(p), DRAWS, SEED)
    gains = []
    for drawn in blocks.drawn:
        counted = weight * drawn[blocks.number[known]]
        if (all_mine := counted[mine].sum()) > 0.0:
            found = counted[chosen & mine].sum() / all_mine
            gains.append(ranked.at_purity(counted, least)[0] - found)
    low, high = np.percentile(gains, INTERVAL)
    ours = ranked.at_purity(weight, least)[0]
    return {
        "least purity": least, "model_completeness": ours, "gain": ours - told["completeness"],
        "low": float(low), "high": float(high),
    }  # fmt: skip


def least_purity(purity: float, rows: float) -> float:
    """Clopper and Pearson's lower limit (95 %, one-sided) of a share that so many rows have."""
    right = purity * rows
    return float(beta.ppf(0.05, right, rows - right + 1.0)) if right > 0.0 else 0.0


def words(told: dict[str, Any]) -> str:
    if told["beaten"] is None:
        return f"not measured: {told['n_effective']:.0f} effective members"
    return (
        f"purity {told['purity']:.3f}: {told['completeness']:.3f}, the booster "
        f"{told['model_completeness']:.3f}; gain {told['gain']:+.3f} ({told['low']:+.3f} to "
        f"{told['high']:+.3f}){'' if told['beaten'] else ': not beaten'}"
    )


if __name__ == "__main__":
    main()
