"""Several learners, one opinion, calibrated: trained so that nothing is judged by what it has seen.

Up to 2e5 rows each learner is fitted on four of five folds at a time (whole groups) and asked of
the fifth: of these probabilities the pool and the calibration are learnt, then each learner is
fitted to all rows. With more rows one fifth of the groups is held out instead: learners stop early
by it, and pool and calibration are learnt of it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError, one_of
from skyquarry.learn import calibration, pooling
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.classifiers.protocol import Spreading
from skyquarry.learn.classifiers.registry import FEW, USUAL, installed, kind_of
from skyquarry.learn.fitting import Fitting
from skyquarry.learn.splits import folds, holdout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.learn.calibration import Calibration
    from skyquarry.learn.classifiers.protocol import Classifier
    from skyquarry.learn.examples import Examples
    from skyquarry.learn.pooling import Combine, Pool

    Floats = NDArray[np.float64]

CROSSED: Final = 200_000
"""rows up to which learners are fitted on folds"""
FEW_ROWS: Final = 20_000
"""rows up to which a kernel stands for the network"""
FOLDS: Final = 5
_HELD: Final = 0.2
_MANY: Final = 40
"""features from which learners take fewer at a time"""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Fitted learners and how their opinions become one."""

    classes: tuple[str, ...]
    learners: tuple[Classifier, ...]
    pool: Pool
    calibration: Calibration

    def predict_proba(self, values: NDArray[np.float32]) -> Floats:
        """(n, K) of features (n, p): each row sums to 1."""
        return self.calibration.apply(self.pool.apply(self.parts(values)))

    def parts(self, values: NDArray[np.float32]) -> Floats:
        """(L, n, K): what each learner says."""
        return self._heard(values)[0]

    def with_spread(self, values: NDArray[np.float32]) -> tuple[Floats, Floats | None]:
        """`predict_proba`, and how far the trees of its forest differ (n,); None without a forest.

        The forest is asked once for both.
        """
        parts, spread = self._heard(values, range(len(self.classes)))
        return self.calibration.apply(self.pool.apply(parts)), spread

    def _heard(
        self, values: NDArray[np.float32], of: Sequence[int] | None = None
    ) -> tuple[Floats, Floats | None]:
        """What learners say (L, n, K), and the spread of a forest: of classes `of` (K,), if any."""
        return heard(self.learners, values, of)

    def explain(self, values: NDArray[np.float32]) -> Floats | None:
        """(n, p, K) what each feature adds to the scores; None where no learner can tell."""
        return explained(self.learners, values)


def heard(
    learners: Sequence[Classifier],
    values: NDArray[np.float32],
    of: Sequence[int] | None = None,
) -> tuple[Floats, Floats | None]:
    """(L, n, K) what learners say, and how far the members of the first that can tell it differ.

    That (n,) is told where `of` (K,) is given, the class of each that was learnt; None else.
    """
    told, spread = [], None
    for each in learners:
        if of is not None and spread is None and isinstance(each, Spreading):
            p, spread = each.with_spread(values, of)
        else:
            p = each.predict_proba(values)
        told.append(p)
    return np.stack(told), spread


def explained(learners: Sequence[Classifier], values: NDArray[np.float32]) -> Floats | None:
    """(n, p, K) what each feature adds to the scores of learners.

    Of XGBoost where it is one of them, whose values come in a hundredth of CatBoost's time; else
    the mean over those that can tell.
    """
    quick = [each for each in learners if each.name == "xgboost"]
    told = [made for each in quick or learners if (made := each.explain(values)) is not None]
    return np.mean(told, axis=0) if told else None


@dataclass(frozen=True, slots=True)
class Trained:
    """An ensemble, and what it says of rows it has not seen."""

    ensemble: Ensemble
    rows: NDArray[np.int64]
    """(m,) places among the examples"""
    held: Floats
    """(m, K) calibrated; the rows were seen by no learner, their fold by no pool"""
    losses: dict[str, float]
    """log-loss on those rows: of each learner, each pool, the calibrated whole"""
    skipped: tuple[str, ...]
    """learners whose package is not installed"""


