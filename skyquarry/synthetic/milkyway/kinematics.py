"""Velocities of stars, and what is seen of them: proper motions and radial velocities.

The Sun: (U, V, W) = (11.1, 12.24, 7.25) km/s (Schonrich, Binney & Dehnen 2010, MNRAS 403, 1829).
A flat rotation of 220 km/s, which goes with the 8 kpc of Juric et al. Ellipsoids are aligned with
cylindrical coordinates for the discs (Soubiran et al. 2003, A&A 398, 141; Bensby et al. 2003,
A&A 410, 527) and with spherical ones, here cylindrical too, for the halo (Smith et al. 2009,
MNRAS 399, 1223). Thin disc: velocities by age after Holmberg, Nordstrom & Andersen 2009,
A&A 501, 941; asymmetric drift sigma_U**2 / 80 km/s (Binney & Merrifield 1998, equation 10.12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.frames import rotation
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.milkyway.discs import Component, galactocentric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SUN_UVW_KMS: Final = np.array([11.1, 12.24, 7.25])
ROTATION_KMS: Final = 220.0
KMS_OF_MASYR_KPC: Final = 4.740470463
_OLD_GYR: Final = 10.0
_OLD_UVW_KMS: Final = np.array([48.0, 31.0, 26.0])
"""of thin-disc stars of that age"""
_GROWTH: Final = np.array([0.39, 0.40, 0.53])
"""exponents of age"""
_DRIFT_KMS: Final = 80.0


def motions(
    component: Component,
    ra_deg: Floats,
    dec_deg: Floats,
    distance_pc: Floats,
    random: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Proper motions in ra (times cos dec) and dec, mas/yr, and radial velocities, km/s, (n,)."""
    direction = to_xyz(ra_deg, dec_deg)
    turn = rotation("galactic")
    seen = direction @ turn.T
    lon = np.degrees(np.arctan2(seen[:, 1], seen[:, 0]))
    lat = np.degrees(np.arcsin(np.clip(seen[:, 2], -1.0, 1.0)))
    velocity = _relative(component, lon, lat, distance_pc, random) @ turn
    ra = np.radians(ra_deg)
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=1)
    north = np.cross(direction, east)
    scale = 1.0 / (KMS_OF_MASYR_KPC * distance_pc * 1e-3)
    along_ra = (velocity * east).sum(axis=1) * scale
    along_dec = (velocity * north).sum(axis=1) * scale
    return along_ra, along_dec, (velocity * direction).sum(axis=1)


def _relative(
    component: Component, lon: Floats, lat: Floats, distance_pc: Floats, random: np.random.Generator
) -> Floats:
    """(n, 3) km/s along the Galactic axes, relative to the Sun."""
    n = len(lon)
    x, y, _ = galactocentric(lon, lat, distance_pc)
    sigma, lag = _spread(component, n, random)
    drawn = random.standard_normal((n, 3)) * sigma
    drawn[:, 1] += ROTATION_KMS - lag
    radius = np.maximum(np.hypot(x, y), 1.0)
    cosine, sine = x / radius, -y / radius
    u = drawn[:, 0] * cosine + drawn[:, 1] * sine
    v = -drawn[:, 0] * sine + drawn[:, 1] * cosine
    of_sun = SUN_UVW_KMS + np.array([0.0, ROTATION_KMS, 0.0])
    return np.asarray(np.stack([u, v, drawn[:, 2]], axis=1) - of_sun)


def _spread(component: Component, n: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Dispersions (n, 3) and lags (n,), km/s."""
    if any(component.sigma_uvw_kms):
        return np.tile(component.sigma_uvw_kms, (n, 1)), np.full(n, component.lag_kms)
    age = random.uniform(*component.ages_gyr, n) / _OLD_GYR
    sigma = _OLD_UVW_KMS * age[:, None] ** _GROWTH
    return sigma, sigma[:, 0] ** 2 / _DRIFT_KMS
