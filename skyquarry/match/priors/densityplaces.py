"""Groups and rows sorted out once for all passes: who looked there, which magnitudes they have.

Nothing here changes while densities are learnt: it depends on the coverage and on the bins of
magnitudes alone. Densities that no magnitude has a say in use the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels.densities import counted_members, lowest_members
from skyquarry.match.kernels.magnitudes import on_scale
from skyquarry.match.priors.densitysums import LOCAL_ORDER, UNIT, Sums, Tally, distinct
from skyquarry.sky.ranges import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.priors.magnitudes import MagnitudeScale
    from skyquarry.match.resolution.groups import Groups
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Scales = tuple[MagnitudeScale, ...] | None

_SHIFT = 2 * (MAX_ORDER - LOCAL_ORDER)


@dataclass(frozen=True, slots=True)
class Lone:
    """Rows of one catalogue that have no candidate: each is an object alone, in every pass."""

    spatial: Ints
    """(n,) order-29 pixels"""
    mag: Floats
    """(n,)"""

    def within(self, core: Ranges) -> Lone:
        """Those that lie there."""
        mine = core.contains(self.spatial)
        return Lone(self.spatial[mine], self.mag[mine])


def lone_sums(rows: Sequence[Lone], coverage: Coverage, scales: Scales) -> Sums:
    """What the lone rows of each catalogue add to the expected numbers; whole groups, each once."""
    places, members = [Tally.none()], [Tally.none()]
    for c, each in enumerate(rows):
        looked, kind = distinct(coverage.observed_at(each.spatial).astype(np.int64) | 1 << c)
        cells, cell = distinct(each.spatial >> _SHIFT)
        counted = np.bincount(cell * len(looked) + kind, minlength=len(cells) * len(looked))
        keys = (cells[:, None] << 32 | looked << 16 | 1 << c).ravel()
        places.append(_whole(keys, counted))
        if scales is not None:
            bins, size = scales[c].bins(each.mag), len(scales[c])
            bright = bins >= 0
            table = np.bincount(kind[bright] * size + bins[bright], minlength=len(looked) * size)
            keys = (looked[:, None] << 28 | 1 << c + 12 | c << 8 | np.arange(size)).ravel()
            members.append(_whole(keys, table))
    return Sums(Tally.union(places), Tally.union(members))


def _whole(keys: Ints, counted: Ints) -> Tally:
    """So many whole groups of each key, where there are any."""
    some = counted > 0
    return Tally(keys[some], counted[some] * int(UNIT))


@dataclass(frozen=True, slots=True)
class Nodes:
    """Every row of the patch, through all catalogues."""

    catalog: Ints
    """(n,)"""
    observed: Ints
    """(n,) the catalogues that looked there, its own among them"""
    cell: Ints
    """(n,) which of the patch's cells"""
    low: Ints
    """(n,) the centre of bins below its magnitude; -1 where it has none"""
    way: Floats
    """(n,) from there to the next centre, 0 to 1"""
    bins: Ints
    """(n,) bin of its magnitude; -1 where it has none"""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Groups told apart by what sums are made of."""

    keys: Ints
    """of `Sums.groups`"""
    key: Ints
    """(groups,) which of them"""
    kinds: Ints
    """ascending: observed set << 16 | set"""
    kind: Ints
    """(groups,) which of them"""


@dataclass(frozen=True)
class Placed:
    """All of a patch."""

    groups: Groups
    nodes: Nodes
    cells: Ints
    """(k,) ascending, of order 6: those that the patch has rows in"""
    cell: Ints
    """(groups,) which of them: that of its lowest pixel, in any order of catalogues"""
    catalogs: Ints
    """(groups,)"""
    observed: Ints
    """(groups,)"""
    most_bins: int
    """of any catalogue; 0 where magnitudes do not matter"""

    @classmethod
    def of(cls, groups: Groups, rows: list[Rows], coverage: Coverage, scales: Scales) -> Placed:
        """Sort out groups; `scales` None: magnitudes do not matter."""
        spatial = np.concatenate([each.spatial for each in rows])
        cells, cell = distinct(spatial >> _SHIFT)
        nodes = _nodes(rows, spatial, cell, coverage, scales)
        place = lowest_members(groups.start, groups.nodes, spatial)
        catalogs = groups.catalogs.astype(np.int64)
        observed = nodes.observed[place] | catalogs
        most = max((len(each) for each in scales or ()), default=0)
        return cls(groups, nodes, cells, cell[place], catalogs, observed, most)

    @cached_property
    def kinds(self) -> Kinds:
        """What only those need that count: made when it is first asked for."""
        kinds, kind = distinct(self.observed << 16 | self.catalogs)
        many = max(len(kinds), 1)
        both, key = distinct(self.cell * len(kinds) + kind)
        return Kinds(self.cells[both // many] << 32 | kinds[both % many], key, kinds, kind)

    def sums(self, posterior: Floats, *, magnitudes: bool = True) -> Sums:
        """Expected numbers, from the posterior (groups,) of each group."""
        amount = np.rint(posterior * UNIT)
        by_place = Tally.summed(self.kinds.keys, self.kinds.key, amount)
        return Sums(by_place, self._members(amount) if magnitudes else Tally.none())

    def _members(self, amount: Floats) -> Tally:
        """Keys of `Sums.members`: observed set << 28 | set << 12 | catalogue << 8 | bin."""
        catalogs, told = int(self.nodes.catalog.max(initial=-1)) + 1, self.kinds
        table = np.zeros((len(told.kinds), catalogs, self.most_bins))
        if not table.size:
            return Tally.none()
        each = (self.groups.start, self.groups.nodes, told.kind, self.nodes.catalog)
        counted_members(*each, self.nodes.bins, amount, table)
        kind, catalog, place = np.nonzero(table)
        key = told.kinds[kind] << 12 | catalog << 8 | place
        return Tally(key, table[kind, catalog, place].astype(np.int64))


def _nodes(
    rows: list[Rows], spatial: Ints, cell: Ints, coverage: Coverage, scales: Scales
) -> Nodes:
    catalog = np.repeat(np.arange(len(rows), dtype=np.int64), [len(each) for each in rows])
    seen = coverage.observed_at(spatial).astype(np.int64) | 1 << catalog
    if scales is None:
        none = np.full(len(spatial), -1, np.int64)
        return Nodes(catalog, seen, cell, none, np.zeros(len(spatial)), none)
    bins, low, way = (
        np.concatenate(each) for each in zip(*map(_on_scale, scales, rows), strict=True)
    )
    return Nodes(catalog, seen, cell, low, way, bins)


def _on_scale(scale: MagnitudeScale, rows: Rows) -> tuple[Ints, Ints, Floats]:
    """`MagnitudeScale.bins` and `between` of the rows; -1 for both where there is no magnitude."""
    n = len(rows)
    bins, low, way = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
    on_scale(rows.mag, scale.edges, scale.centers, bins, low, way)
    return bins, low, way
