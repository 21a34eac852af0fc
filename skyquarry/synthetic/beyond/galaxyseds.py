"""What galaxies look like in the 24 bands: by colour at rest, internal dust and redshift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.beyond.dustcurves import calzetti
from skyquarry.synthetic.beyond.filters import packaged
from skyquarry.synthetic.beyond.kept import kept
from skyquarry.synthetic.beyond.kernels import interpolated
from skyquarry.synthetic.beyond.spectra import (
    WAVELENGTH_NM,
    band_fluxes,
    magnitudes,
    on_grid,
    redshifts_of,
    shifts_to,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SHARES: Final = np.array([
    (0.000, 0.300, 0.080, 0.040, 0.580),
    (0.030, 0.190, 0.140, 0.120, 0.520),
    (0.050, 0.130, 0.200, 0.200, 0.420),
    (0.058, 0.083, 0.276, 0.284, 0.299),
    (0.050, 0.046, 0.374, 0.286, 0.244),
    (0.051, 0.029, 0.331, 0.414, 0.175),
    (0.057, 0.018, 0.305, 0.514, 0.106),
    (0.074, 0.011, 0.269, 0.595, 0.051),
    (0.065, 0.005, 0.190, 0.724, 0.016),
    (0.040, 0.001, 0.044, 0.914, 0.001),
    (0.125, 0.000, 0.005, 0.870, 0.000),
    (0.380, 0.000, 0.009, 0.611, 0.000),
    (0.620, 0.000, 0.000, 0.380, 0.000),
])  # fmt: skip
"""Share of each of kcorrect's five templates in the light in r at rest, from blue to red.

Means of non-negative fits to 5,000 SDSS galaxies with 2MASS (`gst_galaxies`) in bins of colour; the
first three and the last row carry the trend on to where that sample has no galaxies.
"""
_REPAIR_NM: Final = np.array(
    [220.0, 240, 260, 280, 300, 317, 330, 345, 365, 390, 410, 430, 470, 560, 700, 780, 900, 1040,
     1085, 1120, 1160, 1500, 2000, 2400]
)  # fmt: skip
_REPAIR: Final = np.array([
    (0.04, 0.04, 0.04, 0.04, 0.04, 0.04, 0.05, 0.05, 0.04, 0.00, 0.00, -0.01, 0.00,
     0.02, -0.01, -0.04, -0.04, 0.08, 0.10, 0.10, 0.09, 0.10, 0.14, 0.14),
    (0.75, 0.72, 0.64, 0.57, 0.46, 0.40, 0.28, 0.19, 0.11, 0.03, 0.03, 0.00, 0.025,
     0.01, -0.01, -0.03, -0.03, 0.29, 0.25, 0.24, 0.20, 0.19, 0.28, 0.28),
])  # fmt: skip
"""Magnitudes that blue and red galaxies are fainter than their templates, by wavelength at rest.

Medians of the same 5,000 galaxies against templates of their colours, and of DR14 and DR17 in z;
below 300 nm, and from 390 to 470, of luminous red galaxies of DR17 (LOWZ, CMASS) from redshift 0.1
to 0.6: the old population has too much ultraviolet light, and all too much near infrared (or the
total magnitudes of 2MASS too little).
"""
_REDNESS: Final = np.array([0, 0, 0, 0, 0, 0, 0, 0.05, 0.2, 0.7, 1, 1, 1])
"""How much each row of _SHARES is repaired as red galaxies are."""
_FADED: Final = np.array([0, 0, 0, 0, 0, 0, 0.1, 0.3, 0.8, 0.5, 0, 0, -0.3])
"""Magnitudes that each row is fainter still at 225 nm and below, none at 270 nm.

