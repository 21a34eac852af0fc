"""Queries as SQL: what they give back, their groups, their order; text of ours from end to end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skyquarry.adql.blocks import Block
from skyquarry.adql.calls.known import alike
from skyquarry.adql.compiled import Compiled
from skyquarry.adql.conditions import Conditions
from skyquarry.adql.infinities import tame_of
from skyquarry.adql.joining import Joining, moved_to, output_names
from skyquarry.adql.joins.flat import Flat, JoinText
from skyquarry.adql.joins.pairing import quickened
from skyquarry.adql.kinds import WORDS, literal, quoted
from skyquarry.adql.resolving import column_term
from skyquarry.adql.scopes import Relation, Scope, Tree
from skyquarry.adql.terms import Field, Term
from skyquarry.adql.text.syntax import (
    Body,
    ColumnName,
    Number,
    Order,
    Output,
    Query,
    Select,
    SetOperation,
    Star,
    Value,
)

if TYPE_CHECKING:
    from skyquarry.adql.state import State
    from skyquarry.adql.terms import Equal, Truth
    from skyquarry.errors import QueryError


class Compiler:
    """Makes the SQL of queries."""

    def __init__(self, state: State) -> None:
        self.state = state

    def whole(self, query: Query) -> Compiled:
        """The SQL of the outermost query, with the queries that it names."""
        named: list[tuple[str, str]] = []
        for name, inner in query.named:
            if any(name.fits(each.name) for each, _, _ in self.state.named):
                raise self.error(name, "is the name of two queries: choose another for one")
            found = self.query(inner, None)
            ours = f"w{len(self.state.named)}"
            named.append((ours, found.sql))
            self.state.named.append((name, ours, found.fields))
        return replace(self.query(query, None), named=tuple(named))

    def error(self, at: Any, what: str) -> QueryError:
        """An error about a tree or a term."""
        return self.state.source.error(at.span, what)

    def query(self, query: Query, outer: Scope | None) -> Compiled:
        """A body with its order and offset."""
        if isinstance(query.body, Select):
            return _Selecting(self, query.body, outer).compiled(query.order, query.offset)
        body = self._body(query.body, outer)
        if not query.order and query.offset is None:
            return body
        return self._sorted(body, query)

    def _body(self, body: Body, outer: Scope | None) -> Compiled:
        if isinstance(body, Select):
            return _Selecting(self, body, outer).compiled((), None)
        if isinstance(body, Query):
            return self.query(body, outer)
        return self._set_operation(body, outer)

    def _set_operation(self, body: SetOperation, outer: Scope | None) -> Compiled:
        left, right = self._body(body.left, outer), self._body(body.right, outer)
        if len(left.fields) != len(right.fields):
            raise self.error(
                body,
                f"joins {len(left.fields)} columns with {len(right.fields)} by {body.word}, but "
                "both queries must give as many",
            )
        fields = tuple(
            self._united(body, *pair) for pair in zip(left.fields, right.fields, strict=True)
        )
        if not body.all:
            self._once(left, right)
        every = " ALL" if body.all else ""
        one, other = (self._as_wide(each, fields) for each in (left, right))
        sql = f"({one}) {body.word}{every} ({other})"
        blocked = left.blocked or right.blocked
        if body.word != "UNION" or not body.all:
            blocked = f"{body.word} without ALL" if not body.all else body.word
        return Compiled(sql, fields, blocked=blocked)

    def _as_wide(self, side: Compiled, fields: tuple[Field, ...]) -> str:
        """The SQL of one side, whole numbers as doubles where the other side's are of 32 bits."""
        wide = [
            own.kind == "integer" and both.real
            for own, both in zip(side.fields, fields, strict=True)
        ]
        if not any(wide):
            return side.sql
        alias = self.state.alias()
        columns = ", ".join(
            f"CAST({alias}.{each.sql} AS DOUBLE) AS {each.sql}" if cast else f"{alias}.{each.sql}"
            for each, cast in zip(side.fields, wide, strict=True)
        )
        return f"SELECT {columns} FROM ({side.sql}) AS {alias}"

    def _once(self, *sides: Compiled) -> None:
        """Note that it does not matter how often these give a row."""
        texts = {each.sql for each in sides}
        blocks = self.state.blocks
        blocks[:] = [replace(each, once=True) if each.sql in texts else each for each in blocks]

    def _united(self, body: SetOperation, left: Field, right: Field) -> Field:
        span = body.span
        one, other = (Term("", each.kind, span) for each in (left, right))
        if not alike(one, other):
            raise self.error(
                body,
                f"joins {left.name or 'a column'}, {WORDS[left.kind]}, with "
                f"{right.name or 'a column'}, {WORDS[right.kind]}: the columns must be of one kind",
            )
        return left.with_values_of(right)

    def _sorted(self, body: Compiled, query: Query) -> Compiled:
        """Rows of set operations, or of a query in parentheses, sorted by what they give."""
        alias = self.state.alias()
        own = tuple(moved_to(each, alias, keep_origin=False) for each in body.fields)
        tree = Tree("", (Relation((alias,), False, own),), own)
        clauses = Conditions(self.state, Scope(self.state.source, tree), self.query)
        orders = [self._order(each, clauses, own) for each in query.order]
        names = ", ".join(f"{each.sql}" for each in own)
        sql = f"SELECT {names} FROM ({body.sql}) AS {alias}"
        sql += f" ORDER BY {', '.join(orders)}" if orders else ""
        sql += f" OFFSET {query.offset}" if query.offset is not None else ""
        return Compiled(sql, body.fields, blocked="ORDER BY" if orders else body.blocked)

    def _order(self, order: Order, clauses: Conditions, fields: tuple[Field, ...]) -> str:
        place = placed(self, order.value, len(fields))
        term = clauses.value(order.value) if place is None else None
        sql = _no_place(term) if term is not None else str(place)
        return f"{sql} {'DESC' if order.descending else 'ASC'} NULLS LAST"


