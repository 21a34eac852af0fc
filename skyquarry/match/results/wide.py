"""The wide view: one row a group, with every column of every catalogue, null where absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.match.results.tables import public
from skyquarry.sky.ranges import MAX_ORDER, Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.sides import Side

    Ints = NDArray[np.int64]


_ORDER = 10
"""Catalogues are read by cells of this order, where only a part of the sky is asked for."""


def wide_table(
    groups: pa.Table, sides: Sequence[Side], names: Sequence[str], *, everywhere: bool = True
) -> pa.Table:
    """The groups, and `<catalogue>_<column>` for every column that a catalogue hands out.

    A member's row is found again by its order-29 pixel and id; the first of rows that share both.
    `everywhere` False: the groups are those of a part of the sky, and only that is read.
    """
    told = public(groups)
    for number, (side, name) in enumerate(zip(sides, names, strict=True)):
        ranges = None if everywhere else _cells(groups[f"_{number}"])
        table = side.read(ranges, [*side.schema.names, SPATIAL])
        index = _places(groups, number, name, table, side.roles.id)
        for column in side.schema.names:
            wide = f"{name}_{column}"
            if wide in told.column_names or column == SPATIAL:
                continue
            told = told.append_column(
                pa.field(
                    wide,
                    table.schema.field(column).type,
                    metadata=table.schema.field(column).metadata,
                ),
                table[column].combine_chunks().take(index)
                if len(table)
                else pa.nulls(len(told), table.schema.field(column).type),
            )
    return told


def _cells(pixels: pa.ChunkedArray) -> Ranges:
    """The cells that hold these order-29 pixels."""
    cells = to_numpy(pixels.drop_null()) >> 2 * (MAX_ORDER - _ORDER)
    return Ranges.from_cells(_ORDER, np.unique(cells))


def _places(groups: pa.Table, number: int, name: str, table: pa.Table, id_name: str | None) -> Any:
    """(groups,) row of the member in the catalogue's table; null where the group has none."""
    pixel = groups[f"_{number}"]
    there = to_numpy(pixel.is_valid())
    spatial = to_numpy(table[SPATIAL])
    wanted = to_numpy(pixel.fill_null(0))
    place = np.searchsorted(spatial, wanted)
    if id_name is not None and id_name in table.column_names:
        _settle(place, wanted, spatial, groups[f"{name}_id"], table[id_name], there)
    place = np.minimum(place, max(len(spatial) - 1, 0))
    return pc.if_else(from_numpy(there), from_numpy(place.astype(np.int64)), None)


def _settle(place: Ints, wanted: Ints, spatial: Ints, ids: Any, there_ids: Any, there: Any) -> None:
    """Go on from the first row of a pixel to the one with the member's id."""
    twice = np.flatnonzero(there & (np.searchsorted(spatial, wanted, side="right") - place > 1))
    for each in twice.tolist():
        want = ids[each].as_py()
        at = int(place[each])
        while at < len(spatial) and spatial[at] == wanted[each]:
            if there_ids[at].as_py() == want:
                place[each] = at
                break
            at += 1
