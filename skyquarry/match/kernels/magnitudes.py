"""Where magnitudes lie on the bins of their catalogue."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel


@step
def _passed(line, value, closed):
    """How many of the ascending numbers are below the value, or at it where `closed`."""
    low, high = 0, line.shape[0]
    while low < high:
        middle = (low + high) // 2
        if line[middle] < value or (closed and line[middle] == value):
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def on_scale(mag, edges, centers, bins, low, way):
    """Fills bins, low, way (n,): of each magnitude its bin, the centre below, the way to the next.

    -1, -1 and 0 where it is missing or the scale has no bins; as `priors.magnitudes` has them.
    """
    count = centers.shape[0]
    for i in range(mag.shape[0]):
        bins[i], low[i], way[i] = -1, -1, 0.0
        if count == 0 or not np.isfinite(mag[i]):
            continue
        bins[i], low[i] = _passed(edges, mag[i], True), 0
        if count > 1:
            k = min(max(_passed(centers, mag[i], False) - 1, 0), count - 2)
            low[i] = k
            way[i] = min(max((mag[i] - centers[k]) / (centers[k + 1] - centers[k]), 0.0), 1.0)
