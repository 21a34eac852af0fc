"""An alarm for rows and tables that are not like the training set.

A row rings where it lies far from what the model was trained on, in every class or beyond an edge
(`novelty`, at its own rate of false alarms). A batch of rows, a tile or a whole table, rings where
too many of its rows lie far out: one by one they may be ordinary, together they are not drawn as
the training set was. What a model says of them is not backed by its scores. The remedy is a few
hundred labels (`repaired`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.domains import Apart, separator, told_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.learn.novelty import Novelty

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ROW_RATE: Final = 0.04
"""rows of the training set's kind that ring on their own"""
BATCH_RATE: Final = 1e-3
"""batches of that kind that ring, were their rows independent"""
_FAR: Final = 0.1
"""p-values up to here are counted in a batch: a tenth of ordinary rows, or fewer"""
_EXCESS: Final = 2.0
"""times as many as ordinary, at least: neighbours on the sky are no independent draws"""
LEAST_ROWS: Final = 20
"""in a batch; smaller ones are not judged"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is not like the training set."""

    rows: Mask
    """(n,): the row itself lies far out"""
    batches: Mask
    """(n,): the batch of the row does"""
    p_value: Floats
    """(n,): of the row, as strange in every class or as far beyond an edge"""
    resembles: Floats
    """(n,): of the row, of resembling some class"""
    distance: Floats
    """(n,): of the row from the nearest class, as a normal deviate; -inf without any value"""

    @property
    def rings(self) -> Mask:
        """(n,): either."""
        return np.asarray(self.rows | self.batches)


def alarm(novelty: Novelty, values: ArrayLike, batches: ArrayLike | None = None) -> Alarm:
    """Judge features (n, p); `batches` (n,) are what is judged together (None: all rows)."""
    given = np.asarray(values)
    judged = novelty.judge(given)
    p = judged.outside
    if batches is not None and np.shape(batches) != p.shape:
        raise UserError(
            f"batches have shape {np.shape(batches)}, but there are {len(p)} rows: give one a row, "
            "as the tile it is in"
        )
    lots = np.zeros(len(p), np.int64) if batches is None else np.asarray(batches)
    _, number = np.unique(lots, return_inverse=True)
    size = np.bincount(number)
    far = np.asarray(np.bincount(number, p <= _FAR), np.float64)
    return Alarm(p <= ROW_RATE, _too_many(far, size)[number], p, judged.p_value, judged.distance)


def _too_many(far: Floats, size: NDArray[np.integer]) -> Mask:
    """Batches with more far rows than chance brings, by the binomial tail."""
    from scipy.special import bdtrc

    chance = bdtrc(np.maximum(far - 1.0, 0.0), size, _FAR)
    return np.asarray((size >= LEAST_ROWS) & (far > _EXCESS * _FAR * size) & (chance < BATCH_RATE))


@dataclass(frozen=True, slots=True)
class Shift:
    """How a table lies to the training set."""

    test: Apart
    """whether the two can be told apart at all"""
    ratio: Floats
    """(n,) of the training rows: density of the table over the training set's"""
    share_of_effective: float
    """effective size of the weighted training set over its size: near 0, nothing bridges the two"""


def shift(
    train_values: ArrayLike,
    values: ArrayLike,
    *,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
) -> Shift:
    """Compare the features of a training set (n, p) with those of a table (m, p)."""
    test = told_apart(train_values, values, groups=groups, seed=seed)
    ratio = separator(train_values, values, seed=seed).ratio(train_values)
    bridged = float(ratio.sum() ** 2 / (ratio @ ratio)) / len(ratio)
    return Shift(test, ratio, bridged)
