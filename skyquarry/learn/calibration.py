"""Probabilities that mean what they say: temperature, vector and Dirichlet scaling.

All three are maps of log-probabilities, p'(x) = softmax(W log p(x) + b): temperature has W = I / T
and b = 0 (Guo et al. 2017, arXiv 1706.04599), vector scaling a diagonal W, Dirichlet calibration a
full one (Kull et al. 2019, arXiv 1910.12656). They are fitted by greatest likelihood on rows that
the model has not seen, with a normal prior around the temperature alone (`_SPREAD`): with few rows
of a class the map stays near to it, with many the prior has no say. The fit is convex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from skyquarry.errors import DamagedError, UserError, one_of
from skyquarry.learn.onethread import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Method = Literal["temperature", "vector", "dirichlet"]
METHODS: Final = ("temperature", "vector", "dirichlet")
FLOOR: Final = 1e-9
"""probabilities below it count as it: a learner's 0 is no certainty, and has no logarithm"""
_SPREAD: Final = {"diagonal": 0.3, "off": 0.05, "shift": 0.5}
"""standard deviations of the prior on W - I / T and b"""
_EXACTLY: Final = {"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-13, "gtol": 1e-6}
_TEMPERATURES: Final = (0.02, 50.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted map of probabilities."""

    method: Method
    matrix: Floats
    """(K, K): W"""
    shift: Floats
    """(K,): b"""
    n_effective: float
    """(sum w)^2 / sum w^2 of the rows it was fitted on"""

    @property
    def temperature(self) -> float:
        """T of temperature scaling; above 1 where the model was too sure of itself."""
        if self.method != "temperature":
            raise UserError(f"{self.method} scaling has no temperature: try .matrix")
        return float(1.0 / self.matrix[0, 0])

    def apply(self, p: ArrayLike) -> Floats:
        """(n, K) probabilities from those of the model (n, K)."""
        given = _probabilities(p, len(self.shift))
        return softmax(np.log(np.maximum(given, FLOOR)) @ self.matrix.T + self.shift)

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "method": self.method,
            "matrix": self.matrix.tolist(),
            "shift": self.shift.tolist(),
            "n_effective": self.n_effective,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Calibration:
        """From what `to_json` gave. Raises DamagedError where it is something else."""
        try:
            matrix = np.array(told["matrix"], np.float64)
            shift = np.array(told["shift"], np.float64)
            made = cls(told["method"], matrix, shift, float(told["n_effective"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"a calibration cannot be read ({error}): save it again") from error
        square = matrix.shape == (len(shift), len(shift)) and shift.ndim == 1
        if made.method not in METHODS or not square or not np.isfinite(matrix).all():
            raise DamagedError(
                f"a calibration says method {made.method!r} with a matrix of shape {matrix.shape} "
                f"and a shift of shape {shift.shape}, which do not fit: save it again"
            )
        return made


@one_thread()
def fit(
    p: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    method: Method = "temperature",
) -> Calibration:
    """The calibration of probabilities p (n, K) by the true class numbers (n,) of unseen rows.

    `weights` (n,) bring the rows to the mix where the probabilities are to hold; their scale does
    not matter. Raises UserError for rows without a label, and where vector or Dirichlet scaling
    would have to learn of a class that no row belongs to.
    """
    one_of("method", method, METHODS)
    given = _probabilities(p)
    label, weight = _checked(given, labels, weights)
    scores = np.log(np.maximum(given, FLOOR))
    n_effective = float(weight.sum() ** 2 / (weight @ weight))
    if method == "temperature":
        slope = _temperature(scores, label, weight)
        matrix, shift = np.eye(given.shape[1]) * slope, np.zeros(given.shape[1])
    else:
        _all_there(label, weight, given.shape[1], method)
        counted = weight * (n_effective / weight.sum())
        matrix, shift = _affine(scores, label, counted, full=method == "dirichlet")
    return Calibration(method, matrix, shift, n_effective)


@one_thread()
def best(
    p: ArrayLike,
    labels: ArrayLike,
    fold: ArrayLike,
    weights: ArrayLike | None = None,
) -> tuple[Calibration, dict[str, float]]:
    """The method with the least log-loss on folds (n,) it was not fitted on, fitted on all rows.

    A richer method has to gain more than one standard error over a plainer one. Also returns the
    mean log-loss of each. The folds have to be whole groups, as `splits.folds` makes them.
    """
    given = _probabilities(p)
    label, weight = _checked(given, labels, weights)
    part = np.asarray(fold)
    losses = {each: _held_out(given, label, weight, part, each) for each in METHODS}
    chosen: Method = "temperature"
    for each in METHODS[1:]:
        gain = losses[chosen] - losses[each]
        mean = float(np.average(gain, weights=weight))
        error = float(np.sqrt(weight**2 @ (gain - mean) ** 2)) / float(weight.sum())
        if mean > error:
            chosen = each
    told = {each: float(np.average(loss, weights=weight)) for each, loss in losses.items()}
    return fit(given, label, weight, method=chosen), told


def softmax(scores: Floats) -> Floats:
    """(n, K) from (n, K), without overflow."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


# ------------------------------------------------------------------ what is given
def _probabilities(p: ArrayLike, classes: int | None = None) -> Floats:
    given = np.asarray(p, np.float64)
    if given.ndim != 2 or given.shape[1] < 2 or classes not in (None, given.shape[1]):
        needed = "two columns or more" if classes is None else f"{classes} columns"
        raise UserError(
            f"the probabilities have shape {given.shape}, but one row an object and {needed} are "
            "needed: give predict_proba's answer"
        )
    if not np.isfinite(given).all() or (given < 0).any():
        raise UserError("the probabilities hold NaN, infinity or less than 0: look at the model")
    return given


def _checked(p: Floats, labels: ArrayLike, weights: ArrayLike | None) -> tuple[Ints, Floats]:
    label = np.asarray(labels).astype(np.int64)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, np.float64)
    if label.shape != (len(p),) or weight.shape != label.shape or not len(p):
        raise UserError(
            f"{len(p)} rows of probabilities have labels of shape {label.shape} and weights of "
            f"shape {weight.shape}, but each row needs one of each: give the rows held out"
        )
    if label.min() < 0 or label.max() >= p.shape[1]:
        raise UserError(
            f"labels go from {label.min()} to {label.max()}, but classes from 0 to "
            f"{p.shape[1] - 1}: leave rows without a label out"
        )
    if not np.isfinite(weight).all() or weight.min() < 0 or weight.sum() == 0:
        raise UserError("weights are negative, not finite, or all 0: try weights=None")
    return label, weight


def _all_there(label: Ints, weight: Floats, classes: int, method: str) -> None:
    missing = np.flatnonzero(np.bincount(label, weight, classes) == 0)
    if len(missing):
        raise UserError(
            f"no row held out is of class {', '.join(map(str, missing))}, but {method} scaling "
            "learns a number for each: try method='temperature' or more rows"
        )


# ------------------------------------------------------------------ fits
def _temperature(scores: Floats, label: Ints, weight: Floats) -> float:
    """1 / T of the least log-loss: convex in 1 / T, sought on its logarithm."""
    from scipy.optimize import minimize_scalar

    from skyquarry.learn.kernels.softmaxes import lost

    def loss(log_slope: float) -> float:
        return float(lost(np.exp(log_slope) * scores, label, weight)) / float(weight.sum())

    low, high = (float(np.log(1.0 / each)) for each in reversed(_TEMPERATURES))
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-7})
    return float(np.exp(found.x))


