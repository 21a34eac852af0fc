"""Arrow columns as the cells of a FITS binary table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.table import said
from skyquarry.catalog.formats.textwrite import is_list
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Arrow type -> (TFORM letter, TZERO, stored number that means null); unsigned ones are stored with
# their sign bit turned over, so that their largest number is the stored one's largest.
LETTERS: dict[Any, tuple[str, int, int | None]] = {
    pa.bool_(): ("L", 0, None),
    pa.int8(): ("B", -(2**7), 0),
    pa.uint8(): ("B", 0, 2**8 - 1),
    pa.int16(): ("I", 0, -(2**15)),
    pa.uint16(): ("I", 2**15, 2**15 - 1),
    pa.int32(): ("J", 0, -(2**31)),
    pa.uint32(): ("J", 2**31, 2**31 - 1),
    pa.int64(): ("K", 0, -(2**63)),
    pa.uint64(): ("K", 2**63, 2**63 - 1),
    pa.float32(): ("E", 0, None),
    pa.float64(): ("D", 0, None),
    pa.string(): ("A", 0, None),
}
WRITTEN_AS_TEXT = (
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_null,
)
STORED = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


def plain_batch(batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    """The batch with dictionaries, large types, halves and moments as types that FITS has."""
    if isinstance(batch, pa.Table):
        batch = pa.RecordBatch.from_arrays(
            [pa.array([], column.type) for column in batch.columns], names=batch.column_names
        )
    return pa.RecordBatch.from_arrays([_plain(c) for c in batch.columns], names=batch.schema.names)


def _plain(column: pa.Array) -> pa.Array:
    wanted = plain_type(column.type)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return iso_text(column)
    return column if wanted == column.type else column.cast(wanted)


def iso_text(column: pa.Array) -> pa.Array:
    """Moments as ISO 8601 text, with Z where they have a zone."""
    if pa.types.is_date(column.type):
        return column.cast(pa.string())
    if column.type.tz:
        utc = column.cast(pa.timestamp(column.type.unit, "UTC")).cast(
            pa.timestamp(column.type.unit)
        )
        return pc.binary_join_element_wise(iso_text(utc), "Z", "")
    return pc.strftime(column, "%Y-%m-%dT%H:%M:%S")


def plain_type(kind: Any) -> Any:
    """The type that stands for `kind` where only the plain ones exist."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if is_list(kind):
        return pa.list_(plain_type(kind.value_type))
    return pa.string() if any(test(kind) for test in WRITTEN_AS_TEXT) else kind


def text_widths(schema: pa.Schema, widths: Mapping[str, int]) -> list[str]:
    """The columns of text whose width nobody has said."""
    return [
        f.name
        for f in schema
        if f.name not in widths and pa.types.is_string(_innermost(plain_type(f.type)))
    ]


def _innermost(kind: Any) -> Any:
    return kind.value_type if pa.types.is_fixed_size_list(kind) else kind


