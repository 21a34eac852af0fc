"""The time to train the whole ensemble: a million rows, sixty features, eight classes.

    python benchmarks/training.py --rows 1000000 --checkpoints training --out benchmarks/results

`sq.train` as anybody calls it: features, the test for leakage, catboost, xgboost, forest and
network at its own settings for so many rows, pool, calibration, conformal sets, novelty, scores.
The table is that of benchmarks/features.py, four surveys with a fifth of each absent; the classes
are made up of its features, with noise. It says how far it is; killed and begun again with the same
folder of checkpoints it goes on (times are then those since). Times are those of the clock and of
the processor; the peak of memory is that of the process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from features import SURVEYS, wide
from throughput import CLASSES

from skyquarry.catalog.arrow import from_numpy
from skyquarry.features.making import features_of
from skyquarry.pipeline.training import cores, train

import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.learn.classifiers.protocol import Step

_LOT = 100_000
_CELLS = 2_000
_BEFORE, _AFTER = (
    "features, leakage and the first round",
    "pool, calibration, sets, novelty and scores",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--learners", nargs="+", help="default: all that sq.train takes")
    parser.add_argument("--checkpoints", help="a folder: training goes on after a kill")
    parser.add_argument("--out")
    given = parser.parse_args()
    names = chosen(given.features)
    table = pa.concat_tables(lots(given.rows, names))
    laps = Laps()
    model = train(
        table, survey=SURVEYS, features=names, groups="cell", threads=given.threads, seed=1,
        learners=given.learners, checkpoints=given.checkpoints, telling=laps, allow_leakage=True,
    )  # fmt: skip
    laps.lap(_AFTER)
    wall, cpu = (sum(each[n] for each in laps.told.values()) for n in (0, 1))
    told = {
        "minutes": round(wall / 60.0, 2), "cpu_minutes": round(cpu / 60.0, 2),
        "threads": given.threads, "features": len(model.features), "classes": len(model.classes),
        "wall_s": {name: round(each[0], 1) for name, each in laps.told.items()},
        "cpu_s": {name: round(each[1], 1) for name, each in laps.told.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "losses": {name: round(loss, 4) for name, loss in model.told["losses"].items()},
        "settings": model.told["settings"],
    }  # fmt: skip
    record.write("training", given.rows, told, given.out)


def chosen(most: int) -> list[str]:
    """So many features of the table, those that most rows have."""
    made = features_of(wide(5_000), SURVEYS)
    known = np.isfinite(made.values).mean(axis=0)
    return [made.names[each] for each in np.sort(np.argsort(-known, kind="stable")[:most])]


def lots(rows: int, names: list[str]) -> Iterator[pa.Table]:
    """The table with a class and a cell of each row, part after part."""
    random = np.random.default_rng(2)
    weights = random.normal(size=(len(names), CLASSES))
    centre: Any = None
    for number, start in enumerate(range(0, rows, _LOT)):
        table = wide(min(_LOT, rows - start), seed=1 + number)
        values = features_of(table, SURVEYS, which=names).columns(names).values
        if centre is None:
            centre, width = np.nanmean(values, 0), np.nanstd(values, 0)
        score = np.nan_to_num((values - centre) / width) @ weights
        score += 0.3 * np.std(score) * random.normal(size=score.shape)
        words = pa.array([f"class {each}" for each in range(CLASSES)])
        table = table.append_column("class", words.take(from_numpy(score.argmax(axis=1))))
        yield table.append_column("cell", from_numpy(random.integers(0, _CELLS, len(values))))


def _times() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


@dataclass
class Laps:
    """Seconds of the clock and of the processor of each learner, and how far it is."""

    told: dict[str, tuple[float, float]] = field(default_factory=dict)
    _last: tuple[float, float] = field(default_factory=_times)
    _said: float = 0.0

    def __call__(self, step: Step) -> None:
        """Called after each round, tree or epoch."""
        self.lap(step.learner if self.told else _BEFORE)
        if time.monotonic() - self._said > 20.0:
            self._said = time.monotonic()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(f"{step.learner}: {step.done} of {step.of}, log-loss {step.score}, "
                  f"{step.seconds_left or 0.0:.0f} s left, {peak:.2f} GB at most",
                  file=sys.stderr, flush=True)  # fmt: skip

    def lap(self, name: str) -> None:
        """All since the last lap is of that name."""
        now, (wall, cpu) = _times(), self.told.get(name, (0.0, 0.0))
        self.told[name] = (wall + now[0] - self._last[0], cpu + now[1] - self._last[1])
        self._last = now


if __name__ == "__main__":
    main()
