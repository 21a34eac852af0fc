"""What is written when a plan is saved, part by part: one tile, or one tile of a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.reader import Piece
from skyquarry.sky.ranges import MAX_ORDER, Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from skyquarry.engine.reader import Reader
    from skyquarry.engine.scan import Scan

_CELL_ARCSEC = 58.6 * 3600.0  # side of a cell of order 0; half of it at each further order
_TIE_ARCSEC = 2e-8  # what is this near the threshold lies within it, as in `catalog.margin`


@dataclass(frozen=True, slots=True)
class Near:
    """Rows outside a cell, but within a distance of it."""

    ra: str
    dec: str
    arcsec: float

    def choose(self, table: pa.Table, order: int, pixel: int) -> pa.Table:
        """The rows that the margin of the cell holds."""
        import pyarrow as pa

        from skyquarry.catalog.margin import cell_distance_arcsec

        if not table.num_rows:
            return table
        ra, dec = (table.column(name).to_numpy() for name in (self.ra, self.dec))
        outside = table.column(SPATIAL).to_numpy() >> 2 * (MAX_ORDER - order) != pixel
        near = cell_distance_arcsec(ra, dec, order, pixel) <= self.arcsec + _TIE_ARCSEC
        return table.filter(pa.array(outside & near))


def write_tables(
    tables: list[pa.Table], target: Any, cell: tuple[int, int], id_column: str | None
) -> dict[str, Any]:
    """One tile of the rows of several; its record as plain data."""
    import pyarrow as pa

    table = in_order(pa.concat_tables(tables), id_column)
    told: dict[str, Any] = target.write_tile(*cell, table).to_json()
    return told


def write_piece(
    reader: Reader,
    piece: Piece,
    target: Any,
    cell: tuple[int, int],
    id_column: str | None,
    near: Near | None = None,
) -> dict[str, Any]:
    """The task: read a tile's rows and write them; the record as plain data, empty for no row."""
    table = reader.read(piece)
    if near is not None:
        table = near.choose(table, *cell)
    if not table.num_rows:
        return {}
    told: dict[str, Any] = target.write_tile(*cell, in_order(table, id_column)).to_json()
    return told


def in_order(table: pa.Table, id_column: str | None) -> pa.Table:
    """Rows by pixel, then by id: as a catalogue of ours keeps them."""
    keys = [(SPATIAL, "ascending")] + ([(id_column, "ascending")] if id_column else [])
    return table.sort_by(keys)


def margin_pieces(scan: Scan) -> Iterator[Piece]:
    """Every tile of a margin, under the cut: its rows lie outside the tile that it serves."""
    touched = scan.touched
    if scan.cut.moved is not None:
        touched = scan.cut.moved.widened(float(scan.reach.max(initial=0.0))).cover().all  # type: ignore[union-attr]
    for number in range(len(scan.source.tiles)):
        near = touched if touched is None else touched & _around(scan, number)
        if near is None or len(near):
            yield Piece(number, near, tested=scan.cut.region is not None)


def _around(scan: Scan, number: int) -> Ranges:
    """A tile and the cells that its margin may lie in."""
    from skyquarry.sky import healpix

    tiles = scan.source.tiles
    order, pixel = int(tiles.order[number]), int(tiles.pixel[number])
    reach = scan.source.stored.margin_arcsec or 0.0
    if 4.0 * reach > _CELL_ARCSEC:
        return Ranges.whole()
    while order > 0 and _CELL_ARCSEC / (1 << order) < 4.0 * reach:
        order, pixel = order - 1, pixel >> 2
    beside = healpix.neighbours([pixel], order)[0]
    return Ranges.from_cells(order, [pixel, *beside[beside >= 0].tolist()])
