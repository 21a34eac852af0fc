"""The columns of a FITS binary table: what their cards say, and big-endian bytes made Arrow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.astropytable import complex_refused, fixed_lists
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.formats.fitsheader import Header

# TFORM letter -> (numpy type of one element on disk, Arrow type); standard 4.0, table 18
NUMBERS = {
    "B": (">u1", pa.uint8()),
    "I": (">i2", pa.int16()),
    "J": (">i4", pa.int32()),
    "K": (">i8", pa.int64()),
    "E": (">f4", pa.float32()),
    "D": (">f8", pa.float64()),
}
# (letter, TZERO) with TSCAL 1 -> the type that the offset stands for; section 7.3.2
OFFSET = {
    ("B", -(2**7)): pa.int8(),
    ("I", 2**15): pa.uint16(),
    ("J", 2**31): pa.uint32(),
    ("K", 2**63): pa.uint64(),
}
FORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])(.*)")


@dataclass(frozen=True)
class Element:
    """How one value of a column is stored and what it stands for."""

    letter: str
    scale: float | int = 1
    zero: float | int = 0
    null: int | None = None
    """The stored whole number that means a missing value."""
    encoding: str = "utf8"

    @property
    def width(self) -> int:
        """Bytes of one stored value."""
        return int(np.dtype(self.stored).itemsize)

    @property
    def stored(self) -> str:
        """The numpy type on disk."""
        return NUMBERS[self.letter][0] if self.letter in NUMBERS else "u1"

    @property
    def kind(self) -> pa.DataType:
        """The Arrow type of a value."""
        if self.letter in {"L", "X"}:
            return pa.bool_()
        if self.letter == "A":
            return pa.string()
        if self.scale == 1 and self.zero == 0:
            return NUMBERS[self.letter][1]
        return self._offset or pa.float64()

    @property
    def _offset(self) -> pa.DataType | None:
        return OFFSET.get((self.letter, int(self.zero))) if self.scale == 1 else None

    def array(self, values: NDArray[Any]) -> pa.Array:
        """Stored numbers, (n,) of any byte order, as Arrow."""
        if self.letter == "L":
            return pa.array(values == ord("T"), mask=(values != ord("T")) & (values != ord("F")))
        mask = values == self.null if self.null is not None else None
        native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="), copy=False)
        if mask is not None and not mask.any():
            mask = None
        if self.scale == 1 and self.zero == 0:
            return pa.array(native, mask=mask)
        if self._offset is not None:
            return pa.array(_shifted(native, self._offset), mask=mask)
        return pa.array(native.astype(np.float64) * self.scale + self.zero, mask=mask)


def _shifted(values: NDArray[Any], kind: Any) -> Any:
    """Whole numbers whose sign bit is turned over, as `kind`: exact at both ends."""
    unsigned = values.view(f"u{values.itemsize}")
    top = unsigned.dtype.type(1 << (8 * values.itemsize - 1))
    return (unsigned ^ top).view(kind.to_pandas_dtype())


@dataclass(frozen=True)
class Column:
    """One column of a binary table."""

    name: str
    element: Element
    repeat: int
    """Values in a row; characters for text."""
    offset: int
    """Byte within the row."""
    width: int
    """Bytes within the row."""
    text_width: int = 0
    """Characters of one text where a row holds several."""
    heap: str = ""
    """P or Q where the row holds a pointer (count, byte) to 4- or 8-byte numbers."""
    shape: str = ""
    """TDIM as the file says it, empty for a plain vector or a single value."""

    @property
    def kind(self) -> pa.DataType:
        """The Arrow type of the column."""
        single = self.element.kind
        if self.heap:
            return single if self.element.letter == "A" else pa.list_(single)
        if self.element.letter == "A":
            return pa.list_(single, self.repeat // self.text_width) if self.text_width else single
        if self.repeat == 1 and not self.shape:
            return single
        return pa.list_(single, self.repeat)

    @property
    def stored(self) -> Any:
        """The numpy type of the row's bytes."""
        if self.heap:
            return np.dtype((">i4" if self.heap == "P" else ">i8", (2,)))
        if self.element.letter == "A":
            return np.dtype(("S", self.text_width or self.repeat))
        if self.element.letter == "X":
            return np.dtype(("u1", (self.width,)))
        return np.dtype((self.element.stored, (self.repeat,)))


