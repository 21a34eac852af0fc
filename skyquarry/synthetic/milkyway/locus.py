"""Colours of dwarfs in all 24 bands, by g-i and metallicity.

SDSS, 2MASS and WISE from the stellar locus of Davenport et al. 2014 (data/stellar_locus.csv);
the other systems by published relations between them:

- Pan-STARRS1: Finkbeiner et al. 2016, ApJ 822, 66, table 2 (after Tonry et al. 2012, ApJ 750, 99);
- Gaia: Gaia EDR3 documentation, table 5.7 (Riello et al. 2021, A&A 649, A3, table C.2) for
  g-i < 2.2, and the G - G_RP, G_BP - G_RP and i-z of E. Mamajek's M dwarfs beyond;
- UKIDSS: Hodgkin et al. 2009, MNRAS 394, 675, equations 4 to 8.

Coefficients are from memory; tests hold them against stars of the field of M 67 that all these
surveys saw (within 0.03 mag).
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.polynomial.polynomial import polyval

from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.milkyway.tables import dwarfs, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CHAIN: Final = (
    "sdss_r", "sdss_i", "sdss_z", "twomass_j", "twomass_h", "twomass_ks", "wise_w1", "wise_w2",
    "wise_w3",
)  # fmt: skip
_STEPS: Final = ("r_i", "i_z", "z_j", "j_h", "h_k", "k_w1", "w1_w2", "w2_w3")
_PS1: Final = {
    "ps1_g": ("sdss_g", (-0.01808, -0.13595, 0.01941, -0.00183)),
    "ps1_r": ("sdss_r", (-0.01836, -0.03577, 0.02612, -0.00558)),
    "ps1_i": ("sdss_i", (0.01170, -0.00400, 0.00066, -0.00058)),
    "ps1_z": ("sdss_z", (-0.01062, 0.07529, -0.03592, 0.00890)),
    "ps1_y": ("sdss_z", (0.08924, -0.20878, 0.10360, -0.02441)),
}
"""Band: the SDSS band it is near to, and their difference as a polynomial of (g-i)_PS1"""
_PS1_RANGE: Final = (0.0, 2.9)
"""where the polynomials are used; the difference keeps its last value outside"""
_G_G: Final = (-0.1064, -0.4964, -0.09339, 0.004444)
_BP_RP: Final = (0.3971, 0.777, -0.04164, 0.008237)
_GAIA_END: Final = (2.2, 2.5)
"""g-i where Gaia's relations to SDSS end, and where Mamajek's M dwarfs begin"""

_LATE: Final = {
    "spectral_type": np.array([15.0, 15.5, 16.0, 16.5, 17.0, 18.0, 19.0, 20.0]),
    "i_z": np.array([0.91, 1.02, 1.14, 1.25, 1.35, 1.60, 1.72, 1.83]),
    "ps1_z": np.array([0.14, 0.165, 0.19, 0.22, 0.25, 0.30, 0.34, 0.38]),
    "ps1_y": np.array([-0.24, -0.28, -0.33, -0.36, -0.38, -0.42, -0.47, -0.53]),
    "y_j": np.array([0.46, 0.51, 0.56, 0.60, 0.65, 0.75, 0.87, 0.98]),
    "g_j": np.array([3.36, 3.63, 3.90, 4.05, 4.15, 4.35, 4.60, 4.80]),
    "g_rp": np.array([1.33, 1.38, 1.43, 1.48, 1.52, 1.57, 1.60, 1.62]),
    "bp_rp": np.array([3.35, 3.71, 4.16, 4.50, 4.65, 4.86, 4.90, 4.90]),
}
"""M5 to L0, where relations by g-i end: i-z of SDSS, z_PS1 and y_PS1 less z_SDSS, Y - J and G - J
in Vega. Gaia follows E. Mamajek's table; i-z and PS1 are from memory of West et al. 2011,
AJ 141, 97, and Best et al. 2018, ApJS 234, 1, Y - J of Hewett et al. 2006, MNRAS 367, 454."""


def late_i_z(spectral_type: Floats) -> Floats:
    """(n,) SDSS i-z of M dwarfs later than M5."""
    return np.asarray(np.interp(spectral_type, _LATE["spectral_type"], _LATE["i_z"]))


def g_i_of_bp_rp(bp_rp: Floats) -> Floats:
    """(n,) g-i of dwarfs bluer than an M2, by G_BP - G_RP."""
    g_i = np.linspace(-0.6, 2.4, 301)
    return np.interp(bp_rp, polyval(g_i, _BP_RP), g_i)


def g_i_of_i_z(i_z: Floats) -> Floats:
    """(n,) g-i of M dwarfs, by i-z."""
    locus = table("stellar_locus.csv")
    return np.asarray(np.interp(i_z, locus["i_z"], locus["g_i"]))


def vega(mags: Floats) -> Floats:
    """(n, 24) AB magnitudes as their surveys tell them: Vega for Gaia, 2MASS, WISE and UKIDSS."""
    return np.asarray(mags - np.array([band.vega_to_ab for band in BANDS]))


def colours(g_i: Floats) -> Floats:
    """(n, 24) AB magnitudes less that in SDSS r, of dwarfs of the disc with these g-i (n,).

    The metallicity is that of the locus itself, about -0.5: see `metallicity.py` for its effects.
    """
    column = {name: np.interp(g_i, table("stellar_locus.csv")["g_i"], values)
              for name, values in table("stellar_locus.csv").items()}  # fmt: skip
    mags = np.zeros((len(g_i), N_BANDS))
    mags[:, BAND["sdss_g"]] = g_i - column["r_i"]
    mags[:, BAND["sdss_u"]] = mags[:, BAND["sdss_g"]] + column["u_g"]
    for (bluer, redder), step in zip(pairwise(_CHAIN), _STEPS, strict=True):
        mags[:, BAND[redder]] = mags[:, BAND[bluer]] - column[step]
    mags[:, BAND["wise_w4"]] = mags[:, BAND["wise_w3"]] - _w3_w4(g_i)
    _add_gaia(mags, g_i, column["i_z"])
    _add_ukidss(mags, column["i_z"])
    for name in ("gaia", "twomass", "wise", "ukidss"):
        _vega_to_ab(mags, name)
    _add_ps1(mags, g_i, column["i_z"])
    return mags


def _vega_to_ab(mags: Floats, survey: str) -> None:
    for number, band in enumerate(BANDS):
        if band.name.startswith(survey):
            mags[:, number] += band.vega_to_ab


def _add_ps1(mags: Floats, g_i: Floats, i_z: Floats) -> None:
    """Their argument is (g-i)_PS1, which is 0.03 + 0.13 (g-i) less than SDSS's: twice is enough."""
    colour = g_i
    for _ in range(2):
        at = np.clip(colour, *_PS1_RANGE)
        colour = g_i + polyval(at, _PS1["ps1_g"][1]) - polyval(at, _PS1["ps1_i"][1])
    at = np.clip(colour, *_PS1_RANGE)
    for name, (near, polynomial) in _PS1.items():
        mags[:, BAND[name]] = mags[:, BAND[near]] + polyval(at, polynomial)
    late = i_z > _LATE["i_z"][0]
    for name in ("ps1_z", "ps1_y"):
        late_mags = mags[:, BAND["sdss_z"]] + np.interp(i_z, _LATE["i_z"], _LATE[name])
        mags[late, BAND[name]] = late_mags[late]


