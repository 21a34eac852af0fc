"""VOTable in every serialisation, as a stream: TABLEDATA, BINARY, BINARY2 and inline FITS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    metadata_of,
    recut,
    refuse_twins,
    single,
)
from skyquarry.catalog.formats.vobinary import RowSplitter
from skyquarry.catalog.formats.vocells import column_of_texts
from skyquarry.catalog.formats.voparser import VoHeader, VoParser, events
from skyquarry.errors import IngestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats.inputs import Input
    from skyquarry.catalog.formats.vofields import VoField

CELL_ROWS = 16_384
BINARY_ROWS = 65_536
BATCH_FILE_BYTES = 16 << 20


@dataclass(frozen=True)
class VoPart:
    """One whole table of a VOTable file."""

    source: Input
    schema: pa.Schema
    fields: tuple[VoField, ...]
    wanted: int | str | None
    key: str = "all"
    rows: int | None = None

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows. Raises IngestError where XML, base64 or a cell is damaged."""
        names = chosen(self.schema, columns).names
        return recut((batch.select(names) for batch in self._stream()), rows)

    def _stream(self) -> Iterator[pa.RecordBatch]:
        before, splitter = 0, None
        for parser in events(self.source, self.wanted):
            if parser.header.serialization == "TABLEDATA":
                batches = self._of_cells(parser, before)
            else:
                splitter = splitter or self._splitter(parser)
                batches = self._of_bytes(parser, splitter)
            for batch in batches:
                before += batch.num_rows
                yield batch

    def _splitter(self, parser: VoParser) -> RowSplitter:
        return RowSplitter(self.fields, masked=parser.header.serialization == "BINARY2")

    def _of_cells(self, parser: VoParser, before: int) -> Iterator[pa.RecordBatch]:
        if parser.rows and _is_enough(parser, len(parser.rows), CELL_ROWS):
            columns = zip(*parser.rows, strict=True)
            arrays = [
                self._column(field, texts, before)
                for field, texts in zip(self.fields, columns, strict=True)
            ]
            parser.rows, parser.fed = [], 0
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _column(self, field: VoField, texts: tuple[str | None, ...], before: int) -> pa.Array:
        try:
            return column_of_texts(field, texts, before)
        except IngestError as error:
            raise IngestError(f"{self.source.name}: {error}") from error

    def _of_bytes(self, parser: VoParser, splitter: RowSplitter) -> Iterator[pa.RecordBatch]:
        if not parser.started:
            return
        splitter.take(parser.bytes)
        if parser.ended and parser.bytes:
            raise IngestError(
                f"{self.source.name} ends with {len(parser.bytes)} bytes of a row that is not "
                "whole; whole rows are needed: fetch the file again"
            )
        if splitter.rows and _is_enough(parser, splitter.rows, BINARY_ROWS):
            parser.fed = 0
            yield pa.RecordBatch.from_arrays(splitter.arrays(), schema=self.schema)


def _is_enough(parser: VoParser, rows: int, most: int) -> bool:
    """Whether the rows taken so far are to be given out."""
    return parser.ended or rows >= most or parser.fed >= BATCH_FILE_BYTES


def read(source: Input, *, table: int | str | None = None) -> TableFile:
    """A table of a VOTable file: the first with columns, or `table` by number (from 0), name or ID.

    Raises NotFoundError listing the tables, IngestError for damage, a document type or an entity,
    FormatError for data that lie elsewhere and complex numbers.
    """
    header = _header(source, table)
    if header.serialization == "FITS":
        return _inline_fits(source, table, header)
    refuse_twins([field.name for field in header.fields], source.name)
    part = VoPart(source, schema_of(header), tuple(header.fields), table)
    return single(source, "votable", part)


def _header(source: Input, wanted: int | str | None) -> VoHeader:
    parser: VoParser | None = None
    for parser in events(source, wanted):
        if parser.started and (parser.header.serialization or parser.ended):
            return parser.finished_header()
    seen = ", ".join(parser.seen) if parser and parser.seen else "none"
    raise NotFoundError(
        f"{source.name} was asked for {'a table' if wanted is None else f'table {wanted!r}'}, but "
        f"has {seen}; a TABLE with FIELDs is needed: pass table= with its number or name"
    )


def schema_of(header: VoHeader) -> pa.Schema:
    """The Arrow schema of a VOTable header."""
    about = metadata_of(name=header.name, description=header.description, **header.about)
    return pa.schema([field.field for field in header.fields], metadata=about or None)


def _inline_fits(source: Input, wanted: int | str | None, header: VoHeader) -> TableFile:
    """Inline FITS data, unpacked to a temporary file; what columns mean is said by the FIELDs."""
    import tempfile
    from dataclasses import replace

    from skyquarry.catalog.formats import fits
    from skyquarry.catalog.formats.inputs import Input, Scratch

    with tempfile.NamedTemporaryFile(prefix="skyquarry-", delete=False) as file:
        scratch = Scratch(file.name)
        for parser in events(source, wanted):
            file.write(parser.bytes)
            parser.bytes.clear()
    entry = Input(source.name, file.name, gzipped=False, scratch=scratch)
    inner = fits.read(entry, hdu=header.extension)
    schema = _told_by(inner.schema, schema_of(header))
    parts = tuple(replace(part, schema=schema) for part in inner.parts())  # type: ignore[type-var]
    return replace(inner, format="votable", schema=schema, n_bytes=source.size(), stretches=parts)


def _told_by(schema: pa.Schema, votable: pa.Schema) -> pa.Schema:
    """The columns of the FITS file with what the FIELDs of the same names say of them."""
    fields = [
        f.with_metadata({**(f.metadata or {}), **(votable.field(f.name).metadata or {})} or None)
        if f.name in votable.names
        else f
        for f in schema
    ]
    return pa.schema(fields, metadata={**(schema.metadata or {}), **(votable.metadata or {})})
