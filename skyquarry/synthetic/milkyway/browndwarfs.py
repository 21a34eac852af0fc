"""Brown dwarfs and the least of stars, L0 to T8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.milkyway import binaries, counting
from skyquarry.synthetic.milkyway.observed import seen
from skyquarry.synthetic.milkyway.tables import dwarfs, table
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.milkyway.discs import Component

    Floats = NDArray[np.float64]

_SPARE: Final = 1.8
_LUMINOSITY_SCATTER: Final = 0.30
_RED_SCATTER: Final = 0.12
"""of J-K at a spectral type: clouds, gravity"""
_TAILS: Final = (0.04, 0.45, 0.03, -0.35)
"""young and red: share, J-K redder; subdwarfs: share, J-K redder"""
_REDDER_J_H: Final = (-0.03, 0.0, 0.08, 0.0)
_REDDER_H_K: Final = (-0.02, 0.02, 0.05, 0.0)
"""at L0.5, L2.5, L4.5 and L7: medians of SIMPLE less those of Mamajek's table"""
_BAND_SCATTER: Final = {"sdss": 0.06, "ps1": 0.04, "gaia": 0.03, "twomass": 0.04, "wise": 0.05,
                        "ukidss": 0.03}  # fmt: skip
_OPTICAL_SCATTER: Final = 0.10
"""of all optical bands together against the infrared"""
_PAIRED: Final = 0.12
"""Duchene & Kraus 2013, ARA&A 51, 269: 15 to 20 %, of which some are resolved"""
_REDDENED: Final = {
    "twomass_j": 0.5, "ukidss_y": 0.5, "ukidss_j": 0.5, "ps1_y": 0.3, "ps1_z": 0.2, "sdss_z": 0.2,
    "gaia_g": 0.2, "gaia_rp": 0.2, "gaia_bp": 0.2, "twomass_ks": -0.5, "ukidss_k": -0.5,
    "wise_w1": -0.9, "wise_w2": -1.0, "wise_w3": -1.1, "wise_w4": -1.1,
}  # fmt: skip
"""how a band follows J-K at constant H: half each way, more beyond"""


@dataclass(frozen=True, slots=True)
class Types:
    """Means of spectral types L0 to T8: (19,) each."""

    spectral_type: Floats
    mags: Floats
    """(19, 24) absolute AB magnitudes"""
    numbers: Floats
    """(18,) a cubic parsec of the thin disc, between the types"""
    teff_k: Floats


@cache
def types() -> Types:
    """M_J, J-H, H-Ks, W1-W2 and temperatures of E. Mamajek's table; the rest of our own.

    See data/browndwarfs.csv. L dwarfs differ from his table as `_REDDER_J_H` says; T0 to T2 are 0.1
    mag bluer in J-H and W1-W2 than in it, so that J-Ks and W1-W2 have their medians in SIMPLE, 1.16
    and 0.70.
    The mass of a brown dwarf is not told: it depends on an age that nothing here knows.
    """
    own, m = table("browndwarfs.csv"), dwarfs()
    kind = own["spectral_type"]
    known = {}
    for name in ("M_J", "J-H", "H-Ks", "W1-W2", "Teff"):
        told = np.isfinite(m[name]) & (m["spectral_type"] >= 19) & (m["spectral_type"] <= 39)
        known[name] = np.interp(kind, m["spectral_type"][told], m[name][told])
    for name, less in (("J-H", 0.13), ("W1-W2", 0.14)):
        known[name] -= less * np.interp(kind, (29.0, 30.5, 33.5), (0.0, 1.0, 0.0))
    for name, more in (("J-H", _REDDER_J_H), ("H-Ks", _REDDER_H_K)):
        known[name] += np.interp(kind, (20.5, 22.5, 24.5, 27.0), more)
    numbers = own["number"] * 1e-3
    return Types(kind, _mags(own, known), 0.5 * (numbers[1:] + numbers[:-1]), known["Teff"])