def _affine(scores: Floats, label: Ints, weight: Floats, *, full: bool) -> tuple[Floats, Floats]:
    """W (diagonal, or `full`) and b of the least log-loss plus prior."""
    from scipy.optimize import minimize

    from skyquarry.learn.kernels.softmaxes import lost

    kinds = scores.shape[1]
    centred = scores - scores.mean(axis=1, keepdims=True)  # softmax does not feel the mean
    free = np.ones((kinds, kinds), bool) if full else np.eye(kinds, dtype=bool)
    width = np.where(np.eye(kinds, dtype=bool), _SPREAD["diagonal"], _SPREAD["off"])[free]
    centre = _temperature(scores, label, weight) * np.eye(kinds)[free]

    def unpacked(x: Floats) -> tuple[Floats, Floats]:
        matrix = np.zeros((kinds, kinds))
        matrix[free] = x[:-kinds]
        return matrix, x[-kinds:]

    def loss(x: Floats) -> tuple[float, Floats]:
        matrix, shift = unpacked(x)
        gap = centred @ matrix.T + shift
        away, aside = (x[:-kinds] - centre) / width, shift / _SPREAD["shift"]
        value = lost(gap, label, weight)  # scores become what it falls with
        value += 0.5 * (away @ away + aside @ aside)
        slope = np.concatenate([
            (gap.T @ centred)[free] + away / width,
            gap.sum(axis=0) + aside / _SPREAD["shift"],
        ])  # fmt: skip
        return float(value), slope

    start = np.concatenate([centre, np.zeros(kinds)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=_EXACTLY)
    matrix, shift = unpacked(found.x)
    # in terms of the scores as they are: the mean taken off each row is a matrix too
    mean = np.full((kinds, kinds), 1.0 / kinds)
    return matrix @ (np.eye(kinds) - mean), shift


def _held_out(p: Floats, label: Ints, weight: Floats, fold: Ints, method: Method) -> Floats:
    """(n,): -log p of the true class, each row by a map fitted on the other folds."""
    loss = np.empty(len(label))
    for each in np.unique(fold):
        out = fold == each
        told = fit(p[~out], label[~out], weight[~out], method=method).apply(p[out])
        loss[out] = -np.log(np.maximum(told[np.arange(int(out.sum())), label[out]], FLOOR))
    return loss
