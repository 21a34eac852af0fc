"""Columns made of numpy arrays without a copy: what is missing is a bitmap beside the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.kernels import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_LONGEST = (1 << 31) - 1
"""Bytes that the texts of one array may have."""


def column(values: NDArray[Any], kind: pa.DataType, valid: Mask | None = None) -> pa.Array:
    """The values (n,) as they lie there; null where not `valid` (n,).

    They are of the width of `kind`; booleans are packed.
    """
    bits = None if valid is None else _packed(valid)
    if values.dtype == bool:
        return pa.Array.from_buffers(kind, len(values), [bits, _packed(values)])
    held = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [bits, held])


def known(values: NDArray[Any], kind: pa.DataType, missing: int | None = None) -> pa.Array:
    """Floats (n,), null where NaN; `missing`: how many are, where that is known."""
    nan = np.isnan(values) if missing is None or missing else None
    return column(values, kind, None if nan is None or not nan.any() else ~nan)


def numbered(row: Ints) -> pa.Array:
    """Row numbers; null for rows of a catalogue on disk (-1), which are known by their id."""
    there = row >= 0
    if there.all():
        return from_numpy(row)
    return column(row, pa.int64(), there)


def nothing(kind: pa.DataType, size: int) -> pa.Array:
    """A column of nulls; of numbers: no memory is touched, for nobody looks beneath a null."""
    if not pa.types.is_integer(kind) or not size:
        return pa.nulls(size, kind)
    values = pa.py_buffer(np.zeros(size, kind.to_pandas_dtype()))
    return pa.Array.from_buffers(
        kind, size, [pa.py_buffer(np.zeros(-(-size // 8), np.uint8)), values]
    )


def words(index: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """The names of these numbers (n,)."""
    return pa.DictionaryArray.from_arrays(column(index, pa.int32()), _listed(names), safe=False)


def plain_ids(ids: pa.Array) -> Ints | None:
    """Ids that are int64, all there; None for others."""
    if ids.type != pa.int64() or ids.null_count:
        return None
    return to_numpy(ids)


def named(kind: NDArray[Any], prefixes: Sequence[str], numbers: Ints) -> pa.Array:
    """Texts (n,): the prefix of its kind (n,), then a number."""
    told = [prefix.encode() for prefix in prefixes]
    begin = np.concatenate([[0], np.cumsum([len(each) for each in told])])
    starts = np.empty(len(numbers) + 1, np.int32)
    size = texts.named_starts(kind, begin, numbers, starts)
    if size > _LONGEST:
        words_of = pa.array(list(prefixes), pa.string()).take(from_numpy(kind))
        return pc.binary_join_element_wise(words_of, from_numpy(numbers).cast(pa.string()), "")
    data = np.empty(size, np.uint8)
    texts.named(kind, begin, np.frombuffer(b"".join(told), np.uint8), numbers, starts, data)
    return _texts(starts, data)


def texts_at(names: pa.Array, index: Ints) -> pa.Array:
    """The texts with these numbers (n,)."""
    if names.null_count or not len(names):
        return names.take(from_numpy(index))
    starts, data = np.frombuffer(names.buffers()[1], np.int32), names.buffers()[2]
    starts = starts[names.offset : names.offset + len(names) + 1]
    at = np.empty(len(index) + 1, np.int32)
    size = texts.taken_starts(starts, index, at)
    if size > _LONGEST:
        return names.take(from_numpy(index))
    held, told = np.frombuffer(data, np.uint8), np.empty(size, np.uint8)
    texts.taken(starts, held, index, at, told)
    return _texts(at, told)


def where(array: pa.Array, valid: Mask) -> pa.Array:
    """The same values, null where not valid (n,): nothing is copied. The array has no nulls."""
    buffers = array.buffers()
    return pa.Array.from_buffers(array.type, len(array), [_packed(valid), *buffers[1:]])


def _listed(names: Sequence[str]) -> pa.Array:
    """The names as they are told; pandas is not loaded for it (`catalog/arrow.py`)."""
    told = [name.encode() for name in names]
    starts = np.cumsum([0, *map(len, told)], dtype=np.int32)
    return _texts(starts, np.frombuffer(b"".join(told), np.uint8))


def _texts(starts: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.Array:
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(starts) - 1, buffers)


def _packed(mask: Mask) -> pa.Buffer:
    return pa.py_buffer(np.packbits(mask, bitorder="little"))
