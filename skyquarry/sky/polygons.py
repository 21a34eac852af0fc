"""Polygons with great-circle edges, convex or not, of any size.

A point is inside when the meridian from it to a reference pole crosses the edges an odd number of
times (or an even number, where the pole itself is inside). Longitudes are those round that pole,
and an edge owns its western end but not its eastern one, so a meridian through a vertex counts
once. A cell that no edge touches lies on one side, like its centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky.algebra import Region
from skyquarry.sky.halfspaces import CUT, EDGE, SLACK, Cells, Floats, Mask, Relation, unit
from skyquarry.sky.placing import direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skyquarry.sky.polygonedges import Slabs

Interior = Literal["smaller", "left"]
MAX_VERTICES = 20_000
_BLOCK = 1 << 16  # products of points and edges a block
_MANY = 200  # edges, of more of which each is compared with those near it, not with all
_STERADIAN_DEG2 = math.degrees(1.0) ** 2


@dataclass(frozen=True)
class Polygon(Region):
    """The region that a closed walk along great circles encloses, edges and vertices included.

    `vertices` are (ra_deg, dec_deg) pairs, 3 to 20,000; the last is joined to the first (which may
    be repeated at the end). A walk cuts the sky in two: `interior="smaller"` takes the smaller part
    whichever way one walks; `interior="left"` takes the part on the left of a walker who sees RA
    grow to the right, as on a globe (east, north, west, south encloses a small field), and so may
    exceed a hemisphere. Raises RegionError for edges that cross, consecutive vertices opposite each
    other, or no area.
    """

    vertices: tuple[tuple[float, float], ...]
    frame: str = "icrs"
    interior: Interior = "smaller"
    _edges: Edges = field(init=False, repr=False, compare=False)
    _steradians: float = field(init=False, repr=False, compare=False)
    _pole_inside: bool = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        vertices: Sequence[Sequence[float]],
        frame: str = "icrs",
        interior: Interior = "smaller",
    ) -> None:
        _check_interior(interior)
        pairs = _pairs(vertices)
        corners = _distinct(np.array([direction(*p, frame) for p in pairs]).reshape(-1, 3))
        edges = Edges.around(corners)
        _check_crossings(edges)
        signed = edges.signed_steradians()
        _check_area(signed, edges)
        left = signed > 0.0 or interior == "left"
        size = 4.0 * math.pi + signed if left and signed < 0.0 else abs(signed)
        for name, value in (
            ("vertices", pairs),
            ("frame", frame),
            ("interior", interior),
            ("_edges", edges),
            ("_steradians", size),
            ("_pole_inside", edges.pole_on_left(signed) == left),
        ):
            object.__setattr__(self, name, value)

    def _inside(self, xyz: Floats) -> Mask:
        if len(self._edges) > _MANY:
            return self._edges.hold(xyz, self._pole_inside) & ~np.isnan(xyz).any(axis=1)
        found = np.empty(len(xyz), dtype=bool)
        for block in _blocks(len(xyz), len(self._edges)):
            found[block] = self._edges.odd_crossings(xyz[block]) ^ self._pole_inside
            found[block] |= self._edges.touch(xyz[block], EDGE)
        return found & ~np.isnan(xyz).any(axis=1)

    def relate(self, cells: Cells) -> Relation:
        """Cut where an edge comes within a cell's circle; else as the cell's centre."""
        if len(self._edges) > _MANY:
            return self._relate_many(cells)
        found = np.empty(len(cells), np.int8)
        for block in _blocks(len(cells), len(self._edges)):
            centers = cells.centers[block]
            inside = self._edges.odd_crossings(centers) ^ self._pole_inside
            near = self._edges.touch(centers, (cells.radius[block] + SLACK)[:, None])
            found[block] = np.where(near, CUT, np.where(inside, 1, -1))
        return found

    def _relate_many(self, cells: Cells) -> Relation:
        from skyquarry.sky.polygonedges import near_edges

        centers = np.ascontiguousarray(cells.centers)
        odd = self._edges.slabs.odd_crossings(centers, _longitudes(centers, self._edges.pole))
        near = near_edges(self._edges, centers, np.asarray(cells.radius + SLACK))
        sides = np.where(odd ^ self._pole_inside, 1, -1)
        return np.where(near, CUT, sides).astype(np.int8)

    def area(self) -> float:
        """By Girard's theorem, from triangles round the polygon's middle."""
        return self._steradians * _STERADIAN_DEG2


@dataclass(frozen=True, eq=False)
class Edges:
    """The sides of a closed walk, from `first[i]` to `last[i]`, and longitudes of their ends."""

    first: Floats
    """(n, 3) unit vectors."""
    last: Floats
    normals: Floats
    """(n, 3) unit vectors: the left-hand side is positive."""
    pole: Floats
    """(3,) far from every edge, and so is its opposite."""
    west: Floats
    """(n,) longitude round the pole of the western end, [-pi, pi]."""
    east: Floats
    """(n,) longitude of the eastern end; less than `west` across the 180th meridian."""
    eastward: Mask
    """(n,) whether the walk goes east."""

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def around(cls, corners: Floats) -> Edges:
        """The edges of a walk from corner to corner, (n, 3), and back to the first."""
        last = np.roll(corners, -1, axis=0)
        if (np.linalg.norm(corners + last, axis=1) < 1e-9).any():
            at = int(np.argmin(np.linalg.norm(corners + last, axis=1)))
            raise RegionError(
                f"vertices {at} and {(at + 1) % len(corners)} are opposite each other, so no "
                "single great circle joins them: put a vertex between them"
            )
        normals = unit(np.cross(corners - last, corners + last))
        pole = _clear_pole(corners, last, normals)
        lon = _longitudes(corners, pole)
        turn = np.roll(lon, -1) - lon
        # The short way round: an edge is shorter than half a circle and misses the pole.
        turn = np.where(turn > math.pi, turn - 2 * math.pi, turn)
        turn = np.where(turn <= -math.pi, turn + 2 * math.pi, turn)
        eastward = turn >= 0.0
        west = np.where(eastward, lon, np.roll(lon, -1))
        east = np.where(eastward, np.roll(lon, -1), lon)
        return cls(corners, last, normals, pole, west, east, eastward)

    @cached_property
    def slabs(self) -> Slabs:
        """The edges by longitude, for walks of many."""
        from skyquarry.sky.polygonedges import Slabs

        return Slabs.of(self)

    def hold(self, xyz: Floats, pole_inside: bool) -> Mask:  # noqa: FBT001
        """Whether the walk encloses each point (m, 3), by slabs; NaN is anything."""
        xyz = np.ascontiguousarray(xyz)
        lon = _longitudes(xyz, self.pole)
        lon = np.where(np.isnan(lon), 0.0, lon)
        inside = self.slabs.odd_crossings(xyz, lon) ^ pole_inside
        return np.asarray(inside | self.slabs.on_edges(xyz, lon))

    def odd_crossings(self, xyz: Floats) -> Mask:
        """Whether the meridian from each point (m, 3) to the pole crosses an odd number."""
        lon = _longitudes(xyz, self.pole)[:, None]
        # West end owned, east end not, compared as they are: neighbours share the same number.
        within = np.where(
            self.west <= self.east,
            (self.west <= lon) & (lon < self.east),
            (self.west <= lon) | (lon < self.east),
        )
        height = xyz @ self.normals.T
        below = np.where(self.eastward, height < 0.0, height > 0.0)
        return np.asarray((within & below).sum(axis=1) % 2 == 1)

    def touch(self, xyz: Floats, reach: float | Floats) -> Mask:
        """Whether any edge comes within `reach` radians, one or (m, 1), of each point (m, 3)."""
        limit = 2.0 * np.sin(0.5 * np.minimum(reach, math.pi))
        near = np.abs(xyz @ self.normals.T) <= np.sin(np.minimum(reach, 0.5 * math.pi))
        found = np.zeros(len(xyz), dtype=bool)
        point, edge = np.nonzero(near)
        if not point.size:
            return found
        p, a, b, n = xyz[point], self.first[edge], self.last[edge], self.normals[edge]
        between = (_dot(np.cross(n, a), p) >= 0.0) & (_dot(np.cross(b, n), p) >= 0.0)
        squared = np.minimum(_dot(p - a, p - a), _dot(p - b, p - b))
        close = np.broadcast_to(limit, (len(xyz), 1))[point, 0]
        found[point[between | (squared <= close * close)]] = True
        return found

    def signed_steradians(self) -> float:
        """Area on the left, in (-2 pi, 2 pi]: negative where the right side is the smaller.

        The sum of spherical triangles from a middle point m (Van Oosterom & Strackee 1983), the
        triple product from differences, so that a milliarcsecond polygon keeps its digits.
        """
        total = self.first.sum(axis=0)
        length = float(np.linalg.norm(total))
        m = total / length if length > 0.1 * len(self) else self.pole
        a, b = self.first, self.last
        triple = _dot(np.cross(a - m, b - m), np.broadcast_to(m, a.shape))
        excess = 2.0 * np.arctan2(triple, 1.0 + a @ m + b @ m + _dot(a, b))
        area = math.fsum(excess.tolist())
        area -= 4.0 * math.pi * round(area / (4.0 * math.pi))
        return area if area > -2.0 * math.pi + 1e-12 else 2.0 * math.pi  # of two halves the left

    def pole_on_left(self, signed: float) -> bool:
        """Whether the reference pole lies on the left of the walk.

        The walk turns once round the pole if it parts it from its opposite. If not, the surface
        below the edges as seen from the pole is the left part (then the pole is on the right) or
        lacks the left part (then it is on the left).
        """
        gap = np.where(self.west <= self.east, 0.0, 2.0 * math.pi)
        turns = np.where(self.eastward, 1.0, -1.0) * (self.east - self.west + gap)
        winding = round(math.fsum(turns.tolist()) / (2.0 * math.pi))
        if winding:
            return winding > 0
        a, b, p = self.first, self.last, self.pole
        triple = np.cross(a, b) @ p
        below = 2.0 * np.arctan2(triple, 1.0 + a @ p + b @ p + _dot(a, b))
        area = math.fsum(below.tolist())
        return (area if abs(area) > 1e-6 else signed) < 0.0


def _longitudes(xyz: Floats, pole: Floats) -> Floats:
    """Longitudes (n,) in [-pi, pi] round a pole."""
    side = np.zeros(3)
    side[np.argmin(np.abs(pole))] = 1.0
    x = unit(np.cross(side, pole))
    return np.asarray(np.arctan2(xyz @ np.cross(pole, x), xyz @ x))


def _clear_pole(first: Floats, last: Floats, normals: Floats) -> Floats:
    """Of 300 directions the one whose axis is farthest from every edge."""
    i = np.arange(300) + 0.5
    z, phi = 1.0 - i / 300.0, i * math.pi * (1.0 + 5.0**0.5)
    along = np.sqrt(1.0 - z * z)
    axes = np.column_stack([along * np.cos(phi), along * np.sin(phi), z])
    farthest = np.full(len(axes), 2.0)
    for block in _blocks(len(first), len(axes)):
        a, b, n = first[block], last[block], normals[block]
        for sign in (1.0, -1.0):
            p = sign * axes
            inner = (p @ np.cross(n, a).T >= 0.0) & (p @ np.cross(b, n).T >= 0.0)
            to_plane = np.where(inner, np.abs(p @ n.T), 2.0)
            to_ends = np.sqrt(np.maximum(2.0 - 2.0 * np.maximum(p @ a.T, p @ b.T), 0.0))
            farthest = np.minimum(farthest, np.minimum(to_plane, to_ends).min(axis=1))
    return np.asarray(axes[np.argmax(farthest)])


def _pairs(vertices: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((float(ra), float(dec)) for ra, dec in vertices)
    except (TypeError, ValueError):
        raise RegionError(
            f"the vertices are {vertices!r:.80}; a polygon needs a list of pairs (ra_deg, "
            "dec_deg): try [(10, -5), (20, -5), (15, 5)]"
        ) from None


def _distinct(corners: Floats) -> Floats:
    """The corners without those that repeat the one before them (or, at the end, the first)."""
    if len(corners):
        corners = corners[np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) > EDGE]
    if not 3 <= len(corners) <= MAX_VERTICES:
        raise RegionError(
            f"the polygon has {len(corners):,} distinct vertices; it needs 3 to {MAX_VERTICES:,}: "
            "try a Cone for a point, a MOC for a finer outline"
        )
    return corners


def _check_interior(interior: str) -> None:
    if interior not in ("smaller", "left"):
        raise RegionError(f"interior is {interior!r}; it needs to be 'smaller' or 'left'")


def _check_area(signed: float, edges: Edges) -> None:
    longest = float(np.linalg.norm(edges.last - edges.first, axis=1).max())
    if abs(signed) <= 4.0 * EDGE * longest:
        raise RegionError(
            f"the polygon's vertices lie on one line: it encloses {abs(signed):.1e} steradian, "
            "but it needs some area: try a Box, or vertices farther apart"
        )


def _check_crossings(edges: Edges) -> None:
    """Raises RegionError where two edges cross."""
    if len(edges) > _MANY:
        from skyquarry.sky.polygonedges import crossing

        found = crossing(edges)
    else:
        found = _crossing(edges)
    if found is not None:
        raise RegionError(
            f"the polygon's edges {found[0]} and {found[1]} cross (edge 0 joins vertices 0 and 1); "
            "it needs a walk that does not cross itself: put them in order, or unite two polygons"
        )


def _crossing(edges: Edges) -> tuple[int, int] | None:
    """The first two edges that cross: all four triangles of their ends turn one way."""
    a, b, n = edges.first, edges.last, edges.normals
    to_a, to_b = n @ a.T, n @ b.T  # ends of all edges over each edge's plane
    of_a, of_b = a @ n.T, b @ n.T  # each edge's ends over all planes
    one_way = (to_a < -EDGE) & (to_b > EDGE) & (of_a > EDGE) & (of_b < -EDGE)
    other_way = (to_a > EDGE) & (to_b < -EDGE) & (of_a < -EDGE) & (of_b > EDGE)
    found = np.argwhere(one_way | other_way)
    return (int(found[0, 0]), int(found[0, 1])) if len(found) else None


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(width, 1))
    return (slice(start, start + step) for start in range(0, n, step))


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", a, b))
