"""The order in which the rows of an island are taken, so that few sets of rows are met."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.potentials import place_of
from skyquarry.match.kernels.resolve import DENSE
from skyquarry.sky.compiled import kernel


@kernel
def _by_weight(n, masks, ln_weight, order):
    """Rows by the sum of the weights of their groups: whatever numbers they have."""
    total = np.zeros(64)
    for g in range(masks.shape[0]):
        rest = masks[g] if ln_weight[g] > -np.inf else np.int64(0)
        while rest:
            total[place_of(rest & -rest)] += ln_weight[g]
            rest &= rest - 1
    for i in range(n):
        at = i
        while at > 0 and total[order[at - 1]] < total[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i


@kernel
def frontier_places(start, nodes, begin, masks, ln_weight, place):
    """Renumber the rows of islands of 13 to 63 rows, in `place` (n,), so that few states are met.

    What a state can differ in are rows that share a group with a row placed before, and are not
    placed themselves. The next row is the one that leaves the fewest of these; of several that
    whose groups weigh most, so that it does not matter how catalogues are numbered. `masks` (g,)
    are of the places that rows have.
    """
    near, late, order = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.int64)
    for k in range(start.shape[0] - 1):
        n = start[k + 1] - start[k]
        if n <= DENSE or n > 63:
            continue
        near[:n] = 0
        _by_weight(n, masks[begin[k] : begin[k + 1]], ln_weight[begin[k] : begin[k + 1]], order)
        for g in range(begin[k], begin[k + 1]):
            rest = masks[g]
            while rest:
                near[place_of(rest & -rest)] |= masks[g]
                rest &= rest - 1
        placed, reach = np.int64(0), np.int64(0)
        for step in range(n):
            best, fewest = -1, 65
            for o in range(n):
                i = order[o]
                if not placed & (np.int64(1) << i):
                    open_rows = (reach | near[i]) & ~(placed | np.int64(1) << i)
                    count = 0
                    while open_rows:
                        open_rows &= open_rows - 1
                        count += 1
                    if count < fewest:
                        best, fewest = i, count
            late[best] = step
            placed |= np.int64(1) << best
            reach |= near[best]
        for i in range(n):
            place[nodes[start[k] + i]] = late[i]
