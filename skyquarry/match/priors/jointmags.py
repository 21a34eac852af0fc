"""The joint distribution of two magnitudes of one object, against their independent ones.

Tables of secure pairs in bins are drawn towards what is simpler as far as noise would have it: the
table of all sets towards independence, that of one set towards the interaction of all sets with its
own marginals. As by James & Stein, 1 - (degrees of freedom) / G of the difference is believed, G
the statistic of the likelihood ratio test: pairs of mere chance, whose G is about its degrees of
freedom, stay neutral.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.fitting import fit_marginals
from skyquarry.match.numbers import TINY
from skyquarry.match.priors.magnitudes import MagnitudeScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FEWEST = 100
"""Secure pairs below which nothing is learnt (S18)."""
CLIP = 10.0
PSEUDO = 10.0
_FEWEST_OF_SET = 40.0
_PAIRS_A_CELL = 10.0
"""On average; of the table of all sets and of that of each."""
_TAIL_PAIRS = 20.0
_MOST_BINS = 20
_LEAST_TAIL = 1e-15
_STEPS = 1000
_SETTLED = 1e-14
"""Both marginals fit to this: then it does not matter which of them was fitted last."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Values of ln c(m1, m2) / (c1(m1) c2(m2)) for two catalogues, at the centres of its bins."""

    left: Floats
    """(k,) centres"""
    right: Floats
    """(l,)"""
    ln_ratio: Floats
    """(k, l)"""
    n_pairs: float
    information: float
    """how much one magnitude tells of the other: the mean of `ln_ratio` over the pairs"""

    def at(self, m1: Floats, m2: Floats) -> Floats:
        """(n,) interpolated bilinearly; constant beyond the outermost centres."""
        i, u = MagnitudeScale(self.left[1:], self.left).between(m1)
        j, v = MagnitudeScale(self.right[1:], self.right).between(m2)
        i2, j2 = (
            np.minimum(k + 1, n - 1) for k, n in zip((i, j), self.ln_ratio.shape, strict=True)
        )
        t = self.ln_ratio
        low = (1.0 - v) * t[i, j] + v * t[i, j2]
        high = (1.0 - v) * t[i2, j] + v * t[i2, j2]
        found: Floats = (1.0 - u) * low + u * high
        return found


def joints_of(
    pairs: dict[tuple[int, int, int], Floats], scales: tuple[MagnitudeScale, ...]
) -> dict[tuple[int, int, int], Joint]:
    """From secure pairs (k_a, k_b) by set, a and b; with the set 0 for all sets together.

    Nothing for two catalogues with fewer than 100 pairs in all.
    """
    found = {}
    for a, b in sorted({key[1:] for key in pairs}):
        mine = {s: each for (s, *rest), each in sorted(pairs.items()) if rest == [a, b]}
        whole = np.sum(list(mine.values()), axis=0)
        if whole.sum() < FEWEST:
            continue
        found[0, a, b] = _Table.of(whole).joint(scales[a], scales[b])
        believed = _believed_of(whole)
        for catalogs, counts in mine.items():
            n = float(counts.sum())
            if n >= _FEWEST_OF_SET and len(mine) > 1:
                table = _Table.of(counts, whole, believed)
                found[catalogs, a, b] = table.joint(scales[a], scales[b])
    return found


