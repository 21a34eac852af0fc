"""Columns of any table as numpy arrays: Arrow, pandas, astropy, or a mapping of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc, to_numpy
from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


class Columns:
    """A table that is read column by column."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.names = _names_of(table)
        self._coded: dict[str, tuple[list[str | None], NDArray[np.integer[Any]]]] = {}
        self.rows = len(self.arrow(self.names[0])) if self.names else 0

    def arrow(self, name: str) -> pa.ChunkedArray | pa.Array:
        """A column as Arrow has it."""
        column = self._table[name]
        if isinstance(column, pa.ChunkedArray | pa.Array):
            return column
        if isinstance(column, np.ma.MaskedArray):
            return pa.array(np.asarray(column.filled()), mask=np.ma.getmaskarray(column))
        if hasattr(column, "array") and hasattr(column, "index"):  # a pandas Series
            return pa.Array.from_pandas(column)
        values = np.asarray(column)
        return pa.array(values.astype(values.dtype.newbyteorder("="), copy=False))

    @property
    def schema(self) -> pa.Schema:
        """Names, types and units of the columns."""
        given = getattr(self._table, "schema", None)
        if isinstance(given, pa.Schema):
            return given
        told = ((name, self.arrow(name).type, self.unit(name)) for name in self.names)
        return pa.schema(
            [pa.field(name, kind, metadata={"unit": unit} if unit else None)
             for name, kind, unit in told]
        )  # fmt: skip

    def unit(self, name: str) -> str:
        """The unit that a column states; empty where it states none."""
        if name not in self.names:
            return ""
        schema = getattr(self._table, "schema", None)
        if isinstance(schema, pa.Schema):
            told: bytes = (schema.field(name).metadata or {}).get(b"unit", b"")
            return told.decode()
        unit = getattr(self._table[name], "unit", None)
        return "" if unit is None else str(unit)

    def is_number(self, name: str) -> bool:
        """Whether it holds numbers or booleans."""
        kind = self.arrow(name).type
        known = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean,
                 pa.types.is_decimal)  # fmt: skip
        return any(each(kind) for each in known) or pa.types.is_null(kind)

    def floats(self, name: str) -> Floats:
        """(n,) float64, NaN where null. Not to be written into."""
        column = self.arrow(name)
        if not self.is_number(name):
            raise ColumnError(
                f"column {name!r} is of type {column.type}, but a feature needs numbers: leave it "
                "out, or give numbers"
            )
        if column.type != pa.float64():
            column = column.cast(pa.float64())
        if column.null_count:
            column = pc.fill_null(column, float("nan"))
        values: Floats = to_numpy(column)
        return values

    def judged(self, name: str, rule: Callable[[str], bool]) -> Mask:
        """(n,) a rule on texts, asked once for each distinct one; null is ""."""
        if name not in self._coded:
            self._coded[name] = _codes(self.arrow(name).cast(pa.string()))
        words, places = self._coded[name]
        answers = np.array([*(rule(word or "") for word in words), rule("")])
        return np.asarray(answers[places], np.bool_)


def _codes(column: pa.ChunkedArray | pa.Array) -> tuple[list[str | None], NDArray[Any]]:
    """Distinct texts, and of each row its place among them: after them all where null."""
    told = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = told.dictionary_encode()
    places = pc.fill_null(coded.indices, len(coded.dictionary))
    return coded.dictionary.to_pylist(), to_numpy(places)


def _names_of(table: Any) -> tuple[str, ...]:
    for attribute in ("column_names", "colnames"):
        if hasattr(table, attribute):
            return tuple(getattr(table, attribute))
    if hasattr(table, "columns") or isinstance(table, Mapping):
        return tuple(str(each) for each in getattr(table, "columns", table))
    raise UserError(
        f"table is a {type(table).__name__}, but features are made of one with named columns: an "
        "Arrow, pandas or astropy table, or a mapping of arrays"
    )
