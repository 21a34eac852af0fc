"""Tables in memory, and streams of batches, as inputs."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog.formats.table import BATCH_ROWS, TableFile, chosen, recut
from skyquarry.errors import IngestError

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
    origin = type(source).__module__.partition(".")[0]
    if origin == "pandas" and hasattr(source, "columns"):
        return "DataFrame", pa.Table.from_pandas(source, preserve_index=_has_named_index(source))
    if hasattr(source, "colnames") and hasattr(source, "meta"):
        from skyquarry.catalog.formats.astropytable import to_arrow

        return "astropy Table", to_arrow(source)
    return "", None


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
