"""Where a class lies in the space of features: a mixture of Gaussians that bears missing values.

Missing values are marginalised, not filled in (Ghahramani & Jordan 1994): rows of one pattern of
missing values share their matrices. The distance of a row is that to the nearest component, told as
a normal deviate, so that rows with few values and rows with many can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST_COMPONENTS: Final = 8
_ROWS_A_NUMBER: Final = 40
"""rows for each component and feature: fewer cannot tell a covariance"""
_RIDGE: Final = 2e-3
"""added to variances of features that were scaled to 1"""
_STEPS: Final = 25
_STILL: Final = 2e-3
"""no centre moves more: at the end"""
_MOST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Mixture:
    """Components of one class, in scaled features."""

    weight: Floats
    """(C,)"""
    mean: Floats
    """(C, d)"""
    covariance: Floats
    """(C, d, d)"""

    def distance(self, x: Floats) -> Floats:
        """(n,): normal deviate of the distance to the nearest component; rows (n, d), NaN missing.

        By the cube root of chi^2 (Wilson & Hilferty 1931). A row without any value is at -inf: it
        tells nothing against the class.
        """
        told = np.full(len(x), -np.inf)
        for rows, there in patterns(x):
            if not there.any():
                continue
            squares = [
                _square(x[rows][:, there], self.mean[c, there], self._block(c, there))[0]
                for c in range(len(self.weight))
            ]
            free = int(there.sum())
            small = 2.0 / (9.0 * free)
            told[rows] = (np.cbrt(np.min(squares, axis=0) / free) - 1.0 + small) / np.sqrt(small)
        return told

    def _block(self, component: int, there: NDArray[np.bool_]) -> Floats:
        return np.asarray(self.covariance[component][np.ix_(there, there)])

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {name: getattr(self, name).tolist() for name in ("weight", "mean", "covariance")}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Mixture:
        """From what `to_json` gave."""
        names = ("weight", "mean", "covariance")
        return cls(*(np.array(told[name], np.float64) for name in names))


def fit(x: Floats, seed: int = 0) -> Mixture:
    """The mixture of rows (n, d), NaN where missing, by expectation and maximisation.

    The rows are sorted first, so that their order does not matter.
    """
    rows = x[np.isfinite(x).any(axis=1)]
    rows = rows[np.lexsort(np.nan_to_num(rows, nan=1e30).T)]
    random = np.random.default_rng(seed)
    if len(rows) > _MOST_ROWS:
        rows = rows[np.sort(random.permutation(len(rows))[:_MOST_ROWS])]
    number = int(np.clip(len(rows) // (_ROWS_A_NUMBER * x.shape[1]), 1, _MOST_COMPONENTS))
    made = _start(rows, number, random)
    parts = [(rows[here][:, there], there) for here, there in patterns(rows)]
    for _ in range(_STEPS):
        old, made = made, _step(parts, made)
        if np.abs(made.mean - old.mean).max() < _STILL:
            break
    return made


def patterns(x: Floats) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Row numbers of each pattern of missing values, and which features are there."""
    known = np.isfinite(x)
    code = known @ (1 << np.arange(x.shape[1], dtype=np.int64))
    order = np.argsort(code, kind="stable")
    first = np.flatnonzero(np.diff(code[order], prepend=-1))
    for rows in np.split(order, first[1:]):
        if len(rows):
            yield rows, known[rows[0]]


def _square(x: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, float]:
    """Mahalanobis' squared distance of complete rows, and the log-determinant."""
    from scipy.linalg import solve_triangular

    root = np.linalg.cholesky(covariance)
    away = solve_triangular(root, (x - mean).T, lower=True, check_finite=False)
    return (away**2).sum(axis=0), 2.0 * float(np.log(np.diag(root)).sum())


def _start(x: Floats, number: int, random: np.random.Generator) -> Mixture:
    """Centres far from each other (k-means++), each with the covariance of all rows."""
    filled = np.where(np.isfinite(x), x, np.nan_to_num(_mean(x)))
    centres = filled[random.integers(len(filled), size=1)]
    while len(centres) < number:
        gap = ((filled[:, None, :] - centres) ** 2).sum(axis=2).min(axis=1)
        chosen = np.searchsorted(np.cumsum(gap), random.random() * gap.sum())
        centres = np.vstack([centres, filled[min(int(chosen), len(filled) - 1)]])
    spread = (filled - filled.mean(axis=0)).T @ (filled - filled.mean(axis=0)) / len(filled)
    ridge = _RIDGE * np.eye(x.shape[1])
    wide = np.repeat((spread + ridge)[None], number, axis=0)
    if number == 1:
        centres = filled.mean(axis=0)[None]
    return Mixture(np.full(number, 1.0 / number), centres, wide)


def _mean(x: Floats) -> Floats:
    known = np.isfinite(x)
    return np.asarray(np.where(known, x, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _step(parts: list[tuple[Floats, NDArray[np.bool_]]], old: Mixture) -> Mixture:
    """Rows by pattern come in, each with the features it has."""
    number, d = old.mean.shape
    held, first, second = np.zeros(number), np.zeros((number, d)), np.zeros((number, d, d))
    for part, there in parts:
        share = _shares(part, there, old)
        for c in range(number):
            weight = share[:, c]
            filled, rest = _completed(part, there, old.mean[c], old.covariance[c])
            held[c] += weight.sum()
            first[c] += weight @ filled
            second[c] += (filled * weight[:, None]).T @ filled + weight.sum() * rest
    held = np.maximum(held, 1e-6)
    mean = first / held[:, None]
    covariance = second / held[:, None, None] - mean[:, :, None] * mean[:, None, :]
    # a component that few rows hold leans on the covariance of all
    overall = np.einsum("c,cij->ij", held / held.sum(), covariance)
    lean = (2.0 * d / (held + 2.0 * d))[:, None, None]
    covariance = (1.0 - lean) * covariance + lean * overall + _RIDGE * np.eye(d)
    return Mixture(held / held.sum(), mean, 0.5 * (covariance + covariance.transpose(0, 2, 1)))


def _shares(part: Floats, there: NDArray[np.bool_], old: Mixture) -> Floats:
    """(n, C): how far each row of one pattern belongs to each component."""
    scores = np.empty((len(part), len(old.weight)))
    for c, weight in enumerate(old.weight):
        square, volume = _square(part, old.mean[c, there], old.covariance[c][np.ix_(there, there)])
        scores[:, c] = np.log(max(float(weight), 1e-12)) - 0.5 * (square + volume)
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _completed(
    part: Floats, there: NDArray[np.bool_], mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Rows (n, d) with the expected missing values; (d, d) the covariance these still have."""
    filled = np.empty((len(part), len(mean)))
    filled[:, there] = part
    rest = np.zeros_like(covariance)
    if not there.all():
        cross = covariance[np.ix_(~there, there)]
        slope = np.linalg.solve(covariance[np.ix_(there, there)], cross.T).T
        filled[:, ~there] = mean[~there] + (part - mean[there]) @ slope.T
        rest[np.ix_(~there, ~there)] = covariance[np.ix_(~there, ~there)] - slope @ cross.T
    return filled, rest
