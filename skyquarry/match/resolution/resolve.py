"""Posteriors of groups, and the best set of groups, under the constraint of a match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.kernels.resolve import TIE
from skyquarry.match.kernels.rivals import best_rivals
from skyquarry.match.resolution.exact import Ready, solve_exactly
from skyquarry.match.resolution.large import gains, solve_large

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.candidates import Constraint
    from skyquarry.match.resolution.groups import Groups, Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the weights of groups make of them."""

    posterior: Floats
    """(groups,) probability that the group is an object, whole"""
    chosen: Mask
    """(groups,) member of the best solution"""
    runner_up: Floats
    """(groups,) the greatest posterior of another group that shares a row (where rows may be
    shared: that shares the row that chooses)"""
    heuristic: Mask
    """(islands,) not exact: too large, or not all groups were listed"""
    ln_evidence: Floats
    """(islands,) ln of the sum of the weights of all solutions"""


def resolve(
    islands: Islands,
    groups: Groups,
    ln_weight: Floats,
    constraint: Constraint = "one_to_one",
    *,
    ready: Ready | None = None,
    rivals: bool = True,
) -> Resolved:
    """Solve every island for its groups' weights; call again with other weights as often as liked.

    Parameters
    ----------
    ln_weight
        (groups,) ln of the weight of each group, single rows included; -inf excludes a group.
    constraint
        "one_to_one": a solution is a partition of the rows, its weight the product of those of its
        groups: exact sums where that goes, else belief propagation, flagged. Posteriors of the
        groups of a row sum to 1 (heuristic: to at most 1). Where all partitions have weight 0
        rows stand alone.
        "many_to_one": every row of catalogue 0 chooses a group by itself; another row may be in
        several, and alone is what is in none.
        "none": every group is judged alone, against its rows single.

    ready
        What does not depend on the weights, `Ready.of(islands, groups)`, where it is there already.
    rivals
        Without them `runner_up` is empty: an expectation step needs none.

    Of solutions of one weight (to 1e-9 in ln) that is chosen whose sorted list of groups of
    several rows comes first.

    Raises
    ------
    UserError
        When weights are NaN, +inf or of another number than the groups, or a single row has weight
        0 where groups are weighed against it.
    """
    weight = _checked(groups, ln_weight, constraint)
    if constraint == "one_to_one":
        return _partitioned(islands, groups, weight, ready, rivals=rivals)
    gain, _ = gains(groups, weight, len(islands.nodes))
    if constraint == "many_to_one":
        return _chosen_by_leaders(islands, groups, weight, gain)
    return _judged_alone(islands, groups, weight, gain)


def _checked(groups: Groups, ln_weight: Floats, constraint: str) -> Floats:
    weight = np.ascontiguousarray(ln_weight, np.float64)
    if weight.shape != (len(groups),):
        raise UserError(
            f"ln_weight has the shape {weight.shape}, but there are {len(groups)} groups, single "
            "rows included: pass one weight a group"
        )
    wrong = ~(weight < np.inf)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"ln_weight of group {at} is {weight[at]}, but a weight is finite, or -inf for 0: "
            "look at the errors and densities of its rows"
        )
    if constraint != "one_to_one":
        single = np.diff(groups.start) == 1
        if np.isneginf(weight[single]).any():
            at = int(np.flatnonzero(single & np.isneginf(weight))[0])
            raise UserError(
                f"the single row of group {at} has weight 0, but {constraint!r} weighs groups "
                "against single rows: give single rows a density above 0, or match one_to_one"
            )
    return weight


def _partitioned(
    islands: Islands, groups: Groups, weight: Floats, ready: Ready | None, *, rivals: bool
) -> Resolved:
    found = solve_exactly(islands, groups, weight, ready)
    heuristic = _listed_in_part(islands, groups)
    if not found.solved.all() or found.tied.any():
        heuristic |= solve_large(groups, weight, found, islands)
    posterior, rival = np.minimum(found.posterior, 1.0), np.empty(0)
    if rivals:
        rival = best_rivals(len(islands.nodes), groups.start, groups.nodes, posterior)
    return Resolved(posterior, found.chosen, rival, heuristic, found.evidence)


def _listed_in_part(islands: Islands, groups: Groups) -> Mask:
    heuristic = np.zeros(len(islands), bool)
    heuristic[groups.island[groups.heuristic]] = True
    return heuristic


