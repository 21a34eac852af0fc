"""FITS ASCII tables: characters at fixed places (standard 4.0, section 7.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.fitsmeanings import about
from skyquarry.catalog.formats.table import (
    BATCH_ROWS,
    TableFile,
    chosen,
    metadata_of,
    refuse_twins,
    rows_within,
    single,
)
from skyquarry.catalog.formats.textbody import bare
from skyquarry.catalog.formats.texttypes import castable
from skyquarry.catalog.formats.units import vounit
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.formats.fitsheader import Header, Unit
    from skyquarry.catalog.formats.inputs import Input

KINDS = {"A": pa.string(), "I": pa.int64(), "F": pa.float64(), "E": pa.float64(), "D": pa.float64()}


@dataclass(frozen=True)
class Place:
    """Where the characters of a column stand in its line."""

    name: str
    start: int
    """First character, counted from 0."""
    width: int
    kind: pa.DataType
    null: str | None
    """The characters that mean a missing value."""
    scale: float = 1
    zero: float = 0


@dataclass(frozen=True)
class AsciiPart:
    """A whole ASCII table."""

    source: Input
    schema: pa.Schema
    places: tuple[Place, ...]
    start: int
    """Byte of the first row."""
    width: int
    """Bytes of a row."""
    rows: int
    key: str = "all"

    def batches(
        self, rows: int = BATCH_ROWS, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows; raises IngestError for characters that are not of the column's form."""
        schema = chosen(self.schema, columns)
        places = {place.name: place for place in self.places}
        step = rows_within(self.width, rows)
        with self.source.open() as file:
            file.seek(self.start)
            for first in range(0, self.rows, step):
                count = min(step, self.rows - first)
                block = file.read(count * self.width)
                if len(block) < count * self.width:
                    raise IngestError(
                        f"{self.source.name} ends after row {first + len(block) // self.width}, "
                        f"but its header says NAXIS2 = {self.rows}: fetch the file again"
                    )
                lines = np.frombuffer(block, np.uint8).reshape(count, self.width)
                arrays = [typed(lines, places[n], first, self.source.name) for n in schema.names]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def typed(lines: NDArray[np.uint8], place: Place, before: int, file: str) -> pa.Array:
    """The column at a place of lines, (n, width) bytes; blanks and the null characters are null."""
    cut = np.ascontiguousarray(lines[:, place.start : place.start + place.width])
    raw = pa.array(cut.view(f"S{place.width}").reshape(-1).tolist(), pa.binary())
    text = castable(raw, pa.string())
    if text is None:
        raise IngestError(f"{file}: column {place.name!r} holds bytes that are not ASCII text")
    if place.null is not None:
        missing = pc.equal(pc.utf8_trim_whitespace(text), place.null.strip())
        text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    if pa.types.is_string(place.kind):
        return pc.utf8_rtrim(text, " ")
    numbers = castable(pc.replace_substring_regex(bare(text), "[dD]", "E"), place.kind)
    if numbers is None:
        bad = next(t for t in bare(text) if castable(pa.array([t]), place.kind) is None)
        raise IngestError(
            f"{file} has {bad.as_py()!r} in column {place.name!r} within rows {before + 1} to "
            f"{before + len(text)}, where {place.kind} is needed: mend the row"
        )
    if place.scale == 1 and place.zero == 0:
        return numbers
    return pc.add(pc.multiply(numbers.cast(pa.float64()), place.scale), place.zero)


def read_ascii(source: Input, unit: Unit) -> TableFile:
    """An ASCII table. Raises IngestError where header and file contradict each other."""
    header = unit.header
    width, count = header.whole("NAXIS1"), header.whole("NAXIS2")
    places = tuple(
        _place(header, number, source.name) for number in range(1, header.whole("TFIELDS") + 1)
    )
    refuse_twins([place.name for place in places], source.name)
    if not source.gzipped and source.size() < unit.start + width * count:
        raise IngestError(
            f"{source.name} has {source.size()} bytes, but NAXIS2 = {count} rows of {width} bytes "
            f"need {unit.start + width * count}; a whole file is needed: fetch it again"
        )
    fields = [
        pa.field(p.name, p.kind, metadata=_meaning(header, n)) for n, p in enumerate(places, 1)
    ]
    schema = pa.schema(fields, metadata=about(header) or None)
    return single(source, "fits", AsciiPart(source, schema, places, unit.start, width, count))


def _meaning(header: Header, number: int) -> dict[bytes, bytes] | None:
    unit = vounit(header.text(f"TUNIT{number}"), "fits")
    ucd, said = header.text(f"TUCD{number}"), header.text(f"TCOMM{number}")
    return metadata_of(unit=unit, ucd=ucd, description=said) or None


def _place(header: Header, number: int, file: str) -> Place:
    form = re.fullmatch(r"\s*([AIFED])(\d+)(?:\.\d+)?\s*", header.text(f"TFORM{number}"))
    start, width = header.whole(f"TBCOL{number}") - 1, int(form[2]) if form else 0
    if form is None or width == 0 or start < 0 or start + width > header.whole("NAXIS1"):
        raise IngestError(
            f"{file} says TFORM{number} = {header.text(f'TFORM{number}')!r} at TBCOL{number} = "
            f"{start + 1}, but a form such as F8.3 within NAXIS1 is needed: write it again"
        )
    null = header.values.get(f"TNULL{number}")
    scale, zero = header.number(f"TSCAL{number}", 1), header.number(f"TZERO{number}", 0)
    kind = KINDS[form[1]] if (scale, zero) == (1, 0) else pa.float64()
    name = header.text(f"TTYPE{number}") or f"col{number}"
    return Place(name, start, width, kind, None if null is None else str(null), scale, zero)
