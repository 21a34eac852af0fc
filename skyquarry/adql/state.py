"""What a query gathers while its names are looked up: the scans of tables, and names of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyquarry.adql.kinds import kind_of, quoted
from skyquarry.adql.recall import Recall
from skyquarry.adql.terms import Field, Narrow, Narrowing

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.adql.blocks import Aggregate, Block
    from skyquarry.adql.joins.flat import JoinText
    from skyquarry.adql.tables import Table, Tables
    from skyquarry.adql.text.syntax import Identifier
    from skyquarry.adql.text.words import QueryText


@dataclass
class Scanned:
    """One use of a table: which of its columns are asked for, and what narrows its rows."""

    number: int
    table: Table
    alias: str
    columns: dict[str, None] = field(default_factory=dict)
    """Stored columns in the order in which they were named."""
    narrow: Narrow = field(default_factory=Narrow)

    @property
    def name(self) -> str:
        """What the engine's SQL calls it."""
        return f"s{self.number}"


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


def fields_of(scan: Scanned) -> tuple[Field, ...]:
    """The columns of a table as a query may name them."""
    return _fields(scan.table.schema, scan.number, scan.alias)


def _fields_of_schema(schema: pa.Schema, number: int, alias: str) -> tuple[Field, ...]:
    return tuple(_field(each, number, alias) for each in schema)


_fields = Recall(_fields_of_schema)


def _field(column: pa.Field, number: int, alias: str) -> Field:
    import pyarrow as pa

    kind = kind_of(column.type)
    return Field(
        column.name,
        f"{alias}.{quoted(column.name)}",
        kind,
        real=kind == "float" and column.type != pa.float64(),
        small=kind == "integer" and column.type != pa.int64(),
        metadata=tuple((column.metadata or {}).items()),
        origin=(number, column.name),
    )
