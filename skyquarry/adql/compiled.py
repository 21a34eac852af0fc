"""A query as SQL, and what is known of its columns and rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyquarry.adql.terms import Equal, Field


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as SQL."""

    sql: str
    fields: tuple[Field, ...]
    """Its columns: `name` as ADQL has it, `sql` the quoted name in the SQL."""
    scans: frozenset[int] = frozenset()
    """Scans that a condition on its rows may narrow."""
    parts: frozenset[int] = frozenset()
    """Scans of which each row has one row, or none."""
    equal: tuple[Equal, ...] = ()
    """As a FROM has them."""
    wanted: tuple[Equal, ...] = ()
    """Columns that its WHERE wants to be equal, be they its own or of a query round it."""
    named: tuple[tuple[str, str], ...] = ()
    """The queries of WITH: our name, and the SQL."""
    blocked: str = ""
    """What must have seen every row before the first is given; empty where nothing must."""
