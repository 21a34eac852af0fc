"""Islands beyond the exact sums: what may be left out is, then they are solved as well as goes.

Without groups of negligible gain (`kernels.resolve.NEGLIGIBLE`) islands fall apart, and are mostly
exact again. A group of gain below 0 is in no best partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.large import believe_each, best_assignment, capped_clusters
from skyquarry.match.kernels.resolve import DENSE, NEGLIGIBLE, TIE, group_masks, room, solve
from skyquarry.match.resolution.exact import (
    WIDEST,
    Part,
    Solution,
    beginnings,
    part_of,
    places,
    solve_exactly,
    some_islands,
    unsolved,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.groups import Groups, Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SMALL = -16.0
"""ln: groups of less gain, each below 1.2e-7, are left out where sums are too long with them"""
SLIGHT = -7.0
"""In islands of three catalogues and more, where sums are too long, groups of less gain (ln)
are left out at once: each has a posterior below 1e-3, told as if its rows were free. Crowds then
fall apart into islands whose sums are exact. Of 1,153 objects there none is lost, while belief
propagation, which is as good as exact for two catalogues, is wrong by up to 0.8"""
FEW_ROWS = 15
"""of the smaller of two catalogues: sums over their sets are done whatever the other has"""
WIDE_STATES = 1 << 18
"""Sets that such sums may meet: 15 rows beside as many"""
ROUNDS, SETTLED = 200, 1e-8
"""of belief propagation for two catalogues, and the change (ln) at which it stops earlier"""
CROWD_ROUNDS, CROWD_SETTLED = 20, 1e-3
"""For more catalogues: in islands of 25 to 63 rows with 6,193 objects, whose sums are known, 20
rounds are wrong by 1,038 in summed |P|, 30 by 1,074, 200 by 1,125"""
MAX_MATRIX = 4_000_000
"""Elements of the matrix of an assignment: 2,000 rows beside as many, some 10 s at worst"""
MAX_TIED = 64
"""Rows on the smaller side up to which ties of an assignment are decided by the rule."""


def gains(groups: Groups, ln_weight: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """(g,) ln weight against all members single, 0 for single rows; (n,) ln weight of rows single.

    A single row of weight 0 counts as if it had e**-1000 of the least weight that there is.
    """
    alone = np.diff(groups.start) == 1
    single = np.zeros(n_nodes)
    single[groups.nodes[groups.start[:-1][alone]]] = ln_weight[alone]
    nothing = np.isneginf(single)
    if nothing.any():
        finite = ln_weight[np.isfinite(ln_weight)]
        single[nothing] = finite.min(initial=0.0) - 1000.0
    gain = ln_weight - np.add.reduceat(single[groups.nodes], groups.start[:-1])
    gain[alone] = 0.0
    return gain, single


def solve_large(
    islands: Islands,
    groups: Groups,
    ln_weight: Floats,
    found: Solution,
    begin: Ints,
    *,
    best: bool = True,
) -> None:
    """Fill in what `found` lacks; `rough` tells which islands are solved by a heuristic.

    `begin` as `beginnings` tells. Without `best` no best partition is looked for.
    """
    unclear = ~found.solved | found.tied if best else ~found.solved
    whole = some_islands(islands, groups, begin, np.flatnonzero(unclear))
    gain, alone = gains(whole.groups, ln_weight[whole.group], len(whole.node))
    told = _without_slight(whole, gain, found.solved[unclear], best=best)
    found.posterior[whole.group], found.chosen[whole.group] = told.posterior, told.chosen
    base = np.bincount(whole.islands.label, alone, len(whole.islands))
    found.evidence[unclear] = base + told.evidence
    found.rough[unclear] = told.rough
    found.solved[:], found.tied[:] = True, False


def _without_slight(whole: Part, gain: Floats, solved: Mask, *, best: bool) -> Solution:
    """The answer for islands too large, or (solved) with ties, by the pieces of what counts."""
    groups, islands = whole.groups, whole.islands
    many = np.diff(groups.start) > 1
    crowded = ~solved & (_catalogs(groups, islands) > 2)
    kept = ~many | (gain >= np.where(crowded, SLIGHT, NEGLIGIBLE)[groups.island])
    slight = ~kept & (gain >= NEGLIGIBLE)
    part = part_of(groups, kept, np.ones(len(whole.node), bool))
    inner = _solve_pieces(part, gain[part.group], best=best)
    home = islands.label[part.node[part.islands.nodes[part.islands.start[:-1]]]]
    told = unsolved(len(islands), len(groups))
    told.posterior[part.group], told.chosen[part.group] = inner.posterior, inner.chosen
    told.evidence[:] = np.bincount(home, inner.evidence, len(islands))
    told.rough[home[inner.rough]] = True
    told.rough[groups.island[slight]] = True
    _negligible(groups, gain, ~kept, told.posterior, len(whole.node))
    if slight.any():
        _at_most_one(groups, told.rough[groups.island], told.posterior, len(whole.node))
    return told


def _solve_pieces(part: Part, gain: Floats, *, best: bool) -> Solution:
    """Every island of a part: exact, or by a heuristic (`rough`)."""
    inner = solve_exactly(part.islands, part.groups, gain)
    left = ~inner.solved | inner.tied if best else ~inner.solved
    if left.any():
        begin = beginnings(part.islands, part.groups)
        two = _catalogs(part.groups, part.islands) == 2
        for k in np.flatnonzero(left & two):
            one = some_islands(part.islands, part.groups, begin, np.array([k]))
            if _solve_one(one, gain[one.group], inner, int(k)):
                inner.rough[k] = True
        crowds = np.flatnonzero(~inner.solved & ~two)
        if len(crowds):
            some = some_islands(part.islands, part.groups, begin, crowds)
            inside = gain[some.group]
            inner.posterior[some.group], inner.evidence[crowds] = _believed(some, inside)
            if best:
                inner.chosen[some.group] = _best_of_crowds(some, inside)
        inner.rough[left & ~two] = True  # the best of equal ones is told by the order of the sums
    return inner


def _negligible(
    groups: Groups, gain: Floats, left_out: Mask, posterior: Floats, n_nodes: int
) -> None:
    """Posteriors of groups left out: exp(gain) if all of their rows are single otherwise."""
    if not left_out.any():
        return
    alone = np.diff(groups.start) == 1
    single = np.ones(n_nodes)
    single[groups.nodes[groups.start[:-1][alone]]] = posterior[alone]
    free = np.multiply.reduceat(single[groups.nodes], groups.start[:-1])
    posterior[left_out] = (np.exp(np.minimum(gain, 0.0)) * free)[left_out]


def _at_most_one(groups: Groups, these: Mask, posterior: Floats, n_nodes: int) -> None:
    """Let the posteriors of these groups (g,) sum to 1 at most in each of their rows."""
    member_of = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    total = np.maximum(np.bincount(groups.nodes, posterior[member_of], n_nodes), 1.0)
    most = np.maximum.reduceat(total[groups.nodes], groups.start[:-1])
    posterior[these] /= most[these]


def _catalogs(groups: Groups, islands: Islands) -> Ints:
    """(islands,) how many catalogues each has rows of."""
    alone = np.diff(groups.start) == 1
    held = np.zeros(len(islands), np.uint32)
    np.bitwise_or.at(held, groups.island[alone], groups.catalogs[alone])
    return np.bitwise_count(held).astype(np.int64)


def _solve_one(one: Part, gain: Floats, inner: Solution, k: int) -> bool:
    """Solve island k, of two catalogues, or decide its tie; whether by a heuristic."""
    first, exact = _sides(one), bool(inner.solved[k])
    if not exact:
        wide = _one_side_first(one, gain, first)
        exact = wide is not None
        inner.posterior[one.group], inner.evidence[k : k + 1] = (
            wide or _thinned(one, gain) or _believed(one, gain)
        )
    chosen, certain = _best(one, gain, first)
    inner.chosen[one.group] = chosen
    return not (exact and certain)


def _thinned(one: Part, gain: Floats) -> tuple[Floats, Floats] | None:
    """Posteriors and ln of the sum without the groups of small gain, if that goes; else None."""
    alone = np.diff(one.groups.start) == 1
    kept = alone | (gain >= SMALL)
    if kept.all():
        return None
    part = part_of(one.groups, kept, np.ones(len(one.node), bool))
    found = solve_exactly(part.islands, part.groups, gain[part.group])
    if not found.solved.all():
        return None
    posterior = np.zeros(len(gain))
    posterior[part.group] = found.posterior
    _negligible(one.groups, gain, ~kept, posterior, len(one.node))
    return posterior, np.array([found.evidence.sum()])


def _believed(some: Part, gain: Floats) -> tuple[Floats, Floats]:
    """Posteriors of every group, and ln of the sum of every island, by belief propagation."""
    posterior, evidence = np.empty(len(gain)), np.empty(len(some.islands))
    place = places(some.islands)[some.groups.nodes]
    begin = beginnings(some.islands, some.groups)
    two = _catalogs(some.groups, some.islands) == 2
    believe_each(
        some.islands.start,
        begin,
        some.groups.start,
        place,
        gain,
        np.where(two, ROUNDS, CROWD_ROUNDS),
        np.where(two, SETTLED, CROWD_SETTLED),
        posterior,
        evidence,
    )
    return posterior, evidence


def _sides(one: Part) -> Mask:
    """(n,) which rows are of the first of two catalogues."""
    every = int(np.bitwise_or.reduce(one.groups.catalogs))
    alone = np.diff(one.groups.start) == 1
    first = np.zeros(len(one.node), bool)
    lowest = np.uint32(every & -every)
    first[one.groups.nodes[one.groups.start[:-1][alone]]] = one.groups.catalogs[alone] == lowest
    return first


def _one_side_first(one: Part, gain: Floats, first: Mask) -> tuple[Floats, Floats] | None:
    """Exact posteriors and ln of the sum where one of two catalogues has few rows; else None.

    The rows of the other come first: states then differ in the few only, O(n1 2**n2).
    """
    n = len(one.node)
    if n > WIDEST or min(first.sum(), n - first.sum()) > FEW_ROWS:
        return None
    leads = first if 2 * first.sum() >= n else ~first
    place = np.empty(n, np.int64)
    place[np.argsort(~leads, kind="stable")] = np.arange(n)
    found = unsolved(1, len(gain))
    masks = group_masks(one.groups.start, one.groups.nodes, place)
    wide = room(WIDE_STATES, 16 * WIDE_STATES, 4 * WIDE_STATES)
    begin = beginnings(one.islands, one.groups)
    solve(one.islands.start, begin, masks, gain, wide, False, found.arrays())
    return (found.posterior, found.evidence) if found.solved[0] else None


def _best(one: Part, gain: Floats, first: Mask) -> tuple[Mask, bool]:
    """(g,) the best partition, and whether it is certain: by pieces that gain holds together."""
    chosen, pieces, left = _best_where_exact(one, gain, tied=True)
    certain = True
    begin = beginnings(pieces.islands, pieces.groups)
    for k in left:
        piece = some_islands(pieces.islands, pieces.groups, begin, np.array([k]))
        own = pieces.group[piece.group]
        sides = first[pieces.node[piece.node]]
        if sides.sum() * (~sides).sum() > MAX_MATRIX:
            found, sure = _best_by_clusters(piece, gain[own]), False
        else:
            found, sure = _best_by_assignment(piece, gain[own], sides)
        chosen[own] = found
        certain &= sure
    return chosen, certain


def _best_of_crowds(some: Part, gain: Floats) -> Mask:
    """(g,) the best partition of islands of three catalogues and more, as well as goes."""
    chosen, pieces, left = _best_where_exact(some, gain, tied=False)
    if len(left):
        begin = beginnings(pieces.islands, pieces.groups)
        crowds = some_islands(pieces.islands, pieces.groups, begin, left)
        own = pieces.group[crowds.group]
        chosen[own] = _best_by_clusters(crowds, gain[own])
    return chosen


def _best_where_exact(some: Part, gain: Floats, *, tied: bool) -> tuple[Mask, Part, Ints]:
    """Best partitions of the pieces that gain holds together; the pieces, and those left over.

    `tied`: those with ties that the rule has not decided are left over too.
    """
    worth = (np.diff(some.groups.start) == 1) | (gain > 0.0)
    pieces = part_of(some.groups, worth, np.ones(len(some.node), bool))
    solution = solve_exactly(pieces.islands, pieces.groups, gain[pieces.group])
    chosen = np.zeros(len(gain), bool)
    chosen[pieces.group] = solution.chosen
    left = ~solution.solved | solution.tied if tied else ~solution.solved
    return chosen, pieces, np.flatnonzero(left)


def _best_by_clusters(some: Part, gain: Floats) -> Mask:
    """The best partition of clusters of at most 12 rows that the greatest gains join."""
    alone = np.diff(some.groups.start) == 1
    order = np.argsort(-gain, kind="stable")
    order = order[~alone[order]]
    kept = capped_clusters(len(some.node), order, some.groups.start, some.groups.nodes, DENSE)
    clusters = part_of(some.groups, kept | alone, np.ones(len(some.node), bool))
    solution = solve_exactly(clusters.islands, clusters.groups, gain[clusters.group])
    chosen = np.zeros(len(gain), bool)
    chosen[clusters.group] = solution.chosen
    return chosen


def _best_by_assignment(piece: Part, gain: Floats, first: Mask) -> tuple[Mask, bool]:
    """The one-to-one assignment of greatest gain (Budavari & Basu 2016), ties by the rule."""
    pair = np.flatnonzero(np.diff(piece.groups.start) == 2)
    ends = piece.groups.nodes[piece.groups.start[pair][:, None] + np.arange(2)]
    place = np.where(first, np.cumsum(first), np.cumsum(~first)) - 1
    ends = np.where(first[ends[:, :1]], ends, ends[:, ::-1])
    matrix = np.full((int(first.sum()), int((~first).sum())), -1.0)
    matrix[place[ends[:, 0]], place[ends[:, 1]]] = gain[pair]
    column, certain = _decided(matrix)
    number = np.full(matrix.shape, -1)
    number[place[ends[:, 0]], place[ends[:, 1]]] = pair
    taken = np.flatnonzero(column >= 0)
    chosen = np.zeros(len(gain), bool)
    chosen[number[taken, column[taken]]] = True
    in_pair = np.zeros(len(piece.node), bool)
    in_pair[piece.groups.nodes[np.repeat(chosen, np.diff(piece.groups.start))]] = True
    alone = np.flatnonzero(np.diff(piece.groups.start) == 1)
    chosen[alone] = ~in_pair[piece.groups.nodes[piece.groups.start[alone]]]
    return chosen, certain


def _decided(gain: Floats) -> tuple[Ints, bool]:
    """Columns (n,) of the best assignment, of several the one whose sorted pairs come first.

    Pairs of another best assignment have u + v = gain too: where no such pair is left over, there
    is no other. Else pairs are tried from the first on: does a best assignment hold it?
    """
    column, u, v = _assigned(gain)
    slack = u[:, None] + v - gain
    tight = (gain > 0.0) & (slack <= TIE + 1e-13 * np.abs(gain))
    tight[np.flatnonzero(column >= 0), column[column >= 0]] = False
    if not tight.any():
        return column, True
    if min(gain.shape) > MAX_TIED:
        return column, False
    tight[np.flatnonzero(column >= 0), column[column >= 0]] = True
    left = gain.copy()
    total = _total(left, column)
    settled = np.full(len(gain), -1)
    for i, j in np.argwhere(tight):
        if settled[i] >= 0 or left[i, j] <= 0.0:
            continue
        rest = left.copy()
        rest[i], rest[:, j] = -1.0, -1.0
        remaining = _total(rest, _assigned(rest)[0])
        if remaining + gain[i, j] >= total - TIE - 1e-13 * abs(total):
            settled[i], left, total = j, rest, remaining
    return settled, True


def _assigned(gain: Floats) -> tuple[Ints, Floats, Floats]:
    """`best_assignment` whichever side is the smaller."""
    if gain.shape[0] <= gain.shape[1]:
        column, u, v = best_assignment(np.ascontiguousarray(gain))
        return column, u, v
    row, v, u = best_assignment(np.ascontiguousarray(gain.T))
    column = np.full(gain.shape[0], -1)
    column[row[row >= 0]] = np.flatnonzero(row >= 0)
    return column, u, v


def _total(gain: Floats, column: Ints) -> float:
    taken = np.flatnonzero(column >= 0)
    return float(np.sort(gain[taken, column[taken]]).sum())
