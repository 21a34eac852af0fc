r"""A session's text in statements: queries that end in a semicolon, commands that begin with \."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = re.compile(r"'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|--[^\n]*|;|[^'\";-]+|-")
_SPACE = re.compile(r"(?:\s|--[^\n]*(?:\n|$))*")
_EXPLAINED = re.compile(r"\\explain[ \t]+\S")


def split(text: str) -> tuple[list[str], str]:
    r"""The whole statements of a text, and what is left of it.

    A query reaches to a semicolon that stands in no quotes and no comment; a command to the end of
    its line, but for `\explain`, which reaches to the end of its query.

    >>> split("SELECT 1 AS a FROM t; \\d t\nSELECT b")
    (['SELECT 1 AS a FROM t', '\\d t'], 'SELECT b')
    """
    found: list[str] = []
    at = 0
    while True:
        start = _after_space(text, at)
        stop = _line_end(text, start) if _is_command(text, start) else _semicolon(text, start)
        if stop is None or start == len(text):
            return found, text[start:]
        if text[start:stop].strip():
            found.append(text[start:stop].rstrip())
        at = stop + 1


def is_whole(text: str) -> bool:
    r"""Whether a text can run: nothing in it waits for a semicolon, or for the end of a line.

    >>> is_whole("SELECT ra\nFROM gaia"), is_whole("SELECT ra FROM gaia;"), is_whole("\\d")
    (False, True, True)
    """
    return not split(text + "\n")[1].strip()


def statements(lines: Iterable[str]) -> Iterator[str]:
    """The statements of a script as its lines come; the last one may do without a semicolon."""
    waiting = ""
    for line in lines:
        found, waiting = split(waiting + line)
        yield from found
    last = waiting[_after_space(waiting, 0) :].rstrip()
    if last:
        yield last


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _is_command(text: str, start: int) -> bool:
    return text.startswith("\\", start) and _EXPLAINED.match(text, start) is None


def _line_end(text: str, start: int) -> int | None:
    """Where the line ends; None where no more than its beginning is there."""
    stop = text.find("\n", start)
    return None if stop < 0 else stop


def _semicolon(text: str, start: int) -> int | None:
    """Where the query ends; None where it does not."""
    for piece in _PIECE.finditer(text, start):
        if piece.group() == ";":
            return piece.start()
    return None
