"""Asteroids of the main belt, each in the one survey that met it.

A survey that looked once has met some that are elsewhere when another looks: each survey has a
population of its own, with magnitudes in its bands alone. Sky density at opposition on the
ecliptic: 210 a square degree to R = 23, cumulative slope 0.27 (Gladman et al. 2009, Icarus 202,
104); it falls with the latitude as a Gaussian of 11 degrees, as orbits do that are inclined as a
Rayleigh law of 7 degrees (after Ivezic et al. 2001, AJ 122, 2749; the width from memory). Colours:
S and C types, 1.5 to 1 (Ivezic et al. 2001), values from memory. Motion: exactly that of Kepler
orbits with this inclination, eccentricities about 0.14, seen within 25 degrees of opposition,
whatever the date: SDSS looked so. What there is not: near-Earth objects, Trojans, phase curves,
trails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from skyquarry.sky.frames import from_frame, to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND
from skyquarry.synthetic.changing.changes import Changes, Lit, Type, population_of
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Block
    from skyquarry.synthetic.changing.cadence import Visits
    from skyquarry.synthetic.changing.changes import Ints
    from skyquarry.synthetic.observe.instruments import Instrument

    Floats = NDArray[np.float64]

_DENSITY_DEG2: Final = 210.0
_SLOPE: Final = 0.27
_R_MINUS: Final = 0.21
"""r - R of an asteroid, which is as red as 0.5 in g-r"""
_WIDTH_DEG: Final = 11.0
_BRIGHTEST: Final = 13.0
_SHARE_S: Final = 0.6
_SCATTER: Final = 0.04
_S: Final = {"sdss_u": 2.34, "sdss_g": 0.66, "sdss_i": -0.21, "sdss_z": -0.23}
_C: Final = {"sdss_u": 1.87, "sdss_g": 0.47, "sdss_i": -0.13, "sdss_z": -0.17}
"""AB magnitudes over that in r"""
_SUNLIKE: Final = {
    "twomass_j": -0.35, "twomass_h": -0.33, "twomass_ks": 0.06,
    "ukidss_y": -0.32, "ukidss_j": -0.35, "ukidss_h": -0.33, "ukidss_k": 0.08,
}  # fmt: skip
_BELT: Final = ((2.35, 0.10, 0.40), (2.65, 0.10, 0.35), (3.10, 0.10, 0.25))
"""heliocentric distances in au: mean, scatter, share (from memory, of a sample to r = 21.5)"""
_INCLINATION_DEG: Final = 7.0
_ECCENTRICITY: Final = 0.14
_PHASE_DEG: Final = 25.0
_GAUSS_AU_DAY: Final = 0.0172021


@dataclass(frozen=True)
class Asteroids:
    """Those that a survey met."""

    instrument: Instrument
    number: int
    types: tuple[Type, ...] = (Type.ASTEROID,)

    @property
    def name(self) -> str:
        """Of the survey."""
        return f"asteroids in {self.instrument.name}"

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """Those of a block that the survey could see."""
        bands = [channel.band for channel in self.instrument.channels]
        over = {"sdss_r": 0.0} | _S | _SUNLIKE
        limits = [block.limits[BAND[band]] - over[band] for band in bands]
        faintest = float(np.max(limits)) + 0.3
        if not np.isfinite(faintest) or faintest <= _BRIGHTEST:
            return Sources.of(0)
        lat = np.degrees(np.arcsin(to_frame(to_xyz(*map(np.atleast_1d, block.center)), "ecliptic")))
        mean = per_deg2(faintest, float(lat[0, 2])) * block.area_deg2
        n = int(random.poisson(mean))
        ra, dec = block.uniform(n, random)
        r = faintest + np.log10(random.random(n)) / _SLOPE
        stony = random.random(n) < _SHARE_S
        made = Sources.of(n, ra_deg=ra, dec_deg=dec, kind=Kind.ASTEROID, mags=np.inf)
        for band in bands:
            if band in _SUNLIKE:
                colour = np.full(n, _SUNLIKE[band])
            else:
                colour = np.where(stony, _S.get(band, 0.0), _C.get(band, 0.0))
            made.mags[:, BAND[band]] = r + colour + _SCATTER * random.standard_normal(n)
        return made.taken(block.visible(made.mags) & (r > _BRIGHTEST))

    def found(self, sources: Sources, ids: Ints, seed: int) -> tuple[Ints, Changes]:
        """All of the population, with their motions."""
        which = np.flatnonzero(population_of(ids) == self.number)
        empty = Changes.of(np.empty(0, np.int8))
        some = Lit(sources.taken(which), ids[which], empty, np.empty((0, 3)), seed)
        east, north = motions(some)
        return which, Changes.of(
            np.full(len(which), Type.ASTEROID), east_degday=east, north_degday=north
        )

    def light(self, some: Lit, visits: Visits) -> Floats:
        """None at a fixed place."""
        return np.zeros((len(some), len(visits)))


def per_deg2(r_mag: float, ecliptic_latitude_deg: float) -> float:
    """Asteroids brighter than this in r, a square degree, near opposition."""
    at_ecliptic = _DENSITY_DEG2 * 10.0 ** (_SLOPE * (r_mag - _R_MINUS - 23.0))
    return float(at_ecliptic * np.exp(-0.5 * (ecliptic_latitude_deg / _WIDTH_DEG) ** 2))


def motions(some: Lit) -> tuple[Floats, Floats]:
    """(n,) degrees a day east (times cos dec) and north, seen from the Earth.

    The Earth stands at longitude 0, and the Sun behind it; the line of sight is that of the source.
    """
    position = to_frame(to_xyz(some.sources.ra_deg, some.sources.dec_deg), "ecliptic")
    lon, lat = to_radec(position)
    phase = np.radians(_PHASE_DEG * (2.0 * some.uniform("asteroid.phase") - 1.0))
    beta = np.radians(lat)
    sight = np.stack(
        [np.cos(beta) * np.cos(phase), np.cos(beta) * np.sin(phase), np.sin(beta)], axis=1
    )
    distance = _distance(some)
    along = sight[:, 0]
    range_au = -along + np.sqrt(along**2 + distance**2 - 1.0)
    at_sun = range_au[:, None] * sight + np.array([1.0, 0.0, 0.0])
    relative = _velocity(some, at_sun, distance) - np.array([0.0, _GAUSS_AU_DAY, 0.0])
    across = (relative - (relative * sight).sum(axis=1)[:, None] * sight) / range_au[:, None]
    turn = np.radians(lon) - phase
    back = np.stack(
        [
            across[:, 0] * np.cos(turn) - across[:, 1] * np.sin(turn),
            across[:, 0] * np.sin(turn) + across[:, 1] * np.cos(turn),
            across[:, 2],
        ],
        axis=1,
    )
    moved = np.degrees(from_frame(back, "ecliptic"))
    ra, dec = np.radians(some.sources.ra_deg), np.radians(some.sources.dec_deg)
    east = -moved[:, 0] * np.sin(ra) + moved[:, 1] * np.cos(ra)
    outward = moved[:, 0] * np.cos(ra) + moved[:, 1] * np.sin(ra)
    return east, moved[:, 2] * np.cos(dec) - outward * np.sin(dec)


def _distance(some: Lit) -> Floats:
    """(n,) au from the Sun."""
    drawn, scatter = some.uniform("asteroid.belt"), ndtri(some.uniform("asteroid.distance"))
    edges = np.cumsum([share for _, _, share in _BELT])[:-1]
    belt = np.searchsorted(edges, drawn)
    mean, width, _ = np.array(_BELT)[belt].T
    return np.asarray(np.clip(mean + width * scatter, 1.9, 3.6))


def _velocity(some: Lit, at: Floats, distance: Floats) -> Floats:
    """(n, 3) au a day of orbits that pass there: tilted enough to reach the latitude."""
    sine = np.clip(at[:, 2] / distance, -1.0, 1.0)
    needed = np.arcsin(np.abs(sine))
    spare = np.radians(_INCLINATION_DEG) * np.sqrt(-2.0 * np.log(some.uniform("asteroid.tilt")))
    tilt = np.hypot(needed, spare)
    flat = np.hypot(at[:, 0], at[:, 1])
    east = np.stack([-at[:, 1], at[:, 0], np.zeros(len(at))], axis=1) / flat[:, None]
    radial = at / distance[:, None]
    north = np.cross(radial, east)
    cosine = np.clip(np.cos(tilt) / np.sqrt(1.0 - sine**2), -1.0, 1.0)
    up = np.where(some.uniform("asteroid.node") < 0.5, 1.0, -1.0) * np.sqrt(1.0 - cosine**2)
    size = _ECCENTRICITY * np.sqrt(-np.log(some.uniform("asteroid.eccentricity")))
    size = np.minimum(size, 0.4)
    anomaly = 2.0 * np.pi * some.uniform("asteroid.anomaly")
    speed = _GAUSS_AU_DAY / np.sqrt(distance * (1.0 + size * np.cos(anomaly)))
    outward = speed * size * np.sin(anomaly)
    round_ = speed * (1.0 + size * np.cos(anomaly))
    return np.asarray(
        outward[:, None] * radial + round_[:, None] * (cosine[:, None] * east + up[:, None] * north)
    )
