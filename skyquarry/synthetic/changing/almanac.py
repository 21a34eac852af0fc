"""Sun and Moon over Palomar, to some arcminutes: what a cadence needs.

Low-precision formulas of the Astronomical Almanac, page C24 (Sun, 0.01 degrees) and D46 (Moon,
0.3 degrees, its largest terms alone): from memory, checked against astropy in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LATITUDE_DEG: Final = 33.356
LONGITUDE_DEG: Final = -116.863
_OBLIQUITY: Final = np.radians(23.439)
_TWILIGHT_DEG: Final = -14.0
_LOWEST_DEG: Final = 27.0
"""airmass 2.2"""
_SLOTS: Final = 36
"""of 20 minutes, around local midnight"""
_NANOLAMBERTS: Final = 34.08 * np.exp(20.7233 - 0.92104 * np.array([22.2, 21.2, 20.4]))
"""of the dark sky in g, r, i"""
_SCATTERS: Final = np.array([0.45, 0.42, 0.35])
"""moonlight in g, r, i over the formula's: so that limits spread as in real photometry"""


def sun_longitude_deg(mjd: Floats) -> Floats:
    """(n,) ecliptic longitude."""
    days = np.asarray(mjd) - 51544.5
    mean, anomaly = 280.460 + 0.9856474 * days, np.radians(357.528 + 0.9856003 * days)
    return np.asarray((mean + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly)) % 360.0)


def sun(mjd: Floats) -> tuple[Floats, Floats]:
    """Right ascension and declination (n,), degrees."""
    return _equatorial(np.radians(sun_longitude_deg(mjd)), np.zeros_like(np.asarray(mjd)))


def moon(mjd: Floats) -> tuple[Floats, Floats]:
    """Right ascension and declination (n,) from the Earth's center, degrees."""
    century = (np.asarray(mjd) - 51544.5) / 36525.0
    terms = (
        (6.29, 135.0, 477198.87), (-1.27, 259.3, -413335.36), (0.66, 235.7, 890534.22),
        (0.21, 269.9, 954397.74), (-0.19, 357.5, 35999.05), (-0.11, 186.5, 966404.03),
    )  # fmt: skip
    lon = 218.32 + 481267.881 * century
    lon = lon + sum(size * np.sin(np.radians(a + b * century)) for size, a, b in terms)
    heights = (
        (5.13, 93.3, 483202.02), (0.28, 228.2, 960400.89), (-0.28, 318.3, 6003.15),
        (-0.17, 217.6, -407332.21),
    )  # fmt: skip
    lat = sum(size * np.sin(np.radians(a + b * century)) for size, a, b in heights)
    return _equatorial(np.radians(lon), np.radians(lat))


def altitude_deg(mjd: Floats, ra_deg: Floats | float, dec_deg: Floats | float) -> Floats:
    """(n,) over Palomar's horizon, without refraction."""
    sidereal = 280.46062 + 360.98564737 * (np.asarray(mjd) - 51544.5) + LONGITUDE_DEG
    hour, dec, lat = (np.radians(each) for each in (sidereal - ra_deg, dec_deg, LATITUDE_DEG))
    sine = np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(hour)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _equatorial(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    up, north = np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)
    y, z = y * up - z * north, y * north + z * up
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(z))


@dataclass(frozen=True, slots=True)
class Night:
    """When a field can be seen in nights (n,)."""

    begin: Floats
    """(n, 36) middles of slots, MJD"""
    seen: NDArray[np.bool_]
    """(n, 36) dark, and the field high enough"""
    slots: Ints
    """(n,) how many of them"""

    @classmethod
    def at(cls, nights: Ints, ra_deg: float, dec_deg: float) -> Night:
        """Nights are named by the MJD of the evening's date in Universal Time."""
        middle = nights + (360.0 - LONGITUDE_DEG) / 360.0 - 1.0
        offset = (np.arange(_SLOTS) - 0.5 * (_SLOTS - 1)) / 72.0
        mjd = middle[:, None] + offset
        seen = (altitude_deg(mjd, *sun(mjd)) < _TWILIGHT_DEG) & (
            altitude_deg(mjd, ra_deg, dec_deg) > _LOWEST_DEG
        )
        return cls(mjd, seen, seen.sum(axis=1))

    def time(self, which: Ints, drawn: Floats) -> Floats:
        """(m,) moments in these nights (m,), by numbers in (0, 1)."""
        place = drawn * self.slots[which]
        number = np.floor(place).astype(np.int64)
        rank = np.cumsum(self.seen, axis=1)[which]
        slot = np.argmax(rank > number[:, None], axis=1)
        return np.asarray(self.begin[which, slot] + (place - number - 0.5) / 72.0)


@dataclass(frozen=True, slots=True)
class Sky:
    """Over a field at times (n,)."""

    airmass: Floats
    brighter: Floats
    """the sky's light over that of a dark one"""


def moonlight(mjd: Floats, ra_deg: float, dec_deg: float, extinction: Floats, band: Ints) -> Sky:
    """Krisciunas & Schaefer 1991, equations 3, 9, 15, 20 and 21."""
    moon_ra, moon_dec = moon(mjd)
    up = altitude_deg(mjd, moon_ra, moon_dec)
    airmass = 1.0 / np.sin(np.radians(np.maximum(altitude_deg(mjd, ra_deg, dec_deg), 5.0)))
    path = 1.0 / np.sqrt(1.0 - 0.96 * np.cos(np.radians(np.maximum(up, 0.0))) ** 2)
    phase = 180.0 - _apart_deg(moon_ra, moon_dec, *sun(mjd))
    distance = _apart_deg(moon_ra, moon_dec, ra_deg, dec_deg)
    source = 10.0 ** (-0.4 * (3.84 + 0.026 * np.abs(phase) + 4e-9 * phase**4))
    scatter = 10.0**5.36 * (1.06 + np.cos(np.radians(distance)) ** 2) + 10.0 ** (
        6.15 - distance / 40.0
    )
    light = scatter * source * 10.0 ** (-0.4 * extinction * path)
    light = light * (1.0 - 10.0 ** (-0.4 * extinction * airmass)) * _SCATTERS[band]
    return Sky(airmass, 1.0 + np.where(up > 0.0, light, 0.0) / _NANOLAMBERTS[band])


def _apart_deg(
    ra: Floats, dec: Floats, other_ra: Floats | float, other_dec: Floats | float
) -> Floats:
    a, b, d, e = (np.radians(each) for each in (ra, other_ra, dec, other_dec))
    cosine = np.sin(d) * np.sin(e) + np.cos(d) * np.cos(e) * np.cos(a - b)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
