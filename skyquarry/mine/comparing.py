"""Within a partition: every pair of rows that share a bucket, each once, in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.engine.plan import Told
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from skyquarry.mine.bucketing import Bucketing
    from skyquarry.mine.exchange import Exchange

    Ints = NDArray[np.int64]
    Compare = Callable[[pa.Table, pa.Table], Any]

BUCKET, PLACE, HOME = "_bucket", "_place", "_home"
BLOCK = 1 << 20
"""pairs that are compared at once"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is asked of each pair, and which columns of both are handed out."""

    by: Bucketing
    compare: Compare | None
    columns: tuple[str, ...]
    most_pairs: int

    def schema(self, rows: pa.Schema) -> pa.Schema:
        """left_ and right_ of each column."""
        sides = ("left", "right")
        return pa.schema(
            [
                rows.field(name).with_name(f"{side}_{name}")
                for side in sides
                for name in self.columns
            ]
        )

    def pairs(self, rows: pa.Table) -> pa.Table:
        """The pairs of a table of rows and copies that are near, and that `compare` keeps."""
        found = [self._kept(rows, *block) for block in _blocks(rows, self.most_pairs)]
        return pa.concat_tables([self.schema(rows.schema).empty_table(), *found])

    def _kept(self, rows: pa.Table, left: Ints, right: Ints) -> pa.Table:
        first, second = rows.take(from_numpy(left)), rows.take(from_numpy(right))
        near = self.by.near(first, second)
        if not near.all():
            first, second = first.filter(from_numpy(near)), second.filter(from_numpy(near))
        if self.compare is not None and first.num_rows:
            keep = _mask(self.compare(first, second), first.num_rows)
            first, second = first.filter(keep), second.filter(keep)
        names = self.schema(rows.schema).names
        both = first.select(self.columns).columns + second.select(self.columns).columns
        return pa.table(both, schema=self.schema(rows.schema)) if names else rows.slice(0, 0)


def compared(exchange: Exchange, partition: int, rows: pa.Schema, comparison: Comparison) -> Told:
    """The task: the pairs of one partition."""
    table = sorted_by_bucket(exchange.take(partition, rows))
    found = comparison.pairs(table)
    buckets = int((np.diff(to_numpy(table[BUCKET])) != 0).sum()) + 1 if table.num_rows else 0
    return Told(found, {"buckets": buckets, "kept": found.num_rows})


def sorted_by_bucket(rows: pa.Table) -> pa.Table:
    """Rows by bucket, then by their place in the catalogue; in a bucket each row once."""
    bucket, place = to_numpy(rows[BUCKET]), to_numpy(rows[PLACE])
    home = np.asarray(to_numpy(rows[HOME]))
    order = np.lexsort((~home, place, bucket))
    bucket, place = bucket[order], place[order]
    twice = np.zeros(len(order), np.bool_)
    twice[1:] = (bucket[1:] == bucket[:-1]) & (place[1:] == place[:-1])
    return rows.take(from_numpy(order[~twice]))


def _blocks(rows: pa.Table, most_pairs: int) -> Iterator[tuple[Ints, Ints]]:
    """(left, right) rows of every pair, some million at once.

    A pair is told in the bucket that the row which comes first calls its own.
    """
    bucket, home = to_numpy(rows[BUCKET]), np.asarray(to_numpy(rows[HOME]))
    n = len(bucket)
    if not n:
        return
    last = np.append((np.diff(bucket) != 0).nonzero()[0] + 1, n)
    stop = last[np.searchsorted(last, np.arange(n), side="right")]
    partners = np.where(home, stop - np.arange(n) - 1, 0)
    total = np.cumsum(partners)
    if total[-1] > most_pairs:
        sizes = np.diff(np.append(0, last))
        raise UserError(
            f"{int(total[-1]):,} pairs share a bucket in one part of {n:,} rows (the fullest "
            f"bucket holds {int(sizes.max()):,}), but {most_pairs:,} are compared at most: narrow "
            "the buckets, cut the catalogue first, or raise most_pairs="
        )
    start = 0
    while start < n:
        before = total[start - 1] if start else 0
        end = max(int(np.searchsorted(total, before + BLOCK, side="right")), start + 1)
        count = partners[start:end]
        left = np.repeat(np.arange(start, end), count)
        within = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        if len(left):
            yield left, left + 1 + within
        start = end


def _mask(told: Any, n: int) -> pa.Array:
    keep = np.asarray(told)
    if keep.shape != (n,) or keep.dtype != bool:
        raise UserError(
            f"compare gave {keep.dtype} of shape {keep.shape}, but a truth for each of {n} pairs "
            "is needed: return a boolean array as long as the tables"
        )
    return from_numpy(keep)