def placed(compiler: Compiler, value: Value, n: int) -> int | None:
    """The place of an output that a whole number in ORDER BY means; None for other values."""
    if not isinstance(value, Number) or not isinstance(value.value, int):
        return None
    if not 1 <= value.value <= n:
        raise compiler.error(value, f"is no place of a column: the query gives {n}")
    return value.value


class _Selecting:
    """One SELECT on its way to SQL."""

    def __init__(self, compiler: Compiler, tree: Select, outer: Scope | None) -> None:
        self.compiler = compiler
        self.state = compiler.state
        self.tree = tree
        self.joined = Joining(self.state, outer, compiler.query).tree(tree.source)
        self.scope = Scope(self.state.source, self.joined, outer)
        self.plain = Conditions(self.state, self.scope, compiler.query)
        self.wanted: tuple[Equal, ...] = ()

    def compiled(self, order: tuple[Order, ...], offset: int | None) -> Compiled:
        """The SELECT, sorted, less its first rows, and no more than TOP says."""
        where = self._where()
        groups = self._groups()
        keys = frozenset(each.sql for each in groups)
        clauses = Conditions(self.state, self.scope, self.compiler.query, keys)
        outputs = self._outputs(clauses)
        having = None if self.tree.having is None else clauses.truth(self.tree.having)
        orders = [self._order(each, clauses, outputs) for each in order]
        terms: list[Term | Truth] = [*outputs, *(term for term, _ in orders if term is not None)]
        terms += [] if having is None else [having]
        grouped = bool(groups) or having is not None or any(each.aggregated for each in terms)
        if grouped:
            self._check_grouped(terms)
        return self._written(outputs, where, groups, having, orders, offset, grouped=grouped)

    # ------------------------------------------------------------ clauses
    def _where(self) -> str:
        if self.tree.where is None:
            return ""
        truth = self.plain.truth(self.tree.where)
        if truth.aggregated:
            raise self.compiler.error(
                self.tree.where, "has an aggregate, but WHERE looks at single rows: use HAVING"
            )
        scans = self.joined.scans
        self.state.narrow({n: each for n, each in truth.narrowing.items() if n in scans})
        equal, among = (*self.joined.equal, *truth.equal), (*self.joined.among, *truth.among)
        joined = replace(self.joined, equal=equal, among=among)
        joined = replace(joined, flat=Flat.joined(joined.flat, Flat(), truth.each))
        self.wanted = truth.equal
        self.joined, test = quickened(self.state, joined, truth.near)
        return f"{test} AND {truth.sql}" if test else truth.sql

    def _groups(self) -> list[Term]:
        found = []
        for each in self.tree.groups:
            term = self._aliased(each) or self.plain.value(each)
            if term.aggregated:
                raise self.compiler.error(each, "is an aggregate, but GROUP BY makes the groups")
            found.append(term)
        return found

    def _aliased(self, value: Value) -> Term | None:
        """What an output is worth that a name means which no column has."""
        if not isinstance(value, ColumnName) or len(value.parts) > 1:
            return None
        name = value.parts[0]
        if any(name.fits(column.name) for column in self.joined.columns):
            return None
        for output in self.tree.outputs:
            if isinstance(output, Output) and output.alias and name.fits(output.alias.name):
                return self.plain.value(output.value)
        return None

    def _outputs(self, clauses: Conditions) -> list[Term]:
        found: list[Term] = []
        for each in self.tree.outputs:
            if isinstance(each, Star):
                found += self._starred(each, clauses)
                continue
            term = clauses.value(each.value)
            if term.shape is not None and not term.shape.parts and term.column is None:
                raise self.compiler.error(each.value, "is a region, which has no numbers to give")
            found.append(term.called(each.alias.name) if each.alias else term)
        return found

    def _starred(self, star: Star, clauses: Conditions) -> list[Term]:
        fields = self.joined.stars
        if star.table:
            tables = self.scope.tables(star.table)
            if len(tables) != 1:
                name = ".".join(part.name for part in star.table)
                here = ", ".join(each.name for each in self.joined.relations)
                raise self.compiler.error(
                    star, f"means no one table called {name}: FROM has {here}"
                )
            fields = tables[0].shown if tables[0].shown is not None else tables[0].fields
        for each in fields:
            clauses.used(each)
        terms = [column_term(each, star.span) for each in fields]
        return [replace(t, free=frozenset()) if t.sql in clauses.groups else t for t in terms]

    def _order(
        self, order: Order, clauses: Conditions, outputs: list[Term]
    ) -> tuple[Term | None, str]:
        """The term that is sorted by, None where it is an output; and its SQL."""
        direction = f"{'DESC' if order.descending else 'ASC'} NULLS LAST"
        place = placed(self.compiler, order.value, len(outputs)) or self._named(order, outputs)
        if place is not None:
            return None, f"{place} {direction}"
        term = clauses.value(order.value)
        for number, each in enumerate(outputs):
            if each.sql == term.sql:
                return None, f"{number + 1} {direction}"
        if self.tree.distinct:
            raise self.compiler.error(
                order.value, "is not among what DISTINCT gives, so it has no one value to sort by"
            )
        return term, f"{_no_place(term)} {direction}"

    def _named(self, order: Order, outputs: list[Term]) -> int | None:
        """The place of the output that has this name by AS; else None."""
        value = order.value
        if not isinstance(value, ColumnName) or len(value.parts) > 1:
            return None
        name = value.parts[0]
        given = [
            each.alias.name
            for each in self.tree.outputs
            if isinstance(each, Output) and each.alias is not None
        ]
        for number, each in enumerate(outputs):
            if each.name in given and name.fits(each.name):
                return number + 1
        return None

    def _check_grouped(self, terms: list[Term | Truth]) -> None:
        for each in terms:
            if not each.free:
                continue
            column = min(each.free).partition(".")[2].strip('"')
            at = each.span if isinstance(each, Term) else self.tree.span
            raise self.state.source.error(
                at,
                f"has the column {column}, of which a group has many values: put it in GROUP BY, "
                f"or in an aggregate, as in MAX({column})",
            )

    # ------------------------------------------------------------ written
    def _written(
        self,
        outputs: list[Term],
        where: str,
        groups: list[Term],
        having: Truth | None,
        orders: list[tuple[Term | None, str]],
        offset: int | None,
        *,
        grouped: bool,
    ) -> Compiled:
        tree = self.tree
        names = output_names(tuple(outputs))
        columns = ", ".join(
            f"{each.sql} AS {quoted(name)}" for each, name in zip(outputs, names, strict=True)
        )
        parts = [f"SELECT {'DISTINCT ' if tree.distinct else ''}{columns} FROM {self.joined.sql}"]
        parts += [f"WHERE {where}"] if where else []
        parts += [f"GROUP BY {', '.join(_no_place(each) for each in groups)}"] if groups else []
        parts += [f"HAVING {having.sql}"] if having is not None else []
        parts += [f"ORDER BY {', '.join(sql for _, sql in orders)}"] if orders else []
        parts += [f"LIMIT {tree.top}"] if tree.top is not None else []
        parts += [f"OFFSET {offset}"] if offset is not None else []
        cut = tree.top is not None or offset is not None or grouped
        fields = tuple(
            _field(each, name, keep_origin=not cut)
            for each, name in zip(outputs, names, strict=True)
        )
        blocked = "ORDER BY" if orders else "GROUP BY" if grouped else ""
        blocked = blocked or ("DISTINCT" if tree.distinct else "")
        block = Block(
            " ".join(parts),
            tuple((each.sql, quoted(name)) for each, name in zip(outputs, names, strict=True)),
            self.joined,
            where,
            tuple(_no_place(each) for each in groups),
            "" if having is None else having.sql,
            tuple(sql for _, sql in orders),
            tree.top,
            offset or 0,
            distinct=tree.distinct,
            grouped=grouped,
        )
        self.state.blocks.append(block)
        flat = self.joined.flat
        if self.scope.outer is None and flat is not None and len(flat.parts) > 1:
            self.state.joins.append(JoinText(block.body, flat))
        if cut:
            return Compiled(block.sql, fields, blocked=blocked)
        own = () if tree.distinct else self.joined.equal
        some = frozenset() if tree.distinct else self.joined.parts
        return Compiled(
            block.sql, fields, self.joined.scans, some, own, self.wanted, blocked=blocked
        )


