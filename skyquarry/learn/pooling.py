"""One opinion of several learners: a vote, a product, a stack, or the mean of the first two.

A vote is the mean of their probabilities, weighed by shares that expectation maximisation finds
(linear opinion pool; a prior of equal shares). A product has their probabilities to powers of at
least 0, p = softmax(sum_l w_l log p_l + b) (logarithmic opinion pool, Genest & Zidek 1986, with a
shift for each class): L + K numbers, which few rows tell, and where learners that err apart make
each other surer. A stack is a multinomial logistic regression on
their log-probabilities, p = softmax(sum_l W_l log p_l + b), with a normal prior around the plain
geometric vote W_l = I / L, b = 0: with few rows it stays there. How far the prior lets it go is
chosen on rows that it was not fitted on.

Of more than 20,000 rows that way is taken which has the least log-loss on rows not fitted on. Fewer
rows do not tell which that is: then the mean of vote and product is taken, whose log-loss is at
most the mean of theirs (it is convex). On inner folds it was lower than that of the way chosen, by
0.0015 +- 0.0008 (DR17), 0.0028 +- 0.0010 (DR14), 0.0003 +- 0.0006 (points), and of three deals of
MUWCLASS by 0.0072 +- 0.0040, 0.0006 +- 0.0044 and 0.0003 +- 0.0037; with the stack in it too it was
no lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from skyquarry.errors import DamagedError
from skyquarry.learn.calibration import softmax
from skyquarry.learn.classifiers.pace import log_loss
from skyquarry.learn.onethread import one_thread
from skyquarry.learn.shares import shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int16]

Combine = Literal["auto", "vote", "product", "stack"]
COMBINE: Final = ("auto", "vote", "product", "stack")
FLOOR: Final = 1e-4
"""a forest's 0 is no certainty, and has no logarithm"""
LEAST: Final = 200
"""members of a class for which a stack is tried"""
_LOOSE: Final = (0.1, 0.3, 1.0, 3.0)
"""how far a stack may go from the geometric vote: factors of the prior's deviations"""
_SPREAD: Final = {"diagonal": 0.3, "off": 0.05, "shift": 0.5}
_CHOSEN_ON: Final = 50_000
"""rows: with more the choice of the prior does not matter"""
_POWERS: Final = {"power": 0.7, "shift": 0.5}
"""standard deviations of a product's prior around equal powers of sum 1"""
MEANT: Final = 20_000
"""rows up to which the mean of vote and product is taken"""
_EQUAL: Final = 50.0
"""rows that the prior of equal shares counts as"""


@dataclass(frozen=True, slots=True)
class Pool:
    """How opinions are joined."""

    method: Literal["vote", "product", "stack", "mean"]
    shares: Floats
    """(L,) of a vote; powers of a product, whose sum may be above 1; 0 of a mean"""
    matrix: Floats
    """(L, K, K) of a stack; (0, K, K) of the others"""
    shift: Floats
    """(K,) of a product or stack"""
    of: tuple[Pool, ...] = ()
    """the ways that a mean is of"""

    def apply(self, parts: Floats) -> Floats:
        """(n, K) of what the learners say (L, n, K)."""
        if self.of:
            return np.asarray(np.mean([each.apply(parts) for each in self.of], axis=0))
        if self.method == "vote":
            return np.asarray(np.einsum("l,lnk->nk", self.shares, parts))
        if self.method == "product":
            return softmax(np.tensordot(self.shares, _logs_of(parts), axes=1) + self.shift)
        scores = sum(_logs(p) @ w.T for p, w in zip(parts, self.matrix, strict=True))
        return softmax(np.asarray(scores + self.shift))

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        numbers = {name: getattr(self, name).tolist() for name in ("shares", "matrix", "shift")}
        told = {"method": self.method, **numbers}
        return told | ({"of": [each.to_json() for each in self.of]} if self.of else {})

    @classmethod
    def from_json(cls, told: Mapping[str, Any], learners: int, classes: int) -> Pool:
        """From what `to_json` gave. Raises DamagedError where it is something else."""
        try:
            shares, shift = np.array(told["shares"], float), np.array(told["shift"], float)
            count = learners if told["method"] == "stack" else 0
            matrix = np.array(told["matrix"], float).reshape(count, classes, classes)
            of = tuple(cls.from_json(each, learners, classes) for each in told.get("of", ()))
            made = cls(told["method"], shares, matrix, shift, of)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"a pool cannot be read ({error}): train again") from error
        numbers = all(np.isfinite(each).all() for each in (shares, matrix, shift))
        fits = shares.shape == (learners,) and shift.shape == (classes,)
        if not numbers or not fits or bool(of) != (made.method == "mean"):
            raise DamagedError("a pool does not fit its learners and classes: train again")
        return made