def _chosen_by_leaders(islands: Islands, groups: Groups, weight: Floats, gain: Floats) -> Resolved:
    """Softmax of the gains of each first-catalogue row; other rows alone: chosen by none."""
    n = len(islands.nodes)
    led = (groups.catalogs & np.uint32(1)) != 0
    leader = groups.nodes[groups.start[:-1]][led]  # nodes of catalogue 0 come first
    top = np.full(n, -np.inf)
    np.maximum.at(top, leader, gain[led])
    share = np.exp(gain[led] - top[leader])
    total = np.bincount(leader, share, n)
    posterior = np.zeros(len(groups))
    posterior[led] = share / total[leader]
    chosen = np.zeros(len(groups), bool)
    chosen[_first_of_ties(groups, np.flatnonzero(led), leader, gain[led], top)] = True
    _leave_unclaimed(groups, ~led, posterior, chosen, n)
    single = np.diff(groups.start) == 1
    evidence = _sums(groups.island[single], weight[single], len(islands))
    lead = np.unique(leader)
    evidence += _sums(islands.label[lead], top[lead] + np.log(total[lead]), len(islands))
    rival = _rivals_of_leaders(groups, led, leader, posterior, n)
    return Resolved(posterior, chosen, rival, _listed_in_part(islands, groups), evidence)


def _first_of_ties(groups: Groups, number: Ints, leader: Ints, gain: Floats, top: Floats) -> Ints:
    """The best group of each leader; of equal ones that whose sorted nodes come first."""
    near = gain >= top[leader] - TIE - 1e-13 * np.abs(top[leader])
    number, leader = number[near], leader[near]
    count = np.diff(groups.start)[number]
    width = int(count.max(initial=1))
    column = np.arange(width)
    at = np.minimum(groups.start[number][:, None] + column, len(groups.nodes) - 1)
    nodes = np.where(column < count[:, None], groups.nodes[at], -1)
    order = np.lexsort((*nodes.T[::-1], leader))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(leader[order]) != 0
    chosen: Ints = number[order[first]]
    return chosen


def _leave_unclaimed(
    groups: Groups, single: Mask, posterior: Floats, chosen: Mask, n_nodes: int
) -> None:
    """Rows outside all chosen groups are chosen single; P(single) = product of (1 - P(group))."""
    several = np.diff(groups.start) > 1
    member_of = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    shared = several[member_of]
    free = np.ones(n_nodes)
    np.multiply.at(free, groups.nodes[shared], 1.0 - np.minimum(posterior[member_of[shared]], 1.0))
    taken = np.zeros(n_nodes, bool)
    taken[groups.nodes[chosen[member_of] & shared]] = True
    node = groups.nodes[groups.start[:-1][single]]
    posterior[single] = free[node]
    chosen[single] = ~taken[node]


def _rivals_of_leaders(
    groups: Groups, led: Mask, leader: Ints, posterior: Floats, n_nodes: int
) -> Floats:
    """Of a leader's group: its best other group. Of another row alone: the best that claims it."""
    start = np.arange(len(leader) + 1)
    rival = np.zeros(len(groups))
    rival[led] = best_rivals(n_nodes, start, leader, posterior[led])
    every = best_rivals(n_nodes, groups.start, groups.nodes, posterior)
    rival[~led] = every[~led]
    return rival


def _judged_alone(islands: Islands, groups: Groups, weight: Floats, gain: Floats) -> Resolved:
    """Logistic of each gain; a single row: the product of (1 - P) of the groups that hold it."""
    single = np.diff(groups.start) == 1
    posterior = np.exp(-np.logaddexp(0.0, -gain))
    chosen = ~single & (gain > TIE)
    _leave_unclaimed(groups, single, posterior, chosen, len(islands.nodes))
    each = np.where(single, weight, np.logaddexp(0.0, gain))
    evidence = _sums(groups.island, each, len(islands))
    rival = best_rivals(len(islands.nodes), groups.start, groups.nodes, posterior)
    return Resolved(posterior, chosen, rival, _listed_in_part(islands, groups), evidence)


def _sums(label: Ints, values: Floats, count: int) -> Floats:
    """(count,) sum of the values of each label, in their order."""
    return np.bincount(label, values, count).astype(np.float64)
