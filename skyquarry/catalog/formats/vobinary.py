"""Rows of BINARY and BINARY2 data (VOTable 1.5, sections 5.3 and 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.vocells import missing_where, texts_of_units, values_of
from skyquarry.catalog.formats.vofields import KINDS, LARGEST, VoField
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TRUE, FALSE = b"Tt1", b"Ff0"


@dataclass
class Gathered:
    """The bytes of one column over many rows."""

    data: bytearray
    counts: list[int]
    """Elements of each row, of a column whose length varies."""


class RowSplitter:
    """Cuts a stream of bytes into rows, and keeps each column's bytes together."""

    def __init__(self, fields: Sequence[VoField], *, masked: bool) -> None:
        self._fields = fields
        self._mask_bytes = -(-len(fields) // 8) if masked else 0
        self._sizes = [size_of(field) for field in fields]
        self._varies = [field.varies for field in fields]
        self._start()

    def _start(self) -> None:
        self.rows = 0
        self._columns = [Gathered(bytearray(), []) for _ in self._fields]
        self._masks = bytearray()

    def take(self, data: bytearray) -> None:
        """Move every whole row out of `data`, which keeps the beginning of the next one."""
        if any(self._varies):
            self._walk(data)
            return
        width = max(1, self._mask_bytes + sum(self._sizes))
        rows = len(data) // width
        block = np.frombuffer(bytes(data[: rows * width]), np.uint8).reshape(rows, width)
        del data[: rows * width]
        self._masks += block[:, : self._mask_bytes].tobytes()
        place = self._mask_bytes
        for column, size in zip(self._columns, self._sizes, strict=True):
            column.data += block[:, place : place + size].tobytes()
            place += size
        self.rows += rows

    def _walk(self, data: bytearray) -> None:
        """Row by row, since a row says its own length."""
        view, end, start = bytes(data), len(data), 0
        layout = list(zip(self._sizes, self._varies, self._columns, strict=True))
        while True:
            place = start + self._mask_bytes
            cuts = []
            for size, varies, _ in layout:
                count = 1
                if varies:
                    count = _count(view, place)
                    place += 4
                cuts.append((place, count))
                place += -(-count // 8) if size == 0 else count * size
                if place > end:
                    break
            if place > end or start == end:
                del data[:start]
                return
            self._keep(view, start, cuts, layout)
            start = place

    def _keep(
        self,
        view: bytes,
        start: int,
        cuts: list[tuple[int, int]],
        layout: list[tuple[int, bool, Gathered]],
    ) -> None:
        self._masks += view[start : start + self._mask_bytes]
        for (place, count), (size, varies, column) in zip(cuts, layout, strict=True):
            if varies:
                column.counts.append(count)
            column.data += view[place : place + (-(-count // 8) if size == 0 else count * size)]
        self.rows += 1

    def arrays(self) -> list[pa.Array]:
        """The columns of the rows taken so far, which are then forgotten."""
        rows, columns = self.rows, self._columns
        masks = self._mask(rows)
        self._start()
        return [
            _array(field, column, rows, None if masks is None else masks[:, i])
            for i, (field, column) in enumerate(zip(self._fields, columns, strict=True))
        ]

    def _mask(self, rows: int) -> NDArray[np.bool_] | None:
        """(rows, columns), true where a cell is null; None without masks."""
        if not self._mask_bytes:
            return None
        packed = np.frombuffer(bytes(self._masks), np.uint8).reshape(rows, self._mask_bytes)
        return np.unpackbits(packed, axis=1).astype(bool)


def _count(view: bytes, place: int) -> int:
    """The length that stands before a cell. Raises IngestError for an absurd one."""
    count = int.from_bytes(view[place : place + 4], "big")
    if count > LARGEST:
        raise IngestError(
            f"a cell says that it holds {count} values, more than {LARGEST}: fetch the file again"
        )
    return count


def size_of(field: VoField) -> int:
    """Bytes of a cell, or of one step of the dimension that varies; 0 for bits that vary."""
    if field.datatype == "bit":
        return 0 if field.varies else -(-field.count // 8)
    return field.count * int(np.dtype(KINDS[field.datatype][0]).itemsize)


def _array(field: VoField, column: Gathered, rows: int, mask: NDArray[np.bool_] | None) -> pa.Array:
    counts = np.array(column.counts, np.int64) if field.varies else np.full(rows, 1, np.int64)
    if field.is_text:
        array = texts_of_units(field, bytes(column.data), counts * field.count)
    elif field.datatype == "bit":
        array = _bits(field, bytes(column.data), counts, rows)
    else:
        raw = np.frombuffer(bytes(column.data), KINDS[field.datatype][0])
        array = values_of(field, _elements(field, raw), counts * field.count, rows)
    return array if mask is None else missing_where(array, mask)


def _elements(field: VoField, raw: NDArray[Any]) -> pa.Array:
    if field.datatype == "boolean":
        true, false = np.isin(raw, list(TRUE)), np.isin(raw, list(FALSE))
        return pa.array(true, mask=~(true | false))
    native = raw.astype(raw.dtype.newbyteorder("="))
    if not field.null or not pa.types.is_integer(field.element):
        return pa.array(native)
    return pa.array(native, mask=native == _whole(field.null))


def _whole(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _bits(field: VoField, data: bytes, counts: NDArray[np.int64], rows: int) -> pa.Array:
    """Bits, eight a byte, each cell from a new byte."""
    lengths = counts * field.count
    packed = np.frombuffer(data, np.uint8)
    if field.is_single:
        return pa.array(packed != 0)  # the standard sets the highest bit, astropy the fourth
    flat = np.unpackbits(packed).astype(bool)
    starts = np.concatenate([[0], np.cumsum(-(-lengths // 8))])[:-1] * 8
    total = int(lengths.sum())
    within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return values_of(field, pa.array(flat[np.repeat(starts, lengths) + within]), lengths, rows)
