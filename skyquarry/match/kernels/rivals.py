"""Which group competes with which."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def best_rivals(n_nodes, group_start, group_nodes, posterior):
    """(g,) the greatest posterior of another group that shares a row; 0 where there is none."""
    top, second = np.full(n_nodes, -1.0), np.full(n_nodes, -1.0)
    holder = np.full(n_nodes, -1, np.int64)
    for g in range(posterior.shape[0]):
        for m in range(group_start[g], group_start[g + 1]):
            i = group_nodes[m]
            if posterior[g] > top[i]:
                second[i], top[i], holder[i] = top[i], posterior[g], g
            elif posterior[g] > second[i]:
                second[i] = posterior[g]
    rival = np.zeros(posterior.shape[0])
    for g in range(posterior.shape[0]):
        for m in range(group_start[g], group_start[g + 1]):
            i = group_nodes[m]
            other = second[i] if holder[i] == g else top[i]
            rival[g] = max(rival[g], other)
    return rival
