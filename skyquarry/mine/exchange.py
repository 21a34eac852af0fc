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

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Exchange:
    """A folder that all workers see, and how many partitions rows are sorted into."""

    folder: str
    partitions: int

    def put(self, name: str, table: pa.Table, to: NDArray[np.int64]) -> None:
        """Write the rows of a task, each for the partition that `to` (n,) gives it."""
        order = np.argsort(to, kind="stable")
        bounds = np.searchsorted(to[order], np.arange(self.partitions + 1))
        ordered = table.take(from_numpy(order)).combine_chunks()
        path = self._path(name)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
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


def _batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in table.schema], schema=table.schema
    )
