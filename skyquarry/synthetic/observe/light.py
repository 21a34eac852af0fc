"""How much light a survey finds in a source: its own, and that of its neighbours.

A catalogue's PSF flux is the amplitude of the best-fitting PSF. For a PSF of width s and a source
that is a Gaussian of width g at distance d it is the flux times

    w = 2 s2 / (2 s2 + g2) exp(-d2 / (2 (2 s2 + g2)))

(s2, g2 squares): 1 for a point source at the place itself. An exponential disc is taken for one
Gaussian, a de Vaucouleurs profile for two (`_PROFILES`), with half of the light inside the
half-light radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

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
_PROFILES: Final = (((1.0, 1.0),), ((0.45, 0.28), (0.55, 2.35)))
"""(part of the light, width over that of the single Gaussian), for Sersic indices 1 and 4"""


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
        psf = 2.0 * (fwhm_arcsec / FWHM) ** 2
        flat, steep = (self._found(psf, distance_arcsec, each) for each in _PROFILES)
        return np.asarray((1.0 - self.steep) * flat + self.steep * steep)

    def _found(
        self, psf: float, distance_arcsec: Floats | float, profile: tuple[tuple[float, float], ...]
    ) -> Floats:
        found = np.zeros_like(self.width_arcsec)
        for share, times in profile:
            both = psf + np.square(times * self.width_arcsec)
            found += share * psf / both * np.exp(-np.square(distance_arcsec) / (2.0 * both))
        return found

    def taken(self, which: NDArray[np.int64]) -> Shapes:
        """Some of them."""
        return Shapes(self.width_arcsec[which], self.steep[which])


def shone_in(
    instrument: Instrument, shapes: Shapes, flux: Floats, near: Neighbours, apart: Mask
) -> Floats:
    """(m, c) flux that each pair's `other` brings into the measurement of its `seen`.

    `flux` (n, c) is each source's own. A source that is told apart leaves the part `leak` of what
    it shines in, another all of it.
    """
    others = shapes.taken(near.other)
    left = np.where(apart[near.other], instrument.leak, 1.0)
    into = flux[near.other]
    for number, channel in enumerate(instrument.channels):
        into[:, number] *= left * others.overlap(channel.fwhm_arcsec, near.distance_arcsec)
    return into
