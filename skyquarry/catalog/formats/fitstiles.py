"""Tile-compressed FITS tables (standard 4.0, section 10.3): a tile is unpacked at a time.

GZIP_1, GZIP_2 and uncompressed columns are unpacked here, RICE_1 by astropy's decoder.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.fitscolumns import Column, decode, row_type
from skyquarry.catalog.formats.fitsheader import Header
from skyquarry.catalog.formats.fitsmeanings import columns_of, schema_of
from skyquarry.catalog.formats.table import BATCH_ROWS, TableFile, chosen, recut
from skyquarry.errors import FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats.fitsheader import Unit
    from skyquarry.catalog.formats.inputs import Input

METHODS = ("GZIP_1", "GZIP_2", "NOCOMPRESS", "RICE_1")


@dataclass(frozen=True)
class TilesPart:
    """A range of tiles of a compressed table."""

    source: Input
    schema: pa.Schema
    columns: tuple[Column, ...]
    methods: tuple[str, ...]
    pointers: tuple[Column, ...]
    """The columns of the stored table, which point to packed bytes."""
    start: int
    """Byte of the first stored row."""
    heap: int
    """First byte of the heap."""
    tiles: tuple[int, int]
    """First tile and one past the last."""
    tile_rows: int
    row_bytes: int
    rows: int
    """Rows in these tiles."""

    @property
    def key(self) -> str:
        """Tiles, first and one past the last."""
        return f"tiles {self.tiles[0]}-{self.tiles[1]}"

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows, a tile unpacked at a time."""
        schema = chosen(self.schema, columns)
        return recut((self._tile(tile, schema) for tile in range(*self.tiles)), rows)

    def _tile(self, tile: int, schema: pa.Schema) -> pa.RecordBatch:
        count = min(self.tile_rows, self.rows - (tile - self.tiles[0]) * self.tile_rows)
        stored = row_type(list(self.pointers), sum(p.width for p in self.pointers))
        with self.source.open() as file:
            file.seek(self.start + tile * stored.itemsize)
            pointers = np.frombuffer(_exactly(file, stored.itemsize, self.source.name), stored)[0]
            arrays = [self._column(file, name, pointers, count) for name in schema.names]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _column(self, file: BinaryIO, name: str, pointers: Any, count: int) -> pa.Array:
        number = [column.name for column in self.columns].index(name)
        column = replace(self.columns[number], offset=0)
        size, offset = (int(n) for n in pointers[self.pointers[number].name])
        file.seek(self.heap + offset)
        packed = _exactly(file, size, self.source.name)
        block = _unpacked(packed, column, self.methods[number], count, self.source.name)
        return decode(column, np.frombuffer(block, row_type([column], column.width)))


def read_tiles(source: Input, unit: Unit, encoding: str) -> TableFile:
    """A tile-compressed table. Raises FormatError for a method or column that is not known."""
    header = unit.header
    source = source.local()
    plain = _plain(header)
    columns = columns_of(source, plain, encoding)
    methods = tuple(header.text(f"ZCTYP{n}") or "GZIP_2" for n in range(1, len(columns) + 1))
    for column, method in zip(columns, methods, strict=True):
        if column.heap or method not in METHODS:
            raise FormatError(
                f"{source.name} packs column {column.name!r} by {method} with form "
                f"{column.heap or column.element.letter}; fixed lengths and {', '.join(METHODS)} "
                "can be read: unpack the file with funpack first"
            )
    pointers = columns_of(source, header, encoding)
    total, tile_rows = plain.whole("NAXIS2"), max(1, header.whole("ZTILELEN"))
    tiles, width = header.whole("NAXIS2"), header.whole("NAXIS1")
    if tiles != -(-total // tile_rows) or source.size() < unit.start + tiles * width:
        raise IngestError(
            f"{source.name} says {tiles} tiles of {tile_rows} rows for {total} rows in a file of "
            f"{source.size()} bytes; these must agree: fetch the file again"
        )
    heap = unit.start + header.whole("THEAP", tiles * width)
    schema = schema_of(plain, columns)
    part = TilesPart(
        source, schema, columns, methods, pointers, unit.start, heap, (0, tiles), tile_rows,
        plain.whole("NAXIS1"), total,
    )  # fmt: skip
    return TableFile(source.name, "fits", schema, total, source.size(), (part,) if total else ())


def _plain(header: Header) -> Header:
    """The header that the table has when it is unpacked."""
    values = dict(header.values)
    values.update({"NAXIS1": values.get("ZNAXIS1"), "NAXIS2": values.get("ZNAXIS2")})
    for number in range(1, header.whole("TFIELDS") + 1):
        values[f"TFORM{number}"] = values.get(f"ZFORM{number}")
    return Header(values, header.remarks, header.comments)


def _exactly(file: BinaryIO, size: int, name: str) -> bytes:
    block = file.read(size)
    if len(block) < size:
        raise IngestError(f"{name} ends {size - len(block)} bytes early: fetch the file again")
    return block


def _unpacked(packed: bytes, column: Column, method: str, count: int, file: str) -> bytes:
    """The bytes of a column in a tile, big-endian, row by row."""
    size = column.width * count
    try:
        if method == "RICE_1":
            return _rice(packed, column, size)
        block = (
            packed if method == "NOCOMPRESS" else zlib.decompressobj(47).decompress(packed, size)
        )
    except (zlib.error, ValueError) as error:
        raise IngestError(f"{file}: column {column.name!r} is damaged ({error})") from error
    if len(block) != size:
        raise IngestError(
            f"{file}: a tile of column {column.name!r} holds {len(block)} bytes, but {count} rows "
            f"need {size}: fetch the file again"
        )
    return _unshuffled(block, column.element.width) if method == "GZIP_2" else block


def _unshuffled(block: bytes, width: int) -> bytes:
    """Bytes that were sorted by significance, put back in order."""
    return np.frombuffer(block, np.uint8).reshape(width, -1).T.tobytes()


def _rice(packed: bytes, column: Column, size: int) -> bytes:
    from astropy.io.fits.hdu.compressed._codecs import Rice1

    width = column.element.width
    decoder = Rice1(blocksize=32, bytepix=width, tilesize=size // width)
    values = decoder.decode(np.frombuffer(packed, np.uint8))
    return np.asarray(values).astype(column.element.stored).tobytes()
