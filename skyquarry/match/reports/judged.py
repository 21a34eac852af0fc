"""Candidate pairs with their probabilities, and which of them have an accepted rival."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels import pairtable
from skyquarry.match.reports.tally import P_EDGES, p_bins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.answers import Resolved
    from skyquarry.match.runs.identify import Work
    from skyquarry.match.runs.rules import Constraint

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidate pairs (m,)."""

    left_catalog: Ints
    right_catalog: Ints
    left_flags: NDArray[np.int32]
    """`Rows.flags` of the left row"""
    right_flags: NDArray[np.int32]
    left_spatial: Ints
    """order-29 pixel of the left row"""
    posterior: Floats
    rival: Floats
    """probability of the accepted pair, of the same catalogues, that shares a row with this one;
    0 where there is none, or this one is accepted itself"""
    accepted: Mask
    threat: Floats
    """of an accepted pair, the greatest probability of another that has it for its rival; else 0"""

    def where(self, chosen: Mask) -> Judged:
        """These pairs."""
        return Judged(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def binned(self) -> tuple[Ints, Ints]:
        """(p bins,) pairs by posterior, and those of them that have an accepted rival."""
        places, count = p_bins(self.posterior), len(P_EDGES) - 1
        return (
            np.bincount(places, minlength=count),
            np.bincount(places[self.rival > 0.0], minlength=count),
        )

    def contested(self) -> tuple[Floats, Floats]:
        """(p bins,) how many rivals can be true: as many as accepted pairs are not.

        And (p bins,) how many accepted pairs can be false for the sake of a rival.
        """
        places, count = p_bins(self.posterior), len(P_EDGES) - 1
        might = np.where(self.rival > 0.0, 1.0 - self.rival, 0.0)
        told = (np.bincount(places, each, minlength=count) for each in (might, self.threat))
        possible, threatened = (each.astype(np.float64) for each in told)
        return possible, threatened


def judged(work: Work, told: Resolved, constraint: Constraint) -> Judged:
    """The candidates of a work that is solved.

    Where rows may be shared (many to one) those that share the row that chooses are rivals; where
    each candidate is judged alone, none are.
    """
    groups, left, right = work.groups, work.left, work.right
    begin = np.searchsorted(left, np.arange(work.n_nodes + 1))
    posterior, accepted = pairtable.pair_marginals(
        begin,
        right,
        groups.start,
        groups.nodes,
        np.clip(told.posterior, 0.0, 1.0),
        told.chosen,
    )
    posterior = np.clip(posterior, 0.0, 1.0)
    catalog = np.repeat(np.arange(len(work.rows)), np.diff(work.start))
    flags = np.concatenate([each.flags for each in work.rows])
    spatial = np.concatenate([each.spatial for each in work.rows])
    ends = [(left, catalog[right]), (right, catalog[left])]
    ends = ends[: {"none": 0, "many_to_one": 1, "one_to_one": 2}[constraint]]
    shape = work.n_nodes, len(work.rows)
    return Judged(
        catalog[left],
        catalog[right],
        flags[left],
        flags[right],
        spatial[left],
        posterior,
        np.where(accepted, 0.0, _best(ends, posterior, accepted, shape)),
        accepted,
        np.where(accepted, _best(ends, posterior, ~accepted, shape), 0.0),
    )


def _best(
    ends: list[tuple[Ints, Ints]], posterior: Floats, which: Mask, shape: tuple[int, int]
) -> Floats:
    """(m,) the greatest posterior of these pairs that share a row with a pair."""
    best, told = np.zeros(shape), np.zeros(len(posterior))
    for end in ends:
        here = tuple(each[which] for each in end)
        best[:] = 0.0
        np.maximum.at(best, here, posterior[which])
        told = np.maximum(told, best[end])
    return told
