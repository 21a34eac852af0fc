"""The rows of a query as they come, and what was read for them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from skyquarry.adql.database.deadlines import after
from skyquarry.adql.database.duck import no_room, rows_of, too_late
from skyquarry.adql.database.room import gathered, part_room_of
from skyquarry.adql.database.stopping import Stop
from skyquarry.adql.reads import GivenRead
from skyquarry.adql.running.holding import HELD
from skyquarry.adql.tables import Given
from skyquarry.engine.executors import Where, cpu_count, shares_memory, worker_count
from skyquarry.engine.run import run_tasks
from skyquarry.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from skyquarry.adql.database.kept import Limits
    from skyquarry.adql.reads import PartRead, Read
    from skyquarry.adql.running.deciding import Course
    from skyquarry.adql.running.dividing import Division


@dataclass(slots=True)
class Report:
    """What was read for the rows that came; whole when the last has come."""

    tiles: int = 0
    """Tiles that were begun."""
    tiles_in_all: int = 0
    """Tiles of the tables that were read."""
    parts: int = 0
    """Parts that were begun; 0 where it ran whole."""
    rows: int = 0
    """Rows given."""
    seconds: float = 0.0
    """Less those that whoever takes the rows needed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When a query's time is over."""

    until: float | None
    late: threading.Event | None

    def left(self, limits: Limits) -> Limits:
        """What may still be used of the limits."""
        if self.until is None:
            return limits
        return replace(limits, seconds=max(self.until - time.monotonic(), 1e-3))


@contextmanager
def _clock(limits: Limits) -> Iterator[Clock]:
    if limits.seconds is None:
        yield Clock(None, None)
        return
    late = threading.Event()
    with after(limits.seconds, late.set):
        yield Clock(time.monotonic() + limits.seconds, late)


@dataclass(slots=True)
class Run:
    """One run of a query."""

    course: Course
    called: set[str]
    limits: Limits
    executor: Where = None
    learn: Callable[[Report], None] | None = None
    """Told what was read, when the last row has come."""
    report: Report = field(default_factory=Report)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches with the database's names and types; the first has no rows."""
        began = time.perf_counter()
        try:
            with _clock(self.limits) as clock:
                for batch in self._found(clock):
                    self.report.rows += batch.num_rows
                    self.report.seconds += time.perf_counter() - began
                    yield batch
                    began = time.perf_counter()
        except CancelledError:
            stop = self.limits.stop
            if stop is not None and stop.rung:
                raise
            raise too_late(self.limits) from None
        self.report.seconds += time.perf_counter() - began
        if self.learn is not None:
            self.learn(self.report)

    def _found(self, clock: Clock) -> Iterator[pa.RecordBatch]:
        if self.course.streams:
            yield from self._along(clock)
            return
        merged = [self._merged(each, clock) for each in self.course.divisions]
        limits = _beside(merged, clock.left(self.limits))
        if merged and not self.course.rest:
            limits = replace(limits, threads=1)  # sums are formed in the order of the parts
        for each in self.course.rest:
            self._tell(each)
        reads: list[Read] = [*merged, *self.course.rest]
        joins = self.course.joins
        with rows_of(self.course.sql, reads, self.called, limits, joins) as reader:
            yield _none(reader.schema)
            yield from (batch for batch in reader if batch.num_rows)

    def _tell(self, read: Read) -> None:
        if not isinstance(read, GivenRead):
            self.report.tiles += len(read.numbers)
            self.report.tiles_in_all += len(read.source.tiles)

    # ------------------------------------------------------------ parts
    def _along(self, clock: Clock) -> Iterator[pa.RecordBatch]:
        """Rows one part after another, from OFFSET on, as many as are wanted."""
        division = self.course.divisions[0]
        skip, left = division.block.offset, self.course.most
        schema: Any = None
        for table in self._parts(division, clock):
            if schema is None:
                schema = table.schema
                yield _none(schema)
            rows = table.cast(schema).slice(skip, left)
            skip = max(skip - table.num_rows, 0)
            left = None if left is None else left - rows.num_rows
            yield from (batch for batch in rows.to_batches() if batch.num_rows)
            if left == 0:
                return

    def _merged(self, division: Division, clock: Clock) -> GivenRead:
        import pyarrow as pa

        tables: list[pa.Table] = []
        room = self.limits.memory_bytes // 2 // len(self.course.divisions)
        for each in self._parts(division, clock):
            tables.append(each)
            room -= each.nbytes
            if room < 0:
                raise no_room(self.limits)
        table = pa.concat_tables([each.cast(tables[0].schema) for each in tables])
        given = Given(division.table, table)
        return GivenRead(division.table, given, tuple(table.schema.names))

    def _parts(self, division: Division, clock: Clock) -> Iterator[pa.Table]:
        """What each part gives, in their order along the sky."""
        self.report.tiles_in_all += len(division.lead.source.tiles)
        narrow = self.course.streams and self.course.most is not None
        window = _workers(self.executor) if narrow else None  # what is read in vain is bounded
        stop = self.limits.stop or Stop()
        found: Any = run_tasks(
            self._tasks(division, clock, stop),
            self.executor,
            ordered=True,
            window=window,
            cancel=clock.late,
        )
        try:
            yield from (table for _, table in found)
        except BaseException:
            if self.limits.stop is None:  # nobody else's: no part works on for nobody
                stop.ring()
            raise
        finally:
            found.close()

    def _tasks(self, division: Division, clock: Clock, stop: Stop) -> Iterator[Any]:
        for number, (tiles, reads) in enumerate(division.parts()):
            self.report.tiles += len(tiles)
            self.report.parts += 1
            heard = stop if shares_memory(self.executor) else None
            limits = replace(clock.left(self.limits), threads=1, stop=heard)
            merge = division.merge
            yield number, part_of, (merge.part, merge.held, reads, self.called, limits)


def _beside(merged: Sequence[GivenRead], limits: Limits) -> Limits:
    """The limits less the memory that much of parts' rows takes; of little, as it is."""
    held = sum(each.table_here().nbytes for each in merged)
    if held < limits.memory_bytes // 8:
        return limits  # and the database is the one that read the parts
    return replace(limits, memory_bytes=limits.memory_bytes - held)


def part_of(
    sql: str, held: str, reads: Sequence[PartRead], called: set[str], limits: Limits
) -> pa.Table:
    """What one part gives: the task that runs on threads, processes and clusters."""
    if held:
        with rows_of(held, reads, called, limits) as reader:
            table = gathered(reader, part_room_of(limits.memory_bytes))
        if table is None:  # the database has more room: it may spill them
            sql = f"WITH {HELD} AS MATERIALIZED ({held}) {sql}"
        else:
            reads = [GivenRead(HELD, Given(HELD, table), tuple(table.schema.names))]
    with rows_of(sql, reads, called, limits) as reader:
        return reader.read_all()


def _workers(executor: Where) -> int:
    return worker_count(executor) if callable(getattr(executor, "submit", None)) else cpu_count()  # type: ignore[arg-type]


def _none(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], each.type) for each in schema], schema=schema)
