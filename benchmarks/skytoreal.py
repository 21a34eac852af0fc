"""Learnt of the synthetic sky alone, judged on real labels.

    python benchmarks/skytoreal.py --out benchmarks/results

The sky is drawn anew over SDSS's northern cap, and observed by the simulated SDSS (2MASS too where
the task has J and H). No real row is learnt from, none decides a setting: learners are those that
`specials.py` uses, as they are; nothing was changed after a score had been seen. What the sky is
like was compared with real loci while the simulator was made (`docs/explain/
how-true-is-the-synthetic-sky.md`), of some of these sets too. Half of the sky's cells are held
back, and judged as the real rows are: what is lost between the two is what the sky is wrong about,
and what the real sample was chosen by.

Rows to learn of are some hundred of each class in each half magnitude, so that the mix is known and
can be brought to another: `sky`, what there is of each class at a magnitude, and `sample`, what the
real set has there, which is all that is taken from its labels. Of point sources only colours are
known: shares of the whole there, between 15 and 20.5 in r.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.classes import Class, of_star, of_truth
from skyquarry.learn import priors
from skyquarry.learn.ensemble import train
from skyquarry.learn.examples import Examples
from skyquarry.learn.scores import evaluate
from skyquarry.learn.splits import holdout, sky_groups
from skyquarry.sky.healpix import index
from skyquarry.synthetic.blocks import WIDE_ORDER
from skyquarry.synthetic.check.fields import BLOCK_DEG2, drawn, spread
from skyquarry.synthetic.populations import usual

import record
from learntasks import UGRIZ, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Words = NDArray[np.str_]

LEARNERS: Final = ("catboost", "forest")
SEED: Final = 11
RARE: Final = {"quasars": 200.0, "white dwarfs": 600.0, "giants": 60.0}
"""square degrees on which a population is drawn alone; all together on `--area`"""
MOST: Final = 500
"""rows of a class in half a magnitude"""
STEP: Final = 0.5
LAMOST: Final = (*UGRIZ, "J", "H")
STARS: Final = (Class.MAIN_SEQUENCE, Class.GIANT, Class.WHITE_DWARF, Class.BROWN_DWARF)
THREE: Final = {Class.GALAXY: "GALAXY", Class.QUASAR: "QSO"} | dict.fromkeys(STARS, "STAR")
POINTS: Final = {Class.QUASAR: "QSO", Class.WHITE_DWARF: "WD"} | dict.fromkeys(
    (Class.MAIN_SEQUENCE, Class.GIANT, Class.BROWN_DWARF), "STAR"
)
GRAVITY: Final = {Class.MAIN_SEQUENCE: "main_sequence", Class.GIANT: "giant"}


@dataclass(frozen=True)
class Rows:
    """Objects, real or simulated (n,)."""

    mags: dict[str, Floats]
    codes: NDArray[np.int8]
    """of truth; empty of real ones"""
    words: Words
    """classes of the task"""
    cells: NDArray[Any]
    weight: Floats
    """objects a square degree that each stands for"""

    def taken(self, rows: Any) -> Rows:
        mags = {band: mag[rows] for band, mag in self.mags.items()}
        return Rows(mags, *(getattr(self, name)[rows] for name in
                            ("codes", "words", "cells", "weight")))  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A real set, and how simulated rows are made like it."""

    real: Callable[[], Rows]
    classes: dict[Class, str]
    surveys: dict[str, dict[str, str]]
    """columns of each, and the bands they are"""
    bright: tuple[float, float]
    """in r, of rows to learn of"""
    magnitudes: bool = True
    """whether the real set tells them, not colours alone"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--area", type=float, default=12.0, help="square degrees of all there is")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out")
    given = parser.parse_args()
    told = {}
    for name in given.tasks:
        begun = time.process_time()
        told[name] = judged(TASKS[name], given.area, given.seed)
        told[name]["cpu_s"] = round(time.process_time() - begun)
    record.write("skytoreal", sum(each["rows"] for each in told.values()), told, given.out)


def judged(task: Task, area_deg2: float, seed: int) -> dict[str, Any]:
    """Learnt of one half of the simulated rows; scores of the other half and of the real ones."""
    rows = simulated(task, area_deg2, seed)
    out = holdout(np.unique(rows.words, return_inverse=True)[1], rows.cells, 0.5, seed)
    learnt_of = even(rows.taken(~out), seed)
    values, names = features(learnt_of, task)
    examples = Examples.of(values, names, learnt_of.words, groups=learnt_of.cells)
    model = train(examples, learners=LEARNERS, seed=seed).ensemble
    real, kept = task.real(), even(rows.taken(out), seed)
    told: dict[str, Any] = {"rows": len(real.words), "learnt_of": examples.counts().tolist()}
    for who, some in (("simulated", kept), ("real", real)):
        p = model.predict_proba(features(some, task)[0])
        for mix, like in (("sky", rows), ("sample", real)):
            scores = at(p, some, examples, learnt_of, like, task)
            told[f"{who}, {mix}"] = scores
    return told


def at(
    p: Floats, some: Rows, examples: Examples, learnt_of: Rows, like: Rows, task: Task
) -> dict[str, Any]:
    """Scores with the probabilities brought from the mix learnt of to that of other rows."""
    edges = np.arange(task.bright[0], task.bright[1] + STEP / 2, STEP) if task.magnitudes else ()
    old, new = (
        priors.of_labels(
            np.searchsorted(examples.classes, each.words), len(examples.classes),
            magnitude=each.mags["r"] if task.magnitudes else None, magnitude_edges=edges,
            weights=weight,
        )
        for each, weight in ((learnt_of, np.ones(len(learnt_of.words))), (like, like.weight))
    )  # fmt: skip
    brought = priors.reprior(p, old, new, magnitude=some.mags["r"] if task.magnitudes else None)
    label = np.searchsorted(examples.classes, some.words)
    scores = evaluate(brought, label, examples.classes, cells=some.cells).to_json()
    return {
        "overall": {name: scores["overall"][name] for name in
                    ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece", "auc")},
        "per_class": {row["name"]: {name: row[name] for name in ("n", "purity", "completeness")}
                      for row in scores["per_class"]},
        "confusion": scores["confusion"], "classes": list(examples.classes),
        "majority": scores["baselines"]["majority"]["accuracy"],
    }  # fmt: skip


# ------------------------------------------------------------------ the sky
def simulated(task: Task, area_deg2: float, seed: int) -> Rows:
    """Rows of the task's classes, rare ones of more sky."""
    rare = {name: [each for each in usual() if name in each.name] for name in RARE}
    wanted = {"quasars": Class.QUASAR, "white dwarfs": Class.WHITE_DWARF, "giants": Class.GIANT}
    alone = {name for name, code in wanted.items() if len(_codes_as(task, code)) == 1}
    parts = []
    for number, name in enumerate((None, *sorted(alone))):
        area = area_deg2 if name is None else RARE[name]
        some = usual() if name is None else rare[name]
        rows = seen(task, some, area, seed + number)
        codes = [wanted[each] for each in sorted(alone)] if name is None else [wanted[name]]
        parts.append(rows.taken(np.isin(rows.codes, codes) == (name is not None)))
    bands = parts[0].mags
    return Rows(
        {band: np.concatenate([each.mags[band] for each in parts]) for band in bands},
        *(np.concatenate([getattr(each, name) for each in parts]) for name in
          ("codes", "words", "cells", "weight")),
    )  # fmt: skip


