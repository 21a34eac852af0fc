"""Steps of a river that need one tile at a time: filter, project, map, tee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.plan import Told
from skyquarry.engine.run import Instead
from skyquarry.errors import UserError
from skyquarry.mine.functions import asked_of, name_of, truths

if TYPE_CHECKING:
    from collections.abc import Callable

    from skyquarry.engine.predicate import Number, Predicate


@dataclass(frozen=True, slots=True)
class Poured:
    """What a task of a river gives: rows that flow on, and those for sinks on the way."""

    table: pa.Table
    tees: tuple[tuple[str, pa.Table], ...] = ()


class Step(Protocol):
    """What is done to the rows of each tile."""

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that come out."""

    def do(self, table: pa.Table) -> pa.Table:
        """The rows that come out of these."""

    def words(self) -> str:
        """What it does."""


def flow_through(function: Callable[..., Any], args: Any, steps: tuple[Step, ...]) -> Any:
    """The task: what another gives, after these steps."""
    value = function(*args)
    if isinstance(value, Instead):
        return Instead(tuple((function, each, steps) for each in value.arguments))
    poured = poured_of(value)
    table, tees = poured.table, list(poured.tees)
    for step in steps:
        if isinstance(step, Tee):
            tees.append((step.key, fitted(table, step.schema, step.words())))
        table = fitted(step.do(table), step.schema, step.words())
    return Poured(table, tuple(tees))


def poured_of(value: Any) -> Poured:
    """What any task of a plan gives."""
    if isinstance(value, Poured):
        return value
    return Poured(value.table if isinstance(value, Told) else value)


def fitted(table: Any, schema: pa.Schema, who: str) -> pa.Table:
    """The table with the schema that was promised. Raises UserError where it has another."""
    if isinstance(table, pa.Table) and table.schema.equals(schema, check_metadata=True):
        return table
    try:
        return table.select(schema.names).cast(schema)
    except (AttributeError, KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        given = _listed(table.schema) if isinstance(table, pa.Table) else type(table).__name__
        raise UserError(
            f"{who} gave {given}, but a pyarrow.Table of {_listed(schema)} is needed, as it gave "
            f"for an empty table or as schema= says ({error}): let it give the same columns and "
            "types for every table"
        ) from error


def _listed(schema: pa.Schema) -> str:
    """Columns and types on one line."""
    return f"({', '.join(f'{each.name} {each.type}' for each in schema)})"


@dataclass(frozen=True)
class Filter:
    """The rows for which a condition is true."""

    schema: pa.Schema
    condition: Predicate | Callable[[pa.Table], Any]

    def do(self, table: pa.Table) -> pa.Table:
        """Those rows."""
        if not callable(self.condition):
            return self.condition.choose(table)
        who = self.words()
        told = asked_of(self.condition, table, who=who, what="a truth for each")
        return table.filter(from_numpy(truths(told, table.num_rows, who, "rows")))

    def words(self) -> str:
        """The text, or the function's name."""
        return (
            f"filter {name_of(self.condition) if callable(self.condition) else self.condition.text}"
        )


@dataclass(frozen=True)
class Project:
    """Columns by other names, and numbers that are worked out of them."""

    schema: pa.Schema
    columns: tuple[tuple[str, str | Number], ...]

    def do(self, table: pa.Table) -> pa.Table:
        """A column for each; null where a number cannot be worked out."""
        plain = Plain(table)
        made = [
            table.column(what) if isinstance(what, str) else _with_nulls(what.values(plain))
            for _, what in self.columns
        ]
        return pa.table(made, schema=self.schema)

    def words(self) -> str:
        """The columns."""
        told = [
            what if what == name else f"{name} = {what if isinstance(what, str) else what.text}"
            for name, what in self.columns
        ]
        return f"project {', '.join(told)}"


def _with_nulls(values: Any) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))


@dataclass(frozen=True)
class Decoded:
    """Values as they are, where a table holds places in a dictionary of them (categories)."""

    schema: pa.Schema

    @classmethod
    def of(cls, schema: pa.Schema) -> Decoded | None:
        """None for a schema of plain values."""
        plain = pa.schema([each.with_type(_decoded(each.type)) for each in schema], schema.metadata)
        return None if plain.equals(schema) else cls(plain)

    def do(self, table: pa.Table) -> pa.Table:
        """The same rows."""
        return table.cast(self.schema)

    def words(self) -> str:
        """That it does."""
        return "decode categories"


def _decoded(kind: pa.DataType) -> pa.DataType:
    """Of which Arrow can compare and sort values: it cannot those of 16 bits either."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.float32() if pa.types.is_float16(kind) else kind


@dataclass(frozen=True)
class Map:
    """A user's function of a table."""

    schema: pa.Schema
    function: Callable[[pa.Table], pa.Table]

    def do(self, table: pa.Table) -> pa.Table:
        """What it gives."""
        what = "a pyarrow.Table, of an empty one too"
        return asked_of(self.function, table, who=self.words(), what=what)

    def words(self) -> str:
        """Its name."""
        return f"map {name_of(self.function)}"


@dataclass(frozen=True)
class Tee:
    """Rows that a sink gets, too; or, at the end, it alone."""

    schema: pa.Schema
    key: str
    name: str
    is_end: bool = False

    def do(self, table: pa.Table) -> pa.Table:
        """The rows again."""
        return table.slice(0, 0) if self.is_end else table

    def words(self) -> str:
        """The sink's name."""
        return f"{'to' if self.is_end else 'tee'} {self.name}"
