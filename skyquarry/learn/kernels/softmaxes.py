"""The loss of scores: what every fit of a pool or a calibration asks for hundreds of times.

In numpy each step of it passes through memory, ten times; here a row does all while it is in a
register.
"""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def lost(scores, labels, weight):
    """Sum over rows of weight * -log softmax(scores)[label]; `scores` become what it falls with.

    scores (n, K) float64 are written over by its derivative, weight * (softmax - [k = label]);
    labels (n,) integers; weight (n,). Rows are added in their order.
    """
    n, k = scores.shape
    total = 0.0
    raised = np.empty(k)
    for row in range(n):
        mine, label = scores[row], labels[row]
        top = mine[0]
        for each in range(1, k):
            top = max(top, mine[each])
        whole = 0.0
        for each in range(k):
            raised[each] = np.exp(mine[each] - top)
            whole += raised[each]
        total += weight[row] * (top + np.log(whole) - mine[label])
        share = weight[row] / whole
        for each in range(k):
            mine[each] = share * raised[each]
        mine[label] -= weight[row]
    return total
