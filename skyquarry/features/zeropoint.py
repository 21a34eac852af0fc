"""The zero point of Gaia's parallaxes: Lindegren et al. 2021, A&A 649, A4, appendix A."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_SIX: Final = 95.0
_G: Final = np.array([6.0, 10.8, 11.2, 11.8, 12.2, 12.9, 13.1, 15.9, 16.1, 17.5, 19.0, 20.0, 21.0])
# {(j, k): q_jk in microarcseconds at the magnitudes of _G}: tables 9 and 10
_FIVE_PARAMETERS: Final = {
    (0, 0): (-26.98, -27.23, -30.33, -33.54, -13.65, -19.53, -37.99, -38.33, -31.05, -29.18, -18.40,
             -12.65, -18.22),
    (0, 1): (-9.62, -3.07, -9.23, -10.08, -0.07, -1.64, 2.63, 5.61, 2.83, -0.09, 5.98, -4.57,
             -15.24),
    (0, 2): (27.40, 23.04, 9.08, 13.28, 9.35, 15.86, 16.14, 15.42, 8.59, 2.41, -6.46, -7.46,
             -18.54),
    (1, 0): (-25.1, 35.3, -88.4, -126.7, -111.4, -66.8, -5.7, 0, 0, 0, 0, 0, 0),
    (1, 1): (0, 15.7, -11.8, 11.6, 40.6, 20.6, 14.0, 18.7, 15.5, 24.5, 5.5, 97.9, 128.2),
    (2, 0): (-1257, -1257, -1257, -1257, -1257, -1257, -1257, -1189, -1404, -1165, 0, 0, 0),
    (3, 0): (0, 0, 0, 0, 0, 0, 107.9, 243.8, 105.5, 189.7, 0, 0, 0),
    (4, 0): (0, 0, 0, 0, 0, 0, 104.3, 155.2, 170.7, 325.0, 276.6, 0, 0),
}  # fmt: skip
_SIX_PARAMETERS: Final = {
    (0, 0): (-27.85, -28.91, -26.72, -29.04, -12.39, -18.99, -38.29, -36.83, -28.37, -24.68, -15.32,
             -13.73, -29.53),
    (0, 1): (-7.78, -3.57, -8.74, -9.69, -2.16, -1.93, 2.59, 4.20, 1.99, -1.37, 4.01, -10.92,
             -20.34),
    (0, 2): (27.47, 22.92, 9.36, 13.63, 10.23, 15.90, 16.20, 15.76, 9.28, 3.52, -6.03, -8.30,
             -18.74),
    (1, 0): (-32.1, 7.7, -30.3, -49.4, -92.6, -57.2, -10.5, 22.3, 50.4, 86.8, 29.2, -74.4, -39.5),
    (1, 1): (14.4, 12.6, 5.6, 36.3, 19.8, -8.0, 1.4, 11.1, 17.2, 19.8, 14.1, 196.4, 326.8),
    (1, 2): (9.5, 1.6, 17.2, 17.7, 27.6, 19.9, 0.4, 10.0, 13.7, 21.3, 0.4, -42.0, -262.3),
    (2, 0): (-67, -572, -1104, -1129, -365, -554, -960, -1367, -1351, -1380, -563, 536, 1598),
}  # fmt: skip
MEAN_MAS: Final = -0.017
"""of faint quasars: what a row without a colour gets (the same, section 4.1)"""


def effective_wavenumber(bp_rp: Floats) -> Floats:
    """(n,) nu_eff in 1/um from BP - RP: Lindegren et al. 2021, A&A 649, A2, eq. 3."""
    return np.asarray(1.76 - 1.61 / np.pi * np.arctan(0.531 * bp_rp))


def parallax_zero_point(
    g_mag: Floats, wavenumber: Floats, sine_ecliptic: Floats, solved: Floats
) -> Floats:
    """(n,) mas, to be subtracted from parallaxes of Gaia DR3 and EDR3.

    `wavenumber`: nu_eff_used_in_astrometry of five-parameter solutions, pseudocolour of six (1/um);
    `sine_ecliptic`: sin of the ecliptic latitude; `solved`: astrometric_params_solved, NaN is taken
    as 31. Magnitudes beyond 6 to 21 get the value at the end. NaN where a number is missing.
    """
    six = solved == _SIX
    five = _sum(_FIVE_PARAMETERS, g_mag, wavenumber, sine_ecliptic)
    if not six.any():
        return 1e-3 * five
    return 1e-3 * np.where(
        six, _sum(_SIX_PARAMETERS, g_mag, wavenumber, sine_ecliptic), five
    )  # fmt: skip


def _sum(
    table: Mapping[tuple[int, int], tuple[float, ...]], g_mag: Floats, nu: Floats, sine: Floats
) -> Floats:
    """Sum over j and k of q_jk(G) c_j(nu) b_k(beta), in microarcseconds."""
    total = np.zeros(np.shape(g_mag))
    for (j, k), knots in table.items():
        total += np.interp(g_mag, _G, knots) * _COLOUR[j](nu) * _LATITUDE[k](sine)
    return total


_COLOUR: Final = (
    np.ones_like,
    lambda nu: np.clip(nu - 1.48, -0.24, 0.24),
    lambda nu: np.clip(1.48 - nu, 0.0, 0.24) ** 3,
    lambda nu: np.minimum(nu - 1.24, 0.0),
    lambda nu: np.maximum(nu - 1.72, 0.0),
)
_LATITUDE: Final = (np.ones_like, lambda sine: sine, lambda sine: sine**2 - 1.0 / 3.0)
