"""What a classification is worth, from sums over rows: with any weights, of any part of the sky.

Each function takes totals with any leading axes, so that the draws of a bootstrap cost one call.
A class without members counts in no mean over classes; one that is never said has purity NaN and
F1 0, as scikit-learn has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.learn.scores.blocks import Blocks

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_P: Final = 1e-15
"""in log-loss, as scikit-learn of float64: a probability of 0 for the truth costs 34.5"""
OVERALL: Final = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier")
OF_CLASS: Final = ("purity", "completeness", "f1")


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of weights over rows, perhaps of many draws."""

    confusion: Floats
    """(..., K, K): true class by class said"""
    log_loss: Floats
    """(...,)"""
    brier: Floats

    @property
    def weight(self) -> Floats:
        """(...,): all rows."""
        return np.asarray(self.confusion.sum(axis=(-2, -1)))

    def summed(self) -> Totals:
        """Over the first axis."""
        return Totals(self.confusion.sum(0), self.log_loss.sum(0), self.brier.sum(0))

    def resampled(self, blocks: Blocks) -> Totals:
        """The totals of each draw, from those of each block."""
        return Totals(
            blocks.resampled(self.confusion),
            blocks.resampled(self.log_loss),
            blocks.resampled(self.brier),
        )


def by_block(p: Floats, label: Ints, weight: Floats, blocks: Blocks) -> Totals:
    """Totals of each block, of probabilities p (n, K); the class said is the likeliest."""
    kinds = p.shape[1]
    said = p.argmax(axis=1)
    place = (blocks.number * kinds + label) * kinds + said
    confusion = np.bincount(place, weight, blocks.count * kinds * kinds)
    true = p[np.arange(len(label)), label]
    square = (p**2).sum(axis=1) - 2.0 * true + 1.0
    loss = -np.log(np.maximum(true, LEAST_P))
    return Totals(
        np.asarray(confusion.reshape(blocks.count, kinds, kinds), np.float64),
        blocks.sums(loss * weight),
        blocks.sums(square * weight),
    )


def of_classes(totals: Totals) -> dict[str, Floats]:
    """Purity, completeness and F1, (..., K) each."""
    right = np.diagonal(totals.confusion, axis1=-2, axis2=-1)
    true, said = totals.confusion.sum(axis=-1), totals.confusion.sum(axis=-2)
    return {
        "purity": _ratio(right, said),
        "completeness": _ratio(right, true),
        "f1": _ratio(2.0 * right, true + said),
    }


def overall(totals: Totals) -> dict[str, Floats]:
    """Accuracy, balanced accuracy, macro-F1, log-loss, Brier score (0 to 2), (...,) each."""
    told = of_classes(totals)
    there = totals.confusion.sum(axis=-1) > 0
    right = np.trace(totals.confusion, axis1=-2, axis2=-1)
    return {
        "accuracy": _ratio(right, totals.weight),
        "balanced_accuracy": _mean(told["completeness"], there),
        "macro_f1": _mean(told["f1"], there),
        "log_loss": _ratio(totals.log_loss, totals.weight),
        "brier": _ratio(totals.brier, totals.weight),
    }


def area_under_curve(score: Floats, mine: NDArray[np.bool_], weight: Floats) -> float:
    """Of one class against the rest: how often a member scores above another, ties by half."""
    if mine.all() or not mine.any():
        return float("nan")
    values, place = np.unique(score, return_inverse=True)
    ours = np.bincount(place, weight * mine, len(values))
    theirs = np.bincount(place, weight * ~mine, len(values))
    below = np.cumsum(theirs) - theirs
    pairs = ours.sum() * theirs.sum()
    return float(ours @ (below + 0.5 * theirs) / pairs) if pairs else float("nan")


def areas(p: Floats, label: Ints, weight: Floats) -> Floats:
    """(K,): one class against the rest, NaN for a class without members."""
    return np.array([
        area_under_curve(p[:, each], label == each, weight) for each in range(p.shape[1])
    ])  # fmt: skip


def _ratio(part: Floats, whole: Floats) -> Floats:
    known = whole > 0
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=known))


def _mean(values: Floats, there: NDArray[np.bool_]) -> Floats:
    """Mean over the last axis, of what is there."""
    return _ratio(np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))
