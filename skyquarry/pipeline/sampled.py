"""Some rows of a catalogue, from places all over it, without reading the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.source import Source

    Ints = NDArray[np.int64]

PLACES: Final = 32
"""where rows are read, a row group each: however large the catalogue is"""


def sample_of(source: Source, columns: Sequence[str], most: int) -> pa.Table:
    """At most so many rows, the same ones each time: as many of each of 32 places along the sky.

    Places lie evenly among the rows, so that where there are many, many are taken.
    """
    ends = np.cumsum(source.rows)
    total = int(ends[-1]) if len(ends) else 0
    if not total:
        return source.schema.empty_table().select(list(columns))
    at = ((np.arange(PLACES) + 0.5) * total / PLACES).astype(np.int64)
    tiles = np.searchsorted(ends, at, side="right")
    parts = [
        _of_tile(source, int(tile), at[tiles == tile] - (ends[tile] - source.rows[tile]), columns,
                 most)
        for tile in np.unique(tiles)
    ]  # fmt: skip
    return pa.concat_tables(parts)


def _of_tile(
    source: Source, tile: int, within: Ints, columns: Sequence[str], most: int
) -> pa.Table:
    """Rows of the row groups that hold those places of a tile, evenly."""
    groups = source.stored.row_groups(tile)
    along = np.argsort(groups.low, kind="stable")
    places = np.searchsorted(np.cumsum(groups.rows[along]), within, side="right")
    chosen = along[np.unique(np.minimum(places, len(along) - 1))]
    ranges = Ranges.union(
        Ranges(groups.low[each : each + 1], groups.high[each : each + 1] + 1) for each in chosen
    )
    table = source.stored.read(tile, list(columns), ranges=ranges)
    few = min(table.num_rows, -(-most * len(within) // PLACES))
    rows = np.linspace(0, table.num_rows - 1, few).astype(np.int64)
    return table.take(from_numpy(rows))
