"""PhotoObj: what the pipeline tells of each object, in five bands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky import htm
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic import dust
from skyquarry.synthetic.observe.rows import mjd
from skyquarry.synthetic.observe.surveys.sdss import (
    BANDS,
    INSTRUMENT,
    PETRO_PARTS,
    SFD,
    asinh_mags,
    extended,
)
from skyquarry.synthetic.sdss.codes import Flag, Mode, PhotoType
from skyquarry.synthetic.sdss.images import FIBER_ARCSEC, Images
from skyquarry.synthetic.sdss.numbers import RERUN, SKY_VERSION, field_ids, object_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.faults import Masks
    from skyquarry.synthetic.sdss.objects import Objects

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

HTM_LEVEL: Final = 20
_R: Final = 2
_CROSSING_H: Final = 287.0 / 3600.0
"""hours between the exposures in r and g, from which velocities come"""
_SIGNIFICANT: Final = 4.0


@dataclass(frozen=True)
class Photo:
    """Objects (n,) as the photometric pipeline sees them."""

    objects: Objects
    seed: int

    @cached_property
    def images(self) -> Images:
        """Sizes and shapes."""
        return Images.of(self.objects)

    @cached_property
    def ids(self) -> Ints:
        """(n,) objIDs."""
        return object_ids(self.objects)

    @cached_property
    def type(self) -> Ints:
        """(n,) PhotoType."""
        given = self.objects.given_type
        shape = np.where(extended(self.objects.measured), PhotoType.GALAXY, PhotoType.STAR)
        return np.where(given >= 0, given, shape).astype(np.int64)

    @cached_property
    def is_galaxy(self) -> Mask:
        """(n,) told to be larger than the PSF."""
        return np.asarray(self.type == PhotoType.GALAXY)

    @cached_property
    def snr(self) -> Floats:
        """(n, 5) of the model fluxes, at least 0."""
        made = self.objects.measured
        return np.maximum(made.total / made.total_error, 0.0)

    @cached_property
    def reddening(self) -> Floats:
        """(n, 5) magnitudes, of all dust in front of what lies beyond our Galaxy."""
        made = self.objects.measured
        ebv = dust.total(self.seed, made.ra_deg, made.dec_deg)
        return np.asarray(ebv[:, None] * np.array([SFD[band] for band in BANDS]))

    def fluxes(self, kind: str) -> tuple[Floats, Floats]:
        """(n, 5) nanomaggies and their errors: psf, model, petro or fiber."""
        made = self.objects.measured
        if kind == "psf":
            return made.flux, made.flux_error
        if kind == "model":
            return made.total, made.total_error
        if kind == "petro":
            part = np.where(self.is_galaxy, self.images.between(PETRO_PARTS), 1.0)[:, None]
            return part * made.total, 1.3 * made.total_error
        fwhm = [channel.fwhm_arcsec for channel in INSTRUMENT.channels]
        part = np.stack([self.images.inside(FIBER_ARCSEC, each) for each in fwhm], axis=1)
        return part * made.total, np.sqrt(part) * made.total_error

    def mags(self, kind: str) -> tuple[Floats, Floats]:
        """(n, 5) asinh magnitudes and their errors."""
        if kind not in self._mags:
            self._mags[kind] = self._told(kind)
        return self._mags[kind]

    @cached_property
    def _mags(self) -> dict[str, tuple[Floats, Floats]]:
        return {}

    def _told(self, kind: str) -> tuple[Floats, Floats]:
        flux, error = self.fluxes(kind)
        told = [asinh_mags(band, flux[:, k], error[:, k]) for k, band in enumerate(BANDS)]
        return np.stack([each[0] for each in told], 1), np.stack([each[1] for each in told], 1)

    @cached_property
    def petro_half(self) -> Floats:
        """(n, 5) measured radii of half the Petrosian flux, arcsec."""
        return self._sizes(1)

    def _sizes(self, which: int) -> Floats:
        """(n, 5) Petrosian radius (0), its half-light radius (1), that of 90 % (2)."""
        columns = []
        for number, channel in enumerate(INSTRUMENT.channels):
            true = self.images.petrosian(channel.fwhm_arcsec)[which]
            noise = np.clip(1.0 / np.maximum(self.snr[:, number], 1.0), 0.01, 0.4)
            name = f"petro.{which}.{BANDS[number]}"
            columns.append(true * np.exp(noise * self.objects.normal(self.seed, name)))
        return np.stack(columns, axis=1)

    @cached_property
    def velocity(self) -> tuple[Floats, Floats]:
        """(n,) arcsec/hour along rows and columns; 0 where not significant."""
        error = self.velocity_error
        noise = [error * self.objects.normal(self.seed, name) for name in ("rowv", "colv")]
        row, col = self.objects.rowv + noise[0], self.objects.colv + noise[1]
        moves = np.hypot(row, col) > _SIGNIFICANT * error
        return np.where(moves, row, 0.0), np.where(moves, col, 0.0)

    @cached_property
    def velocity_error(self) -> Floats:
        """(n,) an axis: two positions, of 30 mas and 0.6 FWHM over the signal to noise."""
        two = np.sqrt(2.0) * INSTRUMENT.channels[_R].fwhm_arcsec
        centroid = 0.6 * two / np.maximum(self.snr[:, _R], 2.0)
        return np.asarray(np.hypot(0.03, centroid) / _CROSSING_H)

    # ------------------------------------------------------------ columns
    def columns(self, masks: Masks, spectra: Ints) -> dict[str, Any]:
        """{name: (n,)}; `spectra` (n,) specObjIDs, 0 where there is none."""
        told = self._identity(masks, spectra) | self._places()
        mags = {kind: self.mags(kind) for kind in ("psf", "model", "petro", "fiber")}
        for number, band in enumerate(BANDS):
            told[band] = _single(mags["model"][0][:, number])
        half = self.petro_half
        # the size in surface brightness of query 2 of 2002, "5 ln(r)"
        told["rho"] = _single(5.0 * np.log(half[:, _R]))
        for kind, (mag, error) in mags.items():
            told |= _bands(f"{kind}Mag", mag) | _bands(f"{kind}MagErr", error)
        told |= _bands("reddening", self.reddening)
        told |= _bands("petroRad", self._sizes(0)) | _bands("petroR50", half)
        told |= _bands("petroR90", self._sizes(2))
        return told | self._shapes() | self._likelihoods()

    def _identity(self, masks: Masks, spectra: Ints) -> dict[str, Any]:
        objects, ids, spots = self.objects, self.ids, self.objects.spots
        made = objects.measured
        parents = np.where(objects.parent >= 0, ids[np.maximum(objects.parent, 0)], 0)
        return {
            "objID": ids,
            "skyVersion": np.full(len(ids), SKY_VERSION, np.int16),
            "run": spots.run.astype(np.int16),
            "rerun": np.full(len(ids), RERUN, np.int16),
            "camcol": spots.camcol.astype(np.int16),
            "field": spots.field.astype(np.int16),
            "obj": (ids & 0xFFFF).astype(np.int32),
            "mode": objects.mode.astype(np.int16),
            "nChild": objects.children.astype(np.int16),
            "parentID": parents,
            "type": self.type.astype(np.int16),
            "flags": self.flags,
            "insideMask": masks.covers(made.ra_deg, made.dec_deg).astype(np.int16),
            "specObjID": spectra,
            "fieldID": field_ids(spots),
            "mjd": mjd(made.jyear),
        }

    def _places(self) -> dict[str, Any]:
        made, spots = self.objects.measured, self.objects.spots
        xyz = to_xyz(made.ra_deg, made.dec_deg)
        error = self.velocity_error
        row, col = self.velocity
        return {
            "ra": made.ra_deg,
            "dec": made.dec_deg,
            "raErr": _single(1e-3 * made.error_mas[:, 0]),
            "decErr": _single(1e-3 * made.error_mas[:, 1]),
            "cx": xyz[:, 0],
            "cy": xyz[:, 1],
            "cz": xyz[:, 2],
            "htmID": htm.index(xyz, HTM_LEVEL),
            "rowc": _single(spots.row),
            "colc": _single(spots.column),
            "rowv": _single(row),
            "rowvErr": _single(error),
            "colv": _single(col),
            "colvErr": _single(error),
        }

    def _shapes(self) -> dict[str, Any]:
        """Stokes parameters, isophotal axes, and the model's axes in r."""
        columns: dict[str, list[Floats]] = {name: [] for name in ("q", "u", "isoA", "isoB")}
        angle = np.radians(2.0 * self.images.pa)
        for number, channel in enumerate(INSTRUMENT.channels):
            band, fwhm = BANDS[number], channel.fwhm_arcsec
            noise = np.clip(1.0 / np.maximum(self.snr[:, number], 1.0), 0.005, 0.5)
            stokes = self.images.ellipticity(fwhm)
            for name, part in (("q", np.cos(angle)), ("u", np.sin(angle))):
                drawn = noise * self.objects.normal(self.seed, f"{name}.{band}")
                columns[name].append(np.clip(stokes * part + drawn, -1.0, 1.0))
            a, b = self.images.isophotes(self.objects.measured.total[:, number], fwhm)
            wide = np.exp(0.5 * noise * self.objects.normal(self.seed, f"iso.{band}"))
            columns["isoA"].append(2.0 * a * wide)
            columns["isoB"].append(2.0 * b * wide)
        told: dict[str, Any] = {}
        for name, parts in columns.items():
            told |= _bands(name, np.stack(parts, axis=1))
        told["isoPhi_r"] = _single(np.mod(self.images.pa, 180.0))
        return told | self._model()

    def _model(self) -> dict[str, Any]:
        """Half-light radii along the major axis, and axis ratios, of the fits in r."""
        noise = np.clip(1.0 / np.maximum(self.snr[:, _R], 1.0), 0.01, 0.5)
        true = np.hypot(self.images.half, 0.05)
        told = {}
        for name, times in (("deV", 1.3 - 0.3 * self.images.steep),
                            ("exp", 1.0 - 0.3 * self.images.steep)):  # fmt: skip
            drawn = np.exp(noise * self.objects.normal(self.seed, f"{name}Rad"))
            told[f"{name}Rad_r"] = _single(true * times * drawn)
            ratio = self.images.ratio + noise * self.objects.normal(self.seed, f"{name}AB")
            told[f"{name}AB_r"] = _single(np.clip(ratio, 0.05, 1.0))
        return told

    def _likelihoods(self) -> dict[str, Any]:
        """exp(-chi2 / 2) of the three fits: how many sigma each profile misses the image by.

        What tells profiles apart grows with the signal to noise and with the size over that of the
        seeing; beyond 12 sigma, PSF errors count, and not photons.
        """
        told: dict[str, Any] = {}
        steep = self.images.steep
        for number, channel in enumerate(INSTRUMENT.channels):
            band = BANDS[number]
            size = self.images.half / (0.5 * channel.fwhm_arcsec)
            larger = np.minimum(size**2 / (1.0 + size**2) * self.snr[:, number], 12.0)
            misfits = {
                "lDev": 0.3 * larger * (1.0 - steep),
                "lExp": 0.3 * larger * steep,
                "lStar": larger,
            }
            for name, miss in misfits.items():
                drawn = np.abs(miss + self.objects.normal(self.seed, f"{name}.{band}"))
                told[f"{name}_{band}"] = _single(np.exp(-0.5 * np.minimum(drawn, 12.0) ** 2))
        return told

    @cached_property
    def flags(self) -> Ints:
        """(n,) bits of Flag."""
        objects, made = self.objects, self.objects.measured
        best, faint = self.snr.max(axis=1), self.snr[:, _R] < 5.0
        moves = np.hypot(*self.velocity) > 0
        bits = {
            Flag.BINNED1: best >= 5.0,
            Flag.BINNED2: (best < 5.0) & (best >= 2.5),
            Flag.BINNED4: best < 2.5,
            Flag.SATURATED: made.saturated.any(axis=1),
            Flag.EDGE: objects.spots.at_side,
            Flag.BLENDED: objects.children > 0,
            Flag.CHILD: objects.parent >= 0,
            Flag.DEBLENDED_AS_PSF: (objects.parent >= 0) & (self.type == PhotoType.STAR),
            Flag.MOVED: moves,
            Flag.DEBLENDED_AS_MOVING: moves,
            Flag.STATIONARY: ~moves & ~faint,
            Flag.INTERP: objects.uniform(self.seed, "interpolated") < 0.08,
            Flag.PETROFAINT: faint,
            Flag.MANYPETRO: objects.uniform(self.seed, "manypetro") < np.where(faint, 0.3, 0.03),
            Flag.ELLIPFAINT: self.snr[:, _R] < 3.0,
            Flag.COSMIC_RAY: self.type == PhotoType.COSMIC_RAY,
        }
        told = np.zeros(len(objects), np.int64)
        for flag, rows in bits.items():
            told |= np.where(rows, np.int64(flag), 0)
        return told

    @property
    def primary(self) -> Mask:
        """(n,) the best observation of a place, and not the parent of a blend."""
        return np.asarray(self.objects.mode == Mode.PRIMARY)


def _bands(name: str, values: Floats) -> dict[str, Any]:
    return {f"{name}_{band}": _single(values[:, k]) for k, band in enumerate(BANDS)}


def _single(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)
