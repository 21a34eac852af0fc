"""A patch's work as the learning of densities sees it: what changes from pass to pass, and no more.

A row without a candidate is an object alone whatever the densities are. Such rows are most of a
deep catalogue beside a shallow one: they are counted once, the passes see islands of several rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.densities import lowest_members
from skyquarry.match.priors.densityplaces import Lone
from skyquarry.match.resolution.resolve import resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.resolution.exact import Ready
    from skyquarry.match.resolution.groups import Groups, Islands
    from skyquarry.match.runs.identify import Found
    from skyquarry.match.runs.rules import Constraint, Rules
    from skyquarry.sky.ranges import Ranges

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
    def of(cls, found: Found, rules: Rules, core: Ranges | None = None) -> Weighed:
        """Of a patch; an island is counted where its lowest pixel is: in the core, or anywhere."""
        work, mine = found.work, None
        lone = [Lone(each.spatial, each.mag) for each in found.alone]
        if core is not None:
            lone = [each.within(core) for each in lone]
            spatial = np.concatenate([each.spatial for each in work.rows])
            lowest = lowest_members(work.islands.start, work.islands.nodes, spatial)
            mine = core.contains(spatial[lowest])[work.groups.island]
        return cls(
            work.rows, work.islands, work.groups, work.evidence.lnB, work.ready, rules.constraint,
            mine, lone,
        )  # fmt: skip

    def posterior(self, ln_weight: Floats) -> Floats:
        """(groups,) for these weights; 0 for groups that are counted elsewhere."""
        told = resolve(
            self.islands, self.groups, ln_weight, self.constraint, ready=self.ready, rivals=False
        )
        return told.posterior if self.mine is None else np.where(self.mine, told.posterior, 0.0)
