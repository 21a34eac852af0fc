"""Rows of many tasks, sorted into partitions on disk: what the hash machine stands on.

A task writes one file, of a record batch a partition, so that there are as many files as tasks; a
partition is read from a slice of each. Files appear by rename: a task that is done again writes
the same.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.sampling import scrambled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Exchange:
    """A folder that all workers see, and how many partitions rows are sorted into."""

    folder: str
    partitions: int

    def put(self, name: str, table: pa.Table, to: NDArray[np.int64]) -> None:
        """Write the rows of a task, each for the partition that `to` (n,) gives it."""
        along, bounds = self.sorted(to)
        self.write(name, table.take(from_numpy(along)), bounds)

    def sorted(self, to: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows by partition, as they came in each; where each partition begins, and the end."""
        short = to.astype(np.uint16) if self.partitions < 1 << 16 else to
        along = np.argsort(short, kind="stable")
        return along, np.searchsorted(short[along], np.arange(self.partitions + 1))

    def write(self, name: str, ordered: pa.Table, bounds: NDArray[np.int64]) -> None:
        """Write rows that are sorted by partition."""
        ordered = ordered.combine_chunks()
        path = self._path(name)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, ordered.schema) as writer:
            for start, stop in pairwise(bounds):
                writer.write_batch(_batch(ordered.slice(start, stop - start)))
        part.replace(path)

    def take(self, partition: int, schema: pa.Schema) -> pa.Table:
        """All rows for one partition, by the names of the tasks."""
        batches = []
        for path in sorted(Path(self.folder).glob("*.arrow")):
            with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
                batches.append(reader.get_batch(partition))
        return pa.Table.from_batches(batches, schema).combine_chunks()

    def _path(self, name: str) -> Path:
        return Path(self.folder) / f"{name}.arrow"


def partition_of(meeting: NDArray[np.int64], partitions: int) -> NDArray[np.int64]:
    """(n,) the partition of each row: the same for those that have the same number."""
    return (scrambled(meeting.view(np.uint64), 1) % np.uint64(partitions)).astype(np.int64)


def _batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in table.schema], schema=table.schema
    )
