"""A patch's work as the learning of densities sees it: what changes from pass to pass, and no more.

A row without a candidate is an object alone whatever the densities are. Such rows are most of a
deep catalogue beside a shallow one: they are counted once, the passes see islands of several rows.

An island of more than 63 rows, a cluster mostly, costs more than ten thousand small ones, and there
are no exact sums for it. What is learnt are sums over many islands: such a one is told by a short
belief propagation, and only where weights have moved so far that it would be seen. Islands of up to
63 rows are exact in every pass: they are where the sparse sets of catalogues stand. Tables are made
of the answers of `resolve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.match.kernels.densities import lowest_members
from skyquarry.match.kernels.large import believe
from skyquarry.match.resolution.exact import Ready, part_of
from skyquarry.match.resolution.groups import Groups, Islands
from skyquarry.match.resolution.large import gains
from skyquarry.match.resolution.resolve import resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densityplaces import Lone
    from skyquarry.match.runs.identify import Found
    from skyquarry.match.runs.rules import Constraint, Rules
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


MANY_ROWS: Final = 12
"""Islands of up to so many rows are solved as they are."""
NOTHING: Final = -10.0
"""Ln: of those of more rows groups of less gain over their rows alone, each of a probability below
e^-10, are left out before sums are done: many such islands fall apart."""
LARGE_ROWS: Final = 63
"""Islands of more rows are large: `resolve` has no exact sums for them. Belief propagation in those
of 13 to 63 rows made 2.9 per cent too few of a sparse catalogue's matches."""
SEEN: Final = 0.02
"""A change of an island's posteriors that counts: in quadrature, for each of its rows."""
LEFT_OUT: Final = -7.0
"""Ln: groups of less gain over their rows alone, each of a probability below e^-7, are left out."""
ROUNDS: Final = 20
"""Of belief propagation; always as many, so that no island depends on another. On 1,021 groups of
islands of four clumpy catalogues 20, 30 and 200 rounds are as near to exact sums: 0.2 per cent of
each frequent set; 12 rounds 0.8 per cent."""


VAST_ROWS, MOST_TIMES = 1_000, 3
"""An island of more rows, the core of a crowd, is solved so often at most: what belief propagation
gets wrong there is more than what densities change after."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some islands of a whole, numbered anew in their order, with all that solving them needs."""

    islands: Islands
    groups: Groups
    ready: Ready
    which: Ints
    """(groups of the part,) their numbers in the whole"""

    @classmethod
    def of(cls, islands: Islands, groups: Groups, kept: Mask) -> _Part:
        """The kept islands (islands,)."""
        chosen = kept[groups.island]
        left = _without(islands, kept)
        node, island = np.cumsum(kept[islands.label]) - 1, np.cumsum(kept) - 1
        again = _renumbered(groups, chosen, node, island)
        return cls(left, again, Ready.of(left, again), np.flatnonzero(chosen))

    def posterior(self, ln_weight: Floats, constraint: Constraint) -> Floats:
        """(groups of the part,) for these weights."""
        told = resolve(
            self.islands, self.groups, ln_weight, constraint, ready=self.ready, best=False
        )
        return told.posterior


@dataclass(slots=True)
class Large:
    """Islands of many rows, and what they were found to be when they were last solved."""

    part: _Part
    weight: Floats
    """(groups of the part,) ln; NaN where never solved"""
    posterior: Floats
    times: Ints
    """(islands of the part,) how often each was solved"""

    @classmethod
    def of(cls, islands: Islands, groups: Groups, kept: Mask) -> Large:
        """The kept islands (islands,), never solved yet."""
        part = _Part.of(islands, groups, kept)
        none = np.zeros(len(part.islands), np.int64)
        return cls(part, np.full(len(part.groups), np.nan), np.zeros(len(part.groups)), none)

    def solved(self, ln_weight: Floats) -> Floats:
        """(groups of the part,) for these weights, or for some that are as good."""
        vast = np.diff(self.part.islands.start) > VAST_ROWS
        stale = self.stale(ln_weight) & ~(vast & (self.times >= MOST_TIMES))
        if stale.any():
            self.times += stale
            some = _Part.of(self.part.islands, self.part.groups, stale)
            weight = ln_weight[some.which]
            self.posterior[some.which] = _believed(some, weight)
            self.weight[some.which] = weight
        return self.posterior

    def stale(self, ln_weight: Floats) -> Mask:
        """(islands,) whose posteriors would change so that it is seen, to first order."""
        with np.errstate(invalid="ignore"):
            moved = np.abs(ln_weight - self.weight)
        moved[ln_weight == self.weight] = 0.0  # two of weight 0 too
        moved[np.isnan(moved)] = np.inf
        grown = np.exp(np.minimum(moved, 30.0))  # 1e13: certain, whatever it was
        could = np.where(self.posterior > 0.0, self.posterior, np.exp(LEFT_OUT)) * grown
        scatter = np.minimum(could, 1.0) * np.minimum((1.0 - self.posterior) * grown, 1.0)
        island, rows = self.part.groups.island, np.diff(self.part.islands.start)
        change2 = np.bincount(island, scatter * np.minimum(moved, 1.0) ** 2, len(rows))
        seen = change2 > SEEN**2 * rows
        return np.asarray(seen)


