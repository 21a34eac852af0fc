"""The rows that were set aside: in small files while the build runs, then in one table.

They keep the columns of the input as they were read, and say from which file and row they came and
why they are here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.ingest.reasons import FILE, REASON, ROW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from skyquarry.catalog.files import Folder

PART = "_part"
"""In a spilled file, the number of the part that a row is from; `_row` counts within the part."""
REJECTS_FILE = "rejects.parquet"


def spill_rejects(path: Path, tables: Sequence[pa.Table]) -> None:
    """Write rejected rows (input's columns, `_part`, `_row`, `_reason`); whole, by a rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table, max_chunksize=65_536)
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Origins:
    """Which file each part is of, and how many rows of that file lie before it."""

    files: tuple[str, ...]
    before: tuple[int, ...]

    @classmethod
    def of(cls, names: Sequence[str], numbers: Sequence[int], rows: Sequence[int]) -> Origins:
        """From each part's file name, number of its file, and rows."""
        total = [0, *accumulate(rows)]
        first: dict[int, int] = {}
        for part, number in enumerate(numbers):
            first.setdefault(number, total[part])
        before = tuple(total[i] - first[number] for i, number in enumerate(numbers))
        return cls(tuple(names), before)


def write_rejects(home: Folder, spilled: Iterable[Path], origins: Origins) -> int:
    """Join spilled files to `rejects.parquet` of a version, in order; rows written. None: no file.

    Rows are read and written a batch at a time.
    """
    batches = _batches(spilled, origins)
    first = next(batches, None)
    if first is None:
        return 0
    rows = int(first.num_rows)
    with (
        home.writer(REJECTS_FILE) as file,
        pq.ParquetWriter(file, first.schema, compression="zstd") as writer,
    ):
        writer.write_table(first)
        for table in batches:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _batches(spilled: Iterable[Path], origins: Origins) -> Iterator[pa.Table]:
    for path in spilled:
        with pa.OSFile(os.fspath(path)) as file, pa.ipc.open_file(file) as reader:
            for number in range(reader.num_record_batches):
                yield _named(pa.Table.from_batches([reader.get_batch(number)]), origins)


def _named(table: pa.Table, origins: Origins) -> pa.Table:
    """The table with `_file` in place of `_part`, and `_row` counted in the file."""
    parts = table.column(PART).to_numpy()
    rows: Any = table.column(ROW).to_numpy() + np.asarray(origins.before, np.int64)[parts]
    names = pa.DictionaryArray.from_arrays(pa.array(parts), pa.array(origins.files))
    reasons = table.column(REASON)
    plain = table.drop_columns([PART, ROW, REASON])
    for name, column in ((FILE, names.cast(pa.string())), (ROW, pa.array(rows)), (REASON, reasons)):
        plain = plain.append_column(name, column)
    return plain
