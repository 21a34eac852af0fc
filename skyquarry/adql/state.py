"""What a query gathers while its names are looked up: the scans of tables, and names of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyquarry.adql.scanned import Scanned

if TYPE_CHECKING:
    from skyquarry.adql.blocks import Aggregate, Block
    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.tablenames import Tables
    from skyquarry.adql.tables import Table
    from skyquarry.adql.terms import Field, Narrowing
    from skyquarry.adql.text.syntax import Identifier
    from skyquarry.adql.text.words import QueryText


@dataclass
class State:
    """One query on its way to SQL."""

    source: QueryText
    tables: Tables
    trusted: bool = True
    """Whether functions of this process's user may be called."""
    scans: list[Scanned] = field(default_factory=list)
    named: list[tuple[Identifier, str, tuple[Field, ...]]] = field(default_factory=list)
    """The queries of WITH so far: name, our name for it, its columns."""
    blocks: list[Block] = field(default_factory=list)
    """The SELECTs of the query, inner ones first."""
    aggregates: dict[str, Aggregate] = field(default_factory=dict)
    """By their SQL."""
    joins: list[JoinText] = field(default_factory=list)
    """SELECTs of more than one table, which may be joined in any order."""
    functions: set[str] = field(default_factory=set)
    """Functions of Python that the SQL calls."""
    _count: int = 0

    def alias(self) -> str:
        """A name that stands nowhere else in the SQL."""
        self._count += 1
        return f"t{self._count}"

    def scan(self, table: Table) -> Scanned:
        """One more use of a table."""
        self.scans.append(Scanned(len(self.scans), table, self.alias()))
        return self.scans[-1]

    def narrow(self, narrowing: Narrowing) -> None:
        """Rows of these scans matter only where they satisfy this."""
        for number, narrow in narrowing.items():
            self.scans[number].narrow = self.scans[number].narrow & narrow
