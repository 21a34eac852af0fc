"""Reading one tile as a plan asks for it: the task that runs on threads, processes and clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.predicate import rows_of
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.cut import Cut
    from skyquarry.engine.plainterms import Plain
    from skyquarry.sky.ranges import Ranges

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Piece:
    """What of one tile is read."""

    tile: int
    ranges: Ranges | None = None
    """Order-29 pixels that may hold wanted rows; None: all of the tile."""
    tested: bool = False
    """Whether rows must be tested against the region."""
    inner: Ranges | None = None
    """Pixels whose rows need no test."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How every tile of one scan is read: pickles small, and holds no open file."""

    stored: Stored
    cut: Cut
    columns: tuple[str, ...]
    """To be handed out, in this order."""
    needed: tuple[str, ...]
    """To be read: those, and what the tests need."""
    bounds: Bounds

    def read(self, piece: Piece) -> pa.Table:
        """The wanted rows of a tile, with `columns`."""
        table = self.stored.read(
            piece.tile, self.needed, ranges=piece.ranges, bounds=self.bounds or None
        )
        if table.num_rows or self.cut.moved is not None:
            table = self.chosen(table, piece)
        if len(self.needed) == len(self.columns) and self.cut.moved is None:
            return table
        return table.select(self.handed_out())

    def handed_out(self) -> list[str]:
        """The columns of the result, those at another epoch last."""
        moved = self.cut.moved
        return [*self.columns, *(moved.columns if moved is not None else ())]

    def chosen(self, table: pa.Table, piece: Piece) -> pa.Table:
        """The rows that meet every condition."""
        cut = self.cut
        if piece.tested and cut.region is not None:
            table = kept(table, self.in_region(table, piece))
        if cut.moved is not None:
            table = cut.moved.choose(table, self.stored.roles)
        for sample in cut.samples:
            if sample.by == "sky":
                table = kept(table, sample.of_pixels(to_numpy(table.column(SPATIAL))))
            else:
                table = kept(table, sample.of_ids(table.column(self.stored.roles.id)))
        if cut.ids is not None:
            table = table.filter(pc.is_in(table.column(cut.ids.column), value_set=cut.ids.values))
        if cut.predicate is not None:
            table = cut.predicate.choose(table)
        return table

    def chosen_of(self, shared: Plain) -> pa.Table:
        """The wanted rows, with `columns`, of a table of whole rows that other readers ask too."""
        cut, table = self.cut, shared.table
        if cut.region is None and cut.moved is None and not cut.samples and cut.ids is None:
            asked = table.select(list(self.columns))
            return asked if cut.predicate is None else rows_of(asked, cut.predicate.rows(shared))
        rows = self.chosen(table.select(list(self.needed)), Piece(0, tested=cut.region is not None))
        return rows.select(self.handed_out())

    def in_region(self, table: pa.Table, piece: Piece) -> Mask:
        """(n,) bool: rows inside the region; only those in cut cells are tested."""
        ra, dec = self.stored.roles.ra, self.stored.roles.dec
        if piece.inner is None:
            return self.contains(table.column(ra), table.column(dec))
        inside: Mask = piece.inner.contains(to_numpy(table.column(SPATIAL)))
        doubtful = np.flatnonzero(~inside)
        rows = table.select([ra, dec]).take(from_numpy(doubtful))
        inside[doubtful] = self.contains(rows.column(0), rows.column(1))
        return inside

    def contains(self, ra: Any, dec: Any) -> Mask:
        """(n,) bool: which positions lie in the region."""
        assert self.cut.region is not None
        return self.cut.region.contains(to_xyz(to_numpy(ra), to_numpy(dec)))


def kept(table: pa.Table, mask: Mask) -> pa.Table:
    """The rows where the mask holds; the table itself where it holds everywhere."""
    return table if bool(mask.all()) else table.filter(from_numpy(mask))


def read_piece(reader: Reader, piece: Piece) -> pa.Table:
    """The task of a scan: `Reader.read`, as a function of this module."""
    return reader.read(piece)
