"""Learners of finer kinds whose probabilities are summed to classes.

A class may be of kinds that look unlike each other (M dwarfs and the other main sequence) and
border on different classes. Learners that are asked for the kinds need not find them in one class's
name; and as the kinds' numbers are known, each can be brought to the mix of the sky by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.ensemble import Ensemble, Trained, explained
from skyquarry.learn.examples import Examples, word
from skyquarry.learn.pooling import LEAST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BETWEEN: Final = ": "
"""between a class and its kind, in the name of a finer class"""


@dataclass(frozen=True, slots=True)
class Summed(Ensemble):
    """An ensemble of finer classes that speaks of the classes they belong to."""

    finer: tuple[str, ...]
    """(F,) what its learners tell apart"""
    of: tuple[int, ...]
    """(F,) the class of each, as a place in `classes`"""

    def predict_finer(self, values: NDArray[np.float32]) -> Floats:
        """(n, F) of features (n, p): each row sums to 1."""
        return self.calibration.apply(self.pool.apply(self.parts(values)))

    def predict_proba(self, values: NDArray[np.float32]) -> Floats:
        """(n, K) of features (n, p): each row sums to 1."""
        return self.summed(self.predict_finer(values))

    def with_spread(self, values: NDArray[np.float32]) -> tuple[Floats, Floats | None]:
        """`predict_proba`, and how far trees differ (n,) in what they give to the classes."""
        parts, spread = self._heard(values, self.of)
        return self.summed(self.calibration.apply(self.pool.apply(parts))), spread

    def summed(self, p: Floats) -> Floats:
        """(n, K) of probabilities of finer classes (n, F), added in their order."""
        told = np.zeros((len(p), len(self.classes)))
        for number, own in enumerate(self.of):
            told[:, own] += p[:, number]
        return told

    def explain(self, values: NDArray[np.float32]) -> Floats | None:
        """(n, p, K): of each class's kinds the mean, by how probable each is in that row.

        What a feature adds to the score of a kind adds to the logarithm of the sum by the kind's
        share of it.
        """
        told = explained(self.learners, values)
        if told is None:
            return None
        p = self.predict_finer(values)
        shares = p / np.maximum(self.summed(p)[:, list(self.of)], 1e-300)
        finer = told * shares[:, None, :]
        weights = np.zeros((*finer.shape[:2], len(self.classes)))
        for number, own in enumerate(self.of):
            weights[:, :, own] += finer[:, :, number]
        return weights

    def to_json(self) -> dict[str, Any]:
        """What an ensemble's file says of it beside the rest."""
        return {"finer": list(self.finer), "of": list(self.of)}


def summed(ensemble: Ensemble, told: Mapping[str, Any], name: str) -> Ensemble:
    """The ensemble of an ensemble's file: of the classes it names, or of finer ones.

    Raises DamagedError, naming the file.
    """
    if told.get("finer") is None:
        return ensemble
    finer, of = tuple(map(str, told["finer"])), tuple(map(int, told["of"]))
    if len(of) != len(finer) or {*of} != {*range(len(ensemble.classes))}:
        raise DamagedError(f"{name} has finer classes that belong to none: take it from a copy")
    return Summed(
        ensemble.classes, ensemble.learners, ensemble.pool, ensemble.calibration, finer, of
    )


def learnt_classes(told: Mapping[str, Any]) -> tuple[str, ...]:
    """What the learners of an ensemble's file tell apart."""
    return tuple(told["classes"] if told.get("finer") is None else told["finer"])


def split(examples: Examples, kinds: Sequence[Any], *, least: int = LEAST) -> Examples:
    """The labelled examples, by class and kind (n,); None: of no kind.

    What has fewer than `least` members counts to the most numerous kind of its class. Raises
    UserError where a kind is of no class, or where no class has two kinds.
    """
    if len(kinds) != len(examples):
        raise UserError(
            f"there are {len(kinds)} kinds for {len(examples)} rows, but each needs one: give None "
            "where a row is of no kind"
        )
    words = np.array([word(each) or "" for each in kinds])
    own = np.array(examples.classes)[examples.labels]
    names = np.where(words == "", own, np.char.add(np.char.add(own, BETWEEN), words))
    finer, number, count = np.unique(names, return_inverse=True, return_counts=True)
    label = np.zeros(len(finer), np.int64)
    label[number] = examples.labels
    for each in np.flatnonzero(count < least):
        alike = np.where(label == label[each], count, 0)
        number[number == each] = int(alike.argmax())
    kept, number = np.unique(number, return_inverse=True)
    if len(kept) == len(examples.classes):
        raise UserError(
            f"no class has two kinds of {least} members or more among {', '.join(finer.tolist())}: "
            "leave finer out, or give a column that tells kinds within a class"
        )
    return Examples(
        examples.names, examples.values, tuple(finer[kept].tolist()), number.astype(np.int16),
        examples.groups, examples.weights,
    )  # fmt: skip


def of_classes(trained: Trained, taught: Examples, examples: Examples) -> Trained:
    """What was trained on `split` examples, in the classes of the examples themselves."""
    own = np.zeros(len(taught.classes), np.int64)
    own[taught.labels] = examples.labels
    fine = trained.ensemble
    whole = Summed(
        examples.classes, fine.learners, fine.pool, fine.calibration, taught.classes,
        tuple(own.tolist()),
    )  # fmt: skip
    held = whole.summed(trained.held)
    lost = log_loss(held, examples.labels[trained.rows], examples.weights[trained.rows])
    losses = trained.losses | {"calibrated": lost, "finer": trained.losses["calibrated"]}
    return Trained(whole, trained.rows, held, losses, trained.skipped)
