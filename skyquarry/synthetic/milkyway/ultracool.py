"""Light of dwarfs from M7 to T8, one sequence: of late stars and brown dwarfs alike.

Colours by spectral type are medians of SIMPLE (data/ultracool.csv), luminosities E. Mamajek's. Of
dwarfs of one type no two are alike, by metallicity, gravity, clouds and unresolved pairs: a dwarf
that is redder in J-K is redder in all that crosses H (as Best et al. 2018, ApJS 234, 1, and
Skrzypek et al. 2015, A&A 574, A78, see it too), and by less each band differs for itself.
`design/ultracool.py` fitted both to the spread of all pairs of bands in one half of SIMPLE's
dwarfs. What is seen there at one type is wider than what is here: types that spectra tell are good
to half a subtype (`TYPE_ERROR`), so that dwarfs of several true types bear one, and magnitudes have
errors. Both were taken off, and tests put both on again before they ask SIMPLE's other half.

SIMPLE is no fair sample: it has more young dwarfs and subdwarfs than a volume. The spread is that
of the middle two thirds of its dwarfs, and what is odd has shares of its own here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BANDS, N_BANDS
from skyquarry.synthetic.milkyway.tables import dwarfs, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIRST, LAST = 17.0, 38.0
"""M7 and T8"""
_BLEND: Final = 16.0
"""M6: from here to M7 a dwarf becomes one of these"""
TYPE_ERROR: Final = 0.5
"""subtypes, of types that spectra tell: Kirkpatrick 2005, ARA&A 43, 195"""
LUMINOSITY_SCATTER: Final = 0.30
_TAILS: Final = (0.04, 3.0, 0.03, -2.5)
"""young and red: share, and how many of the spreads below; subdwarfs: the same"""
_NODES: Final = (18.0, 21.0, 26.0, 34.0)
"""types that the rows below are of: M7 to M9, L0 to L2, L3 to L9, T"""
_REDDER: Final = {
    "r": (0.00, 0.16, 0.19, 0.07), "i": (0.13, 0.16, 0.19, 0.07), "z": (0.12, 0.15, 0.21, 0.09),
    "y": (0.085, 0.135, 0.22, 0.015), "j": (0.03, 0.065, 0.09, 0.04), "h": (0.0, 0.0, 0.0, 0.0),
    "k": (-0.01, -0.05, -0.09, -0.04), "w1": (-0.07, -0.10, -0.18, -0.155),
    "w2": (-0.085, -0.125, -0.245, -0.18), "gaia": (0.145, 0.175, 0.16, 0.07),
}  # fmt: skip
"""magnitudes fainter of a dwarf that is one spread redder than its type"""
_OWN: Final = {
    "r": (0.12, 0.16, 0.10, 0.10), "i": (0.055, 0.05, 0.11, 0.10), "z": (0.01, 0.015, 0.015, 0.03),
    "y": (0.02, 0.04, 0.04, 0.03), "j": (0.0, 0.035, 0.03, 0.02), "h": (0.0, 0.015, 0.0, 0.02),
    "k": (0.0, 0.04, 0.0, 0.02), "w1": (0.0, 0.0, 0.05, 0.14), "w2": (0.035, 0.045, 0.02, 0.16),
    "gaia": (0.015, 0.0, 0.02, 0.02),
}  # fmt: skip
"""magnitudes, of each for itself"""
_EACH: Final = 0.02
"""of each band of each survey for itself: J of 2MASS less that of UKIDSS scatters by no more than
their errors in SIMPLE"""
_PART: Final = {
    "sdss_u": "r", "sdss_g": "r", "ps1_g": "r", "gaia_g": "gaia", "gaia_rp": "gaia", "gaia_bp": "r",
    "twomass_ks": "k", "wise_w3": "w2", "wise_w4": "w2",
}  # fmt: skip
"""whose scatter a band has where its name does not tell"""


def absolute(spectral_type: Floats) -> Floats:
    """(n, 24) mean absolute AB magnitudes of dwarfs of types (n,), M0 = 10; ends keep theirs."""
    kinds = np.clip(spectral_type, FIRST, LAST)
    known, mags = _luminosities(), _colours()
    j = np.interp(kinds, known[0], known[1])
    place = kinds - FIRST
    knot = np.minimum(place.astype(np.int64), len(mags) - 2)
    part = (place - knot)[:, None]
    return np.asarray(j[:, None] + mags[knot] * (1.0 - part) + mags[knot + 1] * part)


def share(spectral_type: Floats) -> Floats:
    """(n,) how far a dwarf is one of these: 0 at M6 and before, 1 from M7 on."""
    return np.clip((spectral_type - _BLEND) / (FIRST - _BLEND), 0.0, 1.0)


def scatter(spectral_type: Floats, random: np.random.Generator) -> Floats:
    """(n, 24) magnitudes by which dwarfs of types (n,) differ from their types."""
    n = len(spectral_type)
    redder, own = ({name: np.interp(spectral_type, _NODES, row) for name, row in each.items()}
                   for each in (_REDDER, _OWN))  # fmt: skip
    much = _redder(n, random)
    of_part = {name: much * redder[name] + own[name] * random.standard_normal(n) for name in own}
    mags = np.stack([of_part[_part(band.name)] for band in BANDS], axis=1)
    mags += _EACH * random.standard_normal((n, N_BANDS))
    return np.asarray(mags + LUMINOSITY_SCATTER * random.standard_normal((n, 1)))


def _part(band: str) -> str:
    return _PART.get(band) or band.split("_")[1]


def _redder(n: int, random: np.random.Generator) -> Floats:
    """(n,) how many spreads redder than their types."""
    young, red, subdwarf, blue = _TAILS
    drawn = random.random(n)
    shift = np.select([drawn < young, drawn < young + subdwarf], [red, blue], 0.0)
    return np.asarray(shift + random.standard_normal(n))


@cache
def _luminosities() -> tuple[Floats, Floats]:
    """Types, and M_J of E. Mamajek's table."""
    m = dwarfs()
    known = np.isfinite(m["M_J"]) & (m["spectral_type"] >= FIRST) & (m["spectral_type"] <= LAST + 1)
    return m["spectral_type"][known], m["M_J"][known]


