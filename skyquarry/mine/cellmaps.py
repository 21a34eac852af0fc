"""Maps: how many rows lie in each cell of the sky, and what the values of columns are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine import given
from skyquarry.engine.aggregates import parts
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import Number, parse_number
from skyquarry.mine.cells import Cells, Scheme, cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.executors import Where

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def cell_statistics(
    catalog: CatalogLike,
    of: Sequence[str] = (),
    *,
    order: int = 8,
    scheme: Scheme = "healpix",
    step_deg: float | None = None,
    executor: Where = None,
) -> pa.Table:
    """A map of a catalogue: rows in each cell of the sky, and statistics of numbers there.

    Parameters
    ----------
    of
        Columns, or texts of arithmetic: ["r", "g - r"].
    order, scheme
        HEALPix cells (nested) of an order, 0 to 29, or HTM trixels of a level, 0 to 24; or "grid".
    step_deg
        Of a grid: its step in right ascension, from 0h on, and in declination, from the south pole
        on. A cell is row * ceil(360 / step_deg) + column.

    Returns
    -------
    pyarrow.Table
        `cell, ra, dec` (of its centre), `count`; of the numbers, in their order, `count_1`,
        `mean_1`, `std_1` (of the values as a whole), `min_1`, `max_1` and so on, null where no
        value is; their texts are in the fields' descriptions. Cells without rows are left out.
        The same from every executor. Infinite values count as missing, as NaN does.

    Raises ColumnError, PredicateError, UserError.

    >>> cell_statistics(sky["sdss"], ["g - r"], order=6)  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    cells = cells_of(catalog, scheme, order, step_deg)
    texts = given.texts(of, "of", ["r", "g - r"], least=0)
    numbers = tuple(parse_number(text, catalog.source.schema) for text in texts)
    columns = dict.fromkeys([*cells.columns, *(n for each in numbers for n in each.columns)])
    total = Moments.none(len(numbers))
    for part in parts(catalog, tuple(columns), moments_of, (numbers, cells), executor):
        total = total.joined(part)
    return _table(total, numbers, cells)


@dataclass(frozen=True, slots=True)
class Moments:
    """Cells, ascending, and of each: rows, and of numbers (d, cells) what makes statistics."""

    cell: Ints
    rows: Ints
    count: Floats
    mean: Floats
    squares: Floats
    """about the mean"""
    low: Floats
    high: Floats

    @classmethod
    def none(cls, d: int) -> Moments:
        """Of no row."""
        few = np.empty((d, 0))
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), few, few, few, few, few)

    def spread(self, cells: Ints) -> Moments:
        """The same over more cells."""
        at, n = np.searchsorted(cells, self.cell), len(cells)

        def wide(values: Floats, nothing: float) -> Floats:
            found = np.full((len(values), n), nothing)
            found[:, at] = values
            return found

        rows = np.zeros(n, np.int64)
        rows[at] = self.rows
        count, mean, squares = (wide(each, 0.0) for each in (self.count, self.mean, self.squares))
        low, high = wide(self.low, np.inf), wide(self.high, -np.inf)
        return Moments(cells, rows, count, mean, squares, low, high)

    def joined(self, other: Moments) -> Moments:
        """Both together: Chan, Golub & LeVeque (1979)."""
        cells = np.union1d(self.cell, other.cell)
        a, b = self.spread(cells), other.spread(cells)
        count = a.count + b.count
        some, gap = np.maximum(count, 1.0), b.mean - a.mean
        gap = np.where((a.count > 0.0) & (b.count > 0.0), gap, 0.0)
        mean = np.where(a.count > 0.0, a.mean + gap * b.count / some, b.mean)
        squares = a.squares + b.squares + gap * gap * a.count * b.count / some
        low, high = np.minimum(a.low, b.low), np.maximum(a.high, b.high)
        return Moments(cells, a.rows + b.rows, count, mean, squares, low, high)


def moments_of(table: pa.Table, numbers: tuple[Number, ...], cells: Cells) -> Moments:
    """The task: the cells of one tile."""
    found = cells.of(table)
    if not len(found):
        return Moments.none(len(numbers))
    along = None if bool((found[1:] >= found[:-1]).all()) else np.argsort(found, kind="stable")
    found = found if along is None else found[along]
    starts = np.append(0, np.flatnonzero(found[1:] != found[:-1]) + 1)
    cell, rows = found[starts], np.diff(np.append(starts, len(found)))
    plain, shape = Plain(table), (len(numbers), len(cell))
    count, mean, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for d, number in enumerate(numbers):
        values = number.values(plain)
        values = values if along is None else values[along]
        known = np.isfinite(values)
        count[d] = np.add.reduceat(known, starts, dtype=np.int64)
        some = np.maximum(count[d], 1.0)
        mean[d] = np.add.reduceat(np.where(known, values, 0.0), starts) / some
        gap = np.where(known, values - np.repeat(mean[d], rows), 0.0)
        squares[d] = np.add.reduceat(gap * gap, starts)
        low[d] = np.minimum.reduceat(np.where(known, values, np.inf), starts)
        high[d] = np.maximum.reduceat(np.where(known, values, -np.inf), starts)
    return Moments(cell.astype(np.int64), rows, count, mean, squares, low, high)


def _table(total: Moments, numbers: tuple[Number, ...], cells: Cells) -> pa.Table:
    ra, dec = cells.centers(total.cell)
    told = [pa.field("cell", pa.int64(), metadata={"description": cells.words()})]
    told += [pa.field(n, pa.float64(), metadata={"unit": "deg"}) for n in ("ra", "dec")]
    fields = [*told, pa.field("count", pa.int64())]
    arrays = [from_numpy(np.array(each)) for each in (total.cell, ra, dec, total.rows)]
    for d, number in enumerate(numbers):
        none = total.count[d] == 0.0
        deviation = np.sqrt(total.squares[d] / np.maximum(total.count[d], 1.0))
        named = {"mean": total.mean[d], "std": deviation, "min": total.low[d], "max": total.high[d]}
        arrays.append(from_numpy(total.count[d].astype(np.int64)))
        arrays += [pa.array(values, pa.float64(), mask=none) for values in named.values()]
        about = {"description": number.text}
        fields.append(pa.field(f"count_{d + 1}", pa.int64(), metadata=about))
        fields += [pa.field(f"{n}_{d + 1}", pa.float64(), metadata=about) for n in named]
    return pa.table(arrays, schema=pa.schema(fields))
