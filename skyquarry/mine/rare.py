"""Rare objects: the rows of the least populated cells in colour space (query 7 of twenty)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine import given
from skyquarry.engine.aggregates import parts
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import Number, parse_number
from skyquarry.errors import ColumnError, UserError
from skyquarry.mine.river import River, river

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where

    Keys = NDArray[np.bytes_]
    Ints = NDArray[np.int64]

CELL_ROWS = "cell_rows"


def rare(
    catalog: CatalogLike,
    in_: Sequence[str],
    share: float = 0.01,
    *,
    width: float = 0.1,
    executor: Where = None,
) -> River:
    """The rows in the least populated cells of a grid in colours: a river.

    The colours `in_` (texts of arithmetic) are cut into cells of `width`. Cells are taken from the
    emptiest on, all that are equally full at once, as long as no more than `share` of the rows that
    have these colours lie in them: where even the emptiest hold more, none is. Rows keep their
    columns, and get `cell_rows`, how many share their cell. The cells are counted at once, by one
    sweep; memory grows with the cells that hold rows.

    Raises ColumnError, PredicateError, UserError.

    >>> rare(sky["sdss"], ["u - g", "g - r"], 0.01, width=0.1).to_table()  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    texts = given.texts(in_, "in_", ["u - g", "g - r"])
    width = given.number(width, "width", 0.1, above=0.0)
    share = given.number(share, "share", 0.01, above=0.0)
    if share > 1.0:
        raise UserError(f"share is {share!r}, but a part of 1 is needed: try 0.01")
    numbers = tuple(parse_number(text, catalog.source.schema) for text in texts)
    lacking = sorted({n for each in numbers for n in each.columns} - set(catalog.columns))
    if lacking:
        raise ColumnError(
            f"{', '.join(lacking)} is not among the columns that {catalog.name} is cut to, but the "
            "rows' colours are made of it: select it, too"
        )
    grid = Grid(numbers, float(width))
    cells, counts = grid.counted(catalog, executor)
    fullness, cells_of = np.unique(counts, return_counts=True)
    taken = np.cumsum(fullness * cells_of) <= share * counts.sum()
    few = counts <= (fullness[taken].max() if taken.any() else 0)
    return river(catalog).map(RareRows(grid, cells[few], counts[few]))


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of colours."""

    numbers: tuple[Number, ...]
    width: float

    def seen(self, table: pa.Table) -> Seen:
        """The cells of the rows that have all colours."""
        plain = Plain(table)
        values = np.stack([each.values(plain) for each in self.numbers]) / self.width
        rows = np.flatnonzero((np.abs(values) < 2.0**62).all(axis=0))
        return Seen.of(np.floor(values[:, rows]).astype(np.int64), rows)

    def counted(self, catalog: Catalog, executor: Where) -> tuple[Keys, Ints]:
        """Cells that hold rows, and how many."""
        columns = tuple(dict.fromkeys(n for each in self.numbers for n in each.columns))
        kind = f"S{8 * len(self.numbers)}"
        cells, counts = np.empty(0, kind), np.empty(0, np.int64)
        for keys, more in parts(catalog, columns, counts_of, (self,), executor):
            every, at = np.unique(np.concatenate([cells, keys]), return_inverse=True)
            total = np.zeros(len(every), np.int64)
            np.add.at(total, at, np.concatenate([counts, more]))
            cells, counts = every, total
        return cells, counts


@dataclass(frozen=True, slots=True)
class Seen:
    """The cells of some rows."""

    keys: Keys
    """(k,) the cells that hold rows, as bytes: the same for the same cell of any table"""
    counts: Ints
    """(k,) their rows"""
    at: Ints
    """(n,) which of the cells each row is in"""
    rows: Ints
    """(n,) the rows that are in a cell"""

    @classmethod
    def of(cls, cells: Ints, rows: Ints) -> Seen:
        """Of the cells (d, n) of rows, by one number for each: its place in the box around all."""
        low = cells.min(axis=1, initial=0)
        spans = [int(span) + 1 for span in cells.max(axis=1, initial=0) - low]
        if math.prod(spans) >= 2**62:
            keys, at, counts = np.unique(_named(cells), return_inverse=True, return_counts=True)
            return cls(keys, counts.astype(np.int64), at.ravel(), rows)
        places = np.ravel_multi_index(tuple(cells - low[:, None]), spans).astype(np.int64)
        if math.prod(spans) <= 4 * len(rows) + 1_000:
            full = np.bincount(places, minlength=math.prod(spans))
            there = np.flatnonzero(full)
            numbers = np.zeros(len(full), np.int64)
            numbers[there] = np.arange(len(there))
            at, counts = numbers[places], full[there]
        else:
            there, at, counts = np.unique(places, return_inverse=True, return_counts=True)
        found = np.stack(np.unravel_index(there, spans)).astype(np.int64) + low[:, None]
        return cls(_named(found), counts.astype(np.int64), at, rows)


def _named(cells: Ints) -> Keys:
    """(n,) cells (d, n) as bytes."""
    return np.ascontiguousarray(cells.T.astype(">i8")).view(f"S{8 * len(cells)}").ravel()


def counts_of(table: pa.Table, grid: Grid) -> tuple[Keys, Ints]:
    """Cells of one tile, and their rows."""
    seen = grid.seen(table)
    return seen.keys, seen.counts


@dataclass(frozen=True, slots=True)
class RareRows:
    """A step of a river: the rows of some cells."""

    grid: Grid
    cells: Keys
    counts: Ints

    @property
    def __name__(self) -> str:
        return "rare rows"

    def __call__(self, table: pa.Table) -> pa.Table:
        """Those rows, with how many share the cell of each."""
        seen = self.grid.seen(table)
        place = np.searchsorted(self.cells, seen.keys)
        inside = place < len(self.cells)
        rare_one = inside.copy()
        rare_one[inside] = self.cells[place[inside]] == seen.keys[inside]
        there = rare_one[seen.at]
        counts = self.counts[place[seen.at[there]]]
        chosen = table.take(from_numpy(seen.rows[there]))
        return chosen.append_column(CELL_ROWS, from_numpy(counts))
