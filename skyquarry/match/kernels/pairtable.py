"""What the pair table tells of each candidate pair, from groups and their posteriors.

Pairs are sorted by left node, then right node. Nodes are numbered catalogue after catalogue, so
that the pairs of a left node with one catalogue stand together, and so do those of a right node.
"""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


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
def by_right(begin, right, n_nodes):
    """Pairs as their right nodes see them: first (n_nodes + 1,), numbers of pairs, left nodes."""
    first = np.zeros(n_nodes + 1, np.int64)
    for p in range(right.shape[0]):
        first[right[p] + 1] += 1
    for i in range(n_nodes):
        first[i + 1] += first[i]
    filled = first[:-1].copy()
    pair, left = np.empty(right.shape[0], np.int64), np.empty(right.shape[0], np.int64)
    for i in range(n_nodes):
        for p in range(begin[i], begin[i + 1]):
            at = filled[right[p]]
            pair[at], left[at] = p, i
            filled[right[p]] += 1
    return first, pair, left


@kernel
def runs_in_order(begin, order):
    """(m,) numbers of what stands in runs begin[i] to begin[i + 1], the runs taken in an order."""
    told = np.empty(begin[-1], np.int64)
    at = 0
    for k in range(order.shape[0]):
        for p in range(begin[order[k]], begin[order[k] + 1]):
            told[at] = p
            at += 1
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
    total, _, inside = both_marginals(
        start, right, group_start, group_nodes, posterior, posterior, chosen
    )
    return total, inside


@kernel
def both_marginals(start, right, group_start, group_nodes, posterior, geometry, chosen):
    """As `pair_marginals`, for two kinds of posteriors: (m,), (m,), (m,) bool."""
    total, plain = np.zeros(right.shape[0]), np.zeros(right.shape[0])
    inside = np.zeros(right.shape[0], np.bool_)
    for g in range(group_start.shape[0] - 1):
        low, high = group_start[g], group_start[g + 1]
        for a in range(low, high - 1):
            for b in range(a + 1, high):
                pair = find_pair(start, right, group_nodes[a], group_nodes[b])
                if pair >= 0:
                    total[pair] += posterior[g]
                    plain[pair] += geometry[g]
                    inside[pair] = inside[pair] or chosen[g]
    return total, plain, inside


@kernel
def absent_pairs(start, right, group_start, group_nodes, chosen):
    """Pairs of nodes (k,), (k,) that share a chosen group and are not in the table of pairs."""
    many = 0
    left_of, right_of = np.empty(16, np.int64), np.empty(16, np.int64)
    for g in range(group_start.shape[0] - 1):
        low, high = group_start[g], group_start[g + 1]
        if not chosen[g] or high - low < 3:
            continue
        for a in range(low, high - 1):
            for b in range(a + 1, high):
                if find_pair(start, right, group_nodes[a], group_nodes[b]) >= 0:
                    continue
                if many == left_of.shape[0]:
                    left_of = np.concatenate((left_of, np.empty(many, np.int64)))
                    right_of = np.concatenate((right_of, np.empty(many, np.int64)))
                left_of[many], right_of[many] = group_nodes[a], group_nodes[b]
                many += 1
    return left_of[:many], right_of[:many]


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
def member_nodes(number, group_start, group_nodes, catalog, n_catalogs):
    """(n_catalogs, k) the member of each catalogue of the groups `number` (k,); -1: none."""
    node = np.full((n_catalogs, number.shape[0]), -1, np.int64)
    for k in range(number.shape[0]):
        for m in range(group_start[number[k]], group_start[number[k] + 1]):
            node[catalog[group_nodes[m]], k] = group_nodes[m]
    return node


@kernel
def _before(p, q, likely, odds, partner, at):
    """Whether the pair at place p comes before that at place q: more probable, of greater odds, or
    of a lower partner."""
    a, b = at[p], at[q]
    if likely[a] != likely[b]:
        return likely[a] > likely[b]
    if odds[a] != odds[b]:
        return odds[a] > odds[b]
    return partner[p] < partner[q]


