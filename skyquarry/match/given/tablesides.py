"""A table in memory, or a file of any format, as a side of a match: sorted at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, taken, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.parquet import rows_in
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.errors import ColumnError
from skyquarry.match.given.ordering import settled, sky_order
from skyquarry.match.given.sides import ROW, Fetched
from skyquarry.sky import healpix
from skyquarry.sky.dilation import ahead_of, dilated
from skyquarry.sky.ranges import MAX_ORDER, N_PIXELS, Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Roles
    from skyquarry.catalog.tiles import Tiles

    Ints = NDArray[np.int64]

NOWHERE = Ranges([N_PIXELS], [N_PIXELS + 1])
"""Where rows without a usable position are kept: one past the last pixel of the sky."""
TILE_ROWS = 131_072
_COUNT_ORDER = 11
_DENSITY_CELLS, _DENSITY_ROWS = 4_096, 64


class Columns(Protocol):
    """A table whose columns are read when they are asked for, rows in the order of the input."""

    @property
    def schema(self) -> pa.Schema:
        """The columns that it has."""

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""

    def read(self, columns: Sequence[str]) -> pa.Table:
        """These columns."""


@dataclass(frozen=True)
class Held:
    """A table that is in memory."""

    table: pa.Table

    @property
    def schema(self) -> pa.Schema:
        """The columns that it has."""
        return self.table.schema

    @property
    def fingerprint(self) -> str:
        """A hash of every value."""
        return content_mark(self.table)

    def read(self, columns: Sequence[str]) -> pa.Table:
        """These columns."""
        return self.table.select(list(columns))


class TableSide:
    """A table with positions in ICRS degrees, as a side.

    Parameters
    ----------
    table
        An Arrow table, or `Columns`.
    roles
        Which column is what; without an id, the row's number is the id (`_row`).
    name
        What the side is called.
    notes
        What is worth knowing of how it was understood.

    Rows whose position is null, NaN, infinite, or beyond |dec| = 90 are kept, but lie nowhere.
    """

    in_memory = True
    in_small_groups = True

    def __init__(
        self, table: pa.Table | Columns, roles: Roles, name: str, notes: tuple[str, ...] = ()
    ) -> None:
        self.source: Columns = Held(table) if isinstance(table, pa.Table) else table
        self.name = name
        self.notes = notes
        if roles.ra is None or roles.dec is None:
            raise ColumnError(
                f"the roles of {name} name no ra and dec, but a match needs positions: give them, "
                'as in (table, {"ra": "ra", "dec": "dec"})'
            )
        self.roles = roles if roles.id is not None else replace(roles, id=ROW)
        self._loaded: dict[str, pa.ChunkedArray] = {}

    def __repr__(self) -> str:
        return f"TableSide {self.name!r}"

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns that it can hand out."""
        schema = self.source.schema
        if SPATIAL in schema.names:
            schema = schema.remove(schema.get_field_index(SPATIAL))
        return schema

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""
        return self.source.fingerprint

    # ------------------------------------------------------------ loading
    def prepare(self, columns: Sequence[str]) -> None:
        """Load these columns, those of positions and the id among them, and sort."""
        self._load(columns)
        _ = self.placed

    def _load(self, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """All columns that are loaded, these and those of positions and the id among them."""
        own = [self.roles.ra, self.roles.dec, self.roles.id, *columns]
        wanted = dict.fromkeys(str(name) for name in own if name not in (ROW, SPATIAL))
        loaded = self._loaded
        missing = [name for name in wanted if name not in loaded]
        if missing:
            parts = self.source.read(missing).columns[::-1]
            for name in missing:  # one after the other, so that the pieces of one are free again
                loaded[name] = _as_one(parts.pop())
        return loaded

    def release(self) -> None:
        """Forget the columns that were loaded: they are loaded again where they are asked for."""
        self._loaded = {}
        pa.default_memory_pool().release_unused()

    @cached_property
    def placed(self) -> Placed:
        """Where the rows lie."""
        loaded = self._load(())
        ra, dec = (_floats(loaded[str(n)]) for n in (self.roles.ra, self.roles.dec))
        pixels, set_aside = _pixels(ra, dec)
        order = sky_order(pixels)
        pixels = pixels[order]
        settling = None
        if self.roles.id != ROW:
            settling = settled(pixels, loaded[str(self.roles.id)], order)
        return Placed(pixels, order if settling is None else settling, set_aside)

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.placed.order)

    @property
    def n_placeless(self) -> int:
        """How many rows have no usable position."""
        return self.n_rows - self.placed.usable

    @property
    def set_aside(self) -> dict[str, int]:
        """Why, and how many."""
        return dict(self.placed.set_aside)

    @cached_property
    def tiles(self) -> Tiles:
        """Cells of 131,072 rows at most, as if it were a catalogue: the pieces of a run."""
        return self._tiles_of(TILE_ROWS)

    @cached_property
    def density(self) -> Tiles:
        """The same in some thousands of cells."""
        return self._tiles_of(max(self.placed.usable // _DENSITY_CELLS, _DENSITY_ROWS))

    @property
    def crowding(self) -> Tiles:
        """The same: its cells are as fine as can be told."""
        return self.density

    def _tiles_of(self, max_rows: int) -> Tiles:
        leaves = tiles_from_counts(*self._counts, _COUNT_ORDER, max_rows)
        return leaves.take(leaves.rows > 0)

    @cached_property
    def _counts(self) -> tuple[Ints, Ints]:
        """Cells with rows, and how many."""
        cells = self.placed.pixels[: self.placed.usable] >> 2 * (MAX_ORDER - _COUNT_ORDER)
        first = np.flatnonzero(cells[1:] != cells[:-1]) + 1
        first = np.concatenate([np.zeros(min(len(cells), 1), np.int64), first])
        return cells[first], np.append(first[1:], len(cells)) - first

    def values(self, column: str) -> NDArray[np.float64]:
        """The values of a column of numbers, as the table has them; null as NaN."""
        return _floats(self._load((column,))[column])

    # ------------------------------------------------------------ reading
    def places(self, ranges: Ranges | None) -> slice | Ints:
        """Which places along the sky lie in the ranges; those of rows that lie nowhere for None."""
        if ranges is None:
            return slice(0, self.n_rows)
        return rows_in(self.placed.pixels, ranges)

    def pixels_in(self, ranges: Ranges) -> Ints:
        """The sorted pixels of its rows within the ranges."""
        return self.placed.pixels[self.places(ranges)]

    def fetch(self, ranges: Ranges | None, columns: Sequence[str]) -> TableFetch:
        """How a task gets the rows within these ranges."""
        return TableFetch(self, ranges, tuple(columns))

    def fetch_around(
        self, core: Ranges, arcsec: float, columns: Sequence[str], *, ahead: bool = False
    ) -> TableFetch:
        """How a task gets the rows of a part of the sky and all within `arcsec` of it."""
        grown = dilated(core, arcsec) if arcsec > 0 else core
        return self.fetch(grown & ahead_of(core) if ahead else grown, columns)

    def rows(self, ranges: Ranges | None, columns: Sequence[str]) -> Fetched:
        """The rows within these ranges, along the sky."""
        loaded = self._load(columns)
        places = self.places(ranges)
        order, pixels = self.placed.order[places], self.placed.pixels[places]
        made: list[Any] = []
        for name in columns:
            if name in (SPATIAL, ROW):
                made.append(from_numpy(pixels if name == SPATIAL else order))
            else:
                made.append(taken(loaded[name], order))
        return Fetched(pa.table(made, schema=self._schema_of(columns)), pixels, None)

    def read(self, ranges: Ranges | None, columns: Sequence[str]) -> pa.Table:
        """The rows within these ranges, sorted by `_healpix_29`, then id, then as they came.

        Rows that lie nowhere are among them where `ranges` is None.
        """
        return self.rows(ranges, columns).table

    def _schema_of(self, columns: Sequence[str]) -> pa.Schema:
        ours = {name: pa.field(name, pa.int64()) for name in (SPATIAL, ROW)}
        return pa.schema([ours.get(name) or self.schema.field(name) for name in columns])


@dataclass(frozen=True, slots=True)
class Placed:
    """A table's rows along the sky."""

    pixels: Ints
    """(n,) ascending; `N_PIXELS` for rows that lie nowhere"""
    order: Ints
    """(n,) row of the table"""
    set_aside: tuple[tuple[str, int], ...]
    """why rows lie nowhere, and how many"""

    @property
    def usable(self) -> int:
        """How many rows lie somewhere: the first ones."""
        return int(np.searchsorted(self.pixels, N_PIXELS))


@dataclass(frozen=True, slots=True)
class TableFetch:
    """What of a table a task needs; only that travels to another process."""

    side: TableSide
    ranges: Ranges | None
    columns: tuple[str, ...]

    def __bool__(self) -> bool:
        places = self.side.places(self.ranges)
        return bool(places.stop > places.start) if isinstance(places, slice) else len(places) > 0

    def rows(self) -> Fetched:
        """The rows, along the sky."""
        return self.side.rows(self.ranges, self.columns)

    def __reduce__(self) -> tuple[Any, ...]:
        return Arrived, (self.rows(),)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A part of a table that has travelled to another process."""

    fetched: Fetched

    def __bool__(self) -> bool:
        return bool(self.fetched.table.num_rows > 0)

    def rows(self) -> Fetched:
        """The rows, along the sky."""
        return self.fetched


def _as_one(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in one piece, where an array can be so long."""
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.ChunkedArray) else pa.chunked_array([whole])


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column of numbers as float64, null as NaN. Raises ColumnError for other kinds."""
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise ColumnError(
            f"a position column holds {kind}, but numbers are needed: name other columns with "
            '{"ra": ..., "dec": ...}'
        )
    return np.asarray(to_numpy(column), np.float64)


def _pixels(
    ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> tuple[Ints, tuple[tuple[str, int], ...]]:
    """Order-29 pixels, `N_PIXELS` where there is no usable position, and why not, counted."""
    finite = np.isfinite(ra) & np.isfinite(dec)
    good = finite & (np.abs(dec) <= 90.0)
    if good.all():
        return healpix.index(ra, dec), ()
    infinite = np.isinf(ra) | np.isinf(dec)
    why = {
        "no position (null or NaN)": int((~finite & ~infinite).sum()),
        "position is infinite": int(infinite.sum()),
        "|dec| > 90": int((finite & ~good).sum()),
    }
    pixels = np.full(len(ra), N_PIXELS, np.int64)
    pixels[good] = healpix.index(ra[good], dec[good])
    return pixels, tuple((reason, rows) for reason, rows in why.items() if rows)


def content_mark(table: pa.Table) -> str:
    """A hash of every value of a table."""
    digest = hashlib.sha256()

    class Hashing:
        closed = False

        def write(self, block: Any) -> int:
            digest.update(block)
            return len(block)

        def flush(self) -> None:
            pass

        def close(self) -> None:
            pass

    with pa.ipc.new_stream(Hashing(), table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return digest.hexdigest()
