"""Machine-readable tables (MRT): every column as text of one width, described byte by byte.

The widths are known only at the end, so the table is held in memory, as text. Standard: CDS,
"Standards for Astronomical Catalogues" 2.0, section 3.2, as the AAS journals have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.cdscolumns import RULE
from skyquarry.catalog.formats.fitscells import plain_batch, plain_type
from skyquarry.catalog.formats.table import said
from skyquarry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_ROWS = 1_000_000
LINES_AT_ONCE = 65_536
LARGEST = 2**63 - 1
_HEAVY, _LIGHT = "=" * 80, "-" * 80


@dataclass(frozen=True, slots=True)
class Written:
    """One column as text."""

    field: pa.Field
    text: Any
    """(n,) Arrow text, null where there is no value"""
    width: int
    form: str
    """as in Fortran: A8, I3, F6.2, E12.5"""

    def cells(self, start: int, stop: int) -> list[str]:
        """The texts of some rows, blank where null: numbers to the right, words to the left."""
        pad = pc.utf8_rpad if self.form[0] == "A" else pc.utf8_lpad
        padded = pad(pc.fill_null(self.text.slice(start, stop - start), ""), self.width)
        cells: list[str] = padded.to_pylist()
        return cells


def write(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> int:
    """Write a machine-readable table of at most a million rows; rows written.

    True and false become 1 and 0. An empty text and a null are both blanks, and
    blanks around a text are not kept. Raises FormatError,
    naming the column, for what such a table cannot hold: lists, bytes, numbers that are not finite
    or beyond 64 bits, texts of several lines or beyond ASCII, rows without a value.
    """
    for field in schema:
        _check_field(field)
    held, rows = _held(batches, schema)
    columns = [_written(field, text) for field, text in zip(schema, held, strict=True)]
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in _header(columns, said(schema.metadata, "name")))
        file.writelines(_lines(columns, rows))
    return rows


def _check_field(field: pa.Field) -> None:
    if not field.name.isascii() or not re.fullmatch(r"[!-~]+", field.name):
        raise FormatError(
            f"column {field.name!r} has a name that a CDS table cannot hold, which takes one word "
            "of ASCII: rename it, or write Parquet"
        )
    kind = plain_type(field.type)
    if not (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_string(kind)
    ):
        raise FormatError(
            f"column {field.name!r} is {field.type}, which a CDS table cannot hold: leave the "
            "column out, or write Parquet"
        )


def _held(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> tuple[list[Any], int]:
    """Each column as text, and the number of rows."""
    held: list[list[Any]] = [[] for _ in schema]
    rows = 0
    for batch in batches:
        if rows + batch.num_rows > MOST_ROWS:
            raise FormatError(
                f"more than {MOST_ROWS} rows were given, but a CDS table is written from memory: "
                "write CSV, ECSV, FITS or Parquet, which stream"
            )
        for texts, column, field in zip(held, plain_batch(batch).columns, schema, strict=True):
            texts.append(_text(column, field.name, rows))
        rows += batch.num_rows
    return [pa.chunked_array(texts, pa.string()) for texts in held], rows


def _text(column: pa.Array, name: str, before: int) -> pa.Array:
    """The values as text that reads as the same values; `before` rows stand above."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.string())
    if pa.types.is_string(kind):
        _refuse(pc.invert(pc.string_is_ascii(column)), column, name, before, "ASCII text")
        lines = pc.match_substring_regex(column, r"[\x00-\x1f\x7f]")
        _refuse(lines, column, name, before, "text on one line")
        return column
    if pa.types.is_floating(kind):
        _refuse(pc.invert(pc.is_finite(column)), column, name, before, "a finite number")
        # a number without a point would be read with the decimals of its format (Fortran)
        return pc.replace_substring_regex(column.cast(pa.string()), r"^(-?\d+)(e|$)", r"\1.0\2")
    if pa.types.is_uint64(kind):
        _refuse(
            pc.greater(column, pa.scalar(LARGEST, kind)),
            column,
            name,
            before,
            "a signed 64-bit number",
        )
    return column.cast(pa.string())


