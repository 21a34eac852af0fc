"""The text of a query: its words, cut by sqlglot, and errors that say where in it they are."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlglot.errors import SqlglotError
from sqlglot.tokens import Tokenizer, TokenType

from skyquarry.adql.text.reserved import RESERVED
from skyquarry.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlglot.tokens import Token

MAX_CHARACTERS = 1_000_000
Kind = Literal["word", "quoted", "text", "number", "sign", "end"]

_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_REAL = re.compile(r"[.eE]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LITERAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_LONG_LIST = re.compile(
    rf"\bIN\s*\(\s*({_LITERAL}(?:\s*+,\s*+{_LITERAL}){{99,}})\s*\)", re.IGNORECASE | re.ASCII
)
"""A hundred numbers and more: to cut, read and look up one by one takes 0.1 ms each."""
_SIGNS = frozenset((*"(),.+-*/=<>;", "<>", "!=", "<=", ">=", "||"))


class Cutter(Tokenizer):  # type: ignore[misc]  # sqlglot has no types for us
    """Sqlglot's tokenizer with the lexical rules of ADQL: -- alone begins a comment.

    Which word is a keyword depends on its place, and is the grammar's to say.
    """

    KEYWORDS = {  # noqa: RUF012
        "||": TokenType.DPIPE,
        "<>": TokenType.NEQ,
        "!=": TokenType.NEQ,
        "<=": TokenType.LTE,
        ">=": TokenType.GTE,
    }
    COMMENTS = ["--"]  # noqa: RUF012
    QUOTES = ["'"]  # noqa: RUF012
    IDENTIFIERS = ['"']  # noqa: RUF012
    STRING_ESCAPES = ["'"]  # noqa: RUF012
    COMMANDS: set[TokenType] = set()  # noqa: RUF012
    NUMERIC_LITERALS: dict[str, str] = {}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the query's text: characters from `start` up to, not including, `stop`."""

    start: int
    stop: int

    def to(self, other: Span) -> Span:
        """From the beginning of this one to the end of the other."""
        return Span(self.start, max(self.stop, other.stop))


@dataclass(frozen=True, slots=True)
class Word:
    """A word, number, text, sign, or the end of the query."""

    kind: Kind
    text: str
    """What it says: without quotes; a word as it was spelled."""
    span: Span
    key: str = field(init=False)
    """The word in capitals, a sign as it is, else nothing: what keywords are compared with."""

    def __post_init__(self) -> None:
        key = self.text.upper() if self.kind in ("word", "sign") else ""
        object.__setattr__(self, "key", key)

    @property
    def is_name(self) -> bool:
        """Whether it may name a table or column: no reserved word, unless in double quotes."""
        return self.kind == "quoted" or (self.kind == "word" and self.key not in RESERVED)


