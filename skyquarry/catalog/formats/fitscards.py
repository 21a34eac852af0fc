"""FITS cards written: 80 characters each, long texts continued (standard 4.0, section 4.2)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from skyquarry.catalog.formats.fitsheader import BLOCK, CARD

if TYPE_CHECKING:
    from collections.abc import Sequence

BLANK = " " * CARD


def card(key: str, value: str | float | bool) -> list[str]:  # noqa: FBT001 - a card's value
    """A card and what continues it."""
    if isinstance(value, bool):
        return [f"{key:<8}= {'T' if value else 'F':>20}".ljust(CARD)]
    if isinstance(value, int):
        return [f"{key:<8}= {value:>20d}".ljust(CARD)]
    if isinstance(value, float):
        return [f"{key:<8}= {value!r:>20}".ljust(CARD)]
    return _text_cards(key, _ascii(value))


def _ascii(text: str) -> str:
    """The text in the characters that a header may hold: accents go, others become `?`."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return "".join(sign if " " <= sign <= "~" else "?" for sign in " ".join(plain.split()))


def _text_cards(key: str, text: str) -> list[str]:
    quoted = text.replace("'", "''")
    if len(quoted) <= 68:
        return [f"{key:<8}= '{quoted:<8}'".ljust(CARD)]
    pieces = _pieces(text, 33)
    cards = [f"{key:<8}= '{pieces[0]}&'"]
    cards += [f"CONTINUE  '{piece}&'" for piece in pieces[1:-1]]
    cards.append(f"CONTINUE  '{pieces[-1]}'")
    return [line.ljust(CARD) for line in cards]


def _pieces(text: str, size: int) -> list[str]:
    """Pieces that fit a card even where every sign is a quote to be doubled."""
    size = size if "'" in text else 2 * size
    return [text[i : i + size].replace("'", "''") for i in range(0, len(text), size)]


def header_block(cards: Sequence[str]) -> bytes:
    """Cards and END, filled with blanks to whole blocks."""
    text = "".join(cards) + "END".ljust(CARD)
    return (text + " " * (-len(text) % BLOCK)).encode("ascii")
