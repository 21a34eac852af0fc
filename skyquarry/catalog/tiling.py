"""Where the borders of the tiles lie: a quad-tree that divides cells with too many rows.

The rule: beginning with the 12 cells of order 0, a cell with more than `max_rows` rows is divided
in four, and so on down to the order of the counts. So a tile holds at most `max_rows` rows, and
four siblings together hold more; where the sky is even, tiles hold between a quarter of `max_rows`
and all of it. A cell of the counts' own order stays one tile however much it holds, as when all
rows lie at one point. The leaves cover the whole sky: those without rows get no file, but may have
a margin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.tiles import MAX_ORDER, Tiles
from skyquarry.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MAX_ROWS = 1_000_000


def tiles_from_counts(
    pixel: ArrayLike, count: ArrayLike, order: int, max_rows: int = MAX_ROWS
) -> Tiles:
    """Every leaf of the division of the sky, along the curve, with its rows (0 where empty).

    Parameters
    ----------
    pixel, count
        (n,) integers: rows in each cell of `order`; cells may be left out, and in any sequence.
    order
        HEALPix order of the counts, beyond which no cell is divided.
    max_rows
        A cell with more rows is divided.

    Raises
    ------
    UserError
        When `max_rows` is below 1, the order is none, or a count is negative.
    """
    cells, counts = np.asarray(pixel, np.int64), np.asarray(count, np.int64)
    _check(cells, counts, order, max_rows)
    sequence = np.argsort(cells, kind="stable")
    cells, below = cells[sequence], np.append(0, np.cumsum(counts[sequence]))
    leaves: list[tuple[int, NDArray[np.int64], NDArray[np.int64]]] = []
    open_cells = np.arange(12, dtype=np.int64)
    for k in range(order + 1):
        shift = 2 * (order - k)
        first = np.searchsorted(cells, open_cells << shift)
        last = np.searchsorted(cells, open_cells + 1 << shift)
        rows = below[last] - below[first]
        divided = (rows > max_rows) & (k < order)
        leaves.append((k, open_cells[~divided], rows[~divided]))
        open_cells = (open_cells[divided, None] * 4 + np.arange(4)).ravel()
    return Tiles(
        np.repeat([k for k, _, _ in leaves], [len(p) for _, p, _ in leaves]),
        np.concatenate([p for _, p, _ in leaves]),
        np.concatenate([r for _, _, r in leaves]),
    )


def _check(cells: NDArray[np.int64], counts: NDArray[np.int64], order: int, max_rows: int) -> None:
    if max_rows < 1:
        raise UserError(f"max_rows is {max_rows}, but a tile needs room for 1 row: give 1 or more")
    if not 0 <= order <= MAX_ORDER:
        raise UserError(f"the order of the counts is {order}, but 0 to {MAX_ORDER} is needed")
    if cells.shape != counts.shape:
        raise UserError(
            f"{cells.size} cells and {counts.size} counts were given: give one for each cell"
        )
    if len(counts) and counts.min() < 0:
        raise UserError(f"a count is {counts.min()}, but rows are counted from 0: check the counts")
    if len(cells) and not 0 <= cells.min() <= cells.max() < 12 << 2 * order:
        raise UserError(
            f"the cells run from {cells.min()} to {cells.max()}, but order {order} has those from "
            f"0 to {(12 << 2 * order) - 1}: give the order at which the rows were counted"
        )
