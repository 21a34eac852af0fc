"""Pairs within a radius, from rows sorted by the nested index: no tree is built.

For each left row the box of `boxes.py` holds every right row of the same base cell that can match;
its rows are found in a table, a few of them at once, many as the runs of `runs.py`. Rows
of a crowd share the runs of the small cell they lie in. What the box cannot hold, pairs across the
edge of a base cell, is sought among the right rows that lie near an edge, sorted by declination.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.judging import judge, keep_best
from skyquarry.match.kernels.leftrows import any_row, near_rows
from skyquarry.match.kernels.looking import CHUNK
from skyquarry.match.kernels.ordering import BINS, sort_pairs
from skyquarry.match.kernels.runs import DEEPEST, MOST
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

ROOM = 4096  # candidates that are judged together: their arrays stay in the cache
SCRATCH = 4096  # pairs of a row that are sorted by bins


class Left(NamedTuple):
    """The rows that look: (n,) each; `radius` (1,) or (n,) arcsec, NaN matches nothing."""

    ra: np.ndarray
    dec: np.ndarray
    cos: np.ndarray
    spatial: np.ndarray
    radius: np.ndarray


class Right(NamedTuple):
    """The rows that are looked for, in classes of their radius, in each sorted by `spatial`."""

    ra: np.ndarray
    dec: np.ndarray
    cos: np.ndarray
    spatial: np.ndarray
    radius: np.ndarray
    """(1,) or (n,) arcsec, never NaN"""
    row: np.ndarray
    """(n,) number of the row, or (0,) where the rows are in their order"""
    rank: np.ndarray
    """by number of the row"""
    class_start: np.ndarray
    """(classes + 1,) first row of each class"""
    class_radius: np.ndarray
    """(classes,) greatest radius in it"""
    first: np.ndarray
    last: np.ndarray
    """(classes,) pixels of the first cell's beginning and of the last row"""
    shift: np.ndarray
    """(classes,) cell of a pixel: (pixel - first) >> shift"""
    cell_start: np.ndarray
    """(classes,) where the cells of a class begin in `cells`"""
    cells: np.ndarray
    buckets: np.ndarray
    """as `tables.cells_of` makes them"""
    zone_start: np.ndarray
    """(classes + 1,) where the edge rows of a class lie in the arrays below"""
    zone_dec: np.ndarray
    """sorted in each class"""
    zone_at: np.ndarray
    """place in the arrays above"""
    zone_xyz: np.ndarray
    """(edge rows, 3) unit vectors"""


class Desk(NamedTuple):
    """Scratch: candidates, what is looked at, runs of rows, what is sorted."""

    at: np.ndarray
    to: np.ndarray
    spans: np.ndarray
    rises: np.ndarray
    products: np.ndarray
    separations: np.ndarray
    squares: np.ndarray
    stack: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    counts: np.ndarray
    bins: np.ndarray
    spare_sep: np.ndarray
    spare_right: np.ndarray

    @classmethod
    def of(cls, n_right: int) -> Desk:
        """Room for all candidates of a row: memory that is not written to costs nothing."""
        room = ROOM + n_right + CHUNK
        at, to = np.empty(room, np.int64), np.empty(room, np.int64)
        spans, rises, products, separations = (np.empty(room) for _ in range(4))
        starts, stops = np.empty(MOST, np.int64), np.empty(MOST, np.int64)
        counts, bins = np.empty(BINS * SCRATCH + 1, np.int64), np.empty(SCRATCH, np.int64)
        return cls(
            at, to, spans, rises, products, separations, np.empty(CHUNK),
            np.empty((DEEPEST, 5), np.int64), starts, stops,
            counts, bins, np.empty(SCRATCH), np.empty(SCRATCH, np.int64),
        )  # fmt: skip


@step
def in_order_of_rows(begin, end, nearest, out_left, out_right, out_sep, rank, desk):  # noqa: PLR0917
    """Sort the pairs [begin, end) of whole rows, keep the nearest; returns their new end."""
    if nearest == 1:
        return keep_best(begin, end, out_left, out_right, out_sep, rank)
    counts, bins, spare_sep, spare_right = desk[10:]
    to, k = begin, begin
    while k < end:
        start, i = k, out_left[k]
        while k < end and out_left[k] == i:
            k += 1
        if k - start > 1:
            sort_pairs(out_sep, out_right, start, k, rank, counts, bins, spare_sep, spare_right)
        stop = min(k, start + nearest) if nearest > 0 else k
        if to == start:
            to = stop
            continue
        for from_ in range(start, stop):
            out_left[to], out_right[to], out_sep[to] = i, out_right[from_], out_sep[from_]
            to += 1
    return to


@kernel
def search(left, right, desk, nearest, same, first, out_left, out_right, out_sep):  # noqa: PLR0917
    """Pairs of the left rows from `first` on, until the buffers are full.

    Returns (next row, pairs written): where the buffers were full, `next row` is the first row
    whose pairs are not in them. `nearest` 0: all. `same` 1: the row of the same number is left out;
    2: so are those before it.
    """
    n, radius, rank = left[0].size, left[4], right[6]
    after = same == 2 and right[5].size == 0  # rows that are left out need not be looked at
    i, done = first, np.int64(0)  # rows and pairs that are done
    while i < n:
        begun = i
        i, number = near_rows(left, right, i, after, desk, ROOM, np.int64(0))
        if i < n and number <= ROOM:  # not plain
            if radius[0 if radius.size == 1 else i] >= 0.0:
                number = any_row(left, right, i, after, desk, number)
            i += 1
        if done + number > out_sep.size:
            return begun, done
        m = judge(left, right, same, number, desk, done, out_left, out_right, out_sep)
        done = in_order_of_rows(done, m, nearest, out_left, out_right, out_sep, rank, desk)
    return n, done
