"""The array part of an identification: candidates, islands, groups and posteriors of one patch."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.match.geometry.search import Points, find_pairs
from skyquarry.match.given.merging import merged
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.epochs import search_reach
from skyquarry.match.likelihood.evidence import PairEvidence, group_evidence, node_pairs, node_table
from skyquarry.match.resolution.candidates import candidate_groups
from skyquarry.match.resolution.exact import Ready
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.sky import healpix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.epochs import Reach
    from skyquarry.match.likelihood.evidence import GroupEvidence, NodeTable
    from skyquarry.match.likelihood.motionprior import MotionPrior
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.priors.photometry import Photometry
    from skyquarry.match.resolution.groups import Groups, Islands
    from skyquarry.match.resolution.resolve import Resolved

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

Constraint = Literal["one_to_one", "many_to_one", "none"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every patch of a run."""

    names: tuple[str, ...]
    constraint: Constraint
    completeness: float
    motion: MotionPrior
    radius_arcsec: float | None = None
    """no pair is farther apart, at the epoch compared; None: as far as the errors allow"""

    @property
    def chi2_limit(self) -> float:
        """Pairs beyond this chi2 are no candidates.

        It is that of a group of all catalogues, of 2 (n - 1) degrees of freedom (crossmatch.md
        1.6): a group within it has no pair beyond it, so that no true group is cut in two.
        """
        from scipy.special import gammaincinv

        return 2.0 * float(gammaincinv(len(self.names) - 1, self.completeness))

    def catalog_pairs(self) -> Iterator[tuple[int, int]]:
        """The pairs of catalogues that are searched."""
        count = len(self.names)
        leaders = [0] if self.constraint == "many_to_one" else range(count)
        return ((a, b) for a in leaders for b in range(a + 1, count))


@dataclass(frozen=True, slots=True)
class Work:
    """Whole islands of some rows: their candidate pairs and groups, and the evidence of both."""

    rows: list[Rows]
    start: Ints
    """(catalogues + 1,) first node of each"""
    left: Ints
    """(m,) node of the earlier catalogue; pairs are sorted by left, then right"""
    right: Ints
    pairs: PairEvidence
    islands: Islands
    groups: Groups
    evidence: GroupEvidence
    table: NodeTable
    """the rows as the evidence reads them"""
    own: Ints
    """(m,) the group that is exactly the pair"""
    ready: Ready
    """for `resolve`"""

    @property
    def n_nodes(self) -> int:
        """How many rows there are, of all catalogues."""
        return int(self.start[-1])


@dataclass(frozen=True, slots=True)
class Solved:
    """The answer for a `Work`: weights, posteriors, and the best partition."""

    ln_weight: Floats
    """(groups,)"""
    ln_photometry: Floats
    """(groups,) the part of it that magnitudes of several catalogues together contribute"""
    resolved: Resolved
    geometry_posterior: Floats
    """(groups,) what the posterior would be without that part"""


def identify(
    rows: list[Rows], rules: Rules, core: Sequence[Mask] | None = None
) -> tuple[Work, list[Rows]]:
    """Whole islands of the core rows, and the rows of islands that reach beyond the core.

    `core`: which rows of each catalogue belong to the patch; the others surround it. A row of an
    island that crosses the border is core in one patch only: all of them together, from every
    patch, are whole islands again.
    """
    start, table = offsets(rows), node_table(rows, rules.motion)
    left, right, pairs = _candidates(rows, table, rules)
    if core is None:
        return work_of_rows(rows, start, left, right, pairs, rules, table), [
            each.take(_NONE) for each in rows
        ]
    inside = np.concatenate(core)
    crossing = islands(len(inside), left, right)
    beyond = np.zeros(len(crossing), bool)
    beyond[crossing.label[~inside]] = True
    crosses = beyond[crossing.label]
    closed, opened = inside & ~crosses, inside & crosses
    kept = closed[left]  # an island is closed as a whole
    number = np.cumsum(closed) - 1
    mine = [each.take(np.flatnonzero(part)) for each, part in _split(rows, closed, start)]
    work = work_of_rows(
        mine,
        offsets(mine),
        number[left[kept]],
        number[right[kept]],
        chosen_evidence(pairs, kept),
        rules,
    )
    return work, [each.take(np.flatnonzero(part)) for each, part in _split(rows, opened, start)]