def train(
    examples: Examples,
    *,
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    combine: Combine = "auto",
    threads: int = 1,
    seed: int = 0,
    fitting: Fitting | None = None,
) -> Trained:
    """Learners fitted to the labelled examples, pooled and calibrated.

    `learners` are names, or settings by name; None: all that are installed of the usual ones.
    Raises UserError where groups or classes allow no folds.
    """
    one_of("combine", combine, pooling.COMBINE)
    known = examples.labelled()
    run = _Run(known, _chosen(learners, known, threads), combine, seed, fitting or Fitting())
    trained = run.held_out() if len(known) > CROSSED else run.crossed()
    rows = np.flatnonzero(examples.labels >= 0)[trained.rows]
    usual = usual_learners(*known.values.shape)
    missing = () if learners is not None else tuple(n for n in usual if not installed(n))
    return Trained(trained.ensemble, rows, trained.held, trained.losses, missing)


def unseen(
    examples: Examples,
    *,
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    threads: int = 1,
    seed: int = 0,
) -> tuple[Floats, NDArray[np.int8]]:
    """(L, n, K) what learners say of labelled rows they have not seen; the fold (n,) of each."""
    return _Run(examples, _chosen(learners, examples, threads), "auto", seed, Fitting()).unseen()


@dataclass(frozen=True, slots=True)
class _Run:
    """One training."""

    examples: Examples
    learners: dict[str, dict[str, Any]]
    combine: Combine
    seed: int
    fitting: Fitting

    def crossed(self) -> Trained:
        """By folds; then each learner once more, to all rows."""
        parts, fold = self.unseen()
        whole = [self._fit(name, "all rows", self.examples) for name in self.learners]
        return self._joined(whole, parts, np.arange(len(self.examples)), fold)

    def unseen(self) -> tuple[Floats, NDArray[np.int8]]:
        """(L, n, K) what learners fitted on the other folds say, and the fold (n,) of each row."""
        examples = self.examples
        fold = folds(examples.labels, examples.groups, FOLDS, self.seed, names=examples.classes)
        parts = np.empty((len(self.learners), len(examples), len(examples.classes)))
        for each in range(FOLDS):
            out = fold == each
            some = examples.take(~out)
            for number, name in enumerate(self.learners):
                made = self._fit(name, f"fold {each + 1} of {FOLDS}", some)
                parts[number, out] = made.predict_proba(examples.values[out])
        return parts, fold

    def held_out(self) -> Trained:
        """By one held-out part of the groups."""
        examples = self.examples
        out = holdout(examples.labels, examples.groups, _HELD, self.seed, names=examples.classes)
        some, held = examples.take(~out), examples.take(out)
        made = [self._fit(name, "four fifths", some, held) for name in self.learners]
        parts = np.stack([each.predict_proba(held.values) for each in made])
        fold = folds(held.labels, held.groups, FOLDS, self.seed, names=examples.classes)
        return self._joined(made, parts, np.flatnonzero(out), fold)

    def _fit(
        self, name: str, part: str, examples: Examples, valid: Examples | None = None
    ) -> Classifier:
        return self.fitting.fit(
            name, self.learners[name], part, examples, valid=valid, seed=self.seed
        )

    def _joined(
        self,
        learners: list[Classifier],
        parts: Floats,
        rows: NDArray[np.int64],
        fold: NDArray[np.int8],
    ) -> Trained:
        """Pool and calibration of what learners say of rows they have not seen."""
        labels, weights = self.examples.labels[rows], self.examples.weights[rows]
        pool, mended, held, told = joined(parts, labels, fold, weights, self.combine)
        losses = {
            name: log_loss(p, labels, weights) for name, p in zip(self.learners, parts, strict=True)
        }
        losses |= told
        ensemble = Ensemble(self.examples.classes, tuple(learners), pool, mended)
        return Trained(ensemble, rows, held, losses, ())


