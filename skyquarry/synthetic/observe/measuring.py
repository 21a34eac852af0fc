"""From the truth of a piece of the sky to what a survey measures there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.synthetic import chance
from skyquarry.synthetic.kernels import measure
from skyquarry.synthetic.observe.light import FWHM, Light, Shapes, fluxes
from skyquarry.synthetic.observe.neighbours import Neighbours, neighbours, told_apart
from skyquarry.synthetic.observe.noise import PER_MAG, terms
from skyquarry.synthetic.observe.places import CELL_ORDER, Places, lost, lost_cells, places, shifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_TO_CELLS: Final = 2 * (healpix.MAX_ORDER - CELL_ORDER)
_LEAST_SNR: Final = 2.0
"""below it no shape is fitted"""
_SHAPE_BAND: Final = 0.003
"""scatter of the same in one band alone: more would widen the stellar locus of SDSS's models"""
_REACH: Final = 1.5
"""Neighbours within so many FWHM of the widest band shine in: exp(-d2 / 4 s2) is 0.002 there."""


@dataclass(slots=True)
class Measured:
    """`n` rows of a survey's catalogue, `c` bands; fluxes in nanomaggies (AB zero point 22.5)."""

    source: Ints
    """(n,) place of the brightest source among the truth; -1 where there is nothing"""
    owner: Ints
    """(n,) what a row is told by: the id of that source; of spurious rows a number of their own"""
    ra_deg: Floats
    dec_deg: Floats
    jyear: Floats
    error_mas: Floats
    """(n, 2) as told, along ra and dec"""
    flux: Floats
    """(n, c) amplitude of the PSF"""
    flux_error: Floats
    total: Floats
    """(n, c) flux of the best model of the shape"""
    total_error: Floats
    saturated: Mask
    """(n, c)"""
    neighbour: Floats
    """(n,) part of the PSF flux in the reference band that is others'"""

    def __len__(self) -> int:
        return len(self.source)

    def taken(self, which: Mask | Ints) -> Measured:
        """Some of the rows."""
        names = self.__slots__
        return Measured(**{name: getattr(self, name)[which] for name in names})

    @staticmethod
    def concatenated(parts: list[Measured]) -> Measured:
        """One after the other."""
        names = Measured.__slots__
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        return Measured(**columns)

    @property
    def snr(self) -> Floats:
        """(n, c) of the PSF fluxes."""
        return self.flux / self.flux_error


@dataclass(frozen=True, slots=True)
class Links:
    """Which true sources a row's light comes from; rows (m,) into Measured."""

    row: Ints
    source: Ints
    share: Floats
    """part of the row's PSF flux in the reference band"""


def measured(
    instrument: Instrument,
    sources: Sources,
    ids: Ints,
    *,
    seed: int,
    home: Mask,
    pixels: Ints | None = None,
) -> tuple[Measured, Links]:
    """What the survey measures of the sources in `home` (n,) among all; and of which light it is.

    `pixels` (n,): of order 29 that they lie in, where the survey's fields are HEALPix cells.
    `sources` must hold every source within the survey's reach of one in `home`. Each row depends
    on its source and that one's neighbours alone, not on what else is given.
    """
    kept = np.flatnonzero(_matters(instrument, sources))
    some, home = sources.taken(kept), home[kept]
    where = None if pixels is None else pixels[kept]
    scene = _Scene.of(instrument, some, ids[kept], seed, where)
    if where is None:
        gone = lost(instrument, some.ra_deg, some.dec_deg, seed)
    else:
        gone = lost_cells(instrument, where >> _TO_CELLS, seed)
    rows = np.flatnonzero(scene.apart & home & ~gone & ~scene.drowned())
    made = _detected(scene, rows)
    links = scene.links(made.source)
    made.source = kept[made.source]
    return made, Links(links.row, kept[links.source], links.share)


