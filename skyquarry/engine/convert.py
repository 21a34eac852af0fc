"""Arrow tables as pandas and astropy tables: at the user's edge, without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.columns import meaning
from skyquarry.errors import missing_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_pandas(table: pa.Table) -> Any:
    """A DataFrame with Arrow's types: integers with nulls stay integers."""
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra("pandas", "pandas", "to_pandas()") from error
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def to_astropy(table: pa.Table, name: str = "") -> Any:
    """An `astropy.table.Table`: units and descriptions on its columns, missing values masked."""
    from astropy.table import Table

    made = Table(meta={"name": name} if name else None)
    for field, column in zip(table.schema, table.columns, strict=True):
        made[field.name] = _column(field, column)
    return made


def _column(field: pa.Field, column: pa.ChunkedArray) -> Any:
    from astropy import units
    from astropy.table import Column, MaskedColumn

    words = meaning(field)
    unit = None
    if "unit" in words:
        unit = units.Unit(words["unit"], parse_strict="silent")
    told = {"unit": unit, "description": words.get("description")}
    told["meta"] = {key: words[key] for key in ("ucd", "utype") if key in words}
    values = _values(column)
    if not column.null_count:
        return Column(values, **told)
    mask = column.is_null().combine_chunks().to_numpy(zero_copy_only=False)
    return MaskedColumn(values, mask=mask, **told)


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    """The values as numpy, nulls filled with something of the type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.fill_null(0).to_numpy())
    if pa.types.is_boolean(kind):
        return np.asarray(column.fill_null(False).to_numpy())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(column.fill_null("").to_pylist(), dtype=np.str_)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.cast(pa.timestamp("us")).fill_null(0).to_numpy())
    if pa.types.is_fixed_size_list(kind) and not column.null_count:
        flat = column.combine_chunks().flatten()
        if not flat.null_count:
            return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, kind.list_size)
    values = np.empty(len(column), object)
    values[:] = column.to_pylist()
    return values
