"""What heavy elements do to dwarfs: u-g, g-r and the luminosity at a colour."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.synthetic.milkyway.tables import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOLAR_NEIGHBOURS: Final = -0.1
"""[Fe/H] of the stars that Mamajek's absolute magnitudes are of"""
_RANGE: Final = (-2.5, 0.1)
_FEH: Final = np.arange(-2.5, 0.11, 0.1)
_G_I: Final = np.arange(-0.6, 4.61, 0.05)
_BLUE_END: Final = 0.25
_RED_END: Final = 0.60
_RICH: Final = -0.5
_RICH_SLOPE: Final = 0.25
"""u-g a dex beyond it, where Bond's polynomial turns up to its end: dwarfs of LAMOST, 0.26"""
_R_I_PER_U_G: Final = -0.09
"""r-i less that of the locus over u-g less the same, at one g-i: stars of DR14 and LAMOST, 0.6 <
g-i < 1.7, which so are as near to their locus as SDSS measures (0.011 mag)"""


def fainter(feh: Floats) -> Floats:
    """How much fainter in r than a solar neighbour a dwarf of the same g-i is, magnitudes.

    Ivezić et al. 2008, ApJ 684, 287, equation A2, from five globular clusters.
    """
    return _ivezic(np.clip(feh, *_RANGE)) - _ivezic(SOLAR_NEIGHBOURS)


def _ivezic(feh: Floats | float) -> Floats:
    return np.asarray(4.50 - 1.11 * np.asarray(feh) - 0.18 * np.asarray(feh) ** 2)


def shifts(g_i: Floats, feh: Floats) -> tuple[Floats, Floats]:
    """How much redder than the locus u-g and g-r are at a g-i and a metallicity, (n,) each.

    u-g after Bond et al. 2010, ApJ 716, 1, equation A1 (photometric metallicities, 0.2 < g-r <
    0.6), fading out toward M dwarfs; g-r of metal-poor M dwarfs, 0.08 redder a dex, after the
    subdwarfs of Savcheva et al. 2014, ApJ 794, 145, from memory.
    """
    feh = np.clip(feh, *_RANGE)
    at = np.clip((g_i - _G_I[0]) / 0.05, 0, len(_G_I) - 1.001)
    level = np.clip((feh - _FEH[0]) / 0.1, 0, len(_FEH) - 1.001)
    i, j = at.astype(np.int64), level.astype(np.int64)
    s, t = at - i, level - j
    grid = _u_g_shifts()
    u_g = (1 - s) * ((1 - t) * grid[i, j] + t * grid[i, j + 1])
    u_g += s * ((1 - t) * grid[i + 1, j] + t * grid[i + 1, j + 1])
    g_r = -0.08 * (feh + 0.4) * np.clip((g_i - 1.7) / 0.5, 0.0, 1.0)
    return u_g, g_r


def r_fainter(g_i: Floats, u_g: Floats) -> Floats:
    """(n,) how much fainter in r, g and i as they are, a dwarf is whose u-g is so much redder.

    Lines of metals dim g more than r, so that of two stars of one g-i the poorer has the redder
    r-i and the bluer g-r. Not of M dwarfs, whose molecules are told by `shifts`.
    """
    fade = np.interp(g_i, (0.3, 0.7, 1.7, 2.2), (0.3, 1.0, 1.0, 0.0))
    return np.asarray(_R_I_PER_U_G * u_g * fade)


@cache
def _u_g_shifts() -> Floats:
    """(g-i, [Fe/H]): by Bond's polynomial where it holds, by its last value beyond, fading."""
    locus = table("stellar_locus.csv")
    g_r = _G_I - np.interp(_G_I, locus["g_i"], locus["r_i"])
    u_g = np.interp(_G_I, locus["g_i"], locus["u_g"])
    inside = np.clip(g_r, _BLUE_END, _RED_END)
    of_locus = np.interp(inside, g_r, u_g)
    fade = np.interp(_G_I, (-0.1, 0.25, 0.9, 1.4, 2.2), (0.0, 1.0, 0.9, 0.25, 0.0))
    rows = [_bond_u_g(x) - y for x, y in zip(inside, of_locus, strict=True)]
    return np.asarray(np.array(rows) * fade[:, None])


def _bond_u_g(g_r: float) -> Floats:
    """(feh,) u-g of the metallicities of `_FEH` at a g-r: the rising branch of the polynomial."""
    x, y = np.linspace(0.5, 1.8, 1301), g_r
    feh = -13.13 + 14.09 * x + 28.04 * y - 5.51 * x * y - 5.90 * x**2 - 58.68 * y**2
    feh += 9.14 * x**2 * y - 20.61 * x * y**2 + 58.20 * y**3
    top = int(np.argmax(feh)) + 1
    found = np.interp(_FEH, feh[:top], x[:top])
    beyond = feh[top - 1] < _FEH
    slope = 0.3
    found[beyond] = x[top - 1] + slope * (_FEH[beyond] - feh[top - 1])
    rich = np.interp(_RICH, _FEH, found) + _RICH_SLOPE * (_FEH - _RICH)
    return np.asarray(np.where(_FEH > _RICH, rich, found))