def _mags(own: dict[str, Floats], known: dict[str, Floats]) -> Floats:
    j = known["M_J"]
    y = j + own["y_j"]
    z, h = y + own["z_y"], j - known["J-H"]
    i, k = z + own["i_z"], h - known["H-Ks"]
    r, w1 = i + own["r_i"], k - own["k_w1"]
    w2 = w1 - known["W1-W2"]
    g_of_gaia = j + own["g_j"]
    told = {
        "ps1_g": r + 1.9, "ps1_r": r, "ps1_i": i, "ps1_z": z, "ps1_y": y,
        "sdss_u": r + 5.0, "sdss_g": r + 2.3, "sdss_r": r + 0.3, "sdss_i": i,
        "sdss_z": z + own["s_z"],
        "gaia_g": g_of_gaia, "gaia_rp": g_of_gaia - own["g_rp"], "gaia_bp": g_of_gaia + 3.3,
        "twomass_j": j, "twomass_h": h, "twomass_ks": k,
        "wise_w1": w1, "wise_w2": w2, "wise_w3": w2 - own["w2_w3"],
        "wise_w4": w2 - own["w2_w3"] - 0.3,
        "ukidss_j": j + own["j_j"], "ukidss_y": j + own["j_j"] + own["u_j"],
        "ukidss_h": h + 0.06, "ukidss_k": k + own["k_k"],
    }  # fmt: skip
    return np.stack([told[band.name] + band.vega_to_ab for band in BANDS], axis=1)


@dataclass(frozen=True, slots=True)
class BrownDwarfs:
    """Dwarfs of types L0 to T8 of a component of our Galaxy: as many a star as in the thin disc."""

    component: Component
    number: int

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""
        return f"brown dwarfs, {self.component.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The brown dwarfs of a block that some survey could see."""
        known = types()
        place, distance = counting.drawn_places(
            block, self.component, known.numbers, known.mags, _SPARE, random
        )
        return seen(block, self.component, distance, random, _Dim(place))


@dataclass(frozen=True, slots=True)
class _Dim:
    """Brown dwarfs at places of the sequence of types."""

    place: Floats

    def light(self, feh: Floats, random: np.random.Generator) -> tuple[Floats, dict[str, object]]:
        """(n, 24) absolute AB magnitudes, and the columns of `Sources` that are known here."""
        known, n = types(), len(feh)
        mags = counting.between(known.mags, self.place)
        paired = random.random(n) < _PAIRED
        other = random.uniform(self.place[paired], len(known.mags) - 1.0)
        mags[paired] = binaries.joined(mags[paired], counting.between(known.mags, other))
        mags += _LUMINOSITY_SCATTER * random.standard_normal((n, 1))
        mags += _redder(n, random)[:, None] * _of_bands(_REDDENED)
        optical = np.array([float(band.wavelength_nm < 1000.0) for band in BANDS])
        mags += _OPTICAL_SCATTER * random.standard_normal((n, 1)) * optical
        scatter = np.array([_BAND_SCATTER[band.name.split("_")[0]] for band in BANDS])
        mags += scatter * random.standard_normal((n, N_BANDS))
        return mags, {
            "kind": Kind.BROWN_DWARF,
            "teff_k": counting.between(known.teff_k, self.place),
            "spectral_type": counting.between(known.spectral_type, self.place),
            "companion": paired,
        }


def _redder(n: int, random: np.random.Generator) -> Floats:
    """(n,) how much redder in J-K than their types."""
    young, red, subdwarf, blue = _TAILS
    drawn = random.random(n)
    shift = np.select([drawn < young, drawn < young + subdwarf], [red, blue], 0.0)
    return np.asarray(shift + _RED_SCATTER * random.standard_normal(n))


def _of_bands(values: dict[str, float]) -> Floats:
    row = np.zeros(N_BANDS)
    for name, value in values.items():
        row[BAND[name]] = value
    return row
