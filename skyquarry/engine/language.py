"""The small language of `where`: text to terms, checked against a schema.

    columns, numbers, 'texts', TRUE, FALSE, NULL, + - * /, = <> < <= > >=,
    AND, OR, NOT, [NOT] IN (...), [NOT] BETWEEN ... AND ..., IS [NOT] NULL, parentheses

sqlglot cuts the text into tokens and parses them; before and after, only what stands in this list
is let through. Nothing of the text is ever executed. Any other SQL word is a column's name here
(SDSS has `class`, others `filter` or `order`), so that none of them needs quoting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser

from skyquarry.catalog.columns import resolve
from skyquarry.engine import terms
from skyquarry.engine.wheretext import (
    LANGUAGE,
    LEAVES,
    MAX_CHARACTERS,
    MAX_DEPTH,
    WhereText,
    too_deep,
)
from skyquarry.errors import ColumnError, PredicateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlglot.tokens import Token

    from skyquarry.engine.terms import Term

_COMPARISONS = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_NAMED = {"integer": "a number", "float": "a number", "text": "a text", "boolean": "a truth"}
_NAMED |= {"time": "a moment", "null": "NULL", "other": "a list or structure"}


def read(text: str, schema: pa.Schema) -> Term:
    """The term that the text stands for.

    Raises
    ------
    PredicateError
        What is not of the language; the message gives line, column and the word.
    ColumnError
        A name that no column has, or several; the message names the nearest, or both.
    """
    if len(text) > MAX_CHARACTERS:
        raise PredicateError(
            f"the where text has {len(text):,} characters, but at most {MAX_CHARACTERS:,} are "
            "read: look a long list of ids up with `ids(...)`"
        )
    try:
        return _Reader(text, schema).read()
    except RecursionError:
        raise too_deep(text) from None


class _Reader:
    """One text on its way to a term."""

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self.text = text
        self.schema = schema
        self.source = WhereText(text, tuple(schema.names))
        self.tokens: list[Token] = []
        self.leaves: Iterator[Token] = iter(())

    def read(self) -> Term:
        self.tokens = self.source.tokens()
        if not self.tokens:
            raise PredicateError(
                f'the where text is {self.text!r}, but a condition is needed: try "ra < 180"'
            )
        self.leaves = (token for token in self.tokens if token.token_type in LEAVES)
        term = self.term(self.parsed(), 0)
        if term.kind not in ("boolean", "null"):
            raise self.error(
                term,
                f"is {_NAMED[term.kind]}, but `where` needs a condition: compare it, as in = 1",
            )
        return term

    def parsed(self) -> exp.Expression:
        try:
            found = Parser().parse_into(exp.Condition, self.tokens, self.text)
        except SqlglotError as error:
            raise self.source.syntax_error(error) from None
        if len(found) != 1 or found[0] is None:
            raise self.source.error_at(
                0, len(self.text), "is not one condition: join several with AND"
            )
        return found[0]

    # ------------------------------------------------------------ terms
    def term(self, node: exp.Expression, depth: int) -> Term:
        """The term of a node of the parsed tree."""
        if depth > 4 * MAX_DEPTH:
            raise too_deep(self.text)
        make = self.makers().get(type(node))
        if make is None:
            raise self.refused(node)
        return make(node, depth + 1)

    def makers(self) -> dict[type, Callable[[Any, int], Term]]:
        return {
            exp.Column: self.column,
            exp.Literal: self.literal,
            exp.Boolean: self.boolean,
            exp.Null: self.null,
            exp.Paren: lambda node, depth: self.term(node.this, depth),
            exp.Neg: self.negative,
            exp.Not: self.negation,
            exp.And: self.junction,
            exp.Or: self.junction,
            exp.In: self.membership,
            exp.Between: self.between,
            exp.Is: self.missing,
            **dict.fromkeys(_COMPARISONS, self.comparison),
            **dict.fromkeys(_ARITHMETIC, self.arithmetic),
        }

    def column(self, node: exp.Column, depth: int) -> Term:
        del depth
        name = node.this
        if not isinstance(name, exp.Identifier) or set(filled(node)) != {"this"}:
            raise self.refused(node)
        start = int(name.meta.get("start", 0))
        stop = int(name.meta.get("end", start)) + 1
        try:
            found = resolve(self.schema, str(name.this), quoted=bool(name.args.get("quoted")))
        except ColumnError as error:
            raise ColumnError(f"{error} ({self.source.place(start)} of the where text)") from None
        return terms.Column(start, stop, found, self.schema.field(found).type)

    def leaf(self) -> tuple[int, int]:
        """Where the next number, text, truth or NULL stands: the tree has them in their order."""
        token = next(self.leaves)
        return token.start, token.end + 1

    def literal(self, node: exp.Literal, depth: int) -> Term:
        del depth
        start, stop = self.leaf()
        if node.is_string:
            return terms.Constant(start, stop, str(node.this), pa.large_string())
        return self.number(str(node.this), start, stop)

    def number(self, word: str, start: int, stop: int) -> Term:
        if word.isdecimal() and int(word) < 2**64:
            type_ = pa.int64() if int(word) < 2**63 else pa.uint64()
            return terms.Constant(start, stop, int(word), type_)
        try:
            value = float(word)
        except ValueError:
            raise self.source.error_at(
                start, stop, "is no number: write it as 1.5 or 1e-3"
            ) from None
        if value in (float("inf"), float("-inf")):
            raise self.source.error_at(start, stop, "is beyond what a float64 can hold: 1.8e308")
        return terms.Constant(start, stop, value, pa.float64())

    def boolean(self, node: exp.Boolean, depth: int) -> Term:
        del depth
        return terms.Constant(*self.leaf(), bool(node.this), pa.bool_())

    def null(self, node: exp.Null, depth: int) -> Term:
        del node, depth
        return terms.Constant(*self.leaf(), None, pa.null())

    def negative(self, node: exp.Neg, depth: int) -> Term:
        of = self.numeric(self.term(node.this, depth), "-")
        start = self.text.rfind("-", 0, of.start)
        if isinstance(of, terms.Constant) and of.python is not None:
            value = -of.python
            type_ = of.type if isinstance(value, float) else pa.int64()
            if isinstance(value, int) and value < -(2**63):
                value, type_ = float(value), pa.float64()
            return terms.Constant(start, of.stop, value, type_)
        return terms.Negative(start, of.stop, of)

    def arithmetic(self, node: exp.Binary, depth: int) -> Term:
        operator = _ARITHMETIC[type(node)]
        left = self.numeric(self.term(node.this, depth), operator)
        right = self.numeric(self.term(node.expression, depth), operator)
        return terms.Arithmetic(left.start, right.stop, operator, left, right)

    def numeric(self, term: Term, operator: str) -> Term:
        if term.kind not in terms.NUMBERS:
            raise self.error(
                term,
                f"is {_NAMED[term.kind]}, but {operator} needs numbers: name a column of numbers",
            )
        return term

    def comparison(self, node: exp.Binary, depth: int) -> Term:
        left, right = self.term(node.this, depth), self.term(node.expression, depth)
        return self.compared(_COMPARISONS[type(node)], left, right)

    def compared(self, operator: str, left: Term, right: Term) -> Term:
        start, stop = min(left.start, right.start), max(left.stop, right.stop)
        left, right = self.moment(left, right), self.moment(right, left)
        self.check_comparable(left, right, start, stop)
        return terms.Comparison(start, stop, operator, left, right)

    def check_comparable(self, left: Term, right: Term, start: int, stop: int) -> None:
        kinds = {_NAMED[left.kind], _NAMED[right.kind]} - {"NULL"}
        if len(kinds) > 1 or "a list or structure" in kinds:
            raise self.source.error_at(
                start,
                stop,
                f"compares {_NAMED[left.kind]} with {_NAMED[right.kind]}, but both sides must be "
                "of one kind, and neither a list: put texts in single quotes, numbers in none",
            )

    def moment(self, term: Term, other: Term) -> Term:
        """A text beside a column of times is a moment."""
        if not (other.kind == "time" and isinstance(term, terms.Constant) and term.kind == "text"):
            return term
        type_ = other.type if isinstance(other, terms.Column) else pa.timestamp("us")
        try:
            found = pa.scalar(term.python).cast(type_)
        except pa.ArrowInvalid:
            raise self.error(
                term, f"is no moment of type {type_}: write it as '2016-01-01 00:00:00'"
            ) from None
        return terms.Constant(term.start, term.stop, found.value, type_)

    def negation(self, node: exp.Not, depth: int) -> Term:
        of = self.truth(self.term(node.this, depth), "NOT")
        return terms.Not(of.start, of.stop, of)

    def junction(self, node: exp.And | exp.Or, depth: int) -> Term:
        word = "AND" if isinstance(node, exp.And) else "OR"
        parts = tuple(self.truth(self.term(part, depth), word) for part in chain_of(node))
        kind = terms.All if isinstance(node, exp.And) else terms.AnyOf
        return kind(parts[0].start, parts[-1].stop, parts)

    def truth(self, term: Term, word: str) -> Term:
        if term.kind not in ("boolean", "null"):
            raise self.error(
                term, f"is {_NAMED[term.kind]}, but {word} joins conditions: compare it, as in = 1"
            )
        return term

    def membership(self, node: exp.In, depth: int) -> Term:
        if not set(filled(node)) <= {"this", "expressions"}:
            raise self.refused(node)
        of = self.term(node.this, depth)
        members = [self.member(of, self.term(each, depth)) for each in node.expressions]
        stop = members[-1].stop if members else of.stop
        if not members:
            raise self.error(of, "IN needs a list of constants: write IN (1, 2)")
        return terms.OneOf(of.start, stop, of, tuple(each.python for each in members))

    def member(self, of: Term, term: Term) -> terms.Constant:
        term = self.moment(term, of)
        if not isinstance(term, terms.Constant):
            raise self.error(term, "is no constant, but IN takes constants: use = and OR")
        self.check_comparable(of, term, term.start, term.stop)
        return term

    def between(self, node: exp.Between, depth: int) -> Term:
        if not set(filled(node)) <= {"this", "low", "high"}:
            raise self.refused(node)
        of = self.term(node.this, depth)
        low = self.compared(">=", of, self.term(node.args["low"], depth))
        high = self.compared("<=", of, self.term(node.args["high"], depth))
        return terms.All(of.start, high.stop, (low, high))

    def missing(self, node: exp.Is, depth: int) -> Term:
        of = self.term(node.this, depth)
        if not isinstance(node.expression, exp.Null):
            raise self.error(of, "may be asked for IS NULL and IS NOT NULL only: compare with =")
        return terms.Missing(of.start, self.leaf()[1], of)

    # ------------------------------------------------------------ errors
    def refused(self, node: exp.Expression) -> PredicateError:
        placed = [each.meta for each in node.walk() if "start" in each.meta]
        start = min((int(meta["start"]) for meta in placed), default=0)
        stop = max((int(meta["end"]) + 1 for meta in placed), default=len(self.text))
        return self.source.error_at(start, stop, "is not of the `where` language: " + LANGUAGE)

    def error(self, term: Term, what: str) -> PredicateError:
        return self.source.error_at(term.start, term.stop, what)


def chain_of(node: exp.And | exp.Or) -> list[exp.Expression]:
    """The parts of a chain of one connector, in order; long chains cost no depth."""
    parts, rest = [], node
    while type(rest) is type(node):
        parts.append(rest.expression)
        rest = rest.this
    return [rest, *reversed(parts)]


def filled(node: exp.Expression) -> list[str]:
    """The arguments of a node that hold something."""
    return [name for name, value in node.args.items() if value not in (None, False, [])]
