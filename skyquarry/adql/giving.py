"""What a query's rows are given as, however they were come by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pyarrow as pa


class Giving(ABC):
    """A plan whose rows have a schema and come as batches, or whole; and so as what others read."""

    __slots__ = ()

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """Of the rows."""

    @abstractmethod
    def stream(self) -> Iterator[pa.RecordBatch]:
        """The rows as they come."""

    @abstractmethod
    def to_table(self) -> pa.Table:
        """All rows in memory."""

    def to_pandas(self) -> Any:
        """All rows as a pandas DataFrame with Arrow's types."""
        from skyquarry.engine.convert import to_pandas

        return to_pandas(self.to_table())

    def to_astropy(self) -> Any:
        """All rows as an astropy Table: units on the columns, missing values masked."""
        from skyquarry.engine.convert import to_astropy

        return to_astropy(self.to_table(), name="query")

    def save(self, path: str | os.PathLike[str], **options: Any) -> int:
        """Write the rows to a file whose suffix says how; returns how many."""
        from skyquarry.catalog.formats import write_table

        return int(write_table(self.stream(), self.schema, path, **options))
