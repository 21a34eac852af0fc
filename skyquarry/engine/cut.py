"""What is asked of a catalogue: a part of the sky, some rows, some columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from skyquarry.catalog.relations import NamedRows
    from skyquarry.engine.epoch import MovedCone
    from skyquarry.engine.predicate import Predicate
    from skyquarry.engine.sampling import Sample
    from skyquarry.sky.algebra import Region


@dataclass(frozen=True, slots=True)
class Ids:
    """Rows asked for by their ids."""

    column: str
    values: pa.Array
    """Sorted, each once, of the column's type."""
    named: NamedRows | None = None
    """Where they are all keys that another catalogue names: of which, and by what column."""

    def __repr__(self) -> str:
        if self.named is not None:
            where = f"{self.named.column} of {self.named.by}"
            return f"{self.column} among {len(self.values):,} in {where}"
        return f"{len(self.values):,} ids in {self.column}"


@dataclass(frozen=True, slots=True)
class Cut:
    """The conditions that rows must meet, all of them, and the columns to be handed out."""

    columns: tuple[str, ...] | None = None
    """None: the catalogue's default columns."""
    region: Region | None = None
    moved: MovedCone | None = None
    predicate: Predicate | None = None
    samples: tuple[Sample, ...] = ()
    ids: Ids | None = None
    limit: int | None = None
    """The first rows in the order of the sky, after all else."""

    @property
    def rows_uncut(self) -> bool:
        """Whether every row is asked for."""
        parts = (self.region, self.moved, self.predicate, self.ids, self.limit)
        return not self.samples and all(part is None for part in parts)

    def within(self, region: Region) -> Cut:
        """Rows that lie in the region as well."""
        return replace(self, region=region if self.region is None else self.region & region)

    def where(self, predicate: Predicate) -> Cut:
        """Rows that meet the condition as well."""
        both = predicate if self.predicate is None else self.predicate & predicate
        return replace(self, predicate=both)

    def sampled(self, sample: Sample) -> Cut:
        """A sample of the rows."""
        if self.samples and (one := self.samples[-1].narrowed(sample)) is not None:
            return replace(self, samples=(*self.samples[:-1], one))
        return replace(self, samples=(*self.samples, sample))

    def only(self, **changes: Any) -> Cut:
        """The cut with these fields changed."""
        return replace(self, **changes)
