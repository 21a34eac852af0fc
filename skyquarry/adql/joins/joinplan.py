"""How the tables of one SELECT are joined: what `ordering` decides and `meeting` carries out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.adql.database.room import MEMORY_BYTES, room_of
from skyquarry.adql.joins.flat import Flat, owners

if TYPE_CHECKING:
    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.joins.seeking import Seeking
    from skyquarry.adql.terms import Near


@dataclass(frozen=True, slots=True)
class Sized:
    """A table of a join with its rows."""

    alias: str
    sql: str
    rows: float
    """That fulfil the conditions on it alone."""
    whole: float
    """All."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the tables of one SELECT are joined."""

    join: JoinText
    near: Near | None
    """The pairs that the matcher finds."""
    room_bytes: int = room_of(MEMORY_BYTES)
    """What rows that are held for it may take."""
    keyed: Near | None = None
    """Tables that keys bring near each other, whose pairs the matcher finds where they are many."""

    @property
    def may_match(self) -> bool:
        """Whether the matcher may be asked."""
        return self.near is not None or self.keyed is not None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The two tables of these pairs."""
        return () if self.near is None else tuple(map(owner, (self.near.one, self.near.other)))


@dataclass(frozen=True, slots=True)
class Arranged:
    """A query with its joins in an order."""

    sql: str
    first: tuple[Seeking, ...] = ()
    """What is asked of tables that stay in memory before it."""


def local(flat: Flat, alias: str) -> list[str]:
    """The conditions on one table alone."""
    return [truth.sql for truth in flat.truths if flat.owners(truth) == frozenset((alias,))]


def owner(point: Any) -> str:
    """The table whose columns alone a point is made of; empty where there is none."""
    names = owners(frozenset().union(*(part.free for part in point.parts)))
    return min(names) if len(names) == 1 else ""
