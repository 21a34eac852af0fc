"""Which column a name means: the tables of a FROM, and of the queries round it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyquarry.adql.kinds import quoted
from skyquarry.adql.recall import Recall
from skyquarry.adql.text.words import nearest

if TYPE_CHECKING:
    from skyquarry.adql.joins.flat import Flat
    from skyquarry.adql.terms import Equal, Field
    from skyquarry.adql.text.syntax import ColumnName, Identifier
    from skyquarry.adql.text.words import QueryText


@dataclass(frozen=True, slots=True)
class Relation:
    """A table of a FROM with the name that the query has for it."""

    path: tuple[str, ...]
    """The alias, or the parts of the table's name."""
    quoted: bool
    fields: tuple[Field, ...]
    shown: tuple[Field, ...] | None = None
    """What `table.*` stands for, where that is not all."""
    alias: str = ""
    """Our name for it."""
    sql: str = ""
    """How it stands in the SQL."""

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path[-1]

    def is_called(self, parts: tuple[Identifier, ...]) -> bool:
        """Whether a qualifier means it: the last parts of its name."""
        if len(parts) > len(self.path):
            return False
        last = self.path[len(self.path) - len(parts) :]
        return all(part.fits(name) for part, name in zip(parts, last, strict=True))


@dataclass(frozen=True, slots=True)
class Tree:
    """A FROM, or a part of one: its SQL, its tables, and the columns of its rows in their order."""

    sql: str
    relations: tuple[Relation, ...]
    columns: tuple[Field, ...]
    """What a name without a table is looked up in."""
    scans: frozenset[int] = frozenset()
    """The scans in it whose rows a condition on it may narrow."""
    shown: tuple[Field, ...] | None = None
    parts: frozenset[int] = frozenset()
    """The scans of which each row of it has one row, or none: it may be made part by part."""
    equal: tuple[Equal, ...] = ()
    """Columns by which rows are joined: the second follows where the first is read in part."""
    among: tuple[Equal, ...] = ()
    """Columns of queries in its conditions: the second's rows matter where the first has theirs."""
    flat: Flat | None = None
    """Its tables and conditions, where it is stored or given tables in inner joins."""

    @property
    def stars(self) -> tuple[Field, ...]:
        """The columns that a star stands for."""
        return self.columns if self.shown is None else self.shown


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: a FROM, and the scope of the query round it."""

    source: QueryText
    tree: Tree
    outer: Scope | None = None

    def column(self, name: ColumnName) -> Field:
        """The column that a name means.

        Raises QueryError where none or several fit; the message has line, column, and what is near.
        """
        found = self._within(name)
        if found is not None:
            return found
        scope = self.outer
        while scope is not None:
            found = scope._within(name)  # noqa: SLF001
            if found is not None:
                return found
            scope = scope.outer
        raise self.source.error(name.span, self._why_not(name))

    def _within(self, name: ColumnName) -> Field | None:
        column = name.parts[-1]
        fitting = [
            each
            for fields in self._candidates(name)
            for each in _by_name(fields).get(column.name.lower(), ())
            if column.fits(each.name)
        ]
        if len(fitting) > 1:
            raise self.source.error(name.span, self._which(column, fitting))
        return fitting[0] if fitting else None

    def _candidates(self, name: ColumnName) -> list[tuple[Field, ...]]:
        if len(name.parts) == 1:
            return [self.tree.columns]
        tables = self.tables(name.parts[:-1])
        if len(tables) > 1:
            raise self.source.error(
                name.span,
                f"names a table that stands {len(tables)} times in FROM: give each a name of its "
                "own with AS",
            )
        return [table.fields for table in tables]

    def _which(self, column: Identifier, fitting: list[Field]) -> str:
        owners = [
            f"{table.name}.{each.name}"
            for table in self.tree.relations
            for each in table.fields
            if each in fitting
        ]
        if len({each.name for each in fitting}) > 1:
            shown = " or ".join(quoted(each.name) for each in fitting)
            return f"may mean {shown}, which differ in case only: write it in double quotes"
        told = " or ".join(dict.fromkeys(owners)) or f"several columns called {column.name}"
        return f"may mean {told}: name the table before the column"

    def tables(self, parts: tuple[Identifier, ...]) -> list[Relation]:
        """The tables of FROM that a qualifier means."""
        return [each for each in self.tree.relations if each.is_called(parts)]

    def _why_not(self, name: ColumnName) -> str:
        column = name.parts[-1].name
        if len(name.parts) > 1 and not self._known(name):
            table = ".".join(part.name for part in name.parts[:-1])
            here = [each.name for each in self.tree.relations]
            hint = nearest(name.parts[-2].name, here) or f"FROM has {', '.join(here)}"
            return f"names the table {table}, which is not in FROM: {hint}"
        tables = (
            self.tree.relations if len(name.parts) == 1 else tuple(self.tables(name.parts[:-1]))
        )
        names = [each.name for table in tables for each in table.fields]
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        where = " and ".join(table.name for table in tables)
        near = nearest(column, names)
        if not near and name.parts[-1].quoted and len(name.parts) == 1:
            return (
                f"is no column of {where}, and in double quotes it is no text: write '{column}' "
                f"for a text, or choose from {shown}"
            )
        return f"is no column of {where}: {near or f'choose from {shown}'}"

    def _known(self, name: ColumnName) -> bool:
        return bool(self.tables(name.parts[:-1]))


def _listed(fields: tuple[Field, ...]) -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    for each in fields:
        found.setdefault(each.name.lower(), []).append(each)
    return found


_by_name = Recall(_listed)
"""Columns by their names in small letters: a wide table is looked through once."""
