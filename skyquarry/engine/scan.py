"""The leaf of every plan: the rows of one catalogue that a cut asks for, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine import cost as costs
from skyquarry.engine.executors import cpu_count
from skyquarry.engine.reader import Piece, Reader, read_piece
from skyquarry.errors import RegionError
from skyquarry.sky.covers import auto_order
from skyquarry.sky.ranges import MAX_ORDER, Ranges
from skyquarry.sky.regions import Cone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.cut import Cut
    from skyquarry.engine.run import Task
    from skyquarry.engine.source import Source
    from skyquarry.sky.covers import Cover

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_MANY_RANGES = 64  # a longer list is cut to each tile
_MANY_ROWS = 20_000  # fewer rows are all tested: cheaper than to tell inner cells apart
_SMALL_DEG2 = 0.01
_FEW_TILES = 4
_SMALL_CONE_ARCSEC = 1800.0
_FINER, _FINE_ORDER = 3, 9
_OUTLYING = ("margin", "association")  # kinds whose rows may lie outside their tile
_MANY_TILES = 16  # fewer are left to their own footers


@dataclass(frozen=True)
class Scan:
    """The rows of one catalogue that meet a cut: its tiles as arrays, one task a tile."""

    source: Source
    cut: Cut
    first: int | None = None
    """How many rows are wanted of the whole, where no more than the first will be used."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What the rows hang on beside source, cut and columns: texts, for a resumable run."""
        return ()

    # ------------------------------------------------------------ columns
    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The stored columns that are handed out."""
        return self.source.default_columns if self.cut.columns is None else self.cut.columns

    @cached_property
    def schema(self) -> pa.Schema:
        """The schema of the result, with units and meanings."""
        fields = [self.source.schema.field(name) for name in self.columns]
        if self.cut.moved is not None:
            fields += self.cut.moved.fields
        return pa.schema(fields)

    @cached_property
    def reader(self) -> Reader:
        """How a tile is read."""
        return Reader(self.source.stored, self.cut, self.columns, self._needed, self.bounds)

    @cached_property
    def bounds(self) -> Bounds:
        """Lowest and highest values of wanted rows, by column: row groups are left out by them."""
        bounds = dict(self.cut.predicate.bounds) if self.cut.predicate is not None else {}
        if self.cut.ids is not None and len(self.cut.ids.values):
            values = self.cut.ids.values
            bounds.setdefault(self.cut.ids.column, (values[0].as_py(), values[-1].as_py()))
        return bounds

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        cut, roles = self.cut, self.source.roles
        names = list(self.columns)
        if cut.region is not None:
            names += self.source.position_columns("a region")
            names += [SPATIAL] if self._by_cells else []
        if cut.moved is not None:
            names += cut.moved.needed(roles)
        for sample in cut.samples:
            names.append(SPATIAL if sample.by == "sky" else str(roles.id))
        if cut.ids is not None:
            names.append(cut.ids.column)
        if cut.predicate is not None:
            names += cut.predicate.columns
        return tuple(dict.fromkeys(names))

    # ------------------------------------------------------------ tiles
    @cached_property
    def cover(self) -> Cover | None:
        """Cells of the region: those wholly inside, and those that are cut."""
        region = self.cut.region
        if region is None:
            return None
        if isinstance(region, Cone) and region.radius_arcsec < _SMALL_CONE_ARCSEC:
            return region.cover()
        # Fine enough for most tiles to be inside or outside, and few rows to be tested.
        order = max(auto_order(region) + _FINER, min(self.source.finest, _FINE_ORDER))
        try:
            return region.cover(min(order, MAX_ORDER))
        except RegionError:  # too many cells
            return region.cover()

    @cached_property
    def touched(self) -> Ranges | None:
        """Order-29 pixels that the region touches; None: no region."""
        if self.cover is None:
            return None
        return self.cover.all if len(self.cover.inner) else self.cover.outer

    @cached_property
    def reach(self) -> Floats | None:
        """(tiles,) arcsec by which a moved cone is widened in each tile; None: no epoch."""
        return None if self.cut.moved is None else self.cut.moved.reach_arcsec(self.source)

    @cached_property
    def numbers(self) -> Ints:
        """(m,) numbers of the tiles that are read, ascending along the sky."""
        cut, tiles = self.cut, self.source.tiles
        if self.cannot_match:
            return np.empty(0, np.int64)
        if self.touched is None or self.outlying:
            found = np.arange(len(tiles), dtype=np.int64)
        else:
            found = tiles.overlapping(self.touched)
        if cut.ids is not None:
            found = np.intersect1d(found, self._tiles_of_ids())
        for sample in cut.samples:
            if sample.by == "sky" and len(found) and not self.outlying:
                found = found[sample.tiles(tiles.order[found], tiles.pixel[found])]
        if cut.moved is not None and not self.outlying:
            found = self._near_enough(found)
        return self._admitted(found)

    @property
    def outlying(self) -> bool:
        """Whether rows lie outside the tiles that hold them, so that tiles do not bound them."""
        return self.source.stored.kind in _OUTLYING

    @property
    def cannot_match(self) -> bool:
        """Whether it is plain that no row can meet the cut."""
        cut = self.cut
        never = cut.predicate is not None and cut.predicate.never
        return never or (cut.ids is not None and not len(cut.ids.values))

    def _tiles_of_ids(self) -> Ints:
        assert self.cut.ids is not None
        stored, ids = self.source.stored, self.cut.ids
        if ids.column not in stored.indexes or self.outlying:
            return np.arange(len(self.source.tiles))
        numbers: Ints = stored.lookup(ids.column, ids.values.to_pylist())
        return numbers

    def _near_enough(self, found: Ints) -> Ints:
        """Tiles that the cone touches, widened by what the stars of each tile can move."""
        assert self.cut.moved is not None
        assert self.reach is not None
        if not len(found):
            return found
        widest = self.cut.moved.widened(float(self.reach[found].max())).cover().all
        found = np.intersect1d(found, self.source.tiles.overlapping(widest))
        keep = [bool(self._moved_ranges(int(tile))) for tile in found]
        kept: Ints = found[np.array(keep, bool)]
        return kept

    def _moved_ranges(self, tile: int) -> Ranges:
        assert self.cut.moved is not None
        assert self.reach is not None
        cover = self.cut.moved.widened(float(self.reach[tile])).cover().all
        return cover if self.outlying else cover & self._of_tile(tile)

    def _admitted(self, found: Ints) -> Ints:
        """Less the tiles that the predicate rules out by their statistics."""
        if not self.bounds or len(found) < _MANY_TILES or not self.source.statistics:
            return found
        kept: Ints = found[self.source.admitted(self.bounds)[found]]
        return kept

    @cached_property
    def inside(self) -> Mask:
        """(m,) bool: tiles that lie wholly inside the region; all where there is none."""
        if self.cover is None:
            return np.full(len(self.numbers), self.cut.moved is None)
        if not len(self.cover.inner) or self.outlying:
            return np.zeros(len(self.numbers), bool)
        tiles = self.source.tiles
        return self.cover.inner.covers(tiles.starts[self.numbers], tiles.stops[self.numbers])

    @cached_property
    def fraction(self) -> Floats:
        """(m,) the part of each tile's area that the region touches and samples keep.

        All of it where tiles do not bound their rows.
        """
        tiles, n = self.source.tiles, self.numbers
        part = np.ones(len(n))
        if self.touched is not None and not self.outlying:
            starts, stops = tiles.starts[n], tiles.stops[n]
            covered = below(self.touched, stops) - below(self.touched, starts)
            part = covered / (stops - starts)
        for sample in self.cut.samples:
            part = part * sample.fraction
        return part

    @cached_property
    def _by_cells(self) -> bool:
        """Whether inner cells are told apart row by row: worth it where many rows lie in them."""
        if self.cover is None or self.cover.inner.area_deg2() < _SMALL_DEG2:
            return False
        if bool(self.inside.all()):
            return False
        cut = ~self.inside
        if len(self.numbers) <= _MANY_TILES and not self._rows_known:
            return bool(self.cover.inner.area_deg2() > 1.0)
        rows = self.source.rows[self.numbers][cut] * self.fraction[cut]
        return bool(rows.max(initial=0) > _MANY_ROWS)

    @property
    def _rows_known(self) -> bool:
        return "rows" in self.source.__dict__

    # ------------------------------------------------------------ tasks
    def __len__(self) -> int:
        return len(self.numbers)

    def pieces(self) -> Iterator[Piece]:
        """What is read of each tile, along the sky."""
        for number, inside in zip(self.numbers.tolist(), self.inside.tolist(), strict=True):
            yield self.piece(number, inside=inside)

    def piece(self, number: int, *, inside: bool) -> Piece:
        """What is read of one tile."""
        if self.cut.moved is not None:
            tested = self.cut.region is not None
            return Piece(number, self._moved_ranges(number), tested=tested)
        if self.first is not None:
            return Piece(number, self._first_ranges(number))
        sampled = self._sampled_ranges(number)
        if inside or self.touched is None:
            return Piece(number, sampled)
        touched = self._clipped(self.touched, number)
        inner = None
        if self._by_cells and self.cover is not None:
            inner = self._clipped(self.cover.inner, number)
        ranges = touched if sampled is None else touched & sampled
        return Piece(number, ranges, tested=True, inner=inner)

    def _first_ranges(self, number: int) -> Ranges | None:
        """The beginning of a tile that holds the first rows; None: all of it."""
        if self.outlying:
            return None
        groups = self.source.stored.row_groups(number)
        along = np.argsort(groups.low, kind="stable")
        enough = int(np.searchsorted(np.cumsum(groups.rows[along]), self.first or 0)) + 1
        if enough >= len(along):
            return None
        return Ranges(self.source.tiles.starts[number], groups.high[along[:enough]].max() + 1)

    def _sampled_ranges(self, number: int) -> Ranges | None:
        samples = [sample for sample in self.cut.samples if sample.by == "sky"]
        if not samples or self.outlying:
            return None
        tiles = self.source.tiles
        return samples[0].ranges(int(tiles.order[number]), int(tiles.pixel[number]))

    def _clipped(self, ranges: Ranges, number: int) -> Ranges:
        few = len(ranges) <= _MANY_RANGES
        return ranges if few or self.outlying else ranges & self._of_tile(number)

    def _of_tile(self, number: int) -> Ranges:
        tiles = self.source.tiles
        return Ranges(tiles.starts[number : number + 1], tiles.stops[number : number + 1])

    @property
    def is_small(self) -> bool:
        """Whether it is a small place in a few tiles: read sooner than handed to workers."""
        if self.touched is None or not 0 < len(self.numbers) <= _FEW_TILES:
            return False
        return self.touched.area_deg2() < _SMALL_DEG2

    def read_here(self) -> pa.Table:
        """All rows, read in this thread."""
        parts = [self.reader.read(piece) for piece in self.pieces()]
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts)

    def tasks(self) -> Iterator[Task]:
        """One task a tile; the key is its number."""
        reader = self.reader
        self.prepare()
        return ((piece.tile, read_piece, (reader, piece)) for piece in self.pieces())

    def prepare(self) -> None:
        """Make this process ready to read so many rows."""
        if self.cut.predicate is not None:
            self.cut.predicate.prepare(int(self._decoded_rows().sum()))

    def weight(self, number: int) -> int:
        """Bytes that a tile's rows may take in memory."""
        known = self._weights.get(number)
        return int(self.source.rows[number] * self._row_bytes) if known is None else known

    @cached_property
    def _weights(self) -> dict[int, int]:
        weights = (self._decoded_rows() * self._row_bytes).astype(np.int64).tolist()
        return dict(zip(self.numbers.tolist(), weights, strict=True))

    @cached_property
    def _row_bytes(self) -> float:
        return sum(width_of(self.source.schema.field(name).type) for name in self._needed)

    # ------------------------------------------------------------ cost
    def _decoded_rows(self) -> Floats:
        """(m,) rows decoded of each tile: whole row groups where it is cut."""
        rows = self.source.rows[self.numbers].astype(np.float64)
        wanted = rows * self.fraction
        return np.where(
            self.inside & (self.fraction == 1.0),
            rows,
            np.minimum(rows, wanted + costs.ROW_GROUP_ROWS),
        )

    def cost(self, workers: int | None = None) -> costs.Cost:
        """What reading will cost; what a predicate leaves is not guessed."""
        rows = self.source.rows[self.numbers]
        decoded = self._decoded_rows()
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(rows > 0, decoded / rows, 0.0)
        bytes_ = float(part @ self.source.bytes_of(self._needed)[self.numbers])
        out = self._most_rows()
        read = int(decoded.sum())
        return costs.Cost(
            tiles=len(self.numbers),
            rows=read,
            bytes=int(bytes_),
            rows_out=out,
            seconds=costs.seconds(len(self.numbers), read, int(bytes_), workers or cpu_count()),
            exact=self.cut.rows_uncut and self.source.rows_are_exact,
        )

    def _most_rows(self) -> int:
        rows = int(np.ceil((self.source.rows[self.numbers] * self.fraction).sum()))
        unique = self.cut.ids is not None and self.cut.ids.named is None
        if unique and self.source.stored.kind != "source":
            rows = min(rows, len(self.cut.ids.values))  # type: ignore[union-attr]
        return rows

    def explain(self, workers: int | None = None) -> list[str]:
        """What will be read, line by line."""
        from skyquarry.engine.explain import lines_of_scan

        return lines_of_scan(self, workers)


def below(ranges: Ranges, pixels: Ints) -> Ints:
    """(n,) how many pixels of the ranges lie below each of these."""
    total = np.concatenate([[0], np.cumsum(ranges.stops - ranges.starts)])
    at = np.searchsorted(ranges.starts, pixels, side="right")
    last = np.maximum(at - 1, 0)
    if not len(ranges):
        return np.zeros(len(pixels), np.int64)
    partial = np.minimum(pixels, ranges.stops[last]) - ranges.starts[last]
    return total[last] + np.where(at > 0, partial, 0)


def width_of(kind: pa.DataType) -> float:
    """About how many bytes a value of a type takes in memory."""
    try:
        return float(kind.bit_width) / 8.0
    except ValueError:
        return 48.0
