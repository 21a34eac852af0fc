"""How much each of several opinions counts: shares of greatest likelihood of their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def shares(true: Floats, weights: Floats, equal: float) -> Floats:
    """(L,) shares, in sum 1, of what L learners gave the true class of rows (L, n).

    By expectation maximisation: each round, what of each row's truth a learner told. The prior of
    equal shares counts as `equal` rows.
    """
    count = len(true)
    told = np.maximum(true, 1e-12)
    found: NDArray[Any] = np.full(count, 1.0 / count)
    for _ in range(200):
        mine = found[:, None] * told
        mass = (mine / mine.sum(axis=0)) @ weights + equal / count
        before, found = found, mass / mass.sum()
        if np.abs(found - before).max() < 1e-7:
            break
    return np.asarray(found, np.float64)
