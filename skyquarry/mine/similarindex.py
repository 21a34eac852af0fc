"""Containers in colour space: a k-d partition of a catalogue's rows, a Parquet row group a cell.

Each cell is told with the bounds of its rows, so that a search reads those alone that can hold an
answer (Szalay et al. 2000, section 5; Bentley 1975, CACM 18, 509).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.files import path_here
from skyquarry.engine import given
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.engine.sampling import scrambled
from skyquarry.engine.scan import Scan
from skyquarry.errors import ExistsError, NotFoundError, UserError
from skyquarry.mine.exchange import Exchange
from skyquarry.mine.likeness import Likeness
from skyquarry.mine.sought import PLACE, named, names_of, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece
    from skyquarry.mine.sought import Sought

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CELL_ROWS = 8_192
_SAMPLE = 65_536
_PARTITIONS = 256
_CELL = "_cell"
_ROWS, _TOLD = "cells.parquet", "index.json"


@dataclass(frozen=True, slots=True)
class Splits:
    """A k-d tree as a heap: which number each node divides by, and where."""

    axis: Ints
    cut: Floats

    @classmethod
    def of(cls, sample: Floats, depth: int) -> Splits:
        """Halves of a sample (n, d), each time across its widest number."""
        axis, cut = np.zeros(2**depth - 1, np.int64), np.zeros(2**depth - 1)
        parts = {0: sample}
        for node in range(2**depth - 1):
            rows = parts.pop(node)
            if len(rows):
                low, high = np.quantile(rows, [0.05, 0.95], axis=0)
                axis[node] = int(np.argmax(high - low))
                cut[node] = float(np.median(rows[:, axis[node]]))
            beyond = rows[:, axis[node]] >= cut[node]
            parts[2 * node + 1], parts[2 * node + 2] = rows[~beyond], rows[beyond]
        return cls(axis, cut)

    def cells(self, values: Floats) -> Ints:
        """(n,) the leaf of each row."""
        node, row = np.zeros(len(values), np.int64), np.arange(len(values))
        while len(self.axis) and node.size and node[0] < len(self.axis):
            node = 2 * node + 1 + (values[row, self.axis[node]] >= self.cut[node])
        return node - len(self.axis)


def similar_index(
    catalog: CatalogLike,
    in_: Sequence[str],
    path: str | os.PathLike[str],
    *,
    errors: Mapping[str, str] | bool | None = None,
    cell_rows: int = CELL_ROWS,
    overwrite: bool = False,
    executor: Where = None,
) -> Path:
    """An index for `similar`, written at `path`: rows by cells in colour space, with bounds.

    It holds the numbers, their errors, id and position of every row of the whole catalogue that has
    them; a search then reads the few cells that can hold an answer. `in_` and `errors` as `similar`
    takes them. Rows are sorted out on disk: memory does not grow with the catalogue.

    Raises ExistsError, ColumnError, UserError for a catalogue that is cut.

    >>> similar_index(sky["sdss"], ["u - g", "g - r"], "sdss-colours")  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    if not catalog.cut.rows_uncut:
        raise UserError(f"{catalog.name} is cut, but an index is of all rows: give it whole")
    cell_rows = int(given.at_least(cell_rows, "cell_rows", CELL_ROWS, least=1))
    target = _target(path, overwrite=overwrite)
    likeness = Likeness.of(catalog, in_, errors=errors)
    names = names_of(catalog)
    columns = tuple(dict.fromkeys([*names, *likeness.columns]))
    scan = Scan(catalog.source, catalog.cut.only(columns=columns))
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    hidden.mkdir(parents=True)
    sorted_rows = tempfile.mkdtemp(dir=hidden)
    try:
        splits = _splits(scan, likeness, cell_rows, executor)
        exchange = Exchange(sorted_rows, min(_PARTITIONS, len(splits.axis) + 1))
        tasks = (
            (piece.tile, sort_out, (scan, piece, likeness, names, splits, exchange))
            for piece in scan.pieces()
        )
        for _ in run_tasks(tasks, executor, memory_bytes=MEMORY_BYTES, weigh=scan.weight):
            pass
        told = _identity(catalog, likeness) | _write(hidden / _ROWS, exchange, likeness, catalog)
        (hidden / _TOLD).write_text(json.dumps(told), encoding="utf-8")
        shutil.rmtree(sorted_rows)
        if target.exists():
            shutil.rmtree(target)
        hidden.rename(target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return target


def _target(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Where the index is to be: on this machine, and another thing is never overwritten."""
    target = path_here(path, "an index")
    index = (target / _TOLD).is_file()
    if not target.exists() or (overwrite and index):
        return target
    raise ExistsError(
        f"{target} exists already, and an index would be written over it: choose another path"
        + (", or say overwrite=True" if index else "")
    )


def _splits(scan: Scan, likeness: Likeness, cell_rows: int, executor: Where) -> Splits:
    n = max(int(scan.source.stored.n_rows), 1)
    depth = max(int(np.ceil(np.log2(n / cell_rows))), 0)
    tasks = ((p.tile, sampled, (scan, p, likeness, _SAMPLE / n)) for p in scan.pieces())
    found = run_tasks(tasks, executor, ordered=True, memory_bytes=MEMORY_BYTES, weigh=scan.weight)
    parts = [values for _, values in found]
    return Splits.of(np.concatenate([np.empty((0, len(likeness.numbers))), *parts]), depth)


def sampled(scan: Scan, piece: Piece, likeness: Likeness, share: float) -> Floats:
    """A task: the numbers of some rows, always the same ones."""
    table = read_rows(scan.reader, piece)
    values, squares = likeness.values(table)
    drawn = scrambled(to_numpy(table[PLACE]).view(np.uint64), 3)
    few = drawn <= np.uint64(min(share, 1.0) * (2**64 - 2049))
    return values[few & np.isfinite(values + squares).all(axis=1)]


def sort_out(
    scan: Scan, piece: Piece, likeness: Likeness, names: tuple[str, str, str], splits: Splits,
    exchange: Exchange,
) -> None:  # fmt: skip
    """A task: rows of a tile into the partitions of their cells."""
    table = read_rows(scan.reader, piece)
    values, squares = likeness.values(table)
    known = np.asarray(np.isfinite(values + squares).all(axis=1))
    values, squares = values[known], squares[known]
    cells = splits.cells(values)
    rows = named(table, names).filter(from_numpy(known)).append_column(_CELL, from_numpy(cells))
    for axis in range(values.shape[1]):
        rows = rows.append_column(f"_x{axis}", from_numpy(values[:, axis].copy()))
        rows = rows.append_column(f"_s{axis}", from_numpy(squares[:, axis].copy()))
    to = cells * exchange.partitions // (len(splits.axis) + 1)
    exchange.put(f"tile{piece.tile:08d}", rows, to)


def _write(path: Path, exchange: Exchange, likeness: Likeness, catalog: Catalog) -> dict[str, Any]:
    """Cells as row groups, and their bounds."""
    kinds = [catalog.source.schema.field(name).type for name in names_of(catalog)]
    told = list(zip(("id", "ra", "dec"), kinds, strict=True))
    told += [(PLACE, pa.int64()), (_CELL, pa.int64())]
    d = len(likeness.numbers)
    told += [(f"_{what}{axis}", pa.float64()) for axis in range(d) for what in "xs"]
    schema = pa.schema(told)
    bounds: dict[str, list[list[float]]] = {"low": [], "high": [], "squares": []}
    with pq.ParquetWriter(path, schema) as writer:
        for partition in range(exchange.partitions):
            rows = exchange.take(partition, schema)
            if not rows.num_rows:
                continue
            rows = rows.sort_by([(_CELL, "ascending"), (PLACE, "ascending")])
            cells = to_numpy(rows[_CELL])
            ends = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
            for first, last in pairwise(ends):
                cell = rows.slice(first, last - first)
                values, squares = _values(cell, d)
                bounds["low"].append(values.min(axis=0).tolist())
                bounds["high"].append(values.max(axis=0).tolist())
                bounds["squares"].append(squares.max(axis=0).tolist())
                writer.write_table(cell, row_group_size=cell.num_rows)
    return bounds


def _values(table: pa.Table, d: int) -> tuple[Floats, Floats]:
    found = (np.stack([to_numpy(table[f"_{what}{a}"]) for a in range(d)], axis=1) for what in "xs")
    values, squares = found
    return values, squares


def _identity(catalog: Catalog, likeness: Likeness) -> dict[str, Any]:
    """What an index was made of: another version, or other numbers, need another one."""
    errors = [[[slope, error.text] for slope, error in each] for each in likeness.errors]
    return {
        "catalog": catalog.name, "version": catalog.version,
        "content": catalog.source.identity,
        "rows": int(catalog.stored.n_rows), "in": [each.text for each in likeness.numbers],
        "errors": errors,
    }  # fmt: skip


class SimilarIndex:
    """An index that is open: bounds in memory, cells read when they are needed."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.folder, self.told = folder, told
        d = len(told["in"])
        shape = (len(told["low"]), d)
        self.low, self.high, self.squares = (
            np.array(told[name], np.float64).reshape(shape) for name in ("low", "high", "squares")
        )
        self.read: set[int] = set()
        """cells that have been read"""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Raises NotFoundError where there is none."""
        folder = Path(path)
        if not (folder / _TOLD).exists():
            raise NotFoundError(
                f"there is no index at {os.fspath(path)!r}: make one by similar_index"
            )
        return cls(folder, json.loads((folder / _TOLD).read_text(encoding="utf-8")))

    def check(self, catalog: Catalog, likeness: Likeness) -> None:
        """Raises UserError where it is of another catalogue, version, or of other numbers."""
        if not catalog.cut.rows_uncut:
            raise UserError(
                f"{catalog.name} is cut, but an index is of all rows: leave index= or the cut out"
            )
        for key, value in _identity(catalog, likeness).items():
            told = self.told.get(key)
            if told != json.loads(json.dumps(value)):
                raise UserError(
                    f"the index at {str(self.folder)!r} has {key} {told!r}, but "
                    f"{value!r} is asked for: make another by similar_index"
                )

    def search(self, sought: Sought) -> Iterator[pa.Table]:
        """What may be among the answers, object by object: cells by how near they can be."""
        with pq.ParquetFile(self.folder / _ROWS) as file:
            for number in range(len(sought.values)):
                yield self._nearest(file, sought, number)

    def _nearest(self, file: pq.ParquetFile, sought: Sought, number: int) -> pa.Table:
        at, own = sought.values[number], sought.squares[number]
        bound = sought.likeness.bounds(self.low, self.high, self.squares, at, own)
        limit = np.inf if sought.radius is None else sought.radius * sought.radius
        found: list[pa.Table] = []
        for cell in np.argsort(bound, kind="stable").tolist():
            if bound[cell] > limit:
                break
            table = file.read_row_group(cell)
            self.read.add(cell)
            values, squares = _values(table, len(at))
            rows = table.select(["id", "ra", "dec", PLACE])
            found.append(sought.nearest(number, rows, values, squares))
            limit = min(limit, _limit(found, sought.k))
        return pa.concat_tables(found) if found else self._empty(file, sought, number)

    def _empty(self, file: pq.ParquetFile, sought: Sought, number: int) -> pa.Table:
        table = file.schema_arrow.empty_table().select(["id", "ra", "dec", PLACE])
        none = np.empty((0, len(self.told["in"])))
        return sought.nearest(number, table, none, none)


def _limit(found: list[pa.Table], k: int | None) -> float:
    """The squared distance beyond which nothing is wanted any more."""
    if k is None or sum(each.num_rows for each in found) < k:
        return np.inf
    every = np.concatenate([to_numpy(each["_d2"]) for each in found])
    return float(np.partition(every, k - 1)[k - 1])