def _codes_as(task: Task, code: Class) -> list[Class]:
    """The classes of truth that count as the same word as one; none where it is not asked for."""
    word = task.classes.get(code)
    return [each for each, own in task.classes.items() if own == word] if word else []


def seen(task: Task, populations: Any, area_deg2: float, seed: int) -> Rows:
    """What the surveys tell of true sources that they have."""
    blocks = spread(area_deg2)
    field = drawn("northern cap", blocks, seed, populations, list(task.surveys), spurious=False)
    mags = {}
    for survey, columns in task.surveys.items():
        told = field.seen(survey, list(columns))
        mags |= {band: told[:, n] for n, band in enumerate(columns.values())}
    truth = {name: getattr(field.sources, name) for name in
             ("kind", "logg", "teff_k", "spectral_type")}  # fmt: skip
    codes = of_truth(truth)
    kept = np.isin(codes, list(task.classes)) & np.isfinite(mags["r"])
    kept &= (mags["r"] >= task.bright[0]) & (mags["r"] < task.bright[1])
    rows = np.flatnonzero(kept)
    words = np.array([task.classes[Class(each)] for each in codes[rows].tolist()])
    cells = index(field.sources.ra_deg, field.sources.dec_deg, WIDE_ORDER)
    weight = np.full(len(codes), 1.0 / (len(blocks) * BLOCK_DEG2))
    return Rows({band: mag[rows] for band, mag in mags.items()}, codes[rows], words, cells[rows],
                weight[rows])  # fmt: skip


