"""SQL of ours, word by word: parts of it replaced by others, and what it names."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD: Final = re.compile(r"'[^']*(?:''[^']*)*'|\"[^\"]*(?:\"\"[^\"]*)*\"|\w+|\s+|.", re.DOTALL)
_ALIAS: Final = re.compile(r"t\d+")
_SCAN: Final = re.compile(r"s(\d+)")


def words(sql: str) -> list[str]:
    """The words of a text: names, numbers and texts whole, signs one by one."""
    return [each for each in _WORD.findall(sql) if not each.isspace()]


def replaced(sql: str, others: Mapping[str, str]) -> str:
    """The text with others in the place of parts of it; of several that begin there, the longest.

    >>> replaced('max(t1."a") + t1."a"', {'t1."a"': "g", 'max(t1."a")': "p"})
    'p + g'
    >>> replaced('count(DISTINCT t1."a")', {'t1."a"': "g"})
    'count(DISTINCT g)'
    """
    known = sorted(((words(part), other) for part, other in others.items()), key=_length)
    pieces: list[str] = []
    rest = _WORD.findall(sql)
    at = 0
    while at < len(rest):
        for part, other in known:
            stop = None if rest[at].isspace() else _end(rest, at, part)
            if stop is not None and not (pieces and pieces[-1] == "."):
                pieces.append(other)
                at = stop
                break
        else:
            pieces.append(rest[at])
            at += 1
    return "".join(pieces)


def _length(each: tuple[list[str], str]) -> int:
    return -len(each[0])


def _end(rest: list[str], at: int, part: list[str]) -> int | None:
    """Where a part ends that begins at a word; None where it does not stand there."""
    for word in part:
        while at < len(rest) and rest[at].isspace():
            at += 1
        if at >= len(rest) or rest[at] != word:
            return None
        at += 1
    return at


def columns_in(sql: str) -> list[str]:
    """The columns that a text names, as our aliases have them: t1."ra", each once."""
    found = words(sql)
    return list(
        dict.fromkeys(
            f"{alias}.{name}"
            for alias, point, name in zip(found, found[1:], found[2:], strict=False)
            if point == "." and _ALIAS.fullmatch(alias)
        )
    )


def scans_in(sql: str) -> frozenset[int]:
    """The numbers of the scans that a text names."""
    told = (_SCAN.fullmatch(each) for each in words(sql))
    return frozenset(int(each[1]) for each in told if each)


def named_in(sql: str) -> frozenset[str]:
    """The queries of WITH that a text names."""
    return frozenset(each for each in words(sql) if re.fullmatch(r"w\d+", each))


def aliases_lacking(sql: str) -> frozenset[str]:
    """Aliases that a text uses and does not give: those of a query round it."""
    found = words(sql)
    given = {name for word, name in pairwise(found) if word == "AS" and _ALIAS.fullmatch(name)}
    return frozenset(each.partition(".")[0] for each in columns_in(sql)) - given
