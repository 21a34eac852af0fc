"""FITS headers: cards, and where the tables of a file lie (FITS standard 4.0, sections 4 and 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from skyquarry.errors import IngestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.catalog.formats.inputs import Input

BLOCK = 2880
CARD = 80
LARGEST_HEADER = 64 << 20

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Header:
    """The cards of one header-data unit."""

    values: dict[str, Value]
    remarks: dict[str, str]
    """Keyword -> what stands behind the slash."""
    comments: tuple[str, ...]
    """The COMMENT cards, in order."""

    def text(self, key: str) -> str:
        """The value as text without blanks around it, empty where the card is absent."""
        value = self.values.get(key)
        return "" if value is None else str(value).strip()

    def whole(self, key: str, default: int | None = None) -> int:
        """The value as a whole number. Raises IngestError where it is none."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise IngestError(f"{key} is {value!r}, but a FITS header needs a whole number there")
        return value

    def number(self, key: str, default: float) -> float | int:
        """The value as a number."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise IngestError(f"{key} is {value!r}, but a FITS header needs a number there")
        return value


@dataclass(frozen=True)
class Unit:
    """One header-data unit."""

    number: int
    """0 is the primary one."""
    header: Header
    start: int
    """Byte of the file where its data begin."""

    @property
    def is_table(self) -> bool:
        """Whether it is a binary or an ASCII table; compressed images are none."""
        kind = self.header.text("XTENSION")
        return kind in {"BINTABLE", "A3DTABLE", "TABLE"} and not self.header.values.get("ZIMAGE")

    @property
    def size(self) -> int:
        """Bytes of its data without padding."""
        axes = [self.header.whole(f"NAXIS{i + 1}") for i in range(self.header.whole("NAXIS", 0))]
        if not axes or any(axis < 0 for axis in axes):
            return 0
        count = 1
        for axis in axes[1:] if self.header.values.get("GROUPS") is True else axes:
            count *= axis
        count += self.header.whole("PCOUNT", 0)
        return abs(self.header.whole("BITPIX")) // 8 * self.header.whole("GCOUNT", 1) * count


def find_table(source: Input, hdu: int | str | None) -> Unit:
    """The table asked for by number or EXTNAME, else the first one.

    Raises NotFoundError listing what the file has, IngestError where it is no sound FITS file.
    """
    seen: list[str] = []
    for unit in units(source):
        name = unit.header.text("EXTNAME")
        seen.append(f"{unit.number} {name} ({unit.header.text('XTENSION') or 'primary'})")
        wanted = unit.is_table if hdu is None else hdu == unit.number or _same(hdu, name)
        if wanted and unit.is_table:
            return unit
        if wanted:
            break
    asked = "a table" if hdu is None else f"a table in hdu {hdu!r}"
    raise NotFoundError(
        f"{source.name} was asked for {asked}, but has {', '.join(seen)}; a BINTABLE or TABLE is "
        "needed: pass hdu= with its number or name"
    )


def _same(hdu: int | str, name: str) -> bool:
    return isinstance(hdu, str) and hdu.strip().upper() == name.upper() != ""


def units(source: Input) -> Iterator[Unit]:
    """Every header-data unit of a file, without reading data."""
    with source.open() as file:
        number, position = 0, 0
        while True:
            file.seek(position)
            first = file.read(BLOCK)
            if number and (len(first) < BLOCK or not first.startswith(b"XTENSION")):
                return  # special records, padding or the end
            try:
                header, length = _header(file, first)
                unit = Unit(number, header, position + length)
                size = unit.size
            except IngestError as error:
                raise IngestError(
                    f"{source.name}, header {number}: {error}: fetch or write the file again"
                ) from error
            yield unit
            number, position = number + 1, unit.start + -(-size // BLOCK) * BLOCK


def _header(file: BinaryIO, block: bytes) -> tuple[Header, int]:
    """A header and the bytes that it takes."""
    cards: list[str] = []
    length = 0
    while True:
        if len(block) < BLOCK or length > LARGEST_HEADER:
            raise IngestError(
                f"it has no END card in {length + len(block)} bytes, but a header ends with one"
            )
        length += BLOCK
        text = block.decode("latin-1")
        for i in range(0, BLOCK, CARD):
            card = text[i : i + CARD]
            if card.startswith("END") and not card[3:].strip():
                return parse_cards(cards), length
            cards.append(card)
        block = file.read(BLOCK)


_STRING = re.compile(r"\s*'((?:[^']|'')*)'\s*(?:/(.*))?")
_PLAIN = re.compile(r"\s*([^/]*?)\s*(?:/(.*))?$")


def parse_cards(cards: list[str]) -> Header:
    """The cards of a header; long strings are put together, the first card of a name counts."""
    values: dict[str, Value] = {}
    remarks: dict[str, str] = {}
    comments: list[str] = []
    last = ""
    for card in cards:
        key = card[:8].strip()
        if key == "COMMENT":
            comments.append(card[8:].rstrip())
        elif key == "CONTINUE" and isinstance(values.get(last), str):
            _continue(values, remarks, last, card[8:])
        elif card[8:10] == "= " and key not in values:
            values[key], remarks[key] = _value(card[10:])
            last = key
    return Header(values, remarks, tuple(comments))


def _value(text: str) -> tuple[Value, str]:
    quoted = _STRING.match(text)
    if quoted:
        return quoted[1].replace("''", "'").rstrip(), (quoted[2] or "").strip()
    plain = _PLAIN.match(text)
    word, remark = (plain[1], plain[2] or "") if plain else (text.strip(), "")
    return _scalar(word), remark.strip()


def _scalar(word: str) -> Value:
    if word in {"T", "F"}:
        return word == "T"
    for kind in (int, float):
        try:
            return kind(word.replace("D", "E").replace("d", "e") if kind is float else word)
        except ValueError:
            continue
    return word or None


def _continue(values: dict[str, Value], remarks: dict[str, str], key: str, text: str) -> None:
    """A CONTINUE card: the string before it ended with an ampersand."""
    before = str(values[key])
    more, remark = _value(text)
    if before.endswith("&"):
        values[key] = before[:-1] + str(more or "")
        remarks[key] = f"{remarks[key]} {remark}".strip()
