"""The hash machine: rows go to buckets, and all pairs inside are compared (Szalay et al. 2000, 6).

Two sweeps: the first sorts rows and the copies near borders into partitions on disk, the second
compares within each. Each pair is told once, however many buckets its rows share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import MEMORY_BYTES, Plan, Result, Told
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan, width_of
from skyquarry.engine.scratch import scratch
from skyquarry.errors import UserError
from skyquarry.mine.bucketing import Bucketing, ByKey
from skyquarry.mine.comparing import Comparison, compared
from skyquarry.mine.exchange import Exchange, partition_of
from skyquarry.mine.space import Space

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece, Reader
    from skyquarry.engine.run import Task
    from skyquarry.mine.comparing import Compare

PARTITION_BYTES = 64 << 20
MOST_PARTITIONS = 1024
_COPIES = 1.5
"""rows and copies over rows, where the weight of a partition is predicted"""
_MOST_PAIRS = 1_000_000_000


def buckets(
    catalog: CatalogLike,
    by: Bucketing | Space | Callable[[pa.Table], Any],
    *,
    compare: Compare | None = None,
    columns: Sequence[str] | None = None,
    needs: Sequence[str] = (),
    folder: str | os.PathLike[str] | None = None,
    most_pairs: int = _MOST_PAIRS,
) -> Plan:
    """All pairs of rows of a catalogue that meet in a bucket, each once: a plan.

    Parameters
    ----------
    catalog
        Or its path; with its cuts. `head` is refused, as the first rows have no meaning here.
    by
        `Space(arcmin=1)`: within a separation on the sky, found tile by tile without a shuffle;
        `Colours([...], margin=...)`; another `Bucketing`; or a function of a table of `needs` that
        gives a whole number for each row: rows of the same number meet.
    compare
        A function of two tables of n rows, the pairs' left and right, that gives n truths: which
        pairs are kept. Both have `columns`, `needs` and what `by` needs. None: all.
    columns
        Of both rows, as left_NAME and right_NAME; the id where none are named.
    folder
        Where rows are sorted; all workers must see it. A temporary folder by default; `Space`
        needs none.
    most_pairs
        A partition in which more would have to be compared is refused; `Space` refuses what
        `sq.pairs` does.

    The left row is the one that comes first along the sky. For processes and clusters functions
    are those of a module. Raises ColumnError, PredicateError, UserError.

    >>> pairs = buckets(sky["sdss"], Colours(["u - g", "g - r"], 0.02))  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    if catalog.cut.limit is not None:
        raise UserError(
            f"buckets were asked of head({catalog.cut.limit}), the first rows along the sky, but "
            "pairs need whole places: cut by region or where instead"
        )
    if not (compare is None or callable(compare)):
        raise UserError(
            f"compare is {compare!r}, but a function of two tables, the pairs' left and right "
            "rows, is needed: leave it out for all pairs"
        )
    asked = _columns(catalog, columns)
    if isinstance(by, Space):
        places = catalog.source.position_columns("Space")
        seen = dict.fromkeys([*asked, *catalog.source.resolve(needs), *places])
        return by.plan(catalog, Comparison(None, compare, asked, most_pairs), tuple(seen))
    if not (isinstance(by, Bucketing) or callable(by)):
        raise UserError(
            f"by is {by!r}, but it says where rows meet: try Space(arcmin=1), Colours([...], "
            "margin), or a function of a table that gives a whole number for each row"
        )
    meeting = by if isinstance(by, Bucketing) else ByKey(by, catalog.source.resolve(needs))
    rows = catalog.source.resolve([*asked, *needs, *meeting.columns(catalog.source.schema)])
    scan = Scan(catalog.source, catalog.cut.only(columns=tuple(dict.fromkeys(rows))))
    comparison = Comparison(meeting, compare, asked, most_pairs)
    return BucketsPlan(BucketsNode(scan, comparison, None if folder is None else str(folder)))


def _columns(catalog: Catalog, columns: Sequence[str] | None) -> tuple[str, ...]:
    if columns is not None:
        return tuple(catalog.source.resolve(columns))
    if catalog.roles.id is None:
        raise UserError(
            f"{catalog.name} names no id column, but pairs need something to be told by: say "
            "columns=[...]"
        )
    return (catalog.roles.id,)


