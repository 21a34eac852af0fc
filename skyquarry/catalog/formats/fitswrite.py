"""FITS tables written as a stream: rows appended, their number patched into the header at the end.

Null is TNULL in whole numbers, NaN in floats, a zero byte in booleans and NUL in texts; a null list
of variable length becomes an empty one. Blanks at the end of a text are not kept (the standard
gives them no meaning). Moments of time are written as ISO 8601 text.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.fitscards import BLANK, card, header_block
from skyquarry.catalog.formats.fitscells import Cell, cell_of, plain_batch, text_widths
from skyquarry.catalog.formats.fitsheader import BLOCK
from skyquarry.catalog.formats.table import PROVENANCE, said
from skyquarry.catalog.formats.units import fits_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

STEP_ROWS = 65_536


def write(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    path: Path,
    *,
    widths: Mapping[str, int] | None = None,
) -> int:
    """Stream batches into a FITS binary table; rows written.

    widths: column of text -> bytes reserved. Without it for every column of text, the batches
    are first kept in a temporary file while their widths are found.

    Raises FormatError for a column or value that FITS cannot hold.
    """
    plain: Iterator[pa.RecordBatch] = (plain_batch(batch) for batch in batches)
    with ExitStack() as stack:
        if unknown := text_widths(schema, widths or {}):
            spool = path.with_name(f"{path.name}.rows")
            stack.callback(spool.unlink, missing_ok=True)
            found = _spooled(plain, schema, spool, unknown)
            widths, plain = {**(widths or {}), **found}, _unspooled(spool)
        cells = [cell_of(field, (widths or {}).get(field.name, 0)) for field in schema]
        heap = stack.enter_context(_heap_file(path))
        with path.open("wb") as file:
            return _write(plain, schema, cells, file, heap)


def _heap_file(path: Path) -> Any:
    import tempfile

    return tempfile.TemporaryFile(dir=path.parent, prefix=".heap-")


def _spooled(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, spool: Path, unknown: list[str]
) -> dict[str, int]:
    """Keep the batches in a file; the widest text of each column of unknown width, in bytes."""
    widest = dict.fromkeys(unknown, 1)
    with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_stream(sink, _plain(schema)) as writer:
        for batch in batches:
            for name in unknown:
                widest[name] = max(widest[name], _widest(batch.column(name)))
            writer.write_batch(batch)
    return widest


def _plain(schema: pa.Schema) -> pa.Schema:
    return plain_batch(schema.empty_table().combine_chunks()).schema


def _widest(column: pa.Array) -> int:
    import pyarrow.compute as pc

    flat = column.flatten() if pa.types.is_nested(column.type) else column
    return pc.max(pc.binary_length(flat)).as_py() or 1


def _unspooled(spool: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(spool), "rb") as file:
        yield from pa.ipc.open_stream(file)


def _write(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    cells: list[Cell],
    file: BinaryIO,
    heap: BinaryIO,
) -> int:
    primary = card("SIMPLE", True) + card("BITPIX", 8) + card("NAXIS", 0) + card("EXTEND", True)
    file.write(header_block(primary))
    file.write(header_block(_cards(schema, cells, 0, 0)))
    rows = 0
    for batch in batches:
        for start in range(0, batch.num_rows, STEP_ROWS):
            piece = batch.slice(start, STEP_ROWS)
            file.write(_rows(piece, cells, heap))
            rows += piece.num_rows
    size = _append(file, heap)
    file.write(bytes(-file.tell() % BLOCK))
    file.seek(BLOCK)
    file.write(header_block(_cards(schema, cells, rows, size)))
    return rows


def _rows(batch: pa.RecordBatch, cells: list[Cell], heap: BinaryIO) -> bytes:
    names = [f"c{i}" for i in range(len(cells))]
    layout = np.dtype([(n, c.stored) for n, c in zip(names, cells, strict=True)])
    rows = np.zeros(batch.num_rows, layout)
    for name, cell, column in zip(names, cells, batch.columns, strict=True):
        rows[name] = cell.encoded(column, heap)
    return rows.tobytes()


def _append(file: BinaryIO, heap: BinaryIO) -> int:
    """Copy the heap behind the rows; its bytes."""
    size = heap.seek(0, os.SEEK_END)
    heap.seek(0)
    while block := heap.read(1 << 20):
        file.write(block)
    return size


def _cards(schema: pa.Schema, cells: list[Cell], rows: int, heap: int) -> list[str]:
    """The header's cards; their number does not depend on rows or values."""
    width = sum(np.dtype(cell.stored).itemsize for cell in cells)
    cards = [*card("XTENSION", "BINTABLE"), *card("BITPIX", 8), *card("NAXIS", 2)]
    for key, number in {"NAXIS1": width, "NAXIS2": rows, "PCOUNT": heap, "GCOUNT": 1}.items():
        cards += card(key, number)
    cards += card("TFIELDS", len(cells))
    for number, (field, cell) in enumerate(zip(schema, cells, strict=True), 1):
        cards += _column_cards(number, field, cell)
    about = {"EXTNAME": "name", "RADESYS": "frame", "REFEPOCH": "epoch", "TABDESC": "description"}
    about["SKYQPROV"] = PROVENANCE
    for key, word in about.items():
        if text := said(schema.metadata, word):
            cards += card(key, text.upper() if key == "RADESYS" else text)
    return cards


def _column_cards(number: int, field: pa.Field, cell: Cell) -> list[str]:
    cards = card(f"TTYPE{number}", field.name) + card(f"TFORM{number}", cell.form)
    if cell.zero:
        cards += card(f"TZERO{number}", cell.zero)
    if cell.null is not None:
        cards += card(f"TNULL{number}", cell.null) if cell.seen_null else [BLANK]
    texts = {
        "TDIM": cell.shape,
        "TUNIT": fits_unit(said(field.metadata, "unit")),
        "TUCD": said(field.metadata, "ucd"),
        "TUTYP": said(field.metadata, "utype"),
        "TCOMM": said(field.metadata, "description"),
    }
    for key, text in texts.items():
        cards += card(f"{key}{number}", text) if text else []
    return cards
