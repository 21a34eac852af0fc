"""Gradient boosting of trees by XGBoost (Chen & Guestrin 2016). The importer of xgboost.

Its trees are asked by a loop of our own (`boosted`), which gives the scores that XGBoost gives, bit
for bit, in a twelfth of the time; trees of more than 256 leaves are asked by XGBoost. Trees are
grown on a GPU where there is one and XGBoost was built for it: the package xgboost is, xgboost-cpu,
which the extra learn installs, is not.

A booster keeps random state that no file holds (which columns a tree may use), so that each block
of rounds between two checkpoints is begun with a booster read from its bytes, killed or not; within
a block the random numbers of a round follow from the seed and the round.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.errors import DamagedError
from skyquarry.learn.calibration import softmax
from skyquarry.learn.checkpoints import told_in, write_whole
from skyquarry.learn.classifiers.boosted import Boosted
from skyquarry.learn.classifiers.devices import device_of, gpus
from skyquarry.learn.classifiers.pace import (
    Learner,
    Pace,
    Patience,
    check_fitted,
    needed,
    training,
)
from skyquarry.learn.classifiers.shapley import Shapley

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.devices import Device
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples

_FILE: Final = "booster.ubj"
_TOLD: Final = "told.json"
_BLOCK: Final = 25
"""rounds between two boosters, whether checkpoints are kept or not"""


class XGBoost(Learner):
    """Boosted trees, one a class and round, grown by histograms."""

    name: ClassVar[str] = "xgboost"
    extra: ClassVar[tuple[str, ...]] = ("xgboost",)

    def __init__(  # noqa: PLR0913  each setting is XGBoost's own, by our word
        self,
        *,
        rounds: int = 200,
        rate: float = 0.07,
        depth: int = 5,
        rows: float = 0.8,
        columns: float = 0.7,
        tree_columns: float = 1.0,
        bins: int = 256,
        least_weight: float = 1.0,
        ridge: float = 1.0,
        patience: int = 30,
        threads: int = 1,
        device: str = "auto",
    ) -> None:
        """Settings: `rows` and `tree_columns` are shares for a tree, `columns` for a node of it.

        `device` is "auto" (a GPU where there is one), "cpu" or "cuda".
        """
        self.rounds, self.rate, self.depth = rounds, rate, depth
        self.rows, self.columns, self.tree_columns, self.bins = rows, columns, tree_columns, bins
        self.least_weight, self.ridge, self.patience = least_weight, ridge, patience
        self.threads, self.device = threads, device
        self._booster: Any = None
        self._trees: Boosted | None = None
        self._shapley: tuple[Shapley | None] | None = None  # made when first asked for

    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn; with `valid`, keep the rounds up to its lowest log-loss."""
        needed(self.name, self.extra, "learn")
        import xgboost

        self._classes = examples.classes
        device = _device(self.device)
        options = self._options(seed) | {"device": device}
        train = self._matrix(examples)
        held = None if valid is None else self._matrix(valid, train)
        patience, pace = Patience(self.patience), Pace(self.name, self.rounds, telling)
        version = xgboost.__version__ + (" on a GPU" if device == "cuda" else "")
        mark = training(self, examples, valid, seed, version)
        done, booster = 0, xgboost.Booster(options, [train])
        saved = None if checkpoint is None else checkpoint.read(mark)
        if saved is not None:
            done, booster = saved.step, _of_bytes(saved.content, options)
            patience.resume(saved.told)
        while done < self.rounds and not (valid is not None and patience.spent(done)):
            booster.update(train, done)
            done += 1
            score = None if held is None else _score(booster, held)
            if score is not None:
                patience.better(done, score)
            pace.tell(done, score)
            if done % _BLOCK == 0 and done < self.rounds:
                content = bytes(booster.save_raw("ubj"))
                if checkpoint is not None:
                    checkpoint.write(mark, done, content, patience.told())
                booster = _of_bytes(content, options)
        kept = booster if valid is None else booster[: patience.best_step]
        self._take(bytes(kept.save_raw("ubj")), self._options(seed))
        return self

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._booster)
        if not len(values):
            return np.empty((0, len(self._classes)))
        if self._trees is not None:
            return softmax(self._trees.scores(values, self.threads).astype(np.float64))
        p = self._booster.inplace_predict(values, missing=np.nan).astype(np.float64)
        return np.asarray(p / p.sum(axis=1, keepdims=True), np.float64)

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(n, p, K) Shapley values of the score of each class.

        By tables of our own: XGBoost's values to a float's precision, in a tenth of the time.
        """
        check_fitted(self, self._booster)
        if self._shapley is None:
            told = json.loads(bytes(self._booster.save_raw("json")))
            self._shapley = (Shapley.of_xgboost(told),)
        if self._shapley[0] is not None:
            return self._shapley[0].values(values, self.threads)
        return self._explained(values)

    def _explained(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same by XGBoost."""
        import xgboost

        told = self._booster.predict(
            xgboost.DMatrix(values, nthread=self.threads), pred_contribs=True, strict_shape=True
        )
        return np.asarray(told[:, :, :-1].transpose(0, 2, 1), np.float64)

    def save(self, folder: Path) -> None:
        """XGBoost's own UBJSON, and the settings."""
        check_fitted(self, self._booster)
        write_whole(folder / _FILE, bytes(self._booster.save_raw("ubj")))
        told = {"classes": self._classes, "settings": self.settings()}
        write_whole(folder / _TOLD, json.dumps(told, indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        needed(cls.name, cls.extra, "learn")
        import xgboost

        told = told_in(folder / _TOLD)
        made = cls(**told["settings"])
        made._classes = tuple(told["classes"])
        try:
            made._take((folder / _FILE).read_bytes(), made._options(0))
        except xgboost.core.XGBoostError as error:
            raise DamagedError(
                f"{folder / _FILE} is no booster of XGBoost: take it from a copy, or train again"
            ) from error
        return made

    def _take(self, content: bytes, options: dict[str, Any]) -> None:
        """A booster's bytes are what was learnt."""
        self._booster, self._shapley = _of_bytes(content, options), None
        self._trees = Boosted.of_xgboost(json.loads(bytes(self._booster.save_raw("json"))))

    def _matrix(self, examples: Examples, like: Any = None) -> Any:
        import xgboost

        return xgboost.QuantileDMatrix(
            examples.values,
            label=examples.labels,
            weight=examples.weights,
            nthread=self.threads,
            max_bin=self.bins,
            ref=like,
        )

    def _options(self, seed: int) -> dict[str, Any]:
        return {
            "objective": "multi:softprob",
            "num_class": len(self._classes),
            "eta": self.rate,
            "max_depth": self.depth,
            "subsample": self.rows,
            "colsample_bynode": self.columns,
            "colsample_bytree": self.tree_columns,
            "min_child_weight": self.least_weight,
            "lambda": self.ridge,
            "tree_method": "hist",
            "max_bin": self.bins,
            "seed": seed,
            "seed_per_iteration": True,
            "nthread": self.threads,
            "device": "cpu",
            "verbosity": 0,
        }


def _device(asked: str) -> Device:
    """Where trees are grown."""
    import xgboost

    if xgboost.build_info().get("USE_CUDA"):
        lacking = "the learner xgboost needs a GPU of NVIDIA, and no driver knows one"
        return device_of(asked, lacking, there=gpus() > 0)
    lacking = (
        "this XGBoost is built without CUDA, as the package xgboost-cpu is, and the package "
        "xgboost is needed with a GPU of NVIDIA"
    )
    return device_of(asked, lacking, there=False)


def _of_bytes(content: bytes, options: dict[str, Any]) -> Any:
    import xgboost

    booster = xgboost.Booster(options)
    booster.load_model(bytearray(content))
    booster.set_param(options)  # which a file does not hold
    return booster


def _score(booster: Any, held: Any) -> float:
    told = booster.eval_set([(held, "held")], 0)
    return float(told.rsplit(":", 1)[1])
