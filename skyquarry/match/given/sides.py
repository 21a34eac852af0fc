"""What is matched: a side gives rows along the sky, from a catalogue on disk or a table in memory.

A side is asked twice. Planning asks where its rows lie (`tiles`) and makes a *fetch*, which says
what of it one task needs and travels to a worker; the task asks the fetch for the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.match.given.ordering import settled, sky_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Roles
    from skyquarry.catalog.tiles import Tiles
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]

ROW = "_row"
"""A column that every table in memory can be asked for: the row's number as it was given."""


class Side(Protocol):
    """One of the catalogues of a match."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def roles(self) -> Roles:
        """Which column is what: ra and dec are ICRS degrees, and there is always an id."""

    @property
    def schema(self) -> pa.Schema:
        """The columns that it can hand out, `_healpix_29` left out."""

    def release(self) -> None:
        """Forget what was loaded of a table, as far as it can be loaded again."""

    @property
    def tiles(self) -> Tiles:
        """Where its rows lie, and about how many."""

    @property
    def density(self) -> Tiles:
        """The same in finer cells, where that can be told: how many pairs there will be."""

    @property
    def crowding(self) -> Tiles:
        """The same in cells as fine as can be told at some cost; where none is, there is no row."""

    @property
    def n_rows(self) -> int:
        """How many rows it has, about, those without a position included."""

    @property
    def n_placeless(self) -> int:
        """How many rows are known to have no usable position; 0 where only reading tells."""

    @property
    def set_aside(self) -> dict[str, int]:
        """Why, and how many."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of how it was understood."""

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows."""

    @property
    def in_memory(self) -> bool:
        """Whether its rows are at hand: what lies where is known before any task."""

    @property
    def in_small_groups(self) -> bool:
        """Whether a part of a tile costs no more to read than that part."""

    def prepare(self, columns: Sequence[str]) -> None:
        """Load what of these columns has to be loaded at once."""

    def fetch(self, ranges: Ranges | None, columns: Sequence[str]) -> Fetch:
        """How a task gets the rows within these ranges, all of the sky where None."""

    def fetch_around(
        self, core: Ranges, arcsec: float, columns: Sequence[str], *, ahead: bool = False
    ) -> Fetch:
        """How a task gets the rows of a part of the sky and of all within `arcsec` of it.

        Rows further away may be among them; with `ahead`, none that comes before the part.
        """

    def read(self, ranges: Ranges | None, columns: Sequence[str]) -> pa.Table:
        """The rows within these ranges, sorted by `_healpix_29`, then id, then as they came."""


class Fetch(Protocol):
    """What of a side one task needs; pickles to what a worker needs."""

    def __bool__(self) -> bool:
        """Whether there can be any row."""

    def rows(self) -> Fetched:
        """The rows."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows of a side, along the sky."""

    table: pa.Table
    """The columns asked for."""
    pixels: Ints
    """(n,) order-29 pixels, ascending; 12 * 4**29 for rows without a usable position."""
    order: Ints | None
    """(n,) the row of `table` that each pixel belongs to; None: they are in that order."""
    exact: bool = True
    """Whether each pixel is surely that of its row's position: of other writers' it is not."""

    def column(self, name: str) -> NDArray[np.generic]:
        """The values of a column of numbers, in the order of the sky."""
        values = to_numpy(self.table.column(name))
        return values if self.order is None else values[self.order]

    def rows_of(self, index: Ints) -> Ints:
        """Rows of `table` of places along the sky."""
        return index if self.order is None else self.order[index]

    def sorted(self) -> pa.Table:
        """The table in the order of the sky."""
        return self.table if self.order is None else self.table.take(from_numpy(self.order))


def along_the_sky(
    main: pa.Table, more: pa.Table | None, id_column: str, *, exact: bool = True
) -> Fetched:
    """Two tables with `_healpix_29` as one: `main` sorted or nearly so, `more` few rows."""
    import pyarrow as pa

    pixels = to_numpy(main.column(SPATIAL))
    order = None
    if not bool((pixels[1:] >= pixels[:-1]).all()):
        order = sky_order(pixels)
        pixels = pixels[order]
    if more is not None and more.num_rows:
        more = more.take(from_numpy(sky_order(to_numpy(more.column(SPATIAL)))))
        before = _before(pixels, to_numpy(more.column(SPATIAL))) if order is None else None
        if before is None:
            pixels, order = _with_more(pixels, order, to_numpy(more.column(SPATIAL)))
            main = pa.concat_tables([main, more])
        else:
            main = pa.concat_tables([more.slice(0, before), main, more.slice(before)])
            pixels = to_numpy(main.column(SPATIAL))
    return Fetched(main, pixels, settled(pixels, main.column(id_column), order), exact)


def _before(pixels: Ints, more: Ints) -> int | None:
    """How many of the others come before all sorted pixels, if the rest come behind them all."""
    first = int(np.searchsorted(more, pixels[0])) if len(pixels) else 0
    return first if not len(pixels) or first == np.searchsorted(more, pixels[-1]) else None


def _with_more(pixels: Ints, order: Ints | None, more: Ints) -> tuple[Ints, Ints]:
    """Sorted pixels with few sorted others put in; where each stands in the two tables together."""
    n = len(pixels)
    at = np.searchsorted(pixels, more, side="right")
    rows = np.arange(n, dtype=np.int64) if order is None else order
    return np.insert(pixels, at, more), np.insert(rows, at, n + np.arange(len(more)))
