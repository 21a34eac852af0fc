"""Each row of the first catalogue chooses a group by itself: `many_to_one`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.leading import ln_rests
from skyquarry.match.kernels.resolve import TIE
from skyquarry.match.kernels.rivals import best_rivals
from skyquarry.match.resolution.answers import Resolved, leave_unclaimed, listed_in_part, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.groups import Groups, Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


def chosen_by_leaders(islands: Islands, groups: Groups, weight: Floats, gain: Floats) -> Resolved:
    """Each leader, a row of the first catalogue, and its candidates are partitioned by themselves.

    A group of a leader has the sum over the partitions of its star that hold it: e^gain times that
    over the candidates which it leaves. Other rows alone: chosen by none. Groups without a leader
    compete, and are not told of: 0.
    """
    n = len(islands.nodes)
    led = (groups.catalogs & np.uint32(1)) != 0
    leader = groups.nodes[groups.start[:-1]][led]  # nodes of catalogue 0 come first
    rest, around, partial = _rests(groups, led, leader, gain, n)
    worth = gain[led] + rest
    top = np.full(n, -np.inf)
    np.maximum.at(top, leader, worth)
    share = np.exp(worth - top[leader])
    total = np.bincount(leader, share, n)
    posterior = np.zeros(len(groups))
    posterior[led] = share / total[leader]
    chosen = np.zeros(len(groups), bool)
    chosen[_first_of_ties(groups, np.flatnonzero(led), leader, worth, top)] = True
    single = np.diff(groups.start) == 1
    leave_unclaimed(groups, single & ~led, posterior, chosen, n)
    evidence = sums(groups.island[single], weight[single], len(islands))
    lead = np.unique(leader)
    own = top[lead] + np.log(total[lead]) + around[lead]
    evidence += sums(islands.label[lead], own, len(islands))
    rival = _rivals_of_leaders(groups, led, leader, posterior, n)
    heuristic = listed_in_part(islands, groups)
    heuristic[islands.label[partial]] = True
    return Resolved(posterior, chosen, rival, heuristic, evidence)


def _rests(
    groups: Groups, led: Mask, leader: Ints, gain: Floats, n_nodes: int
) -> tuple[Floats, Floats, Mask]:
    """Of every led group ln of what the candidates that it leaves add; two things of nodes.

    (n,) ln of the sum over the partitions of a leader's candidates, and whether some were left out.
    """
    around, partial = np.zeros(n_nodes), np.zeros(n_nodes, bool)
    others = ~led & (np.diff(groups.start) > 1)
    if not others.any():
        return np.zeros(len(leader)), around, partial
    number, by_leader = np.flatnonzero(led), np.argsort(leader, kind="stable")
    leaders, begin = np.unique(leader[by_leader], return_index=True)
    field = np.flatnonzero(others)
    lowest = groups.nodes[groups.start[field]]
    by_row = np.argsort(lowest, kind="stable")
    rest = np.zeros(len(groups))
    around[leaders], partial[leaders] = ln_rests(
        np.append(begin, len(leader)),
        number[by_leader],
        np.concatenate([[0], np.cumsum(np.bincount(lowest, minlength=n_nodes))]),
        field[by_row],
        groups.start,
        groups.nodes,
        gain,
        rest,
    )
    return rest[led], around, partial


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
