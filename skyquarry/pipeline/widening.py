"""A catalogue with more columns: each tile is read whole, and what its rows tell is put beside."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from skyquarry.catalog.columns import SPATIAL, resolve
from skyquarry.engine.catalog import Catalog, open_catalog
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.plan import Limit, Plan
from skyquarry.engine.reader import Piece, Reader
from skyquarry.engine.scan import Scan
from skyquarry.errors import ExistsError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.cost import Cost


class Added(Protocol):
    """What is told of each row, beside the columns that are kept."""

    @property
    def fields(self) -> list[pa.Field]:
        """The columns that are added, in their order."""

    @property
    def identity(self) -> str:
        """Equal for what gives the same bytes: a run that was killed goes on only then."""

    def of(self, table: pa.Table) -> list[pa.Array]:
        """Those columns (n,) of a tile's rows, of which there is at least one."""


def scan_of(catalog: CatalogLike, otherwise: str) -> tuple[Plan, Scan]:
    """The plan of a catalogue, and the scan in it.

    Raises UserError for a catalogue that is none on disk; `otherwise` says what to do then.
    """
    if isinstance(catalog, str | os.PathLike):
        catalog = open_catalog(catalog)
    given: Any = catalog
    if isinstance(catalog, Catalog):
        plan = catalog.plan()
        root = plan.root.of if isinstance(plan.root, Limit) else plan.root
        if isinstance(root, Scan):
            return plan, root
        given = root
    raise UserError(
        f"a {type(given).__name__} was given, but a catalogue is needed: save a plan with "
        f"to_catalog, or build one of the table; {otherwise}"
    )


def widened(
    plan: Plan, root: Scan, columns: Sequence[str], added: Added, make: Callable[..., Widened]
) -> Plan:
    """The same plan with more columns, beside id, position, and the columns asked for.

    Raises ExistsError where a kept column and one that is added have the same name.
    """
    roles = root.source.roles
    own = [each for each in (roles.id, roles.ra, roles.dec) if each]
    kept = tuple(dict.fromkeys([*own, *(resolve(root.source.schema, each) for each in columns)]))
    names = {field.name for field in added.fields}
    twice = [name for name in kept if name in names]
    if twice:
        raise ExistsError(
            f"{twice[0]!r} is a column of the catalogue and of what is added to it, but names "
            "must differ: leave it out of columns"
        )
    scan = make(root.source, root.cut.only(columns=kept), root.first, added)
    return Plan(Limit(scan, plan.root.rows) if isinstance(plan.root, Limit) else scan)


@dataclass(frozen=True)
class Widened(Scan, ABC):
    """The rows of one catalogue under a cut, each with what is told of it."""

    added: Added | None = None

    @property
    def told(self) -> Added:
        """What is added: always there."""
        assert self.added is not None
        return self.added

    @property
    def identity(self) -> tuple[str, ...]:
        """What the rows hang on beside the cut."""
        return (self.told.identity,)

    @cached_property
    def schema(self) -> pa.Schema:
        """The kept columns, then those that are added."""
        fields = [self.source.schema.field(name) for name in self.columns]
        return pa.schema(fields + self.told.fields)

    @cached_property
    def every(self) -> tuple[str, ...]:
        """All columns of the catalogue: any of them may tell something."""
        return tuple(name for name in self.source.schema.names if name != SPATIAL)

    @cached_property
    def reader(self) -> Reader:
        """How a tile is read, and columns added."""
        return self.reader_of(self.told)

    def reader_of(self, added: Added) -> Reader:
        """A reader of all columns, that hands out the kept ones and those that are added."""
        read = tuple(dict.fromkeys([*self.columns, *self.every]))
        needed = tuple(dict.fromkeys([*read, *self._needed]))
        return WideningReader(
            self.source.stored, self.cut, read, needed, self.bounds, self.columns, added
        )

    @abstractmethod
    def working_s(self, rows: float) -> float:
        """Seconds of a core that it takes to tell of so many rows."""

    def cost(self, workers: int | None = None) -> Cost:
        """That of reading, and of what is worked out of so many rows."""
        cost = super().cost(workers)
        work = self.working_s(cost.rows_out) / (workers or cpu_count())
        return replace(cost, seconds=cost.seconds + work)


@dataclass(frozen=True, slots=True)
class WideningReader(Reader):
    """Reads a tile and puts columns beside its rows."""

    kept: tuple[str, ...]
    added: Added

    def read(self, piece: Piece) -> pa.Table:
        """The wanted rows of a tile: the kept columns, then those that are added."""
        table = Reader.read(self, piece)
        carried = table.select(list(self.kept))
        fields = self.added.fields
        told: list[Any] = [pa.array([], field.type) for field in fields]
        if table.num_rows:
            told = self.added.of(table)
        for field, column in zip(fields, told, strict=True):
            carried = carried.append_column(field, column)
        return carried
