"""HDF5 tables written as a stream: a group with a dataset a column, appended block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.fitscells import iso_text, plain_type
from skyquarry.catalog.formats.hdf5layouts import MASK
from skyquarry.catalog.formats.table import said
from skyquarry.catalog.formats.textwrite import is_list
from skyquarry.errors import FormatError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CHUNK_ROWS = 16_384


def write(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, *, table: str = "table"
) -> int:
    """Stream batches into a group of datasets, one a column; rows written.

    A column with nulls has a dataset `NAME.__mask__` beside it, true where the value is missing.
    Raises FormatError for structs and lists of texts, MissingExtraError without h5py.
    """
    try:
        import h5py
    except ImportError:
        raise missing_extra("h5py", "hdf5", "writing an HDF5 table") from None
    kinds = [_stored(field) for field in schema]
    rows = 0
    with h5py.File(path, "w", track_order=True) as file:
        group = file.create_group(table, track_order=True)
        _describe(group, schema)
        for field, kind in zip(schema, kinds, strict=True):
            _column(group, field, kind)
        for batch in batches:
            for field, column in zip(schema, batch.columns, strict=True):
                _append(group, field, column, rows)
            rows += batch.num_rows
        _complete_masks(group, rows)
    return rows


def _describe(group: Any, schema: pa.Schema) -> None:
    import h5py

    group.attrs["columns"] = np.array(schema.names, h5py.string_dtype())
    for key in ("name", "description", "frame", "epoch"):
        if text := said(schema.metadata, key):
            group.attrs[key] = text


def _stored(field: pa.Field) -> Any:
    """The HDF5 type of one value. Raises FormatError where there is none."""
    import h5py

    if "/" in field.name or "\0" in field.name or field.name in {"", "."}:
        raise FormatError(
            f"column {field.name!r} has a name that HDF5 cannot hold, where a slash parts folders; "
            "a name without slashes, not empty and not a dot, is needed: rename it, or write "
            "Parquet"
        )
    kind = plain_type(field.type)
    one = kind.value_type if is_list(kind) else kind
    varies = is_list(kind) and not pa.types.is_fixed_size_list(kind)
    if one == pa.string() and not is_list(kind):
        return h5py.string_dtype()
    plain = pa.types.is_boolean(one) or pa.types.is_integer(one) or pa.types.is_floating(one)
    if not plain:
        raise FormatError(
            f"column {field.name!r} is {field.type}, which HDF5 cannot hold here: leave the column "
            "out, or write Parquet"
        )
    stored = np.dtype(one.to_pandas_dtype())
    return h5py.vlen_dtype(stored) if varies else stored


def _column(group: Any, field: pa.Field, kind: Any) -> None:
    shape = (field.type.list_size,) if pa.types.is_fixed_size_list(field.type) else ()
    dataset = group.create_dataset(
        field.name, (0, *shape), maxshape=(None, *shape), dtype=kind, chunks=(CHUNK_ROWS, *shape)
    )
    for key in ("unit", "ucd", "utype", "description"):
        if text := said(field.metadata, key):
            dataset.attrs[key] = text


def _append(group: Any, field: pa.Field, column: pa.Array, rows: int) -> None:
    if len(column) == 0:
        return
    dataset = group[field.name]
    dataset.resize(rows + len(column), axis=0)
    dataset[rows:] = _values(column, field)
    if column.null_count:
        name = f"{field.name}{MASK}"
        if name not in group:
            group.create_dataset(name, (0,), bool, maxshape=(None,), chunks=(CHUNK_ROWS,))
        group[name].resize(rows + len(column), axis=0)
        group[name][rows:] = column.is_null().to_numpy(zero_copy_only=False)


def _complete_masks(group: Any, rows: int) -> None:
    for name in group:
        if name.endswith(MASK):
            group[name].resize(rows, axis=0)


def _values(column: pa.Array, field: pa.Field) -> Any:
    kind = plain_type(column.type)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = iso_text(column)
    elif column.type != kind:
        column = column.cast(kind)
    if kind == pa.string():
        return np.array([text or "" for text in column.to_pylist()], object)
    if not is_list(kind):
        return _filled(column)
    if pa.types.is_fixed_size_list(kind):
        return _flat(column, field).reshape(len(column), kind.list_size)
    lists = np.empty(len(column), object)
    for i, item in enumerate(column):
        values = item.values if item.is_valid else pa.array([], kind.value_type)
        lists[i] = _filled(_whole(values, field))
    if len({len(each) for each in lists}) == 1:
        return np.stack(list(lists))  # h5py takes lists of one length for a table of two dimensions
    return lists


def _whole(values: pa.Array, field: pa.Field) -> pa.Array:
    """The values inside lists. Raises FormatError where one is null and no NaN can say so."""
    if values.null_count and not pa.types.is_floating(values.type):
        raise FormatError(
            f"column {field.name!r} has lists with nulls inside, which HDF5 cannot hold for "
            f"{values.type}: fill them, or write Parquet"
        )
    return values


def _flat(column: pa.Array, field: pa.Field) -> Any:
    """Every value of fixed lists; those of a null list do not count."""
    valid = np.repeat(column.is_valid().to_numpy(zero_copy_only=False), column.type.list_size)
    values = _filled(_whole(column.drop_null().flatten(), field))
    flat = np.zeros(len(valid), values.dtype)
    flat[valid] = values
    return flat


def _filled(values: pa.Array) -> Any:
    if values.null_count and pa.types.is_floating(values.type):
        values = pc.fill_null(values, float("nan"))
    elif values.null_count:
        zero = pa.scalar(0).cast(values.type)
        values = pc.fill_null(values, zero)
    return values.to_numpy(zero_copy_only=False)
