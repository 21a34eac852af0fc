"""A catalogue on disk, however it is cut, as a side of a match: read tile by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.digest import digest
from skyquarry.catalog.tiles import Tiles
from skyquarry.catalog.verify_margins import is_exact
from skyquarry.engine.reader import Piece
from skyquarry.engine.scan import Scan
from skyquarry.engine.source import Source
from skyquarry.errors import UserError
from skyquarry.match.given.sides import Fetched, along_the_sky
from skyquarry.sky.dilation import ahead_of, dilated
from skyquarry.sky.ranges import MAX_ORDER, Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.counts import RowGroups
    from skyquarry.catalog.roles import Roles
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.reader import Reader

    Floats = NDArray[np.float64]

_SLACK_ARCSEC = (
    0.002  # a margin is trusted so far below its threshold: rows of one pixel stay whole
)
_FEW_LEAVES = 4
_FEW_TILES = 64  # of more there are parts enough
_FINER = 6  # orders below its own in which the rows of a tile are told apart


class CatalogSide:
    """A catalogue with its cuts (cone, where, select, sample, ids), as a side.

    Without an id its rows are named by `object_id`, else by their pixel, `_healpix_29`.
    Raises UserError where only the first rows are asked for, or there are no positions.
    """

    in_memory = False
    n_placeless = 0

    def __init__(self, catalog: Catalog, name: str | None = None) -> None:
        self.source, self.cut = catalog.source, catalog.cut
        self.name = name or catalog.name
        self.source.position_columns("a match")
        if self.cut.limit is not None:
            raise UserError(
                f"{self.name} is cut to its first {self.cut.limit} rows, but a match reads tiles: "
                "give it as a table, to_table()"
            )
        self._scans: dict[tuple[str, ...], Scan] = {}

    def __repr__(self) -> str:
        return f"CatalogSide {self.name!r}"

    # ------------------------------------------------------------ what it is
    @cached_property
    def roles(self) -> Roles:
        """Which column is what."""
        roles = self.source.roles
        return replace(roles, id=roles.id or roles.object_id or SPATIAL)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns that it can hand out: those that the cut selects."""
        return Scan(self.source, self.cut).schema

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing was guessed, but maybe the id."""
        if self.roles.id != SPATIAL:
            return ()
        return (f"{self.name} has no id: its rows are named by their pixel, _healpix_29",)

    @property
    def set_aside(self) -> dict[str, int]:
        """What only reading can tell is in the report of the run."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """Equal for the same version of a catalogue under the same cut."""
        stored = self.source.stored
        return digest(stored.folder.root, stored.properties, self.cut)

    def release(self) -> None:
        """Nothing: rows are read when they are asked for."""

    @cached_property
    def tiles(self) -> Tiles:
        """The tiles that are read, with the rows that the cut leaves, about."""
        scan, tiles = self._scan(()), self.source.tiles
        rows = np.ceil(self.source.rows[scan.numbers] * scan.fraction).astype(np.int64)
        n = scan.numbers
        return Tiles(tiles.order[n], tiles.pixel[n], rows)

    @property
    def density(self) -> Tiles:
        """The tiles again."""
        return self.tiles

    @cached_property
    def crowding(self) -> Tiles:
        """The tiles in smaller cells, with their rows by the row groups, where tiles are few."""
        tiles = self.tiles
        if not self._is_ours or len(tiles) > _FEW_TILES:
            return tiles
        numbers = self._scan(()).numbers.tolist()
        return _joined([self._cells_of(number, i) for i, number in enumerate(numbers)] or [tiles])

    def _cells_of(self, number: int, i: int) -> Tiles:
        """A tile in cells of some orders less; where no row group reaches, there is no row."""
        tile, groups = self.tiles.take(np.array([i])), self.source.stored.row_groups(number)
        order = min(int(tile.order[0]) + _FINER, MAX_ORDER)
        shift = 2 * (MAX_ORDER - order)
        first = int(tile.starts[0]) >> shift
        cells = np.arange(first, int(tile.stops[0]) >> shift, dtype=np.int64)
        part = int(tile.rows[0]) / max(int(groups.rows.sum()), 1)
        rows = _spread(groups, first, len(cells), shift) * part
        there = rows > 0.0
        return Tiles(
            np.full(int(there.sum()), order), cells[there], np.ceil(rows[there]).astype(np.int64)
        )

    @cached_property
    def n_rows(self) -> int:
        """How many rows, about."""
        return int(self.tiles.rows.sum())

    def bytes_of(self, columns: Sequence[str]) -> float:
        """Bytes on disk of these columns, of the tiles that are read."""
        return float(self.source.bytes_of(columns)[self._scan(()).numbers].sum())

    def limits(self, column: str) -> tuple[float, float]:
        """Lowest and highest value of a column of numbers."""
        low, high = self.source.limits(column)
        return float(low.min(initial=np.inf)), float(high.max(initial=-np.inf))

    @property
    def in_small_groups(self) -> bool:
        """Whether a part of a tile costs no more to read than that part: in our own trees."""
        return self._is_ours

    # ------------------------------------------------------------ what a task reads
    def prepare(self, columns: Sequence[str]) -> None:
        """Check that the columns are there; nothing is read before its tile's turn."""
        _ = self._scan(tuple(columns)).reader

    def fetch(self, ranges: Ranges | None, columns: Sequence[str]) -> CatalogFetch:
        """How a task gets the rows within these ranges."""
        scan = self._scan(self._wanted(columns))
        own = self._pieces(scan, Ranges.whole() if ranges is None else ranges)
        return CatalogFetch(scan.reader, tuple(own), None, (), str(self.roles.id), self._is_ours)

    def fetch_around(
        self, core: Ranges, arcsec: float, columns: Sequence[str], *, ahead: bool = False
    ) -> CatalogFetch:
        """How a task gets the rows of a part of the sky and all within `arcsec` of it.

        From the margins where there are some that hold all of it, else from the neighbours.
        """
        if arcsec <= 0.0:
            return self.fetch(core, columns)
        grown = dilated(core, arcsec)
        if ahead:
            grown &= ahead_of(core)
        margin = self._margin(arcsec)
        scan = self._scan(self._wanted(columns))
        if margin is None or not self._is_bounded(core):
            return self.fetch(grown, columns)
        # Leaves that lie in the core give all they have; one that holds it gives what is near.
        own = tuple(self._pieces(scan, core, grown))
        near = Scan(margin, scan.cut)
        lent = tuple(_margin_pieces(near, core, grown - core, arcsec))
        reader = near.reader if lent else None
        return CatalogFetch(scan.reader, own, reader, lent, str(self.roles.id), self._is_ours)

    def read(self, ranges: Ranges | None, columns: Sequence[str]) -> pa.Table:
        """The rows within these ranges, sorted by `_healpix_29`, then id, then as they came."""
        return self.fetch(ranges, columns).rows().sorted().select(list(columns))

    # ------------------------------------------------------------ inside
    def _wanted(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*columns, SPATIAL, str(self.roles.id)]))

    def _scan(self, columns: tuple[str, ...]) -> Scan:
        if columns not in self._scans:
            moved = self.cut.moved
            stored = [n for n in columns if moved is None or n not in moved.columns]
            cut = self.cut if not columns else self.cut.only(columns=tuple(stored))
            self._scans[columns] = Scan(self.source, cut)
        return self._scans[columns]

    def _pieces(self, scan: Scan, core: Ranges, grown: Ranges | None = None) -> Iterator[Piece]:
        """What is read of each tile that touches `core`: what lies in `grown`, else in `core`."""
        tiles = self.source.tiles
        wanted = core if grown is None else grown
        touched = tiles.overlapping(core)
        at = np.searchsorted(scan.numbers, touched)
        there = at < len(scan.numbers)
        there[there] = scan.numbers[at[there]] == touched[there]
        inside = wanted.covers(tiles.starts[touched], tiles.stops[touched])
        for i in np.flatnonzero(there).tolist():
            number = int(touched[i])
            piece = scan.piece(number, inside=bool(scan.inside[at[i]]))
            yield piece if inside[i] else _cut_to(piece, wanted & _range_of(tiles, number))

    def _margin(self, arcsec: float) -> Source | None:
        """The narrowest margin of ours that holds all within `arcsec`; None: read the neighbours.

        The margins of other writers leave out the neighbours of empty cells, so they are not used;
        where stars are moved to an epoch, what lies near is another matter.
        """
        if self.cut.moved is not None:
            return None
        for source in self._margins:
            if (source.stored.margin_arcsec or 0.0) >= arcsec + _SLACK_ARCSEC:
                return source
        return None

    @cached_property
    def _margins(self) -> tuple[Source, ...]:
        stored = self.source.stored
        opened = [stored.open_margin(name) for name in stored.margins]
        exact = [margin for margin in opened if is_exact(margin) and margin.margin_arcsec]
        return tuple(Source(m) for m in sorted(exact, key=lambda m: m.margin_arcsec or 0.0))

    @property
    def _is_ours(self) -> bool:
        return self.source.stored.properties.get("hats_builder", "").startswith("skyquarry")

    def _is_bounded(self, core: Ranges) -> bool:
        """Whether each leaf lies in the core, or one holds it all: then margins tell the rest."""
        tiles = self.source.tiles
        touched = tiles.overlapping(core)
        inside = core.covers(tiles.starts[touched], tiles.stops[touched])
        if len(touched) == 1 and not inside[0]:
            return core <= _range_of(tiles, int(touched[0]))
        return bool(inside.all())