@kernel
def standings(first, pair, partner, catalog, value, likely, odds, apart):  # noqa: PLR0917  columns
    """What each pair is among those of one node with one other catalogue.

    `first` (n + 1,): where those of each node begin; `pair`, `partner` (m,): their numbers and
    other nodes, ascending. `value` (m,) by number, and what ranks: `likely`, then `odds`, then the
    lower partner. Gives, by number: rank from 1, how many there are, the probability of any (the
    sum of their values; where they are judged `apart`, each for itself, 1 - prod(1 - value)), the
    best value, how many share the best odds; and the numbers (m,) as ranked, node after node.
    """
    m = value.shape[0]
    rank, count, ties = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32)
    total, best = np.empty(m), np.empty(m)
    order, place = np.empty(m, np.int64), np.empty(max(m, 1), np.int64)
    for i in range(first.shape[0] - 1):
        low = first[i]
        while low < first[i + 1]:
            high = low + 1
            while high < first[i + 1] and catalog[partner[high]] == catalog[partner[low]]:
                high += 1
            _sort(low, high, likely, odds, partner, pair, place)
            summed, same = 0.0, 0
            top = pair[place[low]]
            for k in range(low, high):
                p = pair[place[k]]
                summed += value[p] * (1.0 - summed) if apart else value[p]
                if odds[p] == odds[top]:
                    same += 1
            for k in range(low, high):
                p = pair[place[k]]
                order[k] = p
                rank[p], count[p], ties[p] = k - low + 1, high - low, same
                total[p], best[p] = summed, value[top]
            low = high
    return rank, count, total, best, ties, order


@kernel
def _sort(low, high, likely, odds, partner, pair, place):
    """Fill place[low:high] with the places in their order (Shell's sort, 1959)."""
    for k in range(low, high):
        place[k] = k
    gap = 1
    while gap < (high - low) // 3:
        gap = 3 * gap + 1
    while gap >= 1:
        for k in range(low + gap, high):
            own, j = place[k], k
            while j >= low + gap and _before(own, place[j - gap], likely, odds, partner, pair):
                place[j] = place[j - gap]
                j -= gap
            place[j] = own
        gap //= 3


@kernel
def mates(first, pair, left, catalog, best):
    """(m,) how many other left rows of the same catalogue have the right row as their best.

    `first`, `pair`, `left`: as `by_right` gives them; `best` (m,) whether a pair is the left's.
    """
    told = np.empty(best.shape[0], np.int32)
    for i in range(first.shape[0] - 1):
        low = first[i]
        while low < first[i + 1]:
            high, many = low, 0
            while high < first[i + 1] and catalog[left[high]] == catalog[left[low]]:
                many += best[pair[high]]
                high += 1
            for k in range(low, high):
                told[pair[k]] = many - best[pair[k]]
            low = high
    return told


@kernel
def ellipses(xx, yy, xy):
    """Semi-axes and direction, degrees east of north in [0, 180), of covariances (m,) each.

    The smaller axis is det / larger: mean - half loses the digits of a thin ellipse.
    """
    m = xx.shape[0]
    major, minor, pa = np.empty(m), np.empty(m), np.empty(m)
    for p in range(m):
        mean, half = 0.5 * (xx[p] + yy[p]), np.hypot(0.5 * (xx[p] - yy[p]), xy[p])
        major[p] = np.sqrt(mean + half)
        minor[p] = np.sqrt((xx[p] * yy[p] - xy[p] * xy[p]) / (mean + half))
        angle = 0.0
        if xy[p] != 0.0 or yy[p] != xx[p]:
            angle = np.degrees(0.5 * np.arctan2(2.0 * xy[p], yy[p] - xx[p]))
            if angle < 0.0:
                angle += 180.0
            if angle >= 180.0:
                angle -= 180.0
        pa[p] = angle
    return major, minor, pa
