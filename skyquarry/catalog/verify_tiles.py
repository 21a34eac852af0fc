"""Whether the rows of every tile lie in it, in order, with the pixel of their position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog import counts, parquet
from skyquarry.catalog import properties as props
from skyquarry.catalog.faults import Fault, examples
from skyquarry.catalog.footers import footer_of
from skyquarry.catalog.verify_margins import is_exact
from skyquarry.errors import SkyquarryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.footers import Footer
    from skyquarry.catalog.stored import Stored

REJECTS = "rejects.parquet"
MAP_ORDER_AT_MOST = 12
"""A finer sky map than this is compared after adding up: memory stays bounded."""


@dataclass
class Sums:
    """What reading every tile gave."""

    faults: list[Fault] = field(default_factory=list)
    rows: dict[int, int] = field(default_factory=dict)
    """Rows of each tile."""
    incomplete: bool = False
    """Whether a tile could not be read."""
    order: int | None = None
    """Order of the sky map that is counted along; None where there is none to compare."""
    cells: list[NDArray[np.int64]] = field(default_factory=list)
    counts: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass
class _Piece:
    """One row group of a tile."""

    stored: Stored
    tile: int
    footer: Footer
    group: int
    table: pa.Table
    first_row: int
    positions: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    pixels: NDArray[np.int64] | None


def check_tiles(stored: Stored) -> Sums:
    """Read every row of every tile once; faults and counts."""
    sums = Sums(order=_map_order(stored))
    for tile in range(len(stored.tiles)):
        try:
            _check_tile(stored, tile, sums)
        except SkyquarryError as error:
            sums.faults.append(Fault(stored.folder.path(stored.leaf(tile)), str(error)))
            sums.incomplete = True
    return sums


def _map_order(stored: Stored) -> int | None:
    if stored.kind not in {"object", "source"}:
        return None
    try:
        told = counts.read_map(stored)
    except SkyquarryError:
        return None  # check_counts reports it
    return None if told is None else min(told[0], MAP_ORDER_AT_MOST)


def _check_tile(stored: Stored, tile: int, sums: Sums) -> None:
    sums.rows[tile] = 0
    for rel in stored.files(tile):
        last: int | None = None
        found: dict[str, Fault] = {}  # the first of each kind in a file
        for piece in _pieces(stored, tile, rel):
            sums.rows[tile] += piece.table.num_rows
            for kind, fault in _check_piece(piece, last):
                found.setdefault(kind, fault)
            if piece.pixels is not None and len(piece.pixels):
                last = int(piece.pixels[-1])
                _count(piece.pixels, sums)
        sums.faults += found.values()


def _pieces(stored: Stored, tile: int, rel: str) -> Iterator[_Piece]:
    """Every row group of a file, decoded whole and as it lies there."""
    key, footer = stored.footer(rel)
    first = 0
    for group in range(len(footer.rows)):
        table = parquet.decode(
            stored.folder, rel, key, footer, np.array([group]), stored.schema.names
        )
        positions = _positions(stored, table)
        pixels = _pixels(stored, table, footer, positions)
        yield _Piece(stored, tile, footer, group, table, first, positions, pixels)
        first += table.num_rows


def _positions(
    stored: Stored, table: pa.Table
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    roles = stored.roles
    if roles.ra is None or roles.dec is None or roles.ra not in table.column_names:
        return None
    ra, dec = (
        table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        for name in (roles.ra, roles.dec)
    )
    return ra, dec


def _pixels(
    stored: Stored, table: pa.Table, footer: Footer, positions: Any
) -> NDArray[np.int64] | None:
    """The order-29 pixel that counts: the stored one, else the one of the position."""
    spatial = stored.spatial
    if spatial.exact:
        return parquet.integers(table.column(spatial.column), footer.path, str(spatial.column))
    if positions is None or not _usable(*positions).all():
        return None
    from skyquarry.sky import healpix

    return healpix.index(*positions)


def _usable(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isfinite(ra) & (np.abs(dec) <= 90.0)


def _check_limits(piece: _Piece) -> Iterator[tuple[str, Fault]]:
    """Whether the footer's limits of the spatial column hold the rows: searches rely on them."""
    if not piece.stored.spatial.exact or piece.pixels is None:
        return
    limits = piece.footer.limits(str(piece.stored.spatial.column))
    low, high = int(limits.low[piece.group]), int(limits.high[piece.group])
    beyond = (piece.pixels < low) | (piece.pixels > high)
    if limits.known[piece.group] and beyond.any():
        what = f"the footer limits row group {piece.group} to pixels {low} to {high}: rows beyond"
        yield "limits", _fault(piece, what, beyond)


def _check_piece(piece: _Piece, last: int | None) -> Iterator[tuple[str, Fault]]:
    if piece.positions is not None:
        bad = ~_usable(*piece.positions)
        if bad.any():
            yield "position", _fault(piece, "rows without a position on the sky", bad)
            return
    if piece.pixels is None or not len(piece.pixels):
        return
    yield from _check_limits(piece)
    yield from _check_order(piece, last)
    yield from _check_place(piece)
    if piece.positions is not None:
        yield from _check_pixel(piece)


def _check_order(piece: _Piece, last: int | None) -> Iterator[tuple[str, Fault]]:
    """Rows whose stored pixel is below that of the row before.

    Others write the rows of a margin as they find them, and no one promises otherwise.
    """
    if not piece.stored.spatial.exact or piece.pixels is None or not _ordered(piece.stored):
        return
    before = np.concatenate([[piece.pixels[0] if last is None else last], piece.pixels[:-1]])
    falls = piece.pixels < before
    if falls.any():
        name = piece.stored.spatial.column
        yield "order", _fault(piece, f"rows are not sorted by {name}", falls)