@dataclass(frozen=True, slots=True)
class _Scene:
    """The true sources (n,) that matter to a survey, and how they shine into each other."""

    instrument: Instrument
    sources: Sources
    ids: Ints
    at: Places
    shapes: Shapes
    flux: Floats
    """(n, c) of each source alone, all its light"""
    light: Light
    apart: Mask
    near: Neighbours
    seed: int

    @classmethod
    def of(
        cls, instrument: Instrument, sources: Sources, ids: Ints, seed: int, pixels: Ints | None
    ) -> _Scene:
        at = places(instrument, sources, seed, pixels)
        flux = fluxes(sources.mags[:, instrument.columns])
        bright = flux[:, instrument.channel(instrument.reference)]
        reach = _REACH * max(channel.fwhm_arcsec for channel in instrument.channels)
        near = neighbours(at.ra_deg, at.dec_deg, max(reach, instrument.resolution_arcsec))
        apart = told_apart(near, bright, ids, instrument.resolution_arcsec)
        apart &= ~_blotted(instrument, sources, at)
        near = near.among(apart)
        shapes = Shapes.of(sources)
        light = Light.of(instrument, shapes, flux, near, apart)
        return cls(instrument, sources, ids, at, shapes, flux, light, apart, near, seed)

    def draw(self, rows: Ints, *names: str) -> Floats:
        """(n,) standard normal numbers of the rows' sources."""
        return chance.normal(self.seed, ".".join((self.instrument.name, *names)), self.ids[rows])

    def drowned(self) -> Mask:
        """(n,) sources in which neighbours that are told apart leave more light than they have.

        Such a source makes no peak of its own: what a deblender leaves of a bright star some arc
        seconds away is not measured as a second row at that star's place.
        """
        reference = self.instrument.channel(self.instrument.reference)
        left = np.where(self.apart[self.near.other], self.light.into[:, reference], 0.0)
        return np.bincount(self.near.seen, left, len(self.ids)) > self.light.own[:, reference]

    def links(self, rows: Ints) -> Links:
        """Of each row its own source, and those that were not told apart from it."""
        reference = self.instrument.channel(self.instrument.reference)
        own, into = self.light.own[:, reference], self.light.into[:, reference]
        whole = own + self.light.others[:, reference]
        place = np.full(len(own), -1, np.int64)
        place[rows] = np.arange(len(rows))
        mixed = (place[self.near.seen] >= 0) & ~self.apart[self.near.other] & (into > 0)
        seen, other = self.near.seen[mixed], self.near.other[mixed]
        row = np.concatenate([np.arange(len(rows)), place[seen]])
        source = np.concatenate([rows, other])
        share = np.concatenate([own[rows] / whole[rows], into[mixed] / whole[seen]])
        order = np.lexsort((self.ids[source], row))
        return Links(row[order], source[order], share[order])


def _matters(instrument: Instrument, sources: Sources) -> Mask:
    """(n,) sources bright enough to be seen, or to shine into one that is."""
    faintest = np.array(list(instrument.faintest.values()))
    columns = instrument.columns[instrument.detecting]
    return np.asarray((sources.mags[:, columns] < faintest).any(axis=1))


def _blotted(instrument: Instrument, sources: Sources, at: Places) -> Mask:
    """(n,) sources too near a very bright one."""
    mags = sources.mags[:, instrument.columns[instrument.channel(instrument.reference)]]
    bright = np.flatnonzero(mags < instrument.mask_mag)
    return at.within(bright, instrument.mask_arcsec)


def _detected(scene: _Scene, rows: Ints) -> Measured:
    """What is measured of those of these sources that are detected."""
    found, made = _seen(scene, rows, _fluxes(scene, rows))
    flux, flux_error, total, total_error = made
    reference = scene.instrument.channel(scene.instrument.reference)
    others, own = (each[found, reference] for each in (scene.light.others, scene.light.own))
    errors, ra, dec = _positions(scene, found, flux, flux_error)
    return Measured(
        source=found,
        owner=scene.ids[found],
        ra_deg=ra,
        dec_deg=dec,
        jyear=scene.at.jyear[found],
        error_mas=errors,
        flux=flux,
        flux_error=flux_error,
        total=total,
        total_error=total_error,
        saturated=_saturated(scene.instrument, total),
        neighbour=others / (own + others),
    )


