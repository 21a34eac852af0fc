"""What the pair table tells of each candidate pair, from groups and their posteriors."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def find_pair(start, right, i, j):
    """Number of the pair (i, j) in pairs sorted by left node, then right node; -1 if there is none.

    `start` (nodes + 1,) is where the pairs of each left node begin, `right` (m,) ascends within.
    """
    low, high = start[i], start[i + 1]
    while low < high:
        middle = (low + high) // 2
        if right[middle] < j:
            low = middle + 1
        else:
            high = middle
    if low < start[i + 1] and right[low] == j:
        return low
    return -1


@kernel
def pair_groups(start, right, group_start, group_nodes):
    """(m,) the group that is exactly the pair; -1 where no group is."""
    found = np.full(right.shape[0], -1, np.int64)
    for g in range(group_start.shape[0] - 1):
        if group_start[g + 1] - group_start[g] == 2:
            first = group_start[g]
            pair = find_pair(start, right, group_nodes[first], group_nodes[first + 1])
            if pair >= 0:
                found[pair] = g
    return found


@kernel
def pair_marginals(start, right, group_start, group_nodes, posterior, chosen):
    """(m,) sum of the posteriors of the groups that hold both rows; (m,) whether a chosen one does.

    Groups are added in their order: the sum does not depend on anything else.
    """
    total = np.zeros(right.shape[0], np.float64)
    inside = np.zeros(right.shape[0], np.bool_)
    for g in range(group_start.shape[0] - 1):
        low, high = group_start[g], group_start[g + 1]
        for a in range(low, high - 1):
            for b in range(a + 1, high):
                pair = find_pair(start, right, group_nodes[a], group_nodes[b])
                if pair >= 0:
                    total[pair] += posterior[g]
                    inside[pair] = inside[pair] or chosen[g]
    return total, inside


@kernel
def single_groups(n_nodes, group_start, group_nodes):
    """(nodes,) the group that is the node alone."""
    found = np.full(n_nodes, -1, np.int64)
    for g in range(group_start.shape[0] - 1):
        if group_start[g + 1] - group_start[g] == 1:
            found[group_nodes[group_start[g]]] = g
    return found


@kernel
def chosen_groups(n_nodes, group_start, group_nodes, chosen):
    """(nodes,) the first chosen group that holds the node; -1 where none does."""
    found = np.full(n_nodes, -1, np.int64)
    for g in range(group_start.shape[0] - 1):
        if chosen[g]:
            for k in range(group_start[g], group_start[g + 1]):
                if found[group_nodes[k]] < 0:
                    found[group_nodes[k]] = g
    return found


@kernel
def standings(order, key, value, tie):
    """What each pair is among those with the same key.

    `order` (m,) sorts by key, then falling value, then the lower partner. Gives (m,): rank from 1,
    number of them, sum of their values, the best value, and how many share the best `tie`.
    """
    m = order.shape[0]
    rank = np.empty(m, np.int32)
    count = np.empty(m, np.int32)
    total = np.empty(m, np.float64)
    best = np.empty(m, np.float64)
    ties = np.empty(m, np.int32)
    first = 0
    while first < m:
        last = first
        summed = 0.0
        while last < m and key[order[last]] == key[order[first]]:
            summed += value[order[last]]
            last += 1
        same = 0
        for k in range(first, last):
            if tie[order[k]] == tie[order[first]]:
                same += 1
        for k in range(first, last):
            rank[order[k]] = k - first + 1
            count[order[k]] = last - first
            total[order[k]] = summed
            best[order[k]] = value[order[first]]
            ties[order[k]] = same
        first = last
    return rank, count, total, best, ties
