"""Where objects lie, for a map: cells of the whole sky, or squares of a plane that touches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

COARSE: Final = 8
"""order of the cells in which a catalogue tells where its rows are"""
WHOLE_ORDER: Final = 6
"""of a map of the whole sky: 0.9 degrees"""
_WIDE: Final = 12.0
"""degrees from the middle beyond which a field is shown on the whole sky"""
SIDE: Final = 480
"""squares along a field"""


@dataclass(frozen=True, slots=True)
class Field:
    """A plane that touches the sky in the middle of a field (gnomonic projection)."""

    ra_deg: float
    dec_deg: float
    half_deg: float
    """of the side of the square"""

    whole: bool = False

    @property
    def bins(self) -> int:
        """How many squares."""
        return SIDE * SIDE

    def bin_of(self, ra_deg: Floats, dec_deg: Floats) -> Ints:
        """(n,) the square of each position, row by row from the south-east; -1 outside."""
        x, y = self.project(ra_deg, dec_deg)
        scale = SIDE / (2.0 * self.half_deg)
        column, row = (np.floor((each + self.half_deg) * scale) for each in (x, y))
        inside = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
        return np.where(inside, row * SIDE + column, -1).astype(np.int64)

    def project(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
        """Degrees east and north of the middle (n,) each; NaN on the far side of the sky."""
        ra, dec = np.radians(ra_deg - self.ra_deg), np.radians(dec_deg)
        middle = np.radians(self.dec_deg)
        towards = np.sin(middle) * np.sin(dec) + np.cos(middle) * np.cos(dec) * np.cos(ra)
        depth = np.where(towards > 0.0, towards, np.nan)
        east = np.cos(dec) * np.sin(ra) / depth
        north = np.cos(middle) * np.sin(dec) - np.sin(middle) * np.cos(dec) * np.cos(ra)
        return np.degrees(east), np.degrees(north / depth)


@dataclass(frozen=True, slots=True)
class Whole:
    """Cells of the whole sky."""

    whole: bool = True

    @property
    def bins(self) -> int:
        """How many cells."""
        return 12 * 4**WHOLE_ORDER

    def bin_of(self, ra_deg: Floats, dec_deg: Floats) -> Ints:
        """(n,) the cell of each position."""
        return np.asarray(healpix.index(ra_deg, dec_deg, WHOLE_ORDER))


def plane_of(pixel: Ints) -> Field | Whole:
    """The map for a catalogue with rows in these cells of order COARSE."""
    if len(pixel) == 0:
        return Whole()
    ra, dec = healpix.center(pixel, COARSE)
    xyz = to_xyz(ra, dec)
    mean = xyz.mean(axis=0)
    size = float(np.linalg.norm(mean))
    if size < 0.5:
        return Whole()
    reach = float(np.degrees(np.arccos(np.clip((xyz @ (mean / size)).min(), -1.0, 1.0))))
    if reach > _WIDE:
        return Whole()
    middle = to_radec((mean / size)[None])
    return Field(float(middle[0][0]), float(middle[1][0]), 1.05 * reach + 0.2)
