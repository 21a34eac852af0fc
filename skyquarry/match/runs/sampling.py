"""The part of the sky that calibration and densities are learnt from, where not all is needed.

Errors of a thousandth need a million objects, and nobody needs them: 25,000 rows of a catalogue
tell a density to 0.6 per cent, which moves no probability by more than 0.0015, and an error scale
to 0.3 per cent. The sample is of whole cells of the sky, one of every so many along the curve,
chosen by a hash of its number. Which cells these are depends on how many rows lie where, and on
nothing else: not on tiles, workers, or the order of rows or of catalogues. Numbers of rows by place
and magnitude are those of all rows nevertheless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.calibration.residuals import mixed
from skyquarry.match.priors.fields import Counts
from skyquarry.match.runs.identify import identified
from skyquarry.match.runs.patches import Patch
from skyquarry.match.runs.weighed import Weighed
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.runs.passes import Scene

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SAMPLE_ROWS = 100_000
"""Rows that are learnt from, of all catalogues together, where that is enough."""
LEAST_ROWS = 25_000
"""Rows that are learnt from of each catalogue, where it has so many."""
MOST_ROWS = 1_500_000
"""No more than this for the sake of a short catalogue: they are held in memory."""
_CELLS = 128
_FINEST = 11
"""Cells of 1.7 arcmin: wider than what an island takes up"""
_PARTS = 4
_RINGS = 2.0
"""What is seen round a cell, in units of how far a candidate may be: for islands that reach out."""


def sampled_share(n_rows: Sequence[int]) -> float:
    """The part of the sky that is learnt from, for catalogues of so many rows; 1 for all of it."""
    total = max(sum(n_rows), 1)
    least = max((LEAST_ROWS / n for n in n_rows if n), default=1.0)
    share = min(max(SAMPLE_ROWS / total, least), MOST_ROWS / total)
    return share if share < 0.5 else 1.0


def sample_of(counts: Sequence[Counts]) -> list[Patch]:
    """Patches of whole cells to learn from; none where all of the sky is needed."""
    share = sampled_share([each.rows for each in counts])
    if share >= 1.0:
        return []
    order, cells = _occupied(counts, _CELLS / share)
    chosen = _one_of_every(cells, order, share)
    parts = np.array_split(chosen, min(_PARTS, len(chosen)))
    return [Patch(n, Ranges.from_cells(order, part)) for n, part in enumerate(parts)]


def _occupied(counts: Sequence[Counts], wanted: float) -> tuple[int, Ints]:
    """Cells with rows, at the coarsest order where they are as many as wanted."""
    order = min(_FINEST, *(each.order for each in counts))
    fine = Counts.union(each.coarsened(order) for each in counts)
    for coarse in range(order):
        cells = fine.coarsened(coarse).pixel
        if len(cells) >= wanted:
            return coarse, cells
    return order, fine.pixel


def _one_of_every(cells: Ints, order: int, share: float) -> Ints:
    """Cells (n,), ascending, divided into stretches of 1 / share of them: one of each stretch."""
    stretch = np.floor(np.arange(len(cells)) * share).astype(np.int64)
    key = mixed((cells + (np.int64(4) << 2 * order)).astype(np.uint64))
    by_hash = np.lexsort((key, stretch))
    first = np.searchsorted(stretch, np.arange(int(stretch[-1]) + 1))
    return np.sort(cells[by_hash[first]])


# ---------------------------------------------------------------- what is learnt from it


def lesson_of(scene: Scene, patch: Patch, ring_arcsec: float) -> Weighed:
    """The islands that touch the patch, each counted where its lowest pixel is.

    They are seen as far as `_RINGS` rings go.
    """
    rows = scene.rows(patch.core | patch.ring(_RINGS * ring_arcsec))
    return Weighed.of(identified(rows, scene.rules), scene.rules, patch.core)


def field_sample(counts: Sequence[Counts], lessons: list[Patch]) -> list[Patch]:
    """Patches to learn from what catalogues are without the first: those of all, if these are few.

    A short first catalogue needs all of the sky, the others only a sample of it.
    """
    return lessons or sample_of(counts[1:]) or [Patch(0, Ranges.whole())]


def field_lesson_of(scene: Scene, patch: Patch, ring_arcsec: float) -> Weighed:
    """As `lesson_of`, of the other catalogues among themselves; `scene` is one to one."""
    ranges = patch.core | patch.ring(_RINGS * ring_arcsec)
    first, *others = range(len(scene.rules.names))
    rows = [scene.source.rows(first, Ranges.empty())]
    rows += [scene.source.rows(n, ranges) for n in others]
    return Weighed.of(identified(rows, scene.rules), scene.rules, patch.core)
