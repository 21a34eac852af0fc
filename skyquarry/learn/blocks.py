"""Rows in blocks of one size, the last one filled up: a row is told alike whoever is beside it.

BLAS adds up products of few rows in another order than those of many: probabilities of a network
strayed by 1e-7, of a kernel by 1e-4. But what is said of a row must not hang on how many are asked
about with it, or a catalogue would hang on its tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Single = NDArray[np.float32]


def blocks_of(values: Single, size: int) -> Iterator[tuple[slice, Single]]:
    """Which rows of (n, p), and a block (size, p) that begins with them; zeros fill the last."""
    for start in range(0, len(values), size):
        block = values[start : start + size]
        rows = slice(start, start + len(block))
        if len(block) < size:
            block = np.concatenate(
                [block, np.zeros((size - len(block), values.shape[1]), np.float32)]
            )
        yield rows, block
