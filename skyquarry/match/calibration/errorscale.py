"""How large the errors of a catalogue really are, from offsets of mutual nearest pairs.

The density of an offset d within the radius R of the search is a mixture,

    p(d) ~ exp(-pi kappa d^2) { (1-c) [ (1-f) N(0, S) + f N(0, S + sigma_b^2 I) ] + c / (pi R^2) }
    S = A + k^2 C + s^2 I

with A the covariance of the reference, C that of the catalogue, k its scale, s its floor, f and
sigma_b its wide component from blends (Wilson & Naylor 2017, MNRAS 468, 2517; here as a second
Gaussian), and c the chance pairs: for circular errors that is Rayleigh, x exp(-x^2/2), beside
2x/r^2. kappa, per arcsec^2, is the crowding, which is counted, not fitted: a pair of separation d
is mutual nearest only where no other source lies within d. Parameters are those of maximum
likelihood; each must earn its place by BIC, so that nothing is found where there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.match.kernels.climbing import climbed, curved
from skyquarry.match.kernels.mixture import mixture, precisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SCALE, FLOOR, WIDE, WIDTH, CHANCE, CROWDING = range(6)
_LEAST: Final = np.array([0.04, 0.0, 0.0, 0.0, 1e-4, 0.0])  # k^2, s^2, f, sigma_b^2, c, kappa
_MOST: Final = np.array([100.0, np.inf, 0.8, np.inf, 0.9999, np.inf])
_MARGIN: Final = 6.0  # beyond BIC: a wide component changes more than a number
_START_WIDE: Final = 0.1  # share of wide errors to climb from: any that is neither none nor most
_START_WIDTHS: Final = (3.0, 0.12)
"""Sigma of the wide component to climb from: in median errors, just told from the narrow one; of
the radius, a blend's that fills a third of it at three sigma. The higher summit is taken."""
_START_FLOOR: Final = 0.3
"""Of the floor that a fit without wide errors has: most of it was theirs."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """What the likelihood is of, in units of `unit` arcsec, so that all is of order one."""

    d: Floats
    """(m, 2)"""
    rest: Floats
    """(m, 3) covariance that is not scaled: the reference's"""
    own: Floats
    """(m, 3)"""
    radius: float
    crowding: float
    unit: float

    @classmethod
    def of(
        cls,
        offset: Floats,
        covariance: Floats,
        own: Floats,
        *,
        radius_arcsec: float,
        crowding: float = 0.0,
    ) -> Offsets:
        """Offsets (m, 2) arcsec with their covariance, of which `own` is the catalogue's part.

        `crowding` is in rivals per arcsec^2.
        """
        unit = float(np.sqrt(0.5 * np.median(covariance[:, 0] + covariance[:, 1])))
        rest = (covariance - own) / unit**2
        return cls(
            np.ascontiguousarray(offset / unit),
            rest,
            own / unit**2,
            radius_arcsec / unit,
            crowding * unit**2,
            unit,
        )

    def __len__(self) -> int:
        return len(self.d)

    def take(self, index: NDArray[np.bool_] | slice) -> Offsets:
        """These pairs, in the same unit."""
        return replace(self, d=self.d[index], rest=self.rest[index], own=self.own[index])


@dataclass(frozen=True, slots=True)
class Shape:
    """A fit: the six parameters, in units of the offsets, and its log likelihood."""

    theta: Floats
    """(6,) k^2, s^2, f, sigma_b^2, c, kappa"""
    ln_likelihood: float
    free: tuple[int, ...]


# ------------------------------------------------------------------ likelihood
def likelihood(theta: Floats, data: Offsets) -> tuple[float, Floats, Floats]:
    """(ln L, its gradient (5,), which component each offset is of (3, m): narrow, wide, chance).

    The gradient is in all but the crowding, which is not fitted.
    """
    k2, s2, f, b2, c, kappa = theta
    with np.errstate(divide="ignore"):
        weights = np.log([(1 - c) * (1 - f), (1 - c) * f, c])
    share, slopes = np.empty((3, len(data))), np.empty(3)
    chance = _ln_uniform(data.radius, kappa)
    columns = (data.d, data.rest, data.own)
    value = mixture(*columns, k2, s2, b2, kappa, weights, chance, share, slopes)
    n1, n2, n0 = share.sum(axis=1)
    slope = np.zeros(5)
    slope[[SCALE, FLOOR, WIDTH]] = slopes
    slope[WIDE] = (n2 / f if f > 0 else 0.0) - n1 / (1 - f)
    slope[CHANCE] = n0 / c - (n1 + n2) / (1 - c)
    return float(value), slope, share


def _ln_uniform(radius: float, kappa: float) -> float:
    """Logarithm of the density exp(-pi kappa d^2), normalised within the radius, at d = 0."""
    area = np.pi * radius**2
    z = area * kappa
    norm = 0.5 * z if z < 1e-5 else np.log(z) - np.log(-np.expm1(-z))
    return float(norm - np.log(area))


