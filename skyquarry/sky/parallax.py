"""How far a near star stands from its barycentric place, seen from the Earth on a date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from skyquarry.sky.vectors import Floats


_OBLIQUITY = np.radians(23.4393)


def earth_au(jyear: npt.ArrayLike) -> Floats:
    """(n, 3) place of the Earth from the Sun, au, equatorial J2000, good to 2e-4 au.

    The low-precision formulae of The Astronomical Almanac (section C, "Low precision formulas for
    the Sun"). The Sun's own 0.008 au about the barycentre is left out: 1 % of a parallax.
    """
    days = (np.asarray(jyear, np.float64) - 2000.0) * 365.25
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean = 280.460 + 0.9856474 * days - 3.8246e-5 * days  # of date, brought to J2000 by precession
    along = np.radians(mean + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    far = 1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2.0 * anomaly)
    sun = [np.cos(along), np.cos(_OBLIQUITY) * np.sin(along), np.sin(_OBLIQUITY) * np.sin(along)]
    return np.asarray(-far[..., None] * np.stack(sun, axis=-1))


def displacement_mas(
    ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, parallax_mas: npt.ArrayLike, jyear: npt.ArrayLike
) -> Floats:
    """(n, 2) mas towards east and north, of stars seen from the Earth at epochs (n,) in years.

    To first order in the parallax (Green 1985, Spherical Astronomy, section 8.2).

    >>> displacement_mas(269.45, 4.69, 546.98, 2016.0).round(0).tolist()   # Barnard's star
    [101.0, -249.0]
    """
    ra, dec = np.radians(np.asarray(ra_deg)), np.radians(np.asarray(dec_deg))
    x, y, z = np.moveaxis(earth_au(jyear), -1, 0)
    east = x * np.sin(ra) - y * np.cos(ra)
    north = (x * np.cos(ra) + y * np.sin(ra)) * np.sin(dec) - z * np.cos(dec)
    return np.asarray(np.stack([east, north], axis=-1) * np.asarray(parallax_mas)[..., None])
