"""What a river is made of: sources, steps that are fused into one task, and how a run goes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from skyquarry.engine.plan import MEMORY_BYTES, Limit, Plan
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan, width_of
from skyquarry.mine.buckets import BucketsPlan
from skyquarry.mine.exchange import Exchange
from skyquarry.mine.friends import GroupsPlan
from skyquarry.mine.steps import Poured, flow_through, poured_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task
    from skyquarry.engine.verbs import Asked
    from skyquarry.ingest.sources import SourcePart, Sources
    from skyquarry.mine.sinks import Sink
    from skyquarry.mine.steps import Step

PARTITION_BYTES = 64 << 20
MOST_PARTITIONS = 1024
_UNKNOWN_BYTES = 64 << 20
_QUERY_ROWS = 65_536


class Flow(Protocol):
    """A part of a river: rows, and the tasks that make them."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""

    @property
    def size(self) -> int:
        """About how many bytes they take in memory."""

    def tasks(self, running: Running) -> Iterator[Task]:
        """The tasks, in the order of the rows; rounds that come before are run first."""

    def weight(self, key: Any) -> int:
        """Bytes that a task may take in memory."""

    def lines(self) -> list[str]:
        """What it does, and below it what comes before."""


@dataclass
class Running:
    """One run of a river: where it runs, where blocked steps put rows, who gets rows on the way."""

    executor: Where
    home: str
    sinks: dict[str, Sink]
    cancel: threading.Event | None = None
    memory_bytes: int | None = MEMORY_BYTES
    window: int | None = None

    def round(self, flow: Flow, tasks: Iterable[Task]) -> Iterator[tuple[Any, pa.Table]]:
        """The rows of each task in order, when sinks have had theirs: a slow one slows the run."""
        for key, value in run_tasks(
            tasks, self.executor, ordered=True, window=self.window, cancel=self.cancel,
            memory_bytes=self.memory_bytes, weigh=flow.weight,
        ):  # fmt: skip
            poured = poured_of(value)
            for name, table in poured.tees:
                self.sinks[name].take(table)
            yield key, poured.table

    def exchange(self, partitions: int) -> Exchange:
        """An empty folder for rows of a blocked step."""
        return Exchange(tempfile.mkdtemp(dir=self.home), partitions)

    def folder(self) -> Path:
        """Another one, for sorted runs."""
        return Path(tempfile.mkdtemp(dir=self.home))


def partitions_of(flow: Flow) -> int:
    """How many parts of a size that fits into memory: by prediction, so the same everywhere."""
    return min(MOST_PARTITIONS, max(flow.size // PARTITION_BYTES + 1, 2))


@dataclass(frozen=True)
class FromPlan:
    """The rows of a plan or of a catalogue."""

    plan: Plan
    name: str
    catalog: Catalog | None = None
    """where it is one, steps may still cut it before it is read"""

    @property
    def schema(self) -> pa.Schema:
        """That of the plan."""
        return self.plan.schema

    @property
    def size(self) -> int:
        """By tiles, or by what is read."""
        root = self.plan.root
        if isinstance(root, Scan):
            return sum(root.weight(number) for number in root.numbers.tolist())
        return 3 * self.plan.cost().bytes

    @property
    def _has_rounds(self) -> bool:
        return isinstance(self.plan, BucketsPlan | GroupsPlan) or isinstance(self.plan.root, Limit)

    def tasks(self, running: Running) -> Iterator[Task]:
        """Those of the plan; where it has rounds of its own, its tables as they come."""
        if not self._has_rounds:
            yield from self.plan.root.tasks()
            return
        for number, table in enumerate(self.plan.run(running.executor).tables()):
            yield number, Poured, (table,)

    def weight(self, key: Any) -> int:
        """That of the plan's task."""
        return PARTITION_BYTES if self._has_rounds else self.plan.root.weight(key)

    def lines(self) -> list[str]:
        """The plan in words."""
        return [f"source {self.name}", *(f"  {line}" for line in self.plan.root.explain())]


@dataclass(frozen=True)
class FromTable:
    """The rows of files or of a table in memory."""

    sources: Sources

    @property
    def schema(self) -> pa.Schema:
        """That of the inputs."""
        return self.sources.schema

    @property
    def size(self) -> int:
        """That of all tasks."""
        return sum(self._weights)

    def tasks(self, running: Running) -> Iterator[Task]:
        """One a part of the input."""
        del running
        for number, part in enumerate(self.sources.parts()):
            yield number, read_part, (part,)

    def weight(self, key: Any) -> int:
        """Of its rows; where they are not known, an equal share of what is stored, at least."""
        return int(self._weights[key])

    @cached_property
    def _weights(self) -> list[int]:
        parts = self.sources.parts()
        share = self.sources.n_bytes // max(len(parts), 1) or _UNKNOWN_BYTES
        row_bytes = sum(width_of(each.type) for each in self.schema)
        return [max(share, int((part.rows or 0) * row_bytes)) for part in parts]

    def lines(self) -> list[str]:
        """The inputs' names."""
        return [f"source {', '.join(self.sources.names)}"]


@dataclass(frozen=True)
class FromQuery:
    """The rows of a query, in the order in which it gives them."""

    query: Asked

    @property
    def schema(self) -> pa.Schema:
        """That of its rows."""
        return self.query.schema

    @property
    def size(self) -> int:
        """By what it is expected to read."""
        cost = getattr(self.query, "cost", None)  # one that runs apart tells none
        return _UNKNOWN_BYTES if cost is None else 3 * int(cost().bytes)

    def tasks(self, running: Running) -> Iterator[Task]:
        """One for some of its rows, as they come; the query itself runs here."""
        del running
        for number, table in enumerate(_gathered(self.query.stream())):
            yield number, Poured, (table,)

    def weight(self, key: Any) -> int:
        """Of so many rows."""
        del key
        return PARTITION_BYTES

    def lines(self) -> list[str]:
        """The query in words."""
        return ["source a query", *(f"  {line}" for line in self.query.explain().splitlines())]


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of so many rows that a task of them is worth its while."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        some.append(batch)
        if sum(each.num_rows for each in some) >= _QUERY_ROWS:
            yield pa.Table.from_batches(some)
            some = []
    if some:
        yield pa.Table.from_batches(some)


def read_part(part: SourcePart) -> pa.Table:
    """The task of a source of files."""
    return pa.Table.from_batches(part.batches(), part.schema)


@dataclass(frozen=True)
class Fused:
    """Steps that are done one after another within a task."""

    of: Flow
    steps: tuple[Step, ...]

    @property
    def schema(self) -> pa.Schema:
        """That of the last step."""
        return self.steps[-1].schema

    @property
    def size(self) -> int:
        """As what comes in, at most as a rule."""
        return self.of.size

    def tasks(self, running: Running) -> Iterator[Task]:
        """Those of what comes before, each with the steps behind it."""
        for key, function, args in self.of.tasks(running):
            yield key, flow_through, (function, args, self.steps)

    def weight(self, key: Any) -> int:
        """Twice what comes in: a step holds its rows and those it makes."""
        return 2 * self.of.weight(key)

    def lines(self) -> list[str]:
        """The steps of one task."""
        told = " > ".join(step.words() for step in self.steps)
        return [f"in one task a tile: {told}", *(f"  {line}" for line in self.of.lines())]


def after(flow: Flow, step: Step) -> Fused:
    """A step behind a flow, fused with those that stand there."""
    if isinstance(flow, Fused):
        return Fused(flow.of, (*flow.steps, step))
    return Fused(flow, (step,))
