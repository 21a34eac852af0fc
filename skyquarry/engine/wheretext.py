"""The text of a `where`: its words, one after another, and errors that say where in it they are."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from itertools import zip_longest

from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, Tokenizer, TokenType

from skyquarry.errors import PredicateError

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 25

_WORDS = {
    TokenType.AND,
    TokenType.OR,
    TokenType.NOT,
    TokenType.IN,
    TokenType.BETWEEN,
    TokenType.IS,
    TokenType.NULL,
    TokenType.TRUE,
    TokenType.FALSE,
}
_SIGNS = {
    TokenType.L_PAREN,
    TokenType.R_PAREN,
    TokenType.COMMA,
    TokenType.PLUS,
    TokenType.DASH,
    TokenType.STAR,
    TokenType.SLASH,
    TokenType.EQ,
    TokenType.NEQ,
    TokenType.LT,
    TokenType.LTE,
    TokenType.GT,
    TokenType.GTE,
    TokenType.NUMBER,
    TokenType.STRING,
    TokenType.IDENTIFIER,
}
LEAVES = {
    TokenType.NUMBER,
    TokenType.STRING,
    TokenType.TRUE,
    TokenType.FALSE,
    TokenType.NULL,
}
LANGUAGE = (
    "it has columns, numbers, 'texts', TRUE, FALSE, NULL, + - * /, = <> < <= > >=, AND, OR, NOT, "
    'IN, BETWEEN, IS NULL and parentheses; put odd column names in "double quotes"'
)


@dataclass(frozen=True, slots=True)
class WhereText:
    """A text, and the names that columns have."""

    text: str
    names: tuple[str, ...]

    def tokens(self) -> list[Token]:
        """The words of the text, any that are not of the language taken as names.

        Raises PredicateError for what can be neither.
        """
        return self.checked(self.tokenized())

    def tokenized(self) -> list[Token]:
        """The words of the text, as sqlglot cuts them."""
        try:
            return joined(Tokenizer().tokenize(self.text))
        except SqlglotError as error:
            start = len(self.text.rstrip()) - 1
            quote = next((q for q in "'\"" if self.text.count(q) % 2), None)
            if quote is not None:
                start = self.text.rindex(quote)
                raise self.error_at(start, start + 1, "opens a quotation that has no end") from None
            raise self.error_at(start, start + 1, f"cannot be read ({error})") from None

    def checked(self, tokens: list[Token]) -> list[Token]:
        """The tokens, every word outside the language a name; PredicateError for any other."""
        kept, depth = [], 0
        for token, following in zip_longest(tokens, tokens[1:]):
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
            if depth > MAX_DEPTH:
                raise too_deep(self.text)
            kept.append(self.checked_token(token, following))
        return kept

    def checked_token(self, token: Token, following: Token | None) -> Token:
        """The token, or a name in its place; PredicateError for what is neither."""
        if token.token_type in _WORDS | _SIGNS:
            return token
        start, stop = token.start, token.end + 1
        if not re.fullmatch(r"[^\W\d]\w*", token.text) or token.text != self.text[start:stop]:
            raise self.error_at(start, stop, "is not of the `where` language: " + LANGUAGE)
        if following is not None and following.token_type == TokenType.L_PAREN:
            raise self.error_at(
                start, stop, "is used as a function, but `where` has none: " + LANGUAGE
            )
        return Token(TokenType.VAR, token.text, token.line, token.col, token.start, token.end)

    def syntax_error(self, error: SqlglotError) -> PredicateError:
        """Sqlglot's complaint, in our words."""
        told = (getattr(error, "errors", None) or [{}])[0]
        word = str(told.get("highlight") or "")
        end = len(self.text.rstrip())
        # sqlglot counts the columns to the end of the word at fault.
        stop = self.offset(told.get("line"), told.get("col"), end)
        start = max(stop - len(word), 0) if word else end
        return self.error_at(start, stop, "does not fit here: " + LANGUAGE)

    def offset(self, line: int | None, column: int | None, default: int) -> int:
        """The character at a line and column that sqlglot speaks of."""
        if line is None or column is None:
            return default
        before = sum(len(each) for each in self.text.splitlines(keepends=True)[: line - 1])
        return min(before + column, default)

    def error_at(self, start: int, stop: int, what: str) -> PredicateError:
        """The error about text[start:stop]: its place, the word itself, what is wrong."""
        word = self.text[start:stop].strip()
        word = repr(word if len(word) <= 60 else word[:57] + "...") if word else "the end"
        near = self.nearest(word.strip("'\""))
        return PredicateError(f"where text, {self.place(start)}: {word} {what}{near}")

    def nearest(self, word: str) -> str:
        """A column whose name is near the word at fault: names with odd signs need quotes."""
        lower = {name.lower(): name for name in self.names}
        found = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.7)
        plain = found and re.fullmatch(r"[^\W\d]\w*", lower[found[0]])
        return f' (did you mean the column "{lower[found[0]]}"?)' if found and not plain else ""

    def place(self, start: int) -> str:
        """Line and column, from 1, of a character of the text."""
        before = self.text[:start]
        return f"line {before.count(chr(10)) + 1}, column {start - before.rfind(chr(10))}"


def joined(tokens: list[Token]) -> list[Token]:
    """The tokens, with a number that begins with its point (.5) made whole again."""
    kept: list[Token] = []
    for token in tokens:
        last = kept[-1] if kept else None
        point = last is not None and last.token_type == TokenType.DOT
        if point and token.token_type == TokenType.NUMBER and last.end + 1 == token.start:  # type: ignore[union-attr]
            kept.pop()
            token = Token(  # noqa: PLW2901
                TokenType.NUMBER,
                f"0.{token.text}",
                token.line,
                token.col,
                token.start - 1,
                token.end,
            )
        kept.append(token)
    return kept


def too_deep(text: str) -> PredicateError:
    """The error for a text whose nesting would exhaust the stack."""
    return PredicateError(
        f"the where text begins {text[:40]!r} and is nested more than {MAX_DEPTH} deep, but that "
        "deep it is not read: join conditions with AND or OR on one level"
    )
