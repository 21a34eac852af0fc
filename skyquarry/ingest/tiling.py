"""Tiles of even size from the counts of the runs, refined only where the sky is crowded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.tiles import MAX_ORDER, Tiles
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.ingest.spill import COUNT_ORDER, SPATIAL, histogram, total_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.ingest.spill import Run

    Ints = NDArray[np.int64]

_STEP = 4
MAX_TILE_BYTES = 256 << 20
"""A tile's rows take at most about this much memory: tables of many columns get fewer rows."""


def rows_of_a_tile(max_rows: int, rows: int, n_bytes: int) -> int:
    """The most rows a tile may have, so that it also stays within `MAX_TILE_BYTES`."""
    if not rows:
        return max_rows
    return max(1, min(max_rows, MAX_TILE_BYTES * rows // max(1, n_bytes)))


def leaves_of(
    runs: Sequence[Run], schema: pa.Schema, max_rows: int, without: Ints | None = None
) -> Tiles:
    """Every leaf of the sky with its rows, from the runs' own counts.

    `without`: sorted pixels (n,) of rows that are in the runs and will not be stored.

    Counting begins at order 8 for the whole sky; a cell there with more than `max_rows` rows is
    counted at finer orders from the rows themselves, so that memory is that of the crowded cells.
    """
    lost = np.empty(0, np.int64) if without is None else without
    counts = total_counts(list(runs))
    less = histogram(lost, COUNT_ORDER)
    counts[less[0]] -= less[1]
    cells = np.flatnonzero(counts)
    order, rows = COUNT_ORDER, counts[cells]
    while order < MAX_ORDER and bool((rows > max_rows).any()):
        crowded = rows > max_rows
        finer = min(MAX_ORDER, order + _STEP)
        shift = 2 * (finer - order)
        parts = [(cells[~crowded] << shift, rows[~crowded])]
        parts += [_recount(runs, schema, int(c), order, finer, lost) for c in cells[crowded]]
        cells, rows = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = finer
    return tiles_from_counts(cells, rows, order, max_rows)


def _recount(
    runs: Sequence[Run], schema: pa.Schema, cell: int, order: int, finer: int, lost: Ints
) -> tuple[Ints, Ints]:
    """(cells of the order `finer`, rows in each) inside one cell of `order`."""
    width = 1 << 2 * (MAX_ORDER - order)
    first, last = np.searchsorted(lost, [cell * width, (cell + 1) * width])
    cells, counts = histogram(lost[first:last], finer)
    counts = -counts
    for run in runs:
        share = run.share(cell * width, (cell + 1) * width)
        if share is None:
            continue
        for batch in share.batches(schema):
            more = histogram(batch.column(SPATIAL).to_numpy(), finer)
            cells, counts = _added(np.append(cells, more[0]), np.append(counts, more[1]))
    return cells[counts > 0], counts[counts > 0]


def _added(cells: Ints, counts: Ints) -> tuple[Ints, Ints]:
    unique, place = np.unique(cells, return_inverse=True)
    total = np.zeros(len(unique), np.int64)
    np.add.at(total, place, counts)
    return unique, total


def groups_of(rows: Ints, most: int) -> list[tuple[int, int]]:
    """Neighbouring tiles in groups of at most `most` rows (or one tile): (first, one past last)."""
    groups, begin, held = [], 0, 0
    for number, count in enumerate(rows.tolist()):
        if number > begin and held + count > most:
            groups.append((begin, number))
            begin, held = number, 0
        held += count
    return [*groups, (begin, len(rows))] if len(rows) else []
