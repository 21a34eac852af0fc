"""One number, or a few, from many rows: counts, counts on the sky, statistics of columns.

Each tile gives a part; parts are added in the order of the sky, so that every executor gives the
same bits. NaN counts as null.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.asked import whole_number
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan
from skyquarry.errors import ColumnError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece, Reader

    Ints = NDArray[np.int64]
    Part = tuple[int, int, Any, Any, int, float, float]
    """(count, nulls, low, high, base, mean less the base, squares about the mean) of some rows"""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the values of one column are, NaN counted as null."""

    count: int
    """Values that are there."""
    nulls: int
    low: Any
    """Lowest value; None where there is none. So `high`."""
    high: Any
    mean: float | None
    """Of numbers; None for texts, times, truths, and where no value is there. So `deviation`.

    None as well where a value is infinite, or a sum is too large for a float64: none is told then.
    """
    deviation: float | None
    """Standard deviation of the values as a whole (dividing by their count)."""


def parts(
    catalog: Catalog,
    columns: tuple[str, ...],
    part: Callable[..., Any],
    args: tuple[Any, ...],
    executor: Where,
) -> Iterator[Any]:
    """`part(table, *args)` of each tile's rows with these columns, in the order of the sky."""
    narrowed = catalog.select(columns) if columns else catalog
    if catalog.cut.limit is not None:
        yield from (part(table, *args) for table in narrowed.plan().run(executor).tables())
        return
    scan = Scan(catalog.source, catalog.cut.only(columns=columns))
    tasks = (
        (piece.tile, part_of_piece, (scan.reader, piece, part, args)) for piece in scan.pieces()
    )
    run = run_tasks(tasks, executor, ordered=True, memory_bytes=MEMORY_BYTES, weigh=scan.weight)
    yield from (value for _, value in run)


def part_of_piece(
    reader: Reader, piece: Piece, part: Callable[..., Any], args: tuple[Any, ...]
) -> Any:
    """The task: read a tile's rows, keep what `part` makes of them."""
    return part(reader.read(piece), *args)


# ---------------------------------------------------------------------- rows
def count_rows(catalog: Catalog, executor: Where = None) -> int:
    """How many rows a catalogue has: tiles of which nothing is cut are not read."""
    cut, source = catalog.cut, catalog.source
    if cut.limit is not None:
        return min(cut.limit, count_rows(catalog._cut(cut.only(limit=None)), executor))  # noqa: SLF001
    if cut.rows_uncut:
        return int(source.stored.n_rows)
    scan = Scan(source, cut.only(columns=()))
    free = cut.only(region=None).rows_uncut and bool(scan.inside.any())
    whole = scan.inside if free else np.zeros(len(scan), bool)
    known = int(source.stored.counted.rows[scan.numbers[whole]].sum()) if free else 0
    tasks = (
        (number, count_piece, (scan.reader, scan.piece(number, inside=False)))
        if free
        else (number, count_piece, (scan.reader, scan.piece(number, inside=inside)))
        for number, inside in zip(
            scan.numbers[~whole].tolist(), scan.inside[~whole].tolist(), strict=True
        )
    )
    return known + sum(int(count) for _, count in run_tasks(tasks, executor))


def count_piece(reader: Reader, piece: Piece) -> int:
    """The task: how many rows of a tile are wanted."""
    return int(reader.read(piece).num_rows)


# ---------------------------------------------------------------------- the sky
def counts_by_cell(catalog: Catalog, order: int, executor: Where = None) -> tuple[Ints, Ints]:
    """Cells with rows, ascending, and their counts."""
    level = whole_number(order)
    if level is None or not 0 <= level <= 29:
        raise UserError(f"order is {order!r}, but HEALPix orders are 0 to 29: try 6")
    order = level
    if catalog.cut.rows_uncut:
        return catalog.stored.skymap(order)
    found = list(parts(catalog, (SPATIAL,), cells_of, (order,), executor))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pixels, counts = (np.concatenate(each) for each in zip(*found, strict=True))
    cells, at = np.unique(pixels, return_inverse=True)
    total = np.zeros(len(cells), np.int64)
    np.add.at(total, at, counts)
    return cells, total


def cells_of(table: pa.Table, order: int) -> tuple[Ints, Ints]:
    """Cells of the rows of one tile, and their counts."""
    pixels = table.column(SPATIAL).to_numpy() >> 2 * (29 - order)
    cells, counts = np.unique(pixels, return_counts=True)
    return cells.astype(np.int64), counts.astype(np.int64)