@one_thread()
def fit(
    parts: Floats,
    labels: Labels,
    fold: NDArray[np.int8],
    weights: Floats,
    *,
    combine: Combine = "auto",
) -> tuple[Pool, Floats, dict[str, float]]:
    """The pool of opinions (L, n, K) of unseen rows; what it says of rows it was not fitted on.

    Folds (n,) are whole groups. Also tells the log-loss of each way that was tried.
    """
    mean = combine == "auto" and len(parts) > 1 and len(labels) <= MEANT
    few = np.bincount(labels, minlength=parts.shape[2]).min() < LEAST
    tried: dict[str, tuple[Pool, Floats]] = {}
    if combine in ("auto", "vote") or len(parts) == 1:
        tried["vote"] = _crossed(_vote, parts, labels, fold, weights)
    if len(parts) > 1 and combine in ("auto", "product"):
        tried["product"] = _crossed(_product, parts, labels, fold, weights)
    if len(parts) > 1 and (combine == "stack" or (combine == "auto" and not few and not mean)):
        loose = _chosen(parts, labels, fold, weights)
        tried["stack"] = _crossed(_Stack(loose), parts, labels, fold, weights)
    told = {name: log_loss(held, labels, weights) for name, (_, held) in tried.items()}
    best = min(told, key=lambda name: told[name])
    if mean:
        best, tried["mean"] = "mean", _mean(list(tried.values()))
        told["mean"] = log_loss(tried["mean"][1], labels, weights)
    return *tried[best], told


def _mean(ways: list[tuple[Pool, Floats]]) -> tuple[Pool, Floats]:
    """The mean of pools, and of what they say of rows they were not fitted on."""
    first = ways[0][0]
    none = np.zeros_like(first.shares), np.empty((0, *first.matrix.shape[1:]))
    pool = Pool("mean", *none, np.zeros_like(first.shift), tuple(each for each, _ in ways))
    return pool, np.asarray(np.mean([held for _, held in ways], axis=0))


def _crossed(
    fitted: Any, parts: Floats, labels: Labels, fold: NDArray[np.int8], weights: Floats
) -> tuple[Pool, Floats]:
    """The pool of all rows, and for each fold what the pool of the others says."""
    held = np.empty(parts.shape[1:])
    for each in np.unique(fold):
        out, rest = fold == each, fold != each
        held[out] = fitted(parts[:, rest], labels[rest], weights[rest]).apply(parts[:, out])
    return fitted(parts, labels, weights), held


def _vote(parts: Floats, labels: Labels, weights: Floats) -> Pool:
    """Shares of greatest likelihood: each round, what of each row's truth a learner told."""
    classes = parts.shape[2]
    found = shares(parts[:, np.arange(len(labels)), labels], weights, _EQUAL)
    return Pool("vote", found, np.empty((0, classes, classes)), np.zeros(classes))


