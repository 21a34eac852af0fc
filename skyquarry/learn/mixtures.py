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
    from collections.abc import Mapping

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
        from skyquarry.learn.kernels.gaussians import least_square

        parts = Parts.of(x)
        told, squares = np.full(len(x), -np.inf), np.empty(len(parts.rows))
        _sound(
            least_square(
                parts.turned, parts.starts, parts.known, self.mean, self.covariance, squares
            )
        )
        free = np.repeat(parts.known.sum(axis=1), np.diff(parts.starts))
        small = 2.0 / (9.0 * free)
        told[parts.rows] = (np.cbrt(squares / free) - 1.0 + small) / np.sqrt(small)
        return told

    def log_density(self, parts: Parts, n: int) -> Floats:
        """(n,) of the rows that `parts` tell: up to a number that only what they lack decides.

        Of a row without any value it is 0, whatever the mixture.
        """
        from skyquarry.learn.kernels.gaussians import log_density

        told, found = np.zeros(n), np.empty(len(parts.rows))
        _sound(
            log_density(
                parts.turned, parts.starts, parts.known, self.weight, self.mean, self.covariance,
                found,
            )
        )  # fmt: skip
        told[parts.rows] = found
        return told

    def likely(self, x: Floats) -> Floats:
        """Rows (n, d), NaN where missing, with the expectation of what they lack.

        A row without any value becomes the mean of all.
        """
        from skyquarry.learn.kernels.gaussians import likely

        parts = Parts.of(x)
        told = np.tile(self.weight @ self.mean, (len(x), 1))
        filled = np.empty((len(parts.rows), x.shape[1]))
        _sound(
            likely(
                parts.turned, parts.starts, parts.known, self.weight, self.mean, self.covariance,
                filled,
            )
        )  # fmt: skip
        told[parts.rows] = filled
        return told

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {name: getattr(self, name).tolist() for name in ("weight", "mean", "covariance")}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Mixture:
        """From what `to_json` gave."""
        names = ("weight", "mean", "covariance")
        return cls(*(np.array(told[name], np.float64) for name in names))


def fit(
    x: Floats,
    seed: int | list[int] = 0,
    *,
    rows_each: int = _ROWS_A_NUMBER,
    ridge: Floats | None = None,
) -> Mixture:
    """The mixture of rows (n, d), NaN where missing, by expectation and maximisation.

    It has a component for each `rows_each` rows a feature. `ridge` (d, d) is added to covariances:
    where it is a share of the rows' own, the fit is the same in any units and mixes of features;
    None: features are of one scale.

    The rows are sorted first, so that their order does not matter.
    """
    rows = x[np.isfinite(x).any(axis=1)]
    rows = rows[np.lexsort(np.nan_to_num(rows, nan=1e30).T)]
    random = np.random.default_rng(seed)
    if len(rows) > _MOST_ROWS:
        rows = rows[np.sort(random.permutation(len(rows))[:_MOST_ROWS])]
    number = components(len(rows), x.shape[1], rows_each)
    firm = _RIDGE * np.eye(x.shape[1]) if ridge is None else ridge
    made, parts = _start(rows, number, random, firm), Parts.of(rows)
    for _ in range(_STEPS):
        old, made = made, step(parts, made, firm)
        if np.abs(made.mean - old.mean).max() < _STILL:
            break
    return made


def components(rows: int, features: int, rows_each: int = _ROWS_A_NUMBER) -> int:
    """How many so many rows can tell."""
    return int(np.clip(rows // (rows_each * features), 1, _MOST_COMPONENTS))


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows by which features they have; those without any are left out."""

    rows: NDArray[np.intp]
    """(m,) their numbers: pattern after pattern, rising in each"""
    turned: Floats
    """(d, m)"""
    starts: NDArray[np.int64]
    """(P + 1,) where each pattern begins"""
    known: NDArray[np.bool_]
    """(P, d)"""

    @classmethod
    def of(cls, x: Floats) -> Parts:
        """Those of rows (n, d), NaN where missing."""
        known = np.isfinite(x)
        packed = np.packbits(known, axis=1, bitorder="little")
        order = np.lexsort(packed.T)
        rows = order[known[order].any(axis=1)]
        there = known[rows]
        first = np.flatnonzero(np.r_[len(rows) > 0, (there[1:] != there[:-1]).any(axis=1)])
        starts = np.append(first, len(rows)).astype(np.int64)
        return cls(rows, np.ascontiguousarray(x[rows].T, np.float64), starts, there[first])


def step(parts: Parts, old: Mixture, ridge: Floats) -> Mixture:
    """What one round of expectation and maximisation makes of a mixture."""
    from skyquarry.learn.kernels.gaussians import expected

    number, d = old.mean.shape
    held, first, second = np.zeros(number), np.zeros((number, d)), np.zeros((number, d, d))
    _sound(
        expected(
            parts.turned, parts.starts, parts.known, old.weight, old.mean, old.covariance,
            held, first, second,
        )
    )  # fmt: skip
    return _maximised(held, first, second, ridge)


def _sound(told: Any) -> None:
    if not told:
        raise np.linalg.LinAlgError("a covariance of a mixture is not positive definite")


def _start(x: Floats, number: int, random: np.random.Generator, ridge: Floats) -> Mixture:
    """Centres far from each other (k-means++), each with the covariance of all rows."""
    filled = np.where(np.isfinite(x), x, np.nan_to_num(_mean(x)))
    centres = filled[random.integers(len(filled), size=1)]
    unit = np.linalg.inv(np.linalg.cholesky(ridge / ridge[0, 0])).T
    while len(centres) < number:
        gap = (((filled[:, None, :] - centres) @ unit) ** 2).sum(axis=2).min(axis=1)
        chosen = np.searchsorted(np.cumsum(gap), random.random() * gap.sum())
        centres = np.vstack([centres, filled[min(int(chosen), len(filled) - 1)]])
    spread = (filled - filled.mean(axis=0)).T @ (filled - filled.mean(axis=0)) / len(filled)
    wide = np.repeat((spread + ridge)[None], number, axis=0)
    if number == 1:
        centres = filled.mean(axis=0)[None]
    return Mixture(np.full(number, 1.0 / number), centres, wide)


def _mean(x: Floats) -> Floats:
    known = np.isfinite(x)
    return np.asarray(np.where(known, x, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _maximised(held: Floats, first: Floats, second: Floats, ridge: Floats) -> Mixture:
    """The mixture of sums (C,), (C, d), (C, d, d) of rows by their share in each component."""
    d = first.shape[1]
    held = np.maximum(held, 1e-6)
    mean = first / held[:, None]
    covariance = second / held[:, None, None] - mean[:, :, None] * mean[:, None, :]
    # a component that few rows hold leans on the covariance of all
    overall = np.einsum("c,cij->ij", held / held.sum(), covariance)
    lean = (2.0 * d / (held + 2.0 * d))[:, None, None]
    covariance = (1.0 - lean) * covariance + lean * overall + ridge
    return Mixture(held / held.sum(), mean, 0.5 * (covariance + covariance.transpose(0, 2, 1)))
