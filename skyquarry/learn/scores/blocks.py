"""Pieces of the sky, drawn again and again: how far a score would be elsewhere.

Objects of one cell share zero points, extinction and clusters, so that they are fewer than they
seem. The bootstrap draws whole cells (Davison & Hinkley 1997, section 8.2); what is summed over
rows is summed by cell once, and every draw is a product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_MOST_BLOCKS: Final = 20_000
"""rows without a cell are blocks of their own; more of them are put together by chance"""

_ONE_SIDED: Final = 0.8413447460685429
"""of a normal distribution below one sigma"""
_NONE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Blocks:
    """The block of each row, and how often each block is drawn."""

    number: NDArray[np.intp]
    """(n,)"""
    drawn: Floats
    """(draws, blocks): how often each block is in each draw"""

    @classmethod
    def of(cls, cells: ArrayLike | None, n: int, draws: int = 200, seed: int = 0) -> Blocks:
        """Blocks of n rows: their cells (n,), or single rows where there are none."""
        random = np.random.default_rng(seed)
        if cells is not None:
            if np.shape(cells) != (n,):
                raise UserError(
                    f"cells have shape {np.shape(cells)}, but there are {n} rows: give one a row"
                )
            number = np.unique(np.asarray(cells), return_inverse=True)[1]
        elif n > _MOST_BLOCKS:
            number = random.permutation(n) % _MOST_BLOCKS
        else:
            number = np.arange(n)
        count = int(number.max()) + 1 if n else 0
        drawn = np.zeros((draws, count))
        for each in range(draws):
            drawn[each] = np.bincount(random.integers(0, max(count, 1), count), minlength=count)
        return cls(number, drawn)

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return int(self.drawn.shape[1])

    def sums(self, values: Floats) -> Floats:
        """(blocks, ...): values (n, ...) summed by block."""
        flat = values.reshape(len(values), -1)
        told = np.stack(
            [np.bincount(self.number, column, self.count) for column in flat.T], axis=-1
        )
        return np.asarray(told.reshape(self.count, *values.shape[1:]), np.float64)

    def resampled(self, sums: Floats) -> Floats:
        """(draws, ...): the total of each draw, from sums (blocks, ...)."""
        flat = sums.reshape(self.count, -1)
        return (self.drawn @ flat).reshape(len(self.drawn), *sums.shape[1:])

    def taken(self, rows: NDArray[np.bool_]) -> Blocks:
        """The blocks of some rows; draws are those of all rows, so that parts stay paired."""
        return Blocks(self.number[rows], self.drawn)


def effective(weights: Floats) -> float:
    """(sum w)^2 / sum w^2: as many rows of equal weight would tell as much (Kish 1965)."""
    square = float(weights @ weights)
    return float(weights.sum()) ** 2 / square if square else 0.0


def spread(draws: Floats) -> Floats:
    """Standard deviation over the first axis, of the finite; NaN where fewer than two are."""
    known = np.isfinite(draws)
    count = known.sum(axis=0)
    filled = np.where(known, draws, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    square = np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan))


def unseen(n: float) -> float:
    """What a share may be of which n independent rows saw none, at one sigma; NaN without rows.

    The limit that a true share reaches with n rows in 84 % of the cases: Gehrels 1986, ApJ 303,
    336, eq. 5 for few events, here that of the binomial law with none.

    >>> round(unseen(100), 4)
    0.0182
    """
    return float(1.0 - (1.0 - _ONE_SIDED) ** (1.0 / n)) if n > 0 else float("nan")


def at_least(error: float, value: float, n: float) -> float:
    """The bootstrap's error of a share; `unseen` where all or none of n rows are of it.

    Draws of rows that are all alike do not differ: their spread of 0 is no knowledge.
    """
    certain = min(abs(value), abs(1.0 - value)) < _NONE and error < _NONE
    return unseen(n) if certain else error