@cache
def _colours() -> Floats:
    """(22, 24) AB magnitudes less 2MASS J in Vega, of types M7 to T8."""
    own = table("ultracool.csv")
    kind, j = own["spectral_type"], np.zeros(len(own["spectral_type"]))
    y = j + own["y_j"]
    z, h = y + own["z_y"], j - own["j_h"]
    i, k = z + own["i_z"], h - own["h_k"]
    r, w1 = i + own["r_i"], k - own["k_w1"]
    w2 = w1 - own["w1_w2"]
    w3 = w2 - own["w2_w3"]
    g = r + np.interp(kind, (17.0, 18.0, 19.0, 20.0), (1.40, 1.50, 1.65, 1.90))
    gaia = j + own["g_j"]
    told = {
        "ps1_g": g, "ps1_r": r, "ps1_i": i, "ps1_z": z, "ps1_y": y,
        "sdss_u": r + np.interp(kind, (17.0, 20.0), (4.2, 5.0)),
        "sdss_g": g + np.interp(kind, (17.0, 20.0), (0.28, 0.4)),
        "sdss_r": r + np.interp(kind, (17.0, 20.0), (0.05, 0.3)),
        "sdss_i": i, "sdss_z": z + own["s_z"],
        "gaia_g": gaia, "gaia_rp": gaia - own["g_rp"],
        "gaia_bp": gaia + np.interp(kind, (17.0, 18.0, 19.0), (3.13, 3.29, 3.30)),
        "twomass_j": j, "twomass_h": h, "twomass_ks": k,
        "wise_w1": w1, "wise_w2": w2, "wise_w3": w3,
        "wise_w4": w3 - np.interp(kind, (17.0, 20.0), (0.15, 0.3)),
        "ukidss_y": j + own["j_j"] + own["u_j"], "ukidss_j": j + own["j_j"],
        "ukidss_h": h + own["h_h"], "ukidss_k": k + own["k_k"],
    }  # fmt: skip
    return np.stack([told[band.name] + band.vega_to_ab for band in BANDS], axis=1)
