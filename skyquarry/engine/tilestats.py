"""The file of per-tile statistics, read a column at a time: it may have a hundred of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.statistics import FILE
from skyquarry.errors import DamagedError, NotFoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class TileStatistics:
    """What `per_partition_statistics.parquet` tells of each tile; nothing where it is not there.

    Raises DamagedError, naming the file, where it cannot be read.
    """

    def __init__(self, stored: Stored) -> None:
        self.path = stored.folder.path(FILE)
        self.n_tiles = len(stored.tiles)
        self._file = self._opened(stored)
        self.names = frozenset(self._file.schema_arrow.names if self._file is not None else ())
        self._tile = self._numbers(stored) if self._file is not None else np.empty(0, np.int64)

    def __bool__(self) -> bool:
        return self._file is not None

    def total(self, name: str) -> Ints | None:
        """(tiles,) a count of each tile, -1 where it is not told; None where no tile's is."""
        if name not in self.names:
            return None
        values = self._column(name).fill_null(0).to_numpy().astype(np.int64)
        known = self._tile >= 0
        told = np.zeros(self.n_tiles, bool)
        told[self._tile[known]] = True
        counts = np.zeros(self.n_tiles, np.int64)
        np.add.at(counts, self._tile[known], values[known])
        return np.where(told, counts, -1)

    def limits(self, name: str) -> tuple[Floats, Floats] | None:
        """(tiles,) lowest and highest of a column of numbers, NaN where not told; or None."""
        names = [f"{name}::min_value", f"{name}::max_value"]
        if not self.names.issuperset(names):
            return None
        low, high = (self._column(n).cast(pa.float64(), safe=False).to_numpy() for n in names)
        known = self._tile >= 0
        at = self._tile[known]
        lowest, highest = np.full(self.n_tiles, np.inf), np.full(self.n_tiles, -np.inf)
        np.minimum.at(lowest, at, np.where(np.isnan(low), -np.inf, low)[known])
        np.maximum.at(highest, at, np.where(np.isnan(high), np.inf, high)[known])
        silent = np.isinf(lowest) | np.isinf(highest)
        return np.where(silent, np.nan, lowest), np.where(silent, np.nan, highest)

    def _opened(self, stored: Stored) -> Any:
        try:
            content = stored.folder.read_bytes(FILE)
        except NotFoundError:
            return None
        try:
            file = pq.ParquetFile(pa.BufferReader(content))
        except (pa.ArrowException, OSError) as error:
            raise self._damaged("is cut off or not a Parquet file") from error
        if not {"Norder", "Npix"} <= set(file.schema_arrow.names):
            raise self._damaged("has no columns Norder and Npix")
        return file

    def _numbers(self, stored: Stored) -> Ints:
        """The number of the tile that each row speaks of; -1 for none of ours."""
        order, pixel = (
            self._column(name).to_numpy().astype(np.int64) for name in ("Norder", "Npix")
        )
        return stored.tiles.find(pixel << 2 * (29 - order))

    def _column(self, name: str) -> Any:
        try:
            return self._file.read(columns=[name], use_threads=False).column(0)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(f"has pages of {name} that cannot be read ({error})") from error

    def _damaged(self, fault: str) -> DamagedError:
        return DamagedError(f"{self.path} {fault}: remove it, and footers are read instead")
