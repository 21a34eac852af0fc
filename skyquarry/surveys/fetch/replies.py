"""An answer on disk: is it whole, was it cut at a limit, and which of its rows are the cell's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.formats import open_table, write_table
from skyquarry.errors import FormatError, IngestError, NotFoundError
from skyquarry.sky.vectors import to_xyz
from skyquarry.surveys.fetch.patience import Transient
from skyquarry.surveys.fetch.queries import pixel_values
from skyquarry.surveys.fetch.transport import refused, service_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.sky.algebra import Region
    from skyquarry.surveys.fetch.cells import Cell
    from skyquarry.surveys.fetch.head import Head

BATCH_ROWS = 65_536
_ENDS = 1 << 20
_STATUS = re.compile(rb"<(?:\w+:)?INFO\b[^>]*\bQUERY_STATUS\b[^>]*>")
_WHOLE = re.compile(rb"</(?:\w+:)?VOTABLE\s*>\s*\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """A VOTable that a service sent."""

    table: Any
    """An opened `TableFile`."""
    overflow: bool
    """The service says that there are more rows than it sent."""


def opened(path: Path, url: str) -> Answer:
    """The answer in a file. Raises Transient where it is cut, ServiceError where it is an error."""
    head, tail = _ends(path)
    states = _STATUS.findall(head) + _STATUS.findall(tail)
    if any(b"ERROR" in state for state in states):
        message = service_message(head) or service_message(tail) or "no reason"
        raise refused(url, message)
    if not _WHOLE.search(tail):
        raise Transient(f"an answer of {path.stat().st_size:,} bytes breaks off, or is no VOTable")
    try:
        table = open_table(path, format="votable")
    except (IngestError, FormatError, NotFoundError) as fault:
        raise Transient(f"an answer cannot be read: {fault}") from fault
    return Answer(table, any(b"OVERFLOW" in state for state in states))


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(_ENDS)
        size = file.seek(0, 2)
        file.seek(max(0, size - _ENDS))
        return head, file.read()


def number_in(answer: Answer) -> int:
    """The one number of an answer to COUNT(*)."""
    for batch in _batches(answer):
        for value in batch.column(0).to_pylist():
            if isinstance(value, int | float | str) and str(value).strip():
                return int(float(value))
    raise Transient("the answer to COUNT(*) has no number")


@dataclass(slots=True)
class Sieve:
    """The rows of an answer that are the cell's and lie in the region; counts what it sees."""

    head: Head
    cell: Cell
    region: Region
    received: int = 0
    kept: int = 0

    def kept_of(self, answer: Answer) -> Iterator[pa.RecordBatch]:
        """The rows to keep, in the answer's order."""
        for batch in _batches(answer):
            self.received += batch.num_rows
            rows = batch.filter(pa.array(self._wanted(batch)))
            self.kept += rows.num_rows
            yield rows

    def _wanted(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows (n,): half-open by cell, so that each row is wanted by one cell alone."""
        ra, dec = (_degrees(batch, name) for name in (self.head.ra, self.head.dec))
        good = np.isfinite(ra) & (np.abs(dec) <= 90.0)
        found = np.zeros(batch.num_rows, bool)
        ra, dec = ra[good], dec[good]
        if self.head.healpix is None:
            mine = self.cell.owns(ra, dec)
        else:
            values = to_numpy(batch.column(self.head.healpix).cast(pa.int64()))[good]
            first, last = pixel_values(self.head, self.cell)
            mine = (values >= first) & (values <= last)
        found[good] = mine & self.region.contains(to_xyz(ra, dec))
        return found


def _degrees(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    column = batch.column(batch.schema.get_field_index(name)).cast(pa.float64())
    return np.asarray(to_numpy(column.fill_null(float("nan"))), np.float64)


def _batches(answer: Answer) -> Iterator[pa.RecordBatch]:
    try:
        for part in answer.table.parts():
            yield from part.batches(BATCH_ROWS)
    except IngestError as fault:
        raise Transient(f"an answer is damaged: {fault}") from fault


def write_rows(answer: Answer, sieve: Sieve, path: Path) -> None:
    """The cell's rows into a Parquet file, which appears whole."""
    write_table(sieve.kept_of(answer), answer.table.schema, path, "parquet")
