"""Proper motions, parallaxes and radial velocities of rows, in mas, years and km/s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.conventions import ARCSEC
from skyquarry.match.given.positionerrors import HIGHEST_CORRELATION
from skyquarry.match.given.rows import Flag, Motions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Motion, Roles
    from skyquarry.match.given.policies import ErrorPolicy, Notes
    from skyquarry.match.given.positionerrors import Errors
    from skyquarry.match.given.values import Values

    Floats = NDArray[np.float64]

_FLOOR_MASYR = 1e-3  # a proper motion's error of zero becomes a microarcsecond a year
_FASTEST_MASYR = 2e4  # twice Barnard's star
_RV_ERROR_KMS = 5.0  # of a radial velocity without an error


def motions_of(
    values: Values, roles: Roles, dec_deg: Floats, errors: Errors, policy: ErrorPolicy, notes: Notes
) -> Motions | None:
    """Motions of all rows, NaN where null; None where the catalogue has none.

    The correlations with the position hold for the errors as catalogued: where a row's error is
    the default, or the whole would not be positive definite, they are left out.
    """
    role = roles.motion
    if role is None:
        return None
    pm = _pm(values, role, dec_deg, notes)
    sigma = _pm_errors(values, role, dec_deg, pm, policy, notes, errors.flags)
    covariance = np.empty((len(values), 3))
    covariance[:, 0], covariance[:, 1] = sigma[0] ** 2, sigma[1] ** 2
    covariance[:, 2] = _correlation(values, role.pmra_pmdec_corr) * sigma[0] * sigma[1]
    position = np.sqrt(errors.covariance[:, 0]) * 1e3, np.sqrt(errors.covariance[:, 1]) * 1e3
    names = (role.ra_pmra_corr, role.ra_pmdec_corr, role.dec_pmra_corr, role.dec_pmdec_corr)
    cross = np.zeros((len(values), 4))
    for k, name in enumerate(names):
        if values.has(name):
            cross[:, k] = _correlation(values, name) * position[k // 2] * sigma[k % 2]
    cross[np.isnan(sigma[0]) | ~errors.measured] = 0.0
    _make_definite(errors.covariance, covariance, cross, notes)
    return Motions(pm, covariance, cross, *_parallax(values, roles), *_velocity(values, roles))


def _pm(values: Values, role: Motion, dec_deg: Floats, notes: Notes) -> Floats:
    pm = np.empty((len(values), 2))
    pm[:, 0], pm[:, 1] = values.floats(role.pmra), values.floats(role.pmdec)
    pm *= role.to_masyr
    if not role.cos_dec:
        pm[:, 0] *= np.cos(np.radians(dec_deg))
    east, north = np.abs(pm[:, 0]), np.abs(pm[:, 1])
    usable = (east <= _FASTEST_MASYR) & (north <= _FASTEST_MASYR)
    if not usable.all():
        absurd = ~(usable | np.isnan(east) | np.isnan(north))
        notes.warn('proper motion above 20"/yr: taken as unknown', absurd)
        pm[~usable] = np.nan
    return pm


def _pm_errors(
    values: Values,
    role: Motion,
    dec_deg: Floats,
    pm: Floats,
    policy: ErrorPolicy,
    notes: Notes,
    flags: NDArray[np.int32],
) -> tuple[Floats, Floats]:
    """Errors of both axes (n,) mas/yr; NaN where the motion is."""
    unknown = np.isnan(pm[:, 0])
    default, without = policy.default_pm_masyr, np.zeros(len(pm), bool)
    both = []
    for axis, name in enumerate((role.pmra_error, role.pmdec_error)):
        told = values.optional(name)
        if told is None:
            told = np.full(len(pm), np.nan)
        sigma = told * role.to_masyr
        if axis == 0 and not role.cos_dec:
            sigma *= np.cos(np.radians(dec_deg))
        usable = (sigma >= 0.0) & (sigma < _FASTEST_MASYR)
        without |= ~usable
        sigma = np.where(usable, np.maximum(sigma, _FLOOR_MASYR), default)
        sigma[unknown] = np.nan
        both.append(sigma)
    without &= ~unknown
    notes.warn(f"proper motion without an error: {default:g} mas/yr per axis is taken", without)
    flags[without] |= Flag.DEFAULT_ERROR.value
    return both[0], both[1]


def _correlation(values: Values, name: str | None) -> Any:
    """(n,) correlations, 0 where unknown and never quite 1; the number 0 without a column."""
    told = values.optional(name)
    if told is None:
        return 0.0
    clipped = np.clip(told, -HIGHEST_CORRELATION, HIGHEST_CORRELATION)
    return np.where(np.isnan(clipped), 0.0, clipped)


def _make_definite(position: Floats, covariance: Floats, cross: Floats, notes: Notes) -> None:
    """Leave out correlations that contradict each other, in place."""
    if not cross.any():
        return
    from skyquarry.match.kernels import epochs  # numba is imported where it is first needed

    kernel: Any = epochs.indefinite
    bad = np.empty(len(cross), bool)
    kernel(position, covariance, cross, bad)
    notes.warn("correlations of position and motion contradict each other: left out", bad)
    cross[bad] = 0.0


def _parallax(values: Values, roles: Roles) -> tuple[Floats, Floats]:
    to_mas = ARCSEC[roles.parallax_unit] * 1e3
    parallax = _finite(values, roles.parallax) * to_mas
    error = np.abs(_finite(values, roles.parallax_error)) * to_mas
    return parallax, np.where(np.isnan(parallax), np.nan, np.nan_to_num(error, nan=0.0))


def _velocity(values: Values, roles: Roles) -> tuple[Floats, Floats]:
    velocity = _finite(values, roles.radial_velocity)
    error = np.abs(_finite(values, roles.radial_velocity_error))
    error = np.where(np.isnan(error), _RV_ERROR_KMS, error)
    return velocity, np.where(np.isnan(velocity), np.nan, error)


def _finite(values: Values, name: str | None) -> Floats:
    told = values.optional(name)
    if told is None:
        return np.full(len(values), np.nan)
    return np.where(np.isfinite(told), told, np.nan)
