"""How likely each set of catalogues is at each magnitude: what a bright row is not charged.

For a catalogue c and a set S that holds it, p(S | m) is the part of its rows of magnitude m that
are objects detected in exactly S. With n_c(m) the density of all its rows,
    nu_S f_c(m | S) = p(S | m) n_c(m),   so   r_c,S(m) = f_c(m | S) / f_c(m) = p(S | m) / p(S),
which is what is kept: n_c cancels between a group and its rows by themselves. Bins are quantiles,
fine in both tails (equal steps in ln(u / (1 - u))): the counterparts of a short list of bright
objects lie in the brightest 1 per cent of a deep catalogue. Where a magnitude is missing, r = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.priors.densitysums import MAG_LOW, MAG_STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_STEP = 0.35
_TAIL_ROWS = 20.0
_FARTHEST = 9.0
_FEWEST_ROWS = 100
_PSEUDO = 10.0
"""Rows' worth of belief, in each bin, that the magnitude says nothing."""
_CLIP = 12.0


@dataclass(frozen=True, slots=True)
class MagnitudeScale:
    """Bins of the magnitudes of one catalogue; none where few rows have one."""

    edges: Floats
    """(k - 1,) ascending, between the bins"""
    centers: Floats
    """(k,) median magnitude in each bin"""

    def __len__(self) -> int:
        return len(self.centers)

    @classmethod
    def of(cls, counts: Ints) -> MagnitudeScale:
        """From the histogram of all rows of the catalogue."""
        total = int(counts.sum())
        if total < _FEWEST_ROWS:
            return cls(np.empty(0), np.empty(0))
        far = min(np.log(total / _TAIL_ROWS), _FARTHEST)
        steps = np.linspace(-far, far, int(np.ceil(2.0 * far / _STEP)) + 1)
        passed = np.cumsum(counts)
        at = np.searchsorted(passed, total / (1.0 + np.exp(-steps))) + 1
        cuts = np.unique(at[passed[at - 1] < total]).astype(np.int64)
        low, high = np.append(0, passed[cuts - 1]), np.append(passed[cuts - 1], total)
        middle = np.searchsorted(passed, 0.5 * (low + high))
        edges, centers = MAG_LOW + MAG_STEP * cuts, MAG_LOW + MAG_STEP * (middle + 0.5)
        return cls(edges.astype(np.float64), centers.astype(np.float64))

    def bins(self, mag: Floats) -> Ints:
        """(n,) the bin of each magnitude; -1 where it is missing or there are no bins."""
        if not len(self):
            return np.full(len(mag), -1, np.int64)
        place = np.searchsorted(self.edges, mag, side="right")
        return np.where(np.isfinite(mag), place, -1).astype(np.int64)

    def between(self, mag: Floats) -> tuple[Ints, Floats]:
        """For linear interpolation between centres: (n,) the lower one, and the way from it."""
        if len(self) < 2:
            return np.zeros(len(mag), np.int64), np.zeros(len(mag))
        known = np.clip(np.nan_to_num(mag, nan=self.centers[0]), self.centers[0], self.centers[-1])
        low = np.clip(np.searchsorted(self.centers, known) - 1, 0, len(self) - 2)
        way = (known - self.centers[low]) / (self.centers[low + 1] - self.centers[low])
        return low.astype(np.int64), np.clip(way, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """ln r_c,S(m) of every catalogue and set."""

    scales: tuple[MagnitudeScale, ...]
    ln_ratio: tuple[Floats, ...]
    """(2^N, k) for each catalogue: ln r at the centres; 0 where S does not hold the catalogue"""

    @classmethod
    def flat(cls, scales: tuple[MagnitudeScale, ...]) -> Magnitudes:
        """Nothing known yet: r = 1."""
        sets = 1 << len(scales)
        return cls(scales, tuple(np.zeros((sets, len(each))) for each in scales))

    def lines(self) -> tuple[Floats, Ints]:
        """(2^N, k) ln r of all catalogues beside each other; (N + 1,) where each begins."""
        begin = np.cumsum([0, *(len(each) for each in self.scales)])
        return np.concatenate(self.ln_ratio, axis=1), begin.astype(np.int64)

    def learnt(self, counts: list[Floats]) -> Magnitudes:
        """From expected rows (2^N, k) of every catalogue by set and bin."""
        pairs = zip(self.ln_ratio, counts, strict=True)
        return Magnitudes(self.scales, tuple(_ln_ratio(*each) for each in pairs))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "edges": [s.edges.tolist() for s in self.scales],
            "centers": [s.centers.tolist() for s in self.scales],
            "ln_ratio": [each.tolist() for each in self.ln_ratio],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Magnitudes:
        """What `to_dict` gave."""
        both = zip(data["edges"], data["centers"], strict=True)
        scales = tuple(MagnitudeScale(np.array(e, float), np.array(c, float)) for e, c in both)
        sets = 1 << len(scales)
        ratios = zip(scales, data["ln_ratio"], strict=True)
        return cls(scales, tuple(np.array(r, float).reshape(sets, len(s)) for s, r in ratios))


def _ln_ratio(before: Floats, counts: Floats) -> Floats:
    """The new ln p(S | bin) / p(S): neighbouring bins smoothed 1-2-1, with pseudo-counts."""
    total = counts.sum()
    if not counts.size or total <= 0.0:
        return before
    share = counts.sum(axis=1) / total
    smooth = _smoothed(counts)
    part = (smooth + _PSEUDO * share[:, None]) / (smooth.sum(axis=0) + _PSEUDO)
    some = share > 0.0
    ratio = np.zeros_like(counts)
    ratio[some] = np.log(part[some] / share[some, None])
    return np.clip(ratio, -_CLIP, _CLIP)


def _smoothed(counts: Floats) -> Floats:
    wide = np.concatenate([counts[:, :1], counts, counts[:, -1:]], axis=1)
    smooth: Floats = 0.25 * wide[:, :-2] + 0.5 * wide[:, 1:-1] + 0.25 * wide[:, 2:]
    return smooth
