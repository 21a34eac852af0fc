"""Bayes factors of positions by their plain formulas: what the kernels are held to.

BS08 is Budavari & Szalay 2008, ApJ 679, 301; P17 Pineau et al. 2017, A&A 597, A89. Separations and
errors in arcsec, errors per axis; ln B is the natural logarithm of the evidence for one object over
that for as many objects as there are sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, normalised, to_xyz

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LARGE_ARCSEC = 10.0
"""Errors above this feel the curvature of the sphere: 2e-3 in lnB at 30", 6.7 at half a degree."""


def ln_bayes(separations_arcsec: ArrayLike, sigma_arcsec: ArrayLike) -> Floats:
    """The lnB of circular sources: on the sphere where an error is above 10", else in the plane.

    `separations_arcsec` (..., n, n) between the sources, `sigma_arcsec` (..., n).
    """
    psi, sigma = _sources(separations_arcsec, sigma_arcsec)
    large = (sigma > LARGE_ARCSEC).any(axis=-1)
    return np.where(large, lnB_sphere(psi, sigma), lnB_flat(psi, sigma))


def lnB_sphere(separations_arcsec: ArrayLike, sigma_arcsec: ArrayLike) -> Floats:  # noqa: N802
    """The lnB of n sources (..., n, n), (..., n) with BS08's spherical normal distributions.

    B = [sinh W / W] prod [w_i / sinh w_i] with W = |sum w_i x_i|, w = 1/sigma^2, in a form that
    loses no digit at small errors: with S = sum w and D = sum_{i<j} w_i w_j |x_i - x_j|^2,
    W = sqrt(S^2 - D) and lnB = (n-1) ln 2 + sum ln w - ln W + l(W) - sum l(w) - D / (W + S),
    l(z) = ln(1 - exp(-2 z)).
    """
    psi, sigma = _sources(separations_arcsec, sigma_arcsec)
    w = (ARCSEC_PER_RADIAN / sigma) ** 2
    S = w.sum(axis=-1)
    D = _weighted(w, 2.0 * np.sin(0.5 * psi / ARCSEC_PER_RADIAN))
    W = np.sqrt(np.maximum(S * S - D, 0.0))
    # sources that cancel: sinh W / W is 1
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = np.where(W > 0.0, np.log(-np.expm1(-2.0 * W) / W), np.log(2.0))
    ln_w = np.log(w).sum(axis=-1) - np.log(-np.expm1(-2.0 * w)).sum(axis=-1)
    return np.asarray((w.shape[-1] - 1) * np.log(2.0) + ln_w + ends - D / (W + S))


def lnB_flat(separations_arcsec: ArrayLike, sigma_arcsec: ArrayLike) -> Floats:  # noqa: N802
    """The lnB of n sources (..., n, n), (..., n) in the tangent plane (BS08, equations 16 to 18).

    B = 2^(n-1) prod w / sum w exp(-sum_{i<j} w_i w_j psi_ij^2 / (2 sum w)).
    """
    psi, sigma = _sources(separations_arcsec, sigma_arcsec)
    w = (ARCSEC_PER_RADIAN / sigma) ** 2
    S = w.sum(axis=-1)
    chi2 = _weighted(w, psi / ARCSEC_PER_RADIAN) / S
    weight = np.log(w).sum(axis=-1) - np.log(S)
    return np.asarray((w.shape[-1] - 1) * np.log(2.0) + weight - 0.5 * chi2)


def separations(separation_arcsec: ArrayLike) -> Floats:
    """The (..., 2, 2) matrix of a pair's separation (...)."""
    psi = np.asarray(separation_arcsec, np.float64)
    matrix: Floats = psi[..., np.newaxis, np.newaxis] * (1.0 - np.eye(2))
    return matrix


