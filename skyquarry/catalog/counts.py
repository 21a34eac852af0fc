"""How many rows where, and the limits of columns: from small files that tell, else counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog import parquet
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.tiles import Tiles
from skyquarry.errors import DamagedError, NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.footers import Footer
    from skyquarry.catalog.stored import Stored

STATISTICS_FILE = "per_partition_statistics.parquet"
MAPS = ("skymap.fits", "point_map.fits")


@dataclass(frozen=True, slots=True)
class RowGroups:
    """The row groups of a tile as arrays of length g."""

    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    """Lowest and highest order-29 pixel, inclusive; the tile's own where the file does not say."""


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What the values of one column are, NaN counted as null."""

    low: Any
    high: Any
    """Lowest and highest value; None where every row is null."""
    null_count: int


def row_groups(stored: Stored, tile: int) -> RowGroups:
    """Rows, bytes and pixels of each row group of a tile; see `Stored.row_groups`."""
    parts = [_groups_of(stored, tile, stored.footer(rel)[1]) for rel in stored.files(tile)]
    names = ("rows", "bytes", "low", "high")
    return RowGroups(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _groups_of(stored: Stored, tile: int, footer: Footer) -> RowGroups:
    first, last = stored.tiles.starts[tile], stored.tiles.stops[tile] - 1
    if stored.spatial.column not in footer.leaves:
        whole = np.ones(len(footer.rows), np.int64)
        return RowGroups(footer.rows, footer.bytes, whole * first, whole * last)
    limits, (low, high) = parquet.pixel_limits(footer, stored.spatial)
    low, high = np.where(limits.known, low, first), np.where(limits.known, high, last)
    return RowGroups(footer.rows, footer.bytes, low, high)


# ---------------------------------------------------------------------- rows of tiles
def count_tiles(stored: Stored) -> Tiles:
    """The tiles with rows and bytes; see `Stored.counted`."""
    tiles = stored.tiles
    rows, sizes = _from_statistics(stored)
    for tile in np.flatnonzero((rows < 0) | (sizes < 0)).tolist():
        footers = [stored.footer(rel)[1] for rel in stored.files(tile)]
        rows[tile] = sum(int(footer.rows.sum()) for footer in footers)
        sizes[tile] = sum(int(footer.bytes.sum()) for footer in footers)
    return Tiles(tiles.order, tiles.pixel, rows, sizes, where=stored.folder.root)


def _from_statistics(stored: Stored) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and bytes of each tile by the statistics file; -1 for what it does not tell."""
    unknown = np.full(len(stored.tiles), -1, np.int64)
    told = read_statistics(stored)
    if told is None:
        return unknown, unknown.copy()
    number = _tile_numbers(stored.tiles, told)
    held = number >= 0
    counts = [n for n in told.column_names if n.endswith("::row_count")]
    flat = [n for n in counts if "." not in n]
    sizes = [n for n in told.column_names if n.endswith("::disk_bytes")]
    rows = _sums(told, flat[:1], number, held, unknown)
    return rows, _sums(told, sizes, number, held, unknown)


def _sums(
    told: pa.Table, names: list[str], number: Any, held: Any, unknown: NDArray[np.int64]
) -> NDArray[np.int64]:
    out = unknown.copy()
    if not names:
        return out
    out[number[held]] = 0
    for name in names:
        values = told.column(name).fill_null(0).to_numpy().astype(np.int64)
        np.add.at(out, number[held], values[held])
    return out


def _tile_numbers(tiles: Tiles, told: pa.Table) -> NDArray[np.int64]:
    order, pixel = (told.column(n).to_numpy().astype(np.int64) for n in ("Norder", "Npix"))
    number = tiles.find(pixel << 2 * (29 - order))
    same = (number >= 0) & (tiles.order[number] == order) if len(tiles) else number >= 0
    return np.where(same, number, -1)


def read_statistics(stored: Stored) -> pa.Table | None:
    """The statistics file as a table, None where there is none.

    Raises
    ------
    DamagedError
        When it cannot be read, or has no tiles in it.
    """
    import pyarrow.parquet as pq

    path = stored.folder.path(STATISTICS_FILE)
    try:
        content = stored.folder.read_bytes(STATISTICS_FILE)
    except NotFoundError:
        return None
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(
            f"{path} is cut off or not a Parquet file; remove it, and footers are read instead"
        ) from error
    if not {"Norder", "Npix"} <= set(table.column_names):
        raise DamagedError(
            f"{path} has no columns Norder and Npix; remove it, and footers are read instead"
        )
    return table


