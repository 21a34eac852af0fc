"""Bright to deep SDSS: how far a model falls, whether the alarm rings, and what a row can tell.

    python benchmarks/shift.py --out benchmarks/results

Learnt of DR14 (u < 19.6), asked of DR17. In-domain are cells of DR14 that the alarm has not seen,
five folds of them; shifted are all rows of DR17. A row rings alone; with its tile (a cell of order
2, some tens of rows); with the whole table. The limit of a row alone: learners that have seen both
surveys, by folds of cells, at the same rate among rows of DR14.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from skyquarry.learn import novelty, shift
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.learn.examples import Examples
from skyquarry.learn.splits import folds, sky_groups

import record
from learntasks import UGRIZ, read, sdss14, sdss17

FOLDS, RATE, TILE = 5, 0.05, 2
SEPARATORS = ("xgboost", "extratrees", "kernel")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--out", help="folder of shift-*.json")
    given = parser.parse_args()
    begun = time.process_time()
    bright, deep = sdss14().ours, sdss17().ours
    figures = {
        "fall": fall(bright, deep), "alarm": alarms(bright, deep),
        "told apart by who has seen both": limit(bright, deep), "inside": inside(bright, deep),
        "cpu_s": round(time.process_time() - begun),
    }  # fmt: skip
    record.write("shift", len(deep), figures, given.out)


def fall(bright: Any, deep: Any) -> dict[str, Any]:
    """Accuracy of learners of DR14, on its own unseen folds and on DR17."""
    told, fold = {}, folds(bright.labels, bright.groups, FOLDS, 0)
    for name in ("forest", "xgboost", "kernel"):
        made = kind_of(name)().fit(bright.take(fold != 0), seed=0)
        told[name] = {
            which: float((made.predict_proba(rows.values).argmax(axis=1) == rows.labels).mean())
            for which, rows in (("bright", bright.take(fold == 0)), ("deep", deep))
        }
    return told


def alarms(bright: Any, deep: Any) -> dict[str, Any]:
    """Shares of rows that ring, of DR14's unseen folds and of DR17; mean over the folds."""
    fold = folds(bright.labels, bright.groups, FOLDS, 0)
    tiles = [tiles_of(name) for name in ("sdss_dr14_10k", "sdss_dr17_10k")]
    told: dict[str, list[float]] = {}
    for each in range(FOLDS):
        seen = bright.take(fold != each)
        judge = novelty.fit(seen.values, seen.labels, seen.groups, seed=each)
        out = fold == each
        for which, values, tile in (
            ("in-domain", bright.values[out], tiles[0][out]), ("shifted", deep.values, tiles[1])
        ):  # fmt: skip
            by_tile, whole = shift.alarm(judge, values, tile), shift.alarm(judge, values)
            for how, rings in (("row", whole.rows), ("row or tile", by_tile.rings),
                               ("row or table", whole.rings)):  # fmt: skip
                told.setdefault(f"{which}, {how}", []).append(float(rings.mean()))
    return {name: {"mean": float(np.mean(shares)), "folds": shares}
            for name, shares in told.items()}  # fmt: skip


def limit(bright: Any, deep: Any) -> dict[str, float]:
    """Share of DR17 that is told from DR14 where 5 % of DR14 are called DR17."""
    both = Examples.of(
        np.concatenate([bright.values, deep.values]), bright.names,
        np.repeat(["bright", "deep"], [len(bright), len(deep)]),
        groups=np.concatenate([tiles_of(name) for name in ("sdss_dr14_10k", "sdss_dr17_10k")]),
    )  # fmt: skip
    fold, told = folds(both.labels, both.groups, FOLDS, 0), {}
    for name in SEPARATORS:
        p = np.empty(len(both))
        for each in range(FOLDS):
            made = kind_of(name)().fit(both.take(fold != each), seed=0)
            p[fold == each] = made.predict_proba(both.values[fold == each])[:, 1]
        edge = np.quantile(p[both.labels == 0], 1.0 - RATE)
        told[name] = float((p[both.labels == 1] > edge).mean())
    return told


def inside(bright: Any, deep: Any) -> dict[str, float]:
    """How many rows of DR17 lie within the range of DR14 in each band."""
    edges = {band: float(bright.values[:, at].max()) for at, band in enumerate(UGRIZ)}
    within = np.stack([deep.values[:, at] <= edges[band] for at, band in enumerate(UGRIZ)])
    return {"share": float(within.all(axis=0).mean())} | {
        f"{band}: faintest": edge for band, edge in edges.items()
    }


def tiles_of(name: str) -> Any:
    table = read(name)
    if name == "sdss_dr17_10k":
        table = {each: column[table["u"] > -9000] for each, column in table.items()}
        return sky_groups(table["alpha"], table["delta"], TILE)
    return sky_groups(table["ra"], table["dec"], TILE)


class _Plain(argparse.RawDescriptionHelpFormatter):
    pass


if __name__ == "__main__":
    main()
