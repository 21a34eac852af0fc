"""Edges of polygons that have many: each is compared with those near it, in compiled loops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.halfspaces import EDGE
from skyquarry.sky.kernels import polygons as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.sky.halfspaces import Floats, Mask
    from skyquarry.sky.polygons import Edges

_MOST_SLABS = 4096
_MOST_MEMBERS = 1 << 22


def crossing(edges: Edges) -> tuple[int, int] | None:
    """The first two edges that cross; None where none do.

    The boxes that hold the edges are swept along the axis on which they are narrowest, beside all.
    """
    low, high = np.minimum(edges.first, edges.last), np.maximum(edges.first, edges.last)
    half = 0.5 * np.linalg.norm(edges.last - edges.first, axis=1)
    # An arc bulges over its chord by 1 - cos(angle / 2), where sin(angle / 2) is half the chord.
    bulge = (1.0 - np.sqrt(np.maximum(1.0 - half * half, 0.0)) + 4.0 * EDGE)[:, None]
    low, high = low - bulge, high + bulge
    spread = high.max(axis=0) - low.min(axis=0)
    along = np.argsort((high - low).mean(axis=0) / spread)
    low, high = low[:, along], high[:, along]
    order = np.argsort(low[:, 0], kind="stable")
    first, last, normals, low, high = (
        np.ascontiguousarray(each)
        for each in (
            edges.first[:, along], edges.last[:, along], edges.normals[:, along], low, high
        )
    )  # fmt: skip
    i, j = kernels.first_crossing(first, last, normals, low, high, order, EDGE)
    return None if i < 0 else (int(i), int(j))


@dataclass(frozen=True, slots=True)
class Slabs:
    """Which edges lie over each slab of longitude round the pole."""

    edges: Edges
    starts: NDArray[np.int64]
    """(slabs + 1,) where those of each slab begin in `members`."""
    members: NDArray[np.int64]

    @classmethod
    def of(cls, edges: Edges) -> Slabs:
        """About as many slabs as edges; fewer where long edges would stand in too many."""
        slabs = min(len(edges), _MOST_SLABS)
        while True:
            counts = np.zeros(slabs, np.int64)
            kernels.slabs_counted(edges.west, edges.east, slabs, counts)
            if counts.sum() <= _MOST_MEMBERS or slabs == 1:
                break
            slabs = max(slabs // 4, 1)
        starts = np.concatenate([[0], np.cumsum(counts)])
        members = np.empty(starts[-1], np.int64)
        kernels.slabs_filled(edges.west, edges.east, slabs, starts[:-1].copy(), members)
        return cls(edges, starts, members)

    def odd_crossings(self, xyz: Floats, lon: Floats) -> Mask:
        """Whether the meridian from each point (m, 3) to the pole crosses an odd number."""
        found = np.empty(len(xyz), dtype=bool)
        e = self.edges
        kernels.crossed_oddly(
            xyz, lon, e.west, e.east, e.eastward, e.normals, self.starts, self.members, found
        )
        return found

    def on_edges(self, xyz: Floats, lon: Floats) -> Mask:
        """Whether an edge comes within EDGE of each point."""
        found = np.empty(len(xyz), dtype=bool)
        e, reach = self.edges, (2.0 * math.sin(0.5 * EDGE), math.sin(EDGE))
        kernels.on_an_edge(
            xyz, lon, *reach, e.first, e.last, e.normals, self.starts, self.members, found
        )
        return found


def near_edges(edges: Edges, xyz: Floats, reach: Floats) -> Mask:
    """Whether any edge comes within `reach` (m,) radians of each point (m, 3)."""
    found = np.empty(len(xyz), dtype=bool)
    limit = 2.0 * np.sin(0.5 * np.minimum(reach, math.pi))
    sine = np.sin(np.minimum(reach, 0.5 * math.pi))
    kernels.near_an_edge(xyz, limit, sine, edges.first, edges.last, edges.normals, found)
    return found
