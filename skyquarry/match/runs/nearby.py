"""Which rows of two catalogues may be one object: within reach of each other, and by chi2."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import Points, find_pairs
from skyquarry.match.likelihood.epochs import epoch_span, reach_at_home, search_reach
from skyquarry.match.likelihood.evidence import PairEvidence, node_pairs, node_table
from skyquarry.match.resolution.groups import offsets
from skyquarry.sky import healpix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.epochs import Reach
    from skyquarry.match.likelihood.motionprior import MotionPrior
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


def near_nodes(rows: list[Rows], start: Ints, rules: Rules) -> tuple[Ints, Ints]:
    """Nodes (m,), (m,) of the pairs within reach of each other: more than the candidates.

    The left node is that of the earlier catalogue; the order is that of the search.
    """
    lefts, rights = [_NONE], [_NONE]
    searched = _Searched(rules.motion)
    for a, b in rules.catalog_pairs():
        i, j = _near(rows[a], rows[b], rules, searched)
        lefts.append(i + start[a])
        rights.append(j + start[b])
    return np.concatenate(lefts), np.concatenate(rights)


def pair_candidates(a: Rows, b: Rows, rules: Rules) -> tuple[Ints, Ints, PairEvidence]:
    """Rows (m,), (m,) of two catalogues whose positions agree within the errors, with evidence."""
    i, j = _near(a, b, rules, _Searched(rules.motion))
    table = node_table([a, b], rules.motion)
    evidence = node_pairs(table, i, j + table.start[1])
    near = agree([a, b], i, j + table.start[1], evidence, rules)
    return i[near], j[near], chosen_evidence(evidence, near)


def agreeing(rows: list[Rows], rules: Rules) -> tuple[Ints, Ints]:
    """Nodes (m,), (m,) of all candidates: pairs within reach whose positions agree."""
    left, right = near_nodes(rows, offsets(rows), rules)
    pairs = node_pairs(node_table(rows, rules.motion), left, right)
    near = agree(rows, left, right, pairs, rules)
    return left[near], right[near]


_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What one catalogue needs for every search with another, worked out once; by id of `Rows`."""

    motion: MotionPrior
    masyr: dict[tuple[int, float], Floats] = field(default_factory=dict)
    spans: dict[int, tuple[float, float]] = field(default_factory=dict)
    still: dict[tuple[int, float, float], Reach] = field(default_factory=dict)
    homes: dict[int, tuple[Points, Ints]] = field(default_factory=dict)

    def reach_masyr(self, rows: Rows, k: float) -> Floats:
        """(n,) as the prior has it."""
        key = id(rows), k
        if key not in self.masyr:
            self.masyr[key] = self.motion.reach_masyr(rows, k)
        return self.masyr[key]

    def reaches(self, a: Rows, b: Rows, k: float) -> tuple[Reach, Reach]:
        """As `search_reach`; that of a catalogue without motions once for all of its like."""
        if a.motions is None and b.motions is None and len(a) and len(b):
            return self._at_home(a, b, k), self._at_home(b, a, k)
        return search_reach(a, b, k, self)

    def _at_home(self, rows: Rows, others: Rows, k: float) -> Reach:
        if id(others) not in self.spans:
            self.spans[id(others)] = epoch_span(others)
        low, high = self.spans[id(others)]
        key = id(rows), float(np.nan_to_num(low)), float(np.nan_to_num(high))
        if key not in self.still:
            self.still[key] = reach_at_home(rows, (low, high), k, self)
        return self.still[key]

    def points(self, rows: Rows, reach: Reach) -> tuple[Points, Ints]:
        """The places where rows are searched; those of rows that stay where they are, once."""
        if reach.moved:
            return points(rows, reach)
        if id(rows) not in self.homes:
            self.homes[id(rows)] = points(rows, reach)
        return self.homes[id(rows)]


