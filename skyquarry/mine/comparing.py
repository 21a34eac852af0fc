"""Within a partition: every pair of rows that share a bucket, each once, in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.engine.plan import Told
from skyquarry.errors import UserError
from skyquarry.mine.bucketing import BLOCK, BUCKET, HOME, PLACE, Searched, blocks_of
from skyquarry.mine.functions import asked_of, name_of, truths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from skyquarry.mine.bucketing import Bucketing, Copies
    from skyquarry.mine.exchange import Exchange

    Ints = NDArray[np.int64]
    Compare = Callable[[pa.Table, pa.Table], Any]

EXTRA = pa.schema([(BUCKET, pa.int64()), (PLACE, pa.int64()), (HOME, pa.bool_())])


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is asked of each pair, and which columns of both are handed out."""

    by: Bucketing | None
    """None: where near pairs are found in another way"""
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

    # ------------------------------------------------------------ entries
    def rows(self, of: pa.Schema) -> pa.Schema:
        """Of entries: what pairs are told by, or compared in, and where it belongs."""
        more = self.by.carries if isinstance(self.by, Searched) else ()
        return pa.schema([*map(of.field, self._carried(of)), *EXTRA, *more])

    def _carried(self, of: pa.Schema) -> list[str]:
        if self.compare is None and isinstance(self.by, Searched):
            return list(dict.fromkeys(self.columns))
        return list(of.names)

    def entries(self, table: pa.Table, copies: Copies, place: int, along: Ints) -> pa.Table:
        """The entries of a table's rows in the order `along`; `place` of the first row."""
        names, row = self._carried(table.schema), copies.row[along]
        made = table.select(names).take(from_numpy(row)).columns
        extra = (copies.bucket[along], np.int64(place) + row, copies.home[along])
        made += [from_numpy(each) for each in (*extra, *(c[along] for c in copies.carried))]
        return pa.table(made, schema=self.rows(table.schema))

    # ------------------------------------------------------------ pairs
    def pairs(self, entries: pa.Table) -> pa.Table:
        """The pairs of a partition that are near, and that `compare` keeps."""
        none = self.schema(entries.schema).empty_table()
        if isinstance(self.by, Searched):
            blocks = self.by.pairs(entries, self.most_pairs)
            return pa.concat_tables([none, *(self.kept(entries, *block) for block in blocks)])
        entries = sorted_by_bucket(entries)
        blocks = _blocks(entries, self.most_pairs)
        return pa.concat_tables([none, *(self._near(entries, *block) for block in blocks)])

    def kept(self, rows: pa.Table, left: Ints, right: Ints) -> pa.Table:
        """Of pairs of rows those that `compare` keeps."""
        if self.compare is None:
            rows = rows.select(list(dict.fromkeys(self.columns)))
        return self._compared(rows.take(from_numpy(left)), rows.take(from_numpy(right)))

    def _near(self, entries: pa.Table, left: Ints, right: Ints) -> pa.Table:
        first, second = entries.take(from_numpy(left)), entries.take(from_numpy(right))
        assert self.by is not None
        near = self.by.near(first, second)
        if not near.all():
            first, second = first.filter(from_numpy(near)), second.filter(from_numpy(near))
        return self._compared(first, second)

    def _compared(self, first: pa.Table, second: pa.Table) -> pa.Table:
        if self.compare is not None and first.num_rows:
            who = f"compare={name_of(self.compare)}"
            what = "a truth for each; columns= and needs= say which they have"
            told = asked_of(self.compare, first, second, who=who, what=what)
            keep = from_numpy(truths(told, first.num_rows, who, "pairs"))
            first, second = first.filter(keep), second.filter(keep)
        both = first.select(self.columns).columns + second.select(self.columns).columns
        return pa.table(both, schema=self.schema(first.schema))


def compared(exchange: Exchange, partition: int, rows: pa.Schema, comparison: Comparison) -> Told:
    """The task: the pairs of one partition."""
    entries = exchange.take(partition, rows)
    found = comparison.pairs(entries)
    sorted_buckets = np.sort(to_numpy(entries[BUCKET]))
    buckets = int(np.count_nonzero(np.diff(sorted_buckets))) + min(entries.num_rows, 1)
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
    total = int(partners.sum())
    if total > most_pairs:
        sizes = np.diff(np.append(0, last))
        raise UserError(
            f"{total:,} pairs share a bucket in one part of {n:,} rows (the fullest "
            f"bucket holds {int(sizes.max()):,}), but {most_pairs:,} are compared at most: narrow "
            "the buckets, cut the catalogue first, or raise most_pairs="
        )
    for start, end, _ in blocks_of(partners, BLOCK):
        count = partners[start:end]
        left = np.repeat(np.arange(start, end), count)
        within = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        yield left, left + 1 + within
