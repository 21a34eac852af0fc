"""The second search: stars so fast that the first one, within the errors, cannot find them.

Barnard's star moves by 10.4"/yr, and what is cooler than Gaia sees (T and Y dwarfs) moves fastest:
between 2MASS and WISE a star may go 100". Rows that found nobody, whose motion nobody knows, and
that are bright or red, are searched again as far as the fastest star goes in the time between; what
is found is judged like any pair, by the evidence with one more component of motion
(`MotionPrior.with_fastest`), which pays for its width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import Points, find_pairs
from skyquarry.match.given.cool import KNOWN_RED
from skyquarry.match.likelihood.epochs import has_motion, largest_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.motionprior import MotionPrior

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FASTEST_ARCSEC_YR = 10.5
"""A little above Barnard's star, the fastest known."""
BRIGHT_MAG = 14.0
"""An M5 dwarf (absolute J of 9) has it at 100 pc, where 1"/yr is 474 km/s, and hardly a star is so
fast: what moves by more and is no cooler is brighter; what is cooler is red."""
_ARCSEC2_PER_DEG2 = 3600.0**2


@dataclass(frozen=True, slots=True)
class FastRule:
    """Which rows are worth a second search."""

    bright_mag: float = BRIGHT_MAG
    """rows at least as bright: the nearest stars are"""
    least_cool: float = KNOWN_RED
    """rows that may be a dwarf of M8 or cooler (`Rows.cool`) at least as probably as this"""
    fastest_arcsec_yr: float = FASTEST_ARCSEC_YR


def eligible(rows: Rows, matched: Mask, rule: FastRule) -> Mask:
    """(n,) rows without a match and without a motion that are bright or red, and not extended."""
    with np.errstate(invalid="ignore"):
        stellar = (rows.mag <= rule.bright_mag) | (rows.cool >= rule.least_cool)
    return stellar & ~(rows.extended > 0.5) & free(rows, matched)


def free(rows: Rows, matched: Mask) -> Mask:
    """(n,) rows that a fast star may have gone to: without a match, motion unknown, epoch known."""
    return ~matched & ~has_motion(rows) & ~np.isnan(rows.epoch)


def fast_candidates(
    a: Rows,
    b: Rows,
    free_rows: tuple[Mask, Mask],
    fast_rows: tuple[Mask, Mask],
    k: float,
    fastest_arcsec_yr: float = FASTEST_ARCSEC_YR,
) -> tuple[Ints, Ints]:
    """Rows i (m,) of `a` and j (m,) of `b` that may be one fast star; sorted by i, then j.

    Both are free, one at least is eligible (`fast_rows`), and they are no farther apart than the
    fastest star goes between their epochs, plus k sigma.
    """
    which = [np.flatnonzero(mask) for mask in free_rows]
    if not all(map(len, which)):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    some_a, some_b = a.take(which[0]), b.take(which[1])
    found = []
    for mine in (True, False):
        rows, others = (some_a, some_b) if mine else (some_b, some_a)
        seek = np.flatnonzero(fast_rows[0 if mine else 1][which[0 if mine else 1]])
        pairs = _pairs(rows.take(seek), others, k, fastest_arcsec_yr)
        found.append((seek[pairs[0]], pairs[1]) if mine else (pairs[1], seek[pairs[0]]))
    both = np.unique(np.concatenate([np.stack(each, axis=1) for each in found]), axis=0)
    return which[0][both[:, 0]], which[1][both[:, 1]]


def _pairs(rows: Rows, others: Rows, k: float, speed: float) -> tuple[Ints, Ints]:
    if not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = float(others.epoch.min()), float(others.epoch.max())
    longest = np.maximum(np.abs(low - rows.epoch), np.abs(high - rows.epoch))
    sigma = [np.sqrt(largest_variance(each.covariance)) for each in (rows, others)]
    radius = np.minimum(speed * longest + k * sigma[0], 648_000.0)
    found = find_pairs(_points(rows), _points(others), radius, right_radius_arcsec=k * sigma[1])
    i, j = found.left, found.right
    years = np.abs(rows.epoch[i] - others.epoch[j])
    near = found.sep_arcsec <= speed * years + k * np.hypot(sigma[0][i], sigma[1][j])
    return i[near], j[near]


