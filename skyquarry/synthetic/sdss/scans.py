"""How the imaging camera scans the sky: stripes, strips, camera columns, fields, runs and dates.

Geometry of York et al. 2000, AJ 120, 1579, and Stoughton et al. 2002, AJ 123, 485, section 3: a
stripe is a great circle of 2.5 degrees through the nodes at RA 95 and 275, dec 0; two strips of six
columns each fill it, 13.5' wide and 12.5' apart, so that neighbours overlap by a minute of arc; a
field is 1361 rows of 0.396" long. A run is a scan of one strip, here of 36 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic import chance
from skyquarry.synthetic.observe.instruments import Dates

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

NODE_DEG: Final = 95.0
STRIPE_DEG: Final = 2.5
LINES: Final = 12
"""scan lines of a stripe: those of the strips take turns"""
SPACING_DEG: Final = STRIPE_DEG / LINES
PIXEL_ARCSEC: Final = 0.396
WIDTH_DEG: Final = 2048 * PIXEL_ARCSEC / 3600.0
LENGTH_DEG: Final = 1361 * PIXEL_ARCSEC / 3600.0
SECTION_DEG: Final = 36.0
_FIRST_FIELD: Final = 11
_FIRST_RUN: Final = 94
_EQUATOR: Final = 10
"""number of the stripe along the equator in the north; that in the south is 82"""
_SOUTH: Final = 72
_LOWEST: Final = -26
_CALENDAR: Final = 20
"""when each run was scanned: the survey's own dates, the same in every simulated sky; in this one
the runs at (185, -0.5) look 60 and 74 degrees from opposition, where asteroids move as slowly, and
with the sky, as query 15 asks"""
REPEAT_DEG: Final = 4.0
"""Scans are repeated along so much of a strip at a time."""
EDGE_ARCSEC: Final = 4.0
"""Objects nearer to the side of a camera column touch it."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Where positions (n,) fall in a scan."""

    stripe: Ints
    line: Ints
    """(n,) 0 to 11 from the southern side of the stripe"""
    mu_deg: Floats
    """(n,) along the stripe"""
    nu_deg: Floats
    """(n,) from the middle of the scan line"""
    repeat: Ints
    """(n,) 1 where it is a second scan of the same line, else 0"""

    def taken(self, which: Mask | Ints) -> Spots:
        """Some of them."""
        return Spots(*(getattr(self, name)[which] for name in self.__slots__))

    @staticmethod
    def concatenated(parts: list[Spots]) -> Spots:
        """One after the other."""
        names = Spots.__slots__
        return Spots(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def strip(self) -> Ints:
        """(n,) 0 or 1."""
        return self.line & 1

    @property
    def camcol(self) -> Ints:
        """(n,) 1 to 6."""
        return 1 + (self.line >> 1)

    @property
    def section(self) -> Ints:
        """(n,) which part of the strip a run scanned."""
        return np.floor(self.mu_deg / SECTION_DEG).astype(np.int64)

    @property
    def run(self) -> Ints:
        """(n,) numbers of their own for each strip, section and repetition."""
        strips = ((self.stripe - _LOWEST) * 10 + self.section) * 2 + self.strip
        return np.asarray(_FIRST_RUN + strips * 2 + self.repeat)

    @property
    def field(self) -> Ints:
        """(n,) numbers within run and column."""
        along = self.mu_deg - SECTION_DEG * self.section
        return _FIRST_FIELD + np.floor(along / LENGTH_DEG).astype(np.int64)

    @property
    def row(self) -> Floats:
        """(n,) pixels from the beginning of the field."""
        along = (self.mu_deg - SECTION_DEG * self.section) / LENGTH_DEG
        return 1361.0 * (along - np.floor(along))

    @property
    def column(self) -> Floats:
        """(n,) pixels from the southern side of the column."""
        return 1024.0 + self.nu_deg * 3600.0 / PIXEL_ARCSEC

    @property
    def packed(self) -> Ints:
        """(n,) run, column and field in one number."""
        return (self.run << 16) | (self.camcol << 12) | self.field

    @property
    def at_side(self) -> Mask:
        """(n,) whether an object touches the side of its column."""
        return np.asarray(WIDTH_DEG / 2 - np.abs(self.nu_deg) < EDGE_ARCSEC / 3600.0)


def great_circle(ra_deg: Floats, dec_deg: Floats, inclination_deg: Floats) -> tuple[Floats, Floats]:
    """(mu, nu) along and across great circles of inclinations (n,), degrees; mu from 0 to 360."""
    ra, dec, tilt = (np.radians(each) for each in (ra_deg - NODE_DEG, dec_deg, inclination_deg))
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    along = np.arctan2(y * np.cos(tilt) + z * np.sin(tilt), x)
    across = np.arcsin(np.clip(z * np.cos(tilt) - y * np.sin(tilt), -1.0, 1.0))
    return np.mod(np.degrees(along) + NODE_DEG, 360.0), np.degrees(across)


def from_great_circle(
    mu_deg: Floats, nu_deg: Floats, inclination_deg: Floats
) -> tuple[Floats, Floats]:
    """(ra, dec) degrees of what `great_circle` tells."""
    mu, nu, tilt = (np.radians(each) for each in (mu_deg - NODE_DEG, nu_deg, inclination_deg))
    x, y, z = np.cos(nu) * np.cos(mu), np.cos(nu) * np.sin(mu), np.sin(nu)
    ra = np.arctan2(y * np.cos(tilt) - z * np.sin(tilt), x)
    dec = np.arcsin(np.clip(y * np.sin(tilt) + z * np.cos(tilt), -1.0, 1.0))
    return np.mod(np.degrees(ra) + NODE_DEG, 360.0), np.degrees(dec)


def inclination_of(stripe: Ints) -> Floats:
    """(n,) degrees of a stripe's great circle."""
    north = stripe < _EQUATOR + _SOUTH // 2
    return STRIPE_DEG * np.where(north, stripe - _EQUATOR, stripe - _EQUATOR - _SOUTH)


def first_scan(ra_deg: Floats, dec_deg: Floats) -> Spots:
    """The scan whose line passes nearest: what is primary there."""
    ra, dec = np.radians(ra_deg - NODE_DEG), np.radians(dec_deg)
    y, z = np.cos(dec) * np.sin(ra), np.sin(dec)
    south = y < 0
    tilt = np.degrees(np.arctan2(np.where(south, -z, z), np.abs(y)))
    stripe = _EQUATOR + np.round(tilt / STRIPE_DEG).astype(np.int64) + _SOUTH * south
    return _in_stripe(stripe, ra_deg, dec_deg)


def _in_stripe(stripe: Ints, ra_deg: Floats, dec_deg: Floats) -> Spots:
    mu, nu = great_circle(ra_deg, dec_deg, inclination_of(stripe))
    line = np.floor((nu + STRIPE_DEG / 2) / SPACING_DEG).astype(np.int64)
    line = np.clip(line, 0, LINES - 1)
    return Spots(stripe, line, mu, nu - middle_of(line), np.zeros_like(line))


def middle_of(line: Ints) -> Floats:
    """(n,) degrees from the middle of the stripe to that of a scan line."""
    return np.asarray((line + 0.5) * SPACING_DEG - STRIPE_DEG / 2, np.float64)


def second_scan(ra_deg: Floats, dec_deg: Floats, first: Spots) -> tuple[Spots, Mask]:
    """The line or the stripe next to the first one, and where it sees the position too."""
    side = np.where(first.nu_deg < 0, -1, 1)
    line = first.line + side
    inside = (line >= 0) & (line < LINES)
    nu = first.nu_deg - side * SPACING_DEG
    beyond = first.line * SPACING_DEG + first.nu_deg > STRIPE_DEG / 2
    other = _in_stripe(first.stripe + np.where(beyond, 1, -1), ra_deg, dec_deg)
    stripes = np.abs(other.nu_deg) < WIDTH_DEG / 2
    made = Spots(
        np.where(stripes, other.stripe, first.stripe),
        np.where(stripes, other.line, np.clip(line, 0, LINES - 1)),
        np.where(stripes, other.mu_deg, first.mu_deg),
        np.where(stripes, other.nu_deg, nu),
        np.zeros_like(line),
    )
    return made, np.asarray(stripes | (inside & (np.abs(nu) < WIDTH_DEG / 2)))


def repeated_scan(first: Spots, share: float, seed: int) -> tuple[Spots, Mask]:
    """The same line in another run, and where there is one: in the part `share` of the strips."""
    again = replace(first, repeat=np.ones_like(first.line))
    part = np.floor(first.mu_deg / REPEAT_DEG).astype(np.int64)
    strips = ((first.stripe - _LOWEST) * 2 + first.strip) * 1024 + part
    return again, np.asarray(chance.uniform(seed, "sdss.repeated", strips) < share)


@dataclass(frozen=True, slots=True)
class ScanDates(Dates):
    """Dates of runs: each scanned in one night, when its middle crossed the meridian."""

    spots: Callable[[Floats, Floats], Spots] = first_scan

    def fields(self, ra_deg: Floats, dec_deg: Floats) -> Ints:
        """(n,) run, column and field."""
        return self.spots(ra_deg, dec_deg).packed

    def jyears(self, fields: Ints, name: str, seed: int) -> Floats:
        """(m,) of a run, whatever the name of the scan is, and in whatever sky."""
        del name, seed
        return run_jyear(fields >> 16, self.first_jyear, self.last_jyear)


def opposition_deg(run: Ints) -> Floats:
    """(n,) how far east of the opposition of the Sun a run looked: within 75 degrees."""
    return 150.0 * (chance.uniform(_CALENDAR, "sdss.opposition", run) - 0.5)


def run_jyear(run: Ints, first_jyear: float, last_jyear: float) -> Floats:
    """(n,) Julian years: a night on which the run's middle was so far from opposition."""
    middle = SECTION_DEG * (((run - _FIRST_RUN) >> 2) % 10 + 0.5)
    sun = middle - 180.0 - opposition_deg(run)
    part = np.mod(sun - 280.46, 360.0) / 360.0
    years = np.floor(first_jyear) + np.floor(
        (last_jyear - first_jyear) * chance.uniform(_CALENDAR, "sdss.year", run)
    )
    return np.asarray(years + part, np.float64)
