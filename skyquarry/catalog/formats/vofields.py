"""The columns of a VOTable: what FIELD says, and the Arrow types that follow (VOTable 1.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.formats.astropytable import complex_refused
from skyquarry.catalog.formats.table import metadata_of
from skyquarry.catalog.formats.units import vounit
from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# datatype -> (numpy type of one element in BINARY, Arrow type)
KINDS = {
    "boolean": ("u1", pa.bool_()),
    "bit": ("u1", pa.bool_()),
    "unsignedByte": ("u1", pa.uint8()),
    "short": (">i2", pa.int16()),
    "int": (">i4", pa.int32()),
    "long": (">i8", pa.int64()),
    "char": ("u1", pa.string()),
    "unicodeChar": (">u2", pa.string()),
    "float": (">f4", pa.float32()),
    "double": (">f8", pa.float64()),
}
LARGEST = 1 << 24


@dataclass(frozen=True)
class VoField:
    """One FIELD of a table."""

    name: str
    datatype: str
    count: int
    """Elements in a cell; of one row of the last dimension where that varies."""
    varies: bool
    """The last dimension has any length."""
    text_width: int = 0
    """Characters of one text where a cell holds several of them."""
    shape: str = ""
    """arraysize, where it has more than one dimension."""
    null: str = ""
    """The text of the number that means a missing value."""
    about: tuple[tuple[str, str], ...] = ()
    """unit, ucd, utype, xtype, description."""

    @property
    def is_text(self) -> bool:
        """Whether cells hold characters."""
        return self.datatype in {"char", "unicodeChar"}

    @property
    def is_single(self) -> bool:
        """Whether a cell holds one value (a text is one)."""
        if self.is_text:
            return not self.text_width
        return not self.varies and self.count == 1 and not self.shape

    @property
    def element(self) -> pa.DataType:
        """The Arrow type of one value."""
        return KINDS[self.datatype][1]

    @property
    def kind(self) -> pa.DataType:
        """The Arrow type of the column."""
        if self.is_single:
            return self.element
        if self.varies:
            return pa.list_(self.element)
        return pa.list_(self.element, self.count // (self.text_width or 1))

    @property
    def field(self) -> pa.Field:
        """The Arrow field with what it means."""
        texts = dict(self.about)
        texts["unit"] = vounit(texts.get("unit", ""), "vounit")
        return pa.field(self.name, self.kind, metadata=metadata_of(**texts) or None)


def parse_field(attributes: Mapping[str, str]) -> VoField:
    """A column from the attributes of FIELD. Raises IngestError or FormatError."""
    name = attributes.get("name") or attributes.get("ID") or ""
    datatype = attributes.get("datatype", "char")
    if datatype in {"floatComplex", "doubleComplex"}:
        raise complex_refused(name)
    size = attributes.get("arraysize", "").strip()
    if datatype not in KINDS or not re.fullmatch(r"(\d+x)*(\d+\*?|\*)|", size):
        raise IngestError(
            f"column {name!r} has datatype {datatype!r} and arraysize {size!r}; one of "
            f"{', '.join(KINDS)} and sizes such as 8, * or 5x3 are needed: mend the FIELD"
        )
    sizes = [int(n) if n.isdigit() else 0 for n in re.split(r"x", size.removesuffix("*"))]
    varies = size.endswith("*")
    fixed = sizes[:-1] if varies else sizes if size else []
    count = 1
    for n in fixed:
        count *= n
    if count > LARGEST:
        raise IngestError(
            f"column {name!r} has arraysize {size!r}, {count} values a row, more than {LARGEST}: "
            "mend the FIELD"
        )
    several = datatype in {"char", "unicodeChar"} and "x" in size
    about = tuple(
        (key, attributes[key]) for key in ("unit", "ucd", "utype", "xtype") if key in attributes
    )
    shape = size if "x" in size or (size == "1" and datatype not in {"char", "unicodeChar"}) else ""
    return VoField(name, datatype, count, varies, sizes[0] if several else 0, shape, "", about)


def told_apart(fields: Sequence[VoField], ids: Sequence[str]) -> list[VoField]:
    """Columns of equal names are called by their IDs."""
    names = [field.name for field in fields]
    return [
        replace(field, name=ident) if names.count(field.name) > 1 and ident else field
        for field, ident in zip(fields, ids, strict=True)
    ]
