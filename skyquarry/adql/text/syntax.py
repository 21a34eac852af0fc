"""The tree of a query as it was written: names are not looked up yet.

Every node knows where it stands in the text. Parentheses are nodes, for ADQL's grammar lets a value
in parentheses stand where it lets no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from skyquarry.adql.text.words import Span


MY: Final = "my"
"""What stands before the names of results that are kept."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name: without case, unless it was written in double quotes."""

    name: str
    quoted: bool
    span: Span

    def fits(self, name: str) -> bool:
        """Whether it means a thing of this name."""
        return self.name == name or (not self.quoted and self.name.lower() == name.lower())


# ------------------------------------------------------------------ values
@dataclass(frozen=True, slots=True)
class Number:
    """A number, unsigned."""

    value: int | float
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A text in single quotes."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Null:
    """NULL."""

    span: Span


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column, with what stands before it: catalog.schema.table.column."""

    parts: tuple[Identifier, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Signed:
    """Plus or minus a value."""

    sign: Literal["+", "-"]
    of: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values joined by + - * / or ||."""

    operator: Literal["+", "-", "*", "/", "||"]
    left: Value
    right: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Parenthesis:
    """A value in parentheses."""

    of: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values; of COUNT(*) the star."""

    name: str
    """As it was spelled."""
    arguments: tuple[Value, ...]
    span: Span
    distinct: bool = False
    star: bool = False

    @property
    def key(self) -> str:
        """The name in capitals."""
        return self.name.upper()


@dataclass(frozen=True, slots=True)
class Cast:
    """CAST(value AS type)."""

    of: Value
    type: str
    """SMALLINT, DOUBLE PRECISION, ..."""
    length: int | None
    span: Span


Value = Number | Text | Null | ColumnName | Signed | Arithmetic | Parenthesis | Call | Cast


# ------------------------------------------------------------------ conditions
@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared."""

    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Value
    right: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Between:
    """A value between two others, both included."""

    of: Value
    low: Value
    high: Value
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class InList:
    """A value among others."""

    of: Value
    items: tuple[Value, ...]
    negated: bool
    span: Span
    numbers: tuple[int | float, ...] = ()
    """A long list of numbers and nothing else, in place of `items`."""


@dataclass(frozen=True, slots=True)
class InQuery:
    """A value among the rows of a query of one column."""

    of: Value
    query: Query
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Like:
    """A text like a pattern, with % and _."""

    of: Value
    pattern: Value
    negated: bool
    caseless: bool
    span: Span


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a column has no value."""

    of: Value
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether a query has rows."""

    query: Query
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or by OR, in parentheses or not."""

    word: Literal["AND", "OR"]
    parts: tuple[Condition, ...]
    span: Span


Condition = Comparison | Between | InList | InQuery | Like | IsNull | Exists | Not | Junction
CONDITIONS = (Comparison, Between, InList, InQuery, Like, IsNull, Exists, Not, Junction)


# ------------------------------------------------------------------ queries
@dataclass(frozen=True, slots=True)
class Star:
    """All columns, or all of one table."""

    table: tuple[Identifier, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Output:
    """A value that is given back, and what it is to be called."""

    value: Value
    alias: Identifier | None
    span: Span


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, and what the query calls it."""

    parts: tuple[Identifier, ...]
    alias: Identifier | None
    span: Span


@dataclass(frozen=True, slots=True)
class Derived:
    """A query in place of a table; one in parentheses of joins only has no name."""

    query: Query
    alias: Identifier
    span: Span


@dataclass(frozen=True, slots=True)
class Join:
    """Two tables joined."""

    kind: Literal["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    left: Source
    right: Source
    span: Span
    natural: bool = False
    on: Condition | None = None
    using: tuple[Identifier, ...] = ()
    alias: Identifier | None = None
    """A join in parentheses may have a name, as a query has."""


Source = TableName | Derived | Join


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT ... FROM ... WHERE ... GROUP BY ... HAVING."""

    outputs: tuple[Star | Output, ...]
    source: Source
    span: Span
    distinct: bool = False
    top: int | None = None
    where: Condition | None = None
    groups: tuple[Value, ...] = ()
    having: Condition | None = None


@dataclass(frozen=True, slots=True)
class SetOperation:
    """The rows of two queries together."""

    word: Literal["UNION", "EXCEPT", "INTERSECT"]
    all: bool
    left: Body
    right: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Order:
    """What rows are sorted by; a whole number is the place of an output."""

    value: Value
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A body with its order and offset; of the outermost also the queries that it names."""

    body: Body
    span: Span
    order: tuple[Order, ...] = ()
    offset: int | None = None
    named: tuple[tuple[Identifier, Query], ...] = ()
    into: TableName | None = None
    """Where its rows are to be kept: my.NAME, in the outermost only."""


Body = Select | SetOperation | Query