@dataclass(frozen=True)
class BucketsNode:
    """Rows, the buckets they go to, and what is asked of pairs there."""

    scan: Scan
    comparison: Comparison
    folder: str | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """left_ and right_ columns."""
        return self.comparison.schema(self.scan.schema)

    @cached_property
    def partitions(self) -> int:
        """How many: by predicted bytes, so that every executor sorts alike."""
        total = sum(self.scan.weight(number) for number in self.scan.numbers.tolist())
        wanted = int(total * _COPIES // PARTITION_BYTES) + 1
        return min(MOST_PARTITIONS, max(wanted, 2))

    @property
    def rows(self) -> pa.Schema:
        """Of the sorted rows."""
        return self.comparison.rows(self.scan.schema)

    def __len__(self) -> int:
        return len(self.scan) + self.partitions

    def sorting(self, exchange: Exchange) -> Iterator[Task]:
        """One task a tile: its rows into the partitions' files."""
        for piece in self.scan.pieces():
            yield piece.tile, sort_piece, (self.scan.reader, piece, self.comparison, exchange)

    def comparing(self, exchange: Exchange) -> Iterator[Task]:
        """One task a partition: its pairs."""
        for number in range(self.partitions):
            yield number, compared, (exchange, number, self.rows, self.comparison)

    def tasks(self) -> Iterator[Task]:
        """Refused: there are two rounds of them, which `BucketsPlan.run` makes."""
        raise UserError("buckets have two rounds of tasks: use run(), to_table() or stream()")

    def weight(self, key: Any) -> int:
        """Of a partition, with its copies and the pairs of a block."""
        del key
        width = sum(width_of(kind.type) for kind in self.rows)
        total = sum(self.scan.weight(number) for number in self.scan.numbers.tolist())
        return int(_COPIES * total / self.partitions + width)

    def cost(self, workers: int | None = None) -> Cost:
        """Of reading; how many pairs there are is not guessed."""
        return self.scan.cost(workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """Both rounds."""
        by = type(self.comparison.by).__name__
        return [
            f"pairs of rows that share a bucket ({by}), in {self.partitions} partitions, of",
            *(f"  {line}" for line in self.scan.explain(workers)),
        ]

    def report(self, counts: dict[str, int]) -> dict[str, Any]:
        """Rows, copies, rows without a bucket, buckets, pairs kept."""
        return dict(counts)


def sort_piece(
    reader: Reader, piece: Piece, comparison: Comparison, exchange: Exchange
) -> dict[str, int]:
    """The task of the first round."""
    table = reader.read(piece)
    assert comparison.by is not None
    copies = comparison.by.copies(table)
    along, bounds = exchange.sorted(partition_of(copies.bucket, exchange.partitions))
    rows = comparison.entries(table, copies, piece.tile << 32, along)
    exchange.write(f"tile{piece.tile:08d}", rows, bounds)
    homes = int(copies.home.sum())
    return {"rows in buckets": homes, "copies": len(copies.row) - homes,
            "without a bucket": table.num_rows - homes}  # fmt: skip


@dataclass(frozen=True, repr=False)
class BucketsPlan(Plan):
    """A plan in two rounds, with a folder between them that goes when the rows have been given."""

    root: BucketsNode

    def run(  # type: ignore[override]  # a window has no meaning over two rounds
        self,
        executor: Where = None,
        *,
        cancel: threading.Event | None = None,
        memory_bytes: int | None = MEMORY_BYTES,
    ) -> Result:
        """The pairs, worked out when they are first asked for; the same from every executor."""

        def round_of(
            tasks: Iterator[Task], weigh: Callable[[Any], int]
        ) -> Iterator[tuple[Any, Any]]:
            return run_tasks(
                tasks, executor, ordered=True, cancel=cancel, memory_bytes=memory_bytes,
                weigh=weigh,
            )  # fmt: skip

        def start(*, ordered: bool) -> Iterator[tuple[Any, Any]]:
            del ordered  # partitions in their order, so that rows are
            node, none = self.root, self.schema.empty_table()
            with scratch("buckets", node.folder) as home:
                exchange = Exchange(home, node.partitions)
                for tile, counts in round_of(node.sorting(exchange), node.scan.weight):
                    yield tile, Told(none, counts)
                yield from round_of(node.comparing(exchange), node.weight)

        return Result(self, start, executor)

    def to_table(self, executor: Where = None) -> pa.Table:
        """All pairs in memory."""
        return self.run(executor).table