def _no_place(term: Term) -> str:
    """What is grouped or sorted by: a bare constant would mean a place, or be refused."""
    if term.constant is None and term.kind != "null":
        return term.sql
    return f"CAST({term.sql} AS {'VARCHAR' if term.kind == 'text' else 'DOUBLE'})"


def _field(term: Term, name: str, *, keep_origin: bool) -> Field:
    """An output as a column of what the query gives."""
    column = term.column
    metadata = column.metadata if column is not None else ()
    if not metadata and term.unit and "(" not in term.unit:
        metadata = ((b"unit", term.unit.encode()),)
    return Field(
        term.name or name,
        quoted(name),
        term.kind,
        real=column is not None and column.real,
        small=column is not None and column.small,
        items=term.items,
        tame=tame_of(term),
        metadata=metadata,
        origin=column.origin if column is not None and keep_origin else None,
        shape=term.shape,
    )


def with_named(named: tuple[tuple[str, str], ...], sql: str, rows: int | None = None) -> str:
    """A query with those that it names before it, and at most so many rows of it."""
    if rows is not None:
        sql = f"SELECT * FROM ({sql}) AS whole LIMIT {literal(rows)}"
    before = ", ".join(f"{name} AS ({inner})" for name, inner in named)
    return f"WITH {before} {sql}" if before else sql
