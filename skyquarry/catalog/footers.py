"""Parquet footers and open files, kept within bounds, shared by every reader of this process.

A footer is parsed once; what a search needs of it (rows of each row group, lowest and highest value
of a column) becomes arrays once, so that a search runs over no Python list. A file is known by
path and mark (`filemark`): one that is written anew is read anew.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.filemark import Mark, mark_of
from skyquarry.errors import DamagedError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder

FOOTER_BYTES = 256 << 20
OPEN_FILES = 96

Key = tuple[str, Mark]
"""Path and mark, which is zeros for a remote file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Lowest and highest value of one column in each row group, (g,) arrays."""

    low: NDArray[Any]
    high: NDArray[Any]
    known: NDArray[np.bool_]
    """Where the file says both; elsewhere `low` and `high` mean nothing."""
    nulls: NDArray[np.int64]
    """Count of nulls, -1 where the file does not say it."""


@dataclass(slots=True)
class Footer:
    """What the end of a Parquet file says, as arrays over its `g` row groups."""

    path: str
    metadata: Any
    schema: pa.Schema
    leaves: dict[str, list[int]]
    """Column -> numbers of its primitive columns in the file."""
    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]
    """Compressed bytes of each row group."""
    nbytes: int
    """Estimate of what this footer takes in memory."""
    agreed: tuple[pa.Schema, frozenset[str]] | None = None
    """The schema that the file was compared with, and the columns that need a cast for it."""
    _limits: dict[str, Limits] = field(default_factory=dict)

    def limits(self, column: str) -> Limits:
        """Lowest and highest values of a column by row group, gathered on first use."""
        if column not in self._limits:
            self._limits[column] = _limits(self, column)
        return self._limits[column]


class FooterCache:
    """Footers by file, the least recently used dropped where their bytes exceed the bound."""

    def __init__(self, max_bytes: int = FOOTER_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Footer] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Bytes that the kept footers take, by estimate."""
        return self._bytes

    def get(self, key: Key) -> Footer | None:
        """The footer of a file, if it is kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, footer: Footer) -> None:
        """Keep a footer, and drop old ones until the bound holds."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = footer
                self._bytes += footer.nbytes
            while self._bytes > self.max_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


class OpenFiles:
    """Open Parquet readers that wait for work; a reader serves one thread at a time."""

    def __init__(self, max_files: int = OPEN_FILES) -> None:
        self.max_files = max_files
        self._lock = threading.Lock()
        self._idle: OrderedDict[Key, list[Any]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, key: Key) -> Any | None:
        """An idle reader of the file, now the caller's own; None where there is none."""
        with self._lock:
            waiting = self._idle.get(key)
            if not waiting:
                return None
            self._count -= 1
            reader = waiting.pop()
            if not waiting:
                del self._idle[key]
            return reader

    def give(self, key: Key, reader: Any) -> None:
        """Let a reader wait for more work; the longest idle one is closed beyond the bound."""
        with self._lock:
            self._idle.setdefault(key, []).append(reader)
            self._idle.move_to_end(key)
            self._count += 1
            dropped = self._drop() if self._count > self.max_files else None
        if dropped is not None:
            dropped.close()

    def clear(self) -> None:
        """Close all that are idle."""
        with self._lock:
            self._idle.clear()
            self._count = 0

    def _drop(self) -> Any:
        key, waiting = next(iter(self._idle.items()))
        reader = waiting.pop(0)
        if not waiting:
            del self._idle[key]
        self._count -= 1
        return reader


FOOTERS = FooterCache()
FILES = OpenFiles()


def key_of(folder: Folder, rel: str) -> Key:
    """What tells this file from others and from an older one of the same name."""
    path = folder.path(rel)
    if not folder.local:
        return path, (0, 0, 0, 0)
    try:
        return path, mark_of(path)
    except OSError as error:
        raise unreadable(path, error) from error


def footer_of(folder: Folder, rel: str) -> tuple[Key, Footer]:
    """The footer of a Parquet file, parsed or kept from before.

    Raises
    ------
    DamagedError
        Naming the file, where it is missing, cut off or not Parquet.
    """
    key = key_of(folder, rel)
    found = FOOTERS.get(key)
    if found is None:
        reader = open_reader(folder, rel)
        found = _parse(key[0], reader)
        FOOTERS.put(key, found)
        FILES.give(key, reader)
    return key, found


