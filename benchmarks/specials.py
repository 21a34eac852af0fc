"""Tasks of single classes by real labels: giants and dwarfs, periodic variables.

    python benchmarks/specials.py --out benchmarks/results

giants: log g of LAMOST, by the class's own line, from ugriz and JH, learnt by the usual learners of
few rows; also of the rows with all seven bands alone; what each purity costs in completeness; and
how well a second measurement of log g with the same errors would do. The file has no parallax.
variables: LINEAR's classes by period, amplitude, shape and colours, and all of them against
constant stars of DR14 by two colours. Both by folds of cells of the sky. Brown dwarfs have a
program of their own, latedwarfs.py.
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations
from typing import Any, Final

import numpy as np

from skyquarry.catalog.classes import giant_logg, of_star
from skyquarry.learn.ensemble import joined, unseen, usual_learners
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores import evaluate
from skyquarry.learn.scores.curves import Ranked
from skyquarry.learn.splits import sky_groups

import record
from learntasks import read

LEARNERS: Final = ("catboost", "forest")
SEED: Final = 5
PURITIES: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tasks = {"giants": giants, "variables": variables}
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=list(tasks))
    parser.add_argument("--out", help="folder of specials-TASK-*.json")
    given = parser.parse_args()
    for name in given.tasks:
        begun = time.process_time()
        told = tasks[name]()
        told["cpu_s"] = round(time.process_time() - begun)
        record.write(f"specials-{name}", told["rows"], told, given.out)


def giants() -> dict[str, Any]:
    table = read("lamost_dr_stars")
    bands = ("u", "g", "r", "i", "z", "J", "H")
    mags = {}
    for number, band in enumerate(bands, 1):
        mag = np.asarray(table[f"mag{number}"], np.float64)
        mags[band] = np.where((mag > 0) & (mag < 90), mag, np.nan)
    made_of = {f"{a}-{b}": mags[a] - mags[b] for a, b in combinations(bands, 2)} | {"r": mags["r"]}
    kind = of_star(table["teff"].astype(float), table["logg"].astype(float))
    words = np.where(kind == 2, "giant", "main_sequence")
    full = np.isfinite(list(mags.values())).all(axis=0)
    usual = usual_learners(len(words), len(made_of))
    told = by_folds(made_of, words, table, usual)
    told["with all seven bands"] = by_folds(
        {name: column[full] for name, column in made_of.items()}, words[full],
        {name: table[name][full] for name in ("ra", "dec")}, usual,
    )  # fmt: skip
    return told | {"log g measured again": again(table, kind == 2)}


def again(table: Any, giant: Any, draws: int = 200) -> dict[str, float]:
    """Completeness and purity of who measures log g a second time, with the same errors."""
    random, found = np.random.default_rng(SEED), []
    teff, logg, error = (table[name].astype(float) for name in ("teff", "logg", "logg_err"))
    for _ in range(draws):
        said = logg + error * random.standard_normal(len(logg)) < giant_logg(teff)
        found.append((said[giant].mean(), giant[said].mean()))
    completeness, purity = np.mean(found, axis=0)
    return {"completeness": float(completeness), "purity": float(purity),
            "error of log g of giants, median": float(np.median(error[giant]))}  # fmt: skip


def variables() -> dict[str, Any]:
    table = read("linear_variables")
    kinds = {1: "RR Lyrae ab", 2: "RR Lyrae c", 4: "Algol", 5: "contact", 6: "delta Scuti"}
    words = np.array([kinds[each] for each in table["LCtype"]])
    names = ("ug", "gi", "iK", "JK", "logP", "Ampl", "skew", "kurt")
    columns = {name: np.where(table[name] < -9, np.nan, table[name]) for name in names}
    told = by_folds(columns, words, table)
    stars = read("sdss_dr14_10k")
    kept = stars["class"] == "STAR"
    both = {"ug": stars["u"] - stars["g"], "gi": stars["g"] - stars["i"]}
    colour = {name: np.concatenate([columns[name], both[name][kept]]) for name in both}
    varies = np.repeat(["variable", "constant"], [len(words), kept.sum()])
    place = {name: np.concatenate([table[name], stars[name][kept]]) for name in ("ra", "dec")}
    told["variable by two colours"] = by_folds(colour, varies, place)
    return told


def by_folds(
    columns: dict[str, Any], words: Any, table: Any, learners: tuple[str, ...] = LEARNERS
) -> dict[str, Any]:
    """Scores of rows that were not seen, with errors by cell."""
    cells = sky_groups(table["ra"], table["dec"], 4)
    values = np.stack(list(columns.values()), axis=1)
    examples = Examples.of(values, list(columns), words, groups=cells)
    parts, fold = unseen(examples, learners=learners, seed=SEED)
    held = joined(parts, examples.labels, fold, examples.weights)[2]
    told = evaluate(held, examples.labels, examples.classes, cells=cells).to_json()
    return {
        "rows": len(examples),
        "overall": {name: told["overall"][name] for name in
                    ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "auc")},
        "per_class": {
            each["name"]: {name: each[name] for name in ("n", "purity", "completeness")}
            | {"completeness at purity": at_purities(held[:, number], examples.labels == number)}
            for number, each in enumerate(told["per_class"])
        },
    }  # fmt: skip


def at_purities(p: Any, mine: Any) -> dict[str, float]:
    """Completeness where a threshold on p has a purity."""
    ranked, one = Ranked.of(p, mine), np.ones(len(p))
    return {str(goal): ranked.at_purity(one, goal)[0] for goal in PURITIES}


if __name__ == "__main__":
    main()
