"""What makes terms of others: what the functions of a query ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skyquarry.adql.kinds import NUMBERS, WORDS
from skyquarry.adql.terms import Term

if TYPE_CHECKING:
    from skyquarry.adql.state import State
    from skyquarry.errors import QueryError


class Maker:
    """Makes terms of one clause's terms, and says what is wrong with them."""

    def __init__(self, state: State) -> None:
        self.state = state

    def error(self, at: Any, what: str) -> QueryError:
        """An error about a tree or a term."""
        return self.state.source.error(at.span, what)

    def made(
        self, sql: str, kind: Any, at: Any, of: tuple[Term, ...], *, name: str = "", unit: str = ""
    ) -> Term:
        """A term made of others."""
        free = frozenset().union(*(each.free for each in of))
        aggregated = any(each.aggregated for each in of)
        return Term(sql, kind, at.span, name, unit, free=free, aggregated=aggregated)

    # ------------------------------------------------------------ what is needed
    def number(self, term: Term, what: str) -> Term:
        """The term as a number, of 64 bits; QueryError where it is none."""
        if term.kind not in NUMBERS:
            raise self.error(term, f"is {WORDS[term.kind]}, but {what} needs a number")
        if term.kind == "boolean":
            return replace(term, sql=f"CAST({term.sql} AS BIGINT)", kind="integer", column=None)
        if term.column is not None and (term.column.real or term.column.small):
            wide = "DOUBLE" if term.column.real else "BIGINT"
            return replace(term, sql=f"CAST({term.sql} AS {wide})", column=None)
        return term

    def text(self, term: Term, what: str) -> Term:
        """The term, which is a text; QueryError where it is none."""
        if term.kind not in ("text", "null"):
            raise self.error(
                term, f"is {WORDS[term.kind]}, but {what} needs a text: try CAST(... AS VARCHAR)"
            )
        return term
