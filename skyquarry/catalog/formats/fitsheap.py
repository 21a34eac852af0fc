"""Variable-length arrays of a FITS binary table: pointers into the heap (standard 4.0, 7.3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.fitscolumns import Column, texts_of
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SPAN = 256 << 20


def decode_heap(
    column: Column, pointers: NDArray[Any], file: BinaryIO, heap: tuple[int, int]
) -> pa.Array:
    """The arrays that pointers, (n, 2) of count and byte, point to.

    heap: first byte in the file and size. Raises IngestError for a pointer outside of it.
    """
    counts, offsets = pointers[:, 0].astype(np.int64), pointers[:, 1].astype(np.int64)
    sizes = counts * column.element.width
    _refuse_stray(column, counts, offsets, sizes, heap[1])
    data = _gathered(file, heap[0], offsets, sizes)
    if column.element.letter == "A":
        return _texts(data, counts, column)
    values = column.element.array(np.frombuffer(data, column.element.stored))
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values)


def _refuse_stray(
    column: Column,
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    heap_size: int,
) -> None:
    # sizes may overflow where counts are absurd: bound the counts first
    stray = (
        (counts < 0)
        | (counts > heap_size)
        | (counts > 0) & ((offsets < 0) | (offsets > heap_size) | (offsets + sizes > heap_size))
    )
    if stray.any():
        row = int(stray.argmax())
        raise IngestError(
            f"column {column.name!r} points to {counts[row]} values at byte {offsets[row]} of a "
            f"heap of {heap_size} bytes; a pointer inside of it is needed: fetch the file again"
        )
    if sizes.sum() > np.iinfo(np.int32).max:
        raise IngestError(
            f"column {column.name!r} holds {sizes.sum()} bytes in {len(sizes)} rows, more than a "
            "batch can hold: ask for fewer rows a batch"
        )


def _gathered(
    file: BinaryIO, start: int, offsets: NDArray[np.int64], sizes: NDArray[np.int64]
) -> bytes:
    """The bytes of every array, one behind another, in the order of rows."""
    filled = sizes > 0
    if not filled.any():
        return b""
    offsets, sizes = offsets[filled], sizes[filled]
    low, high = int(offsets.min()), int((offsets + sizes).max())
    if high - low > LARGEST_SPAN:
        return b"".join(_read(file, start + o, n) for o, n in zip(offsets, sizes, strict=True))
    span = _read(file, start + low, high - low)
    if (offsets[1:] == (offsets + sizes)[:-1]).all():
        return span
    view = memoryview(span)
    return b"".join(view[o - low : o - low + n] for o, n in zip(offsets, sizes, strict=True))


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(int(start))
    block = file.read(int(size))
    if len(block) < size:
        raise IngestError(
            f"the heap ends {size - len(block)} bytes early; a whole file is needed: fetch it again"
        )
    return block


def _texts(data: bytes, counts: NDArray[np.int64], column: Column) -> pa.Array:
    """Texts of the heap; one of no characters is empty, one that begins with NUL is null."""
    nothing = np.zeros(len(counts), bool)
    raw = texts_of(data, counts, nothing, column.name, column.element.encoding).to_pylist()
    texts = [None if t.startswith("\0") else t.partition("\0")[0].rstrip(" ") for t in raw]
    return pa.array(texts, pa.string())
