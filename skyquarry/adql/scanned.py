"""One use of a table in a query: the columns that are asked of it, and what narrows its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skyquarry.adql.infinities import Tame
from skyquarry.adql.kinds import items_of, kind_of, quoted
from skyquarry.adql.recall import Recall
from skyquarry.adql.terms import Field, Narrow

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.adql.tables import Table


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
        tame=Tame(frozenset(((number, column.name),))) if kind == "float" else None,
        items=items_of(column.type) if kind == "list" else "float",
        metadata=tuple((column.metadata or {}).items()),
        origin=(number, column.name),
    )
