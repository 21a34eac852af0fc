"""per_partition_statistics.parquet: the extremes of every column in every tile, one row a tile.

The columns are those that LSDB writes and reads: `Norder, Npix, row_group_index`, then for each
leaf column `NAME::min_value, max_value, null_count, row_count, disk_bytes, memory_bytes`.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.columns import leaf_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "per_partition_statistics.parquet"
COUNTS = ("null_count", "row_count", "disk_bytes", "memory_bytes")


def statistics_table(
    order: Sequence[int],
    pixel: Sequence[int],
    statistics: Sequence[dict[str, list[Any]]],
    schema: pa.Schema,
) -> pa.Table:
    """One row a tile, from what `encoding.statistics_of` told of each."""
    columns: dict[str, pa.Array] = {
        "Norder": pa.array(order, pa.int64()),
        "Npix": pa.array(pixel, pa.int64()),
        "row_group_index": pa.array([0] * len(order), pa.int64()),
    }
    for path, kind in leaf_columns(schema):
        told = [tile.get(path, [None, None, 0, 0, 0, 0]) for tile in statistics]
        value_type = stored_type(kind)
        for place, extreme in enumerate(("min_value", "max_value")):
            values = [row[place] for row in told]
            columns[f"{path}::{extreme}"] = pa.array(values, value_type)
        for place, count in enumerate(COUNTS, start=2):
            columns[f"{path}::{count}"] = pa.array([row[place] for row in told], pa.int64())
    return pa.table(columns)


def statistics_bytes(table: pa.Table) -> bytes:
    """The Parquet file of the statistics."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=3, row_group_size=16_384)
    return sink.getvalue()


def stored_type(kind: pa.DataType) -> pa.DataType:
    """The type in which the extremes of a column are kept: its own where JSON can tell it."""
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pa.float32() if pa.types.is_float16(kind) else kind
    return pa.string()
