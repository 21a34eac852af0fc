"""Where stars are at another epoch: rigorous propagation on unit vectors.

A star moves along a straight line through space,

    r(t) = r0 (1 + zeta t) + (p mu_alpha* + q mu_delta) t

with p and q towards east and north at the star, and zeta = v_r parallax / A its radial motion (ESA
1997, The Hipparcos and Tycho Catalogues, vol. 1, section 1.5.5). Light-time is left out, as there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from skyquarry.errors import PositionError
from skyquarry.sky.vectors import Floats, to_radec, wrap_ra

KM_S_YEARS_PER_AU: Final = 149_597_870.7 / 31_557_600.0  # A = 4.7404704635: au per year in km/s
_RADIANS_PER_MAS: Final = np.pi / (180.0 * 3600.0 * 1000.0)


def propagate(
    ra_deg: npt.ArrayLike,
    dec_deg: npt.ArrayLike,
    pmra_masyr: npt.ArrayLike,
    pmdec_masyr: npt.ArrayLike,
    years: npt.ArrayLike,
    parallax_mas: npt.ArrayLike | None = None,
    rv_kms: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Positions (ra_deg in [0, 360), dec_deg), each (n,), after `years` Julian years (or before).

    `pmra_masyr` holds the factor cos(dec). A NaN motion, parallax or radial velocity is null and
    counts as zero; a star without motion keeps its position to the last bit (its RA within [0,
    360)). A NaN position stays NaN. Raises PositionError for an infinite motion or time.

    >>> ra, dec = propagate(269.452, 4.693, -801.551, 10362.394, 50.0)   # Barnard's star
    >>> round(float(dec[0]), 4)
    4.8369
    """
    ra, dec, pmra, pmdec, time = _columns(ra_deg, dec_deg, pmra_masyr, pmdec_masyr, years)
    pmra, pmdec = _null_is_zero(pmra, "pmra_masyr"), _null_is_zero(pmdec, "pmdec_masyr")
    _refuse_endless(time, "years")
    zeta = _radial_motion(parallax_mas, rv_kms) * _RADIANS_PER_MAS
    moved = _move(ra, dec, (pmra * _RADIANS_PER_MAS, pmdec * _RADIANS_PER_MAS, zeta), time)
    still = ((pmra == 0.0) & (pmdec == 0.0)) | (time == 0.0)
    return np.where(still, wrap_ra(ra), moved[0]), np.where(still, dec, moved[1])


def _move(
    ra_deg: Floats, dec_deg: Floats, motion: tuple[Floats, Floats, Floats], time: Floats
) -> tuple[Floats, Floats]:
    east, north, zeta = motion
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    sin_ra, cos_ra, sin_dec, cos_dec = np.sin(ra), np.cos(ra), np.sin(dec), np.cos(dec)
    r = np.stack([cos_dec * cos_ra, cos_dec * sin_ra, sin_dec], axis=-1)
    p = np.stack([-sin_ra, cos_ra, np.zeros_like(ra)], axis=-1)
    q = np.stack([-sin_dec * cos_ra, -sin_dec * sin_ra, cos_dec], axis=-1)
    across = p * (east * time)[..., np.newaxis] + q * (north * time)[..., np.newaxis]
    return to_radec(r * (1.0 + zeta * time)[..., np.newaxis] + across)


def _radial_motion(parallax_mas: npt.ArrayLike | None, rv_kms: npt.ArrayLike | None) -> Floats:
    """Radial motion zeta in mas/yr; zero where either of its two measurements is missing."""
    if parallax_mas is None or rv_kms is None:
        return np.zeros(1)
    parallax = _null_is_zero(np.asarray(parallax_mas, dtype=np.float64), "parallax_mas")
    return (
        _null_is_zero(np.asarray(rv_kms, dtype=np.float64), "rv_kms") * parallax / KM_S_YEARS_PER_AU
    )


def _columns(*given: npt.ArrayLike) -> list[Floats]:
    arrays = [np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in given]
    return list(np.broadcast_arrays(*arrays))


def _null_is_zero(values: Floats, name: str) -> Floats:
    _refuse_endless(values, name)
    return np.where(np.isnan(values), 0.0, values)


def _refuse_endless(values: Floats, name: str) -> None:
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        raise PositionError(
            f"{name} is {values.flat[bad[0]]} in row {bad[0]}, but a motion needs finite numbers; "
            "try null for what is not known"
        )
