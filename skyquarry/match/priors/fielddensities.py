"""Densities where rows of the first catalogue choose for themselves among three and more.

What the others are without the first, the *field*, is learnt for itself, one to one: only near rows
of the first is it seen beside these, and there it is not typical. An object of the field that is in
exactly the set S of the others is in S, or in S and the first catalogue:
    nu_S = nu_S(field) - nu_{S and first},
at every magnitude too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.priors.densitystep import Area, Local
from skyquarry.match.priors.footprints import Coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.priors.densitysums import Summary
    from skyquarry.match.priors.magnitudes import Magnitudes
    from skyquarry.sky.footprint import Footprint
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST = 0.01
"""The part of a set's objects, at any magnitude, that the first catalogue cannot all have."""


def of_field(
    start: Densities,
    summary: Summary,
    footprints: Sequence[Footprint | None],
    within: Ranges | None,
) -> Densities:
    """Where the densities of the field begin: as `start`, without the first catalogue.

    It counts as having looked wherever another did, and found nothing.
    """
    others = Coverage.of(summary.counts[1:], list(footprints[1:]))
    seen = others.observed > 0
    observed = np.where(seen, others.observed << np.uint32(1) | np.uint32(1), np.uint32(0))
    labels = start.coverage.labels
    coverage = Coverage(others.edges, observed.astype(np.uint32), others.share, labels)
    return replace(start, coverage=coverage, area=Area.of(coverage, within))


def beside(nu: Floats, field: Floats) -> Floats:
    """(2^N,) nu of sets with the first catalogue, and what they leave of the field."""
    whole = nu.copy()
    alone = field[0::2]
    whole[0::2] = np.maximum(alone - nu[1::2], LEAST * alone)
    whole[0] = 0.0
    return whole


def counts_beside(counts: list[Floats], field: Densities) -> list[Floats]:
    """Expected rows (2^N, k) of each catalogue: as counted with the first, as in the field else.

    counts: of all rows, but those that no row of the first claims in whatever set.
    """
    if field.magnitudes is None:
        return counts
    told = [counts[0]]
    for c, line in enumerate(counts[1:], 1):
        share = _field_shares(field, field.magnitudes, c)
        whole, claimed = line.sum(axis=0), np.zeros_like(line)
        claimed[0::2] = line[1::2]
        every = whole * share
        found = np.maximum(every - claimed, LEAST * every)
        found[1::2] = line[1::2]
        told.append(found)
    return told


def _field_shares(field: Densities, magnitudes: Magnitudes, c: int) -> Floats:
    """(2^N, k) the part of the rows of catalogue c of each bin that is of each set."""
    sets = np.arange(len(field.nu))
    held = (sets >> c & 1).astype(bool) & (sets & 1 == 0)
    part = np.where(held, field.nu, 0.0)[:, None] * np.exp(magnitudes.ln_ratio[c])
    return np.asarray(part / part.sum(axis=0))


def local_beside(with_first: Local, field: Local) -> Local:
    """Where densities differ from their mean: sets with the first catalogue, and of the field."""
    cell, sets = np.union1d(with_first.cell, field.cell), np.arange(0)
    parts = [(with_first, with_first.sets & 1 == 1), (field, field.sets & 1 == 0)]
    sets = np.sort(np.concatenate([each.sets[mine] for each, mine in parts]))
    ln = np.zeros((len(cell), len(sets)))
    for each, mine in parts:
        column = np.searchsorted(sets, each.sets[mine])
        ln[np.ix_(np.searchsorted(cell, each.cell), column)] = each.ln[:, mine]
    return Local(cell.astype(np.int64), sets.astype(np.int64), ln)