# ---------------------------------------------------------------------- columns
def summaries(
    catalog: Catalog, columns: Sequence[str] | None = None, executor: Where = None
) -> dict[str, Summary]:
    """A summary of each column; of columns of numbers where none are named."""
    schema = catalog.source.schema
    if columns is None:
        names = tuple(n for n in catalog.columns if n in schema.names and _is_number(schema, n))
    else:
        names = tuple(dict.fromkeys(catalog.source.resolve(columns)))
    _check_ordered(schema, names)
    found = list(parts(catalog, names, parts_of_columns, (), executor)) if names else []
    return {name: _merged([tile[i] for tile in found]) for i, name in enumerate(names)}


def parts_of_columns(table: pa.Table) -> list[Part]:
    """The part of each column of a tile."""
    return [_part(column) for column in table.columns]


def _part(column: pa.ChunkedArray) -> Part:
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())  # Arrow compares no halves
    column = null_for_nan(column)
    count = len(column) - column.null_count
    if not count:
        return 0, column.null_count, None, None, 0, 0.0, 0.0
    limits = pc.min_max(column).as_py()
    base, mean, squares = 0, 0.0, 0.0
    values = column.drop_null().to_numpy() if _has_mean(column.type) else None
    if values is not None and values.dtype.kind in "iu":
        # A float64 does not tell integers beyond 2**53 apart: their differences it does.
        base = int(limits["min"])
        values = values.astype(np.uint64) - np.uint64(base % 2**64)  # never negative, so exact
    if values is not None:
        mean, squares = _moments(values.astype(np.float64))
    return count, column.null_count, limits["min"], limits["max"], base, mean, squares


def _has_mean(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    """The mean, and the sum of squares about it; NaN where they are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(values.mean())
        return mean, float(((values - mean) ** 2).sum())


def null_for_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with null where a float is NaN."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _merged(found: list[Part]) -> Summary:
    """Parts of tiles as one: Chan, Golub & LeVeque (1979), in the order of the sky.

    Means are told from the base of the first part, so that those of large integers keep all digits.
    """
    count, mean, squares = 0, 0.0, 0.0
    nulls = sum(part[1] for part in found)
    some = [part for part in found if part[0]]
    for n, _, _, _, base, part_mean, part_squares in some:
        gap, total = (base - some[0][4]) + part_mean - mean, count + n
        mean += gap * n / total
        squares += part_squares + gap * gap * count * n / total
        count = total
    if not some:
        return Summary(0, nulls, None, None, None, None)
    low, high = min(part[2] for part in some), max(part[3] for part in some)
    if not isinstance(low, int | float) or isinstance(low, bool):
        return Summary(count, nulls, low, high, None, None)
    if not (math.isfinite(mean) and math.isfinite(squares)):
        return Summary(count, nulls, low, high, None, None)
    return Summary(count, nulls, low, high, some[0][4] + mean, math.sqrt(squares / count))


def as_table(found: dict[str, Summary], schema: pa.Schema) -> pa.Table:
    """Summaries as a table; lowest and highest as text where a float64 does not hold them all."""
    from skyquarry.catalog.columns import meaning

    rows = [
        {"column": name, "unit": meaning(schema.field(name)).get("unit", ""), **asdict(summary)}
        for name, summary in found.items()
    ]
    numbers = all(_is_float(row[k]) for row in rows for k in ("low", "high"))
    kind = pa.float64() if numbers else pa.string()
    for row in rows:
        for key in ("low", "high"):
            row[key] = row[key] if row[key] is None or numbers else str(row[key])
    fields = [("column", pa.string()), ("unit", pa.string()), ("count", pa.int64())]
    fields += [("nulls", pa.int64()), ("low", kind), ("high", kind)]
    fields += [("mean", pa.float64()), ("deviation", pa.float64())]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def _is_float(value: Any) -> bool:
    """Whether a float64 holds the value, or its absence, without a loss."""
    return (
        value is None
        or isinstance(value, float)
        or (isinstance(value, int) and float(value) == value)
    )


def _is_number(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_ordered(schema: pa.Schema, names: Sequence[str]) -> None:
    for name in names:
        kind = schema.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_null(kind) or pa.types.is_dictionary(kind):
            raise ColumnError(
                f"the column {name} is {kind}, of which no lowest and highest value is known: "
                "leave it out of statistics"
            )
