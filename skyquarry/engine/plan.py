"""What would be done: a frozen tree of nodes over tiles. Ask what it costs, then run it.

>>> plan = sky["gaia"].cone(83.82, -5.39, 1800).plan()  # doctest: +SKIP
>>> print(plan.explain())  # doctest: +SKIP
>>> plan.run("processes").save("orion.parquet")  # doctest: +SKIP
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable, Iterator

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task

MEMORY_BYTES = 2 << 30
"""How many bytes of tiles a run holds at once, by prediction; one tile always."""


class Node(Protocol):
    """A step of a plan: what it gives, what it costs, and the tasks that do it."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows that it gives."""

    def __len__(self) -> int:
        """How many tasks it has."""

    def tasks(self) -> Iterator[Task]:
        """Tasks along the sky, each giving a `pyarrow.Table` of that schema."""

    def weight(self, key: Any) -> int:
        """Bytes that the task of this key may take in memory."""

    def cost(self, workers: int | None = None) -> Cost:
        """What it will cost."""

    def explain(self, workers: int | None = None) -> list[str]:
        """What it does, line by line."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a task may give in place of a table: its rows, and counts that the report sums up.

    A node whose tasks do so has `report(counts) -> dict`, which says them in words of its own.
    """

    table: pa.Table
    counts: dict[str, int]


@dataclass(frozen=True)
class Limit:
    """The first rows of another node, in the order of the sky."""

    of: Node
    rows: int

    @property
    def schema(self) -> pa.Schema:
        """That of the node."""
        return self.of.schema

    def __len__(self) -> int:
        return len(self.of) if self.rows else 0

    def tasks(self) -> Iterator[Task]:
        """Those of the node, none where no row is wanted: a run stops when it has the rows."""
        return self.of.tasks() if self.rows else iter(())

    def weight(self, key: Any) -> int:
        """That of the node."""
        return self.of.weight(key)

    def cost(self, workers: int | None = None) -> Cost:
        """At most that of the node; rows given back are limited."""
        from dataclasses import replace

        cost = self.of.cost(workers)
        return replace(cost, rows_out=min(cost.rows_out, self.rows), exact=False)

    def explain(self, workers: int | None = None) -> list[str]:
        """The node, below a line about the limit."""
        told = f"the first {self.rows:,} rows along the sky, reading no further than they need, of"
        return [told, *(f"  {line}" for line in self.of.explain(workers))]


@dataclass(frozen=True)
class Plan:
    """What would be done, and the ways to have it done."""

    root: Node

    @property
    def schema(self) -> pa.Schema:
        """The schema of the result, units and meanings in the fields' metadata."""
        return self.root.schema

    def cost(self, workers: int | None = None) -> Cost:
        """Predicted tiles, rows, bytes and seconds; no row is read for it."""
        return self.root.cost(workers)

    def explain(self, workers: int | None = None) -> str:
        """The plan in words: tiles inside, cut and outside, rows, bytes, predicted seconds."""
        return "\n".join(self.root.explain(workers))

    def run(
        self,
        executor: Where = None,
        *,
        window: int | None = None,
        retries: int = 2,
        cancel: threading.Event | None = None,
        memory_bytes: int | None = MEMORY_BYTES,
    ) -> Result:
        """The result, worked out when its rows are first asked for.

        `executor`: None or "threads", "processes", "inline", or any `concurrent.futures.Executor`;
        all of them give the same bytes. `memory_bytes`: what tasks that run beside each other may
        be expected to take; one always runs, however large its tile. The rest: see
        `skyquarry.engine.run.run_tasks`.
        """

        def start(*, ordered: bool) -> Iterator[tuple[Any, Any]]:
            return run_tasks(
                self.root.tasks(),
                executor,
                window=window,
                retries=retries,
                ordered=ordered,
                cancel=cancel,
                memory_bytes=memory_bytes,
                weigh=self.root.weight,
            )

        return Result(self, start, executor)

    def to_table(self, executor: Where = None) -> pa.Table:
        """All rows in memory, in the order of the sky."""
        if executor is None and isinstance(self.root, Scan) and self.root.is_small:
            return self.root.read_here()  # a pool would cost more than the reading
        return self.run(executor).table

    def stream(self, executor: Where = None, *, ordered: bool = True) -> Iterator[pa.RecordBatch]:
        """Record batches, tile by tile along the sky; with `ordered=False` as tiles finish."""
        return self.run(executor).stream(ordered=ordered)

    def to_catalog(
        self, path: str | os.PathLike[str], executor: Where = None, **options: Any
    ) -> Catalog:
        """A catalogue written at `path`, tile by tile: see `skyquarry.engine.save.to_catalog`."""
        from skyquarry.engine.save import to_catalog

        return to_catalog(self, path, executor, **options)

    def __repr__(self) -> str:
        return f"Plan: {self.explain()}"


class Result:
    """The rows of a plan: `table`, `stream()` or `save(path)`; then `report` says what it took."""

    def __init__(
        self, plan: Plan, start: Callable[..., Iterator[tuple[Any, Any]]], executor: Where = None
    ) -> None:
        self.plan = plan
        self._start = start
        self._executor = executor
        self._table: pa.Table | None = None
        self._report: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows."""
        return self.plan.schema

    @property
    def table(self) -> pa.Table:
        """All rows in memory, in the order of the sky; worked out once."""
        if self._table is None:
            parts = list(self.tables())
            if len(parts) == 1:
                self._table = parts[0]
            else:
                self._table = pa.concat_tables(parts) if parts else self.schema.empty_table()
        return self._table

    def tables(self, *, ordered: bool = True) -> Iterator[pa.Table]:
        """A table a tile, those without rows left out."""
        root = self.plan.root
        wanted = root.rows if isinstance(root, Limit) else None
        begun = time.perf_counter()
        told = {"rows": 0, "tiles": 0, "bytes": 0}
        self._counts = {}
        if wanted == 0:
            return
        for _, value in self._start(ordered=ordered or wanted is not None):
            table = self._counted(value)
            if wanted is not None:
                table = table.slice(0, wanted - told["rows"])
            told["rows"] += table.num_rows
            told["tiles"] += 1
            told["bytes"] += table.nbytes
            self._report = {**told, "seconds": time.perf_counter() - begun}
            if table.num_rows:
                yield table
            if told["rows"] == wanted:
                return

    def _counted(self, value: Any) -> pa.Table:
        if not isinstance(value, Told):
            return value
        for name, count in value.counts.items():
            self._counts[name] = self._counts.get(name, 0) + count
        return value.table

    def stream(self, *, ordered: bool = True) -> Iterator[pa.RecordBatch]:
        """Record batches as tiles are read; the tiles in flight are all that is held in memory."""
        for table in self.tables(ordered=ordered):
            yield from table.to_batches()

    def save(self, path: str | os.PathLike[str], **options: Any) -> int:
        """Write the rows to a file whose suffix says how; returns how many.

        A path without a suffix becomes a catalogue: `Plan.to_catalog`.
        """
        from pathlib import PurePath

        if not PurePath(str(path)).suffix:
            return len(self.plan.to_catalog(path, self._executor, **options))
        from skyquarry.catalog.formats import write_table

        return int(write_table(self.stream(), self.schema, path, **options))

    @property
    def report(self) -> dict[str, Any]:
        """Rows, tiles, bytes (of the rows in memory) and seconds so far; and what was predicted."""
        cost = self.plan.cost()
        predicted = {"rows": cost.rows_out, "bytes_read": cost.bytes, "seconds": cost.seconds}
        none = {"rows": 0, "tiles": 0, "bytes": 0, "seconds": 0.0}
        found = getattr(self.plan.root, "report", None)
        more = found(self._counts) if found is not None else {}
        return {**none, **self._report, "predicted": predicted, **more}

    def __repr__(self) -> str:
        rows = f"{self._report['rows']:,} rows" if self._report else "not yet worked out"
        return f"Result: {rows}"