def _near(a: Rows, b: Rows, rules: Rules, searched: _Searched) -> tuple[Ints, Ints]:
    """Rows (m,), (m,) of two catalogues that lie in each other's reach."""
    here, there = searched.reaches(a, b, np.sqrt(rules.chi2_limit))
    from_a, order_a = searched.points(a, here)
    from_b, order_b = searched.points(b, there)
    found = find_pairs(
        from_a,
        from_b,
        limited(here, rules)[order_a],
        right_radius_arcsec=limited(there, rules)[order_b],
    )
    return order_a[found.left], order_b[found.right]


def points(rows: Rows, reach: Reach) -> tuple[Points, Ints]:
    """The places where rows are searched, sorted; and the row of each."""
    spatial = healpix.index(reach.ra_deg, reach.dec_deg)
    if bool((spatial[1:] >= spatial[:-1]).all()):
        return Points(reach.ra_deg, reach.dec_deg, spatial, rows.rank), np.arange(len(spatial))
    order = np.argsort(spatial, kind="stable")
    ra, dec = reach.ra_deg[order], reach.dec_deg[order]
    return Points(ra, dec, spatial[order], rows.rank[order]), order


def limited(reach: Reach, rules: Rules) -> Floats:
    """(n,) radii, no larger than the caller's limit asks for."""
    if rules.radius_arcsec is None:
        return reach.radius_arcsec
    return np.minimum(reach.radius_arcsec, rules.radius_arcsec + reach.slack_arcsec)


# ---------------------------------------------------------------- by the errors


def agree(rows: list[Rows], left: Ints, right: Ints, evidence: PairEvidence, rules: Rules) -> Mask:
    """(m,) of nodes left, right (m,): chi2 within the limit.

    By plain errors, or those of blends and as far as a motion that neither knows may have gone.
    """
    limit = rules.chi2_limit
    near: Mask = evidence.chi2 <= limit
    far = np.flatnonzero(~near)
    if len(far):
        variance = np.concatenate([_wide_variance(each) for each in rows])
        widest = variance[left[far]] + variance[right[far]]
        widest += np.maximum(evidence.farthest2[far] / limit - evidence.drift[far], 0.0)
        near[far] = (widest > 0.0) & (_chi2_with(evidence, far, widest) <= limit)
    if rules.radius_arcsec is not None:
        near &= evidence.sep_arcsec <= rules.radius_arcsec
    return near


def _wide_variance(rows: Rows) -> Floats:
    """(n,) arcsec^2 that the wide errors of rows add; 0 for those that have none."""
    variance = rows.wide_arcsec**2 if np.isfinite(rows.wide_arcsec) else 0.0
    return np.where(rows.wide > 0.0, variance, 0.0)


def _chi2_with(evidence: PairEvidence, at: Ints, variance: Floats) -> Floats:
    """(k,) chi2 of the pairs `at` with a variance (k,) added to both axes."""
    x, y = evidence.dra_cosdec_arcsec[at], evidence.ddec_arcsec[at]
    xx, yy = evidence.covariance[at, 0] + variance, evidence.covariance[at, 1] + variance
    xy = evidence.covariance[at, 2]
    told: Floats = (x * x * yy - 2.0 * x * y * xy + y * y * xx) / (xx * yy - xy * xy)
    return told


# ---------------------------------------------------------------- evidence, pair by pair


def chosen_evidence(evidence: PairEvidence, index: Ints | Mask) -> PairEvidence:
    """These pairs."""
    if index.dtype == bool:
        if index.all():
            return evidence
        index = np.flatnonzero(index)
    lines = (getattr(evidence, each.name).T for each in fields(evidence))
    return PairEvidence(*(np.take(each, index, axis=-1).T for each in lines))


def together(parts: list[PairEvidence]) -> PairEvidence:
    """All pairs, part after part."""
    names = [each.name for each in fields(PairEvidence)]
    return PairEvidence(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
