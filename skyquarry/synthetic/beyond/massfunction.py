"""How many haloes there are of each mass."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.beyond.cosmology import H0, OMEGA_M

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_H: Final = H0 / 100.0
_OMEGA_B: Final = 0.049
_SIGMA_8: Final = 0.81
_INDEX: Final = 0.965
"""Planck Collaboration 2020, A&A 641, A6, rounded."""
_CRITICAL: Final = 2.775e11 * _H**2
"""Msun/Mpc^3"""
_MEAN: Final = _CRITICAL * OMEGA_M


def density(mass_msun: ArrayLike, redshift: ArrayLike) -> Floats:
    """Haloes per Mpc^3 (comoving) and unit of ln M, M inside 200 times the mean density.

    Tinker et al. 2008, ApJ 688, 709, equations 2, 3, 5 to 8 and table 2 (Delta = 200).
    """
    mass, z = np.asarray(mass_msun, np.float64), np.asarray(redshift, np.float64)
    sigma = deviation(mass) * growth(z)
    later = 10 ** (-((0.75 / np.log10(200.0 / 75.0)) ** 1.2))
    height, a = 0.186 * (1 + z) ** -0.14, 1.47 * (1 + z) ** -0.06
    b = 2.57 * (1 + z) ** -later
    share = height * ((sigma / b) ** -a + 1) * np.exp(-1.19 / sigma**2)
    step = 0.01
    slope = -np.log(deviation(mass * np.exp(step)) / deviation(mass * np.exp(-step))) / (2 * step)
    return np.asarray(share * _MEAN / mass * slope)


def deviation(mass_msun: ArrayLike) -> Floats:
    """Of the density today, linear, in spheres that hold a mass on the mean."""
    logs, sigmas = _deviations()
    return np.asarray(np.exp(np.interp(np.log(np.asarray(mass_msun)), logs, sigmas)))


def growth(redshift: ArrayLike) -> Floats:
    """Of linear structure, 1 today: Carroll, Press & Turner 1992, ARA&A 30, 499, equation 29."""
    z = np.asarray(redshift, np.float64)
    return np.asarray(_suppression(z) / _suppression(np.zeros(1))[0] / (1 + z))


def radius_mpc(mass_msun: ArrayLike, redshift: ArrayLike) -> Floats:
    """Proper radius inside which the mean density is 200 times that of the universe."""
    inside = 200.0 * _MEAN * (1 + np.asarray(redshift)) ** 3
    return np.asarray(np.cbrt(3.0 * np.asarray(mass_msun) / (4.0 * np.pi * inside)))


def _suppression(z: Floats) -> Floats:
    square = OMEGA_M * (1 + z) ** 3 + 1 - OMEGA_M
    matter, empty = OMEGA_M * (1 + z) ** 3 / square, (1 - OMEGA_M) / square
    below = matter ** (4 / 7) - empty + (1 + matter / 2) * (1 + empty / 70)
    return np.asarray(2.5 * matter / below)


@lru_cache(maxsize=1)
def _deviations() -> tuple[Floats, Floats]:
    """Logarithms of masses, and of deviations in spheres of them."""
    masses = np.logspace(12, 16.5, 120)
    k = np.logspace(-4, 2, 4000)
    power = k**_INDEX * _transfer(k) ** 2
    of_spheres = np.array([_in_sphere(k, power, radius) for radius in _spheres(masses)])
    unit = _SIGMA_8 / _in_sphere(k, power, 8.0 / _H)
    return np.log(masses), np.log(of_spheres * unit)


def _spheres(masses: Floats) -> Floats:
    return np.asarray(np.cbrt(3 * masses / (4 * np.pi * _MEAN)))


def _in_sphere(k: Floats, power: Floats, radius: float) -> float:
    x = k * radius
    window = 3 * (np.sin(x) - x * np.cos(x)) / x**3
    integrand = power * window**2 * k**3
    return float(np.sqrt(np.sum(0.5 * (integrand[1:] + integrand[:-1]) * np.diff(np.log(k)))))


def _transfer(k_mpc: Floats) -> Floats:
    """Without wiggles: Eisenstein & Hu 1998, ApJ 496, 605, equations 26 to 31."""
    matter, baryons = OMEGA_M * _H**2, _OMEGA_B * _H**2
    theta = 2.7255 / 2.7
    sound = 44.5 * np.log(9.83 / matter) / np.sqrt(1 + 10 * baryons**0.75)
    share = _OMEGA_B / OMEGA_M
    alpha = 1 - 0.328 * np.log(431 * matter) * share + 0.38 * np.log(22.3 * matter) * share**2
    shape = OMEGA_M * _H * (alpha + (1 - alpha) / (1 + (0.43 * k_mpc * sound) ** 4))
    q = k_mpc / _H * theta**2 / shape
    log = np.log(2 * np.e + 1.8 * q)
    return np.asarray(log / (log + (14.2 + 731 / (1 + 62.5 * q)) * q**2))
