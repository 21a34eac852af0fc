"""Distances and volumes of a flat universe, tabulated once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

H0: Final = 70.0
"""km/s/Mpc; with OMEGA_M the cosmology in which the luminosity functions used here are told."""
OMEGA_M: Final = 0.3
_LIGHT_KMS: Final = 299_792.458
_SKY_DEG2: Final = 129_600.0 / np.pi


def hubble(redshift: ArrayLike) -> Floats:
    """H(z) in km/s/Mpc."""
    return np.asarray(H0 * np.sqrt(OMEGA_M * (1 + np.asarray(redshift)) ** 3 + 1 - OMEGA_M))


def comoving_mpc(redshift: ArrayLike) -> Floats:
    """Comoving distance, to a part in 1e6 for redshifts up to 10."""
    grid, distance = _table()
    return np.asarray(np.interp(np.log1p(redshift), grid, distance))


def distance_modulus(redshift: ArrayLike) -> Floats:
    """Of the luminosity distance, magnitudes; -inf at redshift 0."""
    with np.errstate(divide="ignore"):
        luminosity_mpc = comoving_mpc(redshift) * (1 + np.asarray(redshift))
        return np.asarray(5.0 * np.log10(luminosity_mpc) + 25.0)


def kpc_per_arcsec(redshift: ArrayLike) -> Floats:
    """Proper length that an arcsecond spans."""
    proper = comoving_mpc(redshift) / (1 + np.asarray(redshift))
    return np.asarray(proper * 1000.0 * np.pi / 648_000.0)


def volume_mpc3_deg2(low: ArrayLike, high: ArrayLike) -> Floats:
    """Comoving volume of a square degree between two redshifts."""
    shell = comoving_mpc(high) ** 3 - comoving_mpc(low) ** 3
    return np.asarray(4.0 / 3.0 * np.pi * shell / _SKY_DEG2)


@lru_cache(maxsize=1)
def _table() -> tuple[Floats, Floats]:
    grid = np.linspace(0.0, np.log(11.0), 20_001)
    speed = _LIGHT_KMS * np.exp(grid) / hubble(np.expm1(grid))
    steps = 0.5 * (speed[1:] + speed[:-1]) * np.diff(grid)
    return grid, np.concatenate([[0.0], np.cumsum(steps)])
