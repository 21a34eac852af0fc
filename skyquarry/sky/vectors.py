"""Positions as unit vectors, and the angles between them.

`ra_deg`, `dec_deg` are ICRS degrees; a vector is (x, y, z) with x towards RA 0, Dec 0 and z
towards the north pole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skyquarry.errors import PositionError

Floats = npt.NDArray[np.float64]

ARCSEC_PER_RADIAN = 3600.0 * 180.0 / np.pi


def check_positions(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Positions as two equally long float64 arrays (n,), every one of them on the sky.

    RA may be any finite number. Raises PositionError with value and row at the first RA that is
    not finite or declination that is not within -90 to 90.
    """
    ra = np.atleast_1d(np.asarray(ra_deg, dtype=np.float64))
    dec = np.atleast_1d(np.asarray(dec_deg, dtype=np.float64))
    if ra.shape != dec.shape:
        ra, dec = _broadcast(ra, dec)
    if ra.size == 0:
        return ra, dec
    # A comparison with NaN is false: one pass finds both NaN and what lies outside.
    if not (dec.min() >= -90.0 and dec.max() <= 90.0):
        _raise_at(np.flatnonzero(~(np.abs(dec) <= 90.0))[0], "dec_deg", dec, "-90 to 90 degrees")
    if not (np.isfinite(ra.min()) and np.isfinite(ra.max())):
        _raise_at(np.flatnonzero(~np.isfinite(ra))[0], "ra_deg", ra, "a finite number of degrees")
    return ra, dec


def _broadcast(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    if 1 not in (ra.size, dec.size):
        raise PositionError(
            f"ra_deg has {ra.size} values and dec_deg has {dec.size}, but a position needs one "
            "of each; try two arrays of the same length"
        )
    wide = np.broadcast_arrays(ra, dec)
    return np.ascontiguousarray(wide[0]), np.ascontiguousarray(wide[1])


def _raise_at(row: np.intp, name: str, values: Floats, needed: str) -> None:
    raise PositionError(
        f"{name} is {values[row]} in row {row}, but a position needs {needed}; "
        "try leaving that row out, or check that the columns are degrees and in this order"
    )


def to_xyz(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> Floats:
    """Unit vectors (n, 3) float64 of positions in degrees; NaN positions give NaN vectors.

    >>> to_xyz(90.0, 0.0).round(12).tolist()
    [[0.0, 1.0, 0.0]]
    """
    ra = np.radians(np.atleast_1d(np.asarray(ra_deg, dtype=np.float64)))
    dec = np.radians(np.atleast_1d(np.asarray(dec_deg, dtype=np.float64)))
    xyz = np.empty((*np.broadcast_shapes(ra.shape, dec.shape), 3))
    along = np.cos(dec)
    np.multiply(along, np.cos(ra), out=xyz[..., 0])
    np.multiply(along, np.sin(ra), out=xyz[..., 1])
    xyz[..., 2] = np.sin(dec)
    return xyz


def to_radec(xyz: npt.ArrayLike) -> tuple[Floats, Floats]:
    """(ra_deg in [0, 360), dec_deg) of vectors (n, 3), which may have any length above zero.

    >>> ra, dec = to_radec([[0.0, 0.0, 2.0]])
    >>> float(ra[0]), float(dec[0])
    (0.0, 90.0)
    """
    v = np.atleast_2d(np.asarray(xyz, dtype=np.float64))
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    ra = wrap_ra(np.degrees(np.arctan2(y, x)))
    return ra, np.degrees(np.arctan2(z, np.hypot(x, y)))


def wrap_ra(ra_deg: npt.ArrayLike) -> Floats:
    """Right ascensions in [0, 360), whatever turns they had; NaN stays NaN."""
    ra = np.asarray(np.remainder(np.asarray(ra_deg, dtype=np.float64), 360.0))
    # A tiny negative angle rounds to 360 itself, which is 0; adding 0 turns -0 into 0.
    return np.where(ra >= 360.0, 0.0, ra) + 0.0


def separation_arcsec(xyz_a: npt.ArrayLike, xyz_b: npt.ArrayLike) -> Floats:
    """Angles (n,) in arcsec between unit vectors (n, 3), exact from 0 to 180 degrees.

    2 atan2(|a - b|, |a + b|): neither term loses digits where the other is small (Kahan 2006, "How
    futile are mindless assessments of roundoff", section 12).
    """
    a = np.atleast_2d(np.asarray(xyz_a, dtype=np.float64))
    b = np.atleast_2d(np.asarray(xyz_b, dtype=np.float64))
    return 2.0 * np.arctan2(_norm(a - b), _norm(a + b)) * ARCSEC_PER_RADIAN


def chord(radius_arcsec: float) -> float:
    """Length of the straight line across the unit sphere that an angle in arcsec spans."""
    return float(2.0 * np.sin(0.5 * radius_arcsec / ARCSEC_PER_RADIAN))


def normalised(xyz: npt.ArrayLike) -> Floats:
    """Vectors (n, 3) brought to length one; a zero vector gives NaN."""
    v = np.atleast_2d(np.asarray(xyz, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        return np.asarray(v / _norm(v)[..., np.newaxis])


def _norm(v: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", v, v)))
