"""What a FITS table's header says of its columns and of the whole: names, types, units, remarks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.formats.astropynotes import notes_of_comments
from skyquarry.catalog.formats.fitscolumns import Column, parse_column
from skyquarry.catalog.formats.table import PROVENANCE, metadata_of, refuse_twins
from skyquarry.catalog.formats.units import vounit
from skyquarry.errors import FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.catalog.formats.fitsheader import Header
    from skyquarry.catalog.formats.inputs import Input

IDLE_REMARK = re.compile(r"(?i)^(label for (field|column)|format of field|field name|attribute)")


def columns_of(source: Input, header: Header, encoding: str) -> tuple[Column, ...]:
    """The columns of a binary table, with their bytes within the row."""
    columns: list[Column] = []
    offset = 0
    try:
        for number in range(1, header.whole("TFIELDS") + 1):
            columns.append(parse_column(header, number, offset, encoding))
            offset += columns[-1].width
    except (IngestError, FormatError) as error:
        raise type(error)(f"{source.name}: {error}") from error
    refuse_twins([column.name for column in columns], source.name)
    return tuple(columns)


def schema_of(header: Header, columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema with units, UCDs and descriptions from cards and astropy's notes."""
    notes = notes_of_comments(header.comments)
    fields = [
        pa.field(column.name, column.kind, metadata=_meaning(header, number, column, notes))
        for number, column in enumerate(columns, 1)
    ]
    return pa.schema(fields, metadata=about(header) or None)


def _meaning(
    header: Header, number: int, column: Column, notes: dict[str, dict[str, str]]
) -> dict[bytes, bytes] | None:
    note = notes.get(column.name, {})
    remark = header.remarks.get(f"TTYPE{number}", "")
    said = header.text(f"TCOMM{number}") or note.get("description") or _telling(remark)
    return (
        metadata_of(
            unit=vounit(header.text(f"TUNIT{number}"), "fits"),
            ucd=header.text(f"TUCD{number}") or note.get("ucd"),
            utype=header.text(f"TUTYP{number}") or note.get("utype"),
            description=said,
            tdim=column.shape,
        )
        or None
    )


def _telling(remark: str) -> str:
    """The remark behind a column's name, unless it is the one that every writer puts there."""
    return "" if IDLE_REMARK.match(remark) else remark


def about(header: Header) -> dict[bytes, bytes]:
    """What a header says of the whole table."""
    return metadata_of(
        name=header.text("EXTNAME"),
        frame=header.text("RADESYS").lower(),
        equinox=header.text("EQUINOX") or header.text("EPOCH"),  # EPOCH is the old word for it
        epoch=header.text("REFEPOCH"),
        description=header.text("TABDESC"),
        **{PROVENANCE: header.text("SKYQPROV")},
    )