def _points(rows: Rows) -> Points:
    return Points(rows.ra_deg, rows.dec_deg, rows.spatial, rows.rank)


# ---------------------------------------------------------------- what it can find


@dataclass(frozen=True, slots=True)
class Conditions:
    """What decides whether a fast star is found: a pair of catalogues, in numbers."""

    years: float
    """between the epochs"""
    sigma_arcsec: float
    """error per axis of a separation"""
    left_deg2: float
    """rows that are alone and take part in the second search, per deg^2"""
    right_deg2: float
    both_deg2: float
    """objects of both catalogues, per deg^2: the prior of a pair"""
    k: float = 3.4393
    """the first search goes to chi2 = k^2"""
    share_eligible: float = 1.0
    """of the fast stars, those bright or red enough"""


def completeness_by_speed(
    edges_arcsec_yr: Floats, case: Conditions, prior: MotionPrior, weights: Floats
) -> Floats:
    """(bins,) expected share of the stars of each speed bin that are matched with P > 1/2.

    A star of speed v is s = v years away. The first search accepts it while
    s <= sqrt(k^2 sigma^2 + (far years)^2), far: k times the slow, or what few exceed
    (`MotionPrior.farthest_masyr`). Beyond, it must be eligible, no faster than 10.5"/yr, and

        ln[nu_12 / (nu_1 nu_2)] + ln sum_k w_k N(s; sigma^2 + sigma_k^2 years^2) > 0

    (the gain of crossmatch.md, section 1.5, for isotropic Gaussians N in the plane: it falls with
    s, so that there is a largest s), and neither row may have a nearer chance neighbour, of
    probability exp(-pi s^2 (nu_1 + nu_2)). The mean over a bin of speeds is an error function.
    `weights` (k,) are those of the prior's components for such a row; the scatter of the first
    limit by the errors is left out, which is much less than a bin.
    """
    edges = np.asarray(edges_arcsec_yr, np.float64)
    low, high = edges[:-1], edges[1:]
    if case.years <= 0.0:
        return np.full(len(low), -np.expm1(-0.5 * case.k**2))
    moving = weights * (prior.sigmas_masyr > 0.0)
    few_exceed = np.sqrt(2.0) * float(prior.farthest_masyr(moving[np.newaxis] / moving.sum())[0])
    far = max(case.k * prior.slow_masyr, few_exceed) * 1e-3
    first = np.hypot(case.k * case.sigma_arcsec / case.years, far)
    last = min(FASTEST_ARCSEC_YR, _farthest(case, prior, weights) / case.years)
    kept = -np.expm1(-0.5 * case.k**2) * np.clip(first - low, 0.0, high - low)
    rate = np.pi * (case.left_deg2 + case.right_deg2) / _ARCSEC2_PER_DEG2 * case.years**2
    start, stop = np.clip(low, first, None), np.clip(high, None, last)
    searched = np.where(stop > start, _gaussian_integral(start, stop, rate), 0.0)
    return np.asarray((kept + case.share_eligible * searched) / (high - low))


def _farthest(case: Conditions, prior: MotionPrior, weights: Floats) -> float:
    """Arcsec at which a pair's gain falls to zero; 0 where it never is above."""
    variance = case.sigma_arcsec**2 + (prior.sigmas_masyr * 1e-3 * case.years) ** 2
    density = case.both_deg2 / (case.left_deg2 * case.right_deg2) * _ARCSEC2_PER_DEG2

    def gain(s: float) -> float:
        normal = np.exp(-0.5 * s * s / variance) / (2.0 * np.pi * variance)
        return float(density * (weights * normal).sum()) - 1.0

    low, high = 0.0, 40.0 * float(np.sqrt(variance.max()))
    if gain(low) <= 0.0:
        return 0.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gain(middle) > 0.0 else (low, middle)
    return low


def _gaussian_integral(start: Floats, stop: Floats, rate: float) -> Floats:
    """Integrals of exp(-rate v^2) from start to stop."""
    if rate <= 0.0:
        return stop - start
    from scipy.special import erf

    root = np.sqrt(rate)
    return np.asarray(np.sqrt(np.pi) / (2.0 * root) * (erf(root * stop) - erf(root * start)))
