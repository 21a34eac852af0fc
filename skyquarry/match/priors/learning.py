"""Densities and magnitude prior learnt together, by expectation and maximisation.

Geometry alone comes first: what it is sure of teaches the joint distribution of magnitudes. Then
densities by magnitude are learnt with that in the weights: without it, two magnitudes of one object
would count as two witnesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from skyquarry.match.priors.densities import Densities, converged
from skyquarry.match.priors.densityplaces import lone_sums
from skyquarry.match.priors.densitysums import Sums
from skyquarry.match.priors.photometry import MagnitudePrior, MagnitudeSums, scales_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densityplaces import Lone, Placed
    from skyquarry.match.priors.densitysums import Summary
    from skyquarry.match.priors.photometry import Photometry
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Over = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

MOST_PASSES = 40


class Piece(Protocol):
    """Groups of one patch: no island is in two pieces. Islands of one row may be left out."""

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


@dataclass(frozen=True, slots=True)
class _Seen:
    """A piece, sorted out."""

    piece: Piece
    placed: Placed
    ratio: Floats | None
    """(groups,) what magnitudes together say"""


def learn(  # noqa: PLR0913 - what is learnt from, what is given, and how it is run
    start: Densities,
    summary: Summary,
    pieces: Sequence[Piece],
    *,
    photometry: Photometry | None = None,
    magnitude_prior: bool = True,
    lone: Sequence[Sequence[Lone]] = (),
    each_pass: Callable[[Densities], None] | None = None,
    over: Over = map,
) -> Learnt:
    """Densities and, where none is given and 100 secure pairs allow it, the magnitude prior.

    `lone`: rows of each catalogue that have no candidate and are in no piece, as often as liked.
    `each_pass` is told of the densities after every pass. `over(function, items)` gives the
    function's value for each item, in their order, and may work on several at once: what is learnt
    is the same to the bit.
    """
    placed = list(over(lambda piece: start.placed(piece.groups, piece.rows), pieces))
    seen = [_Seen(*both, None) for both in zip(pieces, placed, strict=True)]
    scales = None if start.magnitudes is None else start.magnitudes.scales
    alone = Sums.union(over(lambda rows: lone_sums(rows, start.coverage, scales), [*lone, ()]))
    settled = partial(_settled, alone=alone, each_pass=each_pass, over=over)
    geometry, passes = settled(start.without_magnitudes(), seen)
    if photometry is None and magnitude_prior:
        full = start.magnitudes is None
        photometry = _magnitude_prior(geometry, summary, seen, over, full=full)
    if start.magnitudes is None:
        return Learnt(geometry, photometry, passes)
    if photometry is not None:
        ratios = over(lambda piece: photometry.ln_ratio(piece.rows, piece.groups), pieces)
        seen = [replace(each, ratio=ratio) for each, ratio in zip(seen, ratios, strict=True)]
    begin = replace(geometry, magnitudes=start.magnitudes)
    final, more = settled(begin, seen, begun=True)
    return Learnt(final, photometry, passes + more)


def _settled(
    densities: Densities,
    seen: list[_Seen],
    *,
    alone: Sums,
    each_pass: Callable[[Densities], None] | None,
    over: Over,
    begun: bool = False,
) -> tuple[Densities, int]:
    if densities.rule != "em" or not seen:
        return densities, 0
    if not begun:
        guesses = over(partial(_guessed, densities), seen)
        densities = densities.updated(Sums.union([alone, *guesses]))
    for k in range(MOST_PASSES):
        expected = over(partial(_expected, densities), seen)
        after = densities.updated(Sums.union([alone, *expected]))
        done = converged(densities, after) and (k > 0 or not begun)
        densities = after
        if each_pass is not None:
            each_pass(densities)
        if done:
            return densities, k + 1
    return densities, MOST_PASSES


def _guessed(densities: Densities, seen: _Seen) -> Sums:
    return densities.count(seen.placed, densities.guessed(seen.placed, seen.piece.ln_bayes))


def _expected(densities: Densities, seen: _Seen) -> Sums:
    return densities.count(seen.placed, _posterior(densities, seen))


def _posterior(densities: Densities, seen: _Seen) -> Floats:
    weight = densities.weigh(seen.placed, seen.piece.ln_bayes, seen.ratio)
    return seen.piece.posterior(weight)


def _magnitude_prior(
    geometry: Densities, summary: Summary, seen: list[_Seen], over: Over, *, full: bool
) -> MagnitudePrior | None:
    """From secure pairs; `full`: the densities know no magnitudes."""
    if not seen:
        return None
    scales = scales_of(summary)

    def secure(each: _Seen) -> MagnitudeSums:
        posterior = _posterior(geometry, each)
        return MagnitudeSums.of(each.piece.rows, each.piece.groups, posterior, scales)

    sums = MagnitudeSums.union(over(secure, seen))
    return MagnitudePrior.fit(sums, summary, "field" if full else "matched")
