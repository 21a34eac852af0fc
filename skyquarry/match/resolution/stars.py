"""The groups of `many_to_one`: round each leader, and among its candidates without it.

A *leader* is a row of catalogue 0, its *star* the leader and its candidates. What the candidates
are without the leader matters: an optical and an infrared row that are one object anyway are no
better a counterpart of an X-ray source for agreeing with each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.resolution.candidates import candidate_groups
from skyquarry.match.resolution.groups import Groups
from skyquarry.match.resolution.islands import islands as islands_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.candidates import Limits
    from skyquarry.match.resolution.groups import Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Pairs = tuple[Ints, Ints, Floats]


def star_groups(
    islands: Islands,
    led: Pairs,
    others: Pairs,
    catalog_of_node: NDArray[np.uint8],
    limits: Limits | None = None,
) -> Groups:
    """Sets of rows round a leader, each a candidate of it, and connected sets of its candidates.

    led, others: nodes (m,), (m,) and strength (m,) of the pairs with a leader, those that the
    islands were made of, and of the pairs of its candidates among each other.
    """
    left, right, strength = led
    stars = candidate_groups(islands, left, right, catalog_of_node, "many_to_one", limits, strength)
    left, right, strength = others
    if not len(left):
        return stars
    fields = islands_of(len(catalog_of_node), left, right)
    field = candidate_groups(fields, left, right, catalog_of_node, "one_to_one", limits, strength)
    return _together(stars, field, islands)


def shared_leader(n_nodes: int, led: tuple[Ints, Ints], others: tuple[Ints, Ints]) -> Mask:
    """(m,) of pairs of other rows: whether both are candidates of one leader.

    led: the pairs with a leader, the leader first.
    """
    order = np.lexsort((led[0], led[1]))
    leader, start = led[0][order], np.searchsorted(led[1][order], np.arange(n_nodes + 1))
    left, right = others
    many = np.diff(start)[left]
    pair = np.repeat(np.arange(len(left)), many)
    at = np.arange(len(pair)) - np.repeat(np.cumsum(many) - many, many) + start[left][pair]
    wanted = leader[at] * n_nodes + right[pair]
    known = np.sort(led[0] * n_nodes + led[1])
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    told = np.zeros(len(left), bool)
    told[pair[known[place] == wanted]] = True
    return told


def _together(stars: Groups, field: Groups, islands: Islands) -> Groups:
    """Both, sorted by island, number of members, and nodes; rows alone and pairs once."""
    several = np.diff(field.start) > 1
    size = np.diff(field.start)[several]
    nodes = field.nodes[np.repeat(several, np.diff(field.start))]
    count = np.concatenate([np.diff(stars.start), size])
    begin = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    every = np.concatenate([stars.nodes, nodes])
    island = islands.label[every[begin[:-1]]]
    column = np.arange(int(count.max(initial=1)))
    at = np.minimum(begin[:-1, None] + column, len(every) - 1)
    members = np.where(column < count[:, None], every[at], -1)
    order = np.lexsort((*members.T[::-1], count, island))
    start = np.concatenate([[0], np.cumsum(count[order])]).astype(np.int64)
    place = np.repeat(begin[:-1][order] - start[:-1], count[order]) + np.arange(start[-1])
    return Groups(
        start,
        every[place],
        np.concatenate([stars.catalogs, field.catalogs[several]])[order],
        island[order],
        np.concatenate([stars.heuristic, field.heuristic[several]])[order],
    )