def ellipse_covariance(major: ArrayLike, minor: ArrayLike, pa_deg: ArrayLike) -> Floats:
    """(..., 3) east-east, north-north, east-north of error ellipses (P17, equations 8 to 10).

    `pa_deg` is the direction of the axis `major`, from north through east; any turn, and the axes
    may be exchanged. The answer is in the square of the axes' unit.
    """
    a2, b2 = np.asarray(major, np.float64) ** 2, np.asarray(minor, np.float64) ** 2
    pa = np.radians(np.asarray(pa_deg, np.float64))
    s, c = np.sin(pa), np.cos(pa)
    xx, yy, xy = a2 * s * s + b2 * c * c, a2 * c * c + b2 * s * s, (a2 - b2) * s * c
    return np.stack(np.broadcast_arrays(xx, yy, xy), axis=-1)


def position_angle_deg(
    ra1_deg: ArrayLike, dec1_deg: ArrayLike, ra2_deg: ArrayLike, dec2_deg: ArrayLike
) -> Floats:
    """Directions (n,) from the first to the second position, from north through east, [0, 360).

    No digit is lost at small separations: differences of degrees are taken first.
    """
    ra1, dec1, ra2, dec2 = (
        np.asarray(v, np.float64) for v in (ra1_deg, dec1_deg, ra2_deg, dec2_deg)
    )
    half = np.radians(0.5 * (np.where(ra2 - ra1 > 180.0, ra2 - 360.0, ra2)
                             - np.where(ra1 - ra2 > 180.0, ra1 - 360.0, ra1)))  # fmt: skip
    along = np.cos(np.radians(dec2))
    east = np.sin(2.0 * half) * along
    bent = 2.0 * np.sin(np.radians(dec1)) * along * np.sin(half) ** 2
    pa = np.degrees(np.arctan2(east, np.sin(np.radians(dec2 - dec1)) + bent))
    told: Floats = np.where(pa < 0.0, pa + 360.0, pa)
    return told


def chi2_threshold(completeness: ArrayLike, n: int) -> Floats:
    """The sqrt(chi2) within which that share of true n-tuples lies, dof 2 (n - 1).

    >>> round(float(chi2_threshold(0.9973, 2)), 4)
    3.4393
    """
    from scipy.special import gammaincinv

    gamma = np.asarray(completeness, np.float64)
    if not ((gamma > 0.0) & (gamma < 1.0)).all():
        raise UserError(
            f"completeness is {gamma.tolist()}, but a share of the true matches needs to lie "
            "between 0 and 1; try 0.9973, which is 3 sigma"
        )
    if n < 2:
        raise UserError(f"n is {n}, but a match needs 2 sources or more; try 2")
    return np.asarray(np.sqrt(2.0 * gammaincinv(n - 1.0, gamma)))


# ---------------------------------------------------------------- ellipses in one tangent frame


@dataclass(frozen=True, slots=True)
class Merged:
    """Sources taken together: one Gaussian position in a frame, with the evidence so far."""

    offset: Floats
    """(..., 2) arcsec, east and north"""
    covariance: Floats
    """(..., 2, 2) arcsec^2"""
    chi2: Floats
    lnB: Floats  # noqa: N815 - so it is called in the papers

    @staticmethod
    def single(offset: ArrayLike, covariance: ArrayLike) -> Merged:
        """One source (..., 2), (..., 3) by itself: chi2 and lnB are 0."""
        x, c = np.asarray(offset, np.float64), np.asarray(covariance, np.float64)
        zero = np.zeros(np.broadcast_shapes(x.shape[:-1], c.shape[:-1]))
        return Merged(x, matrices(c), zero, zero)


def merge(a: Merged, b: Merged) -> Merged:
    """Two as one: associative, and free of their order (crossmatch.md 1.3)."""
    total = a.covariance + b.covariance
    inverse = np.linalg.inv(total)
    d = b.offset - a.offset
    chi2 = np.einsum("...i,...ij,...j->...", d, inverse, d)
    gain = a.covariance @ inverse
    _, ln_det = np.linalg.slogdet(total / ARCSEC_PER_RADIAN**2)
    lnB = a.lnB + b.lnB + np.log(2.0) - 0.5 * ln_det - 0.5 * chi2
    offset = a.offset + np.einsum("...ij,...j->...i", gain, d)
    # C_a (C_a + C_b)^-1 C_b: symmetric, and no difference of large numbers
    covariance = gain @ b.covariance
    covariance = 0.5 * (covariance + np.swapaxes(covariance, -1, -2))
    return Merged(offset, covariance, a.chi2 + b.chi2 + chi2, lnB)


