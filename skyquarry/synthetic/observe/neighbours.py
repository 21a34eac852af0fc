"""Who shines into whom: pairs of true sources near each other, and which of them are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.kernels import both_ways, pairs_in_bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_ARCSEC = np.pi / (180.0 * 3600.0)
_WIDER = 1.0 + 1e-6
"""so much wider than the radius are bands of declination"""
_COARSE = 1e-7
"""radians, 0.02": right ascensions are told apart where they are sorted to find pairs; so much
farther is looked"""
_WIDEST = 0.1
"""sine of half a window in right ascension: nearer to a pole, all of a band is looked at"""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Directed pairs (m,): source `other` shines into `seen`."""

    seen: Ints
    other: Ints
    distance_arcsec: Floats

    def among(self, mask: Mask) -> Neighbours:
        """The pairs whose `seen` is in the mask (n,)."""
        keep = mask[self.seen]
        return Neighbours(self.seen[keep], self.other[keep], self.distance_arcsec[keep])


def neighbours(ra_deg: Floats, dec_deg: Floats, radius_arcsec: float) -> Neighbours:
    """All pairs within the radius, in both directions, sorted by (seen, other)."""
    xyz = to_xyz(ra_deg, dec_deg)
    first, second, counts = _pairs(ra_deg, dec_deg, xyz, radius_arcsec)
    starts = np.append(0, np.cumsum(counts))
    other = np.empty(starts[-1], np.int64)
    both_ways(first, second, starts, starts.copy(), other)
    seen = np.repeat(np.arange(len(xyz)), counts)
    apart = np.linalg.norm(xyz[seen] - xyz[other], axis=1)
    return Neighbours(seen, other, 2.0 * np.arcsin(0.5 * apart) / _ARCSEC)


def _pairs(
    ra_deg: Floats, dec_deg: Floats, xyz: Floats, radius_arcsec: float
) -> tuple[Ints, Ints, Ints]:
    """Each pair once, (m,) and (m,), in any order; of how many each one is, (n,)."""
    counts, radius = np.zeros(len(ra_deg), np.int64), radius_arcsec * _ARCSEC
    if not len(ra_deg):
        return counts, counts, counts
    # ra from the side opposite to the first source, so that it wraps where none is
    ra = np.radians(np.mod(ra_deg - ra_deg[0] + 180.0, 360.0))
    dec = np.radians(dec_deg)
    sine = np.sin(0.5 * radius) / np.cos(min(np.abs(dec).max() + radius, 0.5 * np.pi))
    window = 2.0 * np.arcsin(sine) if sine < _WIDEST else np.inf
    if ra.max() - ra.min() + window > 2.0 * np.pi - window:
        window = np.inf  # around a pole
    band = np.floor(dec / (radius * _WIDER)).astype(np.int64)
    order = _by_band(band, ra)
    window += _COARSE
    chord2 = (2.0 * np.sin(0.5 * radius)) ** 2
    first, second = np.empty((2, 2 * len(ra)), np.int64)
    m = pairs_in_bands(order, band, ra, xyz, window, chord2, counts, first, second)
    if m > len(first):
        counts[:] = 0
        first, second = np.empty((2, m), np.int64)
        pairs_in_bands(order, band, ra, xyz, window, chord2, counts, first, second)
    return first[:m], second[:m], counts


def _by_band(band: Ints, ra: Floats) -> Ints:
    """(n,) the order by band, then right ascension in radians, in steps of `_COARSE`.

    The number of a step and that of the source stand in one word each: words are sorted in a third
    of the time of two keys. Where they do not fit, both keys are.
    """
    low, bits = band.min(), (len(ra) - 1).bit_length()
    steps = 1 << (62 - bits - int(band.max() - low).bit_length())
    if 2.0 * np.pi / steps > _COARSE:
        return np.lexsort((ra, band))
    along = (ra * (steps / (2.0 * np.pi) * (1 - 1e-9))).astype(np.int64)
    words: Ints = (band - low) * steps + along
    words = (words << bits) | np.arange(len(ra))
    words.sort()
    words &= (1 << bits) - 1
    return words


def told_apart(near: Neighbours, flux: Floats, ids: Ints, resolution_arcsec: float) -> Mask:
    """(n,) sources that have no brighter one within the resolution; of equals the lower id stays.

    `flux` (n,) in the reference band. No chains: whether a source is seen depends on what lies
    within the resolution alone, so that it is the same in every tile that has it.
    """
    close = near.distance_arcsec < resolution_arcsec
    seen, other = near.seen[close], near.other[close]
    equal = (flux[other] == flux[seen]) & (ids[other] < ids[seen])
    hidden = seen[(flux[other] > flux[seen]) | equal]
    apart = np.ones(len(flux), np.bool_)
    apart[hidden] = False
    return apart
