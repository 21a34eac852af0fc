r"""Text without a header line, as surveys give out whole catalogues: its columns are known before.

2MASS's psc_aaa.gz and AllWISE's wise-allwise-cat-part01.bz2 are such: fields between bars, some
padded with blanks, \N or nothing where a value is missing, a bar at the end of the row or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.table import TableFile, single
from skyquarry.catalog.formats.text import TextPart
from skyquarry.catalog.formats.textbody import Layout
from skyquarry.errors import FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.catalog.formats.inputs import Input

NULLS = ("", "\\N", "null")
_HEAD_BYTES = 1 << 20
_KINDS = {
    "char": pa.string(),
    "short": pa.int16(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
}


@dataclass(frozen=True)
class BulkPart(TextPart):
    """A whole file, text without blanks around it."""

    def tidied(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Without the blanks."""
        return _stripped(batch)


def read(
    source: Input,
    *,
    columns: Sequence[str] = (),
    delimiter: str = "|",
    nulls: Sequence[str] = NULLS,
) -> TableFile:
    """A text file whose columns are told: `columns` holds a name and a VOTable type each.

    Raises FormatError without columns and for a type that is none of char, short, int, long, float
    and double, IngestError where the first row has another number of fields.
    """
    if not columns:
        raise FormatError(
            f"{source.name} was given as bulk, but such a file does not say what its columns are: "
            "name the survey, or pass columns=['ra double', ...]"
        )
    schema = schema_of(columns)
    fields = _fields(source, delimiter)
    names = tuple(schema.names)
    if fields == len(names) + 1:
        names = (*names, "")  # a delimiter ends each row
    elif fields != len(names):
        raise IngestError(
            f"{source.name} has {fields} fields in its first row, but {len(names)} columns are "
            "known to stand there: give a role file whose [bulk] columns fit, or the file's format"
        )
    layout = Layout(names, delimiter, 0, tuple(nulls), "utf8", spaced=False)
    return single(source, "bulk", BulkPart(source, layout, schema))


def schema_of(columns: Sequence[str]) -> pa.Schema:
    """The columns, "name type" each, as an Arrow schema."""
    fields = []
    for text in columns:
        name, _, kind = text.partition(" ")
        if kind not in _KINDS:
            raise FormatError(
                f"column {text!r} was told, but a name and one of {', '.join(_KINDS)} is needed: "
                "as in 'ra double'"
            )
        fields.append(pa.field(name, _KINDS[kind]))
    return pa.schema(fields)


def _fields(source: Input, delimiter: str) -> int:
    """How many fields the first row has."""
    head = source.head(_HEAD_BYTES)
    if not head.strip():
        raise IngestError(
            f"{source.name} is empty ({len(head)} bytes of blanks); rows are needed: fetch it again"
        )
    return head.split(b"\n", 1)[0].count(delimiter.encode()) + 1


def _stripped(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Every field without blanks around it; one of blanks alone is missing."""
    columns = []
    for column in batch.columns:
        text = pc.utf8_trim_whitespace(column)
        columns.append(pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
