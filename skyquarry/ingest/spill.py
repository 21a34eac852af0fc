"""Sorted runs: the one intermediate write of a build.

A run is some million rows in storage order, as Arrow record batches one after another in a file,
uncompressed: written and read at the speed of memory while the page cache holds them. Batches are
cut at the borders of HEALPix cells, so that the rows of a tile are whole batches, which lie side
by side: a tile's share of a run is one read. Nothing is mapped into memory; a map would count as
resident until the kernel needs the pages for something else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.errors import IngestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPATIAL = "_healpix_29"
COUNT_ORDER = 8
"""Order of the histogram that tiles are first cut from (786,432 cells, 6 MB)."""
BATCH_ROWS = 8_192
_MAX_ORDER = 29
_BASE_CELLS = 12


@dataclass(frozen=True, slots=True)
class Run:
    """Where the rows of one run lie; the arrays are of its batches, ascending along the sky."""

    path: str
    first: NDArray[np.int64]
    """(n,) int64, lowest order-29 pixel of each batch"""
    last: NDArray[np.int64]
    """(n,) int64, highest order-29 pixel of each batch"""
    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    """(n + 1,) int64, where each batch begins in the file, and where the last one ends"""
    cells: NDArray[np.int64]
    """(m,) int64, cells of the run's count order that have rows"""
    counts: NDArray[np.int64]

    def share(self, start: int, stop: int) -> Share | None:
        """What to read for the pixels [start, stop); None where the run has none of them."""
        begin = int(np.searchsorted(self.last, start, side="left"))
        end = int(np.searchsorted(self.first, stop, side="left"))
        if begin >= end:
            return None
        return Share(self.path, tuple(self.offsets[begin : end + 1].tolist()), start, stop)


@dataclass(frozen=True, slots=True)
class Share:
    """The batches of a run that hold some range of pixels: small, and fit to travel."""

    path: str
    offsets: tuple[int, ...]
    start: int
    stop: int

    def batches(self, schema: pa.Schema) -> list[pa.RecordBatch]:
        """The rows whose pixel lies in [start, stop), in their order; IngestError if damaged."""
        with pa.OSFile(self.path) as file:
            file.seek(self.offsets[0])
            data = file.read_buffer(self.offsets[-1] - self.offsets[0])
        if data.size != self.offsets[-1] - self.offsets[0]:
            raise IngestError(
                f"{self.path} ends {self.offsets[-1] - self.offsets[0] - data.size} bytes early, "
                "but the build needs the whole of what it wrote there: run the build again"
            )
        found = []
        for begin, end in pairwise(self.offsets):
            message = data.slice(begin - self.offsets[0], end - begin)
            found.append(pa.ipc.read_record_batch(message, schema))
        return _within(found, self.start, self.stop)


def _within(batches: list[pa.RecordBatch], start: int, stop: int) -> list[pa.RecordBatch]:
    """The batches less the rows outside [start, stop), which only the outer two can have."""
    kept = []
    for batch in batches:
        pixels = batch.column(SPATIAL).to_numpy()
        low, high = 0, len(pixels)
        if pixels[0] < start:
            low = int(np.searchsorted(pixels, start))
        if pixels[-1] >= stop:
            high = int(np.searchsorted(pixels, stop))
        if high > low:
            kept.append(batch.slice(low, high - low))
    return kept


def write_run(
    path: str | os.PathLike[str],
    table: pa.Table,
    *,
    count_order: int = COUNT_ORDER,
    durable: bool = False,
) -> Run:
    """Write a table that is in storage order as a run; it appears whole, by a rename.

    `table`: its column `_healpix_29` ascending, without nulls, at least one row. `durable` waits
    for the disk. Raises OSError where the disk refuses.
    """
    pixels = table.column(SPATIAL).to_numpy()
    borders = cell_borders(pixels, BATCH_ROWS)
    target = Path(path)
    offsets = write_batches(target, table, borders, durable=durable)
    cells, counts = histogram(pixels, count_order)
    stops = borders[1:] - 1
    run = Run(
        str(target), pixels[borders[:-1]], pixels[stops], np.diff(borders), offsets, cells, counts
    )
    _save_index(index_path(target), run, durable=durable)
    return run


def open_run(path: str | os.PathLike[str]) -> Run:
    """A run written before. Raises OSError or ValueError where it is not whole."""
    run = Run(str(path), *_read_index(index_path(Path(path))))
    size = Path(path).stat().st_size
    if size != int(run.offsets[-1]):
        raise ValueError(f"{path} has {size} bytes, but its index speaks of {run.offsets[-1]}")
    return run


def index_path(path: Path) -> Path:
    """The file that holds a run's index, beside it."""
    return path.with_suffix(".index")


