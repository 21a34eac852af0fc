"""What a resolution says of its groups, and what all constraints share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def listed_in_part(islands: Islands, groups: Groups) -> Mask:
    """(islands,) those that have more groups than are listed."""
    heuristic = np.zeros(len(islands), bool)
    heuristic[groups.island[groups.heuristic]] = True
    return heuristic


def leave_unclaimed(
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


def sums(label: Ints, values: Floats, count: int) -> Floats:
    """(count,) sum of the values of each label, in their order."""
    return np.bincount(label, values, count).astype(np.float64)
