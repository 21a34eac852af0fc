"""Where the rows of a patch come from: held in memory where they fit, else read patch by patch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skyquarry.catalog.columns import SPATIAL
from skyquarry.engine.run import run_tasks
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

    def rows(self, number: int, ranges: Ranges | None) -> Rows:
        """The rows of one catalogue within the ranges."""
        rows, _ = self.read(number, ranges)
        return rows if self.calibration is None else self.calibration.apply(rows, number)

    def read(self, number: int, ranges: Ranges | None) -> tuple[Rows, Rejects]:
        """The rows as catalogued, and what was set aside on the way."""
        side = self.sides[number]
        columns = [*needed_columns(side.roles), SPATIAL, *([ROW] if side.in_memory else [])]
        table = side.read(ranges, list(dict.fromkeys(columns)))
        return rows_of(table, side.roles, policy=self.policies[number], name=side.name)

    def counts(self) -> list[Counts]:
        """By the maps of counts that the catalogues keep."""
        return [_counts_of(side) for side in self.sides]

    def calibrated(self, calibration: Calibration) -> Streamed:
        """The same, calibrated as they are read."""
        return replace(self, calibration=calibration)


@dataclass(frozen=True)
class Resident:
    """Rows that are all in memory, sorted by the pixel where they were catalogued."""

    held: tuple[Rows, ...]
    rejects: tuple[Rejects, ...]

    @classmethod
    def of(cls, streamed: Streamed, executor: Where = None) -> Resident:
        """All rows of the catalogues, each read once."""
        threads = None if executor is None or isinstance(executor, str) else executor
        tasks = ((n, streamed.read, (n, None)) for n in range(len(streamed.sides)))
        read = [value for _, value in run_tasks(tasks, threads, ordered=True)]
        return cls(tuple(rows for rows, _ in read), tuple(rejects for _, rejects in read))

    def rows(self, number: int, ranges: Ranges | None) -> Rows:
        """The rows of one catalogue within the ranges."""
        rows = self.held[number]
        if ranges is None:
            return rows
        first, last = _stretches(rows.spatial, ranges)
        some = np.flatnonzero(first < last)
        if len(some) == 1:  # nothing need be copied
            return rows.between(int(first[some[0]]), int(last[some[0]]))
        return rows.take(_numbers(first, last))

    def read(self, number: int, ranges: Ranges | None) -> tuple[Rows, Rejects]:
        """The rows; what was set aside when all were read is told once, with the first ones."""
        told = self.rejects[number]
        first = ranges is None or bool(ranges.contains(np.zeros(1, np.int64))[0])
        return self.rows(number, ranges), told if first else Rejects(told.name)

    def counts(self) -> list[Counts]:
        """Counted."""
        return [Counts.of(rows.spatial, PATCH_ORDER) for rows in self.held]

    def calibrated(self, calibration: Calibration) -> Resident:
        """The same rows, calibrated once."""
        held = tuple(calibration.apply(rows, n) for n, rows in enumerate(self.held))
        return replace(self, held=held)


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


def _numbers(first: Ints, last: Ints) -> Ints:
    """The numbers of all stretches, ascending."""
    size = last - first
    begin = np.cumsum(size) - size
    return np.repeat(first - begin, size) + np.arange(int(size.sum()))


def footprint_of(side: Any) -> Footprint | None:
    """The map that a catalogue keeps of what it covers; None where it keeps none."""
    if side.in_memory:
        return None
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.coverage import kept_with

    return kept_with(Catalog(side.source))
