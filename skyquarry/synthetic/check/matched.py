"""Two sets made alike in some quantities, so that only the rest can tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def matched(
    real: Floats, made: Floats, widths: Sequence[float], random: np.random.Generator
) -> tuple[Ints, Ints]:
    """Places (m,) of as many real as simulated objects in each cell of the given widths.

    `real` (n, d) and `made` (k, d) are what is to be alike. None is taken twice. Which are taken of
    a cell that has too many is chance's.
    """
    cells = [np.floor(each / np.asarray(widths)).astype(np.int64) for each in (real, made)]
    _, number = np.unique(np.concatenate(cells), axis=0, return_inverse=True)
    theirs, ours = np.split(number.ravel(), [len(real)])
    few = np.minimum(*(np.bincount(each, minlength=number.max() + 1) for each in (theirs, ours)))
    return _taken(theirs, few, random), _taken(ours, few, random)


def _taken(cell: Ints, few: Ints, random: np.random.Generator) -> Ints:
    """(m,) places, of each cell as many as `few` tells, by chance."""
    shuffled = random.permutation(len(cell))
    order = shuffled[np.argsort(cell[shuffled], kind="stable")]
    by = cell[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(by, minlength=len(few)))[:-1]])
    rank = np.arange(len(by)) - first[by]
    return np.sort(order[rank < few[by]])
