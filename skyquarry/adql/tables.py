"""What a query may name in FROM: catalogues, tables given along with it, kept results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skyquarry.catalog.columns import SPATIAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.source import Source


class Table(Protocol):
    """A thing with columns and rows."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def schema(self) -> pa.Schema:
        """Every column that can be named, what each means in its field's metadata."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that a star stands for."""


@dataclass(frozen=True)
class Stored:
    """A catalogue on disk, maybe cut by its owner, maybe seen through a condition."""

    name: str
    catalog: Catalog
    condition: str = ""
    """A view's: ADQL about its columns."""

    @property
    def source(self) -> Source:
        """What the engine knows of it."""
        return self.catalog.source

    @property
    def schema(self) -> pa.Schema:
        """The stored columns, and `_healpix_29` in any case; those selected, if some were."""
        chosen = self.catalog.cut.columns is not None
        return self.catalog.schema if chosen or self.cut else self.source.schema

    @property
    def cut(self) -> bool:
        """Whether its owner has cut rows away: then the engine reads it, and not the database."""
        return not self.catalog.cut.rows_uncut

    @property
    def shown(self) -> tuple[str, ...]:
        """The catalogue's choice, or what was selected of it."""
        if self.catalog.cut.columns is None and not self.cut:
            return self.source.default_columns
        return tuple(name for name in self.catalog.columns if name != SPATIAL)


@dataclass(frozen=True)
class Given:
    """A table in memory that was given with the query."""

    name: str
    table: pa.Table

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return self.table.schema

    @property
    def shown(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.schema.names)

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.table.num_rows)

    def select(self, columns: Sequence[str]) -> pa.Table:
        """Some of its columns."""
        return self.table.select(list(columns))


@dataclass(frozen=True)
class Plain(Given):
    """A result that was kept and has no positions: a file, read into memory where it is asked."""

    path: str

    @property
    def schema(self) -> pa.Schema:
        """Its columns, by the file's footer; what the file says of the whole is left out."""
        return self.table.schema.remove_metadata()

    @property
    def rows(self) -> int:
        """By the file's footer too."""
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self.path).num_rows)

    def select(self, columns: Sequence[str]) -> pa.Table:
        """Some of its columns, read now."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path, columns=list(columns))
