"""Which rows are dwarfs as cool as M8 or cooler: what is as cool and seen at all is near.

Such a dwarf at J = 16 is 100 pc away and less, and moves some hundred mas a year: this is what the
prior of motions asks of a colour. It is one of the catalogue's own, between its reddest band and
the bluest in which such a dwarf is not much fainter, so that the catalogue sees it in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.match.given.bands import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Band, Roles
    from skyquarry.match.given.values import Values

    Floats = NDArray[np.float64]

_UM: Final = (0.617, 0.748, 0.752, 0.867, 0.893, 0.963, 1.03, 1.24, 1.66, 2.16, 3.35, 4.60)
_M8_AB: Final = (6.54, 3.85, 3.85, 2.48, 2.18, 1.68, 1.41, 0.91, 0.70, 0.73, 1.33, 1.74)
_VEGA_AB: Final = (0.16, 0.37, 0.37, 0.53, 0.54, 0.60, 0.63, 0.91, 1.38, 1.85, 2.70, 3.34)
"""Wavelengths from r to W2, AB magnitudes of an M8 dwarf of J = 0 (Vega), those of Vega: medians of
SIMPLE's dwarfs (`design/ultracool.py`). i - z of SDSS is 1.67, J - Ks 1.13, W1 - W2 0.23."""
_FROM_TO_UM: Final = (0.6, 5.0)
_FAINTER: Final = 2.5
"""mag (AB) by which the dwarf may be fainter in the blue band: bands of a survey are about as
deep"""
_INFRARED_UM: Final = 1.0
KNOWN_RED: Final = 1e-3
"""`coolness` of whatever is as red as such dwarfs is at least this, and of nothing else"""


@dataclass(frozen=True, slots=True)
class _Shares:
    """How many of the rows are such dwarfs."""

    bright_mag: float
    """Vega, of the blue band"""
    bright: float
    """of red rows no fainter"""
    faint: float
    """of the other red ones"""
    blue: float


_OPTICAL: Final = _Shares(20.6, 0.5, 0.1, 1e-4)
_INFRARED: Final = _Shares(16.0, 0.003, KNOWN_RED, 3e-4)
"""Counted by `design/cool_dwarfs.py`. Galaxies and quasars are as red in the infrared, and in the
optical hardly anything that is well measured."""


def cool_bands(roles: Roles) -> tuple[Band, Band] | None:
    """The blue and the red band of the colour; None where there are not two from r to W2."""
    low, high = _FROM_TO_UM
    bands = [b for b in roles.bands if b.wavelength_um and low < b.wavelength_um < high]
    bands.sort(key=lambda b: (b.wavelength_um or 0.0, b.name))
    if not bands:
        return None
    red = next(b for b in bands if b.wavelength_um == bands[-1].wavelength_um)
    bluer = [b for b in bands if b.wavelength_um != red.wavelength_um]
    seen = [b for b in bluer if _at(_M8_AB, b) - _at(_M8_AB, red) <= _FAINTER]
    return (seen[0], red) if seen else None


def reddest_usual(bands: tuple[Band, Band]) -> float:
    """The colour of an M8 dwarf, in the systems of the two bands."""
    blue, red = (_at(_M8_AB, band) - _to_ab(band) for band in bands)
    return blue - red


def coolness(values: Values, roles: Roles) -> Floats:
    """(n,) probability that a row is such a dwarf, by its colour; NaN where that is missing."""
    bands = cool_bands(roles)
    if bands is None:
        return np.full(len(values), np.nan)
    blue, red = (magnitudes(values, band) for band in bands)
    infrared = (bands[0].wavelength_um or 0.0) > _INFRARED_UM
    shares = _INFRARED if infrared else _OPTICAL
    limit = shares.bright_mag + _at(_VEGA_AB, bands[0]) - _to_ab(bands[0])
    with np.errstate(invalid="ignore"):
        told = np.where(blue <= limit, shares.bright, shares.faint)
        told = np.where(blue - red >= reddest_usual(bands), told, shares.blue)
    told[np.isnan(blue) | np.isnan(red)] = np.nan
    return told


def _at(values: tuple[float, ...], band: Band) -> float:
    return float(np.interp(np.log(band.wavelength_um or 1.0), np.log(_UM), values))


def _to_ab(band: Band) -> float:
    """What is added to a magnitude of the band to make it AB."""
    return _at(_VEGA_AB, band) if band.system == "Vega" and band.kind == "mag" else 0.0
