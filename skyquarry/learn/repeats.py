"""Rows that are there twice: where one is learnt from and the other judged, scores are too good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Singles = NDArray[np.float32]
    Mask = NDArray[np.bool_]

MANY: Final = 0.01
"""share of the rows from which on it is said"""
LEAST: Final = 3
"""values that two rows have alike, to be taken for one object: fewer agree by chance"""


def repeated(values: Singles, groups: NDArray[np.int64] | None) -> Mask:
    """(n,) whether a row of another group has the very values (n, p) of this one.

    Groups (n,) are what no split cuts; None: each row is one.

    >>> two = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 4]], np.float32)
    >>> repeated(two, None).tolist(), repeated(two, np.array([7, 7, 8])).tolist()
    ([True, True, False], [False, False, False])
    """
    family = np.unique(_marks(values), return_inverse=True)[1]
    own = np.arange(len(values)) if groups is None else groups
    low = np.full(len(values), np.iinfo(np.int64).max)
    high = np.full(len(values), np.iinfo(np.int64).min)
    np.minimum.at(low, family, own)
    np.maximum.at(high, family, own)
    return np.asarray((low < high)[family] & _told(values))


def among(values: Singles, known: Singles) -> Mask:
    """(m,) which of the known rows (m, p) have their very values in a row of (n, p)."""
    return np.asarray(np.isin(_marks(known), _marks(values)) & _told(known))


def _told(values: Singles) -> Mask:
    """Rows with so many values that chance does not repeat them; all, where there are few."""
    return np.asarray((~np.isnan(values)).sum(axis=1) >= LEAST)


def _marks(values: Singles) -> NDArray[np.uint64]:
    """(n,) equal for equal rows, and for others once in 2^64: sums of odd multiples of their bits.

    Any NaN is like another, and -0 is 0.
    """
    plain = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0.0))
    bits = np.ascontiguousarray(plain, np.float32).view(np.uint32).astype(np.uint64)
    random = np.random.default_rng(0x5EED)
    told = np.zeros(len(values), np.uint64)
    for column in range(values.shape[1]):
        first, second = random.integers(1, 2**63, 2, np.uint64) * np.uint64(2) + np.uint64(1)
        mixed = (bits[:, column] + first) * second
        told += (mixed ^ (mixed >> np.uint64(29))) * first
    return told
