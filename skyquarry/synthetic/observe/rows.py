"""What a survey's columns are made from: its measurements, numbered, with chance of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.synthetic import chance
from skyquarry.synthetic.observe.measuring import mag_errors, own_mag
from skyquarry.synthetic.sources import finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.observe.measuring import Measured
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

Columns = dict[str, Any]
"""{name: array (n,) or Arrow array}; NaN is null"""


@dataclass(frozen=True, slots=True)
class RowTruth:
    """What columns may tell of the brightest true source of each row (n,): see `Sources`.

    A spurious row has an empty one.
    """

    pmra_masyr: Floats
    pmdec_masyr: Floats
    parallax_mas: Floats
    half_light_arcsec: NDArray[np.float32]
    sersic: NDArray[np.float32]
    axis_ratio: NDArray[np.float32]
    companion: Mask

    @classmethod
    def of(cls, sources: Sources, places: Ints) -> RowTruth:
        """Of the sources at these places (n,); -1 for spurious rows."""
        columns, nothing, blank = {}, places < 0, type(sources).of(1)
        for name in cls.__slots__:
            empty, given = getattr(blank, name), getattr(sources, name)
            column = (given if len(given) else empty)[np.maximum(places, 0)]
            column[nothing] = empty[0]
            columns[name] = column
        return cls(**columns)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows (n,) of a survey on their way to its catalogue."""

    instrument: Instrument
    measured: Measured
    cell: Ints
    """(n,) cell of order 9 that a row is numbered in"""
    rank: Ints
    """(n,) its number there, from 0"""
    truth: RowTruth
    seed: int

    def __len__(self) -> int:
        return len(self.measured)

    @property
    def real(self) -> Mask:
        """(n,) rows that are of a source."""
        return self.measured.source >= 0

    def normal(self, what: str) -> Floats:
        """(n,) standard normal numbers of each row's own."""
        return chance.normal(self.seed, f"{self.instrument.name}.{what}", self.measured.owner)

    def uniform(self, what: str) -> Floats:
        """(n,) numbers in (0, 1) of each row's own."""
        return chance.uniform(self.seed, f"{self.instrument.name}.{what}", self.measured.owner)

    def mag(self, band: str, *, total: bool = False) -> Floats:
        """(n,) magnitudes in the survey's own system; NaN without positive flux."""
        number = self.instrument.channel(band)
        flux = self.measured.total if total else self.measured.flux
        return own_mag(flux[:, number]) - self.instrument.channels[number].vega_to_ab

    def mag_error(self, band: str, *, total: bool = False) -> Floats:
        """(n,) their errors."""
        number, made = self.instrument.channel(band), self.measured
        if total:
            return mag_errors(made.total[:, number], made.total_error[:, number])
        return mag_errors(made.flux[:, number], made.flux_error[:, number])

    def snr(self, band: str) -> Floats:
        """(n,) of the PSF flux."""
        number = self.instrument.channel(band)
        return self.measured.flux[:, number] / self.measured.flux_error[:, number]

    def limit(self, band: str, sigmas: float = 2.0) -> Floats:
        """(n,) magnitude that the flux is fainter than: that of the flux, if any, and two sigma."""
        number, made = self.instrument.channel(band), self.measured
        flux = np.maximum(made.flux[:, number], 0.0) + sigmas * made.flux_error[:, number]
        return own_mag(flux) - self.instrument.channels[number].vega_to_ab


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An instrument, and how its rows become the columns of its survey."""

    instrument: Instrument
    key: str
    """the survey's column of ids"""
    columns: Callable[[Rows], Columns]
    positions: tuple[str, str] = ("ra", "dec")
    magnitudes: tuple[str, ...] = ()
    """the survey's column of PSF magnitudes for each channel"""

    def table(self, rows: Rows) -> pa.Table:
        """The survey's table; numbers that are not finite are null."""
        return pa.table({name: _column(each) for name, each in self.columns(rows).items()})


def _column(values: Any) -> pa.Array:
    return values if isinstance(values, pa.Array) else finite(values)


def single(values: Any) -> NDArray[np.float32]:
    """As a catalogue's single precision."""
    return np.asarray(values, np.float32)


def mjd(jyear: Floats) -> Floats:
    """Modified Julian dates of Julian years."""
    return np.asarray(51544.5 + (jyear - 2000.0) * 365.25)
