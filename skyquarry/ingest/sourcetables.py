"""Tables in memory, and streams of batches, as inputs."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.table import BATCH_ROWS, TableFile, chosen, recut
from skyquarry.errors import IngestError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STRETCH_ROWS = 1 << 20


@dataclass(frozen=True)
class MemoryPart:
    """A stretch of a table in memory."""

    table: pa.Table
    start: int
    """First row in the whole table."""

    @property
    def key(self) -> str:
        """Rows, first and one past the last."""
        return f"rows {self.start}-{self.start + self.rows}"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    @property
    def schema(self) -> pa.Schema:
        """The table's."""
        return self.table.schema

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows without copying them."""
        table = self.table.select(chosen(self.schema, columns).names)
        return recut(iter(table.to_batches(max_chunksize=rows)), rows)


class StreamPart:
    """A stream of batches that can be read once."""

    key = "stream"
    rows = None

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader: pa.RecordBatchReader | None = reader
        self.schema: pa.Schema = reader.schema

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; raises IngestError when it is asked for a second time."""
        reader, self._reader = self._reader, None
        if reader is None:
            raise IngestError(
                "a RecordBatchReader was given and has been read to its end; a stream can be read "
                "once: make a new one, or give a file or a table"
            )
        names = chosen(self.schema, columns).names
        return recut((batch.select(names) for batch in reader), rows)


def opened_in_memory(source: Any) -> tuple[TableFile, str] | None:
    """A table or stream as an opened input and its fingerprint; None where it is neither."""
    if isinstance(source, pa.RecordBatchReader):
        part = StreamPart(source)
        stream = TableFile("RecordBatchReader", "arrow", part.schema, None, 0, (part,))
        return stream, f"stream {uuid.uuid4()}"
    kind, table = as_arrow(source)
    if table is None:
        return None
    parts = tuple(
        MemoryPart(table.slice(start, STRETCH_ROWS), start)
        for start in range(0, table.num_rows, STRETCH_ROWS)
    )
    opened = TableFile(kind, "arrow", table.schema, table.num_rows, table.nbytes, parts)
    return opened, _content_mark(table)


def as_arrow(source: Any) -> tuple[str, pa.Table | None]:
    """What kind of table it is and the table itself; None for what is no table in memory."""
    if isinstance(source, pa.RecordBatch):
        return "RecordBatch", pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return "Table", source
    if isinstance(source, np.ndarray) and source.dtype.names is not None:
        from astropy.table import Table

        source = Table(source)  # records, as astropy.io.fits gives them
    origin = type(source).__module__.partition(".")[0]
    if origin == "pandas" and hasattr(source, "columns"):
        return "DataFrame", _of_pandas(source)
    if hasattr(source, "colnames") and hasattr(source, "meta"):
        from skyquarry.catalog.formats.astropytable import to_arrow

        return "astropy Table", to_arrow(source)
    if hasattr(source, "__arrow_c_stream__"):  # Arrow's protocol: polars, DuckDB, cudf ...
        return type(source).__name__, _plain_texts(pa.table(source))
    return "", None


def _of_pandas(frame: Any) -> pa.Table:
    """A DataFrame, with its index where that has a name. UserError for a repeated name."""
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise UserError(
            f"the DataFrame has the column {twice[0]!r} more than once, but names must differ: "
            "rename or drop one"
        )
    swapped = [
        name
        for name, kind in frame.dtypes.items()
        if isinstance(kind, np.dtype) and not kind.isnative
    ]
    if swapped:  # as FITS stores numbers, which Arrow does not take
        frame = frame.astype({name: frame.dtypes[name].newbyteorder("=") for name in swapped})
    return pa.Table.from_pandas(frame, preserve_index=_has_named_index(frame))


def _plain_texts(table: pa.Table) -> pa.Table:
    """Views of text and bytes, which few functions take, as the types that all take."""
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    fields = [field.with_type(plain.get(field.type, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields, table.schema.metadata))


def _has_named_index(frame: Any) -> bool:
    return any(name is not None for name in frame.index.names)


def _content_mark(table: pa.Table) -> str:
    """A hash of every value: the same table gives the same mark in another process."""
    digest = hashlib.sha256()
    with pa.ipc.new_stream(_Hashing(digest), table.schema) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)
    return digest.hexdigest()


class _Hashing:
    """A file that keeps a hash of what is written, and nothing else."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, block: Any) -> int:
        self._digest.update(block)
        return len(block)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing to close."""
