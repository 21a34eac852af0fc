"""How far numbers lie through their bins: what the network is fed with."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def encode(values, edges, scale, low, high, out):
    """Write to `out` (p, n, bins + 1) how far values (n, p) lie through the bins of their feature.

    edges, scale, low, high (p, bins), all float32. A value that is not measured is all 0 but the
    last number, 1. In numpy each step passes through memory: sixteen times the time.
    """
    n, p = values.shape
    bins = edges.shape[1]
    for feature in range(p):
        edge, slope, least, most = edges[feature], scale[feature], low[feature], high[feature]
        for row in range(n):
            value, told = values[row, feature], out[feature, row]
            if np.isfinite(value):
                for each in range(bins):
                    share = (value - edge[each]) * slope[each]
                    share = max(share, least[each])
                    told[each] = min(share, most[each])
                told[bins] = np.float32(0.0)
            else:
                for each in range(bins):
                    told[each] = np.float32(0.0)
                told[bins] = np.float32(1.0)
