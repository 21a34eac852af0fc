"""Rare pairs that the twenty queries look for: lensed quasars, white dwarfs beside red ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.synthetic import dust
from skyquarry.synthetic.bands import BAND, BANDS, N_BANDS
from skyquarry.synthetic.observe.places import shifted
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block, Population
    from skyquarry.synthetic.sdss.settings import Archive

    Floats = NDArray[np.float64]

_EXTINCTION: Final = np.array([band.extinction for band in BANDS])
_QUASAR: Final = {"sdss_u": 0.35, "sdss_g": 0.2, "sdss_r": 0.1, "sdss_i": 0.0, "sdss_z": -0.05,
                  "gaia_bp": 0.2, "wise_w1": -1.6, "wise_w2": -2.2, "wise_w3": -4.0,
                  "wise_w4": -5.0}  # fmt: skip
"""magnitudes less i at 1 < z < 2: Richards et al. 2006, ApJS 166, 470, figure 11, from memory"""
_WHITE: Final = {"sdss_u": -0.35, "sdss_g": -0.2, "sdss_r": 0.0, "sdss_i": 0.2, "sdss_z": 0.4}
"""less r, of a white dwarf of 14,000 K"""
_DWARF: Final = {"sdss_u": 4.1, "sdss_g": 1.5, "sdss_r": 0.0, "sdss_i": -1.2, "sdss_z": -1.85}
"""less r, of an M4 dwarf: West et al. 2005, PASP 117, 706, table 1"""
_RED: Final = {"sdss_u": 2.7, "sdss_g": 1.4, "sdss_r": 0.0, "sdss_i": -0.7, "sdss_z": -1.1}
"""less r, of an M1 dwarf"""


_FAR: Final = (
    {"sdss_u": 4.3, "sdss_g": 1.3, "sdss_r": 0.1, "sdss_i": 0.0, "sdss_z": -0.05},
    {"sdss_u": 6.0, "sdss_g": 2.6, "sdss_r": 0.45, "sdss_i": 0.0, "sdss_z": -0.05},
)
"""magnitudes less i at z of 3.6 and 4.5: Fan et al. 1999, AJ 118, 1, figure 1, from memory"""


def populations(archive: Archive) -> tuple[Population, ...]:
    """Those of the archive's densities."""
    return (
        LensedQuasars(each=archive.lenses),
        WhiteDwarfTriples(each=archive.white_dwarf_pairs),
        FarQuasars(each=archive.high_z),
    )


def _over_all_bands(less: dict[str, float]) -> Floats:
    """(24,) by wavelength, between the bands that are told, level beyond them."""
    waves = [BANDS[BAND[name]].wavelength_nm for name in less]
    order = np.argsort(waves)
    told = np.array(list(less.values()))
    at = np.log([band.wavelength_nm for band in BANDS])
    return np.asarray(np.interp(at, np.log(np.array(waves)[order]), told[order]))


def _seen(block: Block, mags: Floats, ra: Floats, dec: Floats, **known: Any) -> Sources:
    ebv = dust.total(block.seed, ra, dec)
    mags = (mags + ebv[:, None] * _EXTINCTION).astype(np.float32)
    made = Sources.of(len(ra), ra_deg=ra, dec_deg=dec, mags=mags, ebv=ebv, **known)
    return made.taken(block.visible(mags) & block.contains(ra, dec))


@dataclass(frozen=True)
class LensedQuasars:
    """Two images of one quasar, 1.5" to 6" apart, of the same colours.

    Separations and ratios of fluxes after Inada et al. 2012, AJ 143, 119; no galaxy between.
    """

    name: str = "lensed quasars"
    number: int = 40
    each: float = 0.05
    """a square degree"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Both images, where both lie in the block."""
        n = int(random.poisson(self.each * block.area_deg2))
        ra, dec = block.uniform(n, random)
        away = random.uniform(1.5, 6.0, n)[:, None] * _direction(n, random)
        other = shifted(ra, dec, away)
        i = 21.0 - np.abs(random.exponential(0.8, n))
        fainter = i + random.uniform(0.1, 1.5, n)
        colours = _over_all_bands(_QUASAR) + 0.1 * random.standard_normal((n, N_BANDS))
        z = random.uniform(1.0, 2.2, n)
        mags = np.concatenate([i[:, None] + colours, fainter[:, None] + colours])
        ra, dec = (np.concatenate(each) for each in zip((ra, dec), other, strict=True))
        return _seen(block, mags, ra, dec, kind=Kind.QUASAR, redshift=np.tile(z, 2))


@dataclass(frozen=True)
class WhiteDwarfTriples:
    """A white dwarf and a red dwarf in one image, and a red dwarf 2" to 3" beside."""

    name: str = "white dwarfs in triples"
    number: int = 41
    each: float = 2.0
    """a square degree"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Both images, where both lie in the block."""
        n = int(random.poisson(self.each * block.area_deg2))
        ra, dec = block.uniform(n, random)
        other = shifted(ra, dec, random.uniform(2.0, 2.9, n)[:, None] * _direction(n, random))
        r = 19.5 - 2.0 * random.random(n)
        ratio = 0.25 + 0.5 * random.standard_normal(n)
        white = r[:, None] + _over_all_bands(_WHITE)
        red = (r + ratio)[:, None] + _over_all_bands(_DWARF)
        both = -2.5 * np.log10(10 ** (-0.4 * white) + 10 ** (-0.4 * red))
        third = (r + random.uniform(-0.3, 1.5, n))[:, None] + _over_all_bands(_RED)
        ra, dec = (np.concatenate(each) for each in zip((ra, dec), other, strict=True))
        kind = np.repeat([Kind.WHITE_DWARF, Kind.MAIN_SEQUENCE], n)
        return _seen(
            block, np.concatenate([both, third]), ra, dec, kind=kind,
            teff_k=np.repeat([14_000.0, 3_600.0], n), rv_kms=30.0 * random.standard_normal(2 * n),
            companion=np.repeat([True, False], n), spectral_type=np.repeat([np.nan, 11.0], n),
        )  # fmt: skip


@dataclass(frozen=True)
class FarQuasars:
    """Bright quasars at 3.6 < z < 4.5: far from the stellar locus, since Lyman alpha is in r."""

    name: str = "far quasars"
    number: int = 42
    each: float = 0.1
    """a square degree"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Their colours by redshift, with a scatter of 0.05."""
        n = int(random.poisson(self.each * block.area_deg2))
        ra, dec = block.uniform(n, random)
        z = random.uniform(3.6, 4.5, n)
        i = 19.0 - np.abs(random.exponential(0.3, n))
        part = ((z - 3.6) / 0.9)[:, None]
        near, far = (_over_all_bands(each) for each in _FAR)
        mags = i[:, None] + (1.0 - part) * near + part * far
        mags[:, :5] += 0.05 * random.standard_normal((n, 5))
        return _seen(block, mags, ra, dec, kind=Kind.QUASAR, redshift=z)


def _direction(n: int, random: np.random.Generator) -> Floats:
    """(n, 2) unit steps."""
    angle = 2.0 * np.pi * random.random(n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