def solve(work: Work, rules: Rules, densities: Densities, photometry: Photometry | None) -> Solved:
    """Posteriors of every group, with the photometric evidence and without it."""
    plain = densities.ln_weight(work.groups, work.evidence.lnB, work.rows)
    if photometry is None:
        resolved = _resolved(work, plain, rules)
        return Solved(plain, np.zeros_like(plain), resolved, resolved.posterior)
    ratio = photometry.ln_ratio(work.rows, work.groups)
    without = _resolved(work, plain, rules, rivals=False)
    return Solved(plain + ratio, ratio, _resolved(work, plain + ratio, rules), without.posterior)


def _resolved(work: Work, ln_weight: Floats, rules: Rules, *, rivals: bool = True) -> Resolved:
    return resolve(
        work.islands, work.groups, ln_weight, rules.constraint, ready=work.ready, rivals=rivals
    )


def joined(parts: list[list[Rows]]) -> list[Rows]:
    """The rows of each catalogue that several patches left open, sorted as rows are."""
    return [merged(list(each)) for each in zip(*parts, strict=True)]


# ---------------------------------------------------------------- candidates

_NONE = np.empty(0, np.int64)


def _candidates(
    rows: list[Rows], table: NodeTable, rules: Rules
) -> tuple[Ints, Ints, PairEvidence]:
    """Nodes of every candidate pair, sorted, with their evidence."""
    lefts: list[Ints] = []
    rights: list[Ints] = []
    evidences: list[PairEvidence] = []
    kept: list[Ints] = []
    seen = 0
    searched = _Searched(rules.motion)
    for a, b in rules.catalog_pairs():
        i, j = _near(rows[a], rows[b], rules, searched)
        left, right = i + table.start[a], j + table.start[b]
        evidence = node_pairs(table, left, right)
        near = np.flatnonzero(agree(rows[a], rows[b], i, j, evidence, rules))
        kept.append(near + seen)
        seen += len(left)
        lefts.append(left)
        rights.append(right)
        evidences.append(evidence)
    left, right, near = np.concatenate(lefts), np.concatenate(rights), np.concatenate(kept)
    order = near[in_order(left[near], right[near], int(table.start[-1]))]
    return left[order], right[order], chosen_evidence(together(evidences), order)


def in_order(left: Ints, right: Ints, n_nodes: int) -> Ints:
    """(m,) the pairs sorted by left node, then right node."""
    order: Ints = pairtable.pair_order(left, right, n_nodes)
    return order


