"""What the engine keeps of an opened catalogue, shared by every cut: names, counts, limits."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog import columns as columns_of
from skyquarry.catalog.arrow import pc
from skyquarry.catalog.columns import SPATIAL
from skyquarry.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Roles
    from skyquarry.catalog.stored import Stored
    from skyquarry.catalog.tiles import Tiles
    from skyquarry.engine.tilestats import TileStatistics

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_FEW_TILES = 256


class Source:
    """A `Stored` catalogue with what planning asks of it, worked out once."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._limits: dict[str, tuple[Floats, Floats]] = {}
        self._groups: dict[int, tuple[Ints, Ints]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Source, (self.stored,)  # what was worked out may hold open files

    def groups(self, tile: int) -> tuple[Ints, Ints]:
        """The lowest and highest pixel of each row group of a tile."""
        if tile not in self._groups:
            found = self.stored.row_groups(tile)
            self._groups[tile] = (found.low, found.high)
        return self._groups[tile]

    @cached_property
    def roles(self) -> Roles:
        """Which column is what."""
        return self.stored.roles

    @cached_property
    def tiles(self) -> Tiles:
        """The tiles, rows and bytes where known without further reading."""
        return self.stored.tiles

    @cached_property
    def finest(self) -> int:
        """The highest order of its tiles."""
        return int(self.tiles.order.max(initial=0))

    @cached_property
    def schema(self) -> pa.Schema:
        """Every column that can be asked for: the stored ones, and `_healpix_29` in any case."""
        schema = self.stored.schema
        if SPATIAL in schema.names:
            return schema
        return schema.append(pa.field(SPATIAL, pa.int64()))

    @cached_property
    def default_columns(self) -> tuple[str, ...]:
        """Handed out unless columns are named: the catalogue's choice, less `_healpix_29`."""
        return tuple(name for name in self.stored.default_columns if name != SPATIAL)

    @cached_property
    def _exact(self) -> frozenset[str]:
        names = self.schema.names
        return frozenset(name for name in names if names.count(name) == 1)

    def resolve(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns that a user calls so; ColumnError names what is near, or both that fit."""
        names = _list_of_names(names)
        return tuple(
            name if name in self._exact else columns_of.resolve(self.schema, name) for name in names
        )

    def position_columns(self, purpose: str) -> tuple[str, str]:
        """The names of ra and dec; ColumnError where the table has no positions."""
        if self.roles.ra is None or self.roles.dec is None:
            raise ColumnError(
                f"{purpose} needs positions, but {self.stored.name} ({self.stored.kind}) has no "
                "columns for them: use where(...), or search its primary table"
            )
        return self.roles.ra, self.roles.dec

    @property
    def identity(self) -> str:
        """What tells this version of the catalogue from any other."""
        return self.stored.identity

    @property
    def edition(self) -> str:
        """Where it lies, and which version: files of the same paths were of another before."""
        return f"{self.stored.folder.root} {self.identity}"

    @property
    def rows_identity(self) -> str:
        """The same for versions that have the same rows at the same places."""
        return self.stored.rows_identity

    # ------------------------------------------------------------ counts
    @cached_property
    def statistics(self) -> TileStatistics:
        """What the file of per-tile statistics tells."""
        from skyquarry.engine.tilestats import TileStatistics

        return TileStatistics(self.stored)

    @cached_property
    def rows(self) -> Ints:
        """(tiles,) rows of each tile; where only their sum is known, shared out by area."""
        told = self._told_rows
        if (told >= 0).all():
            return told
        rest = max(self.stored.n_rows - int(np.maximum(told, 0).sum()), 0)
        area = np.where(told < 0, (self.tiles.stops - self.tiles.starts).astype(np.float64), 0.0)
        return np.where(told < 0, np.rint(rest * (area / area.sum())).astype(np.int64), told)

    @cached_property
    def rows_are_exact(self) -> bool:
        """Whether `rows` are counts, and not an estimate."""
        return bool((self._told_rows >= 0).all())

    @cached_property
    def _told_rows(self) -> Ints:
        """(tiles,) rows by one small file, or the footers of a few tiles; -1 where unknown."""
        if (self.tiles.rows >= 0).all():
            return self.tiles.rows
        flat = (f"{name}::row_count" for name in self.stored.schema.names)
        told = next((t for n in flat if (t := self.statistics.total(n)) is not None), None)
        if told is not None and (told >= 0).all():
            return told
        return self.stored.counted.rows if len(self.tiles) <= _FEW_TILES else self.tiles.rows

    def bytes_of(self, columns: Iterable[str]) -> Floats:
        """(tiles,) bytes on disk of these columns; where they are not told, by typical widths."""
        names = [name for name in dict.fromkeys(columns) if name in self.stored.schema.names]
        told = [self.statistics.total(f"{name}::disk_bytes") for name in names]
        guessed = sum(
            self._width(name) for name, sizes in zip(names, told, strict=True) if sizes is None
        )
        found: Floats = np.asarray(self.rows * float(guessed), np.float64)
        for sizes in told:
            if sizes is not None:
                found += np.maximum(sizes, 0)
        return found

    def _width(self, name: str) -> float:
        """Bytes that a value takes on disk, about: half of what it takes in memory."""
        try:
            return float(self.stored.schema.field(name).type.bit_width) / 16.0
        except ValueError:
            return 12.0

    # ------------------------------------------------------------ limits
    def told_limits(self, name: str) -> tuple[Floats, Floats] | None:
        """(tiles,) lowest and highest value of a column of numbers, by the statistics file alone.

        NaN where it does not say; None where there is no such file, column or number.
        """
        if name not in self.stored.schema.names or not self._is_number(name):
            return None
        return self.statistics.limits(name)

    def limits(self, name: str) -> tuple[Floats, Floats]:
        """(tiles,) lowest and highest value of a column of numbers; 0 where a tile has none.

        By the statistics file; tiles of which it says nothing are asked themselves.
        """
        if name not in self._limits:
            self._limits[name] = self._asked_limits(name)
        return self._limits[name]

    def _asked_limits(self, name: str) -> tuple[Floats, Floats]:
        told = self.told_limits(name)
        low, high = told or (np.full(len(self.tiles), np.nan), np.full(len(self.tiles), np.nan))
        for tile in np.flatnonzero(np.isnan(low) | np.isnan(high)).tolist():
            low[tile], high[tile] = self._limits_of_tile(tile, name)
        return low, high

    def _limits_of_tile(self, tile: int, name: str) -> tuple[float, float]:
        footers = [self.stored.footer(rel)[1] for rel in self.stored.files(tile)]
        limits = [footer.limits(name) for footer in footers if name in footer.leaves]
        if self._is_number(name) and limits and all(told.known.all() for told in limits):
            low = min(float(told.low.min()) for told in limits if len(told.low))
            high = max(float(told.high.max()) for told in limits if len(told.high))
            return low, high
        found = pc.min_max(self.stored.read(tile, [name]).column(name).cast(pa.float64())).as_py()
        return found["min"] or 0.0, found["max"] or 0.0

    def _is_number(self, name: str) -> bool:
        kind = self.stored.schema.field(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def admitted(self, bounds: dict[str, tuple[Any, Any]]) -> NDArray[np.bool_]:
        """(tiles,) bool: tiles whose statistics do not rule the bounds out."""
        keep = np.ones(len(self.tiles), bool)
        for name, (low, high) in bounds.items():
            if not isinstance(low, int | float | None) or not isinstance(high, int | float | None):
                continue
            told = self.told_limits(name)
            if told is None:
                continue
            # Integers beyond 2**53 were rounded on their way to float64: one step of doubt.
            least, most = np.nextafter(told[0], -np.inf), np.nextafter(told[1], np.inf)
            if low is not None:
                keep &= ~(most < low)
            if high is not None:
                keep &= ~(least > high)
        return keep


def _list_of_names(names: Any) -> list[str]:
    """The names; ColumnError where they are no list of texts."""
    some = list(names) if hasattr(names, "__iter__") and not isinstance(names, str) else None
    if some is None or not all(isinstance(name, str) for name in some):
        raise ColumnError(
            f"the columns are {names!r:.60}, but a list of names is needed: try ['ra', 'dec']"
        )
    return some
