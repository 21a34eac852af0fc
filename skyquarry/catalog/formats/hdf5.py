"""HDF5 tables: a compound dataset, a group of columns (plain, vaex), or a pandas frame.

Nothing is unpickled: a pandas frame with pickled columns is refused.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.astropytable import complex_refused, numpy_array
from skyquarry.catalog.formats.hdf5layouts import Column, columns_of, find_table, notes_of
from skyquarry.catalog.formats.hdf5write import write
from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    metadata_of,
    refuse_twins,
    rows_within,
)
from skyquarry.catalog.formats.units import vounit
from skyquarry.catalog.formats.vocells import missing_where
from skyquarry.errors import FormatError, IngestError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats.inputs import Input

__all__ = ["read", "write"]

PART_ROWS = 1 << 20


@dataclass(frozen=True)
class Hdf5Part:
    """A range of rows of one table."""

    source: Input
    schema: pa.Schema
    columns: tuple[Column, ...]
    first: int
    rows: int
    row_bytes: int

    @property
    def key(self) -> str:
        """Rows, first and one past the last."""
        return f"rows {self.first}-{self.first + self.rows}"

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; raises IngestError where the file is damaged."""
        schema = chosen(self.schema, columns)
        named = {column.name: column for column in self.columns}
        step = rows_within(self.row_bytes, rows)
        with opened(self.source) as file:
            for start in range(self.first, self.first + self.rows, step):
                stop = min(start + step, self.first + self.rows)
                slices = _Slices(file, start, stop)
                arrays = [slices.array(named[f.name], f) for f in schema]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


class _Slices:
    """The same rows of several datasets, each dataset read once."""

    def __init__(self, file: Any, start: int, stop: int) -> None:
        self._file, self._start, self._stop = file, start, stop
        self._read: dict[str, Any] = {}

    def _values(self, path: str) -> Any:
        if path not in self._read:
            self._read[path] = self._file[path][self._start : self._stop]
        return self._read[path]

    def array(self, column: Column, field: pa.Field) -> pa.Array:
        """The rows of one column as Arrow."""
        values = self._values(column.path)
        if column.member is not None:
            values = values[column.member]
        elif column.index is not None:
            values = values[:, column.index]
        mask = self._values(column.mask).astype(bool) if column.mask else None
        return arrow_of(values, mask, field)


def arrow_of(values: Any, mask: Any, field: pa.Field) -> pa.Array:
    """Values of a dataset as a column of the field's type."""
    if values.dtype.kind == "O":
        items = [_item(value, field.name) for value in values.tolist()]
        hidden = mask if mask is not None else np.zeros(len(items), bool)
        shown = [None if gone else item for item, gone in zip(items, hidden, strict=True)]
        return pa.array(shown, field.type)
    array = numpy_array(np.asarray(values), None, field.name).cast(field.type)
    return array if mask is None else missing_where(array, mask)


def _item(value: Any, name: str) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise IngestError(f"column {name!r} holds bytes that are not UTF-8 text") from None
    return value.tolist() if isinstance(value, np.ndarray) else value


@contextmanager
def opened(source: Input) -> Iterator[Any]:
    """The open file. Raises MissingExtraError without h5py, IngestError for a damaged file."""
    try:
        import h5py
    except ImportError:
        raise missing_extra("h5py", "hdf5", "reading an HDF5 table") from None
    try:
        with h5py.File(source.where, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        raise IngestError(
            f"{source.name} is no whole HDF5 file ({str(error)[:200]}): fetch it again"
        ) from error


def read(source: Input, *, table: str | None = None) -> TableFile:
    """A table of an HDF5 file: the only one, or `table` by its path inside.

    Raises NotFoundError listing the tables, FormatError for pickled or complex columns.
    """
    source = source.local()
    with opened(source) as file:
        path = find_table(file, table, source.name)
        columns = tuple(columns_of(file, path, source.name))
        refuse_twins([column.name for column in columns], source.name)
        notes = notes_of(file, path)
        fields = [_field(file, column, notes.get(column.name, {})) for column in columns]
        schema = pa.schema(fields, metadata=_about(file[path]) or None)
        rows = _rows(file, columns, source.name)
        row_bytes = sum(_width(file, column) for column in columns)
    parts = tuple(
        Hdf5Part(source, schema, columns, first, min(PART_ROWS, rows - first), row_bytes)
        for first in range(0, rows, PART_ROWS)
    )
    return TableFile(source.name, "hdf5", schema, rows, source.size(), parts)


def _rows(file: Any, columns: tuple[Column, ...], name: str) -> int:
    lengths = {column.name: len(file[column.path]) for column in columns}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column} {length}" for column, length in list(lengths.items())[:8])
        raise IngestError(
            f"{name} has columns of different lengths ({told}); a table needs equal ones: pass "
            "table= with the path of one table"
        )
    return next(iter(lengths.values()), 0)


def _dtype(file: Any, column: Column) -> tuple[Any, tuple[int, ...]]:
    """The numpy type of one value and the shape of a cell."""
    dataset = file[column.path]
    if column.member is not None:
        kind = dataset.dtype[column.member]
        return (kind.base, kind.shape)
    shape = () if column.index is not None else dataset.shape[1:]
    return (dataset.dtype, shape)


def _width(file: Any, column: Column) -> int:
    kind, shape = _dtype(file, column)
    return int(kind.itemsize * np.prod(shape, dtype=np.int64))


def _field(file: Any, column: Column, note: dict[str, str]) -> pa.Field:
    kind, shape = _dtype(file, column)
    attributes = file[column.about].attrs if column.about else {}
    told = {
        key: note.get(key) or _text(attributes.get(key))
        for key in ("unit", "ucd", "utype", "description")
    }
    told["unit"] = vounit(told["unit"], "generic")
    one = _arrow_type(kind, column.name)
    arrow = pa.list_(one, int(np.prod(shape))) if shape else one
    return pa.field(column.name, arrow, metadata=metadata_of(**told) or None)


def _arrow_type(kind: Any, name: str) -> Any:
    import h5py

    if kind.kind == "c":
        raise complex_refused(name)
    if h5py.check_string_dtype(kind) is not None or kind.kind in "SU":
        return pa.string()
    inner = h5py.check_vlen_dtype(kind)
    if inner is not None:
        return pa.list_(_arrow_type(np.dtype(inner), name))
    if kind.kind not in "biuf" or kind.itemsize > 8:
        raise FormatError(
            f"column {name!r} is {kind}, which has no Arrow type here: make it numbers or text"
        )
    return pa.from_numpy_dtype(kind.newbyteorder("="))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _about(item: Any) -> dict[bytes, bytes]:
    told = {k: _text(item.attrs.get(k)) for k in ("name", "description", "frame", "epoch")}
    return metadata_of(**told)