@dataclass(frozen=True, slots=True)
class _Table:
    """Pairs of a set in wide bins."""

    fine: Floats
    first: Ints
    """(k_a,) which wide bin each bin goes to"""
    second: Ints
    share: Floats
    """(k, l) joint distribution"""

    @classmethod
    def of(cls, fine: Floats, whole: Floats | None = None, believed: float = 0.0) -> _Table:
        """The simpler thing to be drawn to is independence or `whole`."""
        bins = _bins_for(fine)
        first, second = _joined(fine.sum(axis=1), bins), _joined(fine.sum(axis=0), bins)
        table = _wide(fine, first, second)
        n = table.sum()
        chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / n**2
        simple = chance
        if whole is not None:
            simple = _interaction(_wide(whole, first, second), believed, chance)
        own = _belief(table, simple)
        drawn = own * table / n + (1.0 - own) * simple
        return cls(fine, first, second, (n * drawn + PSEUDO * simple) / (n + PSEUDO))

    def joint(self, left: MagnitudeScale, right: MagnitudeScale) -> Joint:
        """The ln ratio against its own marginals."""
        chance = np.outer(self.share.sum(axis=1), self.share.sum(axis=0))
        ln_ratio = np.clip(np.log(self.share / chance), -CLIP, CLIP)
        return Joint(
            _middles(self.first, self.fine.sum(axis=1), left),
            _middles(self.second, self.fine.sum(axis=0), right),
            ln_ratio,
            float(self.fine.sum()),
            float((self.share * ln_ratio).sum()),
        )


def _bins_for(fine: Floats) -> int:
    """Bins of a marginal."""
    return int(np.clip(np.sqrt(fine.sum() / _PAIRS_A_CELL), 2, _MOST_BINS))


def _believed_of(whole: Floats) -> float:
    """How far the pairs of all sets together are not independent."""
    bins = _bins_for(whole)
    table = _wide(whole, _joined(whole.sum(axis=1), bins), _joined(whole.sum(axis=0), bins))
    return _belief(table, np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum() ** 2)


def _belief(table: Floats, simple: Floats) -> float:
    """From 0, all of the difference between counts and expectation is noise, to 1."""
    some = table > 0.0
    g = 2.0 * float((table[some] * np.log(table[some] / (table.sum() * simple[some]))).sum())
    free = (table.shape[0] - 1) * (table.shape[1] - 1)
    return max(0.0, 1.0 - free / g) if g > 0.0 else 0.0


def _interaction(whole: Floats, believed: float, chance: Floats) -> Floats:
    """The joint distribution with marginals of `chance` and the odds ratios of `whole`."""
    n = whole.sum()
    apart = np.outer(whole.sum(axis=1), whole.sum(axis=0)) / max(n, TINY) ** 2
    table = believed * whole + (1.0 - believed) * n * apart + PSEUDO * (0.5 * apart + 0.5 * chance)
    fit_marginals(table, chance.sum(axis=1), chance.sum(axis=0), _STEPS, _SETTLED)
    return np.asarray(table)


def _wide(fine: Floats, first: Ints, second: Ints) -> Floats:
    table = np.zeros((int(first[-1]) + 1, int(second[-1]) + 1))
    np.add.at(table, (first[:, None], second[None, :]), fine)
    return table


def _joined(counts: Floats, many: int) -> Ints:
    """(k,) which of at most `many` wider bins each bin goes to; none is empty.

    Quantiles, finer in both tails, in equal steps of ln(u / (1 - u)) down to 20 pairs, as those of
    `MagnitudeScale`: the counterparts of a short list lie in the brightest 1 per cent of a deep
    field. In bins of equal counts that is a part of one bin, where two magnitudes would count as
    two witnesses.
    """
    passed = np.cumsum(counts)
    u = np.clip((passed - 0.5 * counts) / passed[-1], TINY, 1.0 - _LEAST_TAIL)
    far = np.log(max(passed[-1] / _TAIL_PAIRS, 2.0))
    cuts = np.linspace(-far, far, many - 1) if many > 2 else np.zeros(1)
    place = np.searchsorted(cuts, np.log(u / (1.0 - u)), side="right")
    filled = np.unique(place[counts > 0.0])
    joined: Ints = np.clip(np.searchsorted(filled, place, side="right") - 1, 0, None)
    return joined


def _middles(joined: Ints, counts: Floats, scale: MagnitudeScale) -> Floats:
    """(k,) mean magnitude of the pairs in each of the wider bins."""
    total = np.bincount(joined, counts)
    return np.asarray(np.bincount(joined, counts * scale.centers) / total)
