"""Rows that wait for the second search, kept by patch: in memory, or a file each.

A star may go far beyond its patch, so that nobody can be searched again before all patches are
through. What waits is kept patch by patch and comes back with what lies around it, so that memory
holds some patches, however many rows wait.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.given.merging import merged
from skyquarry.match.likelihood.epochs import largest_variance
from skyquarry.match.runs.passes import SLACK_ARCSEC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.patches import Patch
    from skyquarry.match.runs.rules import Rules

    Mask = NDArray[np.bool_]

_REMEMBERED = 6
"""Patches that were read last: neighbours on the sky mostly follow on the curve."""
_HALF_A_TURN = 648_000.0


class Waiting:
    """What waits, of every catalogue; `folder`: where files may lie, None keeps all in memory."""

    def __init__(self, patches: Sequence[Patch], catalogs: int, folder: Path | None = None) -> None:
        self.patches, self.folder = patches, folder
        self._kept: OrderedDict[int, list[Rows]] = OrderedDict()
        self._starts = np.array([patch.core.starts[0] for patch in patches], np.int64)
        self._stops = np.array([patch.core.stops[-1] for patch in patches], np.int64)
        self._epochs = np.full((catalogs, 2), [np.inf, -np.inf])
        self._sigmas = np.zeros(catalogs)
        self._counts = np.zeros(len(patches), np.int64)

    def add(self, number: int, rows: list[Rows]) -> None:
        """The rows of patch `number` that wait; all of them have an epoch."""
        for n, each in enumerate(rows):
            if len(each):
                low, high = each.epoch.min(), each.epoch.max()
                self._epochs[n] = min(self._epochs[n, 0], low), max(self._epochs[n, 1], high)
                widest = float(np.sqrt(largest_variance(each.covariance).max()))
                self._sigmas[n] = max(self._sigmas[n], widest)
        self._counts[number] = sum(map(len, rows))
        self._keep(number, rows)
        if self.folder is not None:
            with self._path(number).open("wb") as file:
                pickle.dump(rows, file, protocol=pickle.HIGHEST_PROTOCOL)

    def scatter(self, rows: list[Rows]) -> None:
        """More rows that wait, wherever they are."""
        if not any(map(len, rows)):
            return
        for patch in self.patches:
            here = [each.take(np.flatnonzero(patch.core.contains(each.spatial))) for each in rows]
            if any(map(len, here)):
                both = zip(self._of(patch.number), here, strict=True)
                self.add(patch.number, [merged(list(each)) for each in both])

    def ring_arcsec(self, rules: Rules, fastest_arcsec_yr: float) -> float:
        """How far around a patch what may be a star of its rows can be; 0 where nobody waits."""
        k, farthest = float(np.sqrt(rules.chi2_limit)), 0.0
        for a, b in rules.catalog_pairs():
            (low_a, high_a), (low_b, high_b) = self._epochs[[a, b]]
            years = max(high_a - low_b, high_b - low_a)
            if np.isfinite(years):
                sigma = float(np.hypot(self._sigmas[a], self._sigmas[b]))
                farthest = max(farthest, fastest_arcsec_yr * float(years) + k * sigma)
        return min(farthest + 2.0 * SLACK_ARCSEC, _HALF_A_TURN)

    def around(self, patch: Patch, ring_arcsec: float) -> tuple[list[Rows], list[Mask]]:
        """The rows that wait in a patch and around it, and which of them are the patch's own."""
        ranges = patch.core | patch.ring(ring_arcsec)
        near = np.flatnonzero(ranges.overlaps(self._starts, self._stops) & (self._counts > 0))
        parts = [self._of(number) for number in near.tolist()]
        if not parts:
            parts = [self._of(patch.number)]
        whole = [merged(list(each)) for each in zip(*parts, strict=True)]
        some = [rows.take(np.flatnonzero(ranges.contains(rows.spatial))) for rows in whole]
        return some, [patch.core.contains(rows.spatial) for rows in some]

    def __contains__(self, patch: Patch) -> bool:
        return bool(self._counts[patch.number])

    # ------------------------------------------------------------ keeping
    def _of(self, number: int) -> list[Rows]:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        with self._path(number).open("rb") as file:
            rows: list[Rows] = pickle.load(file)  # noqa: S301  written a moment ago by this run
        self._keep(number, rows)
        return rows

    def _keep(self, number: int, rows: list[Rows]) -> None:
        self._kept[number] = rows
        while self.folder is not None and len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)

    def _path(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{number}.rows"