def in_one_frame(
    ra_deg: ArrayLike, dec_deg: ArrayLike, covariance: ArrayLike
) -> tuple[Floats, Floats]:
    """Offsets (..., n, 2) and covariances (..., n, 3) of sources in the frame at their mean.

    C' = J C J^T with J = [[e.p, e.q], [n.p, n.q]]: within an arcminute of a pole a large rotation.
    """
    ra, dec = np.asarray(ra_deg, np.float64), np.asarray(dec_deg, np.float64)
    u = to_xyz(ra, dec)
    u0 = normalised(u.mean(axis=-2).reshape(-1, 3)).reshape(*u.shape[:-2], 1, 3)
    ra0 = np.arctan2(u0[..., 1], u0[..., 0])
    dec0 = np.arctan2(u0[..., 2], np.hypot(u0[..., 0], u0[..., 1]))
    e, n = _axes(ra0, dec0)
    p, q = _axes(np.radians(ra), np.radians(dec))
    offset = np.stack([(e * (u - u0)).sum(-1), (n * (u - u0)).sum(-1)], axis=-1)
    J = np.stack([np.stack([(x * y).sum(-1) for y in (p, q)], -1) for x in (e, n)], -2)
    turned = J @ matrices(np.asarray(covariance, np.float64)) @ np.swapaxes(J, -1, -2)
    three = np.stack([turned[..., 0, 0], turned[..., 1, 1], turned[..., 0, 1]], axis=-1)
    return offset * ARCSEC_PER_RADIAN, three


def lnB_ellipses(  # noqa: N802
    ra_deg: ArrayLike, dec_deg: ArrayLike, covariance: ArrayLike
) -> tuple[Floats, Floats]:
    """(chi2, lnB) of n sources (..., n) with covariances (..., n, 3) arcsec^2, at one epoch.

    The sequential update of crossmatch.md 1.3 in one tangent frame: for errors up to some 10".
    """
    offset, turned = in_one_frame(ra_deg, dec_deg, covariance)
    whole = Merged.single(offset[..., 0, :], turned[..., 0, :])
    for k in range(1, offset.shape[-2]):
        whole = merge(whole, Merged.single(offset[..., k, :], turned[..., k, :]))
    return whole.chi2, whole.lnB


def matrices(covariance: Floats) -> Floats:
    """(..., 2, 2) of (..., 3) east-east, north-north, east-north."""
    xx, yy, xy = covariance[..., 0], covariance[..., 1], covariance[..., 2]
    return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)


def _axes(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    zero = np.zeros_like(ra)
    east = np.stack([-np.sin(ra), np.cos(ra), zero], -1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], -1)
    return east, north


def _weighted(w: Floats, distance: Floats) -> Floats:
    """sum_{i<j} w_i w_j d_ij^2."""
    told: Floats = 0.5 * np.einsum("...i,...j,...ij->...", w, w, distance**2)
    return told


def _sources(separations_arcsec: ArrayLike, sigma_arcsec: ArrayLike) -> tuple[Floats, Floats]:
    psi = np.asarray(separations_arcsec, np.float64)
    sigma = np.asarray(sigma_arcsec, np.float64)
    if psi.shape[-2:] != (sigma.shape[-1],) * 2:
        raise UserError(
            f"separations_arcsec has the shape {psi.shape} and sigma_arcsec {sigma.shape}, but n "
            "errors need an n x n matrix of separations; try separations(separation_arcsec)"
        )
    if not (sigma > 0.0).all():
        raise UserError(
            f"sigma_arcsec is {sigma.min()}, but a Bayes factor needs errors above 0; try a floor"
        )
    return psi, sigma
