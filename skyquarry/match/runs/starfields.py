"""The pairs of leaders' candidates among each other, which compete with the leaders' groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.evidence import node_pairs
from skyquarry.match.resolution.stars import shared_leader, star_groups
from skyquarry.match.runs.nearby import agree, chosen_evidence, near_nodes, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.evidence import NodeTable, PairEvidence
    from skyquarry.match.resolution.groups import Groups, Islands
    from skyquarry.match.runs.rules import Rules

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NodePairs:
    """Candidate pairs with their evidence; sorted by left node, then right."""

    left: Ints
    """(m,)"""
    right: Ints
    evidence: PairEvidence

    def groups_of(self, groups: Groups, n_nodes: int) -> Ints:
        """(m,) the group that is exactly the pair; -1 where none is."""
        begin = pairtable.starts_of(self.left, n_nodes)
        told: Ints = pairtable.pair_groups(begin, self.right, groups.start, groups.nodes)
        return told


def pairs_of_candidates(
    rows: list[Rows], start: Ints, led: NodePairs, table: NodeTable, rules: Rules
) -> NodePairs:
    """Pairs of other rows that are candidates of one leader, and of each other.

    Every row of another catalogue is a candidate of a leader here (`led`).
    """
    others = [rows[0].take(np.empty(0, np.int64)), *rows[1:]]
    left, right = near_nodes(others, start, replace(rules, constraint="one_to_one"))
    shared = shared_leader(int(start[-1]), (led.left, led.right), (left, right))
    left, right = left[shared], right[shared]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    pairs = node_pairs(table, left, right)
    near = agree(rows, left, right, pairs, rules)
    return NodePairs(left[near], right[near], chosen_evidence(pairs, near))


def groups_of_stars(
    islands: Islands, led: NodePairs, others: NodePairs, catalog_of_node: NDArray[np.uint8]
) -> tuple[Groups, tuple[Ints, PairEvidence]]:
    """The groups, and the own group and the evidence of all pairs."""
    led_pairs, other_pairs = ((each.left, each.right, each.evidence.lnB) for each in (led, others))
    groups = star_groups(islands, led_pairs, other_pairs, catalog_of_node)
    own = [each.groups_of(groups, len(catalog_of_node)) for each in (led, others)]
    return groups, (np.concatenate(own), together([led.evidence, others.evidence]))
