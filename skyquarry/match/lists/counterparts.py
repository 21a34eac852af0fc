"""A short list against an archive: each row of the list chooses its counterpart by itself.

Nothing is learnt from the archive but how dense it is round each row, so that only what lies near
the list is read. With w = B / (4 pi nu) for each candidate, nu the archive's rows per sr there, and
c the share of the list that has a counterpart (crossmatch.md 1.5 and 1.6, as in nway: Salvato et
al. 2018, MNRAS 473, 4937):
    p_any = c sum w / (1 - c + c sum w),    P(candidate) = p_any w / sum w.
c is learnt from the list itself, (sum p_any + 1) / (n + 2), so that one row alone is weighed fairly
too: its c lies between 1/3 and 2/3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import find_pairs
from skyquarry.match.likelihood.epochs import search_reach
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.runs.nearby import chosen_evidence, pair_candidates, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.evidence import PairEvidence
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_LN_4PI = float(np.log(4.0 * np.pi))
_MOST_PASSES, _CLOSE = 100, 1e-9
_LARGEST = 500.0
"""ln of a weight: beyond it a counterpart is certain, and exp would overflow."""


@dataclass(frozen=True, slots=True)
class Counterparts:
    """The candidates of a list's rows; sorted by row, then most probable (or nearest) first."""

    row: Ints
    """(m,) place in the list"""
    other: Ints
    """(m,) place among the archive's rows that were read"""
    evidence: PairEvidence
    posterior: Floats
    """(m,) probability of this counterpart; NaN where only distances are known"""
    p_any: Floats
    """(list,) probability of any counterpart; NaN where only distances are known"""
    share: float
    """of the list that has a counterpart, learnt; NaN where only distances are known"""

    @property
    def by_distance(self) -> bool:
        """Whether there are no probabilities, for no errors are known."""
        return bool(np.isnan(self.share))

    @property
    def first(self) -> Mask:
        """(m,) the best candidate of its row."""
        return np.append(True, self.row[1:] != self.row[:-1])[: len(self.row)]

    @property
    def accepted(self) -> Mask:
        """(m,) the best of its row, and more probable than none; by distance alone, the nearest."""
        if self.by_distance:
            return self.first
        return self.first & (self.posterior > 1.0 - self.p_any[self.row])


def counterparts(
    mine: Rows, theirs: Rows, rules: Rules, density_sr: Floats, observed: Mask
) -> Counterparts:
    """The candidates of each row of a list, and how probable they are.

    Parameters
    ----------
    mine, theirs
        The list, and all rows of the archive that may be near.
    density_sr
        (list,) rows of the archive per sr where each row lies.
    observed
        (list,) whether the archive looked there: what it has not seen teaches nothing of c.
    """
    i, j, evidence = pair_candidates(mine, theirs, rules)
    ln_w = np.minimum(evidence.lnB - _LN_4PI - np.log(density_sr[i]), _LARGEST)
    w = np.exp(ln_w)
    total = np.bincount(i, w, len(mine)).astype(np.float64)
    share = _share(total[observed])
    odds = share / (1.0 - share) * total
    p_any = odds / (1.0 + odds)
    posterior = np.divide(p_any[i] * w, total[i], out=np.zeros_like(w), where=total[i] > 0.0)
    order = np.lexsort((theirs.rank[j], evidence.sep_arcsec, -posterior, i))
    evidence = chosen_evidence(evidence, order)
    return Counterparts(i[order], j[order], evidence, posterior[order], p_any, share)


def _share(total: Floats) -> float:
    """The share c for rows whose weights sum to `total` (n,)."""
    share = 0.5
    for _ in range(_MOST_PASSES):
        odds = share / (1.0 - share) * total
        after = (float((odds / (1.0 + odds)).sum()) + 1.0) / (len(total) + 2.0)
        if abs(after - share) < _CLOSE:
            return after
        share = after
    return share


def nearest_rows(mine: Rows, theirs: Rows, rules: Rules) -> Counterparts:
    """The rows within `rules.radius_arcsec` of each row of a list, at one epoch; nearest first."""
    radius = float(rules.radius_arcsec or 0.0)
    here, there = search_reach(mine, theirs, 1.0, rules.motion)
    (at_a, order_a), (at_b, order_b) = points(mine, here), points(theirs, there)
    slack = here.slack_arcsec.max(initial=0.0) + there.slack_arcsec.max(initial=0.0)
    found = find_pairs(at_a, at_b, radius + float(slack))
    i, j = order_a[found.left], order_b[found.right]
    evidence = pair_evidence(mine, theirs, i, j, rules.motion)
    near = np.flatnonzero(evidence.sep_arcsec <= radius)
    order = near[np.lexsort((theirs.rank[j[near]], evidence.sep_arcsec[near], i[near]))]
    unknown = np.full(len(order), np.nan)
    none = np.full(len(mine), np.nan)
    told = chosen_evidence(evidence, order)
    return Counterparts(i[order], j[order], told, unknown, none, float("nan"))
