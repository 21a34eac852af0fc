"""The second search as a pass of an identification: rows left alone, once more, for fast stars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.given.rows import Flag
from skyquarry.match.likelihood.evidence import pair_evidence
from skyquarry.match.likelihood.fastpass import (
    FastRule,
    eligible,
    fast_candidates,
    free,
)
from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.runs.fastwords import pair_groups
from skyquarry.match.runs.identify import found_of
from skyquarry.match.runs.nearby import agree, chosen_evidence, together
from skyquarry.match.runs.passes import tables_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.likelihood.evidence import PairEvidence
    from skyquarry.match.priors.densities import Densities
    from skyquarry.match.results.lazytables import Tables
    from skyquarry.match.runs.passes import Final, Scene
    from skyquarry.match.runs.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LEAST_LN_GAIN = -7.0
"""Candidates of the second search with odds below exp(-7) are not told: there are thousands."""
SHORTEST_YEARS = 0.25
"""A season, in which the fastest star goes 2.6 arcsec: epochs of one survey, nearer than this, are
no second look at the sky."""


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
        """Tables of rows that waited, all that there are, with the pairs that are found."""
        return self.piece(rows, [np.ones(len(each), bool) for each in rows], scene, final)[0]

    def piece(
        self, rows: list[Rows], core: list[Mask], scene: Scene, final: Final
    ) -> tuple[Tables, list[Rows]]:
        """Tables of the core rows, and those whose islands reach beyond the core: they go on.

        As of the first search: an island inside the core is whole (`runs/patches.py`).
        """
        rules, inside = self.fastest(scene.rules), np.concatenate(core)
        left, right, pairs = self.pairs(rows, scene.rules, final.learnt.densities)
        whole = islands(len(inside), left, right)
        beyond = np.zeros(len(whole), bool)
        beyond[whole.label[~inside]] = True
        crosses = beyond[whole.label]
        closed, start = inside & ~crosses, offsets(rows)
        kept, number = closed[left], np.cumsum(closed) - 1
        mine, opened = _parted(rows, closed, start), _parted(rows, inside & crosses, start)
        evidence = chosen_evidence(pairs, kept)
        found = found_of(mine, number[left[kept]], number[right[kept]], evidence, rules)
        return tables_of(found.work, found.alone, replace(scene, rules=rules), final), opened

    def fastest(self, rules: Rules) -> Rules:
        """The rules of the first search, with stars that move as fast as any do."""
        return replace(rules, motion=rules.motion.with_fastest())

    def pairs(
        self, rows: list[Rows], first: Rules, densities: Densities
    ) -> tuple[Ints, Ints, PairEvidence]:
        """Nodes of the candidates that are not hopeless, sorted, with their evidence."""
        rules = self.fastest(first)
        left, right, evidence = self._candidates(rows, rules, first)
        weight = densities.ln_weight(pair_groups(rows, left, right), evidence.lnB, rows)
        likely = weight > LEAST_LN_GAIN
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


def second_search(extremes: Sequence[Rows]) -> SecondSearch | None:
    """The second search of a run, by each catalogue's farthest; None where it can find nothing."""
    epochs = np.concatenate([each.epoch for each in extremes])
    known = epochs[np.isfinite(epochs)]
    if not len(known) or np.ptp(known) < SHORTEST_YEARS:
        return None
    return SecondSearch((FastRule(),) * len(extremes))


def _parted(rows: list[Rows], mask: Mask, start: Ints) -> list[Rows]:
    """The rows of each catalogue where the mask (nodes,) is true."""
    parts = np.split(mask, start[1:-1])
    return [each.take(np.flatnonzero(part)) for each, part in zip(rows, parts, strict=True)]
