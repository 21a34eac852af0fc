"""A SELECT in its parts: what is needed to run it piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyquarry.adql.scopes import Tree


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value of all rows of a group."""

    key: str
    """COUNT, SUM, AVG, MIN, MAX, or one that cannot be taken apart."""
    of: str
    """The SQL of what it is taken of; * for rows."""
    distinct: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One SELECT of a query as texts of SQL."""

    sql: str
    """All of it."""
    outputs: tuple[tuple[str, str], ...]
    """Each value, and its quoted name."""
    source: Tree
    where: str
    groups: tuple[str, ...]
    having: str
    orders: tuple[str, ...]
    """Values, or places of outputs, each with its direction."""
    top: int | None
    offset: int
    distinct: bool
    grouped: bool
    once: bool = False
    """Whether it does not matter how often it gives a row, as in UNION without ALL."""

    @property
    def body(self) -> str:
        """FROM and WHERE as they stand in the SQL."""
        where = f" WHERE {self.where}" if self.where else ""
        return f"FROM {self.source.sql}{where}"
