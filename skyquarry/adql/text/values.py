"""The grammar of values and conditions: each method is a production, and eats the words of it.

Values and conditions are read by one ladder (OR, AND, NOT, predicate, sum, product, sign, primary),
since a parenthesis may open either; where only one of them may stand is checked when it is read.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, cast

from skyquarry.adql.text import shapes
from skyquarry.adql.text.names import is_function, why_no_function
from skyquarry.adql.text.reading import Words
from skyquarry.adql.text.reserved import RESERVED
from skyquarry.adql.text.syntax import (
    Arithmetic,
    Between,
    Call,
    Cast,
    ColumnName,
    Comparison,
    Condition,
    Exists,
    InList,
    InQuery,
    IsNull,
    Junction,
    Like,
    Not,
    Null,
    Number,
    Parenthesis,
    Signed,
    Text,
    Value,
)
from skyquarry.adql.text.words import nearest

if TYPE_CHECKING:
    from skyquarry.adql.text.syntax import Query
    from skyquarry.adql.text.words import Word

_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_CLAUSES = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "OFFSET", "UNION", "EXCEPT", "INTERSECT")


class Values(Words, ABC):
    """The productions of values and conditions."""

    def value(self, what: str = "a value") -> Value:
        """<value_expression>."""
        found = self.either()
        if shapes.category(found) == "condition":
            raise self.error(
                found, f"is a condition, but {what} is needed: a comparison belongs after WHERE"
            )
        return cast("Value", found)

    def condition(self) -> Condition:
        """<search_condition>."""
        return self._truth(self.either())

    def _truth(self, found: Value | Condition) -> Condition:
        if shapes.category(found) != "condition":
            raise self.error(
                found, "is a value, but a condition is needed: compare it, as in 1 = CONTAINS(...)"
            )
        return cast("Condition", found)

    # ------------------------------------------------------------ conditions
    def either(self) -> Value | Condition:
        """A value or a condition: OR, the loosest of all."""
        return self._junction("OR", lambda: self._junction("AND", self._negation))

    def _junction(self, word: Literal["AND", "OR"], part: Any) -> Value | Condition:
        first = part()
        if not self.sees(word):
            return cast("Value | Condition", first)
        parts = [self._truth(first)]
        while self.eats(word):
            parts.append(self._truth(part()))
        return Junction(word, tuple(parts), parts[0].span.to(parts[-1].span))

    def _negation(self) -> Value | Condition:
        start = self.word.span
        if not self.eats("NOT"):
            return self._predicate()
        if self.sees("NOT"):
            raise self.error(self.word, "stands twice: put the inner one in parentheses")
        found = self._truth(self._predicate())
        return Not(found, start.to(found.span))

    def _predicate(self) -> Value | Condition:
        start = self.word.span
        if self.eats("EXISTS"):
            query = self.subquery("after EXISTS")
            return Exists(query, self.since(start))
        left = self.sum()
        key = self.word.key
        if key in _COMPARISONS:
            return self._comparison(self._valued(left))
        negated = key == "NOT"
        verb = self.ahead().key if negated else key
        if verb in ("BETWEEN", "IN", "LIKE", "ILIKE"):
            self.at += 2 if negated else 1
            return self._verb(verb, self._valued(left), negated=negated)
        if key == "IS":
            return self._missing(left)
        return left

    def _valued(self, found: Value | Condition) -> Value:
        if shapes.category(found) == "condition":
            raise self.error(found, "is a condition, but a value is needed to compare")
        return cast("Value", found)

    def _comparison(self, left: Value) -> Condition:
        sign = self.take().key
        right = self._valued(self.sum())
        operator = cast("Any", "<>" if sign == "!=" else sign)
        found = Comparison(operator, left, right, left.span.to(right.span))
        if self.word.key in _COMPARISONS:
            raise self.error(self.word, "follows a comparison: join two of them with AND")
        return found

    def _verb(self, verb: str, left: Value, *, negated: bool) -> Condition:
        if verb == "BETWEEN":
            low = self._valued(self.sum())
            self.need("AND", "between the two limits of BETWEEN")
            high = self._valued(self.sum())
            return Between(left, low, high, negated, left.span.to(high.span))
        if verb == "IN":
            return self._membership(left, negated=negated)
        pattern = self._valued(self.sum())
        for each in (left, pattern):
            if not shapes.accepts("S", each):
                raise self.error(each, f"is no text, but {verb} compares texts")
        span = left.span.to(pattern.span)
        return Like(left, pattern, negated, verb == "ILIKE", span)

    def _membership(self, left: Value, *, negated: bool) -> Condition:
        if self._opens_query():
            query = self.subquery("after IN")
            return InQuery(left, query, negated, self.since(left.span))
        self.need("(", "after IN")
        numbers = self.source.lists.get(self.word.span.start, ())
        if numbers:
            self.take()
            self.need(")", "at the end of the list")
            return InList(left, (), negated, self.since(left.span), numbers)
        self.deeper()
        items = [self.value()]
        while self.eats(","):
            items.append(self.value())
        self.need(")", "at the end of the list")
        self.deeper(-1)
        return InList(left, tuple(items), negated, self.since(left.span))

    def _missing(self, left: Value | Condition) -> Condition:
        self.take()
        negated = self.eats("NOT")
        self.need("NULL", "after IS")
        if not isinstance(left, ColumnName):
            raise self.error(left, "may not be asked for IS NULL: ADQL asks columns only")
        return IsNull(left, negated, self.since(left.span))

    # ------------------------------------------------------------ values
    def sum(self) -> Value | Condition:
        """Products added and subtracted, or texts joined."""
        found = self._product()
        if self.sees("||"):
            return self._concatenation(self._valued(found))
        while self.word.key in ("+", "-"):
            sign = self.take().key
            found = self._arithmetic(sign, found, self._product())
        if self.sees("||"):
            raise self.error(found, "is a number, but || joins texts: put it in a CAST")
        return found

    def _product(self) -> Value | Condition:
        found = self._factor()
        while self.word.key in ("*", "/"):
            sign = self.take().key
            found = self._arithmetic(sign, found, self._factor())
        return found

    def _arithmetic(
        self, sign: str, left: Value | Condition, right: Value | Condition
    ) -> Arithmetic:
        sides = [self._number(side, sign) for side in (left, right)]
        span = left.span.to(right.span)
        return Arithmetic(cast("Any", sign), sides[0], sides[1], span)

    def _number(self, node: Value | Condition, sign: str) -> Value:
        if shapes.category(node) not in ("any", "numeric"):
            raise self.error(node, f"is no number, but {sign} needs numbers")
        return cast("Value", node)

    def _factor(self) -> Value | Condition:
        start = self.word
        if start.key not in ("+", "-"):
            return self.primary()
        self.take()
        of = self._number(self.primary(), start.key)
        return Signed(cast("Any", start.key), of, start.span.to(of.span))

    def _concatenation(self, left: Value) -> Value:
        found = left
        while self.sees("||"):
            self.take()
            right = self._valued(self.primary())
            for each in (found, right):
                if not shapes.accepts("S", each):
                    raise self.error(each, "is no text, but || joins texts")
            found = Arithmetic("||", found, right, found.span.to(right.span))
        return found

    def primary(self) -> Value | Condition:
        """A number, text, NULL, column, function, or what stands in parentheses."""
        word = self.word
        if word.kind == "number":
            return self._literal_number()
        if word.kind == "text":
            return self._text()
        if self.sees("("):
            return self._parenthesis()
        if word.kind == "word" and self.ahead().key == "(":
            return self.function()
        if self.eats("NULL"):
            return Null(word.span)
        if not word.is_name:
            raise self.error(word, self._why_no_value(word))
        parts = self.path("a column", 4)
        if self.sees(".", "*"):
            raise self.error(self.ahead(), "stands where a column is needed")
        return ColumnName(parts, self.since(word.span))

    def _why_no_value(self, word: Word) -> str:
        if word.key in ("TRUE", "FALSE"):
            return "is no value of ADQL, which has no truths: compare with 1 or 0"
        if word.key == "CASE":
            return "has no form in ADQL: ask for each case by itself, and join them by UNION ALL"
        if word.key in _CLAUSES or word.kind in ("end", "sign"):
            return "stands where a value is needed: a column, number, 'text' or function"
        return self._why_no_name(word, "a value")

    def _literal_number(self) -> Number:
        word = self.take()
        value: int | float = int(word.text) if word.text.isdecimal() else float(word.text)
        if value == float("inf") or (isinstance(value, int) and value >= 2**64):
            raise self.error(word, "is too large: whole numbers end at 2^64, others at 1.8e308")
        return Number(value, word.span)

    def _text(self) -> Text:
        """A text, which goes on in the next line where one more begins (SQL-92, ADQL 2.0)."""
        word = self.take()
        said, span = word.text, word.span
        while self.word.kind == "text":
            if not re.search(r"[\r\n]", self.source.text[span.stop : self.word.span.start]):
                raise self.error(
                    self.word, "follows another text: put a comma between, or || to join them"
                )
            more = self.take()
            said, span = said + more.text, span.to(more.span)
        return Text(said, span)

    def _parenthesis(self) -> Value | Condition:
        start = self.take()
        if self.word.key in ("SELECT", "WITH"):
            raise self.error(
                self.word,
                "begins a query, but ADQL takes no query as a value: put it in FROM, with a name, "
                "or use IN or EXISTS",
            )
        self.deeper()
        found = self.either()
        self.need(")", f"to close the parenthesis of {self.source.place(start.span)}")
        self.deeper(-1)
        if shapes.category(found) == "condition":
            return found
        return Parenthesis(cast("Value", found), self.since(start.span))

    # ------------------------------------------------------------ functions
    def function(self) -> Value:
        """A function and its arguments: of ADQL, or one that a user may define."""
        word = self.take()
        key = word.key
        if key == "CAST":
            return self._cast(word)
        if key in shapes.SET_FUNCTIONS:
            return self._set_function(word)
        if key in shapes.SHAPES:
            return self._checked(Call(word.text, self._arguments(), self.since(word.span)))
        if key in RESERVED:
            raise self.error(word, f"is no function of ADQL: {self._instead(key)}")
        if not is_function(key):
            raise self.error(word, why_no_function(word.text))
        return Call(word.text, self._arguments(), self.since(word.span))

    @staticmethod
    def _instead(key: str) -> str:
        """What to write in the place of a reserved word that was called."""
        if key in ("ALL", "ANY", "SOME"):
            return "a query is asked by IN (SELECT ...) or EXISTS (SELECT ...)"
        return nearest(key, shapes.SHAPES) or "it is a word of the language that takes no arguments"

    def _arguments(self) -> tuple[Value, ...]:
        opening = self.need("(", "before the arguments")
        self.deeper()
        found: list[Value] = []
        if not self.sees(")"):
            found.append(self.value("an argument"))
            while self.eats(","):
                found.append(self.value("an argument"))
        self.need(")", f"to close the parenthesis of {self.source.place(opening.span)}")
        self.deeper(-1)
        return tuple(found)

    def _checked(self, call: Call) -> Call:
        arguments = shapes.without_frame(call.key, call.arguments)
        if not shapes.fits(call.key, arguments):
            raise self.error(call, f"has other arguments than it takes: {shapes.told(call.key)}")
        return call

    def _set_function(self, word: Word) -> Call:
        self.need("(", "before what is counted or summed")
        self.deeper()
        star = word.key == "COUNT" and self.eats("*")
        distinct = not star and self.eats("DISTINCT")
        if not star and not distinct:
            self.eats("ALL")
        arguments = () if star else (self.value("an argument"),)
        self.need(")", f"to close {word.text}, which takes one argument")
        self.deeper(-1)
        return Call(word.text, arguments, self.since(word.span), distinct=distinct, star=star)

    def _cast(self, word: Word) -> Cast:
        self.need("(", "after CAST")
        self.deeper()
        of = self.value()
        self.need("AS", "in CAST(value AS type)")
        kind = self._type()
        length = None
        if kind in ("CHAR", "VARCHAR") and self.eats("("):
            length = self.whole_number("as a text's length")
            self.need(")", "after the length")
        self.need(")", "to close CAST")
        self.deeper(-1)
        return Cast(of, kind, length, self.since(word.span))

    def _type(self) -> str:
        word = self.take()
        if word.key == "DOUBLE" and self.eats("PRECISION"):
            return "DOUBLE PRECISION"
        if word.key not in shapes.CAST_TYPES:
            raise self.error(word, f"is no type of CAST: it has {', '.join(shapes.CAST_TYPES)}")
        return word.key

    # ------------------------------------------------------------ queries, in `grammar`
    def _opens_query(self) -> bool:
        """Whether a parenthesis opens a query, after any others."""
        at = 0
        while self.ahead(at).key == "(":
            at += 1
        return at > 0 and self.ahead(at).key in ("SELECT", "WITH")

    @abstractmethod
    def subquery(self, where: str) -> Query:
        """<subquery>, which `grammar` reads."""
