"""VOTable written as a stream: BINARY2 (nulls kept), or TABLEDATA where asked."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, BinaryIO, Literal
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from skyquarry.catalog.columns import votable_header
from skyquarry.catalog.formats.table import PROVENANCE, said
from skyquarry.catalog.formats.vowrite import cells, records, writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

STEP_ROWS = 16_384
LINE = 57  # bytes that make 76 characters of base64
SYSTEMS = {"icrs": "ICRS", "fk5": "eq_FK5", "fk4": "eq_FK4"}


def write(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    path: Path,
    *,
    serialization: Literal["binary2", "tabledata"] = "binary2",
) -> int:
    """Stream batches into a VOTable; rows written.

    Texts are unicodeChar, moments ISO 8601 text. Raises FormatError for a column or value that
    VOTable cannot hold: structs, lists of texts, unsigned numbers above 2^63 - 1.
    """
    plain = pa.schema([writable(field) for field in schema], metadata=schema.metadata)
    above, below = _around(plain)
    body: Callable[..., int] = _tabledata if serialization == "tabledata" else _binary2
    with path.open("wb") as file:
        file.write(above)
        rows = body(batches, plain, file)
        file.write(below)
    return rows


def _around(schema: pa.Schema) -> tuple[bytes, bytes]:
    """What stands above and below the data."""
    name = said(schema.metadata, "name") or "table"
    text = votable_header(schema, name).decode()
    about = f"<DESCRIPTION>{escape(said(schema.metadata, 'description'))}</DESCRIPTION>"
    start = text.index(">", text.index("<TABLE ")) + 1
    if said(schema.metadata, "description"):
        text = text[:start] + about + text[start:]
    text = text.replace("<TABLE ", _coosys(schema) + _provenance(schema) + "<TABLE ", 1)
    end = text.rindex("</TABLE>")
    return text[:end].encode(), text[end:].encode()


def _coosys(schema: pa.Schema) -> str:
    frame, epoch = said(schema.metadata, "frame"), said(schema.metadata, "epoch")
    if not frame:
        return ""
    told = f' epoch="J{escape(epoch)}"' if epoch else ""
    return f'<COOSYS ID="system" system="{escape(SYSTEMS.get(frame, frame))}"{told}/>'


def _provenance(schema: pa.Schema) -> str:
    text = said(schema.metadata, PROVENANCE)
    return f"<INFO name={quoteattr(PROVENANCE)} value={quoteattr(text)}/>" if text else ""


def _binary2(batches: Iterable[pa.RecordBatch], schema: pa.Schema, file: BinaryIO) -> int:
    file.write(b'<DATA><BINARY2><STREAM encoding="base64">\n')
    rows, rest = 0, b""
    for batch in batches:
        for start in range(0, batch.num_rows, STEP_ROWS):
            piece = batch.slice(start, STEP_ROWS)
            rest = _lines(rest + records(piece, schema), file, last=False)
            rows += piece.num_rows
    _lines(rest, file, last=True)
    file.write(b"</STREAM></BINARY2></DATA>")
    return rows


def _lines(data: bytes, file: BinaryIO, *, last: bool) -> bytes:
    """Write whole lines of base64; what is left for the next line."""
    whole = len(data) if last else len(data) - len(data) % LINE
    file.writelines(
        binascii.b2a_base64(data[i : min(i + LINE, whole)]) for i in range(0, whole, LINE)
    )
    return data[whole:]


def _tabledata(batches: Iterable[pa.RecordBatch], schema: pa.Schema, file: BinaryIO) -> int:
    file.write(b"<DATA><TABLEDATA>\n")
    rows = 0
    for batch in batches:
        columns = [cells(c, f) for c, f in zip(batch.columns, schema, strict=True)]
        file.writelines(
            ("<TR>" + "".join(row) + "</TR>\n").encode() for row in zip(*columns, strict=True)
        )
        rows += batch.num_rows
    file.write(b"</TABLEDATA></DATA>")
    return rows
