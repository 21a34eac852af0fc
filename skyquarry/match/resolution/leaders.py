"""Each row of the first catalogue chooses a group by itself: `many_to_one`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    leave_unclaimed(groups, ~led, posterior, chosen, n)
    single = np.diff(groups.start) == 1
    evidence = sums(groups.island[single], weight[single], len(islands))
    lead = np.unique(leader)
    evidence += sums(islands.label[lead], top[lead] + np.log(total[lead]), len(islands))
    rival = _rivals_of_leaders(groups, led, leader, posterior, n)
    return Resolved(posterior, chosen, rival, listed_in_part(islands, groups), evidence)


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
