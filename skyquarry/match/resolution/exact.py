"""Exact posteriors and best partitions of islands that are small, or narrow, enough."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.frontier import frontier_places
from skyquarry.match.kernels.islands import bucket, label_nodes
from skyquarry.match.kernels.pairtable import starts_of
from skyquarry.match.kernels.pruned import Space, solve_pruned, space
from skyquarry.match.kernels.resolve import (
    DENSE,
    Work,
    group_masks,
    room,
    solve,
)
from skyquarry.match.resolution.groups import Groups, Islands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

STATES, STEPS = 1 << 15, 6 << 15
"""Sets of rows that the sums of an island beyond 12 rows may meet, and ways from one to another:
some 5 ms. Half as many take 12 per cent less time in a crowd, and leave a sixth more islands to
heuristics"""
WHOLE_STATES = 1 << 14
"""Where no set may be left out"""
WIDEST = 63
"""Rows of which a set is one 64-bit word."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Answers of islands; where `solved` is false there is none yet."""

    posterior: Floats
    """(g,)"""
    chosen: Mask
    """(g,) the best partition"""
    evidence: Floats
    """(islands,) ln of the sum of the weights of all partitions"""
    solved: Mask
    """(islands,)"""
    tied: Mask
    """(islands,) another partition may weigh as much as the best, and the rule has not decided"""
    rough: Mask
    """(islands,) what was left out may be more than `kernels.pruned.EXACT` of the sum"""

    def arrays(self) -> tuple[Floats, Mask, Floats, Mask, Mask]:
        """As the kernels take them."""
        return self.posterior, self.chosen, self.evidence, self.solved, self.tied


@dataclass(frozen=True, slots=True)
class Ready:
    """What an exact answer needs of islands and groups, whatever their weights."""

    begin: Ints
    """(islands + 1,) first group of each island"""
    place: Ints
    """(n,) number of each node within its island"""
    masks: Ints
    """(g,) members of each group as bits of their places"""

    @classmethod
    def of(cls, islands: Islands, groups: Groups) -> Ready:
        """Made once for any number of weights."""
        begin, place = beginnings(islands, groups), places(islands)
        return cls(begin, place, group_masks(groups.start, groups.nodes, place))


def solve_exactly(
    islands: Islands, groups: Groups, ln_weight: Floats, ready: Ready | None = None
) -> Solution:
    """Posteriors and best partitions, where the sums over all partitions can be done.

    That is every island of up to 12 rows, and of those of up to 63 each that has no more than
    `STATES` sets of rows that matter when they are taken in a good order.
    """
    told = Ready.of(islands, groups) if ready is None else ready
    begin, place, masks = told.begin, told.place, told.masks
    found = unsolved(len(islands), len(groups))
    size = np.diff(islands.start)
    least = int(min(size.max(initial=1), DENSE))
    small = _kept_room(1 << least, 3**least, 1)
    solve(islands.start, begin, masks, ln_weight, small, True, found.arrays())
    found.tied[:] = False  # rows were taken in their own order: decided by the rule
    if ((size > DENSE) & (size <= WIDEST)).any():
        better = place.copy()
        frontier_places(islands.start, islands.nodes, begin, masks, ln_weight, better)
        narrow = group_masks(groups.start, groups.nodes, better)
        _solve_wide(islands, groups, begin, narrow, ln_weight, found)
        if found.tied.any():
            again = _whole_sums(islands, begin, masks, ln_weight, found.tied)
            decided = found.tied & again.solved
            here = decided[groups.island]
            found.chosen[here] = again.chosen[here]
            found.tied[decided] = False
    return found


def _solve_wide(
    islands: Islands, groups: Groups, begin: Ints, masks: Ints, ln_weight: Floats, found: Solution
) -> None:
    """Islands of 13 to 63 rows: states of next to no probability are left out where that goes."""
    unfit, some = np.zeros(len(islands), bool), _ROOMS.states()
    answer = found.arrays()
    solve_pruned(islands.start, begin, masks, ln_weight, some, answer, found.rough, unfit)
    if unfit.any():
        again = _whole_sums(islands, begin, masks, ln_weight, unfit)
        here = unfit[groups.island]
        found.posterior[here], found.chosen[here] = again.posterior[here], again.chosen[here]
        found.evidence[unfit], found.tied[unfit] = again.evidence[unfit], again.tied[unfit]
        found.solved[unfit] = again.solved[unfit]


