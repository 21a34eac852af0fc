"""Columns of a table as arrays of float64, null as NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.columns import meaning
from skyquarry.errors import ColumnError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Values:
    """The columns of a table that have a role."""

    def __init__(self, table: pa.Table, name: str) -> None:
        self.table = table
        self.name = name

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def has(self, column: str | None) -> bool:
        """Whether there is such a column."""
        return column is not None and column in self.table.column_names

    def raw(self, column: str) -> NDArray[Any]:
        """Values as they are."""
        return to_numpy(self._column(column))

    def floats(self, column: str) -> Floats:
        """(n,) numbers; null is NaN."""
        found = self._column(column)
        kind = found.type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if not (numeric or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
            if not pa.types.is_decimal(kind):
                raise ColumnError(
                    f"the column {column!r} of {self.name} holds {kind}, but its role needs "
                    "numbers: try another column, or convert it before"
                )
            found = found.cast(pa.float64())
        if pa.types.is_null(kind):
            return np.full(len(self), np.nan)
        if pa.types.is_boolean(kind):
            found = found.cast(pa.int8())
        return np.ascontiguousarray(to_numpy(found), dtype=np.float64)

    def optional(self, column: str | None) -> Floats | None:
        """(n,) numbers, or None where there is no such column."""
        return self.floats(column) if column is not None and self.has(column) else None

    def unit(self, column: str) -> str:
        """The unit that the column states; "" where it states none."""
        return meaning(self.table.schema.field(column)).get("unit", "").strip()

    def is_single(self, column: str) -> bool:
        """Whether its numbers have 32 bits."""
        return bool(pa.types.is_float32(self._column(column).type))

    def _column(self, column: str) -> pa.ChunkedArray:
        if not self.has(column):
            raise ColumnError(
                f"the column {column!r} is not among those of {self.name} "
                f"({', '.join(self.table.column_names)}), but a role names it: correct the role"
            )
        return self.table.column(column)
