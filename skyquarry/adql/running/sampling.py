"""Some row groups of a table, spread along what is read of it: for guessing how many rows match."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.catalog.parquet import select_groups
from skyquarry.engine.reader import Piece
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.adql.reads import StoredRead

    Ints = NDArray[np.int64]

_TILES: Final = 24
"""Tiles of which some row groups are looked at."""
UNIT: Final = "~unit"
"""The column that tells the row group of a row."""
_GROUPS: Final = 48
"""Row groups that are looked at, of some 8,000 rows."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the row groups that a query reads of a table."""

    rows: int
    """Rows of all row groups that it reads."""
    taken: int
    """Rows of those looked at."""
    ranges: tuple[tuple[int, int, int], ...]
    """Tile, lowest and highest pixel of each of those."""
    every_tile: bool = True
    """Whether `rows` is a count, of all tiles."""

    @property
    def share(self) -> float:
        """The part of all rows that was looked at."""
        return self.taken / self.rows if self.rows else 1.0

    def read(self, read: StoredRead) -> pa.Table:
        """Their rows of the table that they were taken of, with the number of the row group."""
        import pyarrow as pa

        tested = read.scan.cut.region is not None
        parts = []
        for number, (tile, low, high) in enumerate(self.ranges):
            piece = Piece(tile, Ranges([low], [high + 1]), tested=tested)
            rows = read.scan.reader.read(piece)
            parts.append(rows.append_column(UNIT, pa.repeat(number, rows.num_rows)))
        return pa.concat_tables(parts)

    def read_along(self, read: StoredRead) -> pa.Table:
        """The rows of another table that lie in the same places."""
        import pyarrow as pa

        pixels = Ranges(
            [low for _, low, _ in self.ranges], [high + 1 for _, _, high in self.ranges]
        )
        tiles = read.source.tiles
        numbers = np.intersect1d(tiles.overlapping(pixels), np.asarray(read.numbers, np.int64))
        reader = read.scan.reader
        parts = [reader.read(Piece(int(tile), pixels)) for tile in numbers.tolist()]
        return pa.concat_tables(parts) if parts else read.scan.schema.empty_table()


def sample_of(read: StoredRead, times: int = 1) -> Sample:
    """Row groups spread evenly over those that are read, in proportion to their number.

    Of many tiles some are looked at, more probably those with more rows; the same for the same
    query. `times` as many row groups as usual.
    """
    numbers = np.asarray(read.numbers, np.int64)
    weights = _weights(read, numbers)
    chosen = np.asarray(_spread(weights, _TILES * times), np.int64)
    some, often = np.unique(chosen, return_counts=True)
    found = [_groups_of(read, int(numbers[at])) for at in some]
    if len(numbers) <= _TILES * times:
        rows = sum(int(group[:, 0].sum()) for group in found)
        return _taken(rows, numbers[some], found, _GROUPS * times)
    density = [group[:, 0].sum() / weights[at] for at, group in zip(some, found, strict=True)]
    rows = int(weights.sum() * float(np.average(density, weights=often)))
    each = often * max(_GROUPS // _TILES, 1)
    few = [_evenly(group, int(most)) for group, most in zip(found, each, strict=True)]
    return replace(_taken(rows, numbers[some], few, len(few) * _GROUPS), every_tile=False)


def _weights(read: StoredRead, numbers: Ints) -> NDArray[np.float64]:
    """About how many rows of each tile lie in the region; one at least."""
    fraction = read.scan.fraction[np.searchsorted(read.scan.numbers, numbers)]
    rows: NDArray[np.float64] = np.maximum(read.source.rows[numbers] * fraction, 1.0)
    return rows


def _spread(weights: NDArray[np.float64], most: int) -> list[int]:
    """Places of at most so many, each as probable as its weight; one may come twice."""
    if len(weights) <= most:
        return list(range(len(weights)))
    along = np.cumsum(weights)
    steps = (np.arange(most) + 0.5) / most * along[-1]
    return np.searchsorted(along, steps).tolist()  # type: ignore[no-any-return]


def _groups_of(read: StoredRead, tile: int) -> Ints:
    """(g, 3) rows, lowest and highest pixel of the row groups of a tile that are read."""
    stored = read.source.stored
    groups = stored.row_groups(tile)
    bounds = read.narrow.bounds or None
    kept: list[Ints] = []
    before = 0
    for rel in stored.files(tile):
        footer = stored.footer(rel)[1]
        admitted = select_groups(footer, stored.spatial, read.scan.touched, bounds)
        kept.append(np.asarray(admitted, np.int64) + before)
        before += len(footer.rows)
    at = np.concatenate(kept)
    return np.column_stack([groups.rows[at], groups.low[at], groups.high[at]])


def _evenly(group: Ints, most: int) -> Ints:
    """At most so many, evenly spaced."""
    if len(group) <= most:
        return group
    return group[((np.arange(most) + 0.5) / most * len(group)).astype(np.int64)]


def _taken(rows: int, tiles: Ints, found: list[Ints], most: int) -> Sample:
    every = np.concatenate(
        [
            np.column_stack([np.full(len(group), tile), group])
            for tile, group in zip(tiles.tolist(), found, strict=True)
        ]
        or [np.empty((0, 4), np.int64)]
    )
    some = _evenly(every, most)
    ranges = tuple((int(tile), int(low), int(high)) for tile, _, low, high in some.tolist())
    return Sample(rows, int(some[:, 1].sum()), ranges)