def _refuse(bad: Any, column: pa.Array, name: str, before: int, need: str) -> None:
    """Raise FormatError for the first value where `bad` is true."""
    found = pc.index(pc.fill_null(bad, False), True).as_py()
    if found >= 0:
        raise FormatError(
            f"column {name!r} holds {column[found].as_py()!r} in row {before + found + 1}, but a "
            f"CDS table needs {need}: make it null, or write Parquet"
        )


def _written(field: pa.Field, text: pa.ChunkedArray) -> Written:
    kind = plain_type(field.type)
    width = max(1, pc.max(pc.utf8_length(text)).as_py() or 1)
    if pa.types.is_string(kind):
        return Written(field, text, width, f"A{width}")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Written(field, text, width, _decimal_form(text, width))
    return Written(field, text, width, f"I{width}")


def _decimal_form(text: pa.ChunkedArray, width: int) -> str:
    """F or, where a value has an exponent, E; with the most decimals of any value."""
    has_power = pc.any(pc.match_substring(text, "e", ignore_case=True)).as_py()
    decimals = pc.extract_regex(text, r"\.(?P<d>\d+)")
    most = pc.max(pc.utf8_length(pc.struct_field(decimals, "d"))).as_py() or 0
    return f"{'E' if has_power else 'F'}{width}.{most}"


# ---------------------------------------------------------------------- the description
def _header(columns: list[Written], name: str) -> Iterator[str]:
    """The lines above the rows. Title, authors and notes are for the author to complete."""
    yield from ("Title:", "Authors:", f"Table: {_ascii(name)}".rstrip(), _HEAVY)
    yield from ("Byte-by-byte Description of file: table.dat", _LIGHT)
    yield from (" Bytes Format Units  Label     Explanations", _LIGHT)
    widest = max((len(column.field.name) for column in columns), default=0)
    start = 1
    for column in columns:
        stop = start + column.width - 1
        place = f"{start:>4}-{stop:>4}" if stop > start else f"{stop:>9}"
        label = column.field.name.ljust(widest)
        yield f"{place} {column.form:<6} {_unit(column.field):<6} {label} {_explained(column)}"
        start = stop + 2
    yield from (_LIGHT, "Notes:", _LIGHT)


def _unit(field: pa.Field) -> str:
    """The unit as CDS writes it, `---` for none; a unit that it does not know stays as it is."""
    text = said(field.metadata, "unit")
    if not text:
        return "---"
    from astropy import units

    try:
        made = units.Unit(text, parse_strict="silent").to_string("cds")
    except (ValueError, TypeError):
        made = text
    return _ascii(made).replace(" ", "") or "---"


def _explained(column: Written) -> str:
    """What the column is; a question mark says that values may be missing."""
    text = _ascii(said(column.field.metadata, "description")) or column.field.name
    if text[0] in "[]?":  # at the start these would speak of limits and nulls
        text = f"{column.field.name}: {text}"
    return f"? {text}" if column.text.null_count else text


def _ascii(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode("ascii").split())


# ---------------------------------------------------------------------- the rows
def _lines(columns: list[Written], rows: int) -> Iterator[str]:
    """The rows, a line each. Raises FormatError for one that would be taken for none."""
    for start in range(0, rows, LINES_AT_ONCE):
        cells = [column.cells(start, start + LINES_AT_ONCE) for column in columns]
        for number, row in enumerate(zip(*cells, strict=True), start + 1):
            line = " ".join(row)
            if not line.strip():
                raise FormatError(
                    f"row {number} has no value in any column, but a CDS table needs one, since "
                    "empty lines do not count: leave the row out, or write Parquet"
                )
            if line[0] in "-=" and RULE.match(line):
                raise FormatError(
                    f"row {number} is {line.strip()[:20]!r}, which reads as a rule between the "
                    "parts of a CDS table; another text is needed: change it, or write Parquet"
                )
            yield f"{line}\n"
