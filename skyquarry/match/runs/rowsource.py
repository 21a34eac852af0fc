"""Where the rows of a patch come from: held in memory where they fit, else read patch by patch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.memory import give_back
from skyquarry.engine.run import run_tasks
from skyquarry.match.given.compacting import compact, pieces, spread
from skyquarry.match.given.reading import Rejects, needed_columns, rows_of
from skyquarry.match.given.sides import ROW
from skyquarry.match.priors.fields import Counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.engine.executors import Where
    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.reading import ErrorPolicy
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.given.sides import Side
    from skyquarry.sky.footprint import Footprint
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]

RESIDENT_ROWS = 8_000_000
"""Up to so many rows, of all catalogues together, are read once and kept."""
PATCH_ORDER = 8
"""Patches are cells of this order, or of coarser ones."""


class RowSource(Protocol):
    """Rows of each catalogue of a match, by part of the sky; it travels to workers."""

    @property
    def is_at_hand(self) -> bool:
        """Whether rows are in memory: to ask for them once more costs little."""

    def rows(self, number: int, ranges: Ranges | None) -> Rows:
        """The rows of catalogue `number` within the ranges, along the sky; all where None."""

    def read(self, number: int, ranges: Ranges | None) -> tuple[Rows, Rejects]:
        """The same as catalogued, and what reading them sets aside."""

    def counts(self) -> list[Counts]:
        """About how many rows of each catalogue each cell of order 8 holds."""

    def calibrated(self, calibration: Calibration) -> RowSource:
        """The same rows as the evidence should see them."""


@dataclass(frozen=True)
class Streamed:
    """Rows read from their catalogues whenever they are asked for."""

    sides: tuple[Side, ...]
    policies: tuple[ErrorPolicy, ...]
    calibration: Calibration | None = None

    is_at_hand = False

    def rows(self, number: int, ranges: Ranges | None) -> Rows:
        """The rows of one catalogue within the ranges."""
        rows, _ = self.read(number, ranges)
        return rows if self.calibration is None else self.calibration.apply(rows, number)

    def read(self, number: int, ranges: Ranges | None) -> tuple[Rows, Rejects]:
        """The rows as catalogued, and what was set aside on the way."""
        return self._rows_of(number, self._table(number, ranges))

    def read_whole(self, number: int) -> tuple[Rows, Rejects]:
        """All rows of one catalogue, to be kept: in as little memory as goes."""
        table = self._table(number, None)
        self.sides[number].release()
        rows, rejects = self._rows_of(number, table)
        return compact(rows), rejects

    def _table(self, number: int, ranges: Ranges | None) -> Any:
        side = self.sides[number]
        columns = [*needed_columns(side.roles), SPATIAL, *([ROW] if side.in_memory else [])]
        return side.read(ranges, list(dict.fromkeys(columns)))

    def _rows_of(self, number: int, table: Any) -> tuple[Rows, Rejects]:
        side = self.sides[number]
        return rows_of(table, side.roles, policy=self.policies[number], name=side.name)

    def counts(self) -> list[Counts]:
        """By the maps of counts that the catalogues keep."""
        return [_counts_of(side) for side in self.sides]

    def calibrated(self, calibration: Calibration) -> Streamed:
        """The same, calibrated as they are read."""
        return replace(self, calibration=calibration)


@dataclass(frozen=True)
class Resident:
    """Rows that are all in memory, sorted by the pixel where they were catalogued.

    They are held as catalogued, and calibrated when they are asked for: each is asked for once or
    twice in a run, and a second copy of all of them would take as much memory again.
    """

    held: tuple[Rows, ...]
    """as `compact` has them"""
    rejects: tuple[Rejects, ...]
    calibration: Calibration | None = None

    is_at_hand = True

    @classmethod
    def of(cls, streamed: Streamed, executor: Where = None) -> Resident:
        """All rows of the catalogues, each read once."""
        threads = None if executor is None or isinstance(executor, str) else executor
        tasks = ((n, streamed.read_whole, (n,)) for n in range(len(streamed.sides)))
        read = [value for _, value in run_tasks(tasks, threads, ordered=True)]
        give_back()
        return cls(tuple(rows for rows, _ in read), tuple(rejects for _, rejects in read))

    def rows(self, number: int, ranges: Ranges | None) -> Rows:
        """The rows of one catalogue within the ranges."""
        rows = self._within(number, ranges)
        return rows if self.calibration is None else self.calibration.apply(rows, number)

    def _within(self, number: int, ranges: Ranges | None) -> Rows:
        rows = self.held[number]
        if ranges is None:
            return spread(rows)
        first, last = _stretches(rows.spatial, ranges)
        some = np.flatnonzero(first < last)
        return pieces(rows, first[some], last[some])

    def read(self, number: int, ranges: Ranges | None) -> tuple[Rows, Rejects]:
        """The rows; what was set aside when all were read is told once, with the first ones."""
        told = self.rejects[number]
        first = ranges is None or bool(ranges.contains(np.zeros(1, np.int64))[0])
        return self.rows(number, ranges), told if first else Rejects(told.name)

    def counts(self) -> list[Counts]:
        """Counted."""
        return [Counts.of(rows.spatial, PATCH_ORDER) for rows in self.held]

    def calibrated(self, calibration: Calibration) -> Resident:
        """The same rows, calibrated when they are asked for."""
        return replace(self, calibration=calibration)


def _counts_of(side: Any) -> Counts:
    """Rows by cell of order 8: of a catalogue by its own map, of a table counted."""
    if side.in_memory:
        pixels = side.placed.pixels[: side.placed.usable]
        return Counts.of(pixels, PATCH_ORDER)
    pixel, count = side.source.stored.skymap(PATCH_ORDER)
    some = count > 0
    return Counts(PATCH_ORDER, pixel[some].astype(np.int64), count[some].astype(np.int64))


def _stretches(spatial: Ints, ranges: Ranges) -> tuple[Ints, Ints]:
    """Where the ascending pixels of each range begin and end."""
    first = np.searchsorted(spatial, ranges.starts)
    return first, np.searchsorted(spatial, ranges.stops)


def footprint_of(side: Any) -> Footprint | None:
    """The map that a catalogue keeps of what it covers; None where it keeps none."""
    if side.in_memory:
        return None
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.coverage import kept_with

    return kept_with(Catalog(side.source))