def write_batches(
    path: Path, table: pa.Table, borders: NDArray[np.int64], *, durable: bool = False
) -> NDArray[np.int64]:
    """Write a table cut at `borders` (n + 1,), row numbers; where each piece begins and ends.

    The file appears whole, by a rename. Raises OSError where the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    offsets = np.empty(len(borders), np.int64)
    whole = table.combine_chunks()
    with (
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_batch(_one(whole.slice(0, 0)))  # the schema goes before the first batch
        offsets[0] = file.tell()
        for number, (begin, end) in enumerate(pairwise(borders.tolist())):
            writer.write_batch(_one(whole.slice(begin, end - begin)))
            offsets[number + 1] = file.tell()
    os.truncate(temporary, int(offsets[-1]))  # no end mark: the index says where it ends
    if durable:
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
    temporary.replace(path)
    return offsets


def _one(table: pa.Table) -> pa.RecordBatch:
    """The table as one batch."""
    columns = [
        column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        for column in table.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _save_index(path: Path, run: Run, *, durable: bool) -> None:
    """As int64 numbers alone: how many batches and cells there are, then the arrays of the run.

    An archive of arrays (`np.savez`) takes a millisecond, and as long again to be read.
    """
    arrays = (run.first, run.last, run.rows, run.offsets, run.cells, run.counts)
    counts = np.array([len(run.rows), len(run.cells)], np.int64)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(np.concatenate([counts, *arrays]).tobytes())
        file.flush()
        if durable:
            os.fsync(file.fileno())
    temporary.replace(path)


def _read_index(path: Path) -> list[NDArray[np.int64]]:
    """The arrays that `_save_index` wrote. Raises ValueError where some are missing."""
    told = np.frombuffer(path.read_bytes(), np.int64)
    batches, cells = (int(each) for each in told[:2]) if len(told) > 1 else (0, 0)
    sizes = [2, batches, batches, batches, batches + 1, cells, cells]
    if len(told) != sum(sizes):
        raise ValueError(f"{path} has {len(told)} numbers, but {sum(sizes)} are needed")
    return np.split(told, np.cumsum(sizes)[:-1])[1:]


def cell_borders(pixels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Row numbers at which sorted pixels are cut: cells of at most `most` rows, split in four.

    From 0 to n, ascending. Rows of one order-29 pixel are cut every `most` rows.
    """
    borders: list[int] = [0]
    width = 1 << 2 * _MAX_ORDER
    _split(pixels, most, (0, len(pixels)), (0, _BASE_CELLS, width), borders)
    return np.asarray(borders, np.int64)


def _split(
    pixels: NDArray[np.int64],
    most: int,
    span: tuple[int, int],
    cells: tuple[int, int, int],
    borders: list[int],
) -> None:
    """Cut the rows `span` at the borders of `cells` (first pixel, number, width), and again."""
    first, number, width = cells
    edges = first + width * np.arange(1, number, dtype=np.int64)
    cuts = [span[0], *(span[0] + np.searchsorted(pixels[slice(*span)], edges)).tolist(), span[1]]
    for i, (begin, end) in enumerate(pairwise(cuts)):
        if end - begin > most and width > 1:
            _split(pixels, most, (begin, end), (first + i * width, 4, width // 4), borders)
        elif end > begin:
            borders.extend(range(begin + most, end, most))
            borders.append(end)


def histogram(pixels: NDArray[np.int64], order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(cells, counts), each (m,) int64: how many of the sorted pixels lie in each cell."""
    cells = pixels >> 2 * (_MAX_ORDER - order)
    borders = np.flatnonzero(cells[1:] != cells[:-1]) + 1
    starts = np.concatenate([[0], borders]) if len(cells) else borders
    return cells[starts], np.diff(np.concatenate([starts, [len(cells)]])).astype(np.int64)


def total_counts(runs: list[Run]) -> NDArray[np.int64]:
    """Rows in each cell of order `COUNT_ORDER`, over all runs: (12 * 4**order,) int64."""
    total = np.zeros(_BASE_CELLS << 2 * COUNT_ORDER, np.int64)
    for run in runs:
        total[run.cells] += run.counts
    return total


def shares(runs: list[Run], start: int, stop: int) -> tuple[Share, ...]:
    """What each run has of the pixels [start, stop), in the order of the runs."""
    found = (run.share(start, stop) for run in runs)
    return tuple(share for share in found if share is not None)


def gather(shares: list[Share], schema: pa.Schema) -> pa.Table:
    """The rows of all shares, those of the first run first."""
    batches: list[Any] = []
    for share in shares:
        batches.extend(share.batches(schema))
    return pa.Table.from_batches(batches, schema)
