"""Who shines into whom: pairs of true sources near each other, and which of them are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_ARCSEC = np.pi / (180.0 * 3600.0)


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
    from scipy.spatial import cKDTree

    xyz = to_xyz(ra_deg, dec_deg)
    chord = 2.0 * np.sin(0.5 * radius_arcsec * _ARCSEC)
    pairs = cKDTree(xyz).query_pairs(chord, output_type="ndarray").astype(np.int64)
    seen, other = (np.concatenate([pairs[:, k], pairs[:, 1 - k]]) for k in (0, 1))
    order = np.lexsort((other, seen))
    seen, other = seen[order], other[order]
    apart = np.linalg.norm(xyz[seen] - xyz[other], axis=1)
    return Neighbours(seen, other, 2.0 * np.arcsin(0.5 * apart) / _ARCSEC)


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