# ---------------------------------------------------------------------- counts on the sky
def counts_by_cell(stored: Stored, order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells with rows and their counts; see `Stored.skymap`."""
    if not 0 <= order <= 29:
        raise UserError(f"order is {order}, but orders go from 0 to 29; choose one of those")
    told = read_map(stored)
    if told is not None and told[0] >= order:
        return added(told[1] >> 2 * (told[0] - order), told[2])
    parts = list(_counted_cells(stored, order))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pixel, count = (np.concatenate(part) for part in zip(*parts, strict=True))
    return added(pixel, count)


def read_map(stored: Stored) -> tuple[int, NDArray[np.int64], NDArray[np.int64]] | None:
    """(order, pixel, count) of the stored sky map, None where there is none."""
    from skyquarry.catalog.skymaps import read_skymap

    for name in MAPS:
        try:
            content = stored.folder.read_bytes(name)
        except NotFoundError:
            continue
        try:
            order, pixel, count = read_skymap(content)
        except (OSError, ValueError, KeyError, DamagedError) as error:
            raise DamagedError(
                f"{stored.folder.path(name)} is not a sky map ({error}); "
                "remove it, and rows are counted instead"
            ) from error
        return int(order), np.asarray(pixel, np.int64), np.asarray(count, np.int64)
    return None


def _counted_cells(
    stored: Stored, order: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    for tile in range(len(stored.tiles)):
        pixels = stored.read(tile, [SPATIAL]).column(SPATIAL).to_numpy()
        yield np.unique(pixels >> 2 * (29 - order), return_counts=True)


def added(
    pixel: NDArray[np.int64], count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One count a cell, cells ascending, empty ones left out."""
    cells, place = np.unique(pixel, return_inverse=True)
    total = np.zeros(len(cells), np.int64)
    np.add.at(total, place, count)
    return cells[total > 0], total[total > 0]


# ---------------------------------------------------------------------- columns
def column_statistics(
    stored: Stored, columns: Sequence[str] | None = None
) -> dict[str, ColumnStatistics]:
    """Limits and null counts of columns; see `Stored.statistics`."""
    names = [f.name for f in stored.schema if _ordered(f.type)] if columns is None else columns
    kept = {name: _Running() for name in names}
    for tile in range(len(stored.tiles)):
        unknown = [n for n in names if not _from_footers(stored, tile, n, kept[n])]
        if not unknown:
            continue
        table = stored.read(tile, unknown)
        for name in unknown:
            kept[name].add_values(table.column(name))
    return {name: running.done() for name, running in kept.items()}


class _Running:
    """Limits and nulls so far."""

    def __init__(self) -> None:
        self.low: Any = None
        self.high: Any = None
        self.nulls = 0

    def add(self, low: Any, high: Any, nulls: int) -> None:
        self.nulls += nulls
        if low is not None and (self.low is None or low < self.low):
            self.low = low
        if high is not None and (self.high is None or high > self.high):
            self.high = high

    def add_values(self, column: Any) -> None:
        half = pa.types.is_float16(column.type)  # for which pyarrow has no such kernel
        limits = pc.min_max(column.cast(pa.float32()) if half else column).as_py()
        self.add(limits["min"], limits["max"], column.null_count)

    def done(self) -> ColumnStatistics:
        return ColumnStatistics(self.low, self.high, self.nulls)


def _from_footers(stored: Stored, tile: int, name: str, running: _Running) -> bool:
    """Whether footers told all of a column in a tile, and were added."""
    field = stored.schema.field(name)
    if parquet.may_hold_nan(field.type) and not stored.nan_is_null:
        return False  # NaN is not among a footer's nulls
    if not pa.types.is_integer(field.type) and not pa.types.is_floating(field.type):
        return False  # the limits of texts may be shortened
    footers = [stored.footer(rel)[1] for rel in stored.files(tile)]
    limits = [footer.limits(name) for footer in footers]
    for footer, told in zip(footers, limits, strict=True):
        silent = ~told.known & (told.nulls != footer.rows)
        if bool((told.nulls < 0).any()) or bool(silent.any()):
            return False
    for told in limits:
        low, high = told.low[told.known], told.high[told.known]
        if len(low):
            running.add(low.min().item(), high.max().item(), 0)
        running.nulls += int(told.nulls.sum())
    return True


def _ordered(kind: Any) -> bool:
    """Whether values of a type have a lowest and a highest."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )
