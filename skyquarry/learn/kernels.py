"""Loops of the learners over bare arrays."""

from __future__ import annotations

from skyquarry.sky.compiled import kernel

BLOCK = 512
"""rows that pass one tree after another while they lie in the cache"""


@kernel
def add_forest(  # noqa: PLR0917
    values, feature, threshold, child, missing, roots, leaves, total, squares
):
    """Add the leaves that rows fall into: `total` (n, K) += p, `squares` (n, K) += p * p.

    values (n, p) float32. A node asks whether values[row, feature] <= threshold: if so its child is
    `child`, else `child` + 1; NaN goes to child + `missing`. A leaf has feature -1, and `child` is
    its row of `leaves` (m, K) float32. `roots` (T,) is where each tree begins. `squares` may have
    no row: then it is left alone. Every row adds trees in their order: no block, no other row
    matters.
    """
    n, k = total.shape
    wide = squares.shape[0] > 0
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        for tree in range(roots.shape[0]):
            root = roots[tree]
            for row in range(start, stop):
                node = root
                asked = feature[node]
                while asked >= 0:
                    value = values[row, asked]
                    step = 0 if value <= threshold[node] else 1
                    if value != value:  # noqa: PLR0124  (NaN)
                        step = missing[node]
                    node = child[node] + step
                    asked = feature[node]
                leaf = child[node]
                for each in range(k):
                    p = leaves[leaf, each]
                    total[row, each] += p
                    if wide:
                        squares[row, each] += p * p
