"""The array part of an identification: candidates, islands, groups and posteriors of one patch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.given.merging import merged
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.evidence import NodeTable, group_evidence, node_pairs, node_table
from skyquarry.match.resolution.candidates import candidate_groups
from skyquarry.match.resolution.exact import Ready
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve
from skyquarry.match.runs.alone import Alone, chosen_rows
from skyquarry.match.runs.nearby import agree, chosen_evidence, near_nodes
from skyquarry.match.runs.starfields import NodePairs, groups_of_stars, pairs_of_candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.evidence import GroupEvidence, PairEvidence
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.priors.photometry import Photometry
    from skyquarry.match.resolution.answers import Resolved
    from skyquarry.match.resolution.groups import Groups, Islands
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_NONE = np.empty(0, np.int64)
MOSTLY = 0.8
"""Where more of the rows than this are near another one, it is quicker to look at them all."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """What becomes of the core rows of a patch."""

    work: Work
    """whole islands of two rows and more"""
    alone: Alone
    """the rows without any candidate"""
    opened: list[Rows]
    """those of islands that reach beyond the core"""


def identified(rows: list[Rows], rules: Rules, core: Sequence[Mask] | None = None) -> Found:
    """The candidates of the core rows, as islands that are whole and rows that go on.

    `core`: which rows of each catalogue belong to the patch; the others surround it. A row of an
    island that crosses the border is core in one patch only: all of them together, from every
    patch, are whole islands again.
    """
    start = offsets(rows)
    inside = np.ones(int(start[-1]), bool) if core is None else np.concatenate(core)
    left, right = near_nodes(rows, start, rules)
    seen, some = _in_pairs(len(inside), left, right), rows
    if np.count_nonzero(seen) < MOSTLY * len(seen):
        number = np.cumsum(seen) - 1
        left, right, some = number[left], number[right], _taken(rows, seen, start)
    else:
        seen = np.ones(len(inside), bool)
    found = _candidates(some, left, right, rules)
    mine, left, right = inside[seen], found.left[found.near], found.right[found.near]
    paired = _in_pairs(len(mine), left, right)
    crosses = np.zeros(len(mine), bool)
    if core is not None:
        whole = islands(len(mine), left, right)
        beyond = np.zeros(len(whole), bool)
        beyond[whole.label[~mine]] = True
        crosses = beyond[whole.label]
    work = _closed_work(some, mine & paired & ~crosses, found, rules)
    opened = _taken(some, mine & crosses, found.table.start)
    alone = inside.copy()
    alone[seen] &= ~paired
    return Found(work, Alone(_parts(alone, start), rows), opened)


def identify(rows: list[Rows], rules: Rules) -> Work:
    """The islands of all of these rows, those of a row alone too."""
    start = offsets(rows)
    found = _candidates(rows, *near_nodes(rows, start, rules), rules)
    near = found.near
    left, right, pairs = found.left[near], found.right[near], chosen_evidence(found.pairs, near)
    return work_of_rows(rows, start, left, right, pairs, rules, found.table)


def found_of(rows: list[Rows], left: Ints, right: Ints, pairs: PairEvidence, rules: Rules) -> Found:
    """What becomes of rows whose candidate pairs are known; sorted by left node, then right."""
    start = offsets(rows)
    paired = _in_pairs(int(start[-1]), left, right)
    number, some = np.cumsum(paired) - 1, _taken(rows, paired, start)
    work = work_of_pairs(some, number[left], number[right], pairs, rules)
    none = [each.take(_NONE) for each in rows]
    return Found(work, Alone(_parts(~paired, start), rows), none)


@dataclass(frozen=True, slots=True)
class _Near:
    """Pairs of nodes that lie near each other, sorted, and which of them are candidates."""

    left: Ints
    right: Ints
    pairs: PairEvidence
    near: Mask
    """(m,) the candidates"""
    table: NodeTable


def _candidates(rows: list[Rows], left: Ints, right: Ints, rules: Rules) -> _Near:
    table = node_table(rows, rules.motion)
    order = in_order(left, right, int(table.start[-1]))
    left, right = left[order], right[order]
    pairs = node_pairs(table, left, right)
    return _Near(left, right, pairs, agree(rows, left, right, pairs, rules), table)


def _closed_work(rows: list[Rows], closed: Mask, found: _Near, rules: Rules) -> Work:
    """The work of the closed nodes alone; an island is closed as a whole."""
    table = found.table
    mine, kept = _taken(rows, closed, table.start), found.near & closed[found.left]
    number, start = np.cumsum(closed) - 1, offsets(mine)
    left, right = number[found.left[kept]], number[found.right[kept]]
    if not closed.all():
        at = np.flatnonzero(closed)
        nodes, ratio = (np.take(each, at, axis=0) for each in (table.nodes, table.ratio))
        table = replace(table, nodes=nodes, ratio=ratio, start=start)
    pairs = chosen_evidence(found.pairs, kept)
    return work_of_rows(mine, start, left, right, pairs, rules, table)


def _in_pairs(n_nodes: int, left: Ints, right: Ints) -> Mask:
    """(nodes,) those that are in a pair."""
    told = np.zeros(n_nodes, bool)
    told[left] = True
    told[right] = True
    return told


def _taken(rows: list[Rows], mask: Mask, start: Ints) -> list[Rows]:
    """The rows of each catalogue where the mask (nodes,) is true."""
    if mask.all():
        return rows
    return chosen_rows(rows, _parts(mask, start))


def _parts(mask: Mask, start: Ints) -> list[Mask]:
    """A mask (nodes,) catalogue by catalogue."""
    return np.split(mask, start[1:-1])


def in_order(left: Ints, right: Ints, n_nodes: int) -> Ints:
    """(m,) the pairs sorted by left node, then right node."""
    order: Ints = pairtable.pair_order(left, right, n_nodes)
    return order


def solve(work: Work, rules: Rules, densities: Densities, photometry: Photometry | None) -> Solved:
    """Posteriors of every group, with the photometric evidence and without it."""
    plain = densities.ln_weight(work.groups, work.evidence.lnB, work.rows)
    if photometry is None:
        resolved = _resolved(work, plain, rules)
        return Solved(plain, np.zeros_like(plain), resolved, resolved.posterior)
    ratio = photometry.ln_ratio(work.rows, work.groups)
    without = _resolved(work, plain, rules, best=False)
    return Solved(plain + ratio, ratio, _resolved(work, plain + ratio, rules), without.posterior)


def _resolved(work: Work, ln_weight: Floats, rules: Rules, *, best: bool = True) -> Resolved:
    return resolve(
        work.islands, work.groups, ln_weight, rules.constraint, ready=work.ready, best=best
    )


def joined(parts: list[list[Rows]]) -> list[Rows]:
    """The rows of each catalogue that several patches left open, sorted as rows are."""
    return [merged(list(each)) for each in zip(*parts, strict=True)]


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
    candidates = NodePairs(left, right, pairs)
    if rules.constraint == "many_to_one" and len(rows) > 2:
        others = pairs_of_candidates(rows, start, candidates, told, rules)
        groups, known = groups_of_stars(whole, candidates, others, catalog)
        own = known[0][: len(left)]
    else:
        groups = candidate_groups(whole, left, right, catalog, rules.constraint, strength=pairs.lnB)
        own = candidates.groups_of(groups, n_nodes)
        known = own, pairs
    evidence = group_evidence(rows, groups, rules.motion, table=told, pairs=known)
    ready = Ready.of(whole, groups)
    return Work(rows, start, left, right, pairs, whole, groups, evidence, told, own, ready)
