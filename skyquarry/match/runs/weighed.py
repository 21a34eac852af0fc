"""A patch's work as the learning of densities sees it: what changes from pass to pass, and no more.

A row without a candidate is an object alone whatever the densities are. Such rows are most of a
deep catalogue beside a shallow one: they are counted once, the passes see islands of several rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.priors.densityplaces import Lone
from skyquarry.match.resolution.exact import Ready
from skyquarry.match.resolution.groups import Groups, Islands
from skyquarry.match.resolution.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.identify import Constraint, Rules, Work

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The islands of several rows of a work (a `learning.Piece`), and the rows beside them."""

    rows: list[Rows]
    """of every catalogue, those of these islands"""
    islands: Islands
    groups: Groups
    ln_bayes: Floats
    """(groups,) evidence of positions"""
    ready: Ready
    constraint: Constraint
    mine: Mask | None
    """(groups,) those that are counted here; None: all"""
    lone: list[Lone]
    """of every catalogue, the rows that stand alone and are counted here"""

    @classmethod
    def of(
        cls,
        work: Work,
        rules: Rules,
        mine: Mask | None = None,
        beside: Sequence[Rows] | None = None,
    ) -> Weighed:
        """Of a work; `mine` (islands,): those that are counted here, all where None.

        `beside`: rows of each catalogue that stand alone, are counted here and not in the work.
        """
        several = np.diff(work.islands.start) > 1
        kept = several[work.islands.label]
        alone = ~kept if mine is None else ~kept & mine[work.islands.label]
        lone = [
            Lone(each.spatial[part], each.mag[part])
            for each, part in zip(work.rows, _split(alone, work.start), strict=True)
        ]
        if beside is not None:
            lone = [_with(*both) for both in zip(lone, beside, strict=True)]
        rows = work.rows
        if not kept.all():
            parts = _split(kept, work.start)
            rows = [each.take(np.flatnonzero(m)) for each, m in zip(rows, parts, strict=True)]
        islands, groups = _without(work.islands, several), work.groups
        chosen = several[groups.island]
        groups = _renumbered(groups, chosen, np.cumsum(kept) - 1, np.cumsum(several) - 1)
        counted = None if mine is None else mine[work.groups.island[chosen]]
        ready = Ready.of(islands, groups)
        bayes = work.evidence.lnB[chosen]
        return cls(rows, islands, groups, bayes, ready, rules.constraint, counted, lone)

    def posterior(self, ln_weight: Floats) -> Floats:
        """(groups,) for these weights; 0 for groups that are counted elsewhere."""
        told = resolve(
            self.islands, self.groups, ln_weight, self.constraint, ready=self.ready, rivals=False
        )
        return told.posterior if self.mine is None else np.where(self.mine, told.posterior, 0.0)


def _with(lone: Lone, rows: Rows) -> Lone:
    return Lone(np.append(lone.spatial, rows.spatial), np.append(lone.mag, rows.mag))


def _split(mask: Mask, start: Ints) -> list[Mask]:
    """The mask (nodes,) of each catalogue."""
    return np.split(mask, start[1:-1])


def _without(islands: Islands, kept: Mask) -> Islands:
    """Only the kept islands; they and their nodes are numbered anew, in their order."""
    nodes = kept[islands.label]
    number, node = np.cumsum(kept) - 1, np.cumsum(nodes) - 1
    start = np.concatenate([[0], np.cumsum(np.diff(islands.start)[kept])]).astype(np.int64)
    left = islands.nodes[nodes[islands.nodes]]
    return Islands(number[islands.label[nodes]], start, node[left])


def _renumbered(groups: Groups, chosen: Mask, node: Ints, island: Ints) -> Groups:
    """The chosen groups, of nodes and islands that are called `node` (n,) and `island` now."""
    size = np.diff(groups.start)
    start = np.concatenate([[0], np.cumsum(size[chosen])]).astype(np.int64)
    nodes = node[groups.nodes[np.repeat(chosen, size)]]
    there = island[groups.island[chosen]]
    return Groups(start, nodes, groups.catalogs[chosen], there, groups.heuristic[chosen])
