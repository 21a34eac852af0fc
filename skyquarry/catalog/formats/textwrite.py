"""CSV and TSV written as a stream; lists become JSON text, since the format has none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as arrow_csv

from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, *, delimiter: str = ","
) -> int:
    """Stream batches into a text file; rows written. A null is empty, an empty text is quoted."""
    rows = 0
    written = pa.schema([(field.name, written_type(field, "csv")) for field in schema])
    options = arrow_csv.WriteOptions(delimiter=delimiter)
    with arrow_csv.CSVWriter(path, written, write_options=options) as writer:
        for batch in batches:
            writer.write(written_batch(batch, written))
            rows += batch.num_rows
    return rows


def written_type(field: pa.Field, form: str) -> pa.DataType:
    """The type as written: lists and words as text. Raises FormatError for what has no text."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if is_list(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise FormatError(
            f"column {field.name!r} is {field.type}, which {form} cannot hold: leave the column "
            "out, or write Parquet"
        )
    return kind


def written_batch(batch: pa.RecordBatch, written: pa.Schema) -> pa.RecordBatch:
    """The batch with lists as JSON text."""
    columns = [
        as_json(column) if is_list(column.type) else column.cast(field.type)
        for column, field in zip(batch.columns, written, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=written)


def as_json(column: pa.Array) -> pa.Array:
    """Each list as JSON text (NaN spelled NaN), null where it is null."""
    values = column.to_pylist()
    return pa.array([None if v is None else json.dumps(v) for v in values], pa.string())


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is a list of any sort."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