@dataclass(frozen=True, slots=True)
class CatalogFetch:
    """What of a catalogue a task reads: pieces of tiles, and of margins."""

    reader: Reader
    pieces: tuple[Piece, ...]
    margin_reader: Reader | None
    margin_pieces: tuple[Piece, ...]
    id: str
    exact: bool
    """whether pixels are surely those of the positions: in our own trees"""

    def __bool__(self) -> bool:
        return bool(self.pieces or self.margin_pieces)

    def rows(self) -> Fetched:
        """The rows, along the sky."""
        parts = [self.reader.read(piece) for piece in self.pieces]
        lent = []
        if self.margin_reader is not None:
            lent = [self.margin_reader.read(piece) for piece in self.margin_pieces]
        if not parts:
            parts = [each.slice(0, 0) for each in lent[:1]]
        if not parts:
            piece = Piece(0, Ranges.empty())
            parts = [self.reader.read(piece)] if len(self.reader.stored.tiles) else [self._none()]
        main = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
        return along_the_sky(main, _each_once(lent), self.id, exact=self.exact)

    def _none(self) -> pa.Table:
        schema = self.reader.stored.schema
        fields = [
            pa.field(SPATIAL, pa.int64()) if n == SPATIAL else schema.field(n)
            for n in self.reader.columns
        ]
        return pa.schema(fields).empty_table()


