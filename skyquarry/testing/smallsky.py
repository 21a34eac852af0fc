"""A small sky of made-up stars, galaxies and quasars that has what the twenty queries look for.

Quick to draw, and far from the real densities: for tests of an SDSS-like archive. Colours lie on
simple tracks: the stellar locus of `synthetic.sdss.targets`, galaxies by Eisenstein et al. 2001,
figure 3, quasars by Richards et al. 2002, figure 3, all by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.twenty.asked import Boxes
from skyquarry.synthetic.bands import BAND, BANDS
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.sdss.selections import LOCUS
from skyquarry.synthetic.sdss.settings import Archive as Knobs
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.engine.archive import Archive
    from skyquarry.synthetic.blocks import Block

    Floats = NDArray[np.float64]

REGION: Final = "CIRCLE 185 -0.5 0.55"
SEED: Final = 35
"""Any other will do: tests ask the queries of the skies of several."""
BOXES: Final = Boxes(
    cone_arcmin=2.0,
    reddened=0.05,
    grid=(184.4, 185.6, -1.1, 0.1),
    southern=(184.4, 185.6),
    red=(184.4, 185.6, -1.1, 0.1),
)
INNER: Final = Boxes(
    cone_arcmin=2.0, reddened=0.0627, southern=(184.7, 185.3), grid=(184.6, 185.4, -0.9, -0.1),
    red=(184.6, 185.4, -0.9, -0.1),
)  # fmt: skip
"""some of the sky lies outside of each: what is left out of a query shows"""
KNOBS: Final = Knobs(
    repeated=1.0, asteroids=4_000.0, fast=50.0, trails=10.0, ghosts=10.0, cosmic_rays=100.0,
    white_dwarf_pairs=100.0, lenses=600.0, failed=0.08, unknown_lines=3.0,
    broad_absorption=0.9, targets=2.0, mid_z=1.0, nuclei=1.0, dusty=1.0,
)  # fmt: skip
"""so dense that a third of a square degree has some of everything"""
_SDSS: Final = [BAND[f"sdss_{band}"] for band in "ugriz"]
_WAVES: Final = np.log([band.wavelength_nm for band in BANDS])
_QUASAR_Z: Final = (0.3, 1.0, 2.0, 2.5, 3.0, 3.6, 4.2, 4.8)
_QUASAR: Final = np.array([
    (0.15, 0.15, 0.05, 0.05), (0.1, 0.1, 0.15, 0.05), (0.15, 0.1, 0.1, 0.15),
    (0.4, 0.12, 0.05, 0.1), (1.2, 0.25, 0.1, 0.05), (3.0, 1.15, 0.1, 0.05),
    (3.5, 1.5, 0.15, 0.05), (3.5, 2.4, 0.8, 0.05),
])  # fmt: skip
_RED_Z: Final = (0.02, 0.1, 0.2, 0.3, 0.4, 0.6)
_RED: Final = np.array([
    (1.7, 0.78, 0.38, 0.3), (1.8, 0.98, 0.41, 0.33), (1.9, 1.22, 0.45, 0.35),
    (1.9, 1.48, 0.53, 0.35), (1.8, 1.68, 0.66, 0.38), (1.6, 1.7, 0.95, 0.45),
])  # fmt: skip


@dataclass(frozen=True)
class SmallSky:
    """Stars, red and blue galaxies, quasars."""

    name: str = "small sky"
    number: int = 1
    stars: int = 1_200
    galaxies: int = 3_200
    quasars: int = 95
    """a block"""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Those that some survey could see; each block of order 7 has as many."""
        if block.order < BLOCK_ORDER:
            each = block.parts()
            return Sources.concatenated([self.drawn(b, b.generator(self.number)) for b in each])
        parts = [
            self._stars(block, random), self._galaxies(block, random), self._quasars(block, random)
        ]  # fmt: skip
        every = Sources.concatenated(parts)
        every.ebv[:] = 0.04
        return every.taken(block.visible(every.mags))

    def _stars(self, block: Block, random: np.random.Generator) -> Sources:
        n = self.stars
        where = random.uniform(0, len(LOCUS) - 1, n)
        r = _steep(random, 14.5, 22.5, 0.2, n)
        colours = _track(np.arange(len(LOCUS)), LOCUS, where, 0.02, random)
        return _sources(
            block, random, r, colours, kind=Kind.MAIN_SEQUENCE, teff_k=7_000 - 350 * where,
            rv_kms=40 * random.standard_normal(n),
            spectral_type=np.where(where > 7, 4 + where, np.nan),
        )  # fmt: skip

    def _galaxies(self, block: Block, random: np.random.Generator) -> Sources:
        n = self.galaxies
        r = _steep(random, 14.0, 22.5, 0.3, n)
        z = np.clip(0.1 * 10 ** (0.17 * (r - 16.8)) * np.exp(0.3 * random.standard_normal(n)),
                    0.005, 0.6)  # fmt: skip
        red = random.random(n) < 0.6
        early = _track(_RED_Z, _RED, z, 0.03, random)
        late = _track(_RED_Z, 0.6 * _RED, z, 0.08, random)
        ratio = np.where(red, random.uniform(0.5, 1, n), random.uniform(0.05, 1, n))
        size = 8.0 * 10 ** (-0.17 * (r - 15.0)) * np.exp(0.3 * random.standard_normal(n))
        return _sources(
            block, random, r, np.where(red[:, None], early, late), kind=Kind.GALAXY, redshift=z,
            half_light_arcsec=size, sersic=np.where(red, 4.0, 1.0), axis_ratio=ratio,
            position_angle_deg=180 * random.random(n),
        )  # fmt: skip

    def _quasars(self, block: Block, random: np.random.Generator) -> Sources:
        n = self.quasars
        z = np.where(
            random.random(n) < 0.6, random.uniform(2.5, 2.7, n), random.uniform(0.4, 4.6, n)
        )
        colours = _track(_QUASAR_Z, _QUASAR, z, 0.05, random)
        r = _steep(random, 16.5, 20.5, 0.3, n)
        return _sources(block, random, r, colours, kind=Kind.QUASAR, redshift=z)


