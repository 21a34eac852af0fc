"""What every region can do, and how regions combine: `a & b`, `a | b`, `~a`, `a - b`.

Combinations keep their structure; they are not multiplied out. A region answers two questions:
which points it contains, and how cells relate to it (1 inside, -1 outside, 0 cut or not known;
see `halfspaces`). Everything else follows from these two: covers, areas, MOCs, combinations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky.halfspaces import CUT, INSIDE, OUTSIDE, Cells, Floats, Mask, Relation
from skyquarry.sky.ranges import SKY_DEG2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skyquarry.sky.covers import Cover, Scheme
    from skyquarry.sky.mocs import MocRegion

_BLOCK = 1 << 15  # points a block: temporaries stay in the cache


class Region:
    """A part of the sky. Subclasses give `_inside` and `relate`, and may know their area."""

    __slots__ = ()

    def contains(self, xyz: ArrayLike) -> Mask:
        """Whether ICRS unit vectors, (n, 3) or (3,), lie in the region: (n,) bool.

        Edges are inclusive; a point with NaN is never inside.
        """
        points = np.atleast_2d(np.asarray(xyz, dtype=np.float64))
        if points.ndim != 2 or points.shape[1] != 3:
            raise RegionError(
                f"the points have shape {np.shape(xyz)}, but contains() needs unit vectors (n, 3): "
                "try sky.vectors.to_xyz(ra_deg, dec_deg)"
            )
        if len(points) <= _BLOCK:
            return self._inside(points)
        found = np.empty(len(points), dtype=bool)
        for start in range(0, len(points), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[block] = self._inside(points[block])
        return found

    def _inside(self, xyz: Floats) -> Mask:
        raise NotImplementedError

    def relate(self, cells: Cells) -> Relation:
        """How each cell lies to the region, (n,) int8: 1 and -1 are proofs, 0 is none."""
        raise NotImplementedError

    def cover(self, order: int | None = None, scheme: Scheme = "healpix") -> Cover:
        """Cells of `order` wholly inside (`inner`) and cut (`outer`): no point is missed.

        HEALPix covers are ranges of order-29 pixels; HTM covers are ranges of trixel ids at level
        `order` (0 to 24). Without an order, some ten to two hundred cells are aimed at. Raises
        RegionError above ten million cut cells.
        """
        from skyquarry.sky.covers import auto_order, cover

        return cover(self, auto_order(self, scheme) if order is None else order, scheme)

    def area(self) -> float:
        """The area in square degrees.

        Exact where a closed form exists (cones, zones, boxes, polygons, ellipses, their
        complements); else from covers, surely to one part in 1,000 and most often to 1e-4. See
        `area_bounds` for limits.
        """
        from skyquarry.sky.covers import measured_area

        return measured_area(self)

    def area_bounds(self, order: int) -> tuple[float, float]:
        """Square degrees between which the area surely lies, from a HEALPix cover of `order`."""
        found = self.cover(order)
        inner = found.inner.area_deg2()
        return inner, inner + found.outer.area_deg2()

    def to_moc(self, order: int, cells: Literal["touching", "inside"] = "touching") -> MocRegion:
        """The region as a MOC of `order`: of all cells it touches, or of those wholly inside."""
        from skyquarry.sky.mocs import MocRegion

        found = self.cover(order)
        return MocRegion(found.inner if cells == "inside" else found.all, order)

    def __and__(self, other: Region) -> Region:
        return Intersection.of(self, other) if isinstance(other, Region) else NotImplemented

    def __or__(self, other: Region) -> Region:
        return Union.of(self, other) if isinstance(other, Region) else NotImplemented

    def __invert__(self) -> Region:
        return Complement(self)

    def __sub__(self, other: Region) -> Region:
        return Intersection.of(self, ~other) if isinstance(other, Region) else NotImplemented


@dataclass(frozen=True, slots=True)
class Intersection(Region):
    """What all of `parts` have in common; of no parts, the whole sky."""

    parts: tuple[Region, ...]

    @classmethod
    def of(cls, *regions: Region) -> Intersection:
        """The intersection, with those within it opened up."""
        return cls(tuple(p for r in regions for p in (r.parts if isinstance(r, cls) else (r,))))

    def _inside(self, xyz: Floats) -> Mask:
        found = np.asarray(~np.isnan(xyz).any(axis=1))
        for part in self.parts:
            left = np.flatnonzero(found)
            if not left.size:
                break
            found[left] = part._inside(xyz[left])  # noqa: SLF001
        return found

    def relate(self, cells: Cells) -> Relation:
        """The least answer of all parts."""
        found = np.full(len(cells), INSIDE)
        for part in self.parts:
            _narrow(found, part, cells, OUTSIDE)
        return found


@dataclass(frozen=True, slots=True)
class Union(Region):
    """What lies in any of `parts`; of no parts, nothing."""

    parts: tuple[Region, ...]

    @classmethod
    def of(cls, *regions: Region) -> Union:
        """The union, with those within it opened up."""
        return cls(tuple(p for r in regions for p in (r.parts if isinstance(r, cls) else (r,))))

    def _inside(self, xyz: Floats) -> Mask:
        found = np.zeros(len(xyz), dtype=bool)
        for part in self.parts:
            left = np.flatnonzero(~found)
            if not left.size:
                break
            found[left] = part._inside(xyz[left])  # noqa: SLF001
        return found

    def relate(self, cells: Cells) -> Relation:
        """The greatest answer of all parts."""
        found = np.full(len(cells), OUTSIDE)
        for part in self.parts:
            _narrow(found, part, cells, INSIDE)
        return found


@dataclass(frozen=True, slots=True)
class Complement(Region):
    """The rest of the sky: all points that `region` does not contain."""

    region: Region

    def __invert__(self) -> Region:
        return self.region

    def _inside(self, xyz: Floats) -> Mask:
        return ~self.region._inside(xyz) & ~np.isnan(xyz).any(axis=1)  # noqa: SLF001

    def relate(self, cells: Cells) -> Relation:
        """The opposite answer."""
        return np.asarray(-self.region.relate(cells))

    def area(self) -> float:
        """What the region leaves of the sky, in square degrees."""
        return SKY_DEG2 - self.region.area()


def _narrow(found: Relation, part: Region, cells: Cells, decided: np.int8) -> None:
    """Fold a part into `found` (by least or greatest), but where `decided` ends the matter."""
    left = np.flatnonzero(found != decided)
    if not left.size:
        return
    fold = np.minimum if decided < CUT else np.maximum
    found[left] = fold(found[left], part.relate(cells.take(left)))


WHOLE = Intersection(())
"""The whole sky."""
NOWHERE = Union(())
"""The empty region."""
