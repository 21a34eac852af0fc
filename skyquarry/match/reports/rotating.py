"""The shifted sky of a run: matches counted, and again with one catalogue rotated away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import find_pairs, sorted_points
from skyquarry.match.reports.shifted import DIRECTIONS, ShiftedSky, rotated, shift_arcsec
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from skyquarry.match.geometry.search import Points
    from skyquarry.match.given.rows import Rows
    from skyquarry.match.results.runcounts import RunCounts
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.patches import Patch

    Floats = NDArray[np.float64]

SHIFTED_ROWS = 300_000
"""Rows of the leading catalogue that are looked for on shifted skies, at most."""
MOST_RADIUS_ARCSEC = 60.0


def shifted_skies(made: Identification, told: RunCounts) -> Mapping[tuple[int, int], ShiftedSky]:
    """Of each pair of catalogues: how many matches a sky would give that is not there.

    On the sky as it is, and rotated in eight directions (crossmatch.md 4a). Patch by patch: rows of
    a patch are read once for all pairs of catalogues.
    """
    found = {}
    for a, b in made.rules.catalog_pairs():
        radius = told.separation_arcsec(a, b, 0.999)
        if radius is not None:
            found[a, b] = ShiftedSky.start(min(max(radius, 1e-3), MOST_RADIUS_ARCSEC))
    leading = {a: _thinned(made, a) for a in sorted({a for a, _ in found})}
    for patch in made.sample:
        near = _Near(made, patch, [sky.radius_arcsec for sky in found.values()])
        for (a, b), sky in found.items():
            mine = leading[a].take(np.flatnonzero(patch.core.contains(leading[a].spatial)))
            if len(mine):
                found[a, b] = sky + _counted(made, mine, near, (a, b), sky.radius_arcsec)
    return found


def _counted(
    made: Identification, mine: Rows, near: _Near, pair: tuple[int, int], radius: float
) -> ShiftedSky:
    """What rows of the first catalogue find in the second, here and rotated."""
    a, b = pair
    other, own = near.points(b, radius), near.points(a, radius)
    sky = _of_patch(made, mine, other, b, radius)
    return sky.with_companions(*_companions(made, mine, own, other, b, radius))


class _Near:
    """Rows of every catalogue in a patch and around it, read when they are first asked for."""

    def __init__(self, made: Identification, patch: Patch, radii: list[float]) -> None:
        self._made, self._patch = made, patch
        rings = [] if patch.is_whole else [self._within(radius) for radius in radii]
        self._widest = Ranges.union(rings) if rings else None
        self._rows: dict[int, Rows] = {}

    def points(self, number: int, radius_arcsec: float) -> Points:
        """Those of a catalogue that rows of the patch may meet within the radius, when rotated."""
        if number not in self._rows:
            self._rows[number] = self._made.scene.source.rows(number, self._widest)
        rows = self._rows[number]
        if self._widest is not None:
            inside = self._within(radius_arcsec).contains(rows.spatial)
            return sorted_points(rows.ra_deg[inside], rows.dec_deg[inside])[0]
        return sorted_points(rows.ra_deg, rows.dec_deg)[0]

    def _within(self, radius_arcsec: float) -> Ranges:
        reach = shift_arcsec(radius_arcsec) + radius_arcsec + 1.0
        return self._patch.core | self._patch.ring(reach)


def _of_patch(
    made: Identification, rows: Rows, points: Points, b: int, radius: float
) -> ShiftedSky:
    angle = shift_arcsec(radius)
    inside = _seen(made, rows.ra_deg, rows.dec_deg, b)
    sep = _nearest(rows.ra_deg[inside], rows.dec_deg[inside], points, radius)
    sky = ShiftedSky.start(radius).with_match(sep, int(inside.sum()))
    for direction in range(DIRECTIONS):
        ra, dec = rotated(rows.ra_deg, rows.dec_deg, direction, angle)
        inside = _seen(made, ra, dec, b)
        sep = _nearest(ra[inside], dec[inside], points, radius)
        sky = sky.with_shift(direction, sep, int(inside.sum()))
    return sky


def _companions(
    made: Identification, rows: Rows, own: Points, other: Points, b: int, radius: float
) -> tuple[int, int]:
    """How many rows have another of their catalogue within the radius; how many rows `b` has.

    The latter for as many rows as there are here, which may be but a part of their catalogue.
    """
    mine = _seen(made, rows.ra_deg, rows.dec_deg, b)
    some = sorted_points(rows.ra_deg[mine], rows.dec_deg[mine])[0]
    found = find_pairs(some, own, radius, nearest=2)
    crowd = np.bincount(found.left, minlength=len(some)) > 1
    share = len(some) / max(int(_seen(made, own.ra_deg, own.dec_deg, b).sum()), 1)
    return int(crowd.sum()), round(share * len(other))


def _nearest(ra: Floats, dec: Floats, points: Points, radius: float) -> Floats:
    found = find_pairs(sorted_points(ra, dec)[0], points, radius, nearest=1)
    return found.sep_arcsec


def _seen(made: Identification, ra: Floats, dec: Floats, b: int) -> NDArray[np.bool_]:
    observed = made.learnt.densities.coverage.observed_at(healpix.index(ra, dec))
    return (observed >> np.uint32(b) & np.uint32(1)).astype(bool)


def _thinned(made: Identification, number: int) -> Rows:
    """The rows of the sample, every so many of them by their pixel, where there are too many."""
    ranges = None
    if len(made.sample) < len(made.patches):
        ranges = made.sample[0].core
        for patch in made.sample[1:]:
            ranges = ranges | patch.core
    rows = made.scene.source.rows(number, ranges)
    step = -(-len(rows) // SHIFTED_ROWS) or 1
    return rows if step == 1 else rows.take(np.arange(0, len(rows), step))
