"""The Hierarchical Triangular Mesh (Kunszt, Szalay, Csabai & Thakar 2001; MSR-TR-2005-123).

Eight spherical triangles, each cut into four again and again. An id holds its path: 8 .. 15 for the
roots S0, S1, S2, S3, N0, N1, N2, N3, then two bits a level, so that the ids of level L run from
8 << 2*L to 16 << 2*L, as SkyServer's do. Sorted ids of one level follow a curve along the sky, and
a trixel is a range of ids of any deeper level. Levels 0 to 24 (0.02 arcsec).
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from skyquarry.errors import PositionError, RegionError
from skyquarry.sky.vectors import Floats, check_positions, normalised, to_xyz

Ints = npt.NDArray[np.int64]

MAX_LEVEL: Final = 24
_CHUNK: Final = 1 << 16
ROOT_NAMES: Final = ("S0", "S1", "S2", "S3", "N0", "N1", "N2", "N3")
_NAME: Final = re.compile(r"([NS])([0-3])([0-3]{0,24})", re.IGNORECASE)


def index(xyz: npt.ArrayLike, level: int) -> Ints:
    """Ids (n,) int64 of vectors (n, 3), of any length above zero, at a level of 0 to 24.

    A point on an edge or corner lies in exactly one trixel. Raises PositionError with the row of a
    vector that is NaN, infinite or zero; RegionError for a level beyond 24.

    >>> index([[1.0, 1.0, 1.0]], 0).tolist(), name(index([[1.0, 1.0, 1.0]], 3))
    ([15], ['N3333'])
    """
    check_level(level)
    v = np.atleast_2d(np.asarray(xyz, dtype=np.float64))
    if v.ndim != 2 or v.shape[1] != 3:
        raise PositionError(f"vectors have shape {v.shape}, but an index needs (n, 3); try to_xyz")
    ids = np.empty(len(v), np.int64)
    walk = _kernels().htm_index
    for first in range(0, len(v), _CHUNK):
        part = np.ascontiguousarray(v[first : first + _CHUNK])
        _check_vectors(part, first)
        walk(part, level, ids[first : first + _CHUNK])
    return ids


def index_radec(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, level: int) -> Ints:
    """Ids (n,) int64 of positions in degrees, without holding all their vectors.

    >>> name(index_radec(45.0, 0.0, 1))
    ['N32']
    """
    check_level(level)
    ra, dec = check_positions(ra_deg, dec_deg)
    ra, dec = ra.ravel(), dec.ravel()
    ids = np.empty(ra.size, np.int64)
    walk = _kernels().htm_index
    for first in range(0, ra.size, _CHUNK):
        part = slice(first, first + _CHUNK)
        walk(to_xyz(ra[part], dec[part]), level, ids[part])
    return ids


def corners(ids: npt.ArrayLike) -> Floats:
    """Corners (n, 3, 3) float64, unit vectors, counter-clockwise as seen from outside."""
    trixels, levels = _checked(ids)
    out = np.empty((trixels.size, 3, 3))
    kernels = _kernels()
    for level in np.unique(levels):
        rows = levels == level
        some = np.empty((int(rows.sum()), 3, 3))
        kernels.htm_corners(trixels[rows], level, kernels.ROOTS, some)
        out[rows] = some
    return out


def center(ids: npt.ArrayLike) -> Floats:
    """Unit vectors (n, 3) in the middle of trixels."""
    return normalised(corners(ids).sum(axis=1))


def level_of(ids: npt.ArrayLike) -> Ints:
    """Levels (n,) of ids; raises RegionError with the row of a number that is no id."""
    return _checked(ids)[1]


def name(ids: npt.ArrayLike) -> list[str]:
    """Names such as N012: root, then one digit a level.

    >>> name([0x3A, 8])
    ['N22', 'S0']
    """
    trixels, levels = _checked(ids)
    return [_name(int(i), int(level)) for i, level in zip(trixels, levels, strict=True)]


def _name(trixel: int, level: int) -> str:
    digits = "".join(str((trixel >> (2 * k)) & 3) for k in range(level - 1, -1, -1))
    return ROOT_NAMES[(trixel >> (2 * level)) - 8] + digits


def parse_name(text: str) -> int:
    """The id of a name; case does not matter.

    >>> parse_name("N22")
    58
    """
    match = _NAME.fullmatch(text.strip())
    if match is None:
        raise RegionError(
            f"trixel name is {text!r}, but it needs N or S, a root 0 to 3 and up to {MAX_LEVEL} "
            "digits 0 to 3; try 'N012'"
        )
    pole, root, digits = match.groups()
    trixel = ROOT_NAMES.index(pole.upper() + root) + 8
    for digit in digits:
        trixel = (trixel << 2) | int(digit)
    return trixel


def ranges(ids: npt.ArrayLike, level: int) -> tuple[Ints, Ints]:
    """(start, stop) of trixels in ids of a level not above theirs, half-open."""
    trixels, levels = _checked(ids)
    shift = 2 * (check_level(level) - levels)
    if np.any(shift < 0):
        raise RegionError(
            f"level is {level}, but ranges of a trixel of level {int(levels.max())} need that "
            "level or a deeper one; try `parent`"
        )
    return trixels << shift, (trixels + 1) << shift


def parent(ids: npt.ArrayLike, level: int) -> Ints:
    """The trixels of a coarser level that hold these."""
    trixels, levels = _checked(ids)
    shift = 2 * (levels - check_level(level))
    if np.any(shift < 0):
        raise RegionError(
            f"level is {level}, but a parent of a trixel of level {int(levels.min())} needs that "
            "level or a coarser one; try `ranges`"
        )
    return trixels >> shift


def check_level(level: int) -> int:
    """The level as an int; raises RegionError unless it is 0 to 24."""
    if not (isinstance(level, int | np.integer) and 0 <= level <= MAX_LEVEL):
        raise RegionError(
            f"level is {level!r}, but HTM needs a level from 0 to {MAX_LEVEL}; "
            "try 20, as SkyServer (0.3 arcsec)"
        )
    return int(level)


def _checked(ids: npt.ArrayLike) -> tuple[Ints, Ints]:
    trixels = np.atleast_1d(np.asarray(ids, dtype=np.int64))
    # An id below 2**53 is exact in float64, so that its exponent is its number of bits.
    bits = np.frexp(trixels.astype(np.float64))[1].astype(np.int64)
    bad = np.flatnonzero((trixels < 8) | (bits % 2 == 1) | (bits > 4 + 2 * MAX_LEVEL))
    if bad.size:
        raise RegionError(
            f"trixel id is {trixels[bad[0]]} in row {bad[0]}, but an id of level L needs to lie "
            "from 8 * 4**L to 16 * 4**L; try `parse_name` for names"
        )
    return trixels, (bits - 4) // 2


def _check_vectors(v: Floats, first: int) -> None:
    length = np.abs(v).sum(axis=1)
    bad = np.flatnonzero(~((length > 0.0) & (length < np.inf)))
    if bad.size:
        raise PositionError(
            f"the vector is {v[bad[0]].tolist()} in row {first + bad[0]}, but an index needs "
            "a direction: finite and not zero; try leaving that row out"
        )


def _kernels() -> Any:
    from skyquarry.sky.kernels import trixels  # numba is imported where it is first needed

    return trixels
