"""The grammar of queries (ADQL 2.1, appendix A): from a text to its tree, or an error in it.

sqlglot cuts the text into words; the productions are ours. Its parser takes many dialects for one
and is content with most texts, so a query's errors would show late, or never.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from skyquarry.adql.text.syntax import (
    MY,
    Body,
    Condition,
    Derived,
    Identifier,
    Join,
    Order,
    Output,
    Query,
    Select,
    SetOperation,
    Source,
    Star,
    TableName,
)
from skyquarry.adql.text.values import Values
from skyquarry.adql.text.words import nearest
from skyquarry.errors import QueryError

if TYPE_CHECKING:
    from skyquarry.adql.text.words import Word

_AFTER_QUERY = ("UNION", "EXCEPT", "INTERSECT", "ORDER", "OFFSET", ")")
_AFTER = "after the end of the query"
_READ_AS_NAME = {
    "LIMIT": "write SELECT TOP n ... in its place",
    "QUALIFY": "put the query in FROM, with a name, and ask for its rows by WHERE",
}
_SURPLUS = _READ_AS_NAME | {
    "WITH": "WITH stands once, at the very beginning",
    "CROSS": "join all with all by a comma: FROM a, b",
    "ESCAPE": "in LIKE % is any text and _ any character, and there is no way around that",
    "FETCH": "write SELECT TOP n ... in its place",
    "NULLS": "NULL sorts last, and ADQL has no words to change that",
    ")": "no parenthesis is open there",
    "/": "a comment begins with -- and ends with its line",
}
_FOLDER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def parse(text: str) -> Query:
    """The tree of an ADQL query; tables and columns are not looked up.

    Raises QueryError for a text that is not ADQL 2.1: it says line and column, what stands there,
    and what is needed.

    >>> parse("SELECT TOP 5 ra FROM gaia WHERE dec > 80").body.top
    5
    """
    if not isinstance(text, str):
        raise QueryError(
            f"the query is {text!r:.60}, but a text is needed: try 'SELECT TOP 5 * FROM gaia'"
        )
    try:
        return _Grammar(text).whole()
    except RecursionError:
        raise QueryError(
            f"the query begins {text[:40]!r} and is nested too deep: write it on fewer levels"
        ) from None


class _Grammar(Values):
    """The productions of queries."""

    into: TableName | None = None
    """What INTO has named."""
    waiting = 0
    """Joins that have begun and whose condition is to come."""

    def whole(self) -> Query:
        """<query_specification>; one semicolon may end it."""
        if self.ended():
            raise self.error(self.word, "is all there is: write SELECT ... FROM ...")
        named = self._with() if self.sees("WITH") else ()
        query = replace(self.ordered(named), into=self.into)
        self.eats(";")
        if not self.ended():
            raise self._surplus(self.word)
        return query

    def _surplus(self, word: Word) -> QueryError:
        before = self.words[self.at - 1]
        if before.key in _READ_AS_NAME and before.kind == "word":
            return self.error(
                before, f"is no clause of ADQL, and was read as a name: {_READ_AS_NAME[before.key]}"
            )
        hint = _SURPLUS.get(word.key, "one query at a time is read, and its clauses in their order")
        return self.error(word, f"stands {_AFTER}: {hint}")

    def _with(self) -> tuple[tuple[Identifier, Query], ...]:
        self.take()
        found = [self._named_query()]
        while self.eats(","):
            found.append(self._named_query())
        return tuple(found)

    def _named_query(self) -> tuple[Identifier, Query]:
        name = self.name("a name for the query")
        if name.fits("recursive") and not self.sees("AS"):
            raise self.error(name, "has no form in ADQL: a query of WITH may not ask itself")
        self.need("AS", "in WITH name AS (SELECT ...)")
        self.need("(", "in WITH name AS (SELECT ...)")
        self.deeper()
        query = self.ordered()
        self.need(")", "to close the query of WITH")
        self.deeper(-1)
        return name, query

    # ------------------------------------------------------------ queries
    def ordered(self, named: tuple[tuple[Identifier, Query], ...] = ()) -> Query:
        """<select_expression>: selects, joined by set operators, sorted, less the first rows."""
        start = self.word.span
        body = self._set_expression()
        order: tuple[Order, ...] = ()
        offset = None
        if self.eats("ORDER"):
            self.need("BY", "after ORDER")
            order = self._orders()
        if self.eats("OFFSET"):
            offset = self.whole_number("after OFFSET")
        return Query(body, self.since(start), order, offset, named)

    def _orders(self) -> tuple[Order, ...]:
        found = [self._order()]
        while self.eats(","):
            found.append(self._order())
        return tuple(found)

    def _order(self) -> Order:
        value = self.value("what to sort by")
        descending = self.eats("DESC")
        if not descending:
            self.eats("ASC")
        return Order(value, descending)

    def _set_expression(self) -> Body:
        start = self.word.span
        found = self._set_term()
        while self.word.key in ("UNION", "EXCEPT"):
            word = cast("Any", self.take().key)
            every = self.eats("ALL")
            found = SetOperation(word, every, found, self._set_term(), self.since(start))
        return found

    def _set_term(self) -> Body:
        """INTERSECT binds more tightly than UNION and EXCEPT."""
        start = self.word.span
        found = self._set_primary()
        while self.eats("INTERSECT"):
            every = self.eats("ALL")
            right = self._set_primary()
            found = SetOperation("INTERSECT", every, found, right, self.since(start))
        return found

    def _set_primary(self) -> Body:
        if not self.sees("("):
            return self._select()
        self.take()
        self.deeper()
        query = self.ordered()
        self.need(")", "to close the query")
        self.deeper(-1)
        return query

    def _select(self) -> Select:
        start = self.word
        if self.sees("WITH"):
            raise self.error(start, "stands inside a query, but only the very beginning may name")
        self.need("SELECT", "to begin a query")
        distinct = self.eats("DISTINCT")
        if not distinct:
            self.eats("ALL")
        top = self.whole_number("after TOP") if self.eats("TOP") else None
        outputs = self._outputs()
        if self.sees("INTO"):
            self._into()
        self.need("FROM", f"after what is selected{self._misspelt()}")
        source = self._sources()
        where = self.condition() if self.eats("WHERE") else None
        groups = self._groups() if self.eats("GROUP") else ()
        having = self.condition() if self.eats("HAVING") else None
        span = self.since(start.span)
        return Select(outputs, source, span, distinct, top, where, groups, having)

    def _misspelt(self) -> str:
        """A hint where the word before may be FROM misspelt, which was read as a name."""
        before = self.words[self.at - 1].text
        return f": {before} before it was read as a name" if nearest(before, ["FROM"]) else ""

    def _into(self) -> None:
        """INTO my.NAME, which is not ADQL's: the rows of the whole query are kept by that name."""
        word = self.take()
        if self.depth or self.into is not None:
            raise self.error(word, "stands once, in the outermost query: its rows are what is kept")
        start = self.word.span
        parts = self.path("my.NAME", 3)
        if len(parts) != 2 or not parts[0].fits(MY) or not _FOLDER.fullmatch(parts[1].name):
            raise self.error(
                self.since(start),
                "is no name to keep rows under: write INTO my.NAME, of letters, digits and _",
            )
        self.into = TableName(parts, None, self.since(start))

    def _groups(self) -> tuple[Any, ...]:
        self.need("BY", "after GROUP")
        found = [self.value("what to group by")]
        while self.eats(","):
            found.append(self.value("what to group by"))
        return tuple(found)

    def _outputs(self) -> tuple[Star | Output, ...]:
        found = [self._output()]
        while self.eats(","):
            found.append(self._output())
        return tuple(found)

    def _output(self) -> Star | Output:
        word = self.word
        if self.eats("*"):
            return Star((), word.span)
        if self._is_table_star():
            table = self.path("a table", 3)
            self.at += 2
            return Star(table, self.since(word.span))
        value = self.value()
        alias = None
        if self.eats("AS") or self._is_alias():
            alias = self.name("a name for the value")
        return Output(value, alias, self.since(word.span))

    def _is_table_star(self) -> bool:
        at = 0
        while self.ahead(at).is_name and self.ahead(at + 1).key == ".":
            at += 2
        return at > 0 and self.ahead(at).key == "*"

    # ------------------------------------------------------------ tables
    def _sources(self) -> Source:
        found = self._joined()
        while self.eats(","):
            right = self._joined()
            found = Join("CROSS", found, right, found.span.to(right.span))
        return found

    def _joined(self) -> Source:
        outside, self.waiting = self.waiting, 0
        found = self._join_right()
        self.waiting = outside
        return found

    def _join(self, left: Source) -> Source:
        natural = self.eats("NATURAL")
        kind = self._join_kind()
        self.need("JOIN", "in a join")
        if natural:
            right = self._table()
            if self.word.key in ("ON", "USING") and not self.waiting:
                raise self.error(self.word, "is a condition, but NATURAL is one: drop it")
            return Join(kind, left, right, self.since(left.span), natural)
        self.waiting += 1
        right = self._join_right()
        self.waiting -= 1
        on, using = self._join_condition()
        return Join(kind, left, right, self.since(left.span), natural, on, using)

    def _join_condition(self) -> tuple[Condition | None, tuple[Identifier, ...]]:
        if self.eats("ON"):
            return self.condition(), ()
        if self.eats("USING"):
            return None, self._using()
        raise self.error(
            self.word, "stands where ON condition or USING (columns) is needed, for the join"
        )

    def _join_right(self) -> Source:
        """The table that is joined; a JOIN b JOIN c ON .. ON ..: the inner join ends first."""
        found = self._table()
        while self.word.key in ("NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "JOIN"):
            found = self._join(found)
        return found

    def _join_kind(self) -> Literal["INNER", "LEFT", "RIGHT", "FULL"]:
        for kind in ("LEFT", "RIGHT", "FULL"):
            if self.eats(kind):
                self.eats("OUTER")
                return kind
        self.eats("INNER")
        return "INNER"

    def _using(self) -> tuple[Identifier, ...]:
        self.need("(", "after USING")
        found = [self.name("a column")]
        while self.eats(","):
            found.append(self.name("a column"))
        self.need(")", "after the columns of USING")
        return tuple(found)

    def _table(self) -> Source:
        word = self.word
        if not self.sees("("):
            parts = self.path("a table", 3)
            if self.sees("("):
                raise self.error(
                    self.since(word.span),
                    "is called in FROM, but no function of ADQL gives a table: FROM names "
                    "catalogues and uploads; to read a file, give it as an upload, "
                    "uploads={'mine': table}, and write FROM mine",
                )
            return TableName(parts, self._alias(), self.since(word.span))
        if self._opens_query() and self._is_subquery():
            query = self.subquery("in FROM")
            alias = self._alias()
            if alias is None:
                raise self.error(
                    self.word, "stands where a name for the query in FROM is needed: (...) AS q"
                )
            return Derived(query, alias, self.since(word.span))
        return self._joined_in_parentheses()

    def _joined_in_parentheses(self) -> Source:
        word = self.take()
        self.deeper()
        found = self._joined()
        self.need(")", "to close the joined tables")
        self.deeper(-1)
        if not isinstance(found, Join):
            raise self.error(
                found, "is one table in parentheses: only joins and queries may stand in them"
            )
        alias = self._alias() if found.alias is None else None
        if alias is None:
            return replace(found, span=self.since(word.span))
        return replace(found, span=self.since(word.span), alias=alias)

    def _alias(self) -> Identifier | None:
        if self.eats("AS") or self._is_alias():
            return self.name("a name for the table")
        return None

    def _is_alias(self) -> bool:
        """Whether a name follows without AS; OFFSET there is the clause."""
        return self.word.is_name and self.word.key != "OFFSET"

    def _is_subquery(self) -> bool:
        """Whether the parenthesis holds a query, and not a join that begins with one.

        ((SELECT ...) AS a JOIN b ...) opens as ((SELECT ...) UNION ...) does, in any number of
        parentheses; what follows each of the inner ones tells.
        """
        within = 1
        while self.ahead(within).key == "(":
            within += 1
        after = (self.ahead(self._closing(each) + 1).key for each in range(1, within))
        return all(key in _AFTER_QUERY for key in after)

    def _closing(self, opening: int) -> int:
        """How far ahead the parenthesis closes that opens so far ahead."""
        depth, at = 0, opening
        while self.ahead(at).kind != "end":
            depth += {"(": 1, ")": -1}.get(self.ahead(at).key, 0)
            if not depth:
                return at
            at += 1
        return at

    def subquery(self, where: str) -> Query:
        """<table_subquery>: a query in parentheses."""
        self.need("(", f"before the query {where}")
        self.deeper()
        query = self.ordered()
        self.need(")", f"to close the query {where}")
        self.deeper(-1)
        return query
