"""Rows whose id stands earlier: found by an external sort of the ids, and set aside where asked.

The first row in storage order is kept. This costs a second reading of the runs, and only where
duplicates are to be rejected: where they are kept, the id index finds them in passing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.catalog.files import Folder
from skyquarry.catalog.index import KeyRuns, build_index
from skyquarry.catalog.tiles import MAX_ORDER
from skyquarry.ingest.reasons import DUPLICATE, REASON, REASONS, ROW
from skyquarry.ingest.rejects import PART
from skyquarry.ingest.spill import SPATIAL, Share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.ingest.spill import Run

TRACES = ((PART, pa.int64()), (ROW, pa.int64()))
"""Columns that runs have beside those stored, where duplicates are to be set aside."""


def traced_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of runs that keep where each row came from."""
    for name, kind in TRACES:
        schema = schema.append(pa.field(name, kind))
    return schema


def find_losers(
    runs: Sequence[Run], schema: pa.Schema, column: str, folder: Path
) -> NDArray[np.int64]:
    """Rows to set aside: (3, n) int64 of pixel, part and row, sorted by pixel.

    Memory holds a run's ids, and the rows whose ids repeat.
    """
    keys = KeyRuns(Folder.at(folder / "keys"))
    for number, run in enumerate(runs):
        keys.add(MAX_ORDER, number, _columns_of(run, schema, [column]).column(column))
    found = build_index(keys, Folder.at(folder), "ids", column)
    if not found.duplicates:
        return np.empty((3, 0), np.int64)
    repeated = pq.read_table(folder / "duplicates.parquet", columns=[column, "Npix"])
    ids = pc.unique(repeated.column(column))
    where = np.unique(repeated.column("Npix").to_numpy())
    names = [column, SPATIAL, PART, ROW]
    tables = []
    for number in where.tolist():
        rows = _columns_of(runs[number], schema, names)
        tables.append(rows.filter(pc.is_in(rows.column(column), value_set=ids)))
    return _all_but_first(pa.concat_tables(tables), column)


def _all_but_first(rows: pa.Table, column: str) -> NDArray[np.int64]:
    order = pc.sort_indices(
        rows, sort_keys=[(name, "ascending") for name in (column, SPATIAL, PART, ROW)]
    )
    rows = rows.take(order).combine_chunks()
    ids = rows.column(column).chunk(0)
    again = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False).astype(np.bool_)
    losers = rows.filter(pa.array(np.append(False, again)))
    found = np.stack([losers.column(name).to_numpy() for name in (SPATIAL, PART, ROW)])
    return found[:, np.lexsort((found[2], found[1], found[0]))]


def _columns_of(run: Run, schema: pa.Schema, names: list[str]) -> pa.Table:
    """Some columns of a whole run, read a batch at a time."""
    pieces = []
    for first, last in pairwise(run.offsets.tolist()):
        for batch in Share(run.path, (first, last), 0, 1 << 62).batches(schema):
            # copies, so that the other columns of the batch can go
            picked = [_copied(batch, name) for name in names]
            pieces.append(pa.RecordBatch.from_arrays(picked, names))
    return pa.Table.from_batches(pieces)


def _copied(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    return pa.concat_arrays([column, column.slice(0, 0)])


@dataclass(frozen=True, slots=True)
class Deduplicating:
    """What is done to a tile: rows that lost are taken out."""

    losers: str
    """file with the (3, n) array of `find_losers`"""
    columns: tuple[str, ...]
    """of the input"""
    schema: pa.Schema
    """of the catalogue"""

    def finished(self, table: pa.Table, order: int, pixel: int) -> tuple[pa.Table, pa.Table | None]:
        """The rows that stay, and those that do not."""
        losers = load_losers(self.losers)
        width = 1 << 2 * (MAX_ORDER - order)
        a, b = np.searchsorted(losers[0], [pixel * width, (pixel + 1) * width]).tolist()
        if a == b:
            return table.select(self.schema.names), None
        lost = np.isin(_packed(table), losers[1, a:b] << 40 | losers[2, a:b])
        rejects = table.filter(pa.array(lost)).select([*self.columns, PART, ROW])
        reasons = pa.array([REASONS[DUPLICATE]] * rejects.num_rows, pa.string())
        kept = table.filter(pa.array(~lost)).select(self.schema.names)
        return kept, rejects.append_column(REASON, reasons)


def _packed(table: pa.Table) -> Any:
    return table.column(PART).to_numpy() << 40 | table.column(ROW).to_numpy()


def save_losers(path: Path, losers: NDArray[np.int64]) -> None:
    """Keep the rows that lost where every worker can read them."""
    with path.open("wb") as file:
        np.save(file, losers, allow_pickle=False)
    load_losers.cache_clear()


@lru_cache(maxsize=2)
def load_losers(path: str) -> NDArray[np.int64]:
    """What `save_losers` kept; one copy a process."""
    found: NDArray[np.int64] = np.load(path, allow_pickle=False)
    return found
