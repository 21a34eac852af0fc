"""Dust of our Galaxy: a smooth disc around the Local Bubble, times log-normal clumps.

E(B-V) on the scale of Schlegel, Finkbeiner & Davis 1998. The disc is exponential in height,
105 pc, with 0.36 mag/kpc in the plane (A_V = 1.1 mag/kpc), and has no dust within 80 pc of the Sun
(Lallement et al. 2014, A&A 561, A91): so that its totals are 0.018, 0.023, 0.031, 0.052 mag at
|b| = 90, 60, 45, 30, near the means of SFD. Clumps: a Gaussian random field on the sphere, whose
power falls as the third power of scale (Miville-Deschenes et al. 2007, A&A 469, 595), in the
exponent; every cell of order 10 (3.4', SFD's own resolution is 6.1') has one value, which is a hash
of seed and place alone. What it does not do: clumps in depth, spiral arms, a radial gradient, R_V.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky.compiledcells import cells_at, centers
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.chance import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CELL_ORDER: Final = 10
_PER_PC: Final = 0.36e-3
_HEIGHT_PC: Final = 105.0
_BUBBLE_PC: Final = 80.0
_LEAST_SINE: Final = 0.02
"""below |b| = 1.1 degrees a sight line is taken as this one: 1.9 mag in all"""
_OCTAVES: Final = 8
_SCATTER: Final = 0.45
"""of ln E(B-V) about the smooth disc: from memory of SFD at high latitudes"""
_AMPLITUDES: Final = 2.0 ** (-0.5 * np.arange(_OCTAVES))
_WEIGHTS: Final = _SCATTER * _AMPLITUDES / np.sqrt((_AMPLITUDES**2).sum())
_CORNERS: Final = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_SIDE: Final = 1 << 14
"""more lattice points than the finest octave has along an axis"""


def total(seed: int, ra_deg: Floats, dec_deg: Floats) -> Floats:
    """(n,) E(B-V) of all the dust in these directions: what lies beyond our Galaxy sees this."""
    return to_distance(seed, ra_deg, dec_deg, np.full(len(ra_deg), np.inf))


def to_distance(seed: int, ra_deg: Floats, dec_deg: Floats, distance_pc: Floats) -> Floats:
    """(n,) E(B-V) between the Sun and these places; 0 inside of the Local Bubble."""
    column, sine = _at(seed, cells_at(ra_deg, dec_deg, CELL_ORDER))
    begin = np.exp(-_BUBBLE_PC * sine / _HEIGHT_PC)
    end = np.exp(-np.maximum(distance_pc, _BUBBLE_PC) * sine / _HEIGHT_PC)
    return np.asarray(column * (begin - end))


def _at(seed: int, cells: Ints) -> tuple[Floats, Floats]:
    """E(B-V) of a sight line that began at the Sun without a bubble, and its sin |b|, (n,) each."""
    patches = cells >> 6
    if len(cells) and (patches == patches[0]).all():
        column, sine = _patch(seed, int(patches[0]))
        return column[cells & 63], sine[cells & 63]
    column, sine = np.empty(len(cells)), np.empty(len(cells))
    for patch in np.unique(patches).tolist():
        inside = patches == patch
        of_patch = _patch(seed, patch)
        column[inside], sine[inside] = (each[cells[inside] % 64] for each in of_patch)
    return column, sine


@lru_cache(maxsize=1024)
def _patch(seed: int, patch: int) -> tuple[Floats, Floats]:
    """The same of the 64 cells of a block."""
    cells = np.arange(64, dtype=np.int64) + 64 * patch
    direction = to_xyz(*centers(cells, CELL_ORDER))
    clumps = np.exp(_field(seed, direction) - 0.5 * _SCATTER**2)
    sine = np.maximum(np.abs(to_frame(direction, "galactic")[:, 2]), _LEAST_SINE)
    return _PER_PC * _HEIGHT_PC / sine * clumps, sine


def _field(seed: int, direction: Floats) -> Floats:
    """(n,) of a random field at unit vectors (n, 3): normal, scatter `_SCATTER`, smooth.

    The sum of octaves of lattice noise: normal numbers at the corners of cubes of 1/2, 1/4, ...,
    between which weights interpolate that are scaled to keep the variance at 1.
    """
    at = (direction[:, None, :] + 1.5) * (2.0 ** np.arange(1, _OCTAVES + 1))[:, None]
    low = np.floor(at).astype(np.int64)
    part = at - low
    corner = low[:, :, None, :] + _CORNERS
    octave = np.arange(_OCTAVES)[:, None]
    ids = ((octave * _SIDE + corner[..., 0]) * _SIDE + corner[..., 1]) * _SIDE + corner[..., 2]
    weight = np.where(_CORNERS == 1, part[:, :, None, :], 1.0 - part[:, :, None, :]).prod(axis=-1)
    numbers = normal(seed, "dust", ids.ravel()).reshape(ids.shape)
    noise = (weight * numbers).sum(axis=-1) / np.sqrt((weight**2).sum(axis=-1))
    return np.asarray(noise @ _WEIGHTS)
