"""Sorted runs of keys, one a tile, on disk: the first half of an external sort.

A run is written while its tile is in memory and read through a memory map, a slice at a time.
Numbers are kept as a `.npy` file, text as an Arrow file.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.tiles import MAX_ORDER
from skyquarry.errors import ColumnError, DamagedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder

_RUN = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(npy|arrow)")


@dataclass(frozen=True, slots=True)
class Run:
    """The sorted keys of one tile; rows without a key are counted, not kept."""

    order: int
    pixel: int
    missing: int
    keys: Any
    """(n,) ascending: a memory-mapped array of numbers, or an Arrow array of text"""

    def __len__(self) -> int:
        return len(self.keys)

    def below(self, key: Any) -> int:
        """How many keys are lower than `key`."""
        if isinstance(self.keys, np.ndarray):
            return int(np.searchsorted(self.keys, self.keys.dtype.type(key)))
        low, high = 0, len(self.keys)
        while low < high:
            middle = (low + high) // 2
            if self.keys[middle].as_py() < key:
                low = middle + 1
            else:
                high = middle
        return low

    def sampled(self, step: int) -> list[Any]:
        """Every `step`th key, from the middle of the first step on, and at least one."""
        places = range(min(step // 2, len(self) - 1), len(self), step) if len(self) else range(0)
        if isinstance(self.keys, np.ndarray):
            found: list[Any] = self.keys[list(places)].tolist()
            return found
        return [self.keys[place].as_py() for place in places]


class KeyRuns:
    """The runs of a catalogue's tiles in a folder of this machine.

    `add` may be called from many threads. A run appears by rename, so one that is there is whole
    and is kept: a build that was killed goes on with it.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def add(self, order: int, pixel: int, keys: Any) -> None:
        """Write the sorted keys of a tile: an Arrow column of integers or text, or a numpy array.

        Raises
        ------
        ColumnError
            When the keys are neither integers nor text.
        """
        column = _one_array(keys)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        missing = column.null_count
        name = f"{order}.{pixel}.{missing}"
        if pa.types.is_integer(column.type):
            values = column.drop_null().to_numpy(zero_copy_only=False)
            self._write(f"{name}.npy", _npy(np.sort(values)))
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self._write(f"{name}.arrow", _arrow(_sorted_texts(column.drop_null())))
        else:
            raise ColumnError(
                f"the id column is {column.type}, but ids are integers or text: name another "
                "column as id, or build without one"
            )

    def runs(self) -> list[Run]:
        """Every run, in the order of its tile along the curve.

        Raises
        ------
        DamagedError
            When the runs hold keys of several types.
        """
        found = [self._open(name) for name in self.folder.list() if not name.startswith(".")]
        kinds = {str(run.keys.dtype if _numeric(run) else "text") for run in found}
        if len(kinds) > 1:
            raise DamagedError(
                f"{self.folder.root}: the ids of the tiles are {' and '.join(sorted(kinds))}, but "
                "one type is needed: remove the folder and build again"
            )
        return sorted(found, key=lambda run: run.pixel << 2 * (MAX_ORDER - run.order))

    def _write(self, name: str, data: bytes | memoryview) -> None:
        if not self.folder.exists(name):
            self.folder.write_atomic(name, bytes(data), durable=False)

    def _open(self, name: str) -> Run:
        parts = _RUN.fullmatch(name)
        path = self.folder.path(name)
        if parts is None:
            raise DamagedError(f"{path} is not a run of ids: remove it and build again")
        order, pixel, missing = (int(part) for part in parts.groups()[:3])
        if parts[4] == "npy":
            keys: Any = _mapped(path)
        else:
            table = pa.ipc.open_file(pa.memory_map(path)).read_all()
            keys = _one_array(table.column(0))
        return Run(order, pixel, missing, keys)


def _mapped(path: str) -> Any:
    """A memory map of the numbers; what is empty cannot be mapped."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return np.load(path, allow_pickle=False)


def _numeric(run: Run) -> bool:
    return isinstance(run.keys, np.ndarray)


def _one_array(keys: Any) -> pa.Array:
    if isinstance(keys, pa.ChunkedArray):
        # An empty column has no chunk; text may need more than one where offsets have 32 bits.
        return (
            keys.chunk(0)
            if keys.num_chunks == 1
            else pa.concat_arrays(keys.chunks or [_none(keys)])
        )
    return keys if isinstance(keys, pa.Array) else pa.array(keys)


def _none(keys: pa.ChunkedArray) -> pa.Array:
    return pa.array([], keys.type)


def _sorted_texts(values: pa.Array) -> pa.Array:
    """The texts ascending; of neighbours that are equal, as of a child's rows, one is compared."""
    if len(values) < 2:
        return values
    differs = pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    first = np.flatnonzero(np.append(True, differs.astype(np.bool_)))
    many = np.diff(first, append=len(values))
    order = pc.array_sort_indices(values.take(pa.array(first))).to_numpy()
    return values.take(pa.array(np.repeat(first[order], many[order])))


def _npy(values: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def _arrow(values: pa.Array) -> bytes:
    sink = pa.BufferOutputStream()
    table = pa.table({"key": values})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