def parse_column(header: Header, number: int, offset: int, encoding: str) -> Column:
    """Column `number` (from 1) that begins at byte `offset` of the row.

    Raises IngestError for a TFORM that is none, FormatError for complex numbers.
    """
    name = header.text(f"TTYPE{number}") or f"col{number}"
    form = FORM.fullmatch(header.text(f"TFORM{number}"))
    if form is None:
        raise IngestError(
            f"TFORM{number} of column {name!r} is {header.text(f'TFORM{number}')!r}, but a form "
            "such as 1D or 20A is needed"
        )
    repeat, letter, rest = int(form[1] or 1), form[2], form[3]
    heap = letter if letter in "PQ" else ""
    letter = (rest.strip()[:1] or "?") if heap else letter
    if letter in "CM":
        raise complex_refused(name)
    if letter not in {*NUMBERS, "L", "A"} and (heap or letter != "X"):
        raise IngestError(f"TFORM{number} of column {name!r} is {form[0]!r}, which is unknown")
    element = _element(header, number, letter, encoding)
    width = _width(heap, letter, repeat, element.width)
    shape = "" if heap else header.text(f"TDIM{number}")
    text_width = _text_width(letter, repeat, rest, shape) if not heap else 0
    return Column(name, element, repeat, offset, width, text_width, heap, shape)


def _element(header: Header, number: int, letter: str, encoding: str) -> Element:
    if letter in "ALX":
        return Element(letter, encoding=encoding)
    null = header.values.get(f"TNULL{number}")
    return Element(
        letter,
        header.number(f"TSCAL{number}", 1),
        header.number(f"TZERO{number}", 0),
        null if isinstance(null, int) and letter in "BIJK" else None,
    )


def _width(heap: str, letter: str, repeat: int, size: int) -> int:
    if heap:
        return min(repeat, 1) * (8 if heap == "P" else 16)
    return math.ceil(repeat / 8) if letter == "X" else repeat * size


def _text_width(letter: str, repeat: int, rest: str, shape: str) -> int:
    """Characters of each text of several in a row, 0 where a row holds one (TDIM or rAw)."""
    if letter != "A":
        return 0
    if stated := re.match(r"\s*\(\s*(\d+)\s*,", shape):
        width = int(stated[1])
    else:
        word = re.match(r"(\d+)\s*$", rest)
        width = int(word[1]) if word and int(word[1]) < repeat else 0
    return width if width > 0 and repeat % width == 0 else 0


def row_type(columns: list[Column], width: int) -> Any:
    """The numpy type of a whole row, `width` bytes."""
    filled = [column for column in columns if column.width]
    return np.dtype(
        {
            "names": [column.name for column in filled],
            "formats": [
                np.dtype((column.stored, (column.repeat // column.text_width,)))
                if column.text_width
                else column.stored
                for column in filled
            ],
            "offsets": [column.offset for column in filled],
            "itemsize": width,
        }
    )


def decode(column: Column, rows: NDArray[Any]) -> pa.Array:
    """A column that lies in the rows themselves (not in the heap) as Arrow."""
    count = len(rows)
    if not column.width:
        empty = "" if column.element.letter == "A" else []
        return pa.array([empty] * count, column.kind)
    values = rows[column.name]
    if column.element.letter == "A":
        texts = _texts(values.reshape(-1), column)
        return fixed_lists(texts, len(texts) // count, count) if column.text_width else texts
    if column.element.letter == "X":
        flat = np.unpackbits(values, axis=1)[:, : column.repeat].reshape(-1).astype(bool)
        array = pa.array(flat)
    else:
        array = column.element.array(values.reshape(-1))
    return fixed_lists(array, column.repeat, count) if pa.types.is_nested(column.kind) else array


def _texts(values: NDArray[Any], column: Column) -> pa.Array:
    """Texts without trailing blanks; one that begins with NUL is null (section 7.3.3.1)."""
    cells = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    null = cells[:, 0] == 0
    ends = np.where((cells == 0).any(axis=1), (cells == 0).argmax(axis=1), cells.shape[1])
    inside = np.arange(cells.shape[1]) < ends[:, None]
    solid = inside & (cells != ord(" "))
    lengths = np.where(solid.any(axis=1), cells.shape[1] - solid[:, ::-1].argmax(axis=1), 0)
    return text_array(cells, lengths, null, column)


def text_array(
    cells: NDArray[np.uint8], lengths: NDArray[np.int64], null: NDArray[np.bool_], column: Column
) -> pa.Array:
    """The first `lengths` bytes of each row of cells, (n, width), as text."""
    data = cells[np.arange(cells.shape[1]) < lengths[:, None]].tobytes()
    return texts_of(data, lengths, null, column.name, column.element.encoding)


def texts_of(
    data: bytes, lengths: NDArray[np.int64], null: NDArray[np.bool_], name: str, encoding: str
) -> pa.Array:
    """Texts that lie one behind another. Raises IngestError where bytes are not of the encoding."""
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    valid = pa.py_buffer(np.packbits(~null, bitorder="little").tobytes()) if null.any() else None
    buffers = [valid, pa.py_buffer(ends.tobytes()), pa.py_buffer(data)]
    raw = pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers)
    try:
        if encoding in {"utf8", "utf-8"} or data.isascii():
            return raw.cast(pa.large_string()).cast(pa.string())
        return pa.array(
            [None if v is None else v.decode(encoding) for v in raw.to_pylist()], "string"
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise IngestError(
            f"column {name!r} holds bytes that are not {encoding}; text is needed: pass "
            "encoding='latin-1', or mend the file"
        ) from error
