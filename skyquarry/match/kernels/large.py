"""What is done with islands beyond exact sums: belief propagation, assignment, clusters."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def believe(n_nodes, group_start, group_nodes, gain, rounds, settled, posterior):
    """Posteriors of an island by belief propagation, and ln of the sum of its weights (Bethe).

    Every row is a factor, "exactly one of my groups is true"; `gain` (g,) is ln weight against all
    single, 0 for single rows. For two catalogues this is the sum-product rule of the assignment,
    which converges (Huang & Jebara 2009, arXiv 0908.1769); messages are the mean of new and last
    ones, so that it does so for more. A posterior is the least that a member gives: those of the
    groups of a row sum to at most 1.
    """
    edges = group_nodes.shape[0]
    sent, heard, share = np.zeros(edges), np.zeros(edges), np.zeros(edges)  # ln odds, both ways
    top, second, total = np.empty(n_nodes), np.empty(n_nodes), np.empty(n_nodes)
    rest, ratio = np.empty(n_nodes), np.empty(n_nodes)
    holder = np.empty(n_nodes, np.int64)
    for _ in range(rounds):
        top[:], second[:], holder[:] = 0.0, -np.inf, -1  # the single row: ln odds 0
        for g in range(gain.shape[0]):
            low, high = group_start[g], group_start[g + 1]
            if high - low == 1:
                continue
            whole = gain[g]
            for m in range(low, high):
                whole += heard[m]
            for m in range(low, high):
                sent[m] = whole - heard[m]
                i = group_nodes[m]
                if sent[m] > top[i]:
                    second[i], top[i], holder[i] = top[i], sent[m], m
                elif sent[m] > second[i]:
                    second[i] = sent[m]
        for i in range(n_nodes):
            ratio[i] = np.exp(second[i] - top[i])
            rest[i] = 0.0 if holder[i] < 0 else np.exp(-second[i])  # without the holder
        for g in range(gain.shape[0]):
            if group_start[g + 1] - group_start[g] > 1:
                for m in range(group_start[g], group_start[g + 1]):
                    i = group_nodes[m]
                    if holder[i] != m:
                        share[m] = np.exp(sent[m] - second[i])
                        rest[i] += share[m]
        for i in range(n_nodes):
            total[i] = 1.0 + rest[i] * ratio[i]
        change = 0.0
        for g in range(gain.shape[0]):
            if group_start[g + 1] - group_start[g] > 1:
                for m in range(group_start[g], group_start[g + 1]):
                    i = group_nodes[m]
                    if holder[i] == m:
                        told = -(second[i] + np.log(rest[i]))
                    else:
                        told = -(top[i] + np.log(total[i] - share[m] * ratio[i]))
                    change = max(change, abs(told - heard[m]))
                    heard[m] = 0.5 * (heard[m] + told)
        if change < settled:
            break
    evidence = 0.0
    for i in range(n_nodes):
        evidence += top[i] + np.log(total[i])
    for g in range(gain.shape[0]):
        low, high = group_start[g], group_start[g + 1]
        least = 1.0
        for m in range(low, high):
            i = group_nodes[m]
            odds = 0.0 if high - low == 1 else sent[m]
            least = min(least, np.exp(odds - top[i]) / total[i])
        posterior[g] = least
        if high - low > 1:
            odds = sent[low] + heard[low]
            evidence -= (high - low - 1) * (max(odds, 0.0) + np.log1p(np.exp(-abs(odds))))
    return evidence


@kernel
def believe_each(  # noqa: PLR0917
    start, begin, group_start, group_places, gain, rounds, settled, posterior, evidence
):
    """Belief propagation in every island by itself; `believe` tells the rest.

    `start` (k + 1,) rows and `begin` (k + 1,) groups of each, `group_places` the number of each
    member within its island; rounds and settled (k,).
    """
    for k in range(begin.shape[0] - 1):
        low, high = begin[k], begin[k + 1]
        first, last = group_start[low], group_start[high]
        evidence[k] = believe(
            start[k + 1] - start[k],
            group_start[low : high + 1] - first,
            group_places[first:last],
            gain[low:high],
            rounds[k],
            settled[k],
            posterior[low:high],
        )


@kernel
def best_assignment(gain):
    """Column (n,) of each row, -1 for none, of greatest total gain; and the prices that prove it.

    `gain` (n, m) with n <= m; only gains above 0 are taken. Shortest augmenting paths (Jonker &
    Volgenant 1987, Computing 38, 325). Prices u (n,), v (m,) are >= 0 with u + v >= gain.
    """
    n, m = gain.shape
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row_of = np.zeros(m + 1, np.int64)
    way = np.zeros(m + 1, np.int64)
    least, used = np.empty(m + 1), np.empty(m + 1, np.bool_)
    for i in range(1, n + 1):
        row_of[0] = i
        j0 = 0
        least[:] = np.inf
        used[:] = False
        while True:
            used[j0] = True
            i0, delta, j1 = row_of[j0], np.inf, 0
            for j in range(1, m + 1):
                if not used[j]:
                    slack = -max(gain[i0 - 1, j - 1], 0.0) - u[i0] - v[j]
                    if slack < least[j]:
                        least[j], way[j] = slack, j0
                    if least[j] < delta:
                        delta, j1 = least[j], j
            for j in range(m + 1):
                if used[j]:
                    u[row_of[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            j0 = j1
            if row_of[j0] == 0:
                break
        while j0:
            row_of[j0] = row_of[way[j0]]
            j0 = way[j0]
    column = np.full(n, -1, np.int64)
    for j in range(1, m + 1):
        if row_of[j] and gain[row_of[j] - 1, j - 1] > 0.0:
            column[row_of[j] - 1] = j - 1
    return column, -u[1:], -v[1:]


@kernel
def capped_clusters(n_nodes, order, group_start, group_nodes, most):
    """(g,) whether a group lies within a cluster: joined in this order, of `most` rows at most."""
    parent, size = np.arange(n_nodes), np.ones(n_nodes, np.int64)
    roots = np.empty(64, np.int64)
    kept = np.zeros(group_start.shape[0] - 1, np.bool_)
    for q in range(order.shape[0]):
        g = order[q]
        count, rows = 0, 0
        for m in range(group_start[g], group_start[g + 1]):
            root = group_nodes[m]
            while parent[root] != root:
                root = parent[root]
            new = True
            for c in range(count):
                new &= roots[c] != root
            if new:
                roots[count] = root
                count += 1
                rows += size[root]
        if rows <= most:
            kept[g] = True
            lowest = roots[:count].min()
            for c in range(count):
                parent[roots[c]] = lowest
            size[lowest] = rows
    return kept
