"""The Rayleigh test: whether separations of matches are what their errors say.

x, the separation in standard errors, of real pairs follows x exp(-x^2/2), that of chance pairs
2x/k^2 up to the limit k (Pineau et al. 2011, A&A 527, A126). If errors are wrong by a factor s, x
is: the factor is fitted together with the numbers of real and chance pairs (crossmatch.md 4b).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.match.numbers import TINY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_PAIRS: Final = 20
MEDIAN_CHI2: Final = 2.0 * float(np.log(2.0))


@dataclass(frozen=True, slots=True)
class RayleighTest:
    """What the separations of accepted pairs say of the errors; None where they are too few."""

    pairs: int
    true: float | None
    """N_t, pairs that are real"""
    false: float | None
    """N_f, pairs by chance"""
    scale: float | None
    """what errors should be multiplied by: 1 where they are right"""
    scale_error: float | None
    median_chi2: float | None
    """of all; 1.386 where errors are right and no pair is by chance"""
    ks_distance: float | None
    """largest difference from the cumulative Rayleigh curve with errors as they are"""
    ks_p: float | None
    """how likely a difference so large is by chance (Kolmogorov)"""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def rayleigh_test(counts: Ints, largest: float, limit: float) -> RayleighTest:
    """The test on counts (bins,) of separations from 0 to `largest`, cut off at `limit`."""
    edges = np.linspace(0.0, largest, len(counts) + 1)
    used = counts[edges[:-1] < limit]
    edges = np.minimum(edges[: len(used) + 1], limit)
    pairs = int(used.sum())
    if pairs < LEAST_PAIRS:
        return RayleighTest(pairs, *(None,) * 7)
    share, scale, error = _fitted(used, edges)
    distance = float(np.abs(np.cumsum(used) / pairs - _cumulative(edges, 1.0)[1:]).max())
    return RayleighTest(
        pairs=pairs,
        true=pairs * share,
        false=pairs * (1.0 - share),
        scale=scale,
        scale_error=error,
        median_chi2=_median(used, edges) ** 2,
        ks_distance=distance,
        ks_p=_kolmogorov(distance, pairs),
    )


def _cumulative(edges: Floats, scale: float) -> Floats:
    """The Rayleigh curve up to each edge, cut off at the last."""
    curve = -np.expm1(-0.5 * (edges / scale) ** 2)
    return np.asarray(curve / curve[-1])


def _fitted(counts: Ints, edges: Floats) -> tuple[float, float, float]:
    """(share of real pairs, scale, its standard error) of maximum likelihood."""
    from scipy.optimize import minimize

    chance = np.diff(edges**2) / edges[-1] ** 2

    def cost(at: Floats) -> float:
        expected = at[0] * np.diff(_cumulative(edges, at[1])) + (1.0 - at[0]) * chance
        return -float(counts @ np.log(np.maximum(expected, TINY)))

    found = minimize(
        cost,
        np.array([0.9, 1.0]),
        method="L-BFGS-B",
        bounds=[(0.0, 1.0), (0.05, 1.5)],
        options={"ftol": 1e-13},
    )
    share, scale = (float(value) for value in found.x)
    step = 1e-3
    ends = [cost(np.array([share, scale + sign * step])) for sign in (-1.0, 0.0, 1.0)]
    curvature = (ends[0] - 2.0 * ends[1] + ends[2]) / step**2
    return share, scale, float(1.0 / np.sqrt(max(curvature, 1e-12)))


def _median(counts: Ints, edges: Floats) -> float:
    """By line within the bin that holds it."""
    passed = np.cumsum(counts)
    half = 0.5 * passed[-1]
    number = int(np.searchsorted(passed, half))
    before = passed[number] - counts[number]
    part = (half - before) / max(counts[number], 1)
    return float(edges[number] + part * (edges[number + 1] - edges[number]))


def _kolmogorov(distance: float, pairs: int) -> float:
    from scipy.special import kolmogorov

    return float(kolmogorov(distance * np.sqrt(pairs)))
