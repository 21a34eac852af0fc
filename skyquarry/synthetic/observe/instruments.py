"""What a survey can do: its bands with their depths, its sharpness, its dates, its faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.compiledcells import cells_at
from skyquarry.synthetic import chance
from skyquarry.synthetic.bands import BAND, BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BELOW_MAG = 0.75
"""Sources so much fainter than what is detected take part: they blend, or noise lifts them. Less
where the threshold is far above the noise."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One band of a survey, as its catalogue measures it."""

    band: str
    """of the truth, `synthetic.bands`"""
    depth: float
    """magnitude of a point source of signal to noise 5, in the survey's own system"""
    fwhm_arcsec: float
    saturation: float
    """brighter than this, own system, the measurement is bad"""
    scatter_mag: float = 0.01
    """error that does not fall with the flux: flat fields, templates"""
    zero_point_mag: float = 0.01
    """scatter of the zero points of fields, in no error column"""

    @property
    def vega_to_ab(self) -> float:
        """AB magnitude of the survey's magnitude 0."""
        return BANDS[BAND[self.band]].vega_to_ab

    @property
    def five_sigma(self) -> float:
        """Nanomaggies of a source at the depth."""
        return float(10 ** (-0.4 * (self.depth + self.vega_to_ab - 22.5)))


@dataclass(frozen=True, slots=True)
class Dates:
    """When a survey looked: each of its fields at a time of its own."""

    first_jyear: float
    last_jyear: float
    order: int = 6
    """of the HEALPix cells that were observed at once"""
    seen_from_earth: bool = True
    """whether positions hold the parallax of the date; False for barycentric ones"""

    def fields(self, ra_deg: Floats, dec_deg: Floats) -> Ints:
        """(n,) numbers of the fields that positions are observed in."""
        return np.asarray(cells_at(ra_deg, dec_deg, self.order))

    def fields_of(self, pixels: Ints) -> Ints:
        """The same of the pixels (n,) of order 29 that positions lie in."""
        return pixels >> 2 * (healpix.MAX_ORDER - self.order)

    def jyears(self, fields: Ints, name: str, seed: int) -> Floats:
        """(m,) when a survey of that name observed these fields."""
        when = chance.uniform(seed, f"{name}.date", fields)
        return self.first_jyear + (self.last_jyear - self.first_jyear) * when


class Centroids(Protocol):
    """How well a survey measures positions."""

    def errors_mas(self, mag: Floats, fwhm_over_snr: Floats) -> Floats:
        """(n, 2) errors along ra and dec as the catalogue tells them.

        `mag` (n,) in the reference band, `fwhm_over_snr` (n,) the best of the bands, arcsec.
        """


@dataclass(frozen=True, slots=True)
class PhotonCentroids:
    """A floor, and 0.6 FWHM over signal to noise (King 1983, PASP 95, 163)."""

    floor_mas: float
    factor: float = 0.6

    def errors_mas(self, mag: Floats, fwhm_over_snr: Floats) -> Floats:
        """The same along both axes."""
        photons = 1000.0 * self.factor * fwhm_over_snr
        return np.repeat(np.hypot(self.floor_mas, photons)[:, None], 2, axis=1) + 0.0 * mag[:, None]


class Completeness(Protocol):
    """Which of the sources that a survey can see are in its catalogue."""

    def chance(self, mag: Floats) -> Floats:
        """(n,) from 0 to 1 at measured PSF magnitudes (n,) in the first band that detects."""


@dataclass(frozen=True)
class Instrument:
    """A survey's telescope and pipeline, as far as its catalogue shows them."""

    name: str
    survey: str
    """name of the role file whose columns it fills"""
    channels: tuple[Channel, ...]
    reference: str
    """band in which blends are judged"""
    resolution_arcsec: float
    """two sources closer than this become one"""
    threshold: float
    """signal to noise that one of the bands in `detect` must reach"""
    detect: tuple[str, ...]
    dates: Dates
    centroids: Centroids
    offset_mas: float = 10.0
    """scatter of the zero points of fields, an axis: in no error column"""
    understated: float = 1.1
    """true errors of positions over told ones"""
    spurious_deg2: float = 0.0
    """rows that are nothing in the sky"""
    lost_fields: float = 0.005
    """part of the cells of order 9 (7') that have no data"""
    mask_mag: float = 9.0
    """AB; stars brighter than this in the reference band blot out what is near them"""
    mask_arcsec: float = 10.0
    leak: float = 0.03
    """part of a neighbour's light that stays after two sources were told apart"""
    points: bool = False
    """whether it detects what is in its PSF alone, so that most of what is extended is lost"""
    completeness: Completeness | None = None
    """of what reaches the threshold, where not all of it is catalogued"""
    below_mag: float = BELOW_MAG
    """sources so much fainter than what is detected take part"""
    shape_floor: float = 0.0
    """scatter of the flux of the best model over that of the PSF of bright points, in all bands"""
    fits_size: bool = False
    """whether the size is fitted, in the reference band, and so noise makes sources larger, or
    smaller down to points: by one standard error of the flux (that of a Gaussian whose width is
    free has twice the variance: Condon 1997, PASP 109, 166), in all bands by the same part"""

    @cached_property
    def columns(self) -> Ints:
        """(c,) places of the channels' bands in the truth's magnitudes."""
        return np.array([BAND[channel.band] for channel in self.channels])

    @cached_property
    def detecting(self) -> Ints:
        """Places among the channels of the bands that detect."""
        return np.array([self.channel(band) for band in self.detect])

    def channel(self, band: str) -> int:
        """Place of a band among the channels."""
        return [channel.band for channel in self.channels].index(band)

    @property
    def faintest(self) -> dict[str, float]:
        """{band: AB magnitude} that a source must beat to matter."""
        return {band: self._limit(band) + self.below_mag for band in self.detect}

    def _limit(self, band: str) -> float:
        each = self.channels[self.channel(band)]
        return float(each.depth + each.vega_to_ab - 2.5 * np.log10(self.threshold / 5.0))