def _add_gaia(mags: Floats, g_i: Floats, i_z: Floats) -> None:
    """By SDSS colours where blue, by the z-band and Mamajek's table where red, both in between."""
    known = _gaia_of_m_dwarfs()
    at = np.minimum(g_i, _GAIA_END[1])
    bp_rp: Floats = np.asarray(polyval(at, _BP_RP))
    blue = {
        "gaia_g": mags[:, BAND["sdss_g"]] + polyval(at, _G_G),
        "gaia_rp": mags[:, BAND["sdss_g"]] + polyval(at, _G_G) - _g_rp(bp_rp),
    }
    blue["gaia_bp"] = blue["gaia_rp"] + bp_rp
    share = np.clip((g_i - _GAIA_END[0]) / (_GAIA_END[1] - _GAIA_END[0]), 0.0, 1.0)
    j = mags[:, BAND["twomass_j"]]
    for name, first in blue.items():
        second = j + np.interp(i_z, known["i_z"], known[name])
        mags[:, BAND[name]] = (1.0 - share) * first + share * second


@cache
def _gaia_of_m_dwarfs() -> dict[str, Floats]:
    """Gaia magnitudes less that in J, Vega, by i-z, of Mamajek's M dwarfs; later ones `_LATE`."""
    m = dwarfs()
    known = (m["spectral_type"] >= 11) & (m["spectral_type"] <= 15)
    g_j, g_rp, bp_rp = ((m["M_G"] - m["M_J"])[known], m["G-Rp"][known], m["Bp-Rp"][known])
    i_z, g_j, g_rp, bp_rp = (
        np.concatenate([values, _LATE[name][1:]])
        for name, values in (
            ("i_z", m["i-z"][known]),
            ("g_j", g_j),
            ("g_rp", g_rp),
            ("bp_rp", bp_rp),
        )
    )
    return {"i_z": i_z, "gaia_g": g_j, "gaia_rp": g_j - g_rp, "gaia_bp": g_j - g_rp + bp_rp}


def _g_rp(bp_rp: Floats) -> Floats:
    """G - G_RP of dwarfs by G_BP - G_RP, from Mamajek's table."""
    m = dwarfs()
    known = np.isfinite(m["Bp-Rp"]) & (m["spectral_type"] < 16) & (m["spectral_type"] > -30)
    order = np.argsort(m["Bp-Rp"][known])
    return np.interp(bp_rp, m["Bp-Rp"][known][order], m["G-Rp"][known][order])


def _w3_w4(g_i: Floats) -> Floats:
    """0.03 where Mamajek's table knows it (A to K); 0.15 at M6, from memory of nearby M dwarfs."""
    return np.interp(g_i, (1.4, 4.0), (-0.03, 0.15))


def _add_ukidss(mags: Floats, i_z: Floats) -> None:
    j, h, k = (mags[:, BAND[f"twomass_{band}"]] for band in ("j", "h", "ks"))
    mags[:, BAND["ukidss_y"]] = j + np.maximum(
        0.500 * (j - h) + 0.080, np.interp(i_z, _LATE["i_z"], _LATE["y_j"])
    )
    mags[:, BAND["ukidss_j"]] = j - 0.065 * (j - h)
    mags[:, BAND["ukidss_h"]] = h + 0.070 * (j - h) - 0.030
    mags[:, BAND["ukidss_k"]] = k + 0.010 * (j - k)
