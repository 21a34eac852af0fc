"""The first pass: each stretch of the input is read once, cleaned, sorted, and written as runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from skyquarry.ingest.clean import Cleaned, reasons_counted
from skyquarry.ingest.ordering import sky_order
from skyquarry.ingest.positions import Limits
from skyquarry.ingest.reasons import REASON, ROW
from skyquarry.ingest.rejects import PART, spill_rejects
from skyquarry.ingest.spill import COUNT_ORDER, SPATIAL, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.ingest.sources import SourcePart

RUN_ROWS = 3 << 19
RUN_BYTES = 160 << 20
"""A run has at most this many rows and about this many bytes: two of them, being read and being
written, are what a worker holds."""


class Preparing(Protocol):
    """How rows as read become rows in a run: `Cleaning`, or `Fostering` for a child table."""

    @property
    def count_order(self) -> int:
        """The order of the cells that a run counts its rows in."""

    def cleaned(self, table: pa.Table) -> Cleaned:
        """The rows of one batch, with the column `_healpix_29` to sort by."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring parts of the input that one task reads: about a run's worth of rows."""

    number: int
    first_part: int
    parts: tuple[SourcePart, ...]


@dataclass(frozen=True, slots=True)
class Sorting:
    """What is done to every chunk."""

    work: Preparing
    folder: str
    """where runs go"""
    id: str | None = None
    traced: bool = False
    """keep part and row of every row in the runs: where rows may still be set aside later"""
    durable: bool = False


@dataclass(slots=True)
class Tally:
    """What became of the rows of some chunks; adds up, and travels as plain data."""

    rows_in: int = 0
    stored: int = 0
    bytes: int = 0
    """in memory, of the rows stored"""
    part_rows: list[int] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    nan: Counter[str] = field(default_factory=Counter)
    sentinel: Counter[str] = field(default_factory=Counter)
    limits: Limits = field(default_factory=Limits)
    runs: list[str] = field(default_factory=list)
    rejects: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count the other's rows as well; the order of adding is the order of the input."""
        self.rows_in += other.rows_in
        self.stored += other.stored
        self.bytes += other.bytes
        self.part_rows += other.part_rows
        self.rejected += other.rejected
        self.nan += other.nan
        self.sentinel += other.sentinel
        self.limits = Limits.around([self.limits, other.limits])
        self.runs += other.runs
        self.rejects += other.rejects

    def to_json(self) -> dict[str, Any]:
        """Plain data for a journal."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told | {"limits": self.limits.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tally:
        """The tally that `to_json` told of."""
        counters = {name: Counter(data[name]) for name in ("rejected", "nan", "sentinel")}
        return cls(**(data | counters | {"limits": Limits.from_json(data["limits"])}))


def chunks_of(parts: Sequence[SourcePart], row_bytes: int) -> list[Chunk]:
    """The parts in chunks of about a run's rows; a part of unknown size is a chunk of its own."""
    most = rows_of_a_run(row_bytes)
    chunks: list[Chunk] = []
    begin, rows = 0, 0
    for number, part in enumerate(parts):
        size = part.rows if part.rows is not None else most
        if number > begin and rows + size > most:
            chunks.append(Chunk(len(chunks), begin, tuple(parts[begin:number])))
            begin, rows = number, 0
        rows += size
    if begin < len(parts):
        chunks.append(Chunk(len(chunks), begin, tuple(parts[begin:])))
    return chunks


