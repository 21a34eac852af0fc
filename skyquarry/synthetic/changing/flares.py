"""Flares of M dwarfs: Davenport et al. 2014, ApJ 797, 122, in shape; power laws in number.

The part of the dwarfs that flare grows with the spectral type and falls with the height over the
plane (West et al. 2008, AJ 135, 785; numbers from memory). A flaring star has a flare whose
equivalent duration (in g, seconds) is above ED so often a day: rate / ED, the slope of GJ 1243
(Hawley et al. 2014, ApJ 797, 121, energies' cumulative slope about -1), its 5 a day above 1 s in
Kepler's band being some 20 in g. A flare's half time grows as ED**0.35. Flares are as blue as a
black body of 10,000 K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.chance import uniform
from skyquarry.synthetic.changing.cadence import WAVELENGTHS_NM
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, each_at
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]

_HOTTEST_K, _COOLEST_K = 3900.0, 2300.0
_TEFF: Final = np.array([2300.0, 2570.0, 2810.0, 3050.0, 3200.0, 3410.0, 3560.0, 3680.0, 3870.0])
_ACTIVE: Final = np.array([0.8, 0.75, 0.7, 0.55, 0.35, 0.15, 0.06, 0.04, 0.02])
"""of M9, M7, M6, M5, M4, M3, M2, M1, M0, in the plane"""
_HEIGHT_PC: Final = np.array([250.0, 220.0, 180.0, 140.0, 110.0, 80.0, 60.0, 50.0, 50.0])
_LEAST_S: Final = 5.0
"""smaller flares are not seen from one visit to the next"""
_RATE_DAY: Final = 20.0
"""flares a day above 1 s, in g, of a star of median activity"""
_HALF_S: Final = 60.0
"""half time of a flare of 1 s"""
_INTEGRAL: Final = 1.827
"""of the template, in half times"""
_BINS: Final = 4
"""hours before a visit of which flares may still shine"""


def template(time: Floats) -> Floats:
    """Flux over the peak at times in half times: Davenport et al. 2014, equations 1 and 4."""
    rise = 1.0 + time * (1.941 + time * (-0.175 + time * (-2.246 - 1.125 * time)))
    later = np.maximum(time, 0.0)
    fall = 0.6890 * np.exp(-1.600 * later) + 0.3030 * np.exp(-0.2783 * later)
    return np.where(time < -1.0, 0.0, np.where(time < 0.0, rise, fall))


@dataclass(frozen=True)
class Flares:
    """Active dwarfs of spectral type M."""

    rate_day: float = _RATE_DAY
    types: tuple[Type, ...] = (Type.UV,)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """Those that are young enough."""
        which = np.flatnonzero(
            (sources.kind == Kind.MAIN_SEQUENCE)
            & (sources.teff_k < _HOTTEST_K)
            & (sources.teff_k > _COOLEST_K)
            & (sources.parallax_mas > 0)
        )
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(which), ids[which], empty, np.empty((0, 3)), seed)
        own = some.sources
        up = to_frame(to_xyz(own.ra_deg, own.dec_deg), "galactic")[:, 2] * 1000.0 / own.parallax_mas
        young = np.exp(-np.abs(up + 25.0) / np.interp(own.teff_k, _TEFF, _HEIGHT_PC))
        active = some.uniform("flares") < np.interp(own.teff_k, _TEFF, _ACTIVE) * young
        rate = self.rate_day * 10.0 ** (1.2 * (some.uniform("flares.rate")[active] - 0.5))
        return which[active], Changes.of(
            np.full(len(rate), Type.UV), period_d=_LEAST_S / rate, shape=rate
        )

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The truth's magnitudes are those without flares. At most one flare begins in an hour."""
        hour = np.floor(visits.mjd * 24.0).astype(np.int64)
        mean = (some.changes.shape / (24.0 * _LEAST_S))[:, None]
        peak = np.zeros((len(some), len(visits)))
        for back in range(_BINS):
            keys = each_at(some.ids, hour - back)
            drawn = uniform(some.seed, "changing.flares.size", keys)
            row, visit = np.nonzero(drawn < mean)
            duration = _LEAST_S * mean[row, 0] / drawn[row, visit]
            half = _HALF_S * duration**0.35
            start = (hour[visit] - back) / 24.0
            start = start + uniform(some.seed, "changing.flares.time", keys[row, visit]) / 24.0
            since = (visits.mjd[visit] - start) * 86_400.0 / half - 1.0
            peak[row, visit] += duration / (_INTEGRAL * half) * template(since)
        return some.quiet[:, visits.band] + some.quiet[:, :1] * peak * _BLUE[visits.band]


def _planck(wavelength_nm: Floats, kelvin: float) -> Floats:
    """Per unit of frequency, to a constant."""
    x = 1.4387769e7 / (wavelength_nm * kelvin)
    return np.asarray(wavelength_nm**-3.0 / np.expm1(x))


_BLUE: Final = _planck(WAVELENGTHS_NM, 10_000.0) / _planck(WAVELENGTHS_NM[:1], 10_000.0)
"""flux of a flare in g, r, i over that in g"""