Galaxies of redshift 0.5 are as blue as those rows since they are younger, not since they form
stars: CMASS galaxies have the light in u that NUV-r of 5 to 6 gives (as near ellipticals have)."""
DUST: Final = np.array([-0.12, 0.0, 0.15, 0.4])
"""E(B-V) of the stars beyond what galaxies of a colour have on the mean: nodes of the table."""
_STRIDE: Final = 20
_MOST: Final = 2.6


@dataclass(frozen=True, slots=True)
class GalaxyTable:
    """Magnitudes of a galaxy of absolute magnitude 0 in r, at rest, its own dust included.

    Both `colour` and the absolute magnitude are of SDSS bands at redshift 0.
    """

    redshift: Floats
    """(nz,) even in ln(1 + z)"""
    colour: Floats
    """(nt,) u-r at rest without the extra dust, rising"""
    mags: NDArray[np.float32]
    """(nz, nt, nd, 24)"""
    reddening: float
    """of u-r at rest, for an E(B-V) of 1 of extra dust"""

    def at(
        self, redshift: Floats, colour: Floats, dust: Floats, added: Floats | None = None
    ) -> NDArray[np.float32]:
        """(n, 24) magnitudes, linear between nodes, and what is `added` (n,): the distance modulus.

        `colour` (n,) is u-r at rest as seen, the extra `dust` (n,) E(B-V) included; colours and
        dust beyond the table count as its ends.
        """
        mags = np.empty((len(redshift), self.mags.shape[-1]), np.float32)
        more = np.zeros(len(redshift)) if added is None else added
        own = colour - self.reddening * dust
        step = float(np.log1p(self.redshift[1]))
        interpolated(self.mags, step, self.colour, DUST, redshift, own, dust, more, mags)
        return mags


@lru_cache(maxsize=1)
def galaxy_table() -> GalaxyTable:
    """The table, made once and kept on disk (0.5 s)."""
    held = kept("galaxies", _galaxy_table)
    slope = float(held["reddening"])
    return GalaxyTable(held["redshift"], held["colour"], held["mags"], slope)


def _galaxy_table() -> dict[str, NDArray[Any]]:
    spectra = archetypes()
    dusty = 10 ** (-0.4 * DUST[:, None] * calzetti(WAVELENGTH_NM))
    shifts = shifts_to(_MOST, _STRIDE)
    each = (spectra[:, None] * dusty).reshape(-1, len(WAVELENGTH_NM))
    fluxes = band_fluxes(each, shifts).reshape(len(shifts), len(spectra), len(DUST), -1)
    fluxes /= fluxes[:1, :, :, BAND["sdss_r"], None]
    mags = magnitudes(fluxes)
    colours = mags[0, ..., BAND["sdss_u"]] - mags[0, ..., BAND["sdss_r"]]
    plain = int(np.flatnonzero(DUST == 0.0)[0])
    slope = np.mean((colours[:, -1] - colours[:, 0]) / (DUST[-1] - DUST[0]))
    return {
        "redshift": redshifts_of(shifts),
        "colour": colours[:, plain].astype(np.float64),
        "mags": mags,
        "reddening": np.asarray(slope, np.float64),
    }


def archetypes() -> Floats:
    """(nt, 6200) spectra by flux per frequency, from blue to red."""
    templates = kcorrect_templates()
    in_r = band_fluxes(templates, np.array([0]))[0, :, BAND["sdss_r"]]
    stars = (_SHARES / in_r) @ templates
    blue, old = (np.interp(WAVELENGTH_NM, _REPAIR_NM, each) for each in _REPAIR)
    far = np.interp(WAVELENGTH_NM, [225.0, 270.0], [1.0, 0.0])
    fainter = blue + _REDNESS[:, None] * (old - blue) + _FADED[:, None] * far
    return infrared(stars * 10 ** (-0.4 * fainter))


def kcorrect_templates() -> Floats:
    """(5, 6200) kcorrect's templates (Blanton & Roweis 2007, AJ 133, 734), as in skypy."""
    from astropy.io import fits

    with fits.open(packaged("skypy", "data", "kcorrect", "k_nmf_derived.default.fits")) as found:
        wavelength = np.asarray(found[11].data, np.float64) / 10.0
        return np.array([on_grid(wavelength, each) for each in found[1].data.astype(np.float64)])


# ------------------------------------------------------------------ beyond 2.3 micrometres
_CUT_NM: Final = 2300.0
_COOL_NM: Final = 3000.0
_PAH: Final = ((3300.0, 0.02, 0.15), (6220.0, 0.03, 1.5), (7700.0, 0.08, 3.2), (8610.0, 0.04, 1.3),
               (11_300.0, 0.035, 2.2), (12_650.0, 0.04, 1.3), (17_000.0, 0.06, 1.0))  # fmt: skip
_DUST_TO_STARS: Final = np.array(
    [11.0, 10.0, 9.0, 8.0, 7.0, 5.5, 4.2, 3.2, 2.0, 0.55, 0.12, 0.05, 0.03]
)
"""Flux of warm dust in W3 over that of stars in W2 (per frequency), for each row of _SHARES.

So that W1-W2 and W2-W3 are those of elliptical, spiral and irregular galaxies in figure 12 of
Wright et al. 2010, AJ 140, 1868, and in Jarrett et al. 2011, ApJ 735, 112 (read off, from memory).
"""


def infrared(stars: Floats) -> Floats:
    """Spectra (nt, 6200) with starlight and dust beyond 2.3 micrometres in place of the templates'.

    kcorrect's are fitted to no data there. Stars: f_nu ~ λ^-1.4 to 3 micrometres (so that K - W1 is
    0.2, Vega), a Rayleigh-Jeans tail beyond. Dust: a rising continuum and the PAH features of
    Smith et al. 2007, ApJ 656, 770 (centres and widths; strengths relative, from memory).
    """
    start = int(np.searchsorted(WAVELENGTH_NM, _CUT_NM))
    wave = WAVELENGTH_NM[start:]
    tail = (_CUT_NM / np.minimum(wave, _COOL_NM)) ** 1.4 * (
        _COOL_NM / np.maximum(wave, _COOL_NM)
    ) ** 2
    around = stars[:, start - 60 : start].mean(axis=1, keepdims=True)
    whole = stars.copy()
    whole[:, start:] = around * tail
    in_w2 = band_fluxes(whole, np.array([0]))[0, :, BAND["wise_w2"]]
    return np.asarray(whole + (_DUST_TO_STARS * in_w2)[:, None] * _warm_dust())


def _warm_dust() -> Floats:
    """(6200,) flux per frequency of dust, 1 in W3."""
    um = WAVELENGTH_NM / 1000.0
    glow = (um / 12.0) ** 1.6 * np.exp(-((4.2 / um) ** 3))
    for center, width, height in _PAH:
        ratio = WAVELENGTH_NM / center
        glow = glow + 0.4 * height * width**2 / ((ratio - 1 / ratio) ** 2 + width**2)
    glow = np.where(um > 2.0, glow, 0.0)
    in_w3 = band_fluxes(glow[None], np.array([0]))[0, 0, BAND["wise_w3"]]
    return np.asarray(glow / in_w3)
