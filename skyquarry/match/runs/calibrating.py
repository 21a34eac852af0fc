"""The pass that a calibration is learnt from: mutual nearest rows of the reference and each other.

Errors and zero points are known well enough from some ten thousand pairs: of long catalogues rows
are drawn by a hash of where they are, so that which ones depends on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.match.calibration import residuals
from skyquarry.match.calibration.residuals import mixed
from skyquarry.match.geometry.search import Points, find_pairs
from skyquarry.match.likelihood.epochs import search_reach
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.likelihood.motionprior import MotionPrior
from skyquarry.match.runs.nearby import points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.calibration.residuals import Residuals
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.fields import Counts
    from skyquarry.match.runs.passes import Scene
    from skyquarry.match.runs.patches import Patch

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

DRAWN_ROWS: Final = 50_000
"""Rows whose nearest is sought: they tell an error scale to 0.5 per cent, and a shift to 1/200 of
an error; a field of shifts has 100 of them in a cell (zeropoint.py)."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Which rows of the sparser of two catalogues have their nearest sought."""

    of_reference: bool
    """it is the reference that is sparser; else the other"""
    share: float
    """of its rows, 0 to 1"""

    def chosen(self, spatial: Ints) -> Mask:
        """(n,) which rows at these order-29 pixels."""
        if self.share >= 1.0:
            return np.ones(len(spatial), bool)
        found: Mask = mixed(spatial.astype(np.uint64)) < np.uint64(self.share * 2.0**64)
        return found


def draws_of(counts: Sequence[Counts], sample: Sequence[Patch], reference: int) -> list[Draw]:
    """For each catalogue, how many rows are needed of those that the sample (none: all) holds."""
    rows = [_held(each, sample) for each in counts]
    chief = rows[reference]
    return [Draw(chief <= n, min(1.0, DRAWN_ROWS / max(min(chief, n), 1))) for n in rows]


def _held(counts: Counts, sample: Sequence[Patch]) -> int:
    """How many rows lie in the patches, to a cell of the counts."""
    if not sample:
        return counts.rows
    edges = [np.stack([p.core.starts, p.core.stops], axis=1).ravel() for p in sample]
    return sum(int(counts.within(each)[::2].sum()) for each in edges)


def residuals_of(
    scene: Scene, patch: Patch, reference: int, draws: Sequence[Draw]
) -> dict[int, Residuals]:
    """Mutual nearest neighbours of the patch's reference rows in each other catalogue."""
    rows = scene.rows(patch.core | patch.ring(3.0 * residuals.RADIUS_ARCSEC))
    chief, motion = rows[reference], scene.rules.motion
    found = {}
    for number, each in enumerate(rows):
        if number != reference and len(chief) and len(each):
            if draws[number].of_reference:
                i, j = mutual_nearest(chief, each, draws[number])
            else:
                j, i = mutual_nearest(each, chief, draws[number])
            order = np.argsort(i)
            i, j = i[order], j[order]
            mine = patch.core.contains(chief.spatial[i])
            i, j = i[mine], j[mine]
            line = np.arange(len(i))
            told = pair_evidence(chief.take(i), each.take(j), line, line, motion)
            offset = np.column_stack([told.dra_cosdec_arcsec, told.ddec_arcsec])
            found[number] = residuals.gather(
                chief, each, i, j, offset=offset, covariance=told.covariance
            )
    return found


def mutual_nearest(a: Rows, b: Rows, draw: Draw) -> tuple[Ints, Ints]:
    """Rows (m,), (m,) that are each the nearest of the other, where they are at one epoch.

    Only of the rows of `a` that are drawn; the rows of `b` that are nearest to some of them are
    asked in turn for their nearest of all.
    """
    from_a, order_a, from_b, order_b = _places(a, b)
    asked = np.flatnonzero(draw.chosen(a.spatial[order_a]))
    forth = find_pairs(_some(from_a, asked), from_b, residuals.RADIUS_ARCSEC, nearest=1)
    named = np.zeros(len(b), bool)
    named[forth.right] = True
    those = np.flatnonzero(named)
    back = find_pairs(_some(from_b, those), from_a, residuals.RADIUS_ARCSEC, nearest=1)
    partner = np.full(len(b), -1, np.int64)
    partner[those[back.left]] = back.right
    left = asked[forth.left]
    both = partner[forth.right] == left
    return order_a[left[both]], order_b[forth.right[both]]


def _places(a: Rows, b: Rows) -> tuple[Points, Ints, Points, Ints]:
    """Where the rows are at one epoch, along the sky, and which row each of them is."""
    if a.motions is None and b.motions is None:
        return _home(a), np.arange(len(a)), _home(b), np.arange(len(b))
    here, there = search_reach(a, b, 1.0, MotionPrior.single(0.0))  # where, not how far
    return *points(a, here), *points(b, there)


def _home(rows: Rows) -> Points:
    """As catalogued."""
    return Points(rows.ra_deg, rows.dec_deg, rows.spatial, rows.rank)


def _some(of: Points, index: Ints) -> Points:
    """These points, ascending."""
    if len(index) == len(of):
        return of
    return Points(of.ra_deg[index], of.dec_deg[index], of.spatial[index], of.rank[index])
