"""FROM: tables, queries in their place, and joins of these, as SQL."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from skyquarry.adql.calls.known import alike
from skyquarry.adql.conditions import Conditions
from skyquarry.adql.joins.flat import Flat
from skyquarry.adql.joins.pairing import quickened
from skyquarry.adql.kinds import WORDS, quoted
from skyquarry.adql.recall import Recall
from skyquarry.adql.scanned import fields_of
from skyquarry.adql.scopes import Relation, Scope, Tree
from skyquarry.adql.terms import Term
from skyquarry.adql.text.syntax import Derived, Identifier, Join, Source, TableName

if TYPE_CHECKING:
    from skyquarry.adql.conditions import Compile
    from skyquarry.adql.scanned import Scanned
    from skyquarry.adql.state import State
    from skyquarry.adql.tables import Table
    from skyquarry.adql.terms import Equal, Field, Narrowing, Truth


class Joining:
    """Makes the FROM of one SELECT."""

    def __init__(self, state: State, outer: Scope | None, compile_query: Compile) -> None:
        self.state = state
        self.outer = outer
        self.compile_query = compile_query

    def tree(self, source: Source) -> Tree:
        """The SQL of a FROM, and the columns that it has."""
        if isinstance(source, TableName):
            return self._table(source)
        if isinstance(source, Derived):
            return self._derived(source)
        found = self._join(source)
        return found if source.alias is None else self._renamed(found, source.alias)

    # ------------------------------------------------------------ tables
    def _table(self, source: TableName) -> Tree:
        path = tuple(part.name for part in source.parts)
        called = (source.alias.name,) if source.alias else path
        is_quoted = source.alias.quoted if source.alias else source.parts[-1].quoted
        if len(source.parts) == 1:
            for name, ours, fields in self.state.named:
                if source.parts[0].fits(name.name):
                    return self._of_with(ours, fields, called, quoted_name=is_quoted)
        table = self._found(source)
        scan = self.state.scan(table)
        fields = fields_of(scan)
        shown = _shown(fields, table.shown)
        sql = f"{scan.name} AS {scan.alias}"
        relation = Relation(called, is_quoted, fields, shown, scan.alias, sql)
        own = frozenset((scan.number,))
        tree = Tree(sql, (relation,), fields, own, shown, own, flat=Flat.of(scan))
        condition = getattr(table, "condition", "")
        return self._viewed(tree, scan, condition) if condition else tree

    def _found(self, source: TableName) -> Table:
        found = self.state.tables.find(source.parts)
        if found is None:
            name = ".".join(part.name for part in source.parts)
            raise self.state.source.error(
                source.parts[0].span.to(source.parts[-1].span),
                f"is no table here: {self.state.tables.hint(name)}",
            )
        return found

    def _viewed(self, tree: Tree, scan: Scanned, condition: str) -> Tree:
        """The rows of a table that a view shows: as a condition of the scan itself."""
        from skyquarry.adql.text.words import QueryText

        scope = Scope(QueryText(condition), tree)
        truth = Conditions(self.state, scope, self.compile_query).truth(_condition(condition))
        self.state.narrow(truth.narrowing)
        sql = f"(SELECT * FROM {scan.name} AS {scan.alias} WHERE {truth.sql}) AS {scan.alias}"
        relations = (replace(tree.relations[0], sql=sql),)
        return replace(tree, sql=sql, relations=relations, flat=Flat.of(scan, truth.each))

    def _of_with(
        self, ours: str, fields: tuple[Field, ...], called: tuple[str, ...], *, quoted_name: bool
    ) -> Tree:
        alias = self.state.alias()
        own = tuple(moved_to(each, alias, keep_origin=False) for each in fields)
        sql = f"{ours} AS {alias}"
        return Tree(sql, (Relation(called, quoted_name, own, None, alias, sql),), own)

    def _derived(self, source: Derived) -> Tree:
        made = self.compile_query(source.query, None)
        alias = self.state.alias()
        own = tuple(moved_to(each, alias) for each in made.fields)
        whole = f"({made.sql}) AS {alias}"
        name = source.alias
        relation = Relation((name.name,), name.quoted, own, None, alias, whole)
        return Tree(whole, (relation,), own, made.scans, None, made.parts, made.equal)

    def _renamed(self, tree: Tree, alias: Identifier) -> Tree:
        """Joined tables in parentheses under one name."""
        ours = self.state.alias()
        fields = unique(tree.columns)
        for each in fields:
            if each.origin is not None:
                self.state.scans[each.origin[0]].columns[each.origin[1]] = None
        columns = ", ".join(
            f"{each.sql} AS {quoted(name)}"
            for each, name in zip(fields, output_names(fields), strict=True)
        )
        own = tuple(
            moved_to(replace(each, sql=quoted(name)), ours)
            for each, name in zip(fields, output_names(fields), strict=True)
        )
        sql = f"(SELECT {columns} FROM {tree.sql}) AS {ours}"
        relation = Relation((alias.name,), alias.quoted, own)
        return Tree(sql, (relation,), own, tree.scans, None, tree.parts, tree.equal, tree.among)

    # ------------------------------------------------------------ joins
    def _join(self, source: Join) -> Tree:
        left, right = self.tree(source.left), self.tree(source.right)
        self._check_names(left, right, source)
        if source.kind == "CROSS":
            sql = f"{left.sql} CROSS JOIN {_grouped(right, source)}"
            flat = Flat.joined(left.flat, right.flat)
            return replace(self._beside(left, right, sql, "INNER", ()), flat=flat)
        names = self._shared(left, right, source) if source.natural else list(source.using)
        if source.on is None:
            return self._by_columns(source, left, right, names)
        both = self._beside(left, right, "", source.kind, ())
        scope = Scope(self.state.source, both, self.outer)
        truth = Conditions(self.state, scope, self.compile_query).truth(source.on)
        if truth.aggregated:
            raise self.state.source.error(source.on.span, "has an aggregate, but ON takes none")
        both = self._beside(left, right, "", source.kind, truth.equal, truth.among)
        flat = Flat.joined(left.flat, right.flat, truth.each) if source.kind == "INNER" else None
        self._narrow(source.kind, truth.narrowing, left, right)
        left, right, test = self._quickened(source.kind, left, right, truth)
        sql = f"{left.sql} {source.kind} JOIN {_grouped(right, source)} ON {test}"
        return replace(both, sql=sql, flat=flat)

    def _quickened(
        self, kind: str, left: Tree, right: Tree, truth: Truth
    ) -> tuple[Tree, Tree, str]:
        """A join on position by cells: of an outer join only the side that is not kept whole."""
        sides = {"INNER": (right, left), "LEFT": (right,), "RIGHT": (left,)}
        for side in sides.get(kind, ()):
            made, test = quickened(self.state, side, truth.near)
            if test:
                both = (left, made) if side is right else (made, right)
                return *both, f"{test} AND {truth.sql}"
        return left, right, truth.sql

    def _beside(
        self,
        left: Tree,
        right: Tree,
        sql: str,
        kind: str,
        equal: tuple[Equal, ...],
        among: tuple[Equal, ...] = (),
    ) -> Tree:
        shown = (*left.stars, *right.stars)
        kept = {"INNER": (left, right), "LEFT": (left,), "RIGHT": (right,)}.get(kind, ())
        parts = frozenset().union(*(each.parts for each in kept))
        return Tree(
            sql,
            (*left.relations, *right.relations),
            (*left.columns, *right.columns),
            left.scans | right.scans,
            shown,
            parts,
            (*left.equal, *right.equal, *_leading(kind, left, right, equal)),
            (*left.among, *right.among, *_asked(kind, left, right, among)),
        )

    def _check_names(self, left: Tree, right: Tree, source: Join) -> None:
        there = {each.path for each in left.relations}
        for each in right.relations:
            if each.path in there:
                raise self.state.source.error(
                    source.right.span,
                    f"is the second table called {each.name}: give one of them another name, "
                    "with AS",
                )

    def _narrow(self, kind: str, narrowing: Narrowing, left: Tree, right: Tree) -> None:
        """An outer join keeps rows that fail its condition: those of its own side are not cut."""
        scans = {"INNER": left.scans | right.scans, "LEFT": right.scans, "RIGHT": left.scans}
        kept = scans.get(kind, frozenset())
        self.state.narrow({scan: each for scan, each in narrowing.items() if scan in kept})

    def _shared(self, left: Tree, right: Tree, source: Join) -> list[Identifier]:
        """The names of columns that both have: what NATURAL goes by."""
        theirs = {each.name.lower() for each in right.stars}
        names = dict.fromkeys(each.name for each in left.stars if each.name.lower() in theirs)
        if not names:
            raise self.state.source.error(
                source.span, "is NATURAL, but the two tables have no column of one name: use ON"
            )
        return [Identifier(name, False, source.span) for name in names]

    def _by_columns(self, source: Join, left: Tree, right: Tree, names: list[Identifier]) -> Tree:
        pairs = [(self._side(left, name), self._side(right, name)) for name in names]
        for name, pair in zip(names, pairs, strict=True):
            self._check_kinds(name, *pair)
            for each in pair:
                if each.origin is not None:
                    self.state.scans[each.origin[0]].columns[each.origin[1]] = None
        meeting = [(one.beside(other.kind), other.beside(one.kind)) for one, other in pairs]
        tests = " AND ".join(f"{one} = {other}" for one, other in meeting)
        sql = f"{left.sql} {source.kind} JOIN {_grouped(right, source)} ON {tests}"
        merged = tuple(_merged(source.kind, *pair) for pair in pairs)
        gone = {each.sql for pair in pairs for each in pair}
        equal = tuple(
            pair
            for one, other in pairs
            if one.origin is not None and other.origin is not None
            for pair in ((one.origin, other.origin), (other.origin, one.origin))
        )
        beside = self._beside(left, right, sql, source.kind, equal)
        columns = tuple(each for each in beside.columns if each.sql not in gone)
        shown = tuple(each for each in beside.stars if each.sql not in gone)
        own = tuple(Flat.equality(*each) for each in meeting)
        flat = Flat.joined(left.flat, right.flat, own) if source.kind == "INNER" else None
        return replace(beside, columns=(*merged, *columns), shown=(*merged, *shown), flat=flat)

    def _check_kinds(self, name: Identifier, one: Field, other: Field) -> None:
        if not alike(Term("", one.kind, name.span), Term("", other.kind, name.span)):
            raise self.state.source.error(
                name.span,
                f"joins by {name.name}, which is {WORDS[one.kind]} in one table and "
                f"{WORDS[other.kind]} in the other: use ON, and CAST one of them",
            )

    def _side(self, tree: Tree, name: Identifier) -> Field:
        from skyquarry.adql.text.syntax import ColumnName

        return Scope(self.state.source, tree).column(ColumnName((name,), name.span))


@lru_cache
def _condition(text: str) -> Any:
    """What a view asks of its rows, read once."""
    from skyquarry.adql.text.grammar import parse

    whole: Any = parse(f"SELECT * FROM v WHERE {text}").body  # ours
    return whole.where


def _chosen(fields: tuple[Field, ...], names: tuple[str, ...]) -> tuple[Field, ...]:
    by_name: dict[str, list[Field]] = {}
    for each in fields:
        by_name.setdefault(each.name, []).append(each)
    return tuple(each for name in names for each in by_name.get(name, ()))


_shown = Recall(_chosen)


def _leading(kind: str, left: Tree, right: Tree, equal: tuple[Equal, ...]) -> tuple[Equal, ...]:
    """Equal columns, from the side of an outer join that is kept whole to the other."""
    if kind == "INNER":
        return equal
    side = {"LEFT": left, "RIGHT": right}.get(kind)
    if side is None:
        return ()
    numbers = {each.origin[0] for each in side.columns if each.origin is not None}
    return tuple(pair for pair in equal if pair[0][0] in numbers and pair[1][0] not in numbers)


def _asked(kind: str, left: Tree, right: Tree, among: tuple[Equal, ...]) -> tuple[Equal, ...]:
    """Columns that a query in ON names, of the sides whose rows it may leave out."""
    sides = {"INNER": left.scans | right.scans, "LEFT": right.scans, "RIGHT": left.scans}
    return tuple(pair for pair in among if pair[1][0] in sides.get(kind, frozenset()))


def _grouped(right: Tree, source: Join) -> str:
    """The right side, in parentheses where it is a join itself."""
    return f"({right.sql})" if isinstance(source.right, Join) else right.sql


def _merged(kind: str, left: Field, right: Field) -> Field:
    """The one column that USING makes of two."""
    if kind == "RIGHT":
        return right
    if kind == "FULL":
        sql = f"coalesce({left.beside(right.kind)}, {right.beside(left.kind)})"
        return replace(left.with_values_of(right), sql=sql)
    return left


def moved_to(column: Field, alias: str, *, keep_origin: bool = True) -> Field:
    """A column of a query as one of the table that the query stands for; its SQL is its name."""
    sql = f"{alias}.{column.sql}"
    origin = column.origin if keep_origin else None
    return replace(column, sql=sql, origin=origin, shape=_shape(column, sql))


def _shape(column: Field, sql: str) -> Any:
    """The shape of a geometry that comes as the list of its numbers."""
    from skyquarry.adql.geometry.shapes import Circle, Point
    from skyquarry.adql.text.words import Span

    def part(number: int) -> Term:
        return Term(f"{sql}[{number}]", "float", Span(0, 0), unit="deg", free=frozenset((sql,)))

    if isinstance(column.shape, Point):
        return Point(part(1), part(2))
    if isinstance(column.shape, Circle):
        return Circle(Point(part(1), part(2)), part(3))
    return column.shape if column.shape is None or not column.shape.parts else None


def output_names(fields: tuple[Any, ...]) -> list[str]:
    """Names for columns of a result, each once: the database does not tell cases apart."""
    found: list[str] = []
    taken: set[str] = set()
    for i, each in enumerate(fields):
        name = each.name or f"column_{i + 1}"
        base, number = name, 1
        while name.lower() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.lower())
        found.append(name)
    return found


def unique(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Fields, each once."""
    return tuple(dict.fromkeys(fields))
