"""Cells that a map counts in: of HEALPix, of HTM, of a grid of right ascension and declination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.asked import real_number, whole_number
from skyquarry.errors import UserError, one_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Scheme = Literal["healpix", "htm", "grid"]
_FINEST = {"healpix": 29, "htm": 24}
_FINEST_DEG = 1e-6
"""Such cells number less than 2^63."""


class Cells(Protocol):
    """A way to divide the sky."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What has to be read of a row."""

    def of(self, table: pa.Table) -> Ints:
        """(n,) the cell of each row."""

    def centers(self, cells: Ints) -> tuple[Floats, Floats]:
        """(n,) right ascensions and declinations in degrees."""

    def words(self) -> str:
        """Which cells they are."""


def cells_of(catalog: Catalog, scheme: Scheme, order: Any, step_deg: float | None) -> Cells:
    """The cells that `cell_statistics` asks for. Raises UserError."""
    one_of("scheme", scheme, ("healpix", "htm", "grid"))
    if (step_deg is not None) != (scheme == "grid"):
        raise UserError(
            f"step_deg is {step_deg!r} with scheme={scheme!r}, but a grid needs one, and no other "
            'scheme has any: try scheme="grid", step_deg=1, or order=6'
        )
    if step_deg is not None:
        step = real_number(step_deg)
        if step is None or not _FINEST_DEG <= step <= 90.0:
            raise UserError(
                f"step_deg is {step_deg!r}, but a grid has steps of {_FINEST_DEG} to 90 degrees: "
                "try step_deg=1"
            )
        return Grid(*catalog.source.position_columns("a map"), step)
    level = whole_number(order)
    if level is None or not 0 <= level <= _FINEST[scheme]:
        raise UserError(
            f"order is {order!r}, but cells of {scheme} are of 0 to {_FINEST[scheme]}: try 6"
        )
    if scheme == "htm":
        return Trixels(*catalog.source.position_columns("a map"), level)
    return Pixels(level)


@dataclass(frozen=True, slots=True)
class Pixels:
    """HEALPix cells, nested."""

    order: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The pixel of order 29, by which rows are sorted."""
        return (SPATIAL,)

    def of(self, table: pa.Table) -> Ints:
        """The pixel of this order that each row lies in."""
        found: Ints = to_numpy(table[SPATIAL]) >> 2 * (29 - self.order)
        return found

    def centers(self, cells: Ints) -> tuple[Floats, Floats]:
        """Those of the pixels."""
        from skyquarry.sky import healpix

        return healpix.center(cells, self.order)

    def words(self) -> str:
        """Scheme and order."""
        return f"healpix, order {self.order}"


@dataclass(frozen=True, slots=True)
class Trixels:
    """HTM trixels, with SkyServer's ids."""

    ra: str
    dec: str
    level: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The position."""
        return self.ra, self.dec

    def of(self, table: pa.Table) -> Ints:
        """The trixel of this level that each row lies in."""
        from skyquarry.sky import htm

        return htm.index_radec(to_numpy(table[self.ra]), to_numpy(table[self.dec]), self.level)

    def centers(self, cells: Ints) -> tuple[Floats, Floats]:
        """Those of the trixels."""
        from skyquarry.sky import htm
        from skyquarry.sky.vectors import to_radec

        return to_radec(htm.center(cells))

    def words(self) -> str:
        """Scheme and level."""
        return f"htm, order {self.level}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps of right ascension from 0h on and of declination from the south pole on.

    A cell is its row times the columns of a row, and its column. Where steps do not come out even,
    the last column and the last row are narrower.
    """

    ra: str
    dec: str
    step: float

    @property
    def columns(self) -> tuple[str, ...]:
        """The position."""
        return self.ra, self.dec

    @property
    def _wide(self) -> int:
        return int(np.ceil(360.0 / self.step))

    @property
    def _high(self) -> int:
        return int(np.ceil(180.0 / self.step))

    def of(self, table: pa.Table) -> Ints:
        """Row and column in one number."""
        ra, dec = (np.asarray(to_numpy(table[name]), np.float64) for name in self.columns)
        column = np.minimum((ra % 360.0) // self.step, self._wide - 1)
        row = np.minimum((dec + 90.0) // self.step, self._high - 1)
        return row.astype(np.int64) * self._wide + column.astype(np.int64)

    def centers(self, cells: Ints) -> tuple[Floats, Floats]:
        """Half way between the edges."""
        row, column = np.divmod(cells, self._wide)
        east = np.minimum((column + 1) * self.step, 360.0)
        north = np.minimum((row + 1) * self.step, 180.0)
        return (column * self.step + east) / 2.0, (row * self.step + north) / 2.0 - 90.0

    def words(self) -> str:
        """The step."""
        return f"grid, {self._wide} columns of {self.step:g} degrees"
