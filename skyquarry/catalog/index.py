"""The id index: which tiles hold an id, as a HATS index catalogue; and which ids repeat.

The runs that `KeyRuns` wrote are merged one range of keys at a time, so memory holds one range,
whatever the catalogue. Where ids should be unique, those that repeat are found in the same pass,
and listed in `duplicates.parquet` beside the primary.
"""

from __future__ import annotations

import hashlib
import itertools
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.catalog.properties import CATALOG_FILES, dump
from skyquarry.catalog.runs import KeyRuns, Run
from skyquarry.catalog.tree import provenance, schema_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder

__all__ = ["IdIndex", "KeyRuns", "build_index"]

RANGE_ROWS = 1 << 20
"""rows of a range of keys: what memory holds at a time"""
RANGES_A_PART = 4
ROW_GROUP_ROWS = 16_384
DUPLICATES = "duplicates.parquet"
_SHOWN = 1_000


@dataclass(slots=True)
class IdIndex:
    """What the pass over the ids found, and the files of the index."""

    name: str
    """folder of the index in its version"""
    column: str
    rows: int = 0
    """rows that have an id"""
    entries: int = 0
    """rows of the index: an id once for each tile that holds it"""
    missing: int = 0
    """rows without an id, which the index cannot find"""
    duplicates: int = 0
    """how many ids stand in more than one row"""
    surplus: int = 0
    """rows that would go if every id were kept once"""
    repeated: list[Any] = field(default_factory=list)
    """the lowest thousand ids that repeat; all are in `duplicates.parquet`"""
    files: dict[str, str] = field(default_factory=dict)
    """path below the index's folder -> SHA-256"""


def build_index(
    runs: KeyRuns,
    home: Folder,
    name: str,
    column: str,
    *,
    unique: bool = True,
    range_rows: int = RANGE_ROWS,
) -> IdIndex:
    """Merge the runs to the index `NAME_column` of the version at `home`.

    `home/duplicates.parquet` appears where ids repeat that should not: `column`, Norder, Npix, one
    row for each.

    Parameters
    ----------
    name
        Of the primary, which lies beside the index.
    unique
        Whether an id should stand in one row. If not, as the star of a measurement, repeats are no
        duplicates, and are neither counted nor listed.
    range_rows
        About how many rows are in memory at a time.
    """
    sources = runs.runs()
    kind = _kind_of(sources)
    found = IdIndex(f"{name}_{column}", column, missing=sum(run.missing for run in sources))
    writer = _IndexFiles(home.join(found.name), _schema(column, kind), found)
    with ExitStack() as stack:
        repeats = _Duplicates(home, writer.schema, found, stack)
        for keys, run_number in _ranges(sources, range_rows):
            table = _entries(keys, run_number, sources, writer.schema)
            found.rows += len(table)
            starts = _starts(keys)
            if unique:
                repeats.add(table, starts)
            writer.add(table.filter(pa.array(starts | _starts(run_number))))
    writer.close(name)
    return found


def _kind_of(sources: Sequence[Run]) -> pa.DataType:
    if not sources:
        return pa.int64()
    keys = sources[0].keys
    return pa.from_numpy_dtype(keys.dtype) if isinstance(keys, np.ndarray) else keys.type


def _schema(column: str, kind: pa.DataType) -> pa.Schema:
    return pa.schema([(column, kind), ("Norder", pa.uint8()), ("Npix", pa.uint64())])


def _ranges(sources: Sequence[Run], range_rows: int) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """(keys ascending, number of the run of each) for range after range, ties by tile."""
    filled = [run for run in sources if len(run)]
    if not filled:
        return
    numbers = np.flatnonzero([len(run) for run in sources])
    before = [0] * len(filled)
    for upper in [*_splitters(filled, range_rows), None]:
        after = [len(run) if upper is None else run.below(upper) for run in filled]
        pieces = [run.keys[a:b] for run, a, b in zip(filled, before, after, strict=True)]
        run_number = np.repeat(numbers, np.subtract(after, before))
        if len(run_number):
            yield _merged(pieces, run_number)
        before = after


