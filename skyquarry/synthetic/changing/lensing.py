"""Microlensing: Paczynski 1986, ApJ 304, 1, of a point by a point.

Events a star and year: 13.4e-6 exp(0.49 (3 - |b|)) toward the bulge (Mroz et al. 2019, ApJS 244,
29), falling with exp(-|l| / 32) along the plane (Mroz et al. 2020, ApJS 249, 16), and never less
than 2e-9: from memory, and beyond 10 degrees from the plane a guess, as nearly none has been seen
there. Einstein times: log-normal about 22 days, 0.35 dex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic import chance
from skyquarry.synthetic.changing.cadence import FIRST_MJD, LAST_MJD
from skyquarry.synthetic.changing.changes import Changes, Lit, Type
from skyquarry.synthetic.sources import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]

_SPARE_D = 100.0
_LEAST = 2e-9
_MOST = 13.4e-6 * np.exp(0.49 * 2.0)
"""a degree from the plane and nearer"""
_STARS = (Kind.MAIN_SEQUENCE, Kind.GIANT)


@dataclass(frozen=True)
class Lensing:
    """Stars behind which another one passes."""

    times: float = 1.0
    """events over those that are published: to make a field where there are some"""
    types: tuple[Type, ...] = (Type.ML,)

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """One star in many, with an impact parameter below 1 while ZTF looks."""
        begin, end = FIRST_MJD - _SPARE_D, LAST_MJD + _SPARE_D
        years = self.times * (end - begin) / 365.25
        drawn = chance.uniform(seed, "changing.lensing", ids)
        # Few pass a cut at the highest rate of all: the place in the sky is asked of these alone.
        stars = np.flatnonzero((drawn < years * _MOST) & np.isin(sources.kind, _STARS))
        lon, lat = to_radec(
            to_frame(to_xyz(sources.ra_deg[stars], sources.dec_deg[stars]), "galactic")
        )
        which = stars[drawn[stars] < years * per_year(lon, lat)]
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources, ids[which], empty, np.empty((0, 3)), seed)
        impact = some.uniform("lensing.impact")
        return which, Changes.of(
            np.full(len(which), Type.ML), shape=impact,
            amplitude_mag=2.5 * np.log10(magnified(impact)),
            scale_d=10.0 ** (1.34 + 0.35 * ndtri(some.uniform("lensing.time"))),
            epoch_mjd=begin + (end - begin) * some.uniform("lensing.epoch"),
        )  # fmt: skip

    def light(self, some: Lit, visits: Visits) -> Floats:
        """The same in each band; no light of the lens or of neighbours beside."""
        changes = some.changes
        along = (visits.mjd - changes.epoch_mjd[:, None]) / changes.scale_d[:, None]
        return np.asarray(
            some.quiet[:, visits.band] * magnified(np.hypot(along, changes.shape[:, None]))
        )


def magnified(separation: Floats) -> Floats:
    """By how much, at separations in Einstein radii."""
    square = np.square(separation)
    return np.asarray((square + 2.0) / np.sqrt(square * (square + 4.0)))


def per_year(lon_deg: Floats, lat_deg: Floats) -> Floats:
    """(n,) events a star and year."""
    away = np.abs((lon_deg + 180.0) % 360.0 - 180.0)
    bulge = _MOST * np.exp(-0.49 * (np.maximum(np.abs(lat_deg), 1.0) - 1.0))
    return np.asarray(np.maximum(bulge * np.exp(-away / 32.0), _LEAST))