def _whole_sums(
    islands: Islands, begin: Ints, masks: Ints, ln_weight: Floats, these: Mask
) -> Solution:
    """These islands (islands,) of up to 63 rows, no state left out."""
    found = unsolved(len(islands), len(masks))
    found.solved[:] = ~these
    wide = _kept_room(WHOLE_STATES, 16 * WHOLE_STATES, 4 * WHOLE_STATES)
    solve(islands.start, begin, masks, ln_weight, wide, False, found.arrays())
    return found


class _Rooms(threading.local):
    """Each thread's own."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int, int], Work] = {}
        self.pruned: Space | None = None

    def states(self) -> Space:
        """For the states of islands beyond 12 rows."""
        if self.pruned is None:
            self.pruned = space(STATES, STEPS)
        return self.pruned


_ROOMS = _Rooms()


def _kept_room(states: int, choices: int, table: int) -> Work:
    """A room of this thread, used again: to touch new memory takes longer than most sums."""
    key = states, choices, table
    if key not in _ROOMS.kept:
        _ROOMS.kept[key] = room(*key)
    return _ROOMS.kept[key]


def unsolved(n_islands: int, n_groups: int) -> Solution:
    """The arrays of an answer, to be filled."""
    return Solution(
        np.zeros(n_groups),
        np.zeros(n_groups, bool),
        np.zeros(n_islands),
        np.zeros(n_islands, bool),
        np.zeros(n_islands, bool),
        np.zeros(n_islands, bool),
    )


def beginnings(islands: Islands, groups: Groups) -> Ints:
    """(islands + 1,) first group of each island."""
    first: Ints = starts_of(groups.island, len(islands))
    return first


def places(islands: Islands) -> Ints:
    """(n,) number of each node within its island."""
    place = np.empty(len(islands.nodes), np.int64)
    place[islands.nodes] = np.arange(len(islands.nodes)) - np.repeat(
        islands.start[:-1], np.diff(islands.start)
    )
    return place


@dataclass(frozen=True, slots=True)
class Part:
    """Some nodes and groups of a whole, renumbered; what they are in the whole."""

    islands: Islands
    groups: Groups
    node: Ints
    """(nodes of the part,) number in the whole"""
    group: Ints
    """(groups of the part,) number in the whole"""


def part_of(groups: Groups, kept: Mask, nodes: Mask) -> Part:
    """The islands that the kept groups (g,) leave of these nodes (n,); they hold no others.

    The groups of a smaller island stand in the order in which they stood.
    """
    number = np.cumsum(nodes) - 1
    held = kept[np.repeat(np.arange(len(groups)), np.diff(groups.start))]
    members = number[groups.nodes[held]]
    count = np.diff(groups.start)[kept]
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    chained = np.ones(max(len(members) - 1, 0), bool)
    chained[start[1:-1] - 1] = False
    label, n_islands = label_nodes(int(nodes.sum()), members[:-1][chained], members[1:][chained])
    island = label[members[start[:-1]]]
    order = np.argsort(island, kind="stable")
    at = np.concatenate([[0], np.cumsum(count[order])]).astype(np.int64)
    moved = np.repeat(start[:-1][order] - at[:-1], count[order]) + np.arange(at[-1])
    which = np.flatnonzero(kept)[order]
    first, members_of, _ = bucket(label, n_islands)
    return Part(
        Islands(label, first, members_of),
        Groups(at, members[moved], groups.catalogs[which], island[order], groups.heuristic[which]),
        np.flatnonzero(nodes),
        which,
    )


def some_islands(islands: Islands, groups: Groups, begin: Ints, which: Ints) -> Part:
    """These islands (numbers, ascending) as a whole of their own; `begin` as `beginnings` tells.

    It costs what they are, not what the others are.
    """
    rows, held = np.diff(islands.start)[which], np.diff(begin)[which]
    first = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    node = islands.nodes[spans(islands.start[which], rows)]
    group = spans(begin[which], held)
    size = groups.start[group + 1] - groups.start[group]
    number = np.empty(len(islands.nodes), np.int64)
    number[node] = np.arange(len(node))
    label = np.repeat(np.arange(len(which)), rows)
    return Part(
        Islands(label, first, np.arange(len(node))),
        Groups(
            np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
            number[groups.nodes[spans(groups.start[group], size)]],
            groups.catalogs[group],
            np.repeat(np.arange(len(which)), held),
            groups.heuristic[group],
        ),
        node,
        group,
    )


def spans(start: Ints, count: Ints) -> Ints:
    """The numbers start, start + 1, ... of every span, one span after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(start - (ends - count), count) + np.arange(total)
