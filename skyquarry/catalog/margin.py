"""Which rows of a tile lie within a threshold of other cells: the margins, exact.

HEALPix cells have curved edges, so the distance of a row to a cell is found by branch and bound
along the edges, to far less than a microarcsecond. Rows that cannot matter are left out before: the
order-29 pixel of a row tells how many pixels it is away from its tile's border, and a pixel is
nowhere narrower than `kernels.HEIGHT`. So the cost goes with the rows near borders.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.tiles import MAX_ORDER, Tiles
from skyquarry.errors import UserError
from skyquarry.sky import healpix
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_xyz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_TIE = 1e-13  # chord: what is this near the threshold lies within it
_SAFE = 1.02  # on the width of cells that must be wider than the threshold


def margin_rows(
    ra_deg: Floats,
    dec_deg: Floats,
    spatial: Ints,
    tile: tuple[int, int],
    leaves: Tiles,
    threshold_arcsec: float,
) -> tuple[Ints, Ints]:
    """Which rows of a tile belong to the margins of which other leaves.

    Parameters
    ----------
    ra_deg, dec_deg, spatial
        (n,) positions of the tile's rows and their `_healpix_29`, in any sequence.
    tile
        (order, pixel) of the cell that holds them all.
    leaves
        Every leaf that may have a margin, `tile` among them; also those without rows.
    threshold_arcsec
        A row within it of a cell, the border included, belongs to that cell's margin.

    Returns
    -------
    row, leaf
        (m,) int64 each, sorted by leaf, then row: numbers of rows and of leaves.
    """
    row, leaf, _ = margin_ranks(ra_deg, dec_deg, spatial, tile, leaves, (threshold_arcsec,))
    return row, leaf


def margin_ranks(
    ra_deg: Floats,
    dec_deg: Floats,
    spatial: Ints,
    tile: tuple[int, int],
    leaves: Tiles,
    thresholds_arcsec: Sequence[float],
) -> tuple[Ints, Ints, Ints]:
    """As `margin_rows` for several margins at once, each distance found once.

    thresholds_arcsec: one at least, ascending. Returns (row, leaf, rank), (m,) int64 each, sorted
    by leaf, then row: the row belongs to the leaf's margins of `thresholds_arcsec[rank:]`.
    """
    limits = np.array([_chord(each) for each in thresholds_arcsec])
    widest = float(thresholds_arcsec[-1])
    order, pixel = tile
    rows = _near_border(np.ascontiguousarray(spatial, np.int64), order, widest)
    if not len(rows):
        return rows, rows.copy(), rows.copy()
    near, leaf = _candidates(np.asarray(spatial)[rows], leaves, widest)
    other = leaf != leaves.number(order, pixel)
    near, leaf = near[other], leaf[other]
    xyz = to_xyz(np.asarray(ra_deg)[rows], np.asarray(dec_deg)[rows])
    chords = _chords(xyz[near], leaves.order[leaf], leaves.pixel[leaf], limits[-1] + 2 * _TIE)
    rank = np.searchsorted(limits + _TIE, chords, side="left")
    within = rank < len(limits)
    row, leaf, rank = rows[near[within]], leaf[within], rank[within].astype(np.int64)
    sequence = np.lexsort((row, leaf))
    return row[sequence], leaf[sequence], rank[sequence]


def cell_distance_arcsec(
    ra_deg: ArrayLike, dec_deg: ArrayLike, order: ArrayLike, pixel: ArrayLike
) -> Floats:
    """Distance of positions (n,) from cells (n,) or from one cell: arcseconds, 0 inside."""
    xyz = np.atleast_2d(to_xyz(ra_deg, dec_deg))
    orders = np.broadcast_to(np.asarray(order, np.int64), len(xyz))
    pixels = np.broadcast_to(np.asarray(pixel, np.int64), len(xyz))
    spatial = np.atleast_1d(healpix.index(ra_deg, dec_deg))
    chords = _chords(xyz, orders, pixels, 2.0)
    distance = 2.0 * np.arcsin(np.minimum(chords / 2.0, 1.0)) * ARCSEC_PER_RADIAN
    return np.where(spatial >> 2 * (MAX_ORDER - orders) == pixels, 0.0, distance)


def _chord(threshold_arcsec: float) -> float:
    if not 0 <= threshold_arcsec < 180 * 3600:
        raise UserError(
            f"the margin's threshold is {threshold_arcsec} arcsec, but 0 or more and less than "
            "648000 is needed: give a threshold as large as your widest match"
        )
    return 2.0 * math.sin(threshold_arcsec / ARCSEC_PER_RADIAN / 2.0)


def _near_border(spatial: Ints, order: int, threshold_arcsec: float) -> Ints:
    """Numbers of the rows that can be within the threshold of their tile's border."""
    from skyquarry.catalog.kernels import HEIGHT, near_border

    cells = threshold_arcsec / ARCSEC_PER_RADIAN / HEIGHT * (1 << MAX_ORDER)
    found = np.empty(len(spatial), np.int64)
    return found[: near_border(spatial, order, math.ceil(cells) + 1, found)].copy()


