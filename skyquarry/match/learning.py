"""Densities and magnitude prior learnt together, by expectation and maximisation.

Geometry alone comes first: what it is sure of teaches the joint distribution of magnitudes. Then
densities by magnitude are learnt with that in the weights: without it, two magnitudes of one object
would count as two witnesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from skyquarry.match.densities import Densities, converged
from skyquarry.match.densitysums import Sums
from skyquarry.match.photometry import MagnitudePrior, MagnitudeSums, scales_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.match.densityplaces import Placed
    from skyquarry.match.densitysums import Summary
    from skyquarry.match.groups import Groups
    from skyquarry.match.photometry import Photometry
    from skyquarry.match.rows import Rows

    Floats = NDArray[np.float64]

MOST_PASSES = 40


class Piece(Protocol):
    """Groups of one patch: no island is in two pieces."""

    @property
    def rows(self) -> list[Rows]:
        """Of every catalogue."""

    @property
    def groups(self) -> Groups:
        """Single rows too."""

    @property
    def ln_bayes(self) -> Floats:
        """(groups,) evidence of positions."""

    def posterior(self, ln_weight: Floats) -> Floats:
        """(groups,) as `resolve` has it; 0 for groups that another piece counts."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the pieces teach."""

    densities: Densities
    photometry: Photometry | None
    passes: int


def learn(
    start: Densities,
    summary: Summary,
    pieces: Sequence[Piece],
    *,
    photometry: Photometry | None = None,
    magnitude_prior: bool = True,
    each_pass: Callable[[Densities], None] | None = None,
) -> Learnt:
    """Densities and, where none is given and 100 secure pairs allow it, the magnitude prior.

    `each_pass` is told of the densities after every pass.
    """
    geometry, passes = _settled(start.without_magnitudes(), pieces, None, each_pass)
    if photometry is None and magnitude_prior:
        photometry = _magnitude_prior(geometry, summary, pieces, full=start.magnitudes is None)
    if start.magnitudes is None:
        return Learnt(geometry, photometry, passes)
    begin = replace(geometry, magnitudes=start.magnitudes)
    final, more = _settled(begin, pieces, photometry, each_pass, begun=True)
    return Learnt(final, photometry, passes + more)


def _settled(
    densities: Densities,
    pieces: Sequence[Piece],
    photometry: Photometry | None,
    each_pass: Callable[[Densities], None] | None,
    *,
    begun: bool = False,
) -> tuple[Densities, int]:
    placed = [densities.placed(piece.groups, piece.rows) for piece in pieces]
    ratios = [None if photometry is None else photometry.ln_ratio(p.rows, p.groups) for p in pieces]
    if densities.rule == "em" and not begun:
        sums = [
            densities.count(place, densities.guess(piece.groups, piece.ln_bayes, piece.rows))
            for place, piece in zip(placed, pieces, strict=True)
        ]
        densities = densities.updated(Sums.union(sums)) if sums else densities
    for k in range(MOST_PASSES if densities.rule == "em" and pieces else 0):
        after = densities.updated(_sums(densities, pieces, placed, ratios))
        done = converged(densities, after) and (k > 0 or not begun)
        densities = after
        if each_pass is not None:
            each_pass(densities)
        if done:
            return densities, k + 1
    return densities, MOST_PASSES if densities.rule == "em" and pieces else 0


def _sums(
    densities: Densities,
    pieces: Sequence[Piece],
    placed: list[Placed],
    ratios: list[Floats | None],
) -> Sums:
    found = []
    for piece, place, ratio in zip(pieces, placed, ratios, strict=True):
        weight = densities.weigh(place, piece.ln_bayes, ratio)
        found.append(densities.count(place, piece.posterior(weight)))
    return Sums.union(found)


def _magnitude_prior(
    geometry: Densities, summary: Summary, pieces: Sequence[Piece], *, full: bool
) -> MagnitudePrior | None:
    scales = scales_of(summary)
    found = []
    for piece in pieces:
        weight = geometry.ln_weight(piece.groups, piece.ln_bayes, piece.rows)
        posterior = piece.posterior(weight)
        found.append(MagnitudeSums.of(piece.rows, piece.groups, posterior, scales))
    if not found:
        return None
    return MagnitudePrior.fit(MagnitudeSums.union(found), summary, "field" if full else "matched")
