"""How complete the search for fast stars is, by their speed: what a run's report says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.match.likelihood.fastpass import (
    FASTEST_ARCSEC_YR,
    Conditions,
    completeness_by_speed,
    eligible,
)
from skyquarry.match.resolution.groups import Groups, offsets
from skyquarry.match.runs.identify import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.fastpass import FastRule
    from skyquarry.match.likelihood.motionprior import MotionPrior
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.priors.learning import Learnt
    from skyquarry.match.runs.passes import Scene, Surveyed
    from skyquarry.match.runs.patches import Patch
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_TYPICAL = 64
"""Rows of a catalogue that stand for all that are searched again."""
_LEAST_DEG2 = 1e-3


class Searched(Protocol):
    """What of a run tells how much its second search finds."""

    @property
    def rules(self) -> Rules:
        """What holds for every patch."""

    @property
    def extremes(self) -> Sequence[Rows]:
        """Of each catalogue the rows that reach farthest."""

    @property
    def surveyed(self) -> Surveyed:
        """What the first look at every patch told."""

    @property
    def learnt(self) -> Learnt:
        """Densities and photometry."""

    @property
    def sample(self) -> Sequence[Patch]:
        """Patches that the report looks at."""

    @property
    def scene(self) -> Scene:
        """The rows as the evidence sees them."""


def fast_words(made: Searched, rules: Sequence[FastRule]) -> str:
    """What share of the fast stars is expected to be found between every two catalogues."""
    typical = [_typical(made, n, rule) for n, rule in enumerate(rules)]
    told = "; ".join(_between(made, a, b, typical) for a, b in made.rules.catalog_pairs())
    return (
        "Bright or red stars whose motion nobody measured are lost where they are fast. Expected "
        f"to be found, all speeds of a bin being as common: {told}."
    )


def _between(made: Searched, a: int, b: int, typical: list[Rows]) -> str:
    """One sentence of two catalogues: the share per 1"/yr, mean of stars of typical magnitudes."""
    names = made.rules.names
    epochs = [made.extremes[n].epoch for n in (a, b)]
    if not all(np.isfinite(each).any() for each in epochs):
        return f"{names[a]} x {names[b]}, an epoch of which is unknown, none"
    years = abs(float(np.nanmedian(epochs[0])) - float(np.nanmedian(epochs[1])))
    errors = made.surveyed.median_errors_arcsec
    densities = made.learnt.densities
    mean = Conditions(
        years=years,
        sigma_arcsec=float(np.hypot(errors[a], errors[b])),
        left_deg2=densities.of(names[a]) or _LEAST_DEG2,
        right_deg2=densities.of(names[b]) or _LEAST_DEG2,
        both_deg2=_with_both(densities, a, b) or _LEAST_DEG2,
        k=float(np.sqrt(made.rules.chi2_limit)),
    )
    prior = made.rules.motion.with_fastest()
    edges = np.append(np.arange(0.0, 11.0), FASTEST_ARCSEC_YR)[:-1]
    stars = _stars(a, b, typical)
    weights = _weights(prior, stars[a], stars[b])
    shares = [
        completeness_by_speed(edges, replace(mean, both_deg2=mean.both_deg2 * odds), prior, own)
        for odds, own in zip(_odds(made, a, b, stars).tolist(), weights, strict=True)
    ]
    if not shares:  # nothing is bright or red: as a mean object
        shares = [completeness_by_speed(edges, mean, prior, np.asarray(prior.base))]
    share = np.mean(shares, axis=0)
    return f"{names[a]} x {names[b]}, {years:.1f} years apart, {by_speed(share)}"


# ---------------------------------------------------------------- stars of usual magnitudes


def _typical(made: Searched, number: int, rule: FastRule) -> Rows:
    """Rows that stand for those that are searched again, the brightest first."""
    found = []
    for patch in made.sample:
        rows = made.scene.source.rows(number, None if patch.is_whole else patch.core)
        none = np.zeros(len(rows), bool)
        found.append(rows.take(_evenly(np.flatnonzero(eligible(rows, none, rule)))))
        if sum(map(len, found)) >= _TYPICAL:
            break
    rows = joined([[each] for each in found])[0]
    return rows.take(_evenly(np.argsort(rows.mag, kind="stable")))