def _thinned(part: _Part, ln_weight: Floats, constraint: Constraint) -> Floats:
    """(groups of the part,) posteriors; 0 for groups that next to nothing speaks for."""
    n_nodes, several = len(part.islands.nodes), np.diff(part.groups.start) > 1
    gain, _ = gains(part.groups, ln_weight, n_nodes)
    left = part_of(part.groups, ~several | (gain >= NOTHING), np.ones(n_nodes, bool))
    told = resolve(left.islands, left.groups, gain[left.group], constraint, best=False)
    found = np.zeros(len(gain))
    found[left.group] = told.posterior
    return found


def _believed(part: _Part, ln_weight: Floats) -> Floats:
    """(groups of the part,) posteriors without the groups of little gain, which have 0."""
    n_nodes, groups = len(part.islands.nodes), part.groups
    gain, _ = gains(groups, ln_weight, n_nodes)
    kept = (np.diff(groups.start) == 1) | (gain >= LEFT_OUT)
    left = _renumbered(groups, kept, np.arange(n_nodes), np.arange(len(part.islands)))
    told = np.empty(len(left))
    believe(n_nodes, left.start, left.nodes, gain[kept], ROUNDS, 0.0, told)
    found = np.zeros(len(gain))
    found[kept] = told
    return found


@dataclass(frozen=True, slots=True)
class Weighed:
    """The islands of several rows of a work (a `learning.Piece`), and the rows beside them."""

    rows: list[Rows]
    """of every catalogue, those of these islands"""
    islands: Islands
    groups: Groups
    ln_bayes: Floats
    """(groups,) evidence of positions"""
    small: _Part
    middle: _Part
    large: Large
    constraint: Constraint
    mine: Mask | None
    """(groups,) those that are counted here; None: all"""
    lone: list[Lone]
    """of every catalogue, the rows that stand alone and are counted here"""

    @classmethod
    def of(cls, found: Found, rules: Rules, core: Ranges | None = None) -> Weighed:
        """Of a patch; an island is counted where its lowest pixel is: in the core, or anywhere."""
        work, mine = found.work, None
        lone = found.alone.lone
        if core is not None:
            lone = [each.within(core) for each in lone]
            spatial = np.concatenate([each.spatial for each in work.rows])
            lowest = lowest_members(work.islands.start, work.islands.nodes, spatial)
            mine = core.contains(spatial[lowest])[work.groups.island]
        whole = work.islands, work.groups
        size = np.diff(work.islands.start)
        if rules.constraint != "one_to_one":  # no island is large where groups are judged alone
            size = np.minimum(size, MANY_ROWS)
        small, large = size <= MANY_ROWS, size > LARGE_ROWS
        return cls(
            rows=work.rows,
            islands=work.islands,
            groups=work.groups,
            ln_bayes=work.evidence.lnB,
            small=_Part.of(*whole, small),
            middle=_Part.of(*whole, ~small & ~large),
            large=Large.of(*whole, large),
            constraint=rules.constraint,
            mine=mine,
            lone=lone,
        )

    def posterior(self, ln_weight: Floats) -> Floats:
        """(groups,) for these weights; 0 for groups that are counted elsewhere."""
        told = np.empty(len(self.groups))
        small, middle, large = self.small.which, self.middle.which, self.large.part.which
        told[small] = self.small.posterior(ln_weight[small], self.constraint)
        if len(middle):
            told[middle] = _thinned(self.middle, ln_weight[middle], self.constraint)
        if len(large):
            told[large] = self.large.solved(ln_weight[large])
        return told if self.mine is None else np.where(self.mine, told, 0.0)


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
