"""Gradient boosting of symmetric trees by CatBoost (Prokhorenkova et al. 2018). Imports catboost.

Its own snapshot holds all of its random state: a fit that goes on from one ends in the same bytes.
CatBoost does not see whether a snapshot is damaged, so that each is kept within a checkpoint of
ours, and given back to CatBoost only from there.
"""

from __future__ import annotations

import json
from shutil import rmtree
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.errors import DamagedError
from skyquarry.learn.checkpoints import told_in, write_whole
from skyquarry.learn.classifiers.pace import Learner, Pace, check_fitted, needed, training

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples

_FILE: Final = "model.cbm"
_TOLD: Final = "told.json"
_PREPARED: Final = 64
"""rows from which tables of all leaves are made first: 1.1 s and 0.6 ms a row for 600 trees of 60
features and 8 classes, 16 ms a row without. CatBoost's own choice is without up to many more"""
_SECONDS: Final = 20.0
"""between two snapshots"""


class CatBoost(Learner):
    """Boosted symmetric trees: the same question at all nodes of a level, so fast to ask."""

    name: ClassVar[str] = "catboost"
    extra: ClassVar[tuple[str, ...]] = ("catboost",)

    def __init__(  # noqa: PLR0913  each setting is CatBoost's own, by our word
        self,
        *,
        rounds: int = 600,
        rate: float = 0.05,
        depth: int = 6,
        ridge: float = 3.0,
        borders: int = 254,
        columns: float = 1.0,
        patience: int = 50,
        threads: int = 1,
        snapshot_seconds: float = _SECONDS,
    ) -> None:
        """Settings: `borders` of a feature; `columns`, the share of them that is asked at once."""
        self.rounds, self.rate, self.depth = rounds, rate, depth
        self.ridge, self.borders, self.columns = ridge, borders, columns
        self.patience, self.threads = patience, threads
        self.snapshot_seconds = snapshot_seconds
        self._model: Any = None

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
        import catboost

        self._classes = examples.classes
        mark = training(self, examples, valid, seed, catboost.__version__)
        keeps = None if checkpoint is None else _Keeps(checkpoint, mark)
        tells = _Tells(Pace(self.name, self.rounds, telling), keeps)
        model = catboost.CatBoostClassifier(**self._options(seed), **self._keeping(keeps))
        model.fit(
            _pool(examples),
            eval_set=None if valid is None else _pool(valid),
            early_stopping_rounds=None if valid is None else self.patience,
            use_best_model=valid is not None,
            callbacks=[tells],
        )
        if tells.stopped is not None:
            raise tells.stopped
        self._model = model
        return self

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._model)
        if not len(values):
            return np.empty((0, len(self._classes)))
        p = self._model.predict_proba(
            np.ascontiguousarray(values, np.float32), thread_count=self.threads
        )
        return np.asarray(p, np.float64)

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(n, p, K) Shapley values of the score of each class."""
        check_fitted(self, self._model)
        import catboost

        told = self._model.get_feature_importance(
            catboost.Pool(values), type="ShapValues", thread_count=self.threads,
            shap_mode="UsePreCalc" if len(values) >= _PREPARED else "NoPreCalc",
        )  # fmt: skip
        return np.asarray(told[:, :, :-1].transpose(0, 2, 1), np.float64)

    def save(self, folder: Path) -> None:
        """CatBoost's own cbm, and the settings."""
        check_fitted(self, self._model)
        beside = folder / f".{_FILE}.part"
        self._model.save_model(str(beside), format="cbm")
        beside.replace(folder / _FILE)
        told = {"classes": self._classes, "settings": self.settings()}
        write_whole(folder / _TOLD, json.dumps(told, indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        needed(cls.name, cls.extra, "learn")
        import catboost

        told = told_in(folder / _TOLD)
        made = cls(**told["settings"])
        made._classes = tuple(told["classes"])
        made._model = catboost.CatBoostClassifier()
        try:
            made._model.load_model(str(folder / _FILE), format="cbm")
        except catboost.CatBoostError as error:
            raise DamagedError(
                f"{folder / _FILE} is no model of CatBoost: take it from a copy, or train again"
            ) from error
        return made

    def _options(self, seed: int) -> dict[str, Any]:
        return {
            "loss_function": "MultiClass",
            "iterations": self.rounds,
            "learning_rate": self.rate,
            "depth": self.depth,
            "l2_leaf_reg": self.ridge,
            "border_count": self.borders,
            "rsm": self.columns,
            "random_seed": seed,
            "thread_count": self.threads,
            "classes_count": len(self._classes),
            "verbose": False,
        }

    def _keeping(self, keeps: _Keeps | None) -> dict[str, Any]:
        if keeps is None:
            return {"allow_writing_files": False}
        return {
            "allow_writing_files": True,
            "train_dir": str(keeps.folder),
            "save_snapshot": True,
            "snapshot_file": str(keeps.snapshot),
            "snapshot_interval": self.snapshot_seconds,
        }


class _Keeps:
    """Takes CatBoost's snapshots into checkpoints, and gives back the one kept last."""

    def __init__(self, checkpoint: Checkpoint, mark: str) -> None:
        self.checkpoint, self.mark = checkpoint, mark
        self.folder = checkpoint.folder / "work"
        self.snapshot = self.folder / "snapshot"
        self._seen = (0, 0)
        saved = checkpoint.read(mark)
        rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if saved is not None:
            self.snapshot.write_bytes(saved.content)
            self._seen = self._state()

    def keep(self, step: int) -> None:
        """After a round: keep the snapshot, where there is a new one."""
        if self.snapshot.exists() and self._state() != self._seen:
            self._seen = self._state()
            self.checkpoint.write(self.mark, step, self.snapshot.read_bytes(), {})

    def _state(self) -> tuple[int, int]:
        found = self.snapshot.stat()
        return found.st_ino, found.st_mtime_ns


class _Tells:
    """CatBoost asks after each round whether to go on."""

    def __init__(self, pace: Pace, keeps: _Keeps | None) -> None:
        self.pace, self.keeps = pace, keeps
        self.stopped: BaseException | None = None

    def after_iteration(self, info: Any) -> bool:
        """Keep and tell how far it is; what is raised there is kept, as CatBoost would hide it."""
        held = (info.metrics or {}).get("validation")
        try:
            if self.keeps is not None:
                self.keeps.keep(info.iteration)
            self.pace.tell(info.iteration, held["MultiClass"][-1] if held else None)
        except BaseException as error:  # noqa: BLE001  (also Ctrl-C)
            self.stopped = error
        return self.stopped is None


def _pool(examples: Examples) -> Any:
    import catboost

    return catboost.Pool(
        examples.values, label=examples.labels.astype(np.int32), weight=examples.weights
    )
