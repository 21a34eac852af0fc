"""A VOTable read as a stream of XML events: the header first, then cells or bytes as they come.

A document type or entity is refused (entity bombs, reading of local files), a STREAM with an href
too: nothing is fetched because a file says so.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.parsers import expat

from skyquarry.catalog.formats.table import PROVENANCE
from skyquarry.catalog.formats.vofields import VoField, parse_field, told_apart
from skyquarry.errors import FormatError, IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.catalog.formats.inputs import Input

CHUNK = 1 << 18
SERIALIZATIONS = ("TABLEDATA", "BINARY", "BINARY2", "FITS")
LARGEST_TEXT = 64 << 20


@dataclass
class VoHeader:
    """What stands above the data of one table."""

    name: str = ""
    ident: str = ""
    description: str = ""
    fields: list[VoField] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    serialization: str = ""
    """One of SERIALIZATIONS, empty where there are no data."""
    extension: int = 1
    """The extension of an inline FITS file."""
    about: dict[str, str] = field(default_factory=dict)
    """frame, equinox, epoch, query_status."""


class VoParser:
    """Events of one table: `header` when `started`, then rows of cells or blocks of bytes."""

    def __init__(self, wanted: int | str | None) -> None:
        self.header = VoHeader()
        self.started = False
        self.ended = False
        self.rows: list[list[str | None]] = []
        self.bytes = bytearray()
        self.seen: list[str] = []
        self.fed = 0
        """Bytes taken since somebody set it to 0."""
        self._wanted = wanted
        self._has_data = False
        self._about: dict[str, str] = {}
        self._inside: list[str] = []
        self._text: list[str] | None = None
        self._size = 0
        self._encoded = ""
        self._row: list[str | None] = []
        self._parser = self._expat()

    def _expat(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        return parser

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file; none at its end."""
        self.fed += len(chunk)
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise IngestError(
                f"it is no whole XML document ({error}); a VOTable is needed: fetch it again"
            ) from error

    def _refuse(self, *_: object) -> None:
        raise IngestError(
            "it declares a document type or an entity, which are never expanded here; a VOTable "
            "needs none: remove the <!DOCTYPE ...> declaration"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        self._inside.append(tag)
        handler = getattr(self, f"_start_{tag.lower()}", None)
        if handler is not None and not self.ended:
            handler(attributes)

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        self._inside.pop()
        handler = getattr(self, f"_end_{tag.lower()}", None)
        if handler is not None and not self.ended:
            handler()

    def _characters(self, text: str) -> None:
        if self._text is None:
            return
        self._size += len(text)
        if self._size > LARGEST_TEXT:
            raise IngestError(
                f"a <{self._inside[-1]}> holds more than {LARGEST_TEXT} characters, which no cell "
                "or description needs: fetch the file again"
            )
        self._text.append(text)
        if self._inside[-1] == "STREAM":
            self._decode(last=False)

    def _take(self) -> str:
        text, self._text, self._size = "".join(self._text or ()), None, 0
        return text

    # ---------------------------------------------------------------- above the data
    def _start_coosys(self, attributes: dict[str, str]) -> None:
        system = attributes.get("system", "").removeprefix("eq_").lower()
        told = {"frame": system, **{k: attributes.get(k, "") for k in ("equinox", "epoch")}}
        for key, text in told.items():
            self._about.setdefault(
                key, re.sub(r"^[JB](?=\d)", "", text) if key == "epoch" else text
            )

    def _start_info(self, attributes: dict[str, str]) -> None:
        if attributes.get("name") == PROVENANCE:
            self._about[PROVENANCE] = attributes.get("value", "")
        if attributes.get("name") != "QUERY_STATUS":
            return
        status = attributes.get("value", "")
        self._about["query_status"] = status
        if status == "ERROR":
            raise IngestError(
                "the service answered with QUERY_STATUS = ERROR and no table: open the file to "
                "read its message, and ask the service again"
            )

    def _start_table(self, attributes: dict[str, str]) -> None:
        self.header = VoHeader(attributes.get("name", ""), attributes.get("ID", ""))
        self._has_data = False

    def _start_field(self, attributes: dict[str, str]) -> None:
        if self._inside[-2:-1] == ["TABLE"]:
            self.header.fields.append(parse_field(attributes))
            self.header.ids.append(attributes.get("ID", ""))

    def _start_values(self, attributes: dict[str, str]) -> None:
        null = attributes.get("null", "").strip()
        if self._inside[-2:-1] == ["FIELD"] and self.header.fields and null:
            self.header.fields[-1] = replace(self.header.fields[-1], null=null)

    def _start_description(self, _: dict[str, str]) -> None:
        self._text = []

    def _end_description(self) -> None:
        text = " ".join(self._take().split())
        if self._inside[-1:] == ["FIELD"] and self.header.fields:
            last = self.header.fields[-1]
            self.header.fields[-1] = replace(last, about=(*last.about, ("description", text)))
        elif self._inside[-1:] == ["TABLE"]:
            self.header.description = text

    def _start_data(self, _: dict[str, str]) -> None:
        self._has_data = True
        number = len(self.seen)
        label = self.header.name or self.header.ident
        self.seen.append(f"{number} {label}".strip())
        names = {self.header.name, self.header.ident}
        self.started = self.header.fields != [] and (
            self._wanted is None or self._wanted == number or self._wanted in names - {""}
        )

    def _end_data(self) -> None:
        self.ended = self.started

    def _end_table(self) -> None:
        """A table without DATA is an empty one."""
        if not self._has_data:
            self._start_data({})
            self.ended = self.started

    def finished_header(self) -> VoHeader:
        """The header with names told apart and what stood above the table."""
        self.header.fields = told_apart(self.header.fields, self.header.ids)
        self.header.about = {key: text for key, text in self._about.items() if text}
        return self.header

    # ---------------------------------------------------------------- cells
    def _start_tabledata(self, _: dict[str, str]) -> None:
        self.header.serialization = "TABLEDATA"

    def _start_tr(self, _: dict[str, str]) -> None:
        self._row = []

    def _start_td(self, _: dict[str, str]) -> None:
        self._text = [] if self.started else None

    def _end_td(self) -> None:
        if self.started:
            self._row.append(self._take() or None)

    def _end_tr(self) -> None:
        if not self.started:
            return
        if len(self._row) != len(self.header.fields):
            raise IngestError(
                f"line {self._parser.CurrentLineNumber} ends a row of {len(self._row)} cells, but "
                f"the table has {len(self.header.fields)} columns: mend the row"
            )
        self.rows.append(self._row)

    # ---------------------------------------------------------------- bytes
    def _start_binary(self, _: dict[str, str]) -> None:
        self.header.serialization = "BINARY"

    def _start_binary2(self, _: dict[str, str]) -> None:
        self.header.serialization = "BINARY2"

    def _start_fits(self, attributes: dict[str, str]) -> None:
        self.header.serialization = "FITS"
        number = attributes.get("extnum", "1")
        self.header.extension = int(number) if number.isdigit() else 1

    def _start_parquet(self, _: dict[str, str]) -> None:
        raise FormatError(
            "its data are a reference to a Parquet file, which is not followed: open the Parquet "
            "file itself"
        )

    def _start_stream(self, attributes: dict[str, str]) -> None:
        if not self.started:
            return
        href = attributes.get("href", "")
        if href:
            raise FormatError(
                f"its data lie elsewhere (href={href!r}), and nothing is fetched because a file "
                "says so: fetch them yourself, or ask the service for inline data"
            )
        coding = attributes.get("encoding", "none")
        if coding != "base64":
            raise FormatError(
                f"its data have the encoding {coding!r}, but inline data need base64: write the "
                "file again"
            )
        self._text = []

    def _end_stream(self) -> None:
        if self.started:
            self._decode(last=True)
            self._text = None

    def _decode(self, *, last: bool) -> None:
        """Base64 in whole groups of four characters."""
        text = self._encoded + re.sub(r"\s+", "", "".join(self._text or ()))
        whole = len(text) if last else len(text) - len(text) % 4
        self._text, self._size, self._encoded = [], 0, text[whole:]
        try:
            self.bytes += binascii.a2b_base64(text[:whole], strict_mode=True) if whole else b""
        except binascii.Error as error:
            raise IngestError(
                f"its base64 data are damaged near line {self._parser.CurrentLineNumber} "
                f"({error}): fetch the file again"
            ) from error


def events(source: Input, wanted: int | str | None) -> Iterator[VoParser]:
    """The parser after each block of the file, until its table ends. Errors name the file."""
    parser = VoParser(wanted)
    try:
        with source.open() as file:
            while not parser.ended:
                chunk = file.read(CHUNK)
                parser.feed(chunk)
                yield parser
                if not chunk:
                    return
    except (IngestError, FormatError) as error:
        if str(error).startswith(source.name):
            raise
        raise type(error)(f"{source.name}: {error}") from error
