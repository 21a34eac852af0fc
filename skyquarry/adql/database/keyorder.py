"""A column of keys in their order, and the rows they are in: what an index is to a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.arrow import to_numpy

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """The keys of a column that are not NULL."""

    keys: Ints
    """(n,) each once, rising."""
    begin: Ints
    """(n + 1,) where the rows of each begin, and where those of the last end."""
    rows: NDArray[np.int32]
    """(m,) the rows of the first key, then those of the second, and so on."""

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> KeyOrder:
        """The order of a column of `whole` numbers."""
        keys = keys_of(column)
        order = np.argsort(keys).astype(np.int32)
        rising = keys[order]
        new = np.append(True, rising[1:] != rising[:-1])[: len(keys)]
        first = np.flatnonzero(new)
        rows = order
        if column.null_count:
            rows = np.flatnonzero(to_numpy(column.is_valid())).astype(np.int32)[order]
        return cls(rising[first], np.append(first, len(keys)), rows)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.keys.nbytes + self.begin.nbytes + self.rows.nbytes

    @property
    def rows_a_key(self) -> float:
        """How many rows a key has in the mean; 1 where there is none."""
        return max(len(self.rows) / max(len(self.keys), 1), 1.0)

    def rows_of(self, keys: Ints, most: int) -> Ints | None:
        """The rows (k,), rising, that have one of these keys; None where they are more than that.

        `keys` may repeat, have any order, and be in no row.
        """
        place = self._places(keys)
        begin, counts = self.begin[place], self.begin[place + 1] - self.begin[place]
        found = int(counts.sum())
        if found > most:
            return None
        rows = np.arange(found) + np.repeat(begin + counts - np.cumsum(counts), counts)
        return np.sort(self.rows[rows]).astype(np.int64)

    def _places(self, keys: Ints) -> Ints:
        """The places (k,) of those of these keys that are here, rising, each once."""
        wanted = np.sort(keys)  # sooner than numpy's unique, and soon looked up
        place = np.searchsorted(self.keys, wanted)
        there = place < len(self.keys)
        there[there] = self.keys[place[there]] == wanted[there]
        there[1:] &= wanted[1:] != wanted[:-1]
        return place[there]


def is_whole(kind: Any) -> bool:
    """Whether values of a type are whole numbers of 64 bits with a sign, or fewer bits."""
    from pyarrow import types

    return bool(types.is_integer(kind) and not types.is_uint64(kind))


def keys_of(column: pa.ChunkedArray) -> Ints:
    """The values of a column of whole numbers as int64, less those that are NULL."""
    some = column.drop_null() if column.null_count else column
    return to_numpy(some).astype(np.int64, copy=False)
