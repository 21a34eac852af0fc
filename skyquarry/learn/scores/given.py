"""What is scored, checked at the door: probabilities, true classes, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Given:
    """Rows to score."""

    p: Floats
    """(n, K), rows summing to one"""
    label: Ints
    """(n,): 0 to K - 1"""
    weight: Floats
    """(n,)"""

    @classmethod
    def of(cls, p: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> Given:
        """Checked; raises UserError with what is wrong."""
        told = np.asarray(p, np.float64)
        if told.ndim != 2 or told.shape[1] < 2 or not len(told):
            raise UserError(
                f"the probabilities have shape {told.shape}, but one row an object and two columns "
                "or more are needed: give predict_proba's answer"
            )
        off = np.abs(told.sum(axis=1) - 1.0)
        if not np.isfinite(told).all() or told.min() < 0 or off.max() > 1e-3:
            raise UserError(
                f"row {int(np.argmax(np.nan_to_num(off, nan=np.inf)))} of the probabilities does "
                "not sum to 1 or is negative, but a score needs probabilities: give the answer of "
                "predict_proba"
            )
        label = np.asarray(labels)
        if label.shape != (len(told),) or label.dtype.kind not in "iu":
            raise UserError(
                f"labels are of type {label.dtype} and shape {label.shape}, but {len(told)} class "
                "numbers are needed: give one a row"
            )
        if label.min() < 0 or label.max() >= told.shape[1]:
            raise UserError(
                f"labels go from {label.min()} to {label.max()}, but classes from 0 to "
                f"{told.shape[1] - 1}: leave rows without a label out"
            )
        weight = np.ones(len(told)) if weights is None else np.asarray(weights, np.float64)
        if weight.shape != label.shape or not np.isfinite(weight).all() or weight.min() < 0:
            raise UserError(
                f"weights have shape {weight.shape}, but {len(told)} finite numbers of 0 or more "
                "are needed: give one a row, or weights=None"
            )
        if not weight.sum():
            raise UserError("all weights are 0, but some row has to count: try weights=None")
        return cls(told, label.astype(np.int64), weight)
