"""A cone at another epoch: stars are moved along their great circles before they are tested.

Proper motion alone moves a star here (`sky.motion`, on unit vectors, exact near the poles); a row
without one stays where it is. The search is widened by the largest motion that the statistics of
each tile admit, so that no fast star is missed; the test of each row is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.errors import ColumnError, PositionError
from skyquarry.sky.regions import Cone
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.catalog.roles import Motion, Roles
    from skyquarry.engine.source import Source

    Floats = NDArray[np.float64]

RA_AT_EPOCH, DEC_AT_EPOCH = "ra_at_epoch", "dec_at_epoch"
_WHOLE_SKY_ARCSEC = 648_000.0


@dataclass(frozen=True, slots=True)
class MovedCone:
    """The rows in a cone at an epoch; `ra_at_epoch`, `dec_at_epoch` are added."""

    cone: Cone
    epoch_jyear: float

    @property
    def columns(self) -> tuple[str, str]:
        """The columns that it adds."""
        return RA_AT_EPOCH, DEC_AT_EPOCH

    @property
    def fields(self) -> list[pa.Field]:
        """The fields of those columns."""
        told = f"ICRS position at epoch J{self.epoch_jyear:g}"
        return [
            pa.field(name, pa.float64(), metadata={"unit": "deg", "description": told})
            for name in self.columns
        ]

    def needed(self, roles: Roles) -> list[str]:
        """The columns that moving a row needs."""
        motion, epoch = roles.motion, roles.epoch
        names = [roles.ra, roles.dec, motion and motion.pmra, motion and motion.pmdec]
        return [name for name in [*names, epoch and epoch.column] if name]

    def choose(self, table: pa.Table, roles: Roles) -> pa.Table:
        """The rows that lie in the cone at the epoch, with their positions then."""
        ra, dec = self.positions(table, roles)
        mask = self.cone.contains(to_xyz(ra, dec))
        for field, values in zip(self.fields, (ra, dec), strict=True):
            table = table.append_column(field, pa.array(values))
        return table if mask.all() else table.filter(pa.array(mask))

    def positions(self, table: pa.Table, roles: Roles) -> tuple[Floats, Floats]:
        """(n,) right ascensions and declinations at the epoch, degrees."""
        from skyquarry.sky.motion import propagate

        ra, dec = _numbers(table, roles.ra), _numbers(table, roles.dec)
        motion = roles.motion
        assert motion is not None
        pmra, pmdec = (_numbers(table, n) * motion.to_masyr for n in (motion.pmra, motion.pmdec))
        if not motion.cos_dec:
            pmra = pmra * np.cos(np.radians(dec))
        unknown = np.isnan(pmra) | np.isnan(pmdec)
        pmra, pmdec = np.where(unknown, 0.0, pmra), np.where(unknown, 0.0, pmdec)
        moved: tuple[Floats, Floats] = propagate(ra, dec, pmra, pmdec, self.years(table, roles))
        return moved

    def years(self, table: pa.Table, roles: Roles) -> Floats:
        """(n,) years from each row's epoch to the asked one; 0 where a row has none."""
        epoch = roles.epoch
        assert epoch is not None
        if epoch.column is None:
            return np.full(table.num_rows, self.epoch_jyear - float(epoch.jyear or 0.0))
        column = table.column(epoch.column)
        if epoch.format == "iso":
            values = column.cast(pa.timestamp("us")).to_numpy()
        else:
            values = _numbers(table, epoch.column)
        years: Floats = self.epoch_jyear - epoch.jyears(values)
        return np.nan_to_num(years, nan=0.0)

    def widened(self, reach_arcsec: float) -> Cone:
        """The cone that holds, as stored, every star that can be in this one."""
        # A hair more than the sum: the product of motion and years is rounded.
        radius = self.cone.radius_arcsec + reach_arcsec * (1 + 1e-9) + 1e-6
        centre = self.cone.cap.pole
        ra = math.degrees(math.atan2(centre[1], centre[0])) % 360.0
        dec = math.degrees(math.atan2(centre[2], math.hypot(centre[0], centre[1])))
        return Cone(ra, dec, min(radius, _WHOLE_SKY_ARCSEC))

    def reach_arcsec(self, source: Source) -> Floats:
        """(tiles,) how far a star of each tile can move until the epoch."""
        motion, epoch = source.roles.motion, source.roles.epoch
        assert motion is not None
        assert epoch is not None
        fastest = np.hypot(_largest(source, motion.pmra), _largest(source, motion.pmdec))
        years = abs(self.epoch_jyear - epoch.jyear) if epoch.jyear is not None else 0.0
        span = np.full(len(fastest), years)
        if epoch.column is not None:
            for there in _epochs(source, epoch):
                span = np.maximum(span, np.abs(self.epoch_jyear - there))
        reach: Floats = fastest * (motion.to_masyr / 1000.0) * span
        return reach


def check_motion(roles: Roles, name: str, epoch: Any) -> Motion:
    """The motion role; errors where stars of the catalogue cannot be moved to the epoch."""
    known = isinstance(epoch, Real) and not isinstance(epoch, bool)
    year = float(epoch) if known else math.nan
    if not math.isfinite(year) or abs(year) > 1e5:
        raise PositionError(
            f"epoch is {epoch!r}, but a Julian year is needed, as 2016.0: try epoch=2000"
        )
    if roles.motion is None:
        raise ColumnError(
            f"epoch is {year:g}, but {name} says of no column that it is a proper motion, and "
            "stars cannot be moved without: leave epoch out, or build with a survey that names "
            "pmra and pmdec"
        )
    if roles.epoch is None:
        raise ColumnError(
            f"epoch is {year:g}, but {name} does not say at which epoch its positions hold: leave "
            "epoch out, or build with a survey that names one"
        )
    return roles.motion


def _numbers(table: pa.Table, name: str | None) -> Floats:
    """A column as float64, null as NaN."""
    values: Floats = table.column(name).cast(pa.float64()).to_numpy()
    return values


def _largest(source: Source, name: str) -> Floats:
    """(tiles,) the largest absolute value of a column in each tile."""
    low, high = source.limits(name)
    return np.maximum(np.abs(low), np.abs(high))


def _epochs(source: Source, epoch: Any) -> tuple[Floats, Floats]:
    """(tiles,) the first and last epoch of each tile, Julian years."""
    low, high = source.limits(epoch.column)
    if epoch.format == "iso":
        low, high = (values.astype("datetime64[us]") for values in (low, high))
    return epoch.jyears(low), epoch.jyears(high)
