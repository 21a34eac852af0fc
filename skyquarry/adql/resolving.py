"""Values of a query with their names looked up and their kinds checked: from trees to terms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skyquarry.adql.calls import aggregates, casting
from skyquarry.adql.calls import known as calls
from skyquarry.adql.infinities import may_be_nan, tame_result, tested
from skyquarry.adql.kinds import WORDS, literal
from skyquarry.adql.making import Maker
from skyquarry.adql.terms import Field, Term
from skyquarry.adql.text.shapes import without_frame
from skyquarry.adql.text.syntax import (
    Arithmetic,
    Call,
    Cast,
    ColumnName,
    Null,
    Number,
    Parenthesis,
    Signed,
    Text,
    Value,
)
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.adql.scopes import Scope
    from skyquarry.adql.state import State

MAX_CHAIN = 400


class Resolver(Maker):
    """Turns the values of one clause into terms."""

    def __init__(self, state: State, scope: Scope, groups: frozenset[str] = frozenset()) -> None:
        super().__init__(state)
        self.scope = scope
        self.groups = groups
        """SQL of what the query groups by: inside it, columns are no longer free."""
        self.inside = ""
        """The aggregate whose argument is being looked at."""
        self.depth = 0

    # ------------------------------------------------------------ values
    def value(self, tree: Value) -> Term:
        """The term of a value; NULL where it would be NaN."""
        found = self._untested(tree)
        if found.may_be_nan:
            found = replace(found, sql=tested(found.sql), may_be_nan=False)
        return found

    def _untested(self, tree: Value) -> Term:
        """The term of a value that is worked with further: what is made of NaN is NaN."""
        self.depth += 1
        if self.depth > MAX_CHAIN:
            raise self.error(tree, f"joins more than {MAX_CHAIN} values: use parentheses")
        found = self._makers()[type(tree)](tree)
        self.depth -= 1
        if not (found.free and self.groups):
            return found
        sql = tested(found.sql) if found.may_be_nan else found.sql
        if sql in self.groups:
            found = replace(found, sql=sql, free=frozenset(), may_be_nan=False)
        return found

    def _makers(self) -> dict[type, Callable[[Any], Term]]:
        return {
            Number: self._number,
            Text: lambda tree: Term(literal(tree.value), "text", tree.span, constant=tree.value),
            Null: lambda tree: Term("NULL", "null", tree.span),
            ColumnName: self._column,
            Signed: self._signed,
            Arithmetic: self._arithmetic,
            Parenthesis: self._parenthesis,
            Call: self._call,
            Cast: lambda tree: casting.cast(self, tree, self.value(tree.of)),
        }

    def _number(self, tree: Number) -> Term:
        kind: Any = "integer" if isinstance(tree.value, int) else "float"
        return Term(literal(tree.value), kind, tree.span, constant=tree.value)

    def _column(self, tree: ColumnName) -> Term:
        found = self.scope.column(tree)
        self.used(found)
        return column_term(found, tree.span)

    def used(self, column: Field) -> None:
        """A scan has to read this column."""
        if column.origin is not None:
            number, name = column.origin
            self.state.scans[number].columns[name] = None

    def _parenthesis(self, tree: Parenthesis) -> Term:
        return replace(self._untested(tree.of), span=tree.span)

    def _signed(self, tree: Signed) -> Term:
        of = self.number(self._untested(tree.of), tree.sign)
        if tree.sign == "+":
            return replace(of, span=tree.span, name="")
        if isinstance(of.constant, int | float):
            return replace(
                of, sql=literal(-of.constant), constant=-of.constant, span=tree.span, name=""
            )
        return replace(
            of, sql=f"(- {of.sql})", span=tree.span, name="", column=None, truth=None, distance=None
        )

    def _arithmetic(self, tree: Arithmetic) -> Term:
        left, right = self._untested(tree.left), self._untested(tree.right)
        if tree.operator == "||":
            return self._joined(tree, left, right)
        left, right = (self.number(each, tree.operator) for each in (left, right))
        folded = _folded(tree.operator, left.constant, right.constant)
        kinds = {left.kind, right.kind}
        kind: Any = "null" if "null" in kinds else "float" if "float" in kinds else "integer"
        if folded is not None:
            return Term(literal(folded), kind, tree.span, constant=folded)
        unit = _unit_of(tree.operator, left, right)
        sql = _arithmetic_sql(tree.operator, left.sql, right.sql, kind)
        made = self.made(sql, kind, tree, (left, right), unit=unit)
        if kind != "float" or made.aggregated:
            return made
        return replace(
            made,
            tame=tame_result(tree.operator, left, right),
            may_be_nan=left.may_be_nan
            or right.may_be_nan
            or may_be_nan(self.state, tree.operator, left, right),
        )

    def _joined(self, tree: Arithmetic, left: Term, right: Term) -> Term:
        for each in (left, right):
            if each.kind not in ("text", "null"):
                raise self.error(
                    each, f"is {WORDS[each.kind]}, but || joins texts: try CAST(... AS VARCHAR)"
                )
        return self.made(f"({left.sql} || {right.sql})", "text", tree, (left, right))

    # ------------------------------------------------------------ functions
    def _call(self, tree: Call) -> Term:
        if tree.key in aggregates.AGGREGATES:
            return self._aggregate(tree)
        try:
            given = without_frame(tree.key, tree.arguments)
            return calls.called(self, tree, tuple(self.value(each) for each in given))
        except SkyquarryError as error:
            if str(error).startswith("query, "):
                raise
            raise self.error(tree, f"cannot be: {error}") from None

    def _aggregate(self, tree: Call) -> Term:
        if self.inside:
            raise self.error(
                tree, f"stands within {self.inside}, but an aggregate of aggregates is none: put "
                "the inner one in a query in FROM",
            )  # fmt: skip
        self.inside = tree.key
        arguments = tuple(self.value(each) for each in tree.arguments)
        self.inside = ""
        return aggregates.aggregate(self, tree, arguments)


def column_term(column: Field, span: Any) -> Term:
    """The value of a column."""
    return Term(
        column.sql,
        column.kind,
        span,
        column.name,
        column.unit,
        items=column.items,
        tame=column.tame,
        column=column,
        shape=column.shape,
        free=frozenset((column.sql,)),
    )


def _arithmetic_sql(operator: str, left: str, right: str, kind: str) -> str:
    if operator != "/":
        return f"({left} {operator} {right})"
    sign = "//" if kind == "integer" else "/"
    return f"({left} {sign} nullif({right}, 0))"


def _folded(operator: str, left: Any, right: Any) -> int | float | None:
    """The result of two constants; None where one is not, or no number comes of it."""
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        return None
    if operator == "/":
        if right == 0:
            return None
        if isinstance(left, int) and isinstance(right, int):
            whole = abs(left) // abs(right)
            return whole if (left < 0) == (right < 0) else -whole
        return left / right
    results: dict[str, Callable[[], int | float]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
    }
    found = results[operator]()
    return found if isinstance(found, float) or abs(found) < 2**63 else None


def _unit_of(operator: str, left: Term, right: Term) -> str:
    if operator in "+-":
        return left.unit if left.unit == right.unit else ""
    if right.constant is not None and not right.unit:
        return left.unit
    if operator == "*" and left.constant is not None and not left.unit:
        return right.unit
    if left.unit and right.unit:
        return f"({left.unit}){operator}({right.unit})"
    return ""