def _splitters(filled: Sequence[Run], range_rows: int) -> list[Any]:
    """Keys at which one range ends and the next begins: quantiles of a sample of all runs."""
    step = int(np.clip(range_rows // len(filled), 1, max(1, range_rows // 8)))
    weighted = sorted((key, min(step, len(run))) for run in filled for key in run.sampled(step))
    found: list[Any] = []
    held = 0
    for key, weight in weighted:
        if held + weight > range_rows and (not found or key > found[-1]):
            found.append(key)
            held = 0
        held += weight
    return found


def _merged(pieces: list[Any], run_number: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64]]:
    """The pieces of many runs in one sequence, by key, then by run."""
    if isinstance(pieces[0], np.ndarray):
        keys = np.concatenate(pieces)
        return _sorted_numbers(keys, run_number)
    text = pa.concat_arrays(pieces)
    table = pa.table({"key": text, "run": run_number})
    table = table.sort_by([("key", "ascending"), ("run", "ascending")]).combine_chunks()
    return table["key"].chunk(0), table["run"].to_numpy()


def _sorted_numbers(
    keys: NDArray[Any], run_number: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Key and run packed into one word, where they fit: sorting words is seven times faster."""
    lowest = int(keys.min())
    run_bits = int(run_number.max()).bit_length()
    if (int(keys.max()) - lowest).bit_length() + run_bits > 64:
        sequence = np.argsort(keys, kind="stable")
        return keys[sequence], run_number[sequence]
    offset = (
        keys.astype(np.uint64) if keys.dtype.kind == "u" else keys.astype(np.int64).view(np.uint64)
    )
    offset = offset - np.uint64(lowest % (1 << 64))
    words = offset << np.uint64(run_bits) | run_number.astype(np.uint64)
    words.sort()
    values = (words >> np.uint64(run_bits)) + np.uint64(lowest % (1 << 64))
    back = values if keys.dtype.kind == "u" else values.view(np.int64)
    return back.astype(keys.dtype), (words & np.uint64((1 << run_bits) - 1)).astype(np.int64)


def _starts(values: Any) -> NDArray[np.bool_]:
    """Where a value differs from the one before: (n,) bool, the first always."""
    if isinstance(values, np.ndarray):
        return np.append(True, values[1:] != values[:-1])
    differs = pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    return np.append(True, differs.astype(np.bool_))


def _entries(
    keys: Any, run_number: NDArray[np.int64], sources: Sequence[Run], schema: pa.Schema
) -> pa.Table:
    order = np.array([run.order for run in sources], np.uint8)[run_number]
    pixel = np.array([run.pixel for run in sources], np.uint64)[run_number]
    return pa.table([pa.array(keys, schema.field(0).type), order, pixel], schema=schema)


class _Duplicates:
    """The list of ids that repeat, written as it grows; no file where none does."""

    def __init__(self, home: Folder, schema: pa.Schema, found: IdIndex, stack: ExitStack) -> None:
        self.home, self.schema, self.found, self.stack = home, schema, found, stack
        self._parquet: pq.ParquetWriter | None = None

    def add(self, table: pa.Table, starts: NDArray[np.bool_]) -> None:
        """Look at one range: a key never lies in two."""
        first = np.flatnonzero(starts)
        count = np.diff(first, append=len(starts))
        repeated = first[count > 1]
        if not len(repeated):
            return
        self.found.duplicates += len(repeated)
        self.found.surplus += int((count[count > 1] - 1).sum())
        room = _SHOWN - len(self.found.repeated)
        self.found.repeated += table.column(0).take(pa.array(repeated[:room])).to_pylist()
        self._write(table.filter(pa.array(np.repeat(count > 1, count))))

    def _write(self, table: pa.Table) -> None:
        if self._parquet is None:
            file = self.stack.enter_context(self.home.writer(DUPLICATES, durable=False))
            parquet = pq.ParquetWriter(file, self.schema, compression="zstd")
            self._parquet = self.stack.enter_context(parquet)
        self._parquet.write_table(table)


class _IndexFiles:
    """The part files and small files of an index catalogue."""

    def __init__(self, folder: Folder, schema: pa.Schema, found: IdIndex) -> None:
        self.folder, self.schema, self.found = folder, schema, found
        self._held: list[pa.Table] = []
        self._footers: list[pq.FileMetaData] = []
        self._numbers = itertools.count()

    def add(self, table: pa.Table) -> None:
        """Take the entries of a range; write a part when enough ranges are held."""
        self.found.entries += len(table)
        self._held.append(table)
        if len(self._held) >= RANGES_A_PART:
            self._write_part()

    def close(self, primary: str) -> None:
        """Write the last part, the merged footers and the properties."""
        if self._held:
            self._write_part()
        self._put("dataset/_common_metadata", schema_file(self.schema))
        self._put("dataset/_metadata", self._merged())
        properties = {
            "obs_collection": self.found.name,
            "dataproduct_type": "index",
            "hats_primary_table_url": f"../{primary}",
            "hats_index_column": self.found.column,
            "hats_nrows": self.found.entries,
            **provenance(),
        }
        for file in CATALOG_FILES:
            self._put(file, dump(properties).encode())

    def _write_part(self) -> None:
        rel = f"dataset/index/part.{next(self._numbers)}.parquet"
        sink = pa.BufferOutputStream()
        numeric = pa.types.is_integer(self.schema.field(0).type)
        key = self.schema.field(0).name
        with pq.ParquetWriter(
            sink,
            self.schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=["Norder", "Npix"],
            column_encoding={key: "DELTA_BINARY_PACKED" if numeric else "DELTA_BYTE_ARRAY"},
            write_page_index=True,
            sorting_columns=[pq.SortingColumn(0)],
            metadata_collector=self._footers,
        ) as parquet:
            parquet.write_table(pa.concat_tables(self._held), row_group_size=ROW_GROUP_ROWS)
        self._footers[-1].set_file_path(rel.removeprefix("dataset/"))
        self._held = []
        self._put(rel, sink.getvalue())

    def _put(self, rel: str, data: Any) -> None:
        self.folder.write_atomic(rel, bytes(data), durable=False)
        self.found.files[rel] = hashlib.sha256(data).hexdigest()

    def _merged(self) -> bytes:
        if not self._footers:
            return schema_file(self.schema)
        merged, *others = self._footers
        for footer in others:
            merged.append_row_groups(footer)
        sink = pa.BufferOutputStream()
        merged.write_metadata_file(sink)
        return bytes(sink.getvalue())
