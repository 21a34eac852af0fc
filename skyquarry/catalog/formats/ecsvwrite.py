"""ECSV 1.0 written as a stream: a null is an empty cell, an empty text a quoted one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from skyquarry.catalog.formats.fitscells import iso_text, plain_type
from skyquarry.catalog.formats.table import PROVENANCE, said
from skyquarry.catalog.formats.textwrite import as_json, is_list
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCALARS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 string"


def write(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> int:
    """Stream batches into an ECSV file; rows written.

    Lists are JSON text with their subtype, moments ISO 8601 text. Raises FormatError for structs
    and bytes.
    """
    columns = [_column(field) for field in schema]
    text = pa.schema([(f.name, _written(f.type)) for f in schema])
    rows = 0
    with path.open("wb") as file:
        file.write(_header(schema, columns).encode())
        options = arrow_csv.WriteOptions(delimiter=",")
        with arrow_csv.CSVWriter(file, text, write_options=options) as writer:
            for batch in batches:
                arrays = [_as_written(c) for c in batch.columns]
                writer.write(pa.RecordBatch.from_arrays(arrays, schema=text))
                rows += batch.num_rows
    return rows


def _written(kind: pa.DataType) -> pa.DataType:
    plain = plain_type(kind)
    return pa.string() if is_list(plain) or pa.types.is_boolean(plain) else plain


def _as_written(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return iso_text(column)
    if is_list(column.type):
        return as_json(column)
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "True", "False")
    return column.cast(plain_type(column.type))


def _column(field: pa.Field) -> dict[str, object]:
    """What the header says of a column. Raises FormatError where ECSV has no type for it."""
    kind = plain_type(field.type)
    one = kind.value_type if is_list(kind) else kind
    told: dict[str, object] = {"name": field.name}
    if unit := said(field.metadata, "unit"):
        told["unit"] = unit
    if is_list(kind):
        size = kind.list_size if pa.types.is_fixed_size_list(kind) else "null"
        told |= {"datatype": "string", "subtype": f"{_name(one, field)}[{size}]"}
    else:
        told["datatype"] = _name(one, field)
    if description := said(field.metadata, "description"):
        told["description"] = description
    notes = {key: said(field.metadata, key) for key in ("ucd", "utype")}
    told["meta"] = {key: text for key, text in notes.items() if text}
    return told


def _name(kind: pa.DataType, field: pa.Field) -> str:
    name = {"float": "float32", "double": "float64", "halffloat": "float32"}.get(
        str(kind), str(kind)
    )
    if name not in {*SCALARS.split(), "float32", "float64"}:
        raise FormatError(
            f"column {field.name!r} is {field.type}, which ECSV cannot hold: leave the column "
            "out, or write Parquet"
        )
    return name


def _header(schema: pa.Schema, columns: list[dict[str, object]]) -> str:
    """The YAML header; every text is a JSON string, which YAML reads."""
    lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for column in columns:
        meta = column.pop("meta")
        told = ", ".join(f"{key}: {json.dumps(text)}" for key, text in column.items())
        notes = f", meta: {json.dumps(meta)}" if meta else ""
        lines.append(f"- {{{told}{notes}}}")
    about = {
        key: said(schema.metadata, key)
        for key in ("name", "description", "frame", "epoch", PROVENANCE)
    }
    about = {key: text for key, text in about.items() if text}
    if about:
        lines.append(f"meta: {json.dumps(about)}")
    lines.append("schema: astropy-2.0")
    return "".join(f"# {line}\n" for line in lines)
