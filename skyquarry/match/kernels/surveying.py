"""A first look at rows: how large their errors are, how bright they are, which reach farthest."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

_DARKEST = 99


@kernel
def errors(covariance, least, ratio, counts):
    """Adds rows to counts (k,): those of the error least * ratio^k per axis, to the nearest."""
    scale = 0.5 / np.log(ratio)
    for n in range(len(covariance)):
        variance = 0.5 * (covariance[n, 0] + covariance[n, 1])
        place = int(np.rint(scale * np.log(max(variance, least * least) / (least * least))))
        counts[min(place, len(counts) - 1)] += 1


@kernel
def magnitudes(mag, low, step, counts):
    """Adds rows to counts (k,): those from low + k step on; those beyond the ends in the last."""
    for n in range(len(mag)):
        if np.isfinite(mag[n]):
            place = np.floor((mag[n] - low) / step)
            counts[int(min(max(place, 0.0), len(counts) - 1.0))] += 1


@kernel
def widest(covariance, mag):
    """The row of the largest error for each whole magnitude from -99 to 99, and for none: (k,).

    The first of equal ones.
    """
    best = np.full(2 * _DARKEST + 2, -1, np.int64)
    spread = np.zeros(2 * _DARKEST + 2)
    for n in range(len(mag)):
        place = 0
        if np.isfinite(mag[n]):
            place = int(min(max(np.floor(mag[n]), -_DARKEST), _DARKEST)) + _DARKEST + 1
        size = covariance[n, 0] + covariance[n, 1]
        if best[place] < 0 or size > spread[place]:
            best[place], spread[place] = n, size
    return best[best >= 0]
