"""Objects a second of one core, from a matched table to the verdicts of a classified catalogue.

    python benchmarks/throughput.py --rows 100000 --out benchmarks/results

All that `sq.classify` says of an object, reasons for one of a hundred apart: features, the whole
ensemble, its pool and calibration, the spread of trees, conformal sets, novelty, distance and
density beside the training set, alarm, flags, and the columns in
Arrow. The table is that of benchmarks/features.py, four surveys with a fifth of each absent; eight
classes are made up of its features, with noise, so that trees are as deep as they may be. Learners
have the settings that `sq.train` gives them for 3e5 rows, where those decide the rate; the network
is as fast after two epochs as after forty. Timed is process time, one thread, the best of several
runs; parts are timed alone beside the whole.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from features import SURVEYS, wide

from skyquarry.features.making import features_of
from skyquarry.learn import conformal, novelty
from skyquarry.learn.calibration import fit as calibrated
from skyquarry.learn.classifiers.registry import USUAL, kind_of
from skyquarry.learn.density import MOST_ROWS, TrainingSample
from skyquarry.learn.ensemble import Ensemble, usual_settings
from skyquarry.learn.examples import Examples
from skyquarry.learn.model import Model
from skyquarry.learn.pooling import fit as pooled
from skyquarry.pipeline.models import features_for
from skyquarry.pipeline.verdicts import Verdicts

import record

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

CLASSES = 8
_LEARNT_AS = 300_000
"""rows that settings are those of"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--learnt", type=int, default=6_000, help="rows to learn of")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out")
    given = parser.parse_args()
    model = learnt(wide(given.learnt), given.features)
    told = timed(model, wide(given.rows), given.repeats)
    record.write("throughput", given.rows, told, given.out)


def learnt(table: pa.Table, most: int) -> Model:
    """A model on so many features of the table."""
    made = features_of(table, SURVEYS)
    known = np.isfinite(made.values).mean(axis=0)
    names = [made.names[each] for each in np.sort(np.argsort(-known, kind="stable")[:most])]
    made = made.columns(names)
    random = np.random.default_rng(2)
    spread = np.nan_to_num((made.values - np.nanmean(made.values, 0)) / np.nanstd(made.values, 0))
    score = spread @ random.normal(size=(len(names), CLASSES))
    score += 0.3 * np.std(score) * random.normal(size=score.shape)
    examples = Examples.of(made.values, made.names, score.argmax(axis=1).astype(str))
    learners = []
    for name in USUAL:
        settings = usual_settings(name, _LEARNT_AS, len(names))
        settings |= {"epochs": 2} if name == "network" else {}
        learners.append(kind_of(name)(**settings).fit(examples))
    fold = (np.arange(len(examples)) % 5).astype(np.int8)
    parts = np.stack([each.predict_proba(examples.values) for each in learners])
    pool, held, _ = pooled(parts, examples.labels, fold, examples.weights, combine="stack")
    mended = calibrated(held, examples.labels, method="dirichlet")
    strange = novelty.fit(examples.values, examples.labels)
    told = {
        "recipe": {"survey": SURVEYS, "with_spectra": False, "ebv": None},
        "columns": {}, "priors": examples.priors().tolist(),
    }  # fmt: skip
    return Model(
        Ensemble(examples.classes, tuple(learners), pool, mended), examples.names,
        tuple(each.unit for each in made.used), told=told, reading=features_for,
        conformal=conformal.fit(mended.apply(held), examples.labels),
        novelty=strange, sample=TrainingSample.of(examples.values, strange.columns),
    )  # fmt: skip


def timed(model: Model, table: pa.Table, repeats: int) -> dict[str, Any]:
    """Objects a CPU second of the whole, and of each part."""
    verdicts = Verdicts(model, explain=False).beside(table.slice(0, MOST_ROWS))
    verdicts.of(table.slice(0, 1000))  # compiles
    values = model.values(table)
    parts = model.ensemble.parts(values)
    p = model.ensemble.pool.apply(parts)
    assert model.novelty is not None
    assert verdicts.ratio is not None
    ratio = verdicts.ratio
    what: dict[str, Callable[[], Any]] = {
        "whole": lambda: verdicts.of(table),
        "features": lambda: model.values(table),
        "ensemble": lambda: model.ensemble.predict_proba(values),
        "pool and calibration": lambda: model.ensemble.calibration.apply(
            model.ensemble.pool.apply(parts)
        ),
        "conformal sets": lambda: model.sets_of(p, values),
        "novelty and distance": lambda: verdicts._strange(values),  # noqa: SLF001
        "density ratio": lambda: ratio.of(values),
        "ensemble with the spread of trees": lambda: model.ensemble.with_spread(values),
    } | {each.name: (lambda each=each: each.predict_proba(values)) for each in model.learners}
    told: dict[str, Any] = {
        name: round(table.num_rows / _best(run, repeats)) for name, run in what.items()
    }
    return {
        "objects_per_cpu_s": told, "features": len(model.features), "classes": CLASSES,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }  # fmt: skip


def _best(run: Callable[[], Any], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return min(taken)


if __name__ == "__main__":
    main()
