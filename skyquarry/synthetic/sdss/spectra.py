"""What a spectrum tells: class, redshift, how sure they are, the template that fits, the lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.sky import htm
from skyquarry.synthetic import chance
from skyquarry.synthetic.sdss.codes import SpecClass
from skyquarry.synthetic.sdss.lines import LINES, UNKNOWN, Line
from skyquarry.synthetic.sdss.nuclei import Nuclei
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.sdss.photo import Photo
    from skyquarry.synthetic.sdss.settings import Archive
    from skyquarry.synthetic.sdss.targets import Fibers

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_RANGE: Final = (3_800.0, 9_200.0)
_LIGHT_KMS: Final = 299_792.458
_HIGH_Z: Final = 2.3
"""from here a quasar is of class HIZ_QSO: Lyman alpha is in the spectrum"""
_COOL_M: Final = 10.0
ELLIPTICAL: Final = 8
"""XCRedshift.tempNo of the early-type galaxy"""
_TEMPLATES: Final = {"star": 1, "late_star": 4, "white_dwarf": 6, "elliptical": ELLIPTICAL,
                     "spiral": 9, "emission": 11, "quasar": 12}  # fmt: skip
_NARROW_ABSORPTION: Final = 0.10
"""part of quasars with a strong intervening MgII or CIV system; ours, after Nestor et al. 2005"""


@dataclass(frozen=True)
class Spectra:
    """Spectra (n,) of objects."""

    photo: Photo
    which: Ints
    """(n,) places of the objects"""
    fibers: Fibers
    bits: Ints
    archive: Archive
    seed: int

    def normal(self, what: str) -> Floats:
        """(n,) of each spectrum's own."""
        return chance.normal(self.seed, f"sdss.spectra.{what}", self.fibers.ids)

    def uniform(self, what: str) -> Floats:
        """(n,) in (0, 1)."""
        return chance.uniform(self.seed, f"sdss.spectra.{what}", self.fibers.ids)

    @cached_property
    def kind(self) -> Ints:
        """(n,) Kind; 0 where there is no source."""
        return self.photo.objects.truth.kind[self.which].astype(np.int64)

    @cached_property
    def snr(self) -> Floats:
        """(n,) per pixel in i: 10 at a fibre magnitude of 18.9 after 45 minutes (York et al.)."""
        flux = np.maximum(self.photo.fluxes("fiber")[0][self.which, 3], 1e-3)
        deep = 10 ** (-0.4 * (18.9 - 22.5))
        return np.asarray(10.0 * (flux / deep) / np.sqrt(0.5 + 0.5 * flux / deep))

    @cached_property
    def true_z(self) -> Floats:
        """(n,) redshift, or velocity over that of light."""
        truth = self.photo.objects.truth
        far = truth.redshift[self.which].astype(np.float64)
        near = truth.rv_kms[self.which].astype(np.float64) / _LIGHT_KMS
        return np.where(np.isfinite(far), far, np.nan_to_num(near))

    @cached_property
    def star_forming(self) -> Mask:
        """(n,) galaxies that form stars: discs, and those bluer than the red sequence."""
        truth = self.photo.objects.truth
        flat = np.nan_to_num(truth.sersic[self.which], nan=4.0) < 2.5
        return np.asarray((self.kind == Kind.GALAXY) & flat)

    @cached_property
    def failed(self) -> Mask:
        """(n,) spectra that nobody can tell: too faint for their exposure, or broken."""
        lost = self.archive.failed + 0.35 * np.exp(-self.snr / 1.2)
        return np.asarray((self.uniform("failed") < lost) | (self.kind == 0))

    @cached_property
    def cls(self) -> Ints:
        """(n,) SpecClass as told."""
        late = np.nan_to_num(self.photo.objects.truth.spectral_type[self.which], nan=0.0) >= _COOL_M
        star = np.where(late, int(SpecClass.STAR_LATE), int(SpecClass.STAR))
        far = np.where(self.true_z >= _HIGH_Z, int(SpecClass.HIZ_QSO), int(SpecClass.QSO))
        told = np.where(self.kind == Kind.QUASAR, far, star)
        told = np.where(self.kind == Kind.GALAXY, int(SpecClass.GALAXY), told)
        return np.where(self.failed, int(SpecClass.UNKNOWN), told)

    @cached_property
    def z_error(self) -> Floats:
        """(n,) 30 km/s in galaxies and stars, 300 in quasars, more where there is little signal."""
        base = np.where(self.kind == Kind.QUASAR, 1e-3, 1e-4)
        return base * (1.0 + np.maximum(self.true_z, 0.0)) * (1.0 + 3.0 / np.maximum(self.snr, 0.3))

    @cached_property
    def z(self) -> Floats:
        """(n,) as told; of failures a number between 0 and 2."""
        wrong = 2.0 * self.uniform("wrong z")
        return np.where(self.failed, wrong, self.true_z + self.z_error * self.normal("z"))

    @cached_property
    def confidence(self) -> Floats:
        """(n,) near 1 for good spectra, below 0.35 for failures."""
        good = 1.0 - 0.6 * np.exp(-self.snr / 3.0) * self.uniform("zConf")
        return np.where(self.failed, 0.35 * self.uniform("zConf"), np.minimum(good, 0.9999))

    # ------------------------------------------------------------ tables
    def columns(self) -> dict[str, Any]:
        """SpecObj."""
        made, fibers = self.photo.objects.measured, self.fibers
        ra, dec = made.ra_deg[self.which], made.dec_deg[self.which]
        return {
            "specObjID": fibers.ids,
            "objID": self.photo.ids[self.which],
            "plate": fibers.plate.astype(np.int32),
            "mjd": fibers.mjd.astype(np.int32),
            "fiberID": fibers.fiber.astype(np.int16),
            "ra": ra,
            "dec": dec,
            "htmID": htm.index_radec(ra, dec, 20),
            "z": self.z.astype(np.float32),
            "zErr": self.z_error.astype(np.float32),
            "zConf": self.confidence.astype(np.float32),
            "zStatus": np.where(self.failed, 1, np.where(self.snr > 5, 9, 3)).astype(np.int16),
            "specClass": self.cls.astype(np.int16),
            "primTarget": self.bits.astype(np.int32),
            "sn_i": self.snr.astype(np.float32),
            "velDisp": self._dispersion().astype(np.float32),
        }

    def _dispersion(self) -> Floats:
        """(n,) km/s of early types, after Faber & Jackson; null for others."""
        early = (self.cls == SpecClass.GALAXY) & ~self.star_forming
        told = 180.0 * np.exp(0.3 * self.normal("velDisp"))
        return np.where(early, told, np.nan)

    def templates(self) -> dict[str, Any]:
        """XCRedshift: of each spectrum the template that fits best."""
        number = np.full(len(self.which), _TEMPLATES["star"])
        for name, rows in (
            ("late_star", self.cls == SpecClass.STAR_LATE),
            ("white_dwarf", self.kind == Kind.WHITE_DWARF),
            ("elliptical", (self.kind == Kind.GALAXY) & ~self.star_forming),
            ("spiral", self.star_forming),
            ("emission", self.star_forming & (self.halpha > 40.0)),
            ("quasar", self.kind == Kind.QUASAR),
        ):
            number[rows] = _TEMPLATES[name]
        other = 1 + np.floor(12 * self.uniform("template")).astype(np.int64)
        number = np.where(self.failed | (self.uniform("mistaken") < 0.01), other, number)
        return {
            "xcorrzID": self.fibers.ids + 1,
            "specObjID": self.fibers.ids,
            "tempNo": number.astype(np.int16),
            "z": self.z.astype(np.float32),
            "zErr": self.z_error.astype(np.float32),
            "r": (2.5 + 0.8 * self.snr).astype(np.float32),
            "zConf": self.confidence.astype(np.float32),
        }

    # ------------------------------------------------------------ lines
    @cached_property
    def halpha(self) -> Floats:
        """(n,) equivalent widths of star-forming galaxies: 20 A, scatter of a factor of 2.2."""
        return 20.0 * np.exp(0.8 * self.normal("Halpha"))

    @cached_property
    def nuclei(self) -> Nuclei:
        """(n,) of galaxies."""
        names = ("nucleus", "nucleus dusty", "nucleus dust")
        chances = np.stack([self.uniform(name) for name in names], axis=1)
        knobs = self.archive
        galaxy = self.kind == Kind.GALAXY
        return Nuclei.drawn(
            galaxy, chances, self.normal("nucleus Halpha"), knobs.nuclei, knobs.dusty
        )

    def lines(self) -> dict[str, Any]:
        """SpecLine: every line that is found, and some that nobody knows."""
        found = [
            each for line in LINES for each in (self._line(line), self._absorbed(line)) if each
        ]
        found += [self._unknown(turn) for turn in range(3)]
        joined = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
        order = np.lexsort((joined["wave"], joined["row"]))
        joined = {name: each[order] for name, each in joined.items()}
        row = joined.pop("row")
        first = np.flatnonzero(np.diff(row, prepend=-1))
        rank = np.arange(len(row)) - np.repeat(first, np.diff(np.append(first, len(row))))
        return {
            "specLineID": self.fibers.ids[row] + 64 + rank,
            "specObjID": self.fibers.ids[row],
            "lineID": joined["id"].astype(np.int32),
            **{name: joined[name].astype(np.float32) for name in _MEASURED},
        }

    def _line(self, line: Line) -> dict[str, Any]:
        """A line where its class shows it and the spectrum holds it."""
        quasar, galaxy = self.kind == Kind.QUASAR, self.kind == Kind.GALAXY
        scatter = np.exp(0.35 * self.normal(line.name))
        ew = np.where(quasar, line.quasar, 0.0)
        ew = np.where(galaxy & self.star_forming, line.star_forming * self.halpha, ew)
        ew = np.where(galaxy & ~self.star_forming, line.early, ew)
        ew = np.where(galaxy & self.star_forming & (line.star_forming == 0), 0.4 * line.early, ew)
        teff = np.nan_to_num(self.photo.objects.truth.teff_k[self.which], nan=5_500.0)
        heat = np.clip((teff - 5_000.0) / 4_000.0, 0.0, 1.0)
        star = (self.kind > 0) & (self.kind < Kind.GALAXY)
        ew = np.where(star, heat * line.hot + (1.0 - heat) * line.cool, ew)
        nucleus = self.nuclei.ew(line.name, self.normal(f"{line.name} nucleus"))
        wide = (quasar & line.broad) | (nucleus > 0)
        broad = 0.3 * self.normal("broad") + 0.2 * self.normal(f"{line.name} broad")
        kms = np.where(wide, 2_200.0 * np.exp(broad), 150.0)
        ew = ew * scatter + nucleus
        return self._found(line.id, line.wave * (1.0 + self.true_z), line.wave, ew, kms)

    def _absorbed(self, line: Line) -> dict[str, Any] | None:
        """Broad absorption blueward of a quasar's CIV, and systems in front of it."""
        if line.name not in ("CIV_1549", "MgII_2799"):
            return None
        quasar = self.kind == Kind.QUASAR
        broad = (line.name == "CIV_1549") & (self.uniform("BAL") < self.archive.broad_absorption)
        system = self.uniform(f"{line.name} system") < _NARROW_ABSORPTION
        depth = -np.log(self.uniform(f"{line.name} depth"))
        ew = np.where(
            broad, -25.0 * np.exp(0.6 * self.normal("BAL strength")), np.where(system, -3.0, 0.0)
        )
        ew = np.where(system & ~broad, ew * depth, ew)
        away = np.where(broad, 0.03, 0.0)
        z = np.where(broad, (1.0 + self.true_z) * (1 - away) - 1.0,
                     self.true_z * self.uniform(f"{line.name} where"))  # fmt: skip
        kms = np.where(broad, 3_000.0, 120.0)
        wave = line.wave * (1.0 + z)
        return self._found(line.id, wave, line.wave, np.where(quasar, ew, 0.0), kms)

    def _unknown(self, turn: int) -> dict[str, Any]:
        """A line of no list, somewhere."""
        there = self.uniform(f"unknown {turn}") < self.archive.unknown_lines / 3.0
        wave = _RANGE[0] + (_RANGE[1] - _RANGE[0]) * self.uniform(f"unknown wave {turn}")
        size = -6.0 * np.log(self.uniform(f"unknown ew {turn}"))
        sign = np.where(self.uniform(f"unknown sign {turn}") < 0.3, -1.0, 1.0)
        ew = np.where(there, sign * size, 0.0)
        return self._found(UNKNOWN, wave, wave, ew, np.full(len(wave), 200.0), sure=0.0)

    def _found(
        self, number: int, wave: Floats, rest: Floats | float, ew: Floats, kms: Floats,
        sure: float = 3.0,
    ) -> dict[str, Any]:  # fmt: skip
        """The rows of spectra in which the line is inside and stronger than its noise.

        `ew` at rest; told as observed, 1 + z times as much. The noise of a width over N pixels of
        69 km/s is sqrt(N) pixels' worth over the signal to noise.
        """
        stretch = wave / rest
        pixel = wave * 69.0 / _LIGHT_KMS
        sigma = wave * np.hypot(kms, 69.0) / _LIGHT_KMS
        error = pixel * np.sqrt(4.0 * sigma / pixel) / np.maximum(self.snr, 0.3)
        name = f"line {number}" if number else f"line at {sure}"
        seen = ew * stretch + error * self.normal(f"{name} ew")
        inside = (wave > _RANGE[0]) & (wave < _RANGE[1]) & (ew != 0)
        row = np.flatnonzero(inside & (np.abs(seen) > sure * error))
        at = wave + 0.3 * pixel * self.normal(f"{name} wave")
        spread = sigma * np.exp(0.15 * self.normal(f"{name} sigma"))
        height = np.abs(seen) / np.sqrt(2.0 * np.pi) / spread
        told = {"wave": at, "waveErr": 0.3 * pixel, "sigma": spread, "sigmaErr": 0.15 * spread,
                "ew": seen, "ewErr": error, "height": height}  # fmt: skip
        return {"row": row, "id": np.full(len(row), number)} | {
            each: values[row] for each, values in told.items()
        }


_MEASURED: Final = ("wave", "waveErr", "sigma", "sigmaErr", "ew", "ewErr", "height")