def _steep(random: np.random.Generator, low: float, high: float, slope: float, n: int) -> Floats:
    """(n,) magnitudes with counts 10^(slope m)."""
    share = random.random(n)
    return np.asarray(high + np.log10(share + (1 - share) * 10 ** (slope * (low - high))) / slope)


def _track(
    at: Any, colours: Floats, where: Floats, scatter: float, random: np.random.Generator
) -> Floats:
    found = np.stack([np.interp(where, at, each) for each in colours.T], axis=1)
    return np.asarray(found + scatter * random.standard_normal(found.shape))


def _sources(
    block: Block, random: np.random.Generator, r: Floats, colours: Floats, **known: Any
) -> Sources:
    """At random in the block; other surveys' bands by wavelength, level beyond SDSS's."""
    ug, gr, ri, iz = colours.T
    mags = np.stack([r + gr + ug, r + gr, r, r - ri, r - ri - iz], axis=1)
    waves = _WAVES[_SDSS]
    place = np.clip(np.searchsorted(waves, _WAVES) - 1, 0, 3)
    part = np.clip((_WAVES - waves[place]) / np.diff(waves)[place], 0.0, 1.0)
    every = mags[:, place] * (1 - part) + mags[:, place + 1] * part
    ra, dec = block.uniform(len(r), random)
    return Sources.of(len(r), ra_deg=ra, dec_deg=dec, mags=every, **known)


def small_archive(path: Path, **how: Any) -> Archive:
    """The SDSS-like archive of `REGION` and `SEED`, Gaia beside it; `how` as its arguments.

    Each of the twenty queries finds ten rows in it with `BOXES`; variant 10A finds fewer.
    """
    from skyquarry.pipeline.sdssarchive import simulate_sdss

    usual: dict[str, Any] = {
        "region": REGION, "seed": SEED, "surveys": ["gaia"], "knobs": KNOBS,
        "populations": [SmallSky()], "progress": False,
    }  # fmt: skip
    how = usual | how
    return simulate_sdss(how.pop("region"), path, **how)