def _fluxes(scene: _Scene, rows: Ints) -> tuple[Floats, ...]:
    """(r, c) each: PSF fluxes and their errors, model fluxes and theirs."""
    channels, light, shapes = scene.instrument.channels, scene.light, scene.shapes
    gain, noise, more = [], [], []
    for each in channels:
        gain.append(10.0 ** (-0.4 * each.zero_point_mag * scene.at.zero_points(each.band)))
        noise.append(scene.draw(rows, each.band))
        more.append(scene.draw(rows, each.band, "model"))
    bands = np.array([(*terms(each), (each.fwhm_arcsec / FWHM) ** 2) for each in channels])
    made = np.empty((4, len(rows), len(channels)))
    measure(
        rows, scene.flux, light.own, light.others, shapes.width_arcsec, shapes.steep, bands,
        np.stack(gain, axis=1), scene.at.of_field, np.stack(noise, axis=1), np.stack(more, axis=1),
        made,
    )  # fmt: skip
    flux, flux_error, total, total_error = made
    larger = _misfit(scene, rows, flux, flux_error)
    return flux, flux_error, total * larger, total_error * larger


def _misfit(scene: _Scene, rows: Ints, flux: Floats, flux_error: Floats) -> Floats:
    """(r, c) the flux of the best model over what a model of the true shape would find."""
    instrument = scene.instrument
    larger = np.ones(flux.shape)
    if instrument.shape_floor:
        larger += instrument.shape_floor * scene.draw(rows, "shape")[:, None]
        for number, each in enumerate(instrument.channels):
            larger[:, number] += _SHAPE_BAND * scene.draw(rows, each.band, "shape")
    if instrument.fits_size:
        reference = instrument.channel(instrument.reference)
        snr = np.maximum(flux[:, reference] / flux_error[:, reference], _LEAST_SNR)
        true = scene.flux[rows, reference] / scene.light.own[rows, reference]
        found = np.maximum(true + scene.draw(rows, "size") / snr, 1.0)  # no size is below zero
        larger *= (found / true)[:, None]
    return larger


def _positions(
    scene: _Scene, rows: Ints, flux: Floats, flux_error: Floats
) -> tuple[Floats, Floats, Floats]:
    """(n, 2) told errors in mas; ra and dec (n,) as measured, with errors that are larger."""
    instrument, at, light = scene.instrument, scene.at, scene.light
    reference, detecting = instrument.channel(instrument.reference), instrument.detecting
    mag = own_mag(scene.flux[rows, reference]) - instrument.channels[reference].vega_to_ab
    fwhm = np.array([channel.fwhm_arcsec for channel in instrument.channels])[detecting]
    snr = np.maximum(flux[:, detecting] / flux_error[:, detecting], 1.0)
    errors = instrument.centroids.errors_mas(mag, (fwhm / snr).min(axis=1))
    away = at.pulled(rows, scene.near, *(each[:, reference] for each in (light.into, light.own)))
    for axis, name in enumerate(("ra", "dec")):
        noise = instrument.understated * errors[:, axis] * scene.draw(rows, name)
        away[:, axis] += 1e-3 * (
            noise + instrument.offset_mas * at.zero_points(name)[at.of_field[rows]]
        )
    return errors, *shifted(at.ra_deg[rows], at.dec_deg[rows], away)


def own_mag(flux: Floats) -> Floats:
    """AB magnitudes of fluxes in nanomaggies; NaN where there is no positive flux."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(22.5 - 2.5 * np.log10(np.where(flux > 0, flux, np.nan)))


def mag_errors(flux: Floats, error: Floats) -> Floats:
    """Errors of magnitudes; NaN where there is no positive flux."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(PER_MAG * np.where(flux > 0, error / flux, np.nan))


def _saturated(instrument: Instrument, total: Floats) -> Mask:
    limits = [channel.saturation + channel.vega_to_ab for channel in instrument.channels]
    return np.asarray(total > fluxes(np.array(limits)))


def _seen(scene: _Scene, rows: Ints, made: tuple[Floats, ...]) -> tuple[Ints, tuple[Floats, ...]]:
    """Rows with a signal in one of the bands that detect, as a point or as a whole; their fluxes.

    `made` (n, c) each: flux, its error, that of the model and its error.
    """
    instrument, (flux, flux_error, total, total_error) = scene.instrument, made
    best = flux / flux_error
    if not instrument.points:
        best = np.maximum(best, total / total_error)
    found = np.asarray((best[:, instrument.detecting] >= instrument.threshold).any(axis=1))
    if instrument.completeness is not None:
        first = int(instrument.detecting[0])
        mag = own_mag(flux[:, first]) - instrument.channels[first].vega_to_ab
        drawn = chance.uniform(scene.seed, f"{instrument.name}.catalogued", scene.ids[rows])
        found &= drawn < instrument.completeness.chance(mag)
    return rows[found], tuple(each[found] for each in made)