# ------------------------------------------------------------------ one fit
def fit_shape(data: Offsets, start: Floats, free: tuple[int, ...]) -> Shape:
    """The most likely parameters; those not in `free` stay as they start.

    Newton's steps within bounds: converged far below the statistical error, so that the same pairs
    elsewhere on the sky give the same numbers.
    """
    low, high = limits(data)
    moves = np.isin(np.arange(6), free)
    theta = np.where(moves, np.clip(start, low, high), start)
    chance = _ln_uniform(data.radius, theta[CROWDING])
    value = climbed(data.d, data.rest, data.own, theta, moves, low, high, chance)
    return Shape(theta, float(value), free)


def limits(data: Offsets) -> tuple[Floats, Floats]:
    """The bounds (6,) of the parameters: the wide component is wide, and fits into the radius."""
    low, high = _LEAST.copy(), _MOST.copy()
    high[WIDTH] = (data.radius / 3.0) ** 2
    low[WIDTH] = min(1.0, 0.5 * high[WIDTH])
    high[FLOOR] = high[WIDTH]
    return low, high


def hessian(theta: Floats, data: Offsets, where: list[int]) -> Floats:
    """Second derivatives of ln L among the parameters `where`."""
    slope, second, product = np.empty(5), np.empty((5, 5)), np.empty((5, 5))
    chance = _ln_uniform(data.radius, theta[CROWDING])
    wide = WIDE in where or bool(theta[WIDE] > 0.0)
    curved(data.d, data.rest, data.own, theta, chance, wide, slope, second, product)
    return np.asarray(second[np.ix_(where, where)])


def precision(theta: Floats, data: Offsets) -> Floats:
    """Expected inverse covariances (m, 3), in units of the offsets: over narrow, wide, chance."""
    k2, s2, f, b2, c, kappa = theta
    found = np.empty((len(data), 3))
    with np.errstate(divide="ignore"):
        weights = np.log([(1 - c) * (1 - f), (1 - c) * f, c])
    chance = _ln_uniform(data.radius, kappa)
    precisions(data.d, data.rest, data.own, k2, s2, b2, kappa, weights, chance, found)
    return found


# ------------------------------------------------------------------ which parameters
def neutral(chance: float = 0.05) -> Floats:
    """The parameters (6,) of errors that are as stated."""
    return np.array([1.0, 0.0, 0.0, 1.0, chance, 0.0])


def choose_shape(data: Offsets, start: Floats | None = None) -> Shape:
    """The fit whose parameters all earn their place (Schwarz 1978): 2 ln L less ln n for each."""
    begin = neutral() if start is None else start.copy()
    begin[WIDE], begin[CROWDING] = 0.0, data.crowding
    pairs = len(data)
    alone = fit_shape(data, begin, (SCALE, FLOOR, CHANCE))
    free = (*alone.free, WIDE, WIDTH)
    mixed = [fit_shape(data, each, free) for each in _starts(alone, data)]
    best = max([alone, *mixed], key=lambda each: _score(each, pairs))
    simpler = [best]
    for held in ((SCALE,), (FLOOR,), (SCALE, FLOOR)):
        theta = best.theta.copy()
        theta[list(held)] = neutral()[list(held)]
        simpler.append(fit_shape(data, theta, tuple(n for n in best.free if n not in held)))
    return max(simpler, key=lambda each: _score(each, pairs))


def _score(shape: Shape, pairs: int) -> float:
    """2 ln L less what the parameters cost; the larger the better."""
    extra = _MARGIN if WIDE in shape.free else 0.0
    return float(2.0 * shape.ln_likelihood - np.log(pairs) * len(shape.free) - extra)


def _starts(alone: Shape, data: Offsets) -> list[Floats]:
    """Where the search for a wide component begins: a few errors, and much of the radius."""
    found = []
    errors, radii = _START_WIDTHS
    for width in (errors, radii * data.radius):
        theta = alone.theta.copy()
        theta[WIDE], theta[WIDTH] = _START_WIDE, width**2
        theta[FLOOR] *= _START_FLOOR
        theta[SCALE] = np.sqrt(theta[SCALE])  # k^2: half way to 1 in its logarithm
        found.append(theta)
    return found


def wide_fraction(theta: Floats, data: Offsets) -> float:
    """The f of sources, not of mutual pairs: wide ones lose more often to a chance neighbour."""
    k2, s2, f, b2, _, kappa = theta
    if f <= 0.0 or kappa <= 0.0:
        return float(f)
    size = float(np.median(0.5 * (data.rest + k2 * data.own)[:, :2].sum(axis=1))) + s2
    kept = 1.0 / (1.0 + 2.0 * np.pi * kappa * np.array([size, size + b2]))
    whole = np.array([1.0 - f, f]) / kept
    return float(whole[1] / whole.sum())