def _product(parts: Floats, labels: Labels, weights: Floats) -> Pool:
    """Powers and shift of greatest likelihood; a learner that tells nothing new has the power 0."""
    from scipy.optimize import minimize

    from skyquarry.learn.kernels.softmaxes import lost

    count, _, classes = parts.shape
    logs = _logs_of(parts)
    weight = weights * (weights.sum() / (weights @ weights))
    firm, flat = 1.0 / _POWERS["power"] ** 2, 1.0 / _POWERS["shift"] ** 2

    def loss(theta: Floats) -> tuple[float, Floats]:
        off, shift = theta[:count] - 1.0 / count, theta[count:]
        wrong = np.tensordot(theta[:count], logs, axes=1) + shift
        value = lost(wrong, labels, weight)  # scores become what it falls with
        value += 0.5 * firm * (off @ off) + 0.5 * flat * (shift @ shift)
        powers = np.tensordot(logs, wrong, axes=([1, 2], [0, 1])) + firm * off
        return float(value), np.concatenate([powers, wrong.sum(axis=0) + flat * shift])

    start = np.concatenate([np.full(count, 1.0 / count), np.zeros(classes)])
    bounds = [(0.0, None)] * count + [(None, None)] * classes
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-6}
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    ).x  # fmt: skip
    return Pool("product", found[:count], np.empty((0, classes, classes)), found[count:])


def _chosen(parts: Floats, labels: Labels, fold: NDArray[np.int8], weights: Floats) -> float:
    """How loose the prior is to be, by the log-loss of rows not fitted on."""
    if len(labels) > _CHOSEN_ON:
        return 1.0
    losses = [
        log_loss(_crossed(_Stack(loose), parts, labels, fold, weights)[1], labels, weights)
        for loose in _LOOSE
    ]
    return _LOOSE[int(np.argmin(losses))]


@dataclass(frozen=True, slots=True)
class _Stack:
    """The fit of a stack whose prior is so loose."""

    loose: float

    def __call__(self, parts: Floats, labels: Labels, weights: Floats) -> Pool:
        from scipy.optimize import minimize

        from skyquarry.learn.kernels.softmaxes import lost

        count, _, classes = parts.shape
        logs = np.concatenate([_logs(p) for p in parts], axis=1)  # (n, L K)
        start = np.tile(np.eye(classes) / count, (count, 1)).T  # (K, L K)
        near = np.tile(np.eye(classes, dtype=bool), (count, 1)).T
        stiff = 1.0 / (self.loose * np.where(near, _SPREAD["diagonal"], _SPREAD["off"])) ** 2
        flat = 1.0 / (self.loose * _SPREAD["shift"]) ** 2
        scale = float(weights.sum() ** 2 / (weights @ weights)) / float(weights.sum())
        weight = weights * scale

        def loss(theta: Floats) -> tuple[float, Floats]:
            matrix = theta[:-classes].reshape(classes, -1)
            wrong = logs @ matrix.T + theta[-classes:]
            off = matrix - start
            value = lost(wrong, labels, weight)  # scores become what it falls with
            value += 0.5 * float((stiff * off**2).sum())
            value += 0.5 * flat * float(theta[-classes:] @ theta[-classes:])
            slope = wrong.T @ logs + stiff * off
            shift = wrong.sum(axis=0) + flat * theta[-classes:]
            return value, np.concatenate([slope.ravel(), shift])

        begun = np.concatenate([start.ravel(), np.zeros(classes)])
        options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-6}
        found = minimize(loss, begun, jac=True, method="L-BFGS-B", options=options).x
        matrix = found[:-classes].reshape(classes, count, classes).transpose(1, 0, 2)
        return Pool("stack", np.full(count, 1.0 / count), matrix, found[-classes:])


def _logs_of(parts: Floats) -> Floats:
    """(L, n, K) logarithms of all."""
    return np.stack([_logs(p) for p in parts])


def _logs(p: Floats) -> Floats:
    """(n, K) logarithms without their mean, which softmax does not feel."""
    logs = np.log(np.maximum(p, FLOOR))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
