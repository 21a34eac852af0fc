"""Whether ids are unique where they should be, and each index names the tile of every row.

Memory stays bounded: an index is compared by a count and a sum of hashes for each tile, and ids
without an index are looked through in passes, each over those that fall to it by hash.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog import parquet
from skyquarry.catalog import properties as props
from skyquarry.catalog.faults import EXAMPLES, Fault
from skyquarry.catalog.lookup import CELL, key_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored

IDS_A_PASS = 20_000_000


def check_ids(stored: Stored) -> Iterator[Fault]:
    """Faults of every index, and ids that repeat in a table of objects."""
    unique = stored.roles.id if stored.kind == "object" else None
    if unique is not None and unique not in stored.schema.names:
        yield Fault(_properties(stored), f"the id column {unique} is not among the columns")
        unique = None
    for column in stored.indexes:
        repeated, faults = _check_index(stored, column, counted=column == unique)
        yield from faults
        if column == unique and not faults:
            yield from _repeats(stored, unique, repeated)
            unique = None
    if unique is not None:
        yield from _repeats(stored, unique, _repeated_ids(stored, unique))


def _repeats(stored: Stored, column: str, repeated: list[Any]) -> Iterator[Fault]:
    """A fault where other ids repeat than the catalogue owns up to."""
    declared = props.as_integer(stored.properties, props.REPEATED_KEY, _properties(stored)) or 0
    if len(repeated) == declared:
        return
    owned = f", but {props.REPEATED_KEY} is {declared}" if declared else ""
    yield Fault(
        stored.folder.path("dataset"),
        f"{len(repeated)} ids of {column} stand more than once{owned}",
        tuple({column: value} for value in repeated[:EXAMPLES]),
    )


# ---------------------------------------------------------------------- the index
def _check_index(stored: Stored, column: str, *, counted: bool) -> tuple[list[Any], list[Fault]]:
    """(ids that repeat, faults) of one index; `counted`: also those that repeat in one tile."""
    index = stored.index(column)
    if index is None:
        return [], []
    path = index.folder.path("dataset/index")
    n_tiles = len(stored.tiles)
    there, once, said = (_Fingerprint(n_tiles) for _ in range(3))
    repeated: list[Any] = []
    for tile in range(n_tiles):
        keys = stored.read(tile, [column]).column(column).drop_null()
        distinct = pc.unique(keys)
        there.add(keys, np.full(1, tile))
        once.add(distinct, np.full(1, tile))
        if counted and len(distinct) < len(keys):
            repeated += _that_repeat(keys)
    scan = _IndexScan(index, key_column(index, column))
    lost = 0
    for keys, order, pixel in scan:
        number = _numbers(stored, order, pixel)
        lost += int((number < 0).sum())
        said.add(keys.filter(pa.array(number >= 0)), number[number >= 0])
    faults = []
    if scan.falls:
        faults.append(Fault(path, f"keys are not sorted by {scan.key}", scan.falls_at))
    if lost:
        faults.append(Fault(path, f"{lost} rows name a tile that the catalogue does not have"))
    # an index names an id that repeats in a tile once (ours, hats-import's), or for every row
    wrong = np.intersect1d(there.differs(said), once.differs(said))
    if len(wrong) and not lost:
        faults.append(_index_fault(stored, column, wrong, there, said, path))
    return sorted({*repeated, *scan.repeated}), faults


def _that_repeat(keys: pa.ChunkedArray) -> list[Any]:
    counted = pc.value_counts(keys.combine_chunks())
    values: list[Any] = (
        counted.field("values").filter(pc.greater(counted.field("counts"), 1)).to_pylist()
    )
    return values


class _Fingerprint:
    """Count and sum of hashes of the ids of each tile: equal for equal bags of ids."""

    def __init__(self, tiles: int) -> None:
        self.count = np.zeros(tiles, np.int64)
        self.sum = np.zeros(tiles, np.uint64)

    def add(self, keys: pa.ChunkedArray, tile: NDArray[np.int64]) -> None:
        where = np.broadcast_to(tile, (len(keys),))
        np.add.at(self.count, where, 1)
        np.add.at(self.sum, where, hashes(keys))

    def differs(self, other: _Fingerprint) -> NDArray[np.int64]:
        return np.flatnonzero((self.count != other.count) | (self.sum != other.sum))


class _IndexScan:
    """Every row group of an index in turn; what falls or repeats is noted on the way."""

    def __init__(self, index: Stored, key: str) -> None:
        self.index, self.key = index, key
        self.repeated: list[Any] = []
        self.falls = 0
        self.falls_at: tuple[dict[str, Any], ...] = ()
        self._last: Any = None

    def __iter__(self) -> Iterator[tuple[Any, NDArray[np.int64], NDArray[np.int64]]]:
        for rel in self.index.index_files():
            key, footer = self.index.footer(rel)
            for group in range(len(footer.rows)):
                table = parquet.decode(
                    self.index.folder, rel, key, footer, np.array([group]), (self.key, *CELL)
                )
                self._note(table.column(self.key))
                order, pixel = (table.column(n).to_numpy().astype(np.int64) for n in CELL)
                yield table.column(self.key), order, pixel

    def _note(self, keys: pa.ChunkedArray) -> None:
        """Compare each key with the one before it, over the seams of row groups and files."""
        array = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
        if self._last is not None:
            array = pa.concat_arrays([pa.array([self._last], array.type), array])
        before, after = array[:-1], array[1:]
        for value in pc.unique(after.filter(pc.equal(before, after))).to_pylist():
            if not self.repeated or self.repeated[-1] != value:
                self.repeated.append(value)
        falls = after.filter(pc.less(after, before))
        self.falls += len(falls)
        self.falls_at += tuple({self.key: v} for v in falls[:EXAMPLES].to_pylist())
        self.falls_at = self.falls_at[:EXAMPLES]
        self._last = array[-1].as_py() if len(array) else self._last


def _numbers(
    stored: Stored, order: NDArray[np.int64], pixel: NDArray[np.int64]
) -> NDArray[np.int64]:
    tiles = stored.tiles
    number = tiles.find(pixel << 2 * (29 - order))
    if not len(tiles):
        return number
    return np.where((number >= 0) & (tiles.order[number] == order), number, -1)


def _index_fault(
    stored: Stored,
    column: str,
    wrong: NDArray[np.int64],
    there: _Fingerprint,
    said: _Fingerprint,
    path: str,
) -> Fault:
    """The fault of an index that names other ids than the tiles hold, shown on the first tile."""
    tile = int(wrong[0])
    index = stored.index(column)
    held = set(stored.read(tile, [column]).column(column).drop_null().to_pylist())
    named: set[Any] = set()
    if index is not None:
        for keys, order, pixel in _IndexScan(index, key_column(index, column)):
            here = _numbers(stored, order, pixel) == tile
            named |= set(keys.filter(pa.array(here)).to_pylist())
    lacking = [{column: v, "index": "lacks it"} for v in sorted(held - named)[:EXAMPLES]]
    beyond = [{column: v, "tile": "lacks it"} for v in sorted(named - held)[:EXAMPLES]]
    at = f"Norder={stored.tiles.order[tile]}/Npix={stored.tiles.pixel[tile]}"
    what = (
        f"the index of {column} is wrong for {len(wrong)} tiles, first {at}: it names "
        f"{said.count[tile]} rows, the tile holds {there.count[tile]}"
    )
    return Fault(path, what, tuple((lacking + beyond)[:EXAMPLES]))


# ---------------------------------------------------------------------- without an index
def _repeated_ids(stored: Stored, column: str) -> list[Any]:
    """Ids that stand more than once, ascending; in passes, so that memory is bounded."""
    passes = np.uint64(max(1, -(-stored.n_rows // IDS_A_PASS)))
    repeated: list[Any] = []
    for turn in range(int(passes)):
        kept = [
            _of_this_turn(stored.read(tile, [column]).column(column), passes, turn)
            for tile in range(len(stored.tiles))
        ]
        if not kept:
            continue
        repeated += _that_repeat(pa.chunked_array(kept, stored.schema.field(column).type))
    return sorted(repeated)


def _of_this_turn(keys: pa.ChunkedArray, passes: np.uint64, turn: int) -> pa.Array:
    chosen = keys if passes == 1 else keys.filter(pa.array(hashes(keys) % passes == turn))
    return chosen.drop_null().combine_chunks()


def hashes(keys: Any) -> NDArray[np.uint64]:
    """64-bit hashes of ids (n,): a mix of the bits of integers, two CRCs of texts."""
    if pa.types.is_integer(keys.type) and not keys.null_count:
        values = keys.to_numpy().astype(np.int64 if keys.type != pa.uint64() else np.uint64)
        return _mixed(values.view(np.uint64))
    texts = [str(value).encode() for value in keys.to_pylist()]
    found = (zlib.crc32(text) | zlib.crc32(text, 0x9E3779B9) << 32 for text in texts)
    return _mixed(np.fromiter(found, np.uint64, len(texts)))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Steele, Lea & Flood 2014, SplitMix64's finaliser; a bijection of 64-bit words."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _properties(stored: Stored) -> str:
    return stored.folder.path(stored.place.file)
