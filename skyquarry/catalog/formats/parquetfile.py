"""Parquet: row groups read in parallel; what columns mean, from field metadata or VOParquet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.columns import (
    VO_CONTENT,
    VO_VERSION,
    from_voparquet,
    leaf_columns,
    with_voparquet,
)
from skyquarry.catalog.encoding import encodings_of
from skyquarry.catalog.formats.inputs import Input, is_url
from skyquarry.catalog.formats.outputs import settling
from skyquarry.catalog.formats.table import BATCH_ROWS, TableFile, chosen
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PART_ROWS = 1 << 20
PART_BYTES = 256 << 20
GROUP_ROWS = 122_880
_SAMPLE = 16_384


@dataclass(frozen=True)
class ParquetPart:
    """Consecutive row groups of one Parquet file."""

    source: Input
    schema: pa.Schema
    first: int
    """First row group."""
    stop: int
    """One past the last row group."""
    rows: int

    @property
    def key(self) -> str:
        """Row groups, first and one past the last."""
        return f"groups {self.first}-{self.stop}"

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows, decoding only the columns asked for."""
        schema = chosen(self.schema, columns)
        with _opened(self.source) as file:
            stream = file.iter_batches(
                batch_size=rows, row_groups=range(self.first, self.stop), columns=schema.names
            )
            for batch in _guarded(stream, self):
                arrays = [batch.column(name) for name in schema.names]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def read(source: Input) -> TableFile:
    """A Parquet file; only its footer is read. Raises IngestError where that is damaged."""
    source = source.local() if source.gzipped else source
    with _opened(source) as file:
        schema, footer = _described(file.schema_arrow, source.name), file.metadata
        parts = tuple(
            ParquetPart(source, schema, first, stop, rows)
            for first, stop, rows in _stretches(footer)
        )
        return TableFile(source.name, "parquet", schema, footer.num_rows, source.size(), parts)


def write(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, **options: Any) -> int:
    """Stream batches into a compressed Parquet file with VOParquet metadata; rows written."""
    schema, rows = with_voparquet(schema, path.name.lstrip(".").partition(".")[0]), 0
    groups = _groups(batches, schema)
    first = next(groups, None) or pa.Table.from_batches([], schema)  # empty_table() loads pandas
    # pyarrow's own choice, a dictionary for every column, costs five times the time
    encodings, dictionaries = encodings_of(first)
    encodings |= {path: "PLAIN" for path in encodings if _in_runs(first, path)}
    codecs = "zstd" if "compression_level" in options else _codecs(schema, encodings)
    options = {"compression": codecs, "write_page_index": True} | options
    ours = {"use_dictionary": dictionaries or False, "column_encoding": encodings or None}
    if not options.keys() & {*ours, "use_byte_stream_split"}:
        options |= ours
    with pq.ParquetWriter(path, schema, **options) as writer, settling(path) as settle:
        for table in chain([first], groups):
            for start in range(0, table.num_rows, GROUP_ROWS):
                writer.write_table(table.slice(start, GROUP_ROWS), row_group_size=GROUP_ROWS)
                settle()
            rows += table.num_rows
    return rows


def _in_runs(table: pa.Table, path: str) -> bool:
    """Whether most integers equal the one before, as the left id of many pairs does.

    lz4 alone makes such a column as small as packed differences do, in half their time.
    """
    if path not in table.schema.names or not pa.types.is_integer(table.schema.field(path).type):
        return False
    sample = table.column(path).slice(0, _SAMPLE)
    if sample.null_count:
        return False
    values = to_numpy(sample)
    return bool(2 * np.count_nonzero(values[1:] == values[:-1]) > len(values))


def _codecs(schema: pa.Schema, encodings: Mapping[str, str]) -> dict[str, str]:
    """Numbers that are split or packed hardly shrink more: lz4 is 2 % larger in 2/3 the time."""
    return {path: "lz4" if path in encodings else "zstd" for path, _ in leaf_columns(schema)}


def _opened(source: Input) -> pq.ParquetFile:
    file = source.open() if is_url(source.where) else source.where
    try:
        return pq.ParquetFile(file, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise IngestError(
            f"{source.name} is not a whole Parquet file ({_first_line(error)}); one with its "
            "footer is needed: fetch or write it again"
        ) from error


def _guarded(stream: Iterator[pa.RecordBatch], part: ParquetPart) -> Iterator[pa.RecordBatch]:
    try:
        yield from stream
    except (pa.ArrowException, OSError) as error:
        raise IngestError(
            f"{part.source.name} is damaged in row {part.key} ({_first_line(error)}); a whole file "
            "is needed: fetch or write it again"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


def _stretches(footer: pq.FileMetaData) -> Iterator[tuple[int, int, int]]:
    """Row groups in stretches of about a million rows or 256 MB: (first, stop, rows)."""
    first = rows = size = 0
    for group in range(footer.num_row_groups):
        rows += footer.row_group(group).num_rows
        size += footer.row_group(group).total_byte_size
        if rows >= PART_ROWS or size >= PART_BYTES or group == footer.num_row_groups - 1:
            yield first, group + 1, rows
            first, rows, size = group + 1, 0, 0


def _described(schema: pa.Schema, file: str) -> pa.Schema:
    """The schema with units, UCDs and descriptions, without other programs' own notes."""
    schema = from_voparquet(schema, file)
    fields = [f.with_metadata(_without(f.metadata, b"PARQUET:field_id")) for f in schema]
    return pa.schema(fields, metadata=_without(schema.metadata, b"pandas", VO_CONTENT, VO_VERSION))


def _without(metadata: Mapping[bytes, bytes] | None, *keys: bytes) -> dict[bytes, bytes] | None:
    return {k: v for k, v in (metadata or {}).items() if k not in keys} or None


def _gathered(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The batches as one table of this schema; where types agree, no `pyarrow.compute` is loaded.

    That is 40 ms of a short command.
    """
    table = pa.Table.from_batches(batches)
    alike = table.schema.names == schema.names and table.schema.types == schema.types
    if alike and all(field.nullable for field in schema):
        return pa.Table.from_arrays(table.columns, schema=schema)
    return cast("pa.Table", table.cast(schema))


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Batches gathered into tables of a row group each (the last may be smaller)."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= GROUP_ROWS:
            table = _gathered(waiting, schema)
            whole = rows - rows % GROUP_ROWS
            yield table.slice(0, whole)
            waiting, rows = table.slice(whole).to_batches(), rows - whole
    if rows:
        yield _gathered(waiting, schema)
