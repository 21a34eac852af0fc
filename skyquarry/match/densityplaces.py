"""Groups and rows sorted out once for all passes: who looked there, which magnitudes they have.

Nothing here changes while densities are learnt: it depends on the coverage and on the bins of
magnitudes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.densitysums import (
    LOCAL_ORDER,
    UNIT,
    Sums,
    Tally,
    distinct,
    group_keys,
    member_keys,
)
from skyquarry.match.groups import offsets
from skyquarry.sky.ranges import MAX_ORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.footprints import Coverage
    from skyquarry.match.groups import Groups
    from skyquarry.match.magnitudes import MagnitudeScale
    from skyquarry.match.rows import Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Scales = tuple[MagnitudeScale, ...] | None

_SHIFT = 2 * (MAX_ORDER - LOCAL_ORDER)


@dataclass(frozen=True, slots=True)
class Look:
    """Where magnitudes lie between the centres of the bins."""

    low: Ints
    way: Floats
    """from `low` to the next centre, 0 to 1"""
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, scale: MagnitudeScale, mag: Floats) -> Look:
        """Of rows with these magnitudes."""
        low, way = scale.between(mag)
        return cls(low, way, np.isfinite(mag))

    def take(self, index: Ints) -> Look:
        """Of these rows."""
        return Look(self.low[index], self.way[index], self.known[index])

    def on(self, line: Floats) -> Floats:
        """(n,) values of a line given at the centres; 0 where the magnitude is missing."""
        high = np.minimum(self.low + 1, len(line) - 1)
        found: Floats = (1.0 - self.way) * line[self.low] + self.way * line[high]
        found[~self.known] = 0.0
        return found


@dataclass(frozen=True, slots=True)
class Kind:
    """Groups of one set of catalogues, where one set of catalogues looked."""

    observed: int
    catalogs: int
    index: Ints
    """(n,) number of each group; or node of each single row"""
    cells: Ints
    """(n,) of order 6"""
    looks: tuple[tuple[int, Look], ...]
    """catalogue and magnitudes of each member; empty where magnitudes do not matter"""


@dataclass(frozen=True, slots=True)
class Placed:
    """All of a patch."""

    n_groups: int
    n_nodes: int
    kinds: tuple[Kind, ...]
    """of groups of two rows and more"""
    alone: tuple[Kind, ...]
    """of the rows that such groups hold"""
    multiple: Ints
    """numbers of groups of two rows and more"""
    members: Ints
    """their nodes"""
    begin: Ints
    """where each of them begins in `members`"""
    keys: tuple[Ints, NDArray[np.intp]]
    """of `Sums.groups`, and the place of each group in them"""
    member_keys: tuple[Ints, NDArray[np.intp], Ints]
    """of `Sums.members`; the place and the group of each row that has a magnitude"""

    @classmethod
    def of(cls, groups: Groups, rows: list[Rows], coverage: Coverage, scales: Scales) -> Placed:
        """Sort out groups; `scales` None: magnitudes do not matter."""
        nodes = _Nodes.of(rows, coverage, scales)
        size = np.diff(groups.start)
        place = _places(groups, nodes.spatial)
        catalogs = groups.catalogs.astype(np.int64)
        observed = nodes.observed[place] | catalogs
        multiple = np.flatnonzero(size > 1)
        inside = np.repeat(size > 1, size)
        members = groups.nodes[inside]
        return cls(
            len(groups),
            len(nodes.cell),
            tuple(_kinds(nodes, groups, multiple, observed[multiple], nodes.cell[place])),
            tuple(_single_kinds(nodes, np.unique(members))),
            multiple,
            members,
            np.cumsum(size[multiple]) - size[multiple],
            distinct(group_keys(nodes.cell[place], observed, catalogs)),
            nodes.member_keys(groups, observed),
        )

    def sums(self, posterior: Floats) -> Sums:
        """Expected numbers, from the posterior (groups,) of each group."""
        amount = np.rint(posterior * UNIT)
        keys, place, group = self.member_keys
        return Sums(Tally.summed(*self.keys, amount), Tally.summed(keys, place, amount[group]))


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Every row of the patch, through all catalogues."""

    first: Ints
    spatial: Ints
    cell: Ints
    observed: Ints
    catalog: Ints
    bins: Ints
    looks: tuple[Look, ...]

    @classmethod
    def of(cls, rows: list[Rows], coverage: Coverage, scales: Scales) -> _Nodes:
        spatial = np.concatenate([each.spatial for each in rows])
        catalog = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
        seen = coverage.observed_at(spatial).astype(np.int64) | 1 << catalog
        bins, looks = np.full(len(spatial), -1, np.int64), []
        if scales is not None:
            both = list(zip(scales, rows, strict=True))
            bins = np.concatenate([scale.bins(each.mag) for scale, each in both])
            looks = [Look.of(scale, each.mag) for scale, each in both]
        return cls(offsets(rows), spatial, spatial >> _SHIFT, seen, catalog, bins, tuple(looks))

    def look(self, catalog: int, nodes: Ints) -> tuple[tuple[int, Look], ...]:
        """One entry, or none where magnitudes do not matter."""
        if not self.looks:
            return ()
        return ((catalog, self.looks[catalog].take(nodes - self.first[catalog])),)

    def member_keys(self, groups: Groups, observed: Ints) -> tuple[Ints, NDArray[np.intp], Ints]:
        if not self.looks:
            return np.empty(0, np.int64), np.empty(0, np.intp), np.empty(0, np.int64)
        group = np.repeat(np.arange(len(groups)), np.diff(groups.start))
        some = self.bins[groups.nodes] >= 0
        group, node = group[some], groups.nodes[some]
        catalogs = groups.catalogs.astype(np.int64)[group]
        key = member_keys(observed[group], catalogs, self.catalog[node], self.bins[node])
        return *distinct(key), group


def _places(groups: Groups, spatial: Ints) -> Ints:
    """(groups,) the member of the lowest pixel: a group is where it is, in any order of catalogues.

    Where several share the pixel, one of them: they share all that a place decides.
    """
    pixel = spatial[groups.nodes]
    lowest = np.minimum.reduceat(pixel, groups.start[:-1]) if len(groups) else pixel
    at = np.flatnonzero(pixel == np.repeat(lowest, np.diff(groups.start)))
    told: Ints = groups.nodes[at[np.searchsorted(at, groups.start[:-1])]]
    return told


def _kinds(nodes: _Nodes, groups: Groups, chosen: Ints, observed: Ints, cell: Ints) -> list[Kind]:
    kinds, place = distinct(observed << 16 | groups.catalogs[chosen].astype(np.int64))
    found = []
    for k, kind in enumerate(kinds.tolist()):
        index = chosen[place == k]
        at = groups.start[index]
        inside = [c for c in range(16) if kind >> c & 1]
        looks = [nodes.look(c, groups.nodes[at + i]) for i, c in enumerate(inside)]
        found.append(Kind(kind >> 16, kind & 0xFFFF, index, cell[index], sum(looks, ())))
    return found


def _single_kinds(nodes: _Nodes, chosen: Ints) -> list[Kind]:
    kinds, place = distinct(nodes.observed[chosen] << 4 | nodes.catalog[chosen])
    found = []
    for k, kind in enumerate(kinds.tolist()):
        index, c = chosen[place == k], kind & 0xF
        found.append(Kind(kind >> 4, 1 << c, index, nodes.cell[index], nodes.look(c, index)))
    return found