def open_reader(folder: Folder, rel: str, metadata: Any = None) -> Any:
    """A `pyarrow.parquet.ParquetFile` over the file, without read-ahead where it is local."""
    path = folder.path(rel)
    try:
        if folder.local:
            return pq.ParquetFile(pa.OSFile(path), metadata=metadata, pre_buffer=False)
        source = pa.PythonFile(folder.open(rel), mode="r")
        return pq.ParquetFile(source, metadata=metadata, pre_buffer=True)
    except (pa.ArrowException, OSError, NotFoundError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> DamagedError | StorageError:
    """The error of a file of a catalogue that cannot be read; damage and the machine differ."""
    if isinstance(error, (FileNotFoundError, NotFoundError)):
        return DamagedError(
            f"{path} is missing, but the catalogue lists it; "
            "restore the file, or build the catalogue again"
        )
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        return StorageError(f"{path} could not be read: {error.strerror}; check disk and access")
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DamagedError(
        f"{path} is cut off or not a Parquet file ({text}); "
        "restore the file, or build the catalogue again"
    )


def _parse(path: str, reader: Any) -> Footer:
    """The arrays of a footer."""
    metadata = reader.metadata
    schema = reader.schema_arrow
    groups = range(metadata.num_row_groups)
    rows = np.fromiter((metadata.row_group(i).num_rows for i in groups), np.int64)
    sizes = np.fromiter((_compressed(metadata.row_group(i)) for i in groups), np.int64)
    # In memory a footer takes eight times its bytes on disk (pyarrow 26: 60 groups of 20 columns,
    # 134 kB there, 1.06 MB here).
    nbytes = 8 * metadata.serialized_size + 64 * len(rows) + 4096
    return Footer(path, metadata, schema, _leaves(schema), rows, sizes, nbytes)


def _compressed(group: Any) -> int:
    return sum(group.column(j).total_compressed_size for j in range(group.num_columns))


def _leaves(schema: pa.Schema) -> dict[str, list[int]]:
    """Column -> its primitive columns, counted through the types: a name may hold a dot."""
    found: dict[str, list[int]] = {}
    at = 0
    for column in schema:
        count = _count_leaves(column.type)
        found[column.name] = list(range(at, at + count))
        at += count
    return found


def _count_leaves(kind: Any) -> int:
    inner = list(_children(kind))
    return sum(_count_leaves(child) for child in inner) if inner else 1


def _children(kind: Any) -> Iterator[Any]:
    if pa.types.is_struct(kind):
        yield from (kind.field(i).type for i in range(kind.num_fields))
    elif pa.types.is_map(kind):
        yield from (kind.key_type, kind.item_type)
    elif pa.types.is_nested(kind):
        yield kind.value_type


def _limits(footer: Footer, column: str) -> Limits:
    """One pass over the statistics of one column; done once a file and column."""
    groups = footer.metadata.num_row_groups
    leaf = footer.leaves.get(column, [])
    low: list[Any] = [None] * groups
    high: list[Any] = [None] * groups
    nulls = np.full(groups, -1, np.int64)
    if len(leaf) == 1:
        for i in range(groups):
            told = footer.metadata.row_group(i).column(leaf[0]).statistics
            if told is None:
                continue
            if told.has_null_count:
                nulls[i] = told.null_count
            low[i], high[i] = extremes(told)
    known = np.array([_usable(a) and _usable(b) for a, b in zip(low, high, strict=True)], bool)
    return Limits(_packed(low, known), _packed(high, known), known, nulls)


def extremes(told: Any) -> tuple[Any, Any]:
    """(lowest, highest) by the statistics of a column's chunk; Nones where these do not say.

    pyarrow hands half floats out as their two bytes, which are made numbers here.
    """
    if told is None or not told.has_min_max:
        return None, None
    low, high = told.min, told.max
    if isinstance(low, bytes) and len(low) == 2 and str(told.logical_type) == "Float16":
        low, high = np.frombuffer(low + high, "<f2").tolist()
    return low, high


def _usable(value: Any) -> bool:
    """Whether a statistic says something: some writers put NaN there."""
    return value is not None and not (isinstance(value, float) and value != value)  # noqa: PLR0124


def _packed(values: list[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Numbers as one numpy array (filled with 0 where unknown), other types as objects."""
    present = [v for v, good in zip(values, known.tolist(), strict=True) if good]
    if all(type(v) is int for v in present):
        kind: Any = np.int64 if all(-(2**63) <= v < 2**63 for v in present) else object
    elif all(type(v) is float for v in present):
        kind = np.float64
    else:
        kind = object
    out = np.zeros(len(values), kind)
    out[known] = np.array(present, kind) if present else 0
    return out


def _forget_after_fork() -> None:
    """A child starts with its own caches: locks and remote connections do not cross a fork."""
    FOOTERS.__init__(FOOTERS.max_bytes)  # type: ignore[misc]
    FILES.__init__(FILES.max_files)  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
