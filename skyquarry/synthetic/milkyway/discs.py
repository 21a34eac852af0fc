"""Where the stars of our Galaxy stand: thin disc, thick disc and halo of Juric et al. 2008.

Galactocentric coordinates, parsecs: x toward the Sun, y against l = 90, z toward the north pole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SUN_RADIUS_PC: Final = 8000.0
SUN_HEIGHT_PC: Final = 25.0
_CORE_PC: Final = 500.0
"""the halo's power law ends here, so that its center is finite"""
_BREAK_PC: Final = 28_000.0
_OUTER_POWER: Final = 3.8
"""of the halo farther out than the break: Sesar, Juric & Ivezic 2011, ApJ 731, 4, abstract"""


@dataclass(frozen=True, slots=True)
class Component:
    """Young disc, thin disc, thick disc or halo.

    Densities: Juric et al. 2008, ApJ 673, 864, table 10 (corrected for binaries), relative to the
    thin disc in the plane at the Sun's radius; but how many stars of the halo there are was counted
    near the Sun, one of 481 (Bird et al. 2026, arXiv:2603.11354: Gaia DR3, 1.7e-4 a cubic parsec;
    Juric's 0.0051 is of stars of one colour, at distances that take them for brighter than they are
    here). Metallicities: Nordstrom et al. 2004 (thin), Ivezić
    et al. 2008 (gradient, halo), Soubiran et al. 2003 (thick). Velocities: see `kinematics.py`.
    """

    name: str
    share: float
    """of the density of the thin disc, at the Sun's radius in the plane"""
    length_pc: float
    """scale length of a disc; 0 for the halo"""
    height_pc: float
    flattening: float
    power: float
    feh: float
    """mean in the plane"""
    feh_per_kpc: float
    """gradient with the height"""
    feh_sigma: float
    sigma_uvw_kms: tuple[float, float, float]
    """radial, along rotation, vertical; not of the thin disc, whose stars go by their ages"""
    lag_kms: float
    """behind the circular speed; the same"""
    ages_gyr: tuple[float, float]
    """between which ages are even"""
    turnoff_g_i: tuple[float, float]
    """no dwarf is bluer than the first, none is missing that is redder than the second"""

    def density(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """(n,) relative to the thin disc in the plane at the Sun's radius."""
        if self.length_pc:
            radius = np.hypot(x, y)
            away = (radius - SUN_RADIUS_PC) / self.length_pc + np.abs(z) / self.height_pc
            return np.asarray(self.share * np.exp(-away))
        radius = np.sqrt(x**2 + y**2 + (z / self.flattening) ** 2 + _CORE_PC**2)
        beyond = np.maximum(radius / _BREAK_PC, 1.0) ** (self.power - _OUTER_POWER)
        return np.asarray(self.share * (radius / SUN_RADIUS_PC) ** -self.power * beyond)


YOUNG: Final = Component(
    "young disc", 1.0, 2600.0, 100.0, 1.0, 0.0, -0.05, 0.0, 0.12, (0.0, 0.0, 0.0), 0.0, (0.1, 2.0),
    (-9.0, -8.0),
)  # fmt: skip
"""Stars that do not live long enough to leave the plane: Bahcall & Soneira 1980, ApJS 44, 73."""
THIN: Final = Component(
    "thin disc", 1.0, 2600.0, 300.0, 1.0, 0.0, -0.10, -0.30, 0.18, (0.0, 0.0, 0.0), 0.0,
    (1.0, 10.0), (-9.0, -8.0),
)  # fmt: skip
THICK: Final = Component(
    "thick disc", 0.12, 3600.0, 900.0, 1.0, 0.0, -0.60, -0.10, 0.25, (67.0, 45.0, 39.0), 46.0,
    (9.0, 12.0), (0.32, 0.48),
)  # fmt: skip
_DISC_TO_HALO: Final = 480.0
"""stars near the Sun: Bird et al. 2026"""
HALO: Final = Component(
    "halo", (THIN.share + THICK.share) / _DISC_TO_HALO, 0.0, 0.0, 0.64, 2.77, -1.46, 0.0, 0.30,
    (141.0, 90.0, 88.0), 220.0, (11.0, 13.0), (0.18, 0.32),
)  # fmt: skip
COMPONENTS: Final = (YOUNG, THIN, THICK, HALO)
LOCAL: Final = THIN.share + THICK.share + HALO.share
"""Density of all of them, in the plane at the Sun, of stars that the young disc has none of."""
THIN_AT_SUN: Final = 1.0 / sum(
    each.share * (np.exp(-SUN_HEIGHT_PC / each.height_pc) if each.height_pc else 1.0)
    for each in (THIN, THICK, HALO)
)
"""Density of the thin disc in the plane, over that of all components where the Sun is: 25 pc up."""


def young_share(m_v: Floats) -> Floats:
    """(n,) of the thin disc's stars of an absolute magnitude, how many are of the young disc.

    So that heights grow from 100 pc to that of the old disc between M_V = 2.3 and 5.1, as in
    Bahcall & Soneira 1980, equation 2.
    """
    return np.asarray(np.clip((5.1 - m_v) / 2.8, 0.0, 1.0))


def galactocentric(lon_deg: Floats, lat_deg: Floats, distance_pc: Floats) -> tuple[Floats, ...]:
    """x, y, z (n,) parsecs."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    flat = distance_pc * np.cos(lat)
    x = SUN_RADIUS_PC - flat * np.cos(lon)
    return x, -flat * np.sin(lon), distance_pc * np.sin(lat) + SUN_HEIGHT_PC