def pair_candidates(a: Rows, b: Rows, rules: Rules) -> tuple[Ints, Ints, PairEvidence]:
    """Rows (m,), (m,) of two catalogues whose positions agree within the errors, with evidence."""
    i, j = _near(a, b, rules, _Searched(rules.motion))
    table = node_table([a, b], rules.motion)
    evidence = node_pairs(table, i, j + table.start[1])
    near = agree(a, b, i, j, evidence, rules)
    return i[near], j[near], chosen_evidence(evidence, near)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What one catalogue needs for every search with another, worked out once; by id of `Rows`."""

    motion: MotionPrior
    masyr: dict[int, Floats] = field(default_factory=dict)
    homes: dict[int, tuple[Points, Ints]] = field(default_factory=dict)

    def reach_masyr(self, rows: Rows) -> Floats:
        """(n,) as the prior has it."""
        if id(rows) not in self.masyr:
            self.masyr[id(rows)] = self.motion.reach_masyr(rows)
        return self.masyr[id(rows)]

    def points(self, rows: Rows, reach: Reach) -> tuple[Points, Ints]:
        """The places where rows are searched; those of rows that stay where they are, once."""
        if reach.moved:
            return points(rows, reach)
        if id(rows) not in self.homes:
            self.homes[id(rows)] = points(rows, reach)
        return self.homes[id(rows)]


def _near(a: Rows, b: Rows, rules: Rules, searched: _Searched) -> tuple[Ints, Ints]:
    """Rows (m,), (m,) of two catalogues that lie in each other's reach."""
    here, there = search_reach(a, b, np.sqrt(rules.chi2_limit), searched)
    from_a, order_a = searched.points(a, here)
    from_b, order_b = searched.points(b, there)
    found = find_pairs(
        from_a,
        from_b,
        _limited(here, rules)[order_a],
        right_radius_arcsec=_limited(there, rules)[order_b],
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


def _limited(reach: Reach, rules: Rules) -> Floats:
    """(n,) radii, no larger than the caller's limit asks for."""
    if rules.radius_arcsec is None:
        return reach.radius_arcsec
    return np.minimum(reach.radius_arcsec, rules.radius_arcsec + reach.slack_arcsec)


def agree(a: Rows, b: Rows, i: Ints, j: Ints, evidence: PairEvidence, rules: Rules) -> Mask:
    """(m,) chi2 within the limit, by the plain errors or by the wide ones of blends."""
    limit = rules.chi2_limit
    near: Mask = evidence.chi2 <= limit
    far = np.flatnonzero(~near)
    widest = _wide_variance(a, i[far]) + _wide_variance(b, j[far])
    near[far] = (widest > 0.0) & (_chi2_with(evidence, far, widest) <= limit)
    if rules.radius_arcsec is not None:
        near &= evidence.sep_arcsec <= rules.radius_arcsec
    return near


def _wide_variance(rows: Rows, index: Ints) -> Floats:
    """(k,) arcsec^2 that the wide errors of rows add; 0 for those that have none."""
    variance = rows.wide_arcsec**2 if np.isfinite(rows.wide_arcsec) else 0.0
    return np.where(rows.wide[index] > 0.0, variance, 0.0)


def _chi2_with(evidence: PairEvidence, at: Ints, variance: Floats) -> Floats:
    """(k,) chi2 of the pairs `at` with a variance (k,) added to both axes."""
    x, y = evidence.dra_cosdec_arcsec[at], evidence.ddec_arcsec[at]
    xx, yy = evidence.covariance[at, 0] + variance, evidence.covariance[at, 1] + variance
    xy = evidence.covariance[at, 2]
    told: Floats = (x * x * yy - 2.0 * x * y * xy + y * y * xx) / (xx * yy - xy * xy)
    return told


# ---------------------------------------------------------------- groups


def work_of_pairs(
    rows: list[Rows], left: Ints, right: Ints, pairs: PairEvidence, rules: Rules
) -> Work:
    """The work of rows whose candidate pairs are known; sorted by left node, then right."""
    return work_of_rows(rows, offsets(rows), left, right, pairs, rules)


def work_of_rows(
    rows: list[Rows],
    start: Ints,
    left: Ints,
    right: Ints,
    pairs: PairEvidence,
    rules: Rules,
    table: NodeTable | None = None,
) -> Work:
    """The islands and groups of rows with these pairs, and the evidence of each group.

    `table`: node_table(rows, rules.motion), where it is there already.
    """
    told = node_table(rows, rules.motion) if table is None else table
    n_nodes = int(start[-1])
    whole = islands(n_nodes, left, right)
    catalog = np.repeat(np.arange(len(rows), dtype=np.uint8), np.diff(start))
    groups = candidate_groups(whole, left, right, catalog, rules.constraint)
    begin = pairtable.starts_of(left, n_nodes)
    own = pairtable.pair_groups(begin, right, groups.start, groups.nodes)
    evidence = group_evidence(rows, groups, rules.motion, table=told, pairs=(own, pairs))
    ready = Ready.of(whole, groups)
    return Work(rows, start, left, right, pairs, whole, groups, evidence, told, own, ready)


def _split(rows: list[Rows], mask: Mask, start: Ints) -> Iterator[tuple[Rows, Mask]]:
    return ((each, mask[start[c] : start[c + 1]]) for c, each in enumerate(rows))


def chosen_evidence(evidence: PairEvidence, index: Ints | Mask) -> PairEvidence:
    """These pairs."""
    if index.dtype == bool:
        index = np.flatnonzero(index)
    names = (each.name for each in fields(evidence))
    return PairEvidence(*(np.take(getattr(evidence, name), index, axis=0) for name in names))


def together(parts: list[PairEvidence]) -> PairEvidence:
    """All pairs, part after part."""
    names = [each.name for each in fields(PairEvidence)]
    return PairEvidence(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
