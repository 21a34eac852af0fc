"""Sets of classes that hold the true one with a stated probability, for every class.

Split conformal prediction, conditional on the class (Vovk 2012, arXiv 1209.2673; Sadinle, Lei &
Wasserman 2019, arXiv 1609.00451): class k is in the set of an object where its probability is not
among the lowest alpha of what unseen members of class k were given. So of each class, however
rare, at least 1 - alpha of the members have their class in their set, as long as they are drawn as
the calibration rows were; what is drawn otherwise (a deeper survey) is for `shift` to tell. With
`magnitude` the same holds in each bin of it (Mondrian), and so at any other mix of magnitudes, as
that of the sky, without a weight that has to be known. A set may be empty: the object resembles
no class; or hold several: it is ambiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LEAST: Final = 100
"""rows of a class in a bin of magnitude: bins with fewer are joined to a neighbour"""


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """Thresholds above which a class belongs to a set."""

    alpha: float
    edges: tuple[float, ...]
    """between bins of magnitude; none: one bin"""
    thresholds: Floats
    """(bins + 1, K): the last row is for objects without a magnitude"""
    counts: Ints
    """(bins + 1, K): calibration rows behind each threshold (joined bins tell the sum)"""

    def sets(self, p: ArrayLike, magnitude: ArrayLike | None = None) -> Mask:
        """(n, K) bool from calibrated probabilities (n, K): which classes each set holds."""
        given = np.asarray(p, np.float64)
        if given.ndim != 2 or given.shape[1] != self.thresholds.shape[1]:
            raise UserError(
                f"the probabilities have shape {given.shape}, but the sets know "
                f"{self.thresholds.shape[1]} classes: give those of the same model"
            )
        if bool(self.edges) and magnitude is None:
            raise UserError(
                f"magnitude is None, but these sets were made for {len(self.edges) + 1} bins of "
                "it: give the magnitude of each object, NaN where there is none"
            )
        place = _bins(magnitude, self.edges, len(given))
        return np.asarray(given >= self.thresholds[place])

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "alpha": self.alpha,
            "edges": list(self.edges),
            "thresholds": self.thresholds.tolist(),
            "counts": self.counts.tolist(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ConformalSets:
        """From what `to_json` gave. Raises DamagedError where it is something else."""
        try:
            made = cls(
                float(told["alpha"]),
                tuple(float(each) for each in told["edges"]),
                np.array(told["thresholds"], np.float64),
                np.array(told["counts"], np.int64),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(
                f"thresholds of conformal sets cannot be read ({error}): save them again"
            ) from error
        if made.thresholds.ndim != 2 or len(made.thresholds) != len(made.edges) + 2:
            raise DamagedError(
                f"thresholds of conformal sets have shape {made.thresholds.shape}, but "
                f"{len(made.edges)} edges need {len(made.edges) + 2} rows: save them again"
            )
        return made


def fit(
    p: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: float = 0.1,
    weights: ArrayLike | None = None,
    magnitude: ArrayLike | None = None,
    edges: Sequence[float] = (),
) -> ConformalSets:
    """Thresholds from calibrated probabilities p (n, K) of rows the model has not seen.

    With `weights` (n,) the promise holds for the mix they stand for; the weight of a new object is
    taken to be the greatest of its class, which makes sets no smaller than they should be
    (Tibshirani et al. 2019, arXiv 1904.06019, equation 7). A class with fewer than 1 / alpha - 1
    rows cannot be told with that promise: it is in every set.
    """
    given, label = np.asarray(p, np.float64), np.asarray(labels).astype(np.int64)
    if not 0.0 < alpha < 1.0:
        raise UserError(f"alpha is {alpha}, but a share of misses is between 0 and 1: try 0.1")
    if given.ndim != 2 or label.shape != (len(given),):
        raise UserError(
            f"probabilities have shape {given.shape} and labels {label.shape}, but each row needs "
            "one label: give the rows held out"
        )
    if len(label) and (label.min() < 0 or label.max() >= given.shape[1]):
        raise UserError(
            f"labels go from {label.min()} to {label.max()}, but classes from 0 to "
            f"{given.shape[1] - 1}: leave rows without a label out"
        )
    limits = tuple(float(each) for each in edges)
    if limits and (magnitude is None or list(limits) != sorted(set(limits))):
        raise UserError(
            f"edges are {limits} with magnitude {'missing' if magnitude is None else 'given'}, but "
            "bins need rising edges and the magnitude of each row: give both or neither"
        )
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, np.float64)
    place = _bins(magnitude, limits, len(given))
    shape = (len(limits) + 2, given.shape[1])
    thresholds, counts = np.zeros(shape), np.zeros(shape, np.int64)
    for each in range(given.shape[1]):
        mine = label == each
        for bins in _joined(np.bincount(place[mine], minlength=shape[0])):
            rows = mine & np.isin(place, bins)
            thresholds[bins, each] = _threshold(given[rows, each], weight[rows], alpha)
            counts[bins, each] = int(rows.sum())
    return ConformalSets(alpha, limits, thresholds, counts)


def _bins(magnitude: ArrayLike | None, edges: Sequence[float], n: int) -> NDArray[np.intp]:
    """(n,): the bin of each row; the last is for rows without a magnitude."""
    if not edges or magnitude is None:
        return np.zeros(n, np.intp)
    known = np.asarray(magnitude, np.float64)
    if known.shape != (n,):
        raise UserError(
            f"magnitude has shape {known.shape}, but there are {n} rows: give one a row"
        )
    place = np.searchsorted(np.array(edges), known, "right")
    return np.asarray(np.where(np.isnan(known), len(edges) + 1, place))


def _joined(count: Ints) -> list[list[int]]:
    """Bins, neighbours joined until each lot holds LEAST rows; without a magnitude: on its own."""
    lots: list[list[int]] = [[]]
    for each in range(len(count) - 1):
        lots[-1].append(each)
        if count[lots[-1]].sum() >= LEAST:
            lots.append([])
    rest = lots.pop()
    if lots:
        lots[-1] += rest
    else:
        lots = [rest]
    return [*lots, [len(count) - 1]]


def _threshold(p: Floats, weight: Floats, alpha: float) -> float:
    """The greatest t such that the weight of p < t, a new object's counted, is at most alpha."""
    if not len(p):
        return 0.0
    order = np.argsort(p, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weight[order])])[:-1]
    allowed = alpha * (weight.sum() + weight.max()) - weight.max()
    fits = np.flatnonzero(below <= allowed * (1.0 + 1e-12))
    return float(p[order[fits[-1]]]) if allowed >= 0 and len(fits) else 0.0
