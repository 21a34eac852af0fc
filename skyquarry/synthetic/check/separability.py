"""Whether a learner can tell simulated colours of a class from real ones.

The only importer of catboost. Area under the curve 0.5: it cannot; 1: always.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import missing_extra
from skyquarry.synthetic.check.matched import matched
from skyquarry.synthetic.check.report import BOUNDS, Verdict
from skyquarry.synthetic.check.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.check.realdata import Pairs, Real, RealData

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TREES: Final = 500
FOLDS: Final = 5
_LEAST: Final = 150
"""objects of each set: fewer tell no area under the curve to 0.03"""
_MOST: Final = 4_000
_UGRIZ: Final = (("u", "g"), ("g", "r"), ("r", "i"), ("i", "z"))
_ROUNDED: Final = 3
"""decimals of colours, as the real tables tell them: else a tree sees the digits"""


@dataclass(frozen=True, slots=True)
class Trial:
    """A sample whose simulated twin is to be told from it."""

    sample: str
    alike: tuple[tuple[str, float], ...]
    """(what both sets are made alike in, width of a cell): a magnitude, `redshift`, or a colour"""
    pairs: Pairs = _UGRIZ

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.sample}, alike in {' and '.join(what for what, _ in self.alike)}"


TRIALS: Final = (
    Trial("SDSS DR14 galaxies", (("r", 0.2),)),
    Trial("SDSS DR14 galaxies", (("r", 0.2), ("redshift", 0.01))),
    Trial("SDSS DR17 main galaxies", (("r", 0.2),)),
    Trial("SDSS DR17 LOWZ galaxies", (("r", 0.2),)),
    Trial("SDSS DR5 quasars", (("i", 0.1),)),
    Trial("SDSS DR5 quasars", (("i", 0.1), ("redshift", 0.05))),
    Trial("SDSS DR14 stars", (("r", 0.2),)),
    Trial("SDSS DR14 stars", (("r", 0.2), ("g-i", 0.05))),
    Trial("SDSS DR17 stars", (("r", 0.2), ("g-i", 0.1))),
    Trial("Gaia white dwarfs", (("g", 0.2),), (*_UGRIZ, ("G", "r"), ("BP", "RP"))),
    Trial("Gaia white dwarfs", (("g", 0.2), ("BP-RP", 0.05)), (*_UGRIZ, ("G", "r"))),
)


def needs_catboost() -> None:
    """Raises MissingExtraError where catboost is not installed."""
    if find_spec("catboost") is None:
        raise missing_extra("catboost", "learn", "telling simulated from real colours")


def measured(
    data: RealData, made: Mapping[str, Real], random: np.random.Generator, trees: int = TREES
) -> list[dict[str, Any]]:
    """One row a trial: the area under the curve, or why there is none."""
    from skyquarry.synthetic.check.lociofsamples import named

    rows = []
    for trial in TRIALS:
        sample = SAMPLES[trial.sample]
        ours = made.get(sample.kind)
        row: dict[str, Any] = {"name": trial.name, "kind": sample.kind, "auc": None, "why": ""}
        rows.append(row)
        if ours is None or not len(ours):
            row["why"] = f"the synthetic sky has no {sample.kind}"
            continue
        pair = sample.pair(data, named(ours, trial.sample))
        if pair is None:
            row["why"] = "no real data were given"
            continue
        row |= _told_apart(trial, *pair, random, trees)
    return rows


def _told_apart(
    trial: Trial, real: Real, made: Real, random: np.random.Generator, trees: int
) -> dict[str, Any]:
    sets = [_finite(trial, each) for each in (real, made)]
    theirs, ours = (_alike(trial, each) for each in sets)
    places = matched(theirs, ours, [width for _, width in trial.alike], random)
    few = min(len(places[0]), _MOST)
    if few < _LEAST:
        return {"why": f"{few} objects are alike, but {_LEAST} are needed", "real": few}
    some = [np.sort(random.permutation(each)[:few]) for each in places]
    x = np.concatenate(
        [each.colours(trial.pairs)[place] for each, place in zip(sets, some, strict=True)]
    )
    group = np.concatenate([each.group[place] for each, place in zip(sets, some, strict=True)])
    label = np.repeat([0, 1], few)
    score, weight = cross_validated(np.round(x, _ROUNDED), label, group, trees)
    names = [f"{a}-{b}" for a, b in trial.pairs]
    return {
        "auc": area_under_curve(label, score),
        "real": few,
        "made": few,
        "importance": dict(zip(names, weight, strict=True)),
    }


def _finite(trial: Trial, each: Real) -> Real:
    values = np.concatenate([each.colours(trial.pairs), _alike(trial, each)], axis=1)
    return each.taken(np.isfinite(values).all(axis=1))


def _alike(trial: Trial, each: Real) -> Floats:
    return np.stack([_one(each, what) for what, _ in trial.alike], axis=1)


def _one(each: Real, what: str) -> Floats:
    if what == "redshift":
        return each.redshift
    if "-" in what:
        a, b = what.split("-")
        return each.mags[a] - each.mags[b]
    return each.mags[what]


def cross_validated(x: Floats, label: Ints, group: Ints, trees: int) -> tuple[Floats, list[float]]:
    """(n,) score of each object by a model that saw none of its group; how colours weigh.

    CatBoost's defaults but for the number of trees, and one thread: the same bytes anywhere.
    """
    needs_catboost()
    from catboost import CatBoostClassifier

    _, number = np.unique(group, return_inverse=True)
    fold = number.ravel() % FOLDS
    score, weights = np.full(len(label), np.nan), []
    for each in range(FOLDS):
        held = fold == each
        if not held.any() or len(set(label[~held].tolist())) < 2:
            continue
        model = CatBoostClassifier(
            iterations=trees, random_seed=1, thread_count=1, verbose=False,
            allow_writing_files=False,
        )  # fmt: skip
        model.fit(x[~held], label[~held])
        score[held] = model.predict_proba(x[held])[:, 1]
        weights.append(model.get_feature_importance())
    return score, [float(value) for value in np.mean(weights, axis=0)]


def area_under_curve(label: Ints, score: Floats) -> float:
    """Of the curve of true against false positives: Mann and Whitney's U, ties by half."""
    from scipy.stats import rankdata

    known = np.isfinite(score)
    rank, label = rankdata(score[known]), label[known]
    ones = int(label.sum())
    above = rank[label == 1].sum() - ones * (ones + 1) / 2
    return float(above / (ones * (len(label) - ones)))


def judged(rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """One check a trial."""
    bound = BOUNDS["auc"]
    verdicts = []
    for row in rows:
        what = f"{row['name']}: area under the curve"
        if row["auc"] is None:
            verdicts.append(Verdict.missing("separability", what, row["why"]))
            continue
        verdicts.append(
            Verdict("separability", what, row["auc"], None, f"below {bound}", row["auc"] < bound,
                    f"{row['real']:,} of each")
        )  # fmt: skip
    return verdicts
