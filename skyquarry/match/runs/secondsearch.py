"""The second search as a pass of an identification: rows left alone, once more, for fast stars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.given.rows import Flag
from skyquarry.match.kernels import pairtable
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.likelihood.fastpass import (
    FASTEST_ARCSEC_YR,
    Conditions,
    FastRule,
    completeness_by_speed,
    eligible,
    fast_candidates,
    free,
)
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.runs.identify import found_of, work_of_pairs
from skyquarry.match.runs.nearby import agree, chosen_evidence, together
from skyquarry.match.runs.passes import tables_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.evidence import PairEvidence
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.results.tables import Tables
    from skyquarry.match.runs.identification import Identification
    from skyquarry.match.runs.passes import Final, Scene
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LEAST_LN_GAIN = -7.0
"""Candidates of the second search with odds below exp(-7) are not told: there are thousands."""
SHORTEST_YEARS = 0.25
"""Between epochs nearer than this no star goes farther than the first search looks."""


@dataclass(frozen=True, slots=True)
class SecondSearch:
    """Which rows wait for it, and what it finds; made for one run."""

    rules: tuple[FastRule, ...]

    def deferred(self, alone: list[Rows]) -> list[Mask]:
        """Of rows without any candidate those that may be such stars, or where one has gone.

        A row that has candidates, if unlikely ones, keeps them: what is told of it is told once.
        """
        return [free(rows, np.zeros(len(rows), bool)) for rows in alone]

    def tables(self, rows: list[Rows], scene: Scene, final: Final) -> Tables:
        """Tables of the rows that waited, with the pairs that the second search finds."""
        rules = self.fastest(scene.rules)
        found = found_of(rows, *self.pairs(rows, scene.rules, final.learnt.densities), rules)
        return tables_of(found.work, found.alone, replace(scene, rules=rules), final)

    def fastest(self, rules: Rules) -> Rules:
        """The rules of the first search, with stars that move as fast as any do."""
        return replace(rules, motion=rules.motion.with_fastest())

    def pairs(
        self, rows: list[Rows], first: Rules, densities: Densities
    ) -> tuple[Ints, Ints, PairEvidence]:
        """Nodes of the candidates that are not hopeless, sorted, with their evidence."""
        rules = self.fastest(first)
        left, right, evidence = self._candidates(rows, rules, first)
        work = work_of_pairs(rows, left, right, evidence, replace(rules, constraint="none"))
        weight = densities.ln_weight(work.groups, work.evidence.lnB, rows)
        begin = np.searchsorted(left, np.arange(work.n_nodes + 1))
        own = pairtable.pair_groups(begin, right, work.groups.start, work.groups.nodes)
        likely = (own >= 0) & (weight[own] > LEAST_LN_GAIN)
        return left[likely], right[likely], chosen_evidence(evidence, likely)

    def _candidates(
        self, rows: list[Rows], rules: Rules, first: Rules
    ) -> tuple[Ints, Ints, PairEvidence]:
        """Nodes of the pairs that only the second search finds, sorted, with their evidence."""
        start, k = offsets(rows), float(np.sqrt(rules.chi2_limit))
        none = [np.zeros(len(each), bool) for each in rows]
        fast = [eligible(r, m, rule) for r, m, rule in zip(rows, none, self.rules, strict=True)]
        rest = [free(r, m) for r, m in zip(rows, none, strict=True)]
        lefts, rights, told = [], [], []
        for a, b in rules.catalog_pairs():
            i, j = fast_candidates(rows[a], rows[b], (rest[a], rest[b]), (fast[a], fast[b]), k)
            usual = pair_evidence(rows[a], rows[b], i, j, first.motion)
            new = ~agree([rows[a], rows[b]], i, j + len(rows[a]), usual, first)
            i, j = i[new], j[new]
            evidence = pair_evidence(rows[a], rows[b], i, j, rules.motion)
            flagged = replace(evidence, flags=evidence.flags | np.int32(Flag.FAST_PASS))
            lefts.append(i + start[a])
            rights.append(j + start[b])
            told.append(flagged)
        left, right = np.concatenate(lefts), np.concatenate(rights)
        order = np.lexsort((right, left))
        return left[order], right[order], chosen_evidence(together(told), order)

    def words(self, made: Identification) -> str:
        """How complete the search for fast stars is, by their speed, between the catalogues."""
        told = "; ".join(_completeness(made, a, b) for a, b in made.rules.catalog_pairs())
        return f"Of bright or red stars of unknown motion are expected to be found: {told}."


def second_search(made: Identification) -> SecondSearch | None:
    """The second search of a run; None where it is not asked for, or can find nothing."""
    if not made.plan.settings.fast_pass:
        return None
    epochs = np.concatenate([each.epoch for each in made.extremes])
    known = epochs[np.isfinite(epochs)]
    if not len(known) or np.ptp(known) < SHORTEST_YEARS:
        return None
    return SecondSearch(tuple(FastRule.of(side.roles) for side in made.plan.sides))


def _completeness(made: Identification, a: int, b: int) -> str:
    """One sentence of two catalogues: the share that is expected to be found, per 1"/yr."""
    names = made.rules.names
    epochs = [made.extremes[n].epoch for n in (a, b)]
    if not all(np.isfinite(each).any() for each in epochs):
        return f"{names[a]} x {names[b]}, an epoch of which is unknown, none"
    years = abs(float(np.nanmedian(epochs[0])) - float(np.nanmedian(epochs[1])))
    densities = made.learnt.densities
    errors = made.surveyed.median_errors_arcsec
    sigma = np.hypot(errors[a], errors[b])
    prior = made.rules.motion.with_fastest()
    case = Conditions(
        years=years,
        sigma_arcsec=float(sigma),
        left_deg2=densities.of(names[a]) or 1e-3,
        right_deg2=densities.of(names[b]) or 1e-3,
        both_deg2=sum(_with_both(densities, a, b)) or 1e-3,
        k=float(np.sqrt(made.rules.chi2_limit)),
    )
    edges = np.append(np.arange(0.0, 11.0), FASTEST_ARCSEC_YR)[:-1]
    share = completeness_by_speed(edges, case, prior, np.asarray(prior.base))
    return f"{names[a]} x {names[b]}, {years:.1f} years apart, {_by_speed(share)}"


def _by_speed(share: Floats) -> str:
    """Percentages per 1"/yr, equal neighbours together.

    >>> _by_speed(np.array([0.4, 0.0, 0.0]))
    '40 % at 0-1"/yr and 0 % at 1-3"/yr'
    """
    told = [f"{100.0 * value:.0f} %" for value in share]
    starts = [n for n in range(len(told)) if n == 0 or told[n] != told[n - 1]]
    runs = [
        f'{told[start]} at {start}-{stop}"/yr'
        for start, stop in zip(starts, [*starts[1:], len(told)], strict=True)
    ]
    return " and ".join([", ".join(runs[:-1]), runs[-1]] if len(runs) > 1 else runs)


def _with_both(densities: object, a: int, b: int) -> list[float]:
    nu = densities.nu * (np.pi / 180.0) ** 2  # type: ignore[attr-defined]
    both = 1 << a | 1 << b
    return [float(nu[mask]) for mask in range(len(nu)) if mask & both == both]
