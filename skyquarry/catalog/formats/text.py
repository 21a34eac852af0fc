"""CSV and TSV: read as text in blocks, then turned into the types that lose nothing."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    recut,
    refuse_twins,
    single,
)
from skyquarry.catalog.formats.textbody import Layout, converted, texts
from skyquarry.catalog.formats.texttypes import DECIMAL, narrowest
from skyquarry.catalog.formats.textwrite import write
from skyquarry.errors import ColumnError, FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skyquarry.catalog.formats.inputs import Input

__all__ = ["read", "write"]

NULLS = ("", "null", "NULL", "\\N")
SAMPLE_BYTES = 64 << 20
HEADER_BYTES = 1 << 20
DELIMITERS = ",;\t|"
SNIFFED_ROWS = 20


@dataclass(frozen=True)
class TextPart:
    """A whole CSV or TSV file."""

    source: Input
    layout: Layout
    schema: pa.Schema
    key: str = "all"
    rows: int | None = None

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows.

        Raises IngestError naming row and column of a value that is not of the column's type.
        """
        schema, before = chosen(self.schema, columns), 0
        for batch in texts(self.source, self.layout):
            typed = converted(self.tidied(batch), schema, before, self.source.name)
            yield from recut(iter([typed]), rows)
            before += batch.num_rows

    def tidied(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Text as it is to be read: here as it stands."""
        return batch


def read(
    source: Input,
    *,
    delimiter: str | None = None,
    types: Mapping[str, pa.DataType | str] | None = None,
    nulls: Sequence[str] = NULLS,
    encoding: str = "utf8",
    infer: Literal["auto", "all"] = "auto",
    names: Sequence[str] | None = None,
) -> TableFile:
    """A CSV or TSV file; the narrowest types that lose nothing are found from its first 64 MB.

    A column without a name is called `column_N`, N counted from 1, and its description says so.
    delimiter: without it, the one of , ; tab | that cuts the header and the first rows into the
    same number of fields, more than one; a comma where none does, or several.
    types: column -> Arrow type or its name, where the file is not to decide.
    nulls: unquoted words that mean a missing value.
    infer: "all" reads the whole file once more to find the types, however large it is.
    names: the columns, for a file without a header line.
    """
    layout = _layout(source, delimiter, tuple(nulls), encoding, names)
    refuse_twins(layout.names, source.name)
    sample = texts(source, layout)
    if infer == "auto":
        sample = _first(sample, SAMPLE_BYTES)
    found = dict(zip(layout.names, narrowest(sample, layout.names), strict=True))
    schema = pa.schema((found | _asked(types or {}, layout.names)).items())
    part = TextPart(source, layout, _with_unnamed(schema, layout.unnamed))
    return single(source, "tsv" if layout.delimiter == "\t" else "csv", part)


def _first(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        size -= batch.nbytes
        if size < 0:
            return


def _asked(types: Mapping[str, pa.DataType | str], names: Sequence[str]) -> dict[str, pa.DataType]:
    strange = [name for name in types if name not in names]
    if strange:
        raise ColumnError(
            f"types= names the column {strange[0]!r}, but the file has {', '.join(names)}: "
            "name one of these"
        )
    return {n: pa.type_for_alias(t) if isinstance(t, str) else t for n, t in types.items()}


def _layout(
    source: Input,
    given: str | None,
    nulls: tuple[str, ...],
    encoding: str,
    names: Sequence[str] | None,
) -> Layout:
    """Where the rows begin and what the columns are called, from the first megabyte."""
    start = _decoded(source, encoding)
    delimiter = given or _delimiter(start)
    spaced = _is_spaced(start, delimiter)
    comments = _comment_lines(start)
    below = start.split("\n")[len(comments) :]
    first, lines = _record(below, delimiter, spaced=spaced)
    header, skip = first, len(comments) + lines
    if names is not None:
        header, skip = list(names), len(comments)
    elif comments and _is_data(first):
        header, skip = _commented_header(comments, delimiter, len(first)), len(comments)
    _refuse_headless(header, first, source.name)
    named = _named(header, source.name)
    unnamed = tuple(name for name, before in zip(named, header, strict=True) if not before)
    return Layout(tuple(named), delimiter, skip, nulls, encoding, spaced, unnamed=unnamed)


def _is_spaced(start: str, delimiter: str) -> bool:
    """Whether blanks stand before an opening quote; what is quoted is passed over.

    Two tabs before a quote are blanks where fields are cut by something else, and an empty field
    where they are cut by tabs.
    """
    blank = "[ ]" if delimiter == "\t" else r"[ \t]"
    opening = rf"(?m:^|{re.escape(delimiter)})"
    quoted = r'"[^"]*(?:""[^"]*)*(?:"|\Z)'
    plain = re.sub(rf"({opening}{blank}*){quoted}", r'\1"', start)
    return bool(re.search(rf"{opening}{blank}+\"", plain))


def _delimiter(start: str) -> str:
    """The delimiter of a text: see `read`."""
    lines = start.split("\n")[len(_comment_lines(start)) :]
    fitting = [each for each in DELIMITERS if _is_even(lines, each)]
    return fitting[0] if len(fitting) == 1 else ","


def _is_even(lines: list[str], delimiter: str) -> bool:
    """Whether the first records have the same number of fields, more than one."""
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    try:
        widths = [len(record) for record in itertools.islice(reader, SNIFFED_ROWS) if record]
    except csv.Error:
        return False
    return bool(widths) and widths[0] > 1 and len(set(widths)) == 1


def _named(header: list[str], file: str) -> list[str]:
    """The header with a name for each column that has none, as the index of a pandas frame."""
    named = [name or f"column_{number}" for number, name in enumerate(header, 1)]
    taken = [name for name, before in zip(named, header, strict=True) if not before]
    lower = [name.lower() for name in header]
    clash = next((name for name in taken if name in lower), None)
    if clash is not None:
        raise FormatError(
            f"{file} has no name for column {clash.partition('_')[2]} of {len(header)}, and the "
            f"name for it, {clash}, is taken; every column needs its own: complete the header "
            "line, or pass names=[...] for a file without one"
        )
    return named


def _with_unnamed(schema: pa.Schema, unnamed: Sequence[str]) -> pa.Schema:
    """The schema, saying of columns that the file has no name for them."""
    told = {b"description": b"a column that the file has no name for"}
    return pa.schema([f.with_metadata(told) if f.name in unnamed else f for f in schema])


def _decoded(source: Input, encoding: str) -> str:
    """The first megabyte as text with plain line ends. Raises IngestError where it is empty."""
    head = source.head(HEADER_BYTES)
    if not head.strip():
        raise IngestError(
            f"{source.name} is empty ({len(head)} bytes of blanks); a header line with column "
            "names is needed: check how the file was made"
        )
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _comment_lines(start: str) -> list[str]:
    lines = start.split("\n")
    return list(itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), lines))


def _record(lines: list[str], delimiter: str, *, spaced: bool) -> tuple[list[str], int]:
    """The fields of the first record and the number of lines that it takes."""
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter, skipinitialspace=spaced)
    fields = next(reader, [])
    return [field.strip() for field in fields], reader.line_num


def _is_data(fields: list[str]) -> bool:
    return any(re.match(DECIMAL.replace("(?i:", "(?:"), field) for field in fields)


def _commented_header(comments: list[str], delimiter: str, width: int) -> list[str]:
    """Names from the last comment line, as in `# ra,dec`; empty where it does not fit."""
    said = [line for line in comments if line.startswith("#")]
    names, _ = _record([said[-1].lstrip("# ")], delimiter, spaced=True) if said else ([], 0)
    return names if len(names) == width else []


def _refuse_headless(header: list[str], first: list[str], file: str) -> None:
    if not header or all(_is_data([name]) for name in header):
        raise IngestError(
            f"{file} begins with {','.join(first)[:80]!r}, which looks like data; a header line "
            "with column names is needed: add one, or pass names=[...]"
        )
    stray = [name for name in header if "\ufffd" in name or "\0" in name]
    if stray:
        raise IngestError(
            f"{file} has the column name {stray[0][:40]!r}, whose bytes are no text in the "
            "encoding asked for; a text table is needed: pass format= or encoding='latin-1'"
        )
    if not any(header):
        raise FormatError(
            f"{file} has no name for any of its {len(header)} columns; a header line with names "
            "is needed: complete it, or pass names=[...] for a file without one"
        )
