"""Which buckets a row goes to: its own, and those whose border is nearer than the margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from skyquarry.errors import UserError
from skyquarry.mine.functions import asked_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

BUCKET, PLACE, HOME = "_bucket", "_place", "_home"
"""of an entry, a row in one of its buckets: which, where the row is, whether it is its own"""
BLOCK = 1 << 20
"""pairs that are compared at once"""


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows and the buckets that they are put into, each (m,)."""

    row: Ints
    bucket: Ints
    home: NDArray[np.bool_]
    """whether it is the row's own bucket: each row has one at most"""
    carried: tuple[NDArray[Any], ...] = ()
    """more of each, as `Searched.carries` says"""


@runtime_checkable
class Bucketing(Protocol):
    """How rows are put into buckets, so that all that are near each other meet in one."""

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Columns that it needs; raises where the schema cannot give them."""

    def copies(self, table: pa.Table) -> Copies:
        """Where the rows of a table go. A row without a value goes nowhere."""

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """(n,) which pairs are within the margin."""


@runtime_checkable
class Searched(Bucketing, Protocol):
    """One that finds the near pairs of a partition by itself, without going over all."""

    @property
    def carries(self) -> pa.Schema:
        """What entries take along for that."""

    def pairs(self, entries: pa.Table, most_pairs: int) -> Iterator[tuple[Ints, Ints]]:
        """(left, right) entries of the near pairs, each pair once; the first along the sky left."""


@dataclass(frozen=True)
class ByKey:
    """Buckets of a function: table -> (n,) whole numbers; rows of the same number meet."""

    key: Callable[[pa.Table], Any]
    of: tuple[str, ...]
    """columns that it needs"""

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Those that were named."""
        del schema
        return self.of

    def copies(self, table: pa.Table) -> Copies:
        """One bucket a row."""
        who = f"the buckets' function {name_of(self.key)}"
        what = "a whole number for each; needs= says which columns it has"
        keys = np.asarray(asked_of(self.key, table, who=who, what=what))
        if keys.shape != (table.num_rows,) or keys.dtype.kind not in "iu":
            raise UserError(
                f"{who} gave {keys.dtype} of shape {keys.shape}, but a whole "
                f"number for each of {table.num_rows} rows is needed: return an int64 array"
            )
        n = table.num_rows
        return Copies(np.arange(n), keys.astype(np.int64), np.ones(n, bool))

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """All pairs."""
        del right
        return np.ones(left.num_rows, bool)


def blocks_of(counts: Ints, most: int) -> Iterator[tuple[int, int, int]]:
    """(start, stop, sum of counts) of neighbouring parts that have some, `most` together.

    A part that has more alone stands alone.
    """
    total, start, n = np.cumsum(counts), 0, len(counts)
    while start < n:
        before = int(total[start - 1]) if start else 0
        stop = max(int(np.searchsorted(total, before + most, side="right")), start + 1)
        within = int(total[stop - 1]) - before
        if within:
            yield start, stop, within
        start = stop
