"""What every format gives back: a table file with a schema and parts that can be read in parallel.

A field's metadata holds `unit`, `ucd`, `utype`, `description` where the file says them; the
schema's metadata holds `description`, `frame` and `epoch`. Values are as the file says: a null is
a null, a NaN stays NaN (`ingest.clean` turns it into null, and counts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from skyquarry.errors import ColumnError, IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.catalog.formats.inputs import Input

BATCH_ROWS = 262_144
BATCH_BYTES = 64 << 20
PROVENANCE = "skyquarry_crossmatch"
"""Schema metadata: JSON of how a cross-match made the table; every format that can keeps it."""


class Part(Protocol):
    """A stretch of a table file that one task reads; picklable."""

    @property
    def key(self) -> str:
        """Name of the stretch within its file, the same at every opening."""

    @property
    def rows(self) -> int | None:
        """Number of rows, None where only reading tells."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of every batch."""

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows in file order, at most `rows` a batch, `columns` in the order asked."""


@dataclass(frozen=True)
class TableFile:
    """One table in a file: its schema at once, its rows by parts."""

    name: str
    """The path or URL, as errors show it."""
    format: str
    """One of the names in `READERS`."""
    schema: pa.Schema
    n_rows: int | None
    """None where only reading tells."""
    n_bytes: int
    """Size of the file as stored."""
    stretches: tuple[Part, ...]
    """What `parts` gives."""

    def parts(self) -> list[Part]:
        """The stretches in file order; read one after another they are the table."""
        return list(self.stretches)

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the whole table in file order."""
        for part in self.stretches:
            yield from part.batches(rows, columns)

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the whole table into memory."""
        return pa.Table.from_batches(
            self.batches(columns=columns), schema=chosen(self.schema, columns)
        )


def single(source: Input, form: str, part: Part) -> TableFile:
    """A table file that is read in one stretch."""
    return TableFile(source.name, form, part.schema, part.rows, source.size(), (part,))


def chosen(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """The schema cut to `columns`, in their order. Raises ColumnError for one that is absent."""
    if columns is None:
        return schema
    absent = [name for name in columns if name not in schema.names]
    if absent:
        raise ColumnError(
            f"column {absent[0]!r} was asked for, but the table has {', '.join(schema.names)}: "
            "ask for one of these"
        )
    return pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)


def metadata_of(**texts: object) -> dict[bytes, bytes]:
    """Field or schema metadata from keywords: empty ones are left out, values become UTF-8."""
    return {
        key.encode(): str(text).strip().encode()
        for key, text in texts.items()
        if text is not None and str(text).strip()
    }


def said(metadata: Mapping[bytes, bytes] | None, key: str) -> str:
    """The text under a metadata key, empty where there is none."""
    return (metadata or {}).get(key.encode(), b"").decode("utf-8", "replace")


def refuse_twins(names: Sequence[str], file: str) -> None:
    """Raise IngestError when two columns of a file have the same name."""
    twins = sorted({name for name in names if list(names).count(name) > 1})
    if twins:
        raise IngestError(
            f"{file} has more than one column named {', '.join(map(repr, twins))}; names must "
            "differ: rename one of them in the file"
        )


def recut(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most `rows`; empty batches are left out."""
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def rows_within(row_bytes: int, rows: int) -> int:
    """Rows a batch may have: at most `rows`, and about 64 MB where rows are wide; at least one."""
    return max(1, min(rows, BATCH_BYTES // max(1, row_bytes)))