def joined(
    parts: Floats,
    labels: NDArray[np.int16],
    fold: NDArray[np.int8],
    weights: Floats,
    combine: Combine = "auto",
) -> tuple[Pool, Calibration, Floats, dict[str, float]]:
    """The pool and calibration of what learners say (L, n, K) of rows they have not seen.

    Also what they make of each fold when they are learnt of the others (n, K), and log-losses.
    """
    pool, pooled, told = pooling.fit(parts, labels, fold, weights, combine=combine)
    mended, _ = calibration.best(pooled, labels, fold, weights)
    held = np.empty_like(pooled)
    for each in np.unique(fold):
        out = fold == each
        rest = calibration.fit(pooled[~out], labels[~out], weights[~out], method=mended.method)
        held[out] = rest.apply(pooled[out])
    return pool, mended, held, told | {"calibrated": log_loss(held, labels, weights)}


def _chosen(learners: Any, examples: Examples, threads: int) -> dict[str, dict[str, Any]]:
    """Settings by name of the learners, those for so many rows where none are given."""
    usual = usual_learners(*examples.values.shape)
    if learners is None:
        names = [name for name in usual if installed(name)]
        missing = [name for name in usual if name not in names]
        if missing:
            warnings.warn(
                f"the ensemble is trained without {', '.join(missing)}, whose package is not "
                "installed: pip install 'skyquarry[learn,nn]'",
                UserWarning,
                stacklevel=4,
            )
        learners = names
    if not learners:
        raise UserError("learners is empty, but one is needed: choose from " + ", ".join(usual))
    if isinstance(learners, str):
        learners = [learners]
    given = learners if hasattr(learners, "items") else {name: {} for name in learners}
    for name in given:
        kind_of(name)
    return {
        name: usual_settings(name, *examples.values.shape) | {"threads": threads} | dict(settings)
        for name, settings in given.items()
    }


def usual_learners(rows: int, features: int) -> tuple[str, ...]:
    """What an ensemble is made of, where nobody says otherwise.

    On inner folds of 1,400 to 4,000 rows (DR14, DR17, point sources, MUWCLASS) a product gave the
    network no share, and CatBoost at most a twentieth where features are few; together they took
    nine tenths of the time. Of many features a few rows tell no densities.
    """
    if rows > FEW_ROWS:
        return USUAL
    without = "discriminant" if features > _MANY else "catboost"
    return tuple(name for name in FEW if name != without)


def usual_settings(name: str, rows: int, features: int) -> dict[str, Any]:
    """Settings for so many rows and features, where they are not those of the learner itself.

    Many features tell much the same, so that fewer are asked at a time, of fewer borders. Log-loss
    of inner folds on MUWCLASS (66 features) and on four simulated surveys (121): CatBoost, in a
    sixth to a ninth of the time, -0.002 +- 0.003 and -0.008 +- 0.007; XGBoost, in a quarter, -0.035
    +- 0.007 and -0.013 +- 0.016, and -0.008 more on MUWCLASS with leaves of three rows' weight; the
    network with a smaller embedding -0.02 +- 0.02 (121). On SDSS's 15 features CatBoost would lose
    0.003 +- 0.0015: few are left as they are.
    """
    settings: dict[str, Any] = {}
    if name == "catboost" and features > _MANY:
        settings |= {"borders": 64, "columns": 0.3}
    if name == "xgboost" and features > _MANY:
        settings |= {"bins": 64, "columns": 1.0, "tree_columns": 0.3, "least_weight": 3.0}
    if name == "network" and features > 2 * _MANY:
        settings |= {"embedding": 4}
    if name == "network" and rows > CROSSED:  # bounded work: some ten million rows in all
        epochs = int(np.clip(10_000_000 // rows, 6, 40))
        settings |= {"epochs": epochs, "batch": 1024, "patience": 3}
    return settings
