"""Sorting a river: tasks sort their own rows onto disk, partitions merge a range of keys each."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.run import Instead
from skyquarry.mine.flows import PARTITION_BYTES, Flow
from skyquarry.mine.steps import Poured, poured_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skyquarry.engine.run import Task
    from skyquarry.mine.flows import Running

Order = Literal["ascending", "descending"]
PLACE = "_place"
_SAMPLES = 64
"""keys of each run by which the partitions are divided"""
_BATCH = 65_536


@dataclass(frozen=True, slots=True)
class Key:
    """The values that one row is sorted by: NaN behind all numbers, null behind NaN."""

    values: tuple[Any, ...]
    down: tuple[bool, ...]

    def __lt__(self, other: Self) -> bool:
        for a, b, down in zip(self.values, other.values, self.down, strict=True):
            ours, theirs = _missing(a), _missing(b)
            if ours or theirs:
                if ours != theirs:
                    return ours < theirs
            elif a != b:
                return bool(a > b) if down else bool(a < b)
        return False


def _missing(value: Any) -> int:
    if value is None:
        return 2
    return int(isinstance(value, float) and value != value)  # noqa: PLR0124  NaN


@dataclass(frozen=True)
class Sorted:
    """A river in the order of some columns; rows that are equal in them stay as they came."""

    of: Flow
    by: tuple[tuple[str, Order], ...]

    @property
    def schema(self) -> pa.Schema:
        """As it was."""
        return self.of.schema

    @property
    def size(self) -> int:
        """As it was."""
        return self.of.size

    def tasks(self, running: Running) -> Iterator[Task]:
        """One a range of keys, when all rows are in sorted runs."""
        folder = running.folder()
        runs = self._runs(self.of.tasks(running), str(folder))
        for _ in running.round(self.of, runs):
            pass
        paths = sorted(str(path) for path in folder.glob("*.arrow"))
        ends = [None, *self._borders(paths), None]
        for number, (low, high) in enumerate(pairwise(ends)):
            yield number, merged, (paths, self._order, low, high, self.schema)

    def _runs(self, tasks: Iterator[Task], folder: str) -> Iterator[Task]:
        for number, (key, function, args) in enumerate(tasks):
            yield key, sorted_run, (function, args, self._order, self.schema, folder, number)

    @property
    def _order(self) -> tuple[tuple[str, Order], ...]:
        return (*self.by, (PLACE, "ascending"))

    def _borders(self, paths: list[str]) -> list[Key]:
        """Keys between partitions that have about as many bytes each."""
        total = sum(Path(path).stat().st_size for path in paths)
        samples: list[tuple[Key, int]] = []
        for path in paths:
            with _opened(path) as run:
                n = run.num_rows
                step = max(n // _SAMPLES, 1)
                samples += [(_key(run, self._order, row), min(step, n - row))
                            for row in range(0, n, step)]  # fmt: skip
        parts = total // PARTITION_BYTES + 1
        samples.sort(key=lambda each: each[0])
        share, filled = sum(n for _, n in samples) / parts, 0
        borders: list[Key] = []
        for key, n in samples:
            if filled >= share * (len(borders) + 1):
                borders.append(key)
            filled += n
        return borders

    def weight(self, key: Any) -> int:
        """A partition, as it is read and as it is sorted."""
        del key
        return 2 * PARTITION_BYTES

    def lines(self) -> list[str]:
        """The order, and what comes in."""
        told = ", ".join(f"{name} {way}" for name, way in self.by)
        below = (f"  {line}" for line in self.of.lines())
        return [f"sort by {told}: blocked until all rows are in sorted runs", *below]


def sorted_run(
    function: Callable[..., Any], args: Any, by: Any, schema: pa.Schema, folder: str, number: int,
    part: int = 0,
) -> Poured | Instead:  # fmt: skip
    """The task of the first round: what another gives, sorted, in a file of its own."""
    value = function(*args)
    if isinstance(value, Instead):
        each = enumerate(value.arguments)
        return Instead(tuple((function, some, by, schema, folder, number, i) for i, some in each))
    poured = poured_of(value)
    rows = poured.table.select(schema.names).cast(schema)
    place = from_numpy((number << 40) + (part << 28) + np.arange(rows.num_rows))
    ordered = _ordered(rows.append_column(PLACE, place), by)
    path = Path(folder) / f"{number:08d}.{part:04d}.arrow"
    hidden = path.with_suffix(".part")
    with pa.OSFile(str(hidden), "wb") as file, pa.ipc.new_file(file, ordered.schema) as writer:
        writer.write_table(ordered, max_chunksize=_BATCH)
    hidden.replace(path)
    return Poured(poured.table.slice(0, 0), poured.tees)


def merged(
    paths: list[str], by: Any, low: Key | None, high: Key | None, schema: pa.Schema
) -> pa.Table:
    """The task of the second round: all rows from one key to the next."""
    parts = [schema.append(pa.field(PLACE, pa.int64())).empty_table()]
    for path in paths:
        with _opened(path) as run:
            first = 0 if low is None else _place(run, by, low)
            last = run.num_rows if high is None else _place(run, by, high)
            parts.append(run.slice(first, last - first))
    return _ordered(pa.concat_tables(parts), by).select(schema.names)


def _ordered(table: pa.Table, by: Any) -> pa.Table:
    return table.combine_chunks().take(pc.sort_indices(table, sort_keys=list(by)))


def _place(run: pa.Table, by: Any, key: Key) -> int:
    """The first row of a sorted run that is not before a key."""
    return bisect_left(range(run.num_rows), key, key=lambda row: _key(run, by, row))


def _key(run: pa.Table, by: Any, row: int) -> Key:
    values = tuple(run.column(name)[row].as_py() for name, _ in by)
    return Key(values, tuple(way == "descending" for _, way in by))


class _opened:  # noqa: N801  a function, as open is
    """A run as a table over the file: pages are read where they are looked at."""

    def __init__(self, path: str) -> None:
        self.file = pa.memory_map(path)

    def __enter__(self) -> pa.Table:
        return pa.ipc.open_file(self.file).read_all()

    def __exit__(self, *_: object) -> None:
        self.file.close()
