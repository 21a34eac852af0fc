"""What the pair table tells of each candidate pair, from groups and their posteriors.

Pairs are sorted by left node, then right node. Nodes are numbered catalogue after catalogue, so
that the pairs of a left node with one catalogue stand together, and so do those of a right node.
"""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

FAR = 16  # pairs of a node above which one is sought by halves


@kernel
def starts_of(label, count):
    """First place (count + 1,) of each label in ascending labels (m,) from 0 to count - 1."""
    start = np.empty(count + 1, np.int64)
    at = 0
    for i in range(label.shape[0]):
        while at <= label[i]:
            start[at] = i
            at += 1
    start[at:] = label.shape[0]
    return start


@kernel
def pair_order(left, right, n_nodes):
    """(m,) numbers of the pairs by left node, then right node: counted twice, never compared."""
    m = left.shape[0]
    first, order = np.zeros(n_nodes + 1, np.int64), np.empty(m, np.int64)
    for p in range(m):
        first[right[p] + 1] += 1
    for i in range(n_nodes):
        first[i + 1] += first[i]
    for p in range(m):
        order[first[right[p]]] = p
        first[right[p]] += 1
    first[:] = 0
    for p in range(m):
        first[left[p] + 1] += 1
    for i in range(n_nodes):
        first[i + 1] += first[i]
    told = np.empty(m, np.int64)
    for k in range(m):
        p = order[k]
        told[first[left[p]]] = p
        first[left[p]] += 1
    return told


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
    total, inside = np.zeros(right.shape[0]), np.zeros(right.shape[0], np.bool_)
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
def absent_pairs(start, right, group_start, group_nodes, chosen):
    """Pairs of nodes (k,), (k,) that share a chosen group and are not in the table of pairs.

    `chosen`: numbers of groups.
    """
    many = 0
    left_of, right_of = np.empty(16, np.int64), np.empty(16, np.int64)
    for g in chosen:
        low, high = group_start[g], group_start[g + 1]
        if high - low < 3:
            continue
        for a in range(low, high - 1):
            at, end = start[group_nodes[a]], start[group_nodes[a] + 1]
            far = end - at > FAR
            for b in range(a + 1, high):
                if far:
                    there = find_pair(start, right, group_nodes[a], group_nodes[b]) >= 0
                else:
                    while at < end and right[at] < group_nodes[b]:
                        at += 1
                    there = at < end and right[at] == group_nodes[b]
                if there:
                    continue
                if many == left_of.shape[0]:
                    left_of = np.concatenate((left_of, np.empty(many, np.int64)))
                    right_of = np.concatenate((right_of, np.empty(many, np.int64)))
                left_of[many], right_of[many] = group_nodes[a], group_nodes[b]
                many += 1
    return left_of[:many], right_of[:many]


@kernel
def among(left, right, more_left, more_right):
    """Two lists of pairs, each sorted by left node, then right node, as one: left, right, and the
    number of each: those of the second list follow on those of the first."""
    m, q = left.shape[0], more_left.shape[0]
    both_left, both_right = np.empty(m + q, np.int64), np.empty(m + q, np.int64)
    source = np.empty(m + q, np.int64)
    p, r = 0, 0
    for k in range(m + q):
        first = r == q
        if not first and p < m:
            before = left[p] < more_left[r]
            first = before or (left[p] == more_left[r] and right[p] < more_right[r])
        if first:
            both_left[k], both_right[k], source[k] = left[p], right[p], p
            p += 1
        else:
            both_left[k], both_right[k], source[k] = more_left[r], more_right[r], m + r
            r += 1
    return both_left, both_right, source


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
def groups_along(along, group_start, group_nodes, chosen):
    """(k,) the groups `chosen` (k,) in the order in which `along` (nodes,) comes to their first
    members, those of one member as they stand; (nodes,) the place, in that order, of the first of
    `chosen` that holds the node; -1 where none does."""
    n_nodes, count = along.shape[0], chosen.shape[0]
    first = np.zeros(n_nodes + 1, np.int64)
    for c in range(count):
        first[group_nodes[group_start[chosen[c]]]] += 1
    at = 0
    for k in range(n_nodes):
        many = first[along[k]]
        first[along[k]] = at
        at += many
    order, home = np.empty(count, np.int64), np.full(n_nodes, -1, np.int64)
    for c in range(count):
        low, high = group_start[chosen[c]], group_start[chosen[c] + 1]
        line = first[group_nodes[low]]
        first[group_nodes[low]] += 1
        order[line] = chosen[c]
        for k in range(low, high):
            if home[group_nodes[k]] < 0:
                home[group_nodes[k]] = line
    return order, home


@kernel
def subset(number, group_start, group_nodes):
    """(k + 1,) starts and nodes of the groups `number` (k,)."""
    start = np.empty(number.shape[0] + 1, np.int64)
    start[0] = 0
    for c in range(number.shape[0]):
        start[c + 1] = start[c] + group_start[number[c] + 1] - group_start[number[c]]
    nodes = np.empty(start[-1], np.int64)
    for c in range(number.shape[0]):
        move = group_start[number[c]] - start[c]
        for k in range(start[c], start[c + 1]):
            nodes[k] = group_nodes[k + move]
    return start, nodes


@kernel
def member_nodes(number, group_start, group_nodes, catalog, n_catalogs):
    """(n_catalogs, k) the member of each catalogue of the groups `number` (k,); -1: none."""
    node = np.full((n_catalogs, number.shape[0]), -1, np.int64)
    for k in range(number.shape[0]):
        for m in range(group_start[number[k]], group_start[number[k] + 1]):
            node[catalog[group_nodes[m]], k] = group_nodes[m]
    return node


@kernel
def ellipse(xx, yy, xy):
    """Semi-axes and direction, degrees east of north in [0, 180), of a covariance.

    The smaller axis is det / larger: mean - half loses the digits of a thin ellipse.
    """
    mean, half = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    major = np.sqrt(mean + half)
    minor = np.sqrt((xx * yy - xy * xy) / (mean + half))
    angle = 0.0
    if xy != 0.0 or yy != xx:
        angle = np.degrees(0.5 * np.arctan2(2.0 * xy, yy - xx))
        if angle < 0.0:
            angle += 180.0
        if angle >= 180.0:
            angle -= 180.0
    return major, minor, angle
