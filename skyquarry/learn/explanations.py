"""Why a model says what it says, in the words of its features: "W1-W2 = 1.1 speaks for quasar".

The learners' native SHAP values tell what each feature adds to the score of each class. As adding
the same to all classes changes no probability, what counts is the part beyond the mean over the
classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reason:
    """What one feature of one object says of one class."""

    feature: str
    value: float
    """NaN where not measured"""
    unit: str
    label: str
    score: float
    """log-odds for the class beyond those for all: above 0 it speaks for it"""

    @property
    def text(self) -> str:
        """As a sentence."""
        verdict = f"speaks {'for' if self.score > 0 else 'against'} {self.label.replace('_', ' ')}"
        if not np.isfinite(self.value):
            return f"that {self.feature} is not measured {verdict}"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.feature} = {_short(self.value)}{unit} {verdict}"


def beyond_mean(contributions: ArrayLike) -> Floats:
    """(n, p, K): contributions less their mean over the classes."""
    given = np.asarray(contributions, np.float64)
    return np.asarray(given - given.mean(axis=2, keepdims=True))


def reasons(
    contributions: ArrayLike,
    values: ArrayLike,
    names: Sequence[str],
    classes: Sequence[str],
    said: ArrayLike,
    *,
    units: Sequence[str] | None = None,
    most: int = 3,
) -> list[list[Reason]]:
    """For each object the features that weigh most for or against the class said.

    `contributions` (n, p, K) of the learners, `values` (n, p), `said` (n,) class numbers. The
    weightiest first; of equals the earlier feature; features that say nothing are left out.
    """
    told, given = beyond_mean(contributions), np.asarray(values, np.float64)
    number = np.asarray(said).astype(np.intp)
    _checked(told, given, names, classes, number)
    mine = told[np.arange(len(number)), :, number]
    order = np.argsort(-np.abs(mine), axis=1, kind="stable")[:, :most]
    unit = units or [""] * len(names)
    return [
        [
            Reason(names[j], float(given[i, j]), unit[j], classes[number[i]], float(mine[i, j]))
            for j in order[i]
            if mine[i, j]
        ]
        for i in range(len(number))
    ]


def sentence(told: Sequence[Reason]) -> str:
    """One line for a table: the reasons, weightiest first."""
    return "; ".join(each.text for each in told)


def overall(
    contributions: ArrayLike, names: Sequence[str], classes: Sequence[str]
) -> dict[str, list[tuple[str, float]]]:
    """For each class its features by mean size of what they add, greatest first."""
    told = np.abs(beyond_mean(contributions)).mean(axis=0)
    if told.shape != (len(names), len(classes)):
        raise UserError(
            f"contributions are of {told.shape} features and classes, but there are {len(names)} "
            f"names and {len(classes)} classes: give those of the same model"
        )
    return {
        label: [(names[j], float(told[j, k])) for j in np.argsort(-told[:, k], kind="stable")]
        for k, label in enumerate(classes)
    }


def _checked(
    told: Floats,
    given: Floats,
    names: Sequence[str],
    classes: Sequence[str],
    said: NDArray[np.intp],
) -> None:
    wanted = (len(said), len(names), len(classes))
    if told.shape != wanted or given.shape != wanted[:2]:
        raise UserError(
            f"contributions have shape {told.shape} and values {given.shape}, but {wanted} and "
            f"{wanted[:2]} are needed: give those of the same objects and model"
        )


def _short(value: float) -> str:
    """Three digits, without a tail of zeros: 1.1, -0.032, 12,300."""
    if abs(value) >= 1_000:
        return f"{float(f'{value:.3g}'):,.0f}"
    text = f"{value:.3g}"
    return text.replace("e-0", "e-")
