"""CDS and MRT tables: characters at the bytes that a Byte-by-byte Description says.

The description stands above the rows (MRT) or in a ReadMe beside them. Positions in hours, minutes
and seconds are given as degrees too, in columns of their own.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa

from skyquarry.catalog.formats.cdscolumns import CdsColumn, parse_columns
from skyquarry.catalog.formats.cdsposition import Sexagesimal, sexagesimal_of
from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    metadata_of,
    recut,
    refuse_twins,
    single,
)
from skyquarry.errors import IngestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.formats.inputs import Input

HEADER_BYTES = 8 << 20
BLOCK_BYTES = 8 << 20
TITLE = "Byte-by-byte Description"
RULE = re.compile(r"^[-=]{6,}\s*$")


@dataclass(frozen=True)
class CdsPart:
    """All rows of a CDS or MRT table."""

    source: Input
    schema: pa.Schema
    columns: tuple[CdsColumn, ...]
    position: Sexagesimal | None
    start: int
    """Byte of the first row."""
    key: str = "all"
    rows: int | None = None

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; raises IngestError naming a value that is not of its column's form."""
        names = chosen(self.schema, columns).names
        before = 0
        with self.source.open() as file:
            file.seek(self.start)
            for lines in _line_blocks(file, max(c.stop for c in self.columns)):
                batch = self._batch(lines, before)
                before += batch.num_rows
                yield from recut(iter([batch.select(names)]), rows)

    def _batch(self, lines: NDArray[np.uint8], before: int) -> pa.RecordBatch:
        arrays = [column.array(lines, before, self.source.name) for column in self.columns]
        if self.position is not None:
            named = dict(zip((c.name for c in self.columns), arrays, strict=True))
            arrays += self.position.degrees(named)
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def read(source: Input, *, readme: str | None = None, table: str | None = None) -> TableFile:
    """A CDS or MRT table.

    readme: the file with the description, without it the table itself or `ReadMe` beside it.
    table: the name under which it describes the rows, without it the file's own.
    Raises NotFoundError where nothing describes the rows, IngestError where it is no description.
    """
    head = source.head(HEADER_BYTES)
    if TITLE.encode() in head and readme is None:
        text, start = head.decode("utf-8", "replace"), _first_row(head)
        name = table
    else:
        text, start = _readme(source, readme), 0
        name = table or source.name.rpartition("/")[2].removesuffix(".gz")
    columns = parse_columns(_section(text, name, source.name), source.name)
    refuse_twins([column.name for column in columns], source.name)
    position = sexagesimal_of([column.name for column in columns])
    fields = [column.field for column in columns] + (position.fields if position else [])
    schema = pa.schema(fields, metadata=_about(text) or None)
    return single(source, "cds", CdsPart(source, schema, tuple(columns), position, start))


def _readme(source: Input, given: str | None) -> str:
    from skyquarry.catalog.formats.inputs import Input

    found = Input.of(given) if given else source.beside("ReadMe")
    if found is None:
        raise NotFoundError(
            f"{source.name} has no Byte-by-byte Description and no ReadMe beside it; one must say "
            "where the columns stand: fetch the catalogue's ReadMe, or pass readme="
        )
    return found.head(HEADER_BYTES).decode("utf-8", "replace")


def _section(text: str, name: str | None, file: str) -> list[str]:
    """The lines of the description of one table."""
    lines = text.splitlines()
    titles = [i for i, line in enumerate(lines) if line.startswith(TITLE)]
    for start in titles:
        if name is None or _names(lines[start], name):
            return lines[start + 1 :]
    described = ", ".join(lines[i].partition(":")[2].strip() for i in titles) or "nothing"
    raise NotFoundError(
        f"{file} is described as {name!r} nowhere: the ReadMe describes {described}; pass table= "
        "with one of these names"
    )


def _names(title: str, name: str) -> bool:
    """Whether a title names a file, by name or pattern."""
    words = re.split(r"[\s,]+", title.partition(":")[2].strip())
    return any(fnmatch.fnmatchcase(name, word) for word in words if word)


def _first_row(head: bytes) -> int:
    """The byte below the last rule of dashes or equal signs, where an MRT file's rows begin."""
    start = place = 0
    for line in head.splitlines(keepends=True):
        place += len(line)
        if RULE.match(line.decode("latin-1").rstrip("\r\n")):
            start = place
    return start


def _about(text: str) -> dict[bytes, bytes]:
    title = re.search(r"^Title:\s*(.*(?:\n\s+\S.*)*)", text, re.MULTILINE)
    return metadata_of(description=" ".join(title[1].split()) if title else "")


def _line_blocks(file: BinaryIO, width: int) -> Iterator[NDArray[np.uint8]]:
    """Lines as (n, width) bytes filled with blanks; empty lines are left out."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        lines = (rest + block).replace(b"\r\n", b"\n").split(b"\n")
        rest = lines.pop()
        if len(rest) > BLOCK_BYTES:
            raise IngestError(f"a line is longer than {BLOCK_BYTES} bytes, which no CDS table has")
        yield from _matrix(lines, width)
    yield from _matrix([rest.rstrip(b"\r")], width)


def _matrix(lines: list[bytes], width: int) -> Iterator[NDArray[np.uint8]]:
    filled = [line.ljust(width)[:width] for line in lines if line.strip()]
    if filled:
        yield np.frombuffer(b"".join(filled), np.uint8).reshape(len(filled), width)
