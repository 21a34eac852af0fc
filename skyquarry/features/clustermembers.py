"""How probably a galaxy belongs to a cluster: place, colour and magnitude against the background.

After Rykoff et al. 2014, ApJ 785, 104 (redMaPPer), section 3: of a cluster of richness L a galaxy
at a distance R with magnitude m and colour c is a member with p = L u / (L u + b), where u is the
product of a projected NFW profile, a Schechter function and a normal distribution of the colour
about the red sequence, errors included, normalised to 1 inside the radius and above 0.2 L*, and b
the density of all galaxies of that magnitude and colour. L is where the sum of p equals it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FAINTEST: Final = 1.75
"""magnitudes below m*: 0.2 L*"""
_CORE_MPC, _SCALE_MPC = 0.1 / 0.7, 0.15 / 0.7
"""the profile is flat inside the first, and bends at the second (h = 0.7)"""
_BRIGHTEST: Final = -3.0
"""of members, less m*"""
_MAG_STEP, _COLOUR_STEP = 0.2, 0.05
_COLOURS: Final = (-1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Background:
    """Galaxies an arcsec^2, a magnitude of brightness and one of colour: all of a table."""

    faintest: float
    density: Floats
    """(magnitudes, colours)"""
    brightest: float

    @classmethod
    def of(cls, mag: Floats, colour: Floats, area_arcsec2: float) -> Background:
        """Counted in bins, smoothed over their neighbours; never nothing."""
        low, high = float(mag.min()), float(mag.max()) + _MAG_STEP
        mags = np.arange(low, high + _MAG_STEP, _MAG_STEP)
        colours = np.arange(*_COLOURS, _COLOUR_STEP)
        count, _, _ = np.histogram2d(mag, colour, (mags, colours))
        for _ in range(2):
            for axis in (0, 1):
                padded = np.pad(count, [(int(axis == n), int(axis == n)) for n in (0, 1)], "edge")
                some = [np.take(padded, range(k, k + count.shape[axis]), axis) for k in range(3)]
                count = 0.25 * some[0] + 0.5 * some[1] + 0.25 * some[2]
        density = np.maximum(count, 1e-3) / (area_arcsec2 * _MAG_STEP * _COLOUR_STEP)
        return cls(high, density, low)

    def at(self, mag: Floats, colour: Floats) -> Floats:
        """(n,) of these galaxies, by the bin that each is in."""
        row = ((mag - self.brightest) / _MAG_STEP).astype(np.intp)
        column = ((colour - _COLOURS[0]) / _COLOUR_STEP).astype(np.intp)
        rows, columns = self.density.shape
        return self.density[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]


def profile(apart_mpc: Floats, radius_mpc: float) -> Floats:
    """(n,) of 1 inside the radius, a Mpc^2: projected NFW (Bartelmann 1996, A&A 313, 697)."""
    grid, rising = _inside()
    told = _projected(np.maximum(apart_mpc, _CORE_MPC) / _SCALE_MPC)
    return np.where(apart_mpc <= radius_mpc, told / np.interp(radius_mpc, grid, rising), 0.0)


def _projected(x: Floats) -> Floats:
    off = np.where(np.abs(x - 1.0) < 1e-4, 1.0 + 1e-4, x)
    inner = np.sqrt(np.abs((off - 1.0) / (off + 1.0)))
    bent = np.where(off > 1.0, np.arctan(inner), np.arctanh(np.where(off > 1.0, 0.0, inner)))
    return np.asarray((1.0 - 2.0 * bent / np.sqrt(np.abs(off**2 - 1.0))) / (off**2 - 1.0))


@cache
def _inside() -> tuple[Floats, Floats]:
    """Radii in Mpc, and the profile's integral up to each."""
    grid = np.linspace(0.0, 4.0, 2001)
    middle = 0.5 * (grid[1:] + grid[:-1])
    rings = 2.0 * np.pi * middle * np.diff(grid)
    told = _projected(np.maximum(middle, _CORE_MPC) / _SCALE_MPC) * rings
    return grid, np.append(0.0, np.cumsum(told))


def luminosity(beyond: Floats) -> Floats:
    """(n,) of 1 above 0.2 L*, a magnitude: Schechter's of slope -1, of magnitudes less m*."""
    told = np.exp(-(10.0 ** (-0.4 * np.clip(beyond, -8.0, FAINTEST))))
    return np.where((beyond <= FAINTEST) & (beyond >= _BRIGHTEST), told / _light(), 0.0)


@cache
def _light() -> float:
    grid = np.linspace(_BRIGHTEST, FAINTEST, 2000)
    return float(np.trapezoid(np.exp(-(10.0 ** (-0.4 * grid))), grid))


def colour(off: Floats, width: Floats) -> Floats:
    """(n,) a magnitude of colour: normal."""
    return np.asarray(np.exp(-0.5 * (off / width) ** 2) / (width * np.sqrt(2.0 * np.pi)))


def richness(u: Floats, b: Floats, free: Floats) -> tuple[float, Floats]:
    """The L that sum(free p) equals, and p (n,): 0 where the background tells all.

    free (n,): how probably each galaxy belongs to no richer cluster.
    """
    ratio = u / b
    low, high = 0.0, 4.0 * float(free.sum()) + 1.0
    if float((free * ratio).sum()) <= 1.0:  # the sum rises slower than L from the start
        return 0.0, np.zeros(len(u))
    for _ in range(50):
        middle = 0.5 * (low + high)
        if float((free * middle * ratio / (middle * ratio + 1.0)).sum()) > middle:
            low = middle
        else:
            high = middle
    told = 0.5 * (low + high)
    return told, np.asarray(told * ratio / (told * ratio + 1.0))