@dataclass
class Cell:
    """How the values of one column are stored, and whether a null was met."""

    name: str
    letter: str
    zero: int
    null: int | None
    count: int = 1
    """Values in a row."""
    width: int = 0
    """Bytes of a text."""
    varies: bool = False
    """Lists of any length lie in the heap."""
    shape: str = ""
    longest: int = 0
    seen_null: bool = False
    clash: bool = False
    """The number that means null was met as a value."""

    @property
    def form(self) -> str:
        """TFORM."""
        if self.varies:
            return f"1Q{self.letter}({self.longest:>10d})".replace(" ", "0")
        return f"{self.width * self.count if self.width else self.count}{self.letter}"

    @property
    def stored(self) -> Any:
        """The numpy type of a cell."""
        if self.varies:
            return np.dtype((">i8", (2,)))
        one = f"S{self.width}" if self.letter == "A" else STORED[self.letter]
        return np.dtype(one) if self.count == 1 and not self.shape else np.dtype((one, self.count))

    def encoded(self, column: pa.Array, heap: BinaryIO) -> NDArray[Any]:
        """The cells of a column, values of lists of any length appended to the heap."""
        if self.varies:
            return self._pointers(column, heap)
        if pa.types.is_fixed_size_list(column.type):
            flat = self._flat(column)
            return self._values(flat).reshape(len(column), self.count)
        return self._values(column)

    def _flat(self, column: pa.Array) -> pa.Array:
        """Every value of fixed lists; those of a null list are null."""
        if column.null_count == 0:
            return column.flatten()
        rows = np.repeat(column.is_valid().to_numpy(zero_copy_only=False), self.count)
        places = pa.array(np.cumsum(rows) - 1, mask=~rows)
        return column.drop_null().flatten().take(places)

    def _pointers(self, column: pa.Array, heap: BinaryIO) -> NDArray[Any]:
        import os

        counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        values = self._values(column.flatten())
        start = heap.seek(0, os.SEEK_END)
        stored = np.dtype(STORED[self.letter])
        heap.write(values.astype(stored, copy=False).tobytes())
        ends = np.cumsum(counts.astype(np.int64))
        self.longest = max(self.longest, int(counts.max(initial=0)))
        return np.stack([counts, start + (ends - counts) * stored.itemsize], axis=1)

    def _values(self, column: pa.Array) -> NDArray[Any]:
        if self.letter == "A":
            return self._texts(column)
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        if self.letter == "L":
            truth = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
            return np.where(nulls, 0, np.where(truth, ord("T"), ord("F"))).astype(np.uint8)
        if self.null is None:
            return np.asarray(pc.fill_null(column, float("nan")).to_numpy(zero_copy_only=False))
        return self._numbers(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), nulls)

    def _numbers(self, values: NDArray[Any], nulls: NDArray[np.bool_]) -> NDArray[Any]:
        if self.zero:
            unsigned = values.view(f"u{values.itemsize}")
            top = unsigned.dtype.type(1 << (8 * values.itemsize - 1))
            values = (unsigned ^ top).view("u1" if self.letter == "B" else f"i{values.itemsize}")
        self.seen_null = self.seen_null or bool(nulls.any())
        self.clash = self.clash or bool(((values == self.null) & ~nulls).any())
        if self.clash and self.seen_null:
            raise FormatError(
                f"column {self.name!r} has nulls and the number {self._null_number()}, which FITS "
                "would need to mark them: cast the column to a wider type, or write Parquet"
            )
        return np.where(nulls, np.asarray(self.null).astype(values.dtype), values)

    def _null_number(self) -> int:
        return (self.null or 0) + self.zero

    def _texts(self, column: pa.Array) -> NDArray[Any]:
        data = column.cast(pa.binary())
        lengths = pc.fill_null(pc.binary_length(data), 0).to_numpy(zero_copy_only=False)
        if lengths.max(initial=0) > self.width:
            raise FormatError(
                f"column {self.name!r} holds a text of {lengths.max()} bytes, but {self.width} "
                "were declared: give it a larger width, or none"
            )
        if pc.any(pc.match_substring(column, "\0")).as_py():
            raise FormatError(
                f"column {self.name!r} holds a NUL character, which ends a FITS text: remove it"
            )
        padded = [None if v is None else v.ljust(self.width) for v in data.to_pylist()]
        return np.array([b"" if v is None else v for v in padded], f"S{self.width}")


def cell_of(column: pa.Field, width: int) -> Cell:
    """How FITS stores a column; texts in `width` bytes. Raises FormatError where it cannot."""
    kind = plain_type(column.type)
    fixed = pa.types.is_fixed_size_list(kind)
    one = kind.value_type if is_list(kind) else kind
    varies = is_list(kind) and not fixed
    if one not in LETTERS or (varies and one == pa.string()) or (fixed and not kind.list_size):
        raise FormatError(
            f"column {column.name!r} is {column.type}, which FITS cannot hold: leave the column "
            "out, or write Parquet"
        )
    if not column.name.isascii() or not column.name.strip():
        raise FormatError(
            f"column {column.name!r} has a name that FITS cannot hold, which takes ASCII only: "
            "rename it"
        )
    letter, zero, null = LETTERS[one]
    count = kind.list_size if fixed else 1
    width = max(1, width) if letter == "A" else 0
    return Cell(column.name, letter, zero, null, count, width, varies, _shape(column, count, width))


def _shape(column: pa.Field, count: int, width: int) -> str:
    """TDIM: for texts side by side, a single value that is a list, and what the file said."""
    if not pa.types.is_fixed_size_list(column.type):
        return ""
    if width:
        return f"({width},{count})"
    return "(1)" if count == 1 else said(column.metadata, "tdim")
