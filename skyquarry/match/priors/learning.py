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
from skyquarry.match.priors.photometry import MagnitudePrior
from skyquarry.match.priors.securepairs import MagnitudeSums, scales_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densityplaces import Lone, Placed
    from skyquarry.match.priors.densitysums import Summary
    from skyquarry.match.priors.magnitudes import MagnitudeScale
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
class Field:
    """The other catalogues among themselves, where rows of the first choose from them."""

    start: Densities
    """as `fielddensities.of_field` has it"""
    pieces: Sequence[Piece]
    """without a row of the first"""
    lone: Sequence[Sequence[Lone]]


def learn(  # noqa: PLR0913 - what is learnt from, what is given, and how it is run
    start: Densities,
    summary: Summary,
    pieces: Sequence[Piece],
    *,
    photometry: Photometry | None = None,
    magnitude_prior: bool = True,
    lone: Sequence[Sequence[Lone]] = (),
    field: Field | None = None,
    each_pass: Callable[[Densities], None] | None = None,
    over: Over = map,
) -> Learnt:
    """Densities and, where none is given and 100 secure pairs allow it, the magnitude prior.

    `lone`: rows of each catalogue that have no candidate and are in no piece, as often as liked.
    `field`: where rows of the first of three catalogues and more choose by themselves.
    `each_pass` is told of the densities after every pass. `over(function, items)` gives the
    function's value for each item, in their order, and may work on several at once: what is learnt
    is the same to the bit.
    """
    scales, full = scales_of(summary), start.magnitudes is None
    others = None if field is None else _Lesson.of(field.start, field.pieces, field.lone, over)
    around = None
    if field is not None and others is not None:
        around, _ = others.settled(field.start.without_magnitudes(), each_pass)
    own = _Lesson.of(start, pieces, lone, over)
    geometry, passes = own.settled(start.without_magnitudes().chosen_from(around), each_pass)
    if photometry is None and magnitude_prior and pieces:
        secure = own.secure(geometry, scales)
        if others is not None and around is not None:
            secure += others.secure(around, scales)
        sums = MagnitudeSums.union(secure)
        photometry = MagnitudePrior.fit(sums, summary, "field" if full else "matched")
    if full:
        return Learnt(replace(geometry, field=None), photometry, passes)
    if field is not None and others is not None and around is not None:
        begin = replace(around, magnitudes=field.start.magnitudes)
        around, _ = others.told(photometry).settled(begin, each_pass, begun=True)
    begin = replace(geometry, magnitudes=start.magnitudes).chosen_from(around)
    final, more = own.told(photometry).settled(begin, each_pass, begun=True)
    return Learnt(replace(final, field=None), photometry, passes + more)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A piece, sorted out."""

    piece: Piece
    placed: Placed
    ratio: Floats | None
    """(groups,) what magnitudes together say"""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Pieces, sorted out, and the rows that stand alone whatever the densities are."""

    seen: list[_Seen]
    alone: Sums
    over: Over

    @classmethod
    def of(
        cls,
        start: Densities,
        pieces: Sequence[Piece],
        lone: Sequence[Sequence[Lone]],
        over: Over,
    ) -> _Lesson:
        """With what does not change from pass to pass."""
        placed = over(lambda piece: start.placed(piece.groups, piece.rows), pieces)
        seen = [_Seen(*both, None) for both in zip(pieces, placed, strict=True)]
        scales = None if start.magnitudes is None else start.magnitudes.scales
        counted = over(lambda rows: lone_sums(rows, start.coverage, scales), [*lone, ()])
        return cls(seen, Sums.union(counted), over)

    def told(self, photometry: Photometry | None) -> _Lesson:
        """The same with what magnitudes together say."""
        if photometry is None:
            return self
        pieces = [each.piece for each in self.seen]
        ratios = self.over(lambda piece: photometry.ln_ratio(piece.rows, piece.groups), pieces)
        both = zip(self.seen, ratios, strict=True)
        return replace(self, seen=[replace(each, ratio=ratio) for each, ratio in both])

    def settled(
        self,
        densities: Densities,
        each_pass: Callable[[Densities], None] | None,
        *,
        begun: bool = False,
    ) -> tuple[Densities, int]:
        """Passes from these densities on until they no longer change, and how many there were."""
        if densities.rule != "em" or not self.seen:
            return densities, 0
        if not begun:
            guesses = self.over(partial(_guessed, densities), self.seen)
            densities = densities.updated(Sums.union([self.alone, *guesses]))
        for k in range(MOST_PASSES):
            expected = self.over(partial(_expected, densities), self.seen)
            after = densities.updated(Sums.union([self.alone, *expected]))
            done = converged(densities, after) and (k > 0 or not begun)
            densities = after
            if each_pass is not None:
                each_pass(densities)
            if done:
                return densities, k + 1
        return densities, MOST_PASSES

    def secure(
        self, geometry: Densities, scales: tuple[MagnitudeScale, ...]
    ) -> list[MagnitudeSums]:
        """What geometry alone is sure of."""

        def of(each: _Seen) -> MagnitudeSums:
            posterior = _posterior(geometry, each)
            return MagnitudeSums.of(each.piece.rows, each.piece.groups, posterior, scales)

        return list(self.over(of, self.seen))


def _guessed(densities: Densities, seen: _Seen) -> Sums:
    return densities.count(seen.placed, densities.guessed(seen.placed, seen.piece.ln_bayes))


def _expected(densities: Densities, seen: _Seen) -> Sums:
    return densities.count(seen.placed, _posterior(densities, seen))


def _posterior(densities: Densities, seen: _Seen) -> Floats:
    weight = densities.weigh(seen.placed, seen.piece.ln_bayes, seen.ratio)
    return seen.piece.posterior(weight)
