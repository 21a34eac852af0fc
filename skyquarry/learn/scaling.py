"""Features on one scale: median 0, robust width 1, far tails drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def scaling(values: Floats) -> tuple[Floats, Floats]:
    """(p,) median and robust width of each feature; 0 and 1 for one that is never measured."""
    centre, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for each, column in enumerate(values.T):
        there = column[np.isfinite(column)]
        if len(there):
            low, centre[each], high = np.percentile(there, [25, 50, 75])
            scale[each] = (high - low) / 1.349 or float(there.std()) or 1.0
    return centre, scale


def scaled(values: ArrayLike, centre: Floats, scale: Floats) -> Floats:
    """Values (n, p) by arcsinh: chi^2 and signal-to-noise have far tails. NaN where missing."""
    return np.asarray(np.arcsinh((np.asarray(values, np.float64) - centre) / scale))