def rows_of_a_run(row_bytes: int) -> int:
    """How many rows of this width a run has."""
    return max(4096, min(RUN_ROWS, RUN_BYTES // max(1, row_bytes)))


def row_bytes_of(schema: pa.Schema) -> int:
    """A guess at the bytes of a row: texts and lists count as 24."""
    return sum(_width(each.type) for each in schema)


def _width(kind: Any) -> int:
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _width(kind.value_type)
    if pa.types.is_struct(kind):
        return sum(_width(kind.field(i).type) for i in range(kind.num_fields))
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return 24


def sort_chunk(sorting: Sorting, chunk: Chunk) -> dict[str, Any]:
    """Read a chunk and write its runs; a `Tally` as plain data. Doing it again gives the same."""
    tally = Tally(part_rows=[0] * len(chunk.parts))
    rejects: list[pa.Table] = []
    for number, pieces in enumerate(_run_sized(chunk)):
        path = Path(sorting.folder) / f"run-{chunk.number:06d}-{number:04d}.arrow"
        _sort_run(sorting, pieces, path, tally, rejects)
    if rejects:
        path = Path(sorting.folder) / f"rejects-{chunk.number:06d}.arrow"
        spill_rejects(path, rejects)
        tally.rejects.append(path.name)
    return tally.to_json()


@dataclass(slots=True)
class _Piece:
    """A batch, and where in the input its rows are."""

    part: int
    """its number in the chunk"""
    first_row: int
    batch: pa.RecordBatch | None
    global_part: int
    rows: int


def _run_sized(chunk: Chunk) -> Iterator[list[_Piece]]:
    """The chunk's batches, gathered to a run's worth."""
    pieces: list[_Piece] = []
    rows = size = 0
    row_bytes = row_bytes_of(chunk.parts[0].schema)
    most = rows_of_a_run(row_bytes)
    for number, part in enumerate(chunk.parts):
        row = 0
        for batch in part.batches(most):
            if pieces and (rows + batch.num_rows > most or size > RUN_BYTES):
                yield pieces
                pieces, rows, size = [], 0, 0
            pieces.append(_Piece(number, row, batch, chunk.first_part + number, batch.num_rows))
            row += batch.num_rows
            rows += batch.num_rows
            size += batch.nbytes
    if pieces:
        yield pieces


def _sort_run(
    sorting: Sorting, pieces: list[_Piece], path: Path, tally: Tally, rejects: list[pa.Table]
) -> None:
    table = pa.Table.from_batches([piece.batch for piece in pieces])
    for piece in pieces:
        tally.part_rows[piece.part] += piece.rows
        piece.batch = None  # the table holds it: nothing else should, once it is cleaned
    tally.rows_in += table.num_rows
    done = sorting.work.cleaned(table)
    del table
    _count(tally, done)
    origin = _origin(pieces) if sorting.traced or done.rejects is not None else None
    if done.rejects is not None and origin is not None:
        rejects.append(_with_origin(done.rejects, *origin))
    if not done.table.num_rows:
        return
    rows = done.table
    if sorting.traced and origin is not None:
        rows = _traced(rows, done.kept, origin)
    done.table = None
    pixels = rows.column(SPATIAL).to_numpy()
    order = sky_order(pixels, rows.column(sorting.id) if sorting.id else None)
    columns, schema = list(rows.columns), rows.schema
    del rows
    rows = taken(columns, order, schema)
    tally.bytes += rows.nbytes
    write_run(path, rows, count_order=sorting.work.count_order, durable=sorting.durable)
    tally.runs.append(path.name)


def taken(columns: list[Any], order: NDArray[np.int64], schema: pa.Schema) -> pa.Table:
    """The columns in another order of rows; `columns` is emptied, so that memory is given back."""
    import pyarrow.compute as pc

    narrow = len(order) < 1 << 31
    rows = pa.array(order.astype(np.uint32) if narrow else order)
    columns.reverse()
    out = []
    while columns:
        column = columns.pop()
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):  # more text than one array can hold
            out.append(array.take(rows))
        else:
            out.append(pc.take(array, rows, boundscheck=False))
    return pa.table(out, schema=schema)


def _count(tally: Tally, done: Cleaned) -> None:
    tally.stored += done.table.num_rows
    tally.nan += done.nan
    tally.sentinel += done.sentinel
    tally.limits = Limits.around([tally.limits, done.limits])
    if done.rejects is not None:
        tally.rejected += Counter(reasons_counted(done.rejects))


def _origin(pieces: list[_Piece]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part number and row within the part, of each row of a run: (n,) int64 each."""
    part = np.repeat([p.global_part for p in pieces], [p.rows for p in pieces])
    row = [np.arange(p.first_row, p.first_row + p.rows) for p in pieces]
    return part.astype(np.int64), np.concatenate(row).astype(np.int64)


def _with_origin(rejects: pa.Table, part: NDArray[np.int64], row: NDArray[np.int64]) -> pa.Table:
    at = rejects.column(ROW).to_numpy()
    plain = rejects.drop_columns([ROW, REASON])
    plain = plain.append_column(PART, pa.array(part[at])).append_column(ROW, pa.array(row[at]))
    return plain.append_column(REASON, rejects.column(REASON))


def _traced(
    table: pa.Table, kept: Any, origin: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> pa.Table:
    part, row = (each if kept is None else each[kept] for each in origin)
    return table.append_column(PART, pa.array(part)).append_column(ROW, pa.array(row))


__all__ = ["COUNT_ORDER", "Chunk", "Preparing", "Sorting", "Tally", "chunks_of", "sort_chunk"]
