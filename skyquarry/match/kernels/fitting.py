"""Tables with given marginals."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def fit_marginals(table, rows, columns, steps, settled):
    """Scales the lines of a table (k, l), then its columns, until both have these sums.

    Proportional fitting (Deming & Stephan 1940, Ann. Math. Stat. 11, 427); it ends when no line is
    scaled by more than `settled`, or after so many steps.
    """
    k, l = table.shape
    below = np.empty(l)
    for _ in range(steps):
        change = 0.0
        below[:] = 0.0
        for i in range(k):
            total = 0.0
            for j in range(l):
                total += table[i, j]
            across = rows[i] / total
            change = max(change, abs(across - 1.0))
            for j in range(l):
                table[i, j] *= across
                below[j] += table[i, j]
        for i in range(k):
            for j in range(l):
                table[i, j] *= columns[j] / below[j]
        if change < settled:
            break
