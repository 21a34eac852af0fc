"""When ZTF looks at a field, and how deep: every number a hash of seed, field and night.

Bellm et al. 2019, PASP 131, 018002 and 068003: 30 s exposures, median 5-sigma limits of 20.8, 20.6,
19.9 in g, r, i over all moons, the public survey in g and r each third night (each second one since
December 2020), a partnership survey in i each fourth night over 10,725 of some 23,700 square
degrees. Fields here are HEALPix cells of order 3 (53.7 square degrees; ZTF's have 47) that do not
overlap. Sky light of the Moon: Krisciunas & Schaefer 1991, PASP 103, 1033. From memory: the part of
nights that Palomar loses to weather (28 %, more in winter), the seeing (2.0", lognormal), the part
of fields that a partnership programme sees each night.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.synthetic import chance
from skyquarry.synthetic.changing.almanac import Night, moonlight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FIELD_ORDER: Final = 3
FIRST_MJD: Final = 58194
"""March 2018"""
LAST_MJD: Final = 59288
"""March 2021"""
SOUTHERNMOST_DEG: Final = -28.0
BANDS: Final = ("ps1_g", "ps1_r", "ps1_i")
"""of the truth: ZTF's photometry is tied to Pan-STARRS1"""
WAVELENGTHS_NM: Final = np.array([481.0, 643.0, 790.0])
_DARK_LIMIT: Final = np.array([21.3, 21.05, 20.4])
"""in the zenith of a dark night: so that medians of all visits are near those published"""
_EXTINCTION: Final = np.array([0.17, 0.10, 0.05])
"""magnitudes an airmass: from memory"""
_SEEING_SCATTER: Final = 0.13
_FASTER_MJD: Final = 59184
_LOST: Final = 0.28
_LOST_WINTER: Final = 0.12
_DENSE: Final = 0.12
_HAS_I: Final = 10_725 / 23_700
_PER_NIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Visits:
    """Of one field, in order of time; each (v,)."""

    mjd: Floats
    band: NDArray[np.int8]
    """0, 1, 2 for g, r, i"""
    limit: Floats
    """AB magnitude of a point source of five sigma in the difference image"""
    number: Ints
    """of no other visit of the field"""

    def __len__(self) -> int:
        return len(self.mjd)


def field_of(block: int, block_order: int) -> int:
    """The field that a block lies in."""
    return block >> 2 * (block_order - FIELD_ORDER)


@lru_cache(maxsize=64)
def visits(field: int, seed: int, first_mjd: int = FIRST_MJD, last_mjd: int = LAST_MJD) -> Visits:
    """All visits of a field between two dates; none where Palomar does not reach."""
    ra, dec = (float(each[0]) for each in healpix.center(np.array([field]), FIELD_ORDER))
    nights = np.arange(first_mjd, last_mjd + 1)
    if dec < SOUTHERNMOST_DEG:
        nights = nights[:0]
    night = Night.at(nights, ra, dec)
    asked, band, number = _programmes(field, seed, nights)
    asked &= ~_clouded(seed, nights)[:, None] & (night.slots[:, None] > 0)
    which, program = np.nonzero(asked)
    visit = nights[which] * _PER_NIGHT + number[program]
    drawn = chance.uniform(seed, f"ztf.{field}.slot", visit)
    kept = chance.uniform(seed, f"ztf.{field}.kept", visit) > 0.06
    which, program, visit, drawn = which[kept], program[kept], visit[kept], drawn[kept]
    mjd = night.time(which, drawn)
    order = np.lexsort((visit, mjd))
    mjd, visit = mjd[order], visit[order]
    bands = band[program[order]]
    return Visits(
        mjd, bands.astype(np.int8), _limits(field, seed, ra, dec, mjd, bands, visit), visit
    )


def _programmes(field: int, seed: int, nights: Ints) -> tuple[Mask, Ints, Ints]:
    """(n, p) whether each exposure is asked for in each night, its band (p,), its number (p,)."""
    draw = {
        what: float(chance.uniform(seed, f"ztf.field.{what}", np.array([field]))[0])
        for what in ("phase", "dense", "i", "skip")
    }
    every = np.where(nights < _FASTER_MJD, 3, 2)
    public = (nights + int(draw["phase"] * 6)) % every == 0
    dense = (nights % 2 == 0) & (draw["dense"] < _DENSE)
    i_band = ((nights + int(draw["skip"] * 4)) % 4 == 0) & (draw["i"] < _HAS_I)
    asked = np.stack([public, public, dense, dense, dense, i_band], axis=1)
    return asked, np.array([0, 1, 0, 1, 1, 2]), np.arange(6)


def _clouded(seed: int, nights: Ints) -> Mask:
    """(n,) nights without data: clouds come for one night or for three."""
    lost = _LOST + _LOST_WINTER * np.cos(2.0 * np.pi * (nights - 58_135) / 365.25)
    short = chance.uniform(seed, "ztf.weather", nights)
    long = chance.uniform(seed, "ztf.front", nights // 3)
    clear = np.sqrt(1.0 - lost)
    return np.asarray((short > clear) | (long > clear))


def _limits(
    field: int, seed: int, ra: float, dec: float, mjd: Floats, band: Ints, visit: Ints
) -> Floats:
    """(v,) by airmass, moonlight, and seeing with what else scatters."""
    sky = moonlight(mjd, ra, dec, _EXTINCTION[band], band)
    blur = 2.5 * _SEEING_SCATTER * chance.normal(seed, f"ztf.{field}.seeing", visit)
    thick = _EXTINCTION[band] + 1.5 * np.log10(sky.airmass) / np.maximum(sky.airmass - 1.0, 1e-9)
    loss = np.where(sky.airmass > 1.0, thick * (sky.airmass - 1.0), 0.0)
    return np.asarray(_DARK_LIMIT[band] - loss - 1.25 * np.log10(sky.brighter) - blur)
