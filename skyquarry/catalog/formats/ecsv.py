"""ECSV: a YAML header that says types, units and meanings, above delimited rows (astropy APE 6)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.astropynotes import flat, load_yaml, unit_of
from skyquarry.catalog.formats.astropytable import complex_refused
from skyquarry.catalog.formats.ecsvwrite import write
from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    PROVENANCE,
    TableFile,
    chosen,
    metadata_of,
    recut,
    refuse_twins,
    single,
)
from skyquarry.catalog.formats.textbody import Layout, bare, texts, typed_texts
from skyquarry.catalog.formats.units import vounit
from skyquarry.errors import FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.catalog.formats.inputs import Input

__all__ = ["read", "write"]

LONGEST_LINE = 16 << 20
LONGEST_HEADER = 64 << 20
KINDS = {
    "bool": pa.bool_(), "string": pa.string(), "float16": pa.float32(), "float32": pa.float32(),
    "float64": pa.float64(), **{f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")()
                                for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


@dataclass(frozen=True)
class EcsvPart:
    """A whole ECSV file."""

    source: Input
    layout: Layout
    schema: pa.Schema
    nulls: tuple[str, ...]
    key: str = "all"
    rows: int | None = None

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; raises IngestError naming row and column of a value that is no such."""
        schema, before = chosen(self.schema, columns), 0
        for batch in texts(self.source, self.layout):
            arrays = [self._array(batch.column(f.name), f, before) for f in schema]
            yield from recut(iter([pa.RecordBatch.from_arrays(arrays, schema=schema)]), rows)
            before += batch.num_rows

    def _array(self, text: pa.Array, field: pa.Field, before: int) -> pa.Array:
        if pa.types.is_string(field.type):
            return text
        plain = bare(text)
        missing = pc.is_in(plain, pa.array([*self.nulls, "null"], pa.string()))
        plain = pc.if_else(missing, pa.scalar(None, pa.string()), plain)
        if pa.types.is_nested(field.type):
            return self._lists(plain, field, before)
        return typed_texts(plain, field, before, self.source.name)

    def _lists(self, text: pa.Array, field: pa.Field, before: int) -> pa.Array:
        try:
            values = [None if cell is None else json.loads(cell) for cell in text.to_pylist()]
            fixed = pa.types.is_fixed_size_list(field.type)
            return pa.array([_flat(v) if fixed else v for v in values], field.type)
        except (ValueError, TypeError, pa.ArrowException, RecursionError) as error:
            raise IngestError(
                f"{self.source.name} has a cell in column {field.name!r} within data rows "
                f"{before + 1} to {before + len(text)} that is no {field.type} "
                f"({str(error)[:120]}): mend the cell"
            ) from error


def _flat(value: Any) -> Any:
    """Nested lists as one list."""
    while isinstance(value, list) and value and isinstance(value[0], list):
        value = [item for inner in value for item in inner]
    return value


def read(source: Input, *, nulls: Sequence[str] = ("",)) -> TableFile:
    """An ECSV file; types, units and meanings are as its header says.

    nulls: words that mean a missing value, besides an empty cell; `null` always does for numbers.
    Raises IngestError where the header is no YAML or does not fit the names line, FormatError for
    complex numbers and floats of 128 bits.
    """
    lines, names_line = _header_lines(source)
    header = _parsed(source, lines)
    columns = header.get("datatype")
    if not isinstance(columns, list) or not all(
        isinstance(c, dict) and "name" in c for c in columns
    ):
        raise _damaged(source, "it has no list of columns under datatype:")
    delimiter = str(header.get("delimiter", " "))
    names = tuple(str(column["name"]) for column in columns)
    refuse_twins(names, source.name)
    _refuse_other_names(source, names, names_line, delimiter)
    schema = pa.schema([_field(c, source) for c in columns], metadata=_about(header) or None)
    layout = Layout(names, delimiter, len(lines) + 1, tuple({"", *nulls}), "utf8", spaced=False)
    layout = replace(layout, quoted_null=delimiter == " ")  # blanks cannot be left out
    return single(source, "ecsv", EcsvPart(source, layout, schema, tuple(nulls)))


def _header_lines(source: Input) -> tuple[list[str], str]:
    """The lines that begin with #, and the line of names."""
    lines: list[str] = []
    size = 0
    with source.open() as file:
        while True:
            raw = file.readline(LONGEST_LINE)
            size += len(raw)
            if not raw.startswith(b"#") and not (not lines and raw.startswith(b"\xef\xbb\xbf#")):
                return lines, raw.decode("utf-8", "replace").strip("\r\n")
            if size > LONGEST_HEADER:
                raise _damaged(source, f"its header is longer than {LONGEST_HEADER} bytes")
            lines.append(raw.decode("utf-8-sig", "replace").rstrip("\r\n"))


def _parsed(source: Input, lines: list[str]) -> dict[str, Any]:
    text = "\n".join(line[2:] for line in lines if not line.startswith("# %ECSV"))
    try:
        header = load_yaml(text)
    except ValueError as error:
        raise _damaged(source, str(error)) from error
    if not isinstance(header, dict):
        raise _damaged(source, "it is no map")
    return header


def _damaged(source: Input, fault: str) -> IngestError:
    return IngestError(
        f"{source.name} has a header that is no ECSV ({fault}); YAML with datatype: is needed: "
        "write the file again, or pass format='csv'"
    )


def _refuse_other_names(source: Input, names: tuple[str, ...], line: str, delimiter: str) -> None:
    import csv

    found = next(csv.reader([line], delimiter=delimiter), [])
    if tuple(found) != names:
        raise _damaged(source, f"it names {', '.join(names)}, but the line of names {line[:200]!r}")


def _field(column: dict[str, Any], source: Input) -> pa.Field:
    name, meta = str(column["name"]), flat(column.get("meta"))
    about = metadata_of(
        unit=vounit(unit_of(column.get("unit")), "generic"),
        ucd=meta.get("ucd") if isinstance(meta.get("ucd"), str) else None,
        utype=meta.get("utype") if isinstance(meta.get("utype"), str) else None,
        description=column.get("description"),
    )
    kind = _kind(str(column.get("datatype")), column.get("subtype"), name, source)
    return pa.field(name, kind, metadata=about or None)


def _kind(datatype: str, subtype: Any, name: str, source: Input) -> pa.DataType:
    stated = re.fullmatch(r"(\w+)\s*\[([\d, null]*)\]", str(subtype or ""))
    if datatype == "string" and stated:
        inner = _kind(stated[1], None, name, source)
        sizes = [word.strip() for word in stated[2].split(",")]
        if sizes == ["null"]:
            return pa.list_(inner)
        if all(size.isdigit() for size in sizes):
            count = 1
            for size in sizes:
                count *= int(size)
            return pa.list_(inner, count)
        return pa.string()  # ragged in more than one dimension: its JSON text
    if datatype.startswith("complex"):
        raise complex_refused(name)
    if datatype not in KINDS:
        raise FormatError(
            f"{source.name} says that column {name!r} is {datatype}; one of {', '.join(KINDS)} is "
            "needed: write the column as one of these"
        )
    return KINDS[datatype]


def _about(header: dict[str, Any]) -> dict[bytes, bytes]:
    meta = flat(header.get("meta"))
    told = {key: meta.get(key) for key in ("name", "description", "frame", "epoch", PROVENANCE)}
    return metadata_of(**{k: v for k, v in told.items() if isinstance(v, str | int | float)})
