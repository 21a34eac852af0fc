"""The shares of the classes in an unlabelled sample, and when they may be believed.

Expectation and maximisation (Saerens, Latinne & Decaestecker 2002) finds the shares that make a
sample's probabilities likeliest, if the classes look there as they looked in training. Where they
do not (a deeper survey), it runs away: from bright to deep SDSS it ends at one class alone. So the
assumption is tested: training rows, weighted to the shares found, must look like the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.domains import Apart, told_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_STEPS: Final = 2_000
_STILL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the classes in an unlabelled sample."""

    shares: Floats
    """(K,)"""
    test: Apart
    """training rows at these shares against the sample"""


def shares_of(
    p: ArrayLike,
    values: ArrayLike,
    *,
    train_values: ArrayLike,
    train_labels: ArrayLike,
    train_shares: ArrayLike,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
) -> Shares:
    """The shares in a sample with features (m, p) and calibrated probabilities p (m, K).

    `train_shares` (K,) are those that the probabilities are at. Raises UserError where the training
    rows, weighted to the shares found, can be told from the sample: then it is not the shares alone
    that differ, and no reading of the probabilities gives them.
    """
    given, label = np.asarray(p, np.float64), np.asarray(train_labels).astype(np.int64)
    before = np.asarray(train_shares, np.float64)
    found = maximised(given, before)
    count = np.bincount(label[label >= 0], minlength=len(before))
    weight = np.where(label >= 0, (found / np.maximum(count, 1))[label], 0.0)
    use = weight > 0
    rows = np.asarray(train_values)[use]
    cells = None if groups is None else (np.asarray(groups[0])[use], groups[1])
    test = told_apart(rows, values, weight[use], groups=cells, seed=seed)
    if test.different:
        raise UserError(
            f"training rows at the shares found ({', '.join(f'{each:.3f}' for each in found)}) are "
            f"told from the sample with an area under the curve of {test.area:.3f} +- "
            f"{test.error:.3f}, but shares can be found only where the classes look as they did in "
            "training: label some hundred rows of the sample instead"
        )
    return Shares(found, test)


def maximised(p: Floats, before: Floats) -> Floats:
    """(K,): the likeliest shares of a sample, from probabilities (m, K) at the shares `before`."""
    if p.ndim != 2 or p.shape[1] != len(before) or not len(p) or (before <= 0).any():
        raise UserError(
            f"probabilities have shape {p.shape} and the shares of training are "
            f"{before.tolist()}, but each class needs a share above 0: leave empty classes out"
        )
    if not np.isfinite(p).all() or (p < 0).any() or not (p.sum(axis=1) > 0).all():
        raise UserError(
            "the probabilities hold NaN, less than 0, or a row of zeros, but each row needs "
            "numbers of 0 or more and one above: leave such rows out"
        )
    likelihood = p / (before / before.sum())
    shares = before / before.sum()
    for _ in range(_STEPS):
        told = likelihood * shares
        new = (told / told.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - shares).max() < _STILL:
            return np.asarray(new)
        shares = new
    return np.asarray(shares)
