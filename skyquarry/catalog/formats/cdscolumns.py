"""The columns of a Byte-by-byte Description (CDS standard for catalogues, section 3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.formats.fitsascii import Place, typed
from skyquarry.catalog.formats.table import metadata_of
from skyquarry.catalog.formats.units import vounit
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LINE = re.compile(
    r"\s*(?:(\d+)\s*-)?\s*(\d+)\s+([AIFED]\d+(?:\.\d+)?)\s+(\S+)\s+(\S+)(?:\s+(\S.*))?$"
)
EXPLANATION = re.compile(
    r"(?:([\[\]]\S*?[\[\]])\s*)?(?:(\?)(?:=(\S*))?[-+]?=?\s*)?(.*)$", re.DOTALL
)
RULE = re.compile(r"^[-=]{6,}\s*$")
KINDS = {"A": pa.string(), "I": pa.int64()}


@dataclass(frozen=True)
class CdsColumn:
    """One column: its bytes, its type and what it means."""

    name: str
    start: int
    """First byte, from 0."""
    stop: int
    """One past the last byte."""
    kind: pa.DataType
    null: str | None
    """The value that means a missing one, besides blanks."""
    unit: str
    description: str

    @property
    def field(self) -> pa.Field:
        """The Arrow field with what it means."""
        about = metadata_of(unit=self.unit, description=self.description)
        return pa.field(self.name, self.kind, metadata=about or None)

    def array(self, lines: NDArray[np.uint8], before: int, file: str) -> pa.Array:
        """The column of lines, (n, width) bytes; `before` rows stand above."""
        place = Place(self.name, self.start, self.stop - self.start, self.kind, None)
        column = typed(lines, place, before, file)
        if pa.types.is_string(self.kind):
            column = pc.utf8_trim(column, " ")
            missing = pc.is_in(column, pa.array(["", *([self.null] if self.null else [])]))
        elif self.null is None:
            return column
        else:
            missing = pc.equal(column, pa.scalar(float(self.null)))
        return pc.if_else(pc.fill_null(missing, True), pa.scalar(None, self.kind), column)


def parse_columns(lines: list[str], file: str) -> list[CdsColumn]:
    """The columns of a description; its lines stand between the second and the third rule.

    Raises IngestError for a line that is none, and for bytes that overlap backwards.
    """
    rules = [i for i, line in enumerate(lines) if RULE.match(line)]
    if len(rules) < 3:
        raise _unreadable(file, f"{len(rules)} rules of dashes where three are needed")
    said: list[list[str]] = []
    for line in lines[rules[1] + 1 : rules[2]]:
        found = LINE.match(line.rstrip())
        if found:
            said.append([group or "" for group in found.groups()])
        elif said and line.startswith(" "):
            said[-1][5] += " " + line.strip()
        elif line.strip():
            raise _unreadable(file, f"the line {line.strip()[:80]!r}")
    if not said:
        raise _unreadable(file, "no column")
    return [_column(groups, file) for groups in said]


def _unreadable(file: str, fault: str) -> IngestError:
    return IngestError(
        f"{file} has a Byte-by-byte Description with {fault}; lines such as '1-5 F5.2 mag Vmag' "
        "are needed: mend the description"
    )


def _column(groups: list[str], file: str) -> CdsColumn:
    first, last, form, unit, name, text = groups
    start, stop = int(first or last) - 1, int(last)
    if not 0 <= start < stop:
        raise _unreadable(file, f"the bytes {first}-{last} of {name}")
    found = EXPLANATION.match(text.strip())
    limits, _, null, said = found.groups() if found else ("", "", None, text)
    description = f"{limits or ''} {said}".strip()
    kind = KINDS.get(form[0], pa.float64())
    null = None if null is None else null.rstrip(",;")
    if null is not None and not pa.types.is_string(kind) and not _is_number(null):
        null = None
    return CdsColumn(name, start, stop, kind, null or None, vounit(unit, "cds"), description)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