def _ordered(stored: Stored) -> bool:
    return stored.kind != "margin" or is_exact(stored)


def _check_place(piece: _Piece) -> Iterator[tuple[str, Fault]]:
    """Rows outside the tile, or for a margin, inside it."""
    stored, pixels = piece.stored, piece.pixels
    start, stop = stored.tiles.starts[piece.tile], stored.tiles.stops[piece.tile]
    inside = (pixels >= start) & (pixels < stop)
    if stored.kind == "margin" and inside.any():
        yield "place", _fault(piece, "rows of a margin lie inside the tile that it serves", inside)
    if stored.kind != "margin" and not inside.all():
        yield "place", _fault(piece, "rows lie outside their tile", ~inside)


def _check_pixel(piece: _Piece) -> Iterator[tuple[str, Fault]]:
    """Rows whose stored pixel is not that of ra and dec."""
    spatial = piece.stored.spatial
    if spatial.column is None or piece.positions is None or piece.pixels is None:
        return
    from skyquarry.sky import healpix

    stored = piece.table.column(spatial.column).to_numpy()
    wrong = healpix.index(*piece.positions, spatial.order) != stored
    if wrong.any() and spatial.exact:
        wrong[wrong] = _far(piece, wrong)
    if wrong.any():
        what = f"{spatial.column} is not the pixel of the position"
        yield "pixel", _fault(piece, what, wrong)


def _far(piece: _Piece, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of these rows, those farther from their pixel's centre than rounding explains.

    A pixel of order 29 is 0.4 mas wide. Positions in float64 must give it exactly; where ra is
    stored in float32, its step (0.11" at 360 degrees) is allowed, the pixel being older than that.
    """
    roles = piece.stored.roles
    if piece.stored.schema.field(str(roles.ra)).type != pa.float32():
        return np.ones(int(rows.sum()), bool)
    from skyquarry.sky import healpix
    from skyquarry.sky.vectors import separation_arcsec, to_xyz

    ra, dec = piece.positions or (np.empty(0), np.empty(0))
    pixels = piece.pixels if piece.pixels is not None else np.empty(0, np.int64)
    centre = to_xyz(*healpix.center(pixels[rows], 29))
    return separation_arcsec(to_xyz(ra[rows], dec[rows]), centre) > 0.15


def _fault(piece: _Piece, what: str, rows: NDArray[np.bool_]) -> Fault:
    shown = examples(piece.stored, piece.table, rows, piece.first_row)
    return Fault(piece.footer.path, what, shown)


def _count(pixels: NDArray[np.int64], sums: Sums) -> None:
    if sums.order is None:
        return
    cell, count = np.unique(pixels >> 2 * (29 - sums.order), return_counts=True)
    sums.cells.append(cell)
    sums.counts.append(count)


# ---------------------------------------------------------------------- counts
def check_counts(stored: Stored, sums: Sums) -> Iterator[Fault]:
    """Where `hats_nrows`, the statistics file or the sky map tell other counts than there are."""
    found = sum(sums.rows.values())
    if stored.n_rows != found:
        yield Fault(
            stored.folder.path(stored.place.file),
            f"hats_nrows is {stored.n_rows}, but the tiles hold {found} rows",
        )
    yield from _check_balance(stored, found)
    for tile, told in enumerate(stored.counted.rows.tolist()):
        if told != sums.rows[tile]:
            yield Fault(
                stored.folder.path(counts.STATISTICS_FILE),
                f"says that Norder={stored.tiles.order[tile]}/Npix={stored.tiles.pixel[tile]} "
                f"has {told} rows, but it has {sums.rows[tile]}",
            )
    yield from _check_map(stored, sums)


def _check_balance(stored: Stored, found: int) -> Iterator[Fault]:
    """Rows that a build took in, but neither stored nor set aside; and a lost table of rejects."""
    file = stored.folder.path(stored.place.file)
    keys = ("skyquarry_rows_in", "skyquarry_rows_rejected")
    taken, rejected = (props.as_integer(stored.properties, key, file) for key in keys)
    if taken is None or rejected is None or stored.kind not in {"object", "source"}:
        return
    if taken != found + rejected:
        what = f"{taken} rows went in, but {found} are stored and {rejected} were set aside"
        yield Fault(file, what)
    home = stored.folder.parent
    if rejected and stored.version:
        kept = int(footer_of(home, REJECTS)[1].rows.sum()) if home.exists(REJECTS) else 0
        if kept != rejected:
            what = f"holds {kept} rows, but {rejected} were set aside"
            yield Fault(home.path(REJECTS), what)


def _check_map(stored: Stored, sums: Sums) -> Iterator[Fault]:
    if stored.kind not in {"object", "source"} or (told := counts.read_map(stored)) is None:
        return
    if sums.order is None:
        return
    expected = counts.added(told[1] >> 2 * (told[0] - sums.order), told[2])
    empty = [np.empty(0, np.int64)]
    found = counts.added(np.concatenate(sums.cells or empty), np.concatenate(sums.counts or empty))
    if all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True)):
        return
    at = _first_difference(expected, found)
    yield Fault(
        stored.folder.path(next(name for name in counts.MAPS if stored.folder.exists(name))),
        f"says {at[1]} rows in the cell {at[0]} of order {sums.order}, where there are {at[2]}",
    )


def _first_difference(expected: Any, found: Any) -> tuple[int, int, int]:
    """(cell, told, there) of the first cell where two sparse maps differ."""
    told = dict(zip(*(part.tolist() for part in expected), strict=True))
    there = dict(zip(*(part.tolist() for part in found), strict=True))
    cells = sorted(set(told) | set(there))
    at = next(cell for cell in cells if told.get(cell, 0) != there.get(cell, 0))
    return at, told.get(at, 0), there.get(at, 0)
