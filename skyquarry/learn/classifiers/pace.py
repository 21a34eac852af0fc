"""What learners share on their way: when to stop, what to tell, what depends on whom."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.errors import UserError, missing_extra
from skyquarry.learn.checkpoints import training_of
from skyquarry.learn.classifiers.protocol import Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.learn.classifiers.protocol import Classifier, Telling
    from skyquarry.learn.examples import Examples


class Learner:
    """What learners of ours have in common: their classes, and what they were made with."""

    _classes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """(K,) those it was fitted to."""
        return self._classes

    def settings(self) -> dict[str, Any]:
        """What it was made with: its constructor's arguments, kept under their names."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}


@dataclass(slots=True)
class Patience:
    """The best score so far, and whether to wait for a better one."""

    rounds: int
    """without a better score, after which to stop"""
    best: float = math.inf
    best_step: int = 0

    def better(self, step: int, score: float) -> bool:
        """Take a score in; True where it is the best so far."""
        if score < self.best:
            self.best, self.best_step = score, step
            return True
        return False

    def spent(self, step: int) -> bool:
        """Whether no better one came for long."""
        return step - self.best_step >= self.rounds

    def told(self) -> dict[str, Any]:
        """For a checkpoint (JSON has no infinity)."""
        return {"best": None if math.isinf(self.best) else self.best, "best_step": self.best_step}

    def resume(self, told: dict[str, Any]) -> None:
        """What `told` gave."""
        self.best = math.inf if told["best"] is None else told["best"]
        self.best_step = told["best_step"]


@dataclass(slots=True)
class Pace:
    """Tells how far a learner is, and when it may end."""

    learner: str
    of: int
    telling: Telling | None
    _began: float = field(default_factory=time.monotonic)
    _from: int | None = None

    def tell(self, done: int, score: float | None = None) -> None:
        """Tell that so many steps are done."""
        if self.telling is None:
            return
        if self._from is None:
            self._from = done - 1
        each = (time.monotonic() - self._began) / (done - self._from)
        self.telling(Step(self.learner, done, self.of, score, each * (self.of - done)))


def training(
    learner: Classifier, examples: Examples, valid: Examples | None, seed: int, version: str
) -> str:
    """The fingerprint of a fit: of all that its result depends on.

    Which device was asked for does not matter, only where it is fitted: `version` tells of a GPU.
    """
    held = None if valid is None else valid.fingerprint()
    settings = learner.settings()
    settings |= {"device": "cpu"} if "device" in settings else {}
    return training_of(learner.name, version, settings, seed, examples.fingerprint(), held)


def needed(learner: str, packages: tuple[str, ...], extra: str) -> None:
    """Raises MissingExtraError where one of the modules is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise missing_extra(package, extra, f"the learner {learner}")


def check_fitted(learner: Classifier, fitted: object) -> None:
    """Raises UserError where a learner that has learnt nothing is asked for something."""
    if fitted is None:
        raise UserError(f"the learner {learner.name} is not fitted: call fit first, or load one")


def log_loss(p: NDArray[np.float64], labels: NDArray[np.int16], weights: Any) -> float:
    """Mean negative logarithm of the probability of what is true, by weight."""
    right = np.clip(p[np.arange(len(p)), labels], 1e-15, 1.0)
    return float(np.average(-np.log(right), weights=weights))
