"""The tasks of an identification, a patch each: what they share, and what each gives back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.match.given.merging import merged
from skyquarry.match.kernels import surveying
from skyquarry.match.likelihood.epochs import search_reach
from skyquarry.match.priors.densitysums import Summary
from skyquarry.match.results.tables import tables
from skyquarry.match.runs.identify import identify, solve
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.reading import Rejects
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.epochs import Reach
    from skyquarry.match.priors.learning import Learnt
    from skyquarry.match.results.tables import Shape, Tables
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.identify import Rules, Solved, Work
    from skyquarry.match.runs.patches import Patch
    from skyquarry.match.runs.rowsource import RowSource
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SLACK_ARCSEC = 2.0
"""Zero points move rows by less than this; what surrounds a patch is wider by it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the tasks of every pass share; it travels to workers."""

    source: RowSource
    rules: Rules
    calibration: Calibration

    def rows(self, ranges: Ranges | None) -> list[Rows]:
        """Rows of every catalogue within the ranges."""
        return [self.source.rows(n, ranges) for n in range(len(self.rules.names))]


class FastPass(Protocol):
    """The second search, for stars that have moved far."""

    def deferred(self, work: Work, solved: Solved) -> Mask:
        """(nodes,) rows that stand alone and may be such stars: they are told of later."""

    def words(self, made: Identification) -> str:
        """What it can have missed."""

    def tables(self, rows: list[Rows], scene: Scene, final: Final) -> Tables:
        """Tables of the rows that were deferred, with the pairs that the second search finds."""


@dataclass(frozen=True, slots=True)
class Final:
    """What turns evidence into tables."""

    learnt: Learnt
    shape: Shape
    fast: FastPass | None


@dataclass(frozen=True, slots=True)
class Piece:
    """What comes from one patch: tables of its closed islands, and the rows that go on."""

    tables: Tables
    opened: list[Rows]
    """of islands that cross the border"""
    unmatched: list[Rows]
    """alone, and worth a second search"""


# ---------------------------------------------------------------- reach


def extremes(rows: Rows) -> Rows:
    """The few rows that can reach farthest: the largest error by magnitude, the fastest motions."""
    if not len(rows):
        return rows
    chosen = [surveying.widest(rows.covariance, rows.mag)]
    if rows.motions is not None:
        speed = np.hypot(rows.motions.pm[:, 0], rows.motions.pm[:, 1])
        unsure = rows.motions.covariance[:, 0] + rows.motions.covariance[:, 1]
        chosen += [np.argsort(np.nan_to_num(each), kind="stable")[-8:] for each in (speed, unsure)]
    epochs = np.nan_to_num(rows.epoch, nan=2000.0)
    chosen += [np.array([epochs.argmin(), epochs.argmax()])]
    return rows.take(np.unique(np.concatenate(chosen)))


def reach_arcsec(rows: list[Rows], rules: Rules) -> float:
    """How far from a row, as catalogued, a candidate of it may be; over all pairs of catalogues."""
    k = float(np.sqrt(rules.chi2_limit))
    farthest = 0.0
    for a, b in rules.catalog_pairs():
        if len(rows[a]) and len(rows[b]):
            here, there = search_reach(rows[a], rows[b], k, rules.motion)
            farthest = max(farthest, _farthest(rows[a], here) + _farthest(rows[b], there))
    return farthest


def _farthest(rows: Rows, reach: Reach) -> float:
    """The largest radius of a row, and how far from its catalogued place it is sought."""
    way = separation_arcsec(to_xyz(rows.ra_deg, rows.dec_deg), to_xyz(reach.ra_deg, reach.dec_deg))
    return float(np.max(way + reach.radius_arcsec))


# ---------------------------------------------------------------- the tasks


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the first look at a patch tells."""

    extremes: list[Rows]
    """of each catalogue the rows that reach farthest"""
    summary: Summary
    errors: tuple[Ints, ...]
    """of each catalogue how many rows have errors of 1.02^k uas, k = 0 ... 1499"""
    rejects: tuple[Rejects, ...]
    """of each catalogue what was set aside on reading"""
    timeless: tuple[int, ...]
    """of each catalogue how many rows have no epoch"""

    @classmethod
    def union(cls, parts: Sequence[Surveyed]) -> Surveyed:
        """Of all patches."""
        found = [merged(list(each)) for each in zip(*(p.extremes for p in parts), strict=True)]
        errors = tuple(
            np.sum(each, axis=0) for each in zip(*(p.errors for p in parts), strict=True)
        )
        rejects = tuple(reduce(add, each) for each in zip(*(p.rejects for p in parts), strict=True))
        timeless = tuple(sum(each) for each in zip(*(p.timeless for p in parts), strict=True))
        summary = Summary.union([p.summary for p in parts])
        return cls(found, summary, errors, rejects, timeless)

    @property
    def median_errors_arcsec(self) -> list[float]:
        """The median error of each catalogue, per axis; NaN where it has no rows."""
        return [_median(each) for each in self.errors]


def _median(counts: Ints) -> float:
    passed = np.cumsum(counts)
    if not passed[-1]:
        return float("nan")
    return float(1e-6 * 1.02 ** np.searchsorted(passed, (passed[-1] + 1) // 2))


def survey_patch(scene: Scene, patch: Patch, order: int) -> Surveyed:
    """The rows of a patch that reach farthest, their errors, how many lie in cells of `order`."""
    count = len(scene.rules.names)
    read = [scene.source.read(n, None if patch.is_whole else patch.core) for n in range(count)]
    rows, rejects = [each for each, _ in read], tuple(each for _, each in read)
    errors = tuple(np.zeros(1500, np.int64) for _ in rows)
    for each, counts in zip(rows, errors, strict=True):
        surveying.errors(each.covariance, 1e-6, 1.02, counts)
    timeless = tuple(int(np.isnan(each.epoch).sum()) for each in rows)
    found = [extremes(each) for each in rows]
    return Surveyed(found, Summary.of(rows, order), errors, rejects, timeless)


def work_of(scene: Scene, patch: Patch, ring_arcsec: float) -> tuple[Work, list[Rows]]:
    """The evidence of a patch's closed islands, and the rows of those that cross its border."""
    if patch.is_whole:
        return identify(scene.rows(None), scene.rules)
    rows = scene.rows(patch.core | patch.ring(ring_arcsec))
    core = [patch.core.contains(each.spatial) for each in rows]
    return identify(rows, scene.rules, core)


def piece_of(scene: Scene, patch: Patch, ring_arcsec: float, final: Final) -> Piece:
    """The tables of a patch's closed islands, and the rows that go on."""
    return finished(*work_of(scene, patch, ring_arcsec), scene, final)


def finished(work: Work, opened: list[Rows], scene: Scene, final: Final) -> Piece:
    """A patch's work, solved and told."""
    solved = solve(work, scene.rules, final.learnt.densities, final.learnt.photometry)
    defer = final.fast.deferred(work, solved) if final.fast is not None else None
    coverage = final.learnt.densities.coverage
    made = tables(work, solved, final.shape, scene.rules, scene.calibration, coverage, defer)
    if defer is None:
        return Piece(made, opened, [each.take(_NONE) for each in work.rows])
    parts = np.split(defer, work.start[1:-1])
    left = [rows.take(np.flatnonzero(part)) for rows, part in zip(work.rows, parts, strict=True)]
    return Piece(made, opened, left)


_NONE = np.empty(0, np.int64)
