"""The rows of a delimited text file: blocks of text columns, and text turned into typed columns."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from skyquarry.catalog.formats.texttypes import castable
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.catalog.formats.inputs import Input

BLOCK_BYTES = 8 << 20
SPACED_ROWS = 20_000


@dataclass(frozen=True)
class Layout:
    """How the rows of a text file are laid out."""

    names: tuple[str, ...]
    delimiter: str
    skip: int
    """Lines above the first row."""
    nulls: tuple[str, ...]
    """Unquoted words that mean a missing value."""
    encoding: str
    spaced: bool
    """Blanks stand between the delimiter and an opening quote."""
    quoted_null: bool = False
    """A quoted word of `nulls` means a missing value too."""
    unnamed: tuple[str, ...] = ()
    """Those of `names` that the file does not have."""


def texts(source: Input, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Blocks of rows, every column text, nulls found. Raises IngestError for a ragged row."""
    rows = _spaced(source, layout) if layout.spaced else _arrow(source, layout)
    try:
        yield from rows
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise IngestError(
            f"{source.name} is not a sound text table ({str(error)[:300]}); every row needs "
            f"{len(layout.names)} fields in {layout.encoding}: mend the row, or pass delimiter= "
            "or encoding='latin-1'"
        ) from error


def _arrow(source: Input, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Rows by Arrow's parser."""
    text = pa.string()
    with source.open() as file:
        if _ends_after(file, layout.skip):
            return
        file.seek(0)
        yield from arrow_csv.open_csv(
            file,
            arrow_csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=list(layout.names),
                skip_rows=layout.skip,
                encoding=layout.encoding,
            ),
            arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(layout.names) > 1,  # alone, an empty line is a null
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, text),
                null_values=list(layout.nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=layout.quoted_null,
            ),
        )


def _ends_after(file: BinaryIO, lines: int) -> bool:
    """Whether nothing stands below so many lines (ends of any kind)."""
    text = io.TextIOWrapper(cast("io.BufferedReader", file), "latin-1", newline=None)
    try:
        for _ in range(lines):
            text.readline(1 << 24)
        return not text.read(1)
    finally:
        text.detach()


def _spaced(source: Input, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Rows by Python's parser, which knows blanks before a quote; values are stripped."""
    with source.open() as file:
        text = io.TextIOWrapper(file, layout.encoding.replace("utf8", "utf-8-sig"), newline="")
        for _ in range(layout.skip):
            text.readline()
        rows = csv.reader(text, delimiter=layout.delimiter, skipinitialspace=True)
        whole = (_whole(row, layout, rows.line_num) for row in rows if row)
        while block := list(itertools.islice(whole, SPACED_ROWS)):
            columns = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
            yield pa.record_batch(columns, names=list(layout.names))


def _whole(row: list[str], layout: Layout, line: int) -> list[str | None]:
    if len(row) != len(layout.names):
        raise csv.Error(f"line {line + layout.skip} has {len(row)} fields")
    stripped = (value.strip() for value in row)
    return [None if value in layout.nulls else value for value in stripped]


def converted(batch: pa.RecordBatch, schema: pa.Schema, before: int, file: str) -> pa.RecordBatch:
    """Text columns as the types of the schema; `before` rows of the file stand above the batch."""
    columns = [typed_texts(batch.column(field.name), field, before, file) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def typed_texts(text: pa.Array, field: pa.Field, before: int, file: str) -> pa.Array:
    """A text column as the type of the field; raises IngestError naming row and column."""
    if pa.types.is_string(field.type):
        return text
    plain = bare(text)
    column = castable(plain, field.type)
    if column is None:
        row = _first_misfit(plain, field.type)
        raise IngestError(
            f"{file} has {text[row].as_py()!r} in column {field.name!r} at data row "
            f"{before + row + 1}, where the rows above have {field.type}; one type is needed: "
            f"pass types={{{field.name!r}: 'string'}} or infer='all', or mend the row"
        )
    return column


def bare(text: pa.Array) -> pa.Array:
    """Text without blanks around it or a plus sign before it; nothing becomes null."""
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), r"^\+", "")
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _first_misfit(text: pa.Array, kind: pa.DataType) -> int:
    """The first row whose text is not of the type, by halving."""
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if castable(text.slice(low, middle - low), kind) is None
            else (middle, high)
        )
    return low
