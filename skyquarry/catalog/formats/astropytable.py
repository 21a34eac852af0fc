"""An astropy Table as Arrow: units, descriptions and masks kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.table import metadata_of
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_arrow(table: Any) -> pa.Table:
    """An astropy Table as an Arrow table; masked values become null, NaN stays NaN.

    Raises FormatError for a mixin column (SkyCoord, ...) other than Quantity and Time.
    """
    columns = [_array(table[name], name) for name in table.colnames]
    fields = [
        pa.field(name, column.type, metadata=_meaning(table[name]))
        for name, column in zip(table.colnames, columns, strict=True)
    ]
    about = metadata_of(description=table.meta.get("description", ""))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=about or None))


def _meaning(column: Any) -> dict[bytes, bytes] | None:
    info = column.info
    notes = info.meta or {}
    unit = "" if info.unit is None else unit_text(info.unit)
    texts = {"unit": unit, "description": info.description}
    inner = getattr(column, "shape", ())[1:]
    shape = f"({','.join(map(str, reversed(inner)))})" if len(inner) > 1 else None
    told = metadata_of(**texts, ucd=notes.get("ucd"), utype=notes.get("utype"), tdim=shape)
    return told or None


def unit_text(unit: Any) -> str:
    """A unit as VOUnit text, or as astropy prints it where VOUnit has no word for it."""
    try:
        return str(unit.to_string("vounit"))
    except (ValueError, TypeError):
        return str(unit)


def _array(column: Any, name: str) -> pa.Array:
    if hasattr(column, "datetime64"):  # astropy.time.Time
        return pa.array(np.asarray(column.datetime64).astype("datetime64[ns]"))
    if hasattr(column, "mask") or hasattr(column, "value") or hasattr(column, "dtype"):
        values = np.ma.asarray(getattr(column, "value", column))
        return numpy_array(np.ma.getdata(values), np.ma.getmaskarray(values), name)
    raise FormatError(
        f"column {name!r} is a {type(column).__name__}, which Arrow cannot hold: give plain "
        "columns, such as ra and dec in degrees"
    )


def numpy_array(values: NDArray[Any], mask: NDArray[np.bool_] | None, name: str) -> pa.Array:
    """A numpy column of any number of dimensions as Arrow; masked values become null.

    values: (n, ...); more than one dimension becomes fixed-size lists, one level of n-1 products.
    """
    if values.dtype.kind == "c":
        raise complex_refused(name)
    if values.ndim > 1:
        width = int(np.prod(values.shape[1:]))
        inner = numpy_array(values.reshape(-1), None if mask is None else mask.reshape(-1), name)
        return fixed_lists(inner, width, len(values))
    if values.dtype.kind == "S":
        return pa.array([_text(v, name) for v in values.tolist()], pa.string(), mask=mask)
    if values.dtype.kind == "O":
        return pa.array(_lists(values, mask))
    native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))
    return pa.array(native, mask=mask if mask is not None and mask.any() else None)


def fixed_lists(values: pa.Array, width: int, rows: int) -> pa.Array:
    """Flat values as `rows` lists of `width` each."""
    kind = pa.list_(values.type, width)
    return pa.Array.from_buffers(kind, rows, [None], children=[values])


def complex_refused(name: str) -> FormatError:
    """The error for a column of complex numbers."""
    return FormatError(
        f"column {name!r} holds complex numbers, which catalogues here cannot hold: split it into "
        "a real and an imaginary column"
    )


def _text(value: bytes, name: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(
            f"column {name!r} holds the bytes {value[:40]!r}, which are not UTF-8: decode it first"
        ) from None


def _lists(values: NDArray[Any], mask: NDArray[np.bool_] | None) -> list[Any]:
    masks = np.zeros(len(values), bool) if mask is None else mask
    return [
        None if hidden else (v.tolist() if isinstance(v, np.ndarray) else v)
        for v, hidden in zip(values, masks, strict=True)
    ]
