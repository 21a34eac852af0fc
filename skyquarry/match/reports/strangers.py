"""Strangers: rows moved to where they do not belong, to see what probabilities they are given.

Some rows of a catalogue are rotated by a few arcminutes and put beside all the rows that are there;
the same evidence, densities and islands then judge them. A stranger has no counterpart: whatever
probability it finds is a false one. That is the measured side of a reliability table
(crossmatch.md, section 4: bins of P against the truth that a shifted sky tells).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.geometry.search import find_pairs, sorted_points
from skyquarry.match.given.merging import merged
from skyquarry.match.kernels import pairtable
from skyquarry.match.reports.shifted import DIRECTIONS, rotated, shift_arcsec
from skyquarry.match.reports.tally import P_EDGES, p_bins
from skyquarry.match.runs.identify import identify, solve
from skyquarry.sky import healpix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.identify import Solved, Work

    Ints = NDArray[np.int64]

STRANGERS = 4_000
"""Rows of a catalogue that are moved, in each of eight directions, at most."""
_STRANGER = np.int32(1 << 30)
"""A bit of `Rows.flags` that no flag has."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """What rows of one catalogue without counterparts find in another."""

    rows: int
    """how many were put where the other catalogue has looked"""
    candidates: Ints
    """(p bins,) pairs that they have with rows of the other, by posterior: all of them are false"""

    @classmethod
    def start(cls) -> Strangers:
        """None yet."""
        return cls(0, np.zeros(len(P_EDGES) - 1, np.int64))

    def __add__(self, other: Strangers) -> Strangers:
        """Both."""
        return Strangers(self.rows + other.rows, self.candidates + other.candidates)


def strangers(made: Identification) -> dict[tuple[int, int], Strangers]:
    """Of each pair of catalogues: what strangers of the first find in the second."""
    told = {key: Strangers.start() for key in made.rules.catalog_pairs()}
    angle = shift_arcsec(made.ring_arcsec)
    most = -(-STRANGERS // len(made.sample))
    for patch in made.sample:
        ranges = None if patch.is_whole else patch.core | patch.ring(angle + made.ring_arcsec)
        sky = _Sky(made, made.scene.rows(ranges))
        for number in sorted({a for a, _ in told}):
            rows = sky.rows[number]
            core = np.flatnonzero(patch.core.contains(rows.spatial))
            if not len(core):
                continue
            some = rows.take(core[:: -(-len(core) // most)])
            for direction in range(DIRECTIONS):
                for key, found in sky.judged(number, _moved(some, direction, angle)).items():
                    told[key] = told[key] + found
    return told


def _moved(rows: Rows, direction: int, angle_arcsec: float) -> Rows:
    """The same rows elsewhere, sorted as rows are."""
    ra, dec = rotated(rows.ra_deg, rows.dec_deg, direction, angle_arcsec)
    spatial = healpix.index(ra, dec)
    moved = replace(rows, ra_deg=ra, dec_deg=dec, spatial=spatial, flags=rows.flags | _STRANGER)
    return moved.take(np.lexsort((rows.row, rows.rank, spatial)))


class _Sky:
    """All rows of a part of the sky, and what strangers among them find."""

    def __init__(self, made: Identification, rows: list[Rows]) -> None:
        self.made, self.rows = made, rows
        self.points = [sorted_points(each.ra_deg, each.dec_deg) for each in rows]

    def judged(self, number: int, moved: Rows) -> dict[tuple[int, int], Strangers]:
        """What rows that were moved find in the later catalogues."""
        made = self.made
        rows = self._around(moved)
        rows[number] = merged([rows[number], moved])
        work = identify(rows, made.rules)[0]
        solved = solve(work, made.rules, made.learnt.densities, made.learnt.photometry)
        posterior, partner = _found(work, solved)
        observed = made.learnt.densities.coverage.observed_at(moved.spatial)
        return {
            (a, b): Strangers(
                int((observed >> np.uint32(b) & np.uint32(1)).sum()),
                np.bincount(p_bins(posterior[partner == b]), minlength=len(P_EDGES) - 1),
            )
            for a, b in made.rules.catalog_pairs()
            if a == number
        }

    def _around(self, moved: Rows) -> list[Rows]:
        """The rows that may have to do with those moved: their neighbours, and the neighbours' own.

        Three reaches hold a chain from the stranger over its candidate to a rival of that one.
        """
        near = sorted_points(moved.ra_deg, moved.dec_deg)[0]
        told = []
        for rows, (points, order) in zip(self.rows, self.points, strict=True):
            found = find_pairs(near, points, 3.0 * self.made.ring_arcsec)
            told.append(rows.take(np.unique(order[found.right])))
        return told


def _found(work: Work, solved: Solved) -> tuple[NDArray[np.float64], Ints]:
    """Posteriors of the pairs whose left row is a stranger, and the catalogue of the right one."""
    groups = work.groups
    begin = np.searchsorted(work.left, np.arange(work.n_nodes + 1))
    told, _ = pairtable.pair_marginals(
        begin,
        work.right,
        groups.start,
        groups.nodes,
        np.clip(solved.resolved.posterior, 0.0, 1.0),
        solved.resolved.chosen,
    )
    flags = np.concatenate([each.flags for each in work.rows])
    mine = (flags[work.left] & _STRANGER) > 0
    catalog = np.searchsorted(work.start, work.right[mine], side="right") - 1
    return np.clip(told[mine], 0.0, 1.0), catalog