def even(rows: Rows, seed: int) -> Rows:
    """At most so many of each class in each half magnitude."""
    random = np.random.default_rng(seed)
    bins = np.floor(rows.mags["r"] / STEP).astype(int)
    taken = []
    for word in np.unique(rows.words):
        for each in np.unique(bins):
            here = np.flatnonzero((rows.words == word) & (bins == each))
            taken.append(random.permutation(here)[:MOST])
    return rows.taken(np.sort(np.concatenate(taken)))


def features(rows: Rows, task: Task) -> tuple[Floats, list[str]]:
    """All colours, and magnitudes where the real set tells them."""
    bands = [band for columns in task.surveys.values() for band in columns.values()]
    made = {f"{a}-{b}": rows.mags[a] - rows.mags[b] for a, b in combinations(bands, 2)}
    if task.magnitudes:
        made |= {band: rows.mags[band] for band in bands}
    return np.stack(list(made.values()), axis=1), list(made)


# ------------------------------------------------------------------ real sets
def sdss(name: str, ra: str, dec: str) -> Callable[[], Rows]:
    def read_in() -> Rows:
        table = read(name)
        mags = {band: np.where(table[band] > 0, table[band], np.nan) for band in UGRIZ}
        cells = sky_groups(table[ra], table[dec], 4)
        return _real(mags, np.asarray(table["class"], str), cells)

    return read_in


def points() -> Rows:
    """Colours alone: magnitudes such that z is 0."""
    table = read("sdss_ptsrc_qso_star_wd")
    z = np.zeros(len(table["Class"]))
    i = z + table["i_z"]
    r = i + table["r_i"]
    g = r + table["g_r"]
    mags = {"u": g + table["u_g"], "g": g, "r": r, "i": i, "z": z}
    return _real(mags, np.array(["", "QSO", "STAR", "WD"])[table["Class"]], np.arange(len(z)))


def lamost() -> Rows:
    table = read("lamost_dr_stars")
    mags = {}
    for number, band in enumerate(LAMOST, 1):
        mag = np.asarray(table[f"mag{number}"], np.float64)
        mags[band] = np.where((mag > 0) & (mag < 90), mag, np.nan)
    code = of_star(table["teff"].astype(float), table["logg"].astype(float))
    kept = np.isin(code, list(GRAVITY)) & np.isfinite(mags["r"])
    words = np.array([GRAVITY[Class(each)] for each in code[kept].tolist()])
    cells = sky_groups(table["ra"], table["dec"], 4)[kept]
    return _real({band: mag[kept] for band, mag in mags.items()}, words, cells)


def _real(mags: dict[str, Floats], words: Any, cells: Any) -> Rows:
    n = len(words)
    return Rows(mags, np.zeros(n, np.int8), words, cells, np.ones(n))


MODEL: Final = {f"modelMag_{band}": band for band in UGRIZ}
POINT: Final = {f"psfMag_{band}": band for band in UGRIZ}
TASKS: Final = {
    "sdss_dr14": Task(
        sdss("sdss_dr14_10k", "ra", "dec"), THREE, {"sdss": MODEL}, (12.0, 20.0)
    ),
    "sdss_dr17": Task(
        sdss("sdss_dr17_10k", "alpha", "delta"), THREE, {"sdss": MODEL}, (12.0, 23.0)
    ),
    "ptsrc": Task(points, POINTS, {"sdss": POINT}, (15.0, 20.5), magnitudes=False),
    "lamost": Task(
        lamost, GRAVITY, {"sdss": POINT, "twomass": {"j_m": "J", "h_m": "H"}}, (10.0, 18.0)
    ),
}  # fmt: skip

if __name__ == "__main__":
    main()
