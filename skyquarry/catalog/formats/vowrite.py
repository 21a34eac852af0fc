"""Arrow columns as the records of BINARY2 and the cells of TABLEDATA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.fitscells import iso_text, plain_type
from skyquarry.catalog.formats.textwrite import is_list
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# VOTable has no signed byte and no unsigned words: the next wider type holds them.
WIDER: dict[Any, Any] = {
    pa.int8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.int64(),
}
STORED: dict[Any, str] = {
    pa.bool_(): "u1",
    pa.uint8(): "u1",
    pa.int16(): ">i2",
    pa.int32(): ">i4",
    pa.int64(): ">i8",
    pa.float32(): ">f4",
    pa.float64(): ">f8",
}
NO_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def writable(field: pa.Field) -> pa.Field:
    """The field as VOTable holds it. Raises FormatError where it cannot."""
    kind = _wider(plain_type(field.type))
    one = kind.value_type if is_list(kind) else kind
    if one not in STORED and kind != pa.string():
        raise FormatError(
            f"column {field.name!r} is {field.type}, which VOTable cannot hold: leave the column "
            "out, or write Parquet"
        )
    return pa.field(field.name, kind, metadata=field.metadata)


def _wider(kind: Any) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_wider(kind.value_type), kind.list_size)
    return pa.list_(_wider(kind.value_type)) if is_list(kind) else WIDER.get(kind, kind)


def _as_held(column: pa.Array, field: pa.Field) -> pa.Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return iso_text(column)
    try:
        return column if column.type == field.type else column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise FormatError(
            f"column {field.name!r} holds a number above 9223372036854775807, the largest that "
            f"VOTable has ({str(error)[:80]}): write FITS or Parquet"
        ) from error


def records(batch: pa.RecordBatch, schema: pa.Schema) -> bytes:
    """The rows of a batch one behind another, each behind its mask of nulls."""
    columns = [_as_held(c, f) for c, f in zip(batch.columns, schema, strict=True)]
    nulls = np.array([c.is_null().to_numpy(zero_copy_only=False) for c in columns])
    blocks = [np.packbits(nulls.T.reshape(batch.num_rows, len(columns)), axis=1)]
    pieces: list[Any] = []
    for column, field in zip(columns, schema, strict=True):
        if is_list(field.type) and not pa.types.is_fixed_size_list(field.type):
            pieces += [_joined(blocks), _lists(column, field)]
            blocks = []
        elif field.type == pa.string():
            pieces += [_joined(blocks), _texts(column)]
            blocks = []
        else:
            blocks.append(_bytes(column, field))
    pieces.append(_joined(blocks))
    present = [piece for piece in pieces if piece is not None]
    return b"".join(b"".join(row) for row in zip(*present, strict=True))


def _joined(blocks: list[NDArray[np.uint8]]) -> list[bytes] | None:
    """Columns of fixed width, (rows, bytes) each, as one piece a row."""
    if not blocks:
        return None
    block = np.ascontiguousarray(np.concatenate(blocks, axis=1))
    data, width = block.tobytes(), block.shape[1]
    return [data[i : i + width] for i in range(0, len(data), width)]


def _bytes(column: pa.Array, field: pa.Field) -> NDArray[np.uint8]:
    """(rows, bytes): the values of a column of fixed width; those of nulls do not count."""
    rows = len(column)
    flat = _flat(column, field) if is_list(field.type) else column
    return _elements(flat, field).view(np.uint8).reshape(rows, -1)


def _flat(column: pa.Array, field: pa.Field) -> pa.Array:
    """Every value of fixed lists; those of a null list are null."""
    size = column.type.list_size
    inside = column.drop_null().flatten()
    if pa.types.is_integer(inside.type) and inside.null_count:
        raise _null_inside(field)
    valid = np.repeat(column.is_valid().to_numpy(zero_copy_only=False), size)
    places = pa.array(np.cumsum(valid) - 1, mask=~valid)
    return inside.take(places)


def _elements(values: pa.Array, field: pa.Field) -> NDArray[Any]:
    kind = values.type
    nulls = values.is_null().to_numpy(zero_copy_only=False)
    if kind == pa.bool_():
        truth = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
        return np.where(nulls, ord("?"), np.where(truth, ord("T"), ord("F"))).astype("u1")
    if pa.types.is_floating(kind):
        plain = pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False)
    else:
        if is_list(field.type) and not pa.types.is_fixed_size_list(field.type) and nulls.any():
            raise _null_inside(field)
        plain = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(plain.astype(STORED[kind]))


def _null_inside(field: pa.Field) -> FormatError:
    return FormatError(
        f"column {field.name!r} has lists with nulls inside, which VOTable cannot hold for whole "
        "numbers: fill them, or write Parquet"
    )


def _lists(column: pa.Array, field: pa.Field) -> Iterator[bytes]:
    for values in column:
        if not values.is_valid:
            yield bytes(4)
            continue
        data = _elements(values.values, field)
        yield len(data).to_bytes(4, "big") + data.tobytes()


def _texts(column: pa.Array) -> Iterator[bytes]:
    for text in column.to_pylist():
        data = (text or "").encode("utf-16-be")
        yield (len(data) // 2).to_bytes(4, "big") + data


def cells(column: pa.Array, field: pa.Field) -> list[str]:
    """The cells of a column as TABLEDATA elements; a null is an empty one."""
    held = _as_held(column, field)
    return [f"<TD>{_cell(value, field)}</TD>" for value in held.to_pylist()]


def _cell(value: Any, field: pa.Field) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        if any(item is None for item in value) and not pa.types.is_floating(field.type.value_type):
            raise _null_inside(field)
        return " ".join("NaN" if item is None else _cell(item, field) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str) and (stray := NO_XML.search(value)):
        raise FormatError(
            f"column {field.name!r} holds the character {stray[0]!r}, which XML cannot hold: "
            "write serialization='binary2'"
        )
    return escape(str(value))


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    return repr(value) if abs(value) != float("inf") else ("+Inf" if value > 0 else "-Inf")
