"""The tasks of an identification, a patch each: what they share, and what each gives back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.match.given.cool import KNOWN_RED
from skyquarry.match.given.merging import merged
from skyquarry.match.kernels import surveying
from skyquarry.match.likelihood.epochs import search_reach
from skyquarry.match.likelihood.evidence import node_pairs
from skyquarry.match.likelihood.nodetable import node_table
from skyquarry.match.priors.densitysums import Summary
from skyquarry.match.resolution.answers import Resolved
from skyquarry.match.results.tables import tables, with_lone
from skyquarry.match.runs.alone import Alone, chosen_rows
from skyquarry.match.runs.identify import Solved, identified, solve, work_of_pairs
from skyquarry.match.runs.weighed import Weighed
from skyquarry.sky.vectors import separation_arcsec, to_xyz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.calibration.calibrate import Calibration
    from skyquarry.match.given.reading import Rejects
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.epochs import Reach
    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.priors.learning import Learnt
    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.results.tables import Shape
    from skyquarry.match.runs.identify import Found, Work
    from skyquarry.match.runs.patches import Patch
    from skyquarry.match.runs.rowsource import RowSource
    from skyquarry.match.runs.rules import Rules
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

    def deferred(self, alone: list[Rows]) -> list[Mask]:
        """Of rows without any candidate those that may be such stars: they are told of later."""

    def piece(
        self, rows: list[Rows], core: list[Mask], scene: Scene, final: Final
    ) -> tuple[Tables, list[Rows]]:
        """Tables of deferred rows of a patch's core, with the pairs that the second search finds.

        And the rows whose islands reach beyond the core.
        """

    def tables(self, rows: list[Rows], scene: Scene, final: Final) -> Tables:
        """Tables of such rows of all patches together."""


@dataclass(frozen=True, slots=True)
class Final:
    """What turns evidence into tables."""

    learnt: Learnt
    shape: Shape
    fast: FastPass | None
    later: bool = False
    """tables of rows alone are made when they are asked for, where they are most of the rows"""


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
    """The few rows that can reach farthest: the largest error by magnitude, the fastest motions.

    Of what is as red as cool dwarfs the largest error by itself.
    """
    if not len(rows):
        return rows
    red = np.flatnonzero(rows.cool >= KNOWN_RED)
    chosen = [surveying.widest(rows.covariance, rows.mag)]
    if len(red):
        chosen.append(red[surveying.widest(rows.covariance[red], rows.cool[red])])
    if rows.motions is not None:
        speed = np.hypot(rows.motions.pm[:, 0], rows.motions.pm[:, 1])
        unsure = rows.motions.covariance[:, 0] + rows.motions.covariance[:, 1]
        chosen += [np.argsort(np.nan_to_num(each), kind="stable")[-8:] for each in (speed, unsure)]
    epochs = np.nan_to_num(rows.epoch, nan=2000.0)
    chosen += [np.array([epochs.argmin(), epochs.argmax()])]
    return rows.take(np.unique(np.concatenate(chosen)))


def reach_arcsec(rows: list[Rows], rules: Rules) -> float:
    """How far from a row, as catalogued, a candidate of it may be; over all pairs of catalogues.

    The rows given stand for others of their magnitude, which may be faster for where they are.
    """
    k, motion = float(np.sqrt(rules.chi2_limit)), replace(rules.motion, bounding=True)
    farthest = 0.0
    for a, b in rules.catalog_pairs():
        if len(rows[a]) and len(rows[b]):
            here, there = search_reach(rows[a], rows[b], k, motion)
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


def work_of(scene: Scene, patch: Patch, ring_arcsec: float) -> Found:
    """The evidence of a patch's closed islands, and the rows of those that cross its border."""
    ranges = None if patch.is_whole else patch.core | patch.ring(ring_arcsec)
    rows = scene.rows(ranges)
    core = None if ranges is None else [patch.core.contains(each.spatial) for each in rows]
    found = identified(rows, scene.rules, core)
    if not scene.source.is_at_hand:
        return found
    return replace(found, alone=replace(found.alone, again=partial(scene.rows, ranges)))


def lesson_of_all(scene: Scene, patch: Patch, ring_arcsec: float) -> tuple[Found, Weighed]:
    """The same as it is kept while densities are learnt, and what is learnt from."""
    found = work_of(scene, patch, ring_arcsec)
    return replace(found, alone=found.alone.kept()), Weighed.of(found, scene.rules)


def piece_of(scene: Scene, patch: Patch, ring_arcsec: float, final: Final) -> Piece:
    """The tables of a patch's closed islands, and the rows that go on."""
    return finished(work_of(scene, patch, ring_arcsec), scene, final)


def finished(found: Found, scene: Scene, final: Final) -> Piece:
    """What was found in a patch, solved and told."""
    if final.fast is None:
        none = [each.take(_NONE) for each in found.work.rows]
        return Piece(tables_of(found.work, found.alone, scene, final), found.opened, none)
    alone = found.alone.rows
    deferred = final.fast.deferred(alone)
    rest = Alone([~mask for mask in deferred], alone)
    told = tables_of(found.work, rest, scene, final)
    return Piece(told, found.opened, chosen_rows(alone, deferred))


def tables_of(work: Work, alone: Alone, scene: Scene, final: Final) -> Tables:
    """The tables of whole islands, and of rows without any candidate."""
    learnt, rules = final.learnt, scene.rules
    solved = solve(work, rules, learnt.densities, learnt.photometry)
    common = final.shape, rules, scene.calibration, learnt.densities.coverage
    made = tables(work, solved, *common)
    many = len(alone)
    if not many:
        return made
    if final.later and many >= work.n_nodes:
        return with_lone(made, partial(lone_tables, alone.kept(), *common), rules.names)
    made = with_lone(made, partial(lone_tables, alone, *common), rules.names)
    made.make()
    return made


def lone_tables(
    alone: Alone, shape: Shape, rules: Rules, calibration: Calibration, coverage: Coverage
) -> Tables:
    """The tables of rows without any candidate: each is an object, for certain."""
    rows = alone.rows
    none = node_pairs(node_table([each.take(_NONE) for each in rows], rules.motion), _NONE, _NONE)
    work = work_of_pairs(rows, _NONE, _NONE, none, rules)
    sure, zero = np.ones(work.n_nodes), np.zeros(work.n_nodes)
    solo = np.ones(work.n_nodes, bool)
    resolved = Resolved(sure, solo, zero, ~solo, zero)
    return tables(work, Solved(zero, zero, resolved, sure), shape, rules, calibration, coverage)


_NONE = np.empty(0, np.int64)
