"""How dust in other galaxies dims and reddens them: A(λ) / E(B-V)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def calzetti(wavelength_nm: Floats) -> Floats:
    """(n,) of starburst galaxies: Calzetti et al. 2000, ApJ 533, 682, equation 4; R_V = 4.05.

    Stated from 0.12 to 2.2 micrometres; kept at its value at 0.09 below, falling as λ^-1.8 beyond.
    """
    um = np.maximum(wavelength_nm / 1000.0, 0.09)
    seen = np.minimum(um, 2.2)
    blue = -2.156 + 1.509 / seen - 0.198 / seen**2 + 0.011 / seen**3
    curve = 4.05 + 2.659 * np.where(seen < 0.63, blue, -1.857 + 1.040 / seen)
    return np.asarray(curve * (seen / um) ** 1.8)


def small_magellanic(wavelength_nm: Floats) -> Floats:
    """(n,) of the Small Magellanic Cloud's bar, as quasars are reddened: 1.39 λ^-1.2 (Prevot 1984).

    The form of Richards et al. 2003, AJ 126, 1131: A(λ) = E(B-V) 1.39 (λ / micrometre)^-1.2.
    """
    return np.asarray(1.39 * (wavelength_nm / 1000.0) ** -1.2)
