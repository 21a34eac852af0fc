"""FITS tables: rows read by ranges into bounded memory, so that parts can be read in parallel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.fitsascii import read_ascii
from skyquarry.catalog.formats.fitscolumns import Column, decode, row_type
from skyquarry.catalog.formats.fitsheader import Unit, find_table
from skyquarry.catalog.formats.fitsheap import decode_heap
from skyquarry.catalog.formats.fitsmeanings import columns_of, schema_of
from skyquarry.catalog.formats.fitstiles import read_tiles
from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    rows_within,
)
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats.inputs import Input

PART_BYTES = 256 << 20
PART_ROWS = 1 << 20


@dataclass(frozen=True)
class Rows:
    """Where the rows of a binary table lie."""

    start: int
    """Byte of the first row."""
    width: int
    """Bytes of a row."""
    count: int
    heap: tuple[int, int]
    """First byte and size of the heap."""

    @property
    def row_bytes(self) -> int:
        """Bytes of a row with its share of the heap."""
        return self.width + self.heap[1] // max(1, self.count)


@dataclass(frozen=True)
class FitsPart:
    """A range of rows of a binary table."""

    source: Input
    schema: pa.Schema
    columns: tuple[Column, ...]
    table: Rows
    first: int
    rows: int

    @property
    def key(self) -> str:
        """Rows, first and one past the last."""
        return f"rows {self.first}-{self.first + self.rows}"

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; about 64 MB of file at a time."""
        schema = chosen(self.schema, columns)
        wanted = {column.name: column for column in self.columns}
        picked = [wanted[name] for name in schema.names]
        layout = row_type(picked, self.table.width)
        step = rows_within(self.table.row_bytes, rows)
        with self.source.open() as file:
            for first in range(self.first, self.first + self.rows, step):
                count = min(step, self.first + self.rows - first)
                block = self._rows(file, first, count, layout)
                arrays = [self._array(column, block, file) for column in picked]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _rows(self, file: BinaryIO, first: int, count: int, layout: Any) -> Any:
        file.seek(self.table.start + first * self.table.width)
        block = file.read(count * self.table.width)
        if len(block) < count * self.table.width:
            whole = first + len(block) // self.table.width
            raise IngestError(
                f"{self.source.name} ends after row {whole}, but its header says NAXIS2 = "
                f"{self.table.count} rows of {self.table.width} bytes: fetch the file again"
            )
        return np.frombuffer(block, layout) if layout.names else np.empty(count, layout)

    def _array(self, column: Column, block: Any, file: BinaryIO) -> pa.Array:
        try:
            if column.heap and column.width:
                return decode_heap(column, block[column.name], file, self.table.heap)
            return decode(column, block)
        except IngestError as error:
            raise IngestError(f"{self.source.name}: {error}") from error


def read(source: Input, *, hdu: int | str | None = None, encoding: str = "utf8") -> TableFile:
    """A FITS table: the first of the file, or `hdu` by number or name.

    encoding: of text columns, which should be ASCII. Raises NotFoundError, IngestError where
    header and file size contradict each other, FormatError for complex columns.
    """
    unit = find_table(source, hdu)
    if unit.header.text("XTENSION") == "TABLE":
        return read_ascii(source, unit)
    if unit.header.values.get("ZTABLE") is True:
        return read_tiles(source, unit, encoding)
    return _binary(source, unit, encoding)


def _binary(source: Input, unit: Unit, encoding: str) -> TableFile:
    columns = columns_of(source, unit.header, encoding)
    if source.gzipped and any(column.heap for column in columns):
        source = source.local()  # a heap is read by leaps
    table = _rows(source, unit, columns)
    schema = schema_of(unit.header, columns)
    step = PART_ROWS if not source.gzipped else max(1, table.count)
    step = max(1, min(step, PART_BYTES // max(1, table.row_bytes))) if not source.gzipped else step
    parts = tuple(
        FitsPart(source, schema, columns, table, first, min(step, table.count - first))
        for first in range(0, table.count, step)
    )
    return TableFile(source.name, "fits", schema, table.count, source.size(), parts)


def _rows(source: Input, unit: Unit, columns: tuple[Column, ...]) -> Rows:
    """Where the rows lie. Raises IngestError where the header contradicts itself or the file."""
    header = unit.header
    width, count, extra = header.whole("NAXIS1"), header.whole("NAXIS2"), header.whole("PCOUNT", 0)
    wide = sum(column.width for column in columns)
    if wide != width or count < 0 or extra < 0:
        raise IngestError(
            f"{source.name} says NAXIS1 = {width}, NAXIS2 = {count}, PCOUNT = {extra}, but its "
            f"TFORMs take {wide} bytes a row: write the file again"
        )
    needed = unit.start + width * count + extra
    size = None if source.gzipped else source.size()
    if size is not None and size < needed:
        raise IngestError(
            f"{source.name} has {size} bytes, but NAXIS2 = {count} rows of {width} bytes need "
            f"{needed}; a whole file is needed: fetch it again"
        )
    start = header.whole("THEAP", width * count)
    return Rows(unit.start, width, count, (unit.start + start, width * count + extra - start))