def _evenly(some: Ints) -> Ints:
    """At most so many as are typical, evenly spread over them."""
    if len(some) <= _TYPICAL:
        return some
    return some[np.linspace(0, len(some) - 1, _TYPICAL).astype(np.int64)]


def _stars(a: int, b: int, typical: list[Rows]) -> list[Rows]:
    """Stars of typical magnitudes, each at one place in both catalogues; of the others no rows.

    The brightest of one catalogue with the brightest of the other, and so on.
    """
    count = min(len(typical[a]), len(typical[b]))
    spread = [np.linspace(0, len(typical[n]) - 1, count).astype(np.int64) for n in (a, b)]
    left, right = (typical[n].take(at) for n, at in zip((a, b), spread, strict=True))
    order = np.argsort(left.spatial, kind="stable")
    left, right = left.take(order), right.take(order)
    rows = [each.take(np.empty(0, np.int64)) for each in typical]
    rows[a] = left
    rows[b] = replace(right, ra_deg=left.ra_deg, dec_deg=left.dec_deg, spatial=left.spatial)
    return rows


def _weights(prior: MotionPrior, left: Rows, right: Rows) -> Floats:
    """(stars, k) of the components of motion, as the evidence of a pair takes them."""
    base = np.asarray(prior.base)
    told = np.divide(
        prior.together(left) * prior.together(right), base, out=np.zeros((len(left), len(base))),
        where=base > 0.0,
    )  # fmt: skip
    return np.asarray(told / told.sum(axis=1, keepdims=True))


def _odds(made: Searched, a: int, b: int, stars: list[Rows]) -> Floats:
    """(stars,) by how much they are likelier to be in both than a mean object."""
    start, number = offsets(stars), np.arange(len(stars[a]), dtype=np.int64)
    groups = pair_groups(stars, start[a] + number, start[b] + number)
    densities, nothing = made.learnt.densities, np.zeros(len(number))
    ln_odds = densities.ln_weight(groups, nothing, stars)
    ln_odds -= densities.without_magnitudes().ln_weight(groups, nothing, stars)
    if made.learnt.photometry is not None:
        ln_odds += made.learnt.photometry.ln_ratio(stars, groups)
    return np.exp(np.where(np.isfinite(ln_odds), ln_odds, 0.0))


def pair_groups(rows: list[Rows], left: Ints, right: Ints) -> Groups:
    """Groups of the nodes (m,) left and right, each pair by itself: for its weight alone."""
    count = len(left)
    catalog = np.repeat(np.arange(len(rows), dtype=np.uint32), list(map(len, rows)))
    one = np.uint32(1)
    return Groups(
        np.arange(0, 2 * count + 1, 2, dtype=np.int64),
        np.stack([left, right], axis=1).ravel(),
        one << catalog[left] | one << catalog[right],
        np.arange(count, dtype=np.int64),
        np.zeros(count, bool),
    )


def _with_both(densities: Densities, a: int, b: int) -> float:
    """Objects per square degree that both catalogues detect, whoever else does."""
    both = 1 << a | 1 << b
    masks = np.arange(len(densities.nu))
    return float(densities.nu[masks & both == both].sum()) * (np.pi / 180.0) ** 2


# ---------------------------------------------------------------- words


def by_speed(share: Floats) -> str:
    """Percentages per 1"/yr, equal neighbours together.

    >>> by_speed(np.array([0.4, 0.0, 0.0]))
    '40 % at 0-1"/yr and 0 % at 1-3"/yr'
    """
    told = [f"{100.0 * value:.0f} %" for value in share]
    starts = [n for n in range(len(told)) if n == 0 or told[n] != told[n - 1]]
    runs = [
        f'{told[start]} at {start}-{stop}"/yr'
        for start, stop in zip(starts, [*starts[1:], len(told)], strict=True)
    ]
    return " and ".join([", ".join(runs[:-1]), runs[-1]] if len(runs) > 1 else runs)
