"""What is to be ingested, whatever form it has: one schema, ordered parts, a fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyquarry.catalog.formats import open_table
from skyquarry.catalog.formats.table import BATCH_ROWS, TableFile, chosen
from skyquarry.errors import IngestError
from skyquarry.ingest.sourcefiles import file_mark, list_files
from skyquarry.ingest.sourcetables import opened_in_memory
from skyquarry.ingest.spilled import Spilled
from skyquarry.ingest.widening import unified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats import Part


@dataclass(frozen=True)
class SourcePart:
    """A stretch of one of the inputs, read with the schema that all inputs share; picklable."""

    number: int
    """Which input, counted from 0."""
    name: str
    """The input's path, URL or kind."""
    part: Part
    schema: pa.Schema

    @property
    def key(self) -> str:
        """Input and stretch, the same at every opening."""
        return f"{self.number}:{self.part.key}"

    @property
    def rows(self) -> int | None:
        """Number of rows, None where only reading tells."""
        return self.part.rows

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows in the order of the input.

        Raises IngestError where a value does not survive the widening to the shared schema.
        """
        schema = chosen(self.schema, columns)
        for batch in self.part.batches(rows, schema.names):
            arrays = [self._widened(batch.column(f.name), f) for f in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _widened(self, column: pa.Array, field: pa.Field) -> pa.Array:
        if column.type == field.type:
            return column
        try:
            return column.cast(field.type)
        except pa.ArrowInvalid as error:
            raise IngestError(
                f"{self.name} has a value in column {field.name!r} ({column.type}) that does not "
                f"fit {field.type}, which the other inputs need ({str(error)[:200]}): give the "
                "column one type in all inputs"
            ) from error


@dataclass(frozen=True)
class Sources:
    """Inputs with one schema, in a fixed order."""

    files: tuple[TableFile, ...]
    schema: pa.Schema
    fingerprint: str
    """Changes when an input does: names, sizes and times of files, content of tables."""
    spilled: Spilled | None = None
    """the rows, where they are spilled already: there is no part to read"""

    @property
    def names(self) -> list[str]:
        """The inputs' paths, URLs or kinds, in order."""
        return [file.name for file in self.files]

    @property
    def n_rows(self) -> int | None:
        """Rows in all, None where only reading tells."""
        counts = [file.n_rows for file in self.files]
        return None if None in counts else sum(n for n in counts if n is not None)

    @property
    def n_bytes(self) -> int:
        """Bytes in all, as stored."""
        return sum(file.n_bytes for file in self.files)

    def parts(self) -> list[SourcePart]:
        """Every stretch of every input; read one after another they are the whole."""
        return [
            SourcePart(number, file.name, part, self.schema)
            for number, file in enumerate(self.files)
            for part in file.parts()
        ]


def open_sources(
    source: Any,
    *,
    format: str | None = None,  # noqa: A002 - the word every table library uses
    **options: Any,
) -> Sources:
    """Open inputs, read their schemas and check that they fit, before any row is read.

    source: a path, a glob, a folder, a URL (http, https, s3), a list of these; or a
    pyarrow Table, RecordBatch or RecordBatchReader, a pandas DataFrame, an astropy Table;
    or what was `Spilled`.
    options: passed to `open_table`.

    Raises NotFoundError for what is not there and a glob or folder without tables, IngestError for
    what cannot be read, and where columns differ between inputs, naming both and the column.
    """
    if isinstance(source, Spilled):
        told = source.tally
        opened = TableFile(source.name, "arrow", source.schema, told.stored, told.bytes, ())
        return Sources((opened,), source.schema, source.mark, source)
    memory = opened_in_memory(source)
    if memory is not None:
        table, mark = memory
        return Sources((table,), table.schema, mark)
    paths = list_files(source)
    files = tuple(open_table(path, format=format, **options) for path in paths)
    schema = unified([(file.name, file.schema) for file in files])
    marks = "\n".join(file_mark(path) for path in paths)
    return Sources(files, schema, hashlib.sha256(marks.encode()).hexdigest())
