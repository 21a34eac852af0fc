"""What hydrogen between a source and us lets through: mean forest, and the first thick cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LYMAN_NM: Final = np.array(
    [121.567, 102.572, 97.2537, 94.9743, 93.7803, 93.0748, 92.6226, 92.3150, 92.0963]
)
"""The first nine lines of the series; the others lie within 1 per cent of its limit."""
_FOREST: Final = np.array([
    (1.68976e-2, 4.69229e-3, 2.23898e-3, 1.31901e-3, 8.70656e-4, 6.17843e-4, 4.60924e-4, 3.56887e-4,
     2.84278e-4),
    (2.35379e-3, 6.53625e-4, 3.11884e-4, 1.83735e-4, 1.21280e-4, 8.60640e-5, 6.42055e-5, 4.97135e-5,
     3.95992e-5),
    (1.02611e-4, 2.84940e-5, 1.35962e-5, 8.00974e-6, 5.28707e-6, 3.75186e-6, 2.79897e-6, 2.16720e-6,
     1.72628e-6),
])  # fmt: skip
"""A^LAF_j1, j2, j3 of the same lines: Inoue et al. 2014, table 2."""
_DAMPED: Final = np.array([
    (1.61698e-4, 1.54539e-4, 1.49767e-4, 1.46031e-4, 1.42893e-4, 1.40159e-4, 1.37714e-4, 1.35495e-4,
     1.33452e-4),
    (5.38995e-5, 5.15129e-5, 4.99222e-5, 4.86769e-5, 4.76312e-5, 4.67196e-5, 4.59048e-5, 4.51650e-5,
     4.44841e-5),
])  # fmt: skip
"""A^DLA_j1, j2 of the same lines."""
_LIMIT_NM: Final = 91.175


_THIN: Final = 0.6
"""Part of the mean optical depth beyond the limit that clouds make which are thin themselves:
Fumagalli et al. 2013, ApJ 775, 78, abstract (thick ones contribute some 40 per cent)."""
_THICK: Final = 3.5
"""Most optical depth that counts beyond the limit of a thick cloud, which has 2 or more there: what
is left, 3 per cent, is below the noise of any survey here."""
_RATE: Final = (1.21, 3.8, 1.83)
"""Thick clouds a unit of redshift at 1 + z = 3.8 (Fumagalli et al. 2013), and the power of 1 + z
(Ribaudo et al. 2011, ApJ 736, 42)."""


def transmission(wavelength_nm: Floats, redshift: float, first: float | None = None) -> Floats:
    """(n,) part of the light of observed wavelengths (n,) that comes through from a redshift.

    Inoue et al. 2014, MNRAS 442, 1805, equations 21 to 29: lines and continuum of the forest and of
    damped systems, the mean over sight lines. Given where the `first` thick cloud of a sight line
    lies, ln of 1 + redshift of the source over that of the cloud, the limit of this cloud stands
    for those of all: beyond it there is no light, before it that which thin clouds leave.
    """
    continuum = _forest_continuum(wavelength_nm, redshift)
    continuum += _damped_continuum(wavelength_nm, redshift)
    tau = np.maximum(continuum, 0.0)
    if first is not None:
        at_cloud = wavelength_nm / (_LIMIT_NM * (1.0 + redshift) * np.exp(-first))
        tau = _THIN * tau + np.where(at_cloud < 1.0, _THICK, 0.0)
    return np.asarray(np.exp(-_lines(wavelength_nm, redshift) - tau))


def first_thick(redshift: Floats, random: np.random.Generator) -> Floats:
    """(n,) where the first thick clouds before sources lie: ln of 1 + z of source over cloud.

    Infinite where there is none.
    """
    rate, pivot, power = _RATE
    more = power + 1.0
    far = (1.0 + redshift) ** more
    left = far - random.exponential(size=len(redshift)) * more * pivot**power / rate
    return np.asarray(np.log(far / np.maximum(left, 1e-9)) / more)


def _lines(wavelength_nm: Floats, redshift: float) -> Floats:
    ratio = wavelength_nm / _LYMAN_NM[:, None]
    one, two, three = (each[:, None] for each in _FOREST)
    forest = np.where(ratio < 2.2, one * ratio**1.2, two * ratio**3.7)
    forest = np.where(ratio < 5.7, forest, three * ratio**5.5)
    first, second = (each[:, None] for each in _DAMPED)
    damped = np.where(ratio < 3.0, first * ratio**2, second * ratio**3)
    between = (ratio > 1.0) & (ratio < 1.0 + redshift)
    return np.asarray(np.where(between, forest + damped, 0.0).sum(axis=0))


def _forest_continuum(wavelength_nm: Floats, z: float) -> Floats:
    x = np.maximum(wavelength_nm / _LIMIT_NM, 1e-3)
    if z < 1.2:
        tau = 0.325 * (x**1.2 - (1 + z) ** -0.9 * x**2.1)
    elif z < 4.7:
        near = 2.55e-2 * (1 + z) ** 1.6 * x**2.1 + 0.325 * x**1.2 - 0.250 * x**2.1
        tau = np.where(x < 2.2, near, 2.55e-2 * ((1 + z) ** 1.6 * x**2.1 - x**3.7))
    else:
        grown = 5.22e-4 * (1 + z) ** 3.4 * x**2.1
        near = grown + 0.325 * x**1.2 - 3.14e-2 * x**2.1
        middle = grown + 0.218 * x**2.1 - 2.55e-2 * x**3.7
        tau = np.where(x < 2.2, near, np.where(x < 5.7, middle, grown - 5.22e-4 * x**5.5))
    return np.where((x > 1.0) & (x < 1.0 + z), tau, 0.0)


def _damped_continuum(wavelength_nm: Floats, z: float) -> Floats:
    x = np.maximum(wavelength_nm / _LIMIT_NM, 1e-3)
    if z < 2.0:
        tau = 0.211 * (1 + z) ** 2 - 7.66e-2 * (1 + z) ** 2.3 * x**-0.3 - 0.135 * x**2
    else:
        far = 4.70e-2 * (1 + z) ** 3 - 1.78e-2 * (1 + z) ** 3.3 * x**-0.3
        near = 0.634 + far - 0.135 * x**2 - 0.291 * x**-0.3
        tau = np.where(x < 3.0, near, far - 2.92e-2 * x**3)
    return np.where((x > 1.0) & (x < 1.0 + z), tau, 0.0)
