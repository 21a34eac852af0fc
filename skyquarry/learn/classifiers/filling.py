"""What is not measured, told from what is: each row's likely values.

Where rows are enough to tell several clouds apart, by a mixture of Gaussians (`Clouds`): what lies
on the sequence of stars is filled as stars are, and between clouds by the share of each. Where they
are not, by a factor analysis (`Factors`),
x = mean + loadings z + noise, z normal, noise of each feature its own (Rubin & Thayer 1982,
Psychometrika 47, 69), fitted by expectation maximisation to what is measured of each row
(Ghahramani & Jordan 1994, NIPS 6, 120). A colour that is the difference of two others is filled
from these, a magnitude from its neighbours. Whether a value lacks must say nothing of what it is.
On inner folds of rows with a tenth of their cells blanked the log-loss of the kernel fell by clouds
from 0.390 to 0.386 (DR17) and from 0.137 to 0.134 (DR14), that of the whole by 0.0037 and 0.0033.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from skyquarry.learn import mixtures
from skyquarry.learn.classifiers.similarity import of_arrays
from skyquarry.learn.onethread import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_FACTORS: Final = 8
_ROUNDS: Final = 30
_LEAST_NOISE: Final = 0.02
"""variance of a feature about its factors, where features have quartiles 1 apart"""
_RIDGE: Final = 1e-3
"""rows without loadings that each feature counts, so that one hardly measured has some"""
_ROWS: Final = 5_000
"""that it is fitted to: numbers are few"""


@one_thread()
def filling_of(scaled: Single, missing: Mask) -> Filling:
    """Of scaled rows (n, p), 0 where missing: by clouds where rows can tell two or more."""
    several = mixtures.components(min(len(scaled), _ROWS), scaled.shape[1]) > 1
    return (Clouds if several else Factors).of(scaled, missing)


def filling_of_arrays(kept: Mapping[str, NDArray[Any]], prefix: str) -> Filling:
    """What `arrays_of` gave of either. Raises KeyError."""
    if f"{prefix}.weight" in kept:
        return of_arrays(Clouds, kept, prefix)
    return of_arrays(Factors, kept, prefix)


@dataclass(frozen=True, slots=True)
class Clouds:
    """A mixture of Gaussians of scaled features."""

    weight: Floats
    """(C,)"""
    mean: Floats
    """(C, p)"""
    covariance: Floats
    """(C, p, p)"""

    @classmethod
    def of(cls, scaled: Single, missing: Mask) -> Self:
        """Of scaled rows (n, p), 0 where missing."""
        rows = _some(len(scaled))
        made = mixtures.fit(np.where(missing[rows], np.nan, scaled[rows].astype(np.float64)))
        return cls(made.weight, made.mean, made.covariance)

    def apply(self, scaled: Single, missing: Mask) -> Single:
        """The rows (n, p), filled where missing; what is measured stays as it is."""
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows):
            return scaled
        held = mixtures.Mixture(self.weight, self.mean, self.covariance)
        told = held.likely(np.where(missing[rows], np.nan, scaled[rows].astype(np.float64)))
        filled = scaled.copy()
        filled[rows] = np.where(missing[rows], told, scaled[rows])
        return filled


@dataclass(frozen=True, slots=True)
class Factors:
    """A factor analysis of scaled features."""

    mean: Floats
    """(p,)"""
    loadings: Floats
    """(p, r)"""
    noise: Floats
    """(p,) variances"""

    @classmethod
    def of(cls, scaled: Single, missing: Mask) -> Self:
        """Of scaled rows (n, p), 0 where missing."""
        rows = _some(len(scaled))
        x, known = scaled[rows].astype(np.float64), (~missing[rows]).astype(np.float64)
        seen = np.maximum(known.sum(axis=0), 1.0)
        p = x.shape[1]
        _, wide, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        r = min(_FACTORS, len(wide), p - 1)
        made = cls(
            x.sum(axis=0) / seen, axes[:r].T * (wide[:r] / np.sqrt(len(x))), np.ones(p)
        )  # fmt: skip
        for _ in range(_ROUNDS if r else 0):
            made = made._better(x, known, seen)
        return made

    def apply(self, scaled: Single, missing: Mask) -> Single:
        """The rows (n, p), filled where missing; what is measured stays as it is."""
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows) or not self.loadings.shape[1]:
            return scaled
        x = np.where(missing[rows], 0.0, scaled[rows].astype(np.float64))
        factors, _ = self._factors(x, (~missing[rows]).astype(np.float64))
        told = self.mean + factors @ self.loadings.T
        filled = scaled.copy()
        filled[rows] = np.where(missing[rows], told, scaled[rows])
        return filled

    def _factors(self, x: Floats, known: Floats) -> tuple[Floats, Floats]:
        """Mean (n, r) and covariance (n, r, r) of each row's factors, from what is known of it."""
        p, r = self.loadings.shape
        kinds, place = _kinds(known)
        squares = (self.loadings[:, :, None] * self.loadings[:, None, :]).reshape(p, r * r)
        firm = (known[kinds] / self.noise) @ squares
        spread = np.linalg.inv(np.eye(r) + firm.reshape(-1, r, r))[place]
        pull = ((x - self.mean) * known / self.noise) @ self.loadings
        return np.einsum("nij,nj->ni", spread, pull), spread

    def _better(self, x: Floats, known: Floats, seen: Floats) -> Self:
        """After one more round: of each feature a regression on the factors, and 1."""
        r = self.loadings.shape[1]
        factors, spread = self._factors(x, known)
        both = np.concatenate([factors, np.ones((len(x), 1))], axis=1)
        square = both[:, :, None] * both[:, None, :]
        square[:, :r, :r] += spread
        square = (known.T @ square.reshape(len(x), -1)).reshape(-1, r + 1, r + 1)
        square += _RIDGE * np.eye(r + 1)
        told = (known * x).T @ both
        slope = np.linalg.solve(square, told[:, :, None])[:, :, 0]
        left = (known * x**2).sum(axis=0) - 2.0 * (slope * told).sum(axis=1)
        left += np.einsum("pi,pij,pj->p", slope, square, slope)
        return type(self)(slope[:, r], slope[:, :r], np.maximum(left / seen, _LEAST_NOISE))


def _some(rows: int) -> NDArray[np.intp]:
    """Numbers of those that are fitted to."""
    return np.linspace(0, rows - 1, min(rows, _ROWS)).astype(np.intp)


def _kinds(known: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of which each has other gaps, and the place among these of each row (n,)."""
    bits = np.packbits(known > 0.0, axis=1)
    whole = np.ascontiguousarray(bits).view(np.dtype((np.void, bits.shape[1])))[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    return first, place


Filling = Clouds | Factors