def _spread(groups: RowGroups, first: int, n: int, shift: int) -> Floats:
    """(n,) rows of row groups in each cell from `first` on: above 0 wherever one reaches."""
    found = np.zeros(n)
    ends = (groups.low >> shift) - first, (groups.high >> shift) - first
    each = zip(*(end.tolist() for end in ends), groups.rows.tolist(), strict=True)
    for low, high, rows in each:
        found[max(low, 0) : high + 1] += rows / (high - low + 1)
    return found


def _joined(tiles: list[Tiles]) -> Tiles:
    """Tiles one after the other."""
    parts = zip(*((each.order, each.pixel, each.rows) for each in tiles), strict=True)
    return Tiles(*(np.concatenate(part) for part in parts))


def _cut_to(piece: Piece, ranges: Ranges) -> Piece:
    within = ranges if piece.ranges is None else piece.ranges & ranges
    return replace(piece, ranges=within)


def _range_of(tiles: Tiles, number: int) -> Ranges:
    return Ranges(tiles.starts[number : number + 1], tiles.stops[number : number + 1])


def _margin_pieces(scan: Scan, core: Ranges, ring: Ranges, arcsec: float) -> Iterator[Piece]:
    """What is read of the margins of the leaves in or around the core: what lies in the ring."""
    leaves = scan.source.tiles
    touched = leaves.overlapping(core)
    if len(touched) > _FEW_LEAVES:  # those deep inside lend nothing beyond the core
        touched = leaves.overlapping(dilated(ring, arcsec) & core)
    tested = scan.cut.region is not None
    for number in touched.tolist():
        yield Piece(number, ring, tested=tested)


def _each_once(lent: list[pa.Table]) -> pa.Table | None:
    """Rows that several margins hold, once each.

    Of the rows of one pixel, some may lie beyond the threshold of one leaf and within that of
    another; since a margin is trusted only below its threshold, the leaf that has most of them
    has all that can matter.
    """
    if len(lent) <= 1:
        return lent[0] if lent else None
    table = pa.concat_tables(lent)
    pixels = to_numpy(table.column(SPATIAL))
    leaf = np.repeat(np.arange(len(lent)), [each.num_rows for each in lent])
    if not len(pixels):
        return table
    order = np.lexsort((leaf, pixels))
    p, l = pixels[order], leaf[order]
    first = np.flatnonzero(np.r_[True, (p[1:] != p[:-1]) | (l[1:] != l[:-1])])
    count = np.diff(first, append=len(p))
    best = np.lexsort((l[first], -count, p[first]))  # of each pixel, the fullest leaf first
    chosen = best[np.r_[True, p[first[best]][1:] != p[first[best]][:-1]]]
    keep = np.zeros(len(first), bool)
    keep[chosen] = True
    kept = np.sort(order[np.repeat(keep, count)])
    return table.take(from_numpy(kept))