@dataclass(frozen=True, slots=True)
class QueryText:
    """The text as it was given; makes errors that point into it."""

    text: str
    lists: dict[int, tuple[int | float, ...]] = field(default_factory=dict, compare=False)
    """Long lists of numbers after IN, by the places where they begin: one word stands for each."""

    def place(self, span: Span) -> str:
        """Line and column, from 1, of the beginning of a span."""
        line, column = self.line_and_column(span)
        return f"line {line}, column {column}"

    def line_and_column(self, span: Span) -> tuple[int, int]:
        """The same as numbers."""
        before = self.text[: span.start]
        return before.count("\n") + 1, span.start - before.rfind("\n")

    def error(self, span: Span, what: str) -> QueryError:
        """The error about a piece of the text: its place, the piece itself, what is wrong."""
        piece = " ".join(self.text[span.start : span.stop].split())
        shown = "the end" if not piece else piece if len(piece) <= 60 else piece[:57] + "..."
        found = QueryError(f"query, {self.place(span)}: {shown} {what}")
        found.line, found.column = self.line_and_column(span)
        return found

    def words(self) -> list[Word]:
        """The words, the last of kind "end"; QueryError for what is no word of ADQL."""
        if len(self.text) > MAX_CHARACTERS:
            raise QueryError(
                f"the query has {len(self.text):,} characters, but at most {MAX_CHARACTERS:,} are "
                "read: give long lists as an upload, uploads={'mine': table}"
            )
        lists = {found.start(1): found for found in _LONG_LIST.finditer(self.text)}
        tokens = self._tokens(_LONG_LIST.sub(_shortened, self.text))
        numbers = {each.start for each in tokens if each.token_type == TokenType.NUMBER}
        if lists.keys() <= numbers:  # else one of them lies in a text or a comment
            known = {at: _numbers(found[1]) for at, found in lists.items()}
        else:
            known = {}
        if not known or not all(known.values()):
            tokens, known = self._tokens(self.text) if lists else tokens, {}
        self.lists.update(known)
        found: list[Word] = []
        for token in tokens:
            self._append(found, token)
        stop = len(self.text.rstrip())
        return [*found, Word("end", "", Span(stop, stop))]

    def _tokens(self, text: str) -> list[Token]:
        try:
            return list(Cutter().tokenize(text))
        except SqlglotError:
            start = self._unclosed()
            raise self.error(
                Span(start, start + 1), "opens a quotation that has no end: close it"
            ) from None

    def _unclosed(self) -> int:
        """Where the quotation begins that has no end."""
        whole = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|[^'\"-]+|-")
        at = 0
        while found := whole.match(self.text, at):
            at = found.end()
        return min(at, max(len(self.text) - 1, 0))

    def _append(self, found: list[Word], token: Token) -> None:
        """One more word; .5 comes as a point and a number, and is made one."""
        span = Span(token.start, token.end + 1)
        kind, text = self._kind(token, span)
        last = found[-1] if found else None
        touching = last is not None and last.span.stop == span.start
        if kind == "number" and touching and last is not None and last.text == ".":
            owner = found[-2] if len(found) > 1 else None
            if owner is None or not _owns(owner, last):
                found.pop()
                span = Span(last.span.start, span.stop)
                text, touching = "." + text, False
                last = found[-1] if found else None
        if touching and last is not None and {last.kind, kind} <= {"number", "word"}:
            both = last.span.to(span)
            raise self.error(both, "is neither a number nor a name: put a space between the two")
        found.append(Word(kind, text, span))

    def _kind(self, token: Token, span: Span) -> tuple[Kind, str]:
        raw = self.text[span.start : span.stop]
        if token.token_type == TokenType.STRING and raw.startswith("'"):
            return "text", str(token.text)
        if token.token_type == TokenType.IDENTIFIER:
            if not token.text:
                raise self.error(span, "is an empty name: write one between the quotes")
            return "quoted", str(token.text)
        if token.token_type == TokenType.NUMBER and _NUMBER.fullmatch(raw):
            return "number", raw
        if raw in _SIGNS:
            return "sign", raw
        if _NAME.fullmatch(raw):
            return "word", raw
        raise self.error(span, self._why_no_word(raw))

    @staticmethod
    def _why_no_word(raw: str) -> str:
        if re.fullmatch(r"\w+", raw):
            return (
                "is no name of ADQL, which begins with a letter A to Z and goes on with letters, "
                f'digits and _: write it in double quotes, "{raw}"'
            )
        return "is no sign of ADQL: it has + - * / || = <> != < <= > >= ( ) , . and 'texts'"


def _shortened(found: re.Match[str]) -> str:
    """A list with 0 in its place, and all else where it was."""
    whole, (start, stop) = found[0], found.span(1)
    start, stop = start - found.start(), stop - found.start()
    return whole[:start] + "0" + re.sub(r"[^\n]", " ", whole[start + 1 : stop]) + whole[stop:]


def _numbers(text: str) -> tuple[int | float, ...]:
    """The numbers of a list; none where one of them is too large, which is told elsewhere."""
    words = "".join(text.split()).split(",")
    values = [float(each) if _REAL.search(each) else int(each) for each in words]
    fit = all(abs(each) < (2**64 if isinstance(each, int) else math.inf) for each in values)
    return tuple(values) if fit else ()


def _owns(owner: Word, point: Word) -> bool:
    """Whether a point belongs to what stands before it: a name or number that touches it."""
    touching = owner.span.stop == point.span.start
    return touching and (owner.is_name or owner.kind == "number")


def nearest(name: str, names: Iterable[str]) -> str:
    """The name of a list that is nearest a misspelt one, as a question; else nothing."""
    lower = {each.lower(): each for each in names}
    found = difflib.get_close_matches(name.lower(), list(lower), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(lower[each] for each in found)}?" if found else ""
