"""Groups where a group is a row or a pair."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def pair_sets(start, nodes, pair_start, second, catalog):
    """Single rows, then pairs, of each island: start (g + 1,), members, catalogs (g,), island (g,).

    `pair_start` (n + 1,) is where the pairs of each lower node begin; `second` ascends within.
    """
    n_nodes, n_pairs = nodes.shape[0], second.shape[0]
    n_groups = n_nodes + n_pairs
    group_start = np.empty(n_groups + 1, np.int64)
    members = np.empty(n_nodes + 2 * n_pairs, np.int64)
    catalogs, island = np.empty(n_groups, np.uint32), np.empty(n_groups, np.int64)
    g, m = 0, 0
    for k in range(start.shape[0] - 1):
        for p in range(start[k], start[k + 1]):
            group_start[g], island[g], members[m] = m, k, nodes[p]
            catalogs[g] = np.uint32(1) << np.uint32(catalog[nodes[p]])
            g += 1
            m += 1
        for p in range(start[k], start[k + 1]):
            a = nodes[p]
            for e in range(pair_start[a], pair_start[a + 1]):
                b = second[e]
                group_start[g], island[g] = m, k
                members[m], members[m + 1] = a, b
                catalogs[g] = (np.uint32(1) << np.uint32(catalog[a])) | (
                    np.uint32(1) << np.uint32(catalog[b])
                )
                g += 1
                m += 2
    group_start[n_groups] = m
    return group_start, members, catalogs, island


@kernel
def are_proper(left, right, catalog, star):
    """Whether pairs are of rows of two catalogues (in a `star`: one of them the first), lower node
    first, sorted, each there once.
    """
    before, beside = -1, -1
    for e in range(left.shape[0]):
        a, b = left[e], right[e]
        if a < before or (a == before and b <= beside) or a >= b or catalog[a] == catalog[b]:
            return False
        if star and catalog[a] > 0 and catalog[b] > 0:
            return False
        before, beside = a, b
    return True
