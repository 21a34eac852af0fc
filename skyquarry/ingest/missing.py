"""What means "missing" in a survey's columns becomes null: NaN, and the survey's own sentinels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc


def nan_to_null(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """The column with NaN as null, at any depth of lists and structs; and how many there were."""
    if not _holds_floats(column.type):
        return column, 0
    chunks, count = [], 0
    for chunk in column.chunks:
        changed, found = _without_nan(chunk)
        chunks.append(changed)
        count += found
    return (pa.chunked_array(chunks, column.type), count) if count else (column, 0)


def sentinels_to_null(
    column: pa.ChunkedArray, sentinels: tuple[float | str, ...]
) -> tuple[pa.ChunkedArray, int]:
    """The column with values equal to a sentinel as null; and how many there were.

    A float32 column is compared in float32: its -99.9 is the number nearest to -99.9. Texts are
    compared without blanks around them. A sentinel of the other kind never matches.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pa.array([s.strip() for s in sentinels if isinstance(s, str)], kind)
        hit = pc.is_in(pc.utf8_trim_whitespace(column), value_set=texts, skip_nulls=True)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        hit = pc.is_in(column, value_set=_numbers(sentinels, kind), skip_nulls=True)
    else:
        return column, 0
    count = int(pc.sum(hit).as_py() or 0)
    return (pc.if_else(hit, pa.scalar(None, kind), column), count) if count else (column, 0)


def _numbers(sentinels: tuple[float | str, ...], kind: Any) -> pa.Array:
    """The sentinels that a column of this type can hold, in that type."""
    numbers = [s for s in sentinels if not isinstance(s, str)]
    if pa.types.is_floating(kind):
        with np.errstate(over="ignore"):
            return pa.array(np.asarray(numbers, dtype=kind.to_pandas_dtype()), kind)
    limits = np.iinfo(kind.to_pandas_dtype())
    whole = [int(s) for s in numbers if float(s).is_integer()]
    return pa.array([s for s in whole if limits.min <= s <= limits.max], kind)


def _holds_floats(kind: Any) -> bool:
    if pa.types.is_floating(kind):
        return True
    if pa.types.is_struct(kind):
        return any(_holds_floats(kind.field(i).type) for i in range(kind.num_fields))
    return _is_list(kind) and _holds_floats(kind.value_type)


def _is_list(kind: Any) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _without_nan(array: Any) -> tuple[Any, int]:
    if pa.types.is_floating(array.type):
        return _floats_without_nan(array)
    if pa.types.is_struct(array.type):
        return _struct_without_nan(array)
    if _is_list(array.type) and _holds_floats(array.type):
        return _list_without_nan(array)
    return array, 0


def _floats_without_nan(array: Any) -> tuple[Any, int]:
    size = len(array)
    values = np.frombuffer(array.buffers()[1], array.type.to_pandas_dtype())[
        array.offset : array.offset + size
    ]
    nan = np.isnan(values)
    if not nan.any():
        return array, 0
    held = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else True
    count = int((nan & held).sum())
    if not count:
        return array, 0
    valid = np.packbits(~nan & held, bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(array.type, size, buffers), count


def _struct_without_nan(array: Any) -> tuple[Any, int]:
    names = [array.type.field(i) for i in range(array.type.num_fields)]
    # flatten() gives a null field for a null struct, so a NaN beneath a null is not counted
    changed = [_without_nan(child) for child in array.flatten()]
    count = sum(found for _, found in changed)
    if not count:
        return array, 0
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays([c for c, _ in changed], fields=names, mask=mask), count


def _list_without_nan(array: Any) -> tuple[Any, int]:
    """A list array with its NaN as null. Values beneath a null list are dropped first."""
    if pa.types.is_fixed_size_list(array.type):
        return _fixed_list_without_nan(array)
    values, count = _without_nan(array.flatten())
    if not count:
        return array, 0
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    wide = pa.types.is_large_list(array.type)
    offset_array = pa.array(offsets, pa.int64() if wide else pa.int32())
    build = pa.LargeListArray if wide else pa.ListArray
    mask = array.is_null() if array.null_count else None
    return build.from_arrays(offset_array, values, type=array.type, mask=mask), count


def _fixed_list_without_nan(array: Any) -> tuple[Any, int]:
    size = array.type.list_size
    values = array.values.slice(array.offset * size, len(array) * size)
    values, count = _without_nan(values)
    if not count:
        return array, 0
    mask = array.is_null() if array.null_count else None
    return pa.FixedSizeListArray.from_arrays(values, type=array.type, mask=mask), count
