"""What the magnitudes of a group's members say together: a tree of joint distributions.

A joint distribution is a table of ln ratios at centres of magnitudes; those of several are laid
end to end: `joint_left` and `joint_right` (j + 1,) tell where the centres of each begin, its table
(k, l) begins at `joint_table`.
"""

# ruff: noqa: PLR0917 - arrays in, arrays out

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel


@kernel
def with_magnitudes(start, nodes, catalog, known):
    """(g,) bits of the catalogues whose member has a magnitude; 0 for single rows."""
    told = np.zeros(start.shape[0] - 1, np.int64)
    for g in range(told.shape[0]):
        if start[g + 1] - start[g] > 1:
            for m in range(start[g], start[g + 1]):
                if known[nodes[m]]:
                    told[g] |= np.int64(1) << catalog[nodes[m]]
    return told


@step
def _lower(centers, begin, end, mag):
    """The centre below a magnitude, from `begin`, and the way from it to the next, 0 to 1."""
    if end - begin < 2:
        return begin, 0.0
    low, last = begin, end - 2
    while low < last:
        middle = (low + last) // 2
        if centers[middle + 1] < mag:
            low = middle + 1
        else:
            last = middle
    way = (mag - centers[low]) / (centers[low + 1] - centers[low])
    return low, min(max(way, 0.0), 1.0)


@kernel
def tree_ratios(
    start, nodes, catalog, mag, kind, edge_start, edges, joint_left, joint_right, joint_table,
    left, right, table, total,
):  # fmt: skip
    """Adds to total (g,) the ln ratios of the edges of each group's tree.

    `kind` (g,): which of the trees; edges (e, 3) of tree k from edge_start[k]: the joint
    distribution, and the two catalogues whose magnitudes it takes.
    """
    member = np.zeros(64, np.int64)
    for g in range(start.shape[0] - 1):
        first, last = edge_start[kind[g]], edge_start[kind[g] + 1]
        if first == last:
            continue
        for m in range(start[g], start[g + 1]):
            member[catalog[nodes[m]]] = nodes[m]
        for e in range(first, last):
            j = edges[e, 0]
            i, u = _lower(left, joint_left[j], joint_left[j + 1], mag[member[edges[e, 1]]])
            k, v = _lower(right, joint_right[j], joint_right[j + 1], mag[member[edges[e, 2]]])
            wide = joint_right[j + 1] - joint_right[j]
            step_i = wide if i + 1 < joint_left[j + 1] else 0
            step_k = 1 if k + 1 < joint_right[j + 1] else 0
            at = joint_table[j] + (i - joint_left[j]) * wide + k - joint_right[j]
            low = (1.0 - v) * table[at] + v * table[at + step_k]
            high = (1.0 - v) * table[at + step_i] + v * table[at + step_i + step_k]
            total[g] += (1.0 - u) * low + u * high
