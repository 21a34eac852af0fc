"""How much light a survey finds in a source: its own, and that of its neighbours.

A catalogue's PSF flux is the amplitude of the best-fitting PSF. For a PSF of width s and a source
that is a Gaussian of width g at distance d it is the flux times

    w = 2 s2 / (2 s2 + g2) exp(-d2 / (2 (2 s2 + g2)))

(s2, g2 squares): 1 for a point source at the place itself. A model of the source's own shape takes
in the sky of as many more pixels as the square of the seen profile is flatter than that of the PSF:
for pairs of Gaussians g, h of it

    1 / n = sum of the parts of both times s2 / (s2 + (g2 + h2) / 2).

Exponential discs and de Vaucouleurs profiles are two Gaussians each (`PROFILES`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.kernels import FLAT, STEEP, overlaps, own_light, pixels, shine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.observe.neighbours import Neighbours
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

FWHM: Final = 2.0 * np.sqrt(2.0 * np.log(2.0))
"""of a Gaussian over its width"""
_HALF: Final = np.sqrt(2.0 * np.log(2.0))
"""a Gaussian's half-light radius over its width"""
PROFILES: Final = (FLAT, STEEP)
"""(part of the light, width over that of the single Gaussian), for Sersic indices 1 and 4.

Fitted to w and 1 / n of the profiles, cut at 4 and 8 half-light radii as SDSS's models are, for
PSFs of 0.2 to 6 half-light radii: within 0.8 and 5 per cent in w, 0.4 and 4 in 1 / n, with half
of the light inside the half-light radius."""


def fluxes(mags: NDArray[np.floating]) -> Floats:
    """Nanomaggies of AB magnitudes; 0 where there is no light (inf)."""
    return np.asarray(10.0 ** (-0.4 * (np.asarray(mags, np.float64) - 22.5)))


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a PSF fit needs to know of sources (n,)."""

    width_arcsec: Floats
    """of the single Gaussian with the source's half-light radius, along the mean axis"""
    steep: Floats
    """0 for an exponential disc, 1 for a de Vaucouleurs profile, between by the Sersic index"""

    @classmethod
    def of(cls, sources: Sources) -> Shapes:
        """Of true sources; a point has no width."""
        width = sources.half_light_arcsec * np.sqrt(sources.axis_ratio) / _HALF
        index = np.nan_to_num(sources.sersic.astype(np.float64), nan=1.0)
        return cls(width.astype(np.float64), np.clip((index - 1.0) / 3.0, 0.0, 1.0))

    def overlap(self, fwhm_arcsec: float, distance_arcsec: Floats | float = 0.0) -> Floats:
        """(n,) part of each source's flux that a PSF fit at so great a distance finds."""
        far = np.square(np.broadcast_to(distance_arcsec, self.width_arcsec.shape))
        found = np.empty_like(self.width_arcsec)
        overlaps(2.0 * (fwhm_arcsec / FWHM) ** 2, self.width_arcsec, self.steep, far, found)
        return found

    def pixels(self, fwhm_arcsec: float) -> Floats:
        """(n,) sky in a flux by each source's own shape, over that in one by the PSF: 1 or more."""
        found = np.empty_like(self.width_arcsec)
        pixels((fwhm_arcsec / FWHM) ** 2, self.width_arcsec, self.steep, found)
        return found

    def taken(self, which: NDArray[np.int64]) -> Shapes:
        """Some of them."""
        return Shapes(self.width_arcsec[which], self.steep[which])


@dataclass(frozen=True, slots=True)
class Light:
    """Nanomaggies of sources (n,) in c bands, as PSF fits find them."""

    own: Floats
    """(n, c) of each one's own light"""
    others: Floats
    """(n, c) of its neighbours'"""
    into: Floats
    """(m, c) of each pair: what `other` brings into the PSF flux of `seen`"""

    @classmethod
    def of(
        cls, instrument: Instrument, shapes: Shapes, flux: Floats, near: Neighbours, apart: Mask
    ) -> Light:
        """`flux` (n, c) is all of each source's own.

        A source that is told apart leaves the part `leak` of what it shines in, another all of it.
        """
        psf = np.array([2.0 * (each.fwhm_arcsec / FWHM) ** 2 for each in instrument.channels])
        left = np.where(apart, instrument.leak, 1.0)
        made = cls(np.empty_like(flux), np.zeros_like(flux), np.empty((len(near.seen), len(psf))))
        width, steep = shapes.width_arcsec, shapes.steep
        own_light(psf, width, steep, flux, made.own)
        shine(near.seen, near.other, near.distance_arcsec, left, psf, width, steep, flux,
              made.into, made.others)  # fmt: skip
        return made
