"""Columns to numpy and back without pandas.

`pa.array(...)` and `.to_numpy()` load pandas where it is installed, to know its types: 0.2 s and
more of a search from the shell. What is made of plain buffers needs no such question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Compute:
    """`pyarrow.compute`, loaded when something is first asked of it: 40 ms of a short command."""

    def __getattr__(self, name: str) -> Any:
        import pyarrow.compute

        return getattr(pyarrow.compute, name)


pc: Any = _Compute()
"""For modules that every command loads, and few need it."""

_TYPES = {np.dtype(np.int64): pa.int64(), np.dtype(np.float64): pa.float64()}


def to_numpy(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """The values of a column (n,); nulls as `to_numpy` gives them. Not to be written into."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    kind = column.type
    plain = is_number(kind)
    if not plain or column.null_count or not len(column):
        return _empty(kind) if plain and not len(column) else _general(column)
    parts = [chunk for chunk in chunks if len(chunk)]
    # joined by Arrow, whose pool has room at hand
    return np.from_dlpack(parts[0] if len(parts) == 1 else pa.concat_arrays(parts))


def from_numpy(values: NDArray[Any]) -> pa.Array:
    """An Arrow array over int64 or float64 values, without a copy; booleans are packed."""
    if values.dtype == bool:
        packed = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(packed)])
    kind = _TYPES.get(values.dtype)
    if kind is None:
        return pa.array(values)
    whole = np.ascontiguousarray(values)
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])


def is_number(kind: pa.DataType) -> bool:
    """Whether numpy has the type: integers, floats of 32 and 64 bits."""
    return bool(pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind))


def taken(column: pa.ChunkedArray, rows: NDArray[np.int64]) -> pa.ChunkedArray | pa.Array:
    """The values of these rows (m,) of a column, all of which it has.

    Numbers are taken by numpy, which does not ask whether the rows are there, and so needs a third
    of Arrow's time.
    """
    if not is_number(column.type) or column.null_count or not len(column):
        if column.num_chunks > 1:  # to find the chunk of each row would cost more than one copy
            column = column.combine_chunks()
        return column.take(from_numpy(rows))
    values = np.take(to_numpy(column), rows, mode="clip")
    return pa.Array.from_buffers(column.type, len(values), [None, pa.py_buffer(values)])


def _general(column: Any) -> NDArray[Any]:
    if isinstance(column, pa.ChunkedArray):
        values: NDArray[Any] = column.to_numpy()
    else:
        values = column.to_numpy(zero_copy_only=False)
    return values


def _empty(kind: Any) -> NDArray[Any]:
    return np.empty(0, kind.to_pandas_dtype())