def _candidates(spatial: Ints, leaves: Tiles, threshold_arcsec: float) -> tuple[Ints, Ints]:
    """(row, leaf) of all pairs that can be within the threshold: a row's cell and its neighbours.

    The cells are of an order at which they are wider than the threshold, so nothing farther than
    the neighbours can matter.
    """
    from skyquarry.catalog.kernels import HEIGHT

    width = threshold_arcsec / ARCSEC_PER_RADIAN * _SAFE / HEIGHT
    if width > 1.0:  # wider than the cells of order 0
        every = np.arange(len(leaves), dtype=np.int64)
        return np.repeat(np.arange(len(spatial)), len(every)), np.tile(every, len(spatial))
    order = MAX_ORDER if width == 0 else min(MAX_ORDER, math.floor(-math.log2(width)))
    cell, row_cell = np.unique(spatial >> 2 * (MAX_ORDER - order), return_inverse=True)
    cell_number, leaf = _leaves_around(cell, order, leaves)
    first = np.searchsorted(cell_number, np.arange(len(cell)))
    count = np.diff(first, append=len(cell_number))
    return _joined(row_cell.ravel(), first, count, leaf)


def _leaves_around(cell: Ints, order: int, leaves: Tiles) -> tuple[Ints, Ints]:
    """(number of the cell, leaf), each pair once, sorted: leaves in or beside a cell."""
    around = np.concatenate([cell[:, None], healpix.neighbours(cell, order)], axis=1)
    number = np.repeat(np.arange(len(cell)), around.shape[1])
    flat = around.ravel()
    number, flat = number[flat >= 0], flat[flat >= 0]
    shift = 2 * (MAX_ORDER - order)
    first = np.searchsorted(leaves.stops, flat << shift, side="right")
    last = np.searchsorted(leaves.starts, flat + 1 << shift, side="left")
    count = last - first
    offset = np.cumsum(count) - count
    leaf = np.repeat(first - offset, count) + np.arange(int(count.sum()))
    pairs = np.unique(np.repeat(number, count) * len(leaves) + leaf)
    return pairs // len(leaves), pairs % len(leaves)


def _joined(row_cell: Ints, first: Ints, count: Ints, leaf: Ints) -> tuple[Ints, Ints]:
    """(row, leaf) of every row with every leaf of its cell."""
    each = count[row_cell]
    row = np.repeat(np.arange(len(row_cell)), each)
    offset = np.cumsum(each) - each
    place = np.repeat(first[row_cell] - offset, each) + np.arange(len(row))
    return row, leaf[place]


def _chords(xyz: Floats, order: NDArray[np.integer], pixel: Ints, limit: float) -> Floats:
    from skyquarry.catalog.kernels import chords_to_cells

    out = np.empty(len(xyz))
    chords_to_cells(
        np.ascontiguousarray(xyz),
        np.ascontiguousarray(order, dtype=np.int64),
        np.ascontiguousarray(pixel, dtype=np.int64),
        limit,
        out,
    )
    return out
