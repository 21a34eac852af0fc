"""The words of a query and how far they are read: what every production is made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skyquarry.adql.text.reserved import RESERVED
from skyquarry.adql.text.syntax import Identifier
from skyquarry.adql.text.words import QueryText, Span, Word

if TYPE_CHECKING:
    from skyquarry.errors import QueryError

MAX_DEPTH = 60


class Words:
    """The words of a query, and how far they have been read."""

    def __init__(self, text: str) -> None:
        self.source = QueryText(text)
        self.words = self.source.words()
        self.at = 0
        self.depth = 0

    @property
    def word(self) -> Word:
        """The word that is to be read."""
        return self.words[self.at]

    def ended(self) -> bool:
        """Whether all words have been read."""
        return self.word.kind == "end"

    def ahead(self, n: int = 1) -> Word:
        """The word n places further on."""
        return self.words[min(self.at + n, len(self.words) - 1)]

    def take(self) -> Word:
        """The word, which is then read."""
        word = self.word
        self.at = min(self.at + 1, len(self.words) - 1)
        return word

    def sees(self, *keys: str) -> bool:
        """Whether the next words are these keywords or signs."""
        if self.words[self.at].key != keys[0]:  # most are not: the rest is seldom looked at
            return False
        return all(self.ahead(i).key == key for i, key in enumerate(keys))

    def eats(self, *keys: str) -> bool:
        """The same, and they are read."""
        if not self.sees(*keys):
            return False
        self.at += len(keys)
        return True

    def need(self, key: str, why: str) -> Word:
        """The keyword or sign that is needed; QueryError where something else stands."""
        if self.word.key != key:
            raise self.error(self.word, f"stands where {key} is needed {why}")
        return self.take()

    def since(self, start: Span) -> Span:
        """From there to the last word that was read."""
        return start.to(self.words[max(self.at - 1, 0)].span)

    def error(self, at: Word | Span | Any, what: str) -> QueryError:
        """An error about a word, a span, or a node."""
        span = at if isinstance(at, Span) else at.span
        return self.source.error(span, what)

    def name(self, what: str) -> Identifier:
        """A name of a table or column; QueryError for a reserved word."""
        word = self.word
        if not word.is_name:
            raise self.error(word, self._why_no_name(word, what))
        self.take()
        return Identifier(word.text, word.kind == "quoted", word.span)

    @staticmethod
    def _why_no_name(word: Word, what: str) -> str:
        if word.key in RESERVED:
            moment = "write CAST('2016-01-01T12:00:00' AS TIMESTAMP) for a moment; "
            return (
                f"is a word of ADQL, but {what} is needed: "
                f"{moment if word.key == 'TIMESTAMP' else ''}a name that is such a word goes in "
                f'double quotes, as in "{word.text}"'
            )
        return f"stands where {what} is needed"

    def path(self, what: str, most: int) -> tuple[Identifier, ...]:
        """Names joined by points."""
        parts = [self.name(what)]
        while self.word.key == "." and self.ahead().key != "*":
            self.take()
            parts.append(self.name(what))
        if len(parts) > most:
            raise self.error(
                parts[0].span.to(parts[-1].span), f"has {len(parts)} parts, but at most {most} fit"
            )
        return tuple(parts)

    def deeper(self, by: int = 1) -> None:
        """One parenthesis deeper; QueryError where the nesting would exhaust the stack."""
        self.depth += by
        if self.depth > MAX_DEPTH:
            raise self.error(
                self.word, f"is nested more than {MAX_DEPTH} deep: write it on fewer levels"
            )

    def whole_number(self, why: str) -> int:
        """An unsigned whole number."""
        word = self.word
        if word.kind != "number" or not word.text.isdecimal():
            raise self.error(word, f"stands where a whole number, 0 or more, is needed {why}")
        self.take()
        return int(word.text)
