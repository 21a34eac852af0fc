"""The footprint of a catalogue: where on the sky it has looked, and how it is known.

A label says where it comes from: the survey's own map, the user's, or an estimate from counts of
sources, which cannot tell an empty field from one never observed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Literal, get_args

import numpy as np

from skyquarry.errors import RegionError
from skyquarry.sky import healpix
from skyquarry.sky.manycones import Cones
from skyquarry.sky.mocs import MocRegion, finest_order, read_moc
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.sky.algebra import Region

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

Label = Literal["survey", "user", "estimate"]
SOURCES_A_CELL = 20
"""Below this mean, one occupied cell in 5e8 would be empty by chance; at 5 one in 150."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How deep a survey reaches in each cell of one order."""

    pixel: Ints
    """(n,) nested pixels, sorted."""
    order: int
    magnitude: Floats
    """(n,) limiting magnitude; NaN where it is not known."""

    def at(self, ra_deg: ArrayLike, dec_deg: ArrayLike) -> Floats:
        """Limiting magnitudes (n,) at positions in degrees; NaN where there are none."""
        pixels = healpix.index(ra_deg, dec_deg, self.order)
        row = np.searchsorted(self.pixel, pixels)
        row[row == len(self.pixel)] = 0
        found = np.full(len(pixels), np.nan)
        if len(self.pixel):
            hit = self.pixel[row] == pixels
            found[hit] = self.magnitude[row[hit]]
        return found


@dataclass(frozen=True, slots=True)
class Footprint:
    """The part of the sky that a catalogue covers, with the source of that knowledge.

    >>> Footprint(Ranges.from_cells(0, [4]), "user")
    Footprint: 3437.75 deg2, given by the user
    """

    ranges: Ranges
    label: Label = "user"
    depth: Depth | None = None
    masks: Region | None = None
    """Parts to leave out, such as the surroundings of bright stars."""

    def __post_init__(self) -> None:
        if self.label not in get_args(Label):
            raise RegionError(
                f"the footprint's label is {self.label!r}; it needs to be one of "
                f"{', '.join(get_args(Label))}: try 'user'"
            )

    @classmethod
    def from_moc(cls, source: bytes | str | IO[bytes], label: Label = "survey") -> Footprint:
        """The footprint in a MOC: FITS bytes, an open file, JSON or ASCII text."""
        return cls(read_moc(source).ranges, label)

    @classmethod
    def from_region(cls, region: Region, order: int, label: Label = "user") -> Footprint:
        """The cells of `order` that a region touches."""
        return cls(region.cover(order).all, label)

    @classmethod
    def from_counts(cls, pixel: ArrayLike, count: ArrayLike, order: int) -> Footprint:
        """An estimate: the cells of `order` that hold sources, `pixel` and `count` (n,) int64.

        Raises RegionError where the occupied cells hold fewer than 20 sources in the mean, for then
        a gap may be chance; the message names an order that would do.
        """
        pixels = np.atleast_1d(np.asarray(pixel, np.int64))
        counts = np.atleast_1d(np.asarray(count, np.int64))
        some = counts > 0
        occupied = np.unique(pixels[some])
        _check_counts(occupied, pixels[some], int(counts[some].sum()), order)
        return cls(Ranges.from_cells(order, occupied), "estimate")

    def with_depth(self, pixel: ArrayLike, order: int, magnitude: ArrayLike) -> Footprint:
        """The footprint with a depth map: limiting magnitude in each cell of `order`."""
        pixels = np.asarray(pixel, np.int64)
        mags = np.asarray(magnitude, np.float64)
        if pixels.shape != mags.shape or len(np.unique(pixels)) != len(pixels):
            raise RegionError(
                f"the depth map has {pixels.size} pixels and {mags.size} magnitudes; it needs one "
                "for each pixel, and each pixel once: try averaging those that repeat"
            )
        along = np.argsort(pixels)
        return replace(self, depth=Depth(pixels[along], order, mags[along]))

    def masked(self, ra_deg: ArrayLike, dec_deg: ArrayLike, radius_arcsec: ArrayLike) -> Footprint:
        """The footprint without circles round bright stars, (n,) each."""
        return self.without(Cones(ra_deg, dec_deg, radius_arcsec))

    def without(self, region: Region) -> Footprint:
        """The footprint less a region."""
        return replace(self, masks=region if self.masks is None else self.masks | region)

    def region(self) -> Region:
        """The footprint as a region, masks left out."""
        whole = MocRegion(self.ranges, finest_order(self.ranges))
        return whole if self.masks is None else whole - self.masks

    def contains(self, ra_deg: ArrayLike, dec_deg: ArrayLike) -> NDArray[np.bool_]:
        """Whether positions in degrees, (n,), lie in the footprint and in no mask."""
        found = self.ranges.contains(healpix.index(ra_deg, dec_deg))
        if self.masks is not None and found.any():
            xyz = to_xyz(ra_deg, dec_deg)[found]
            found[found] = ~self.masks.contains(xyz)
        return found

    def area_deg2(self) -> float:
        """Square degrees, masks left out (surely to one part in 1,000: see `Region.area`)."""
        if self.masks is None:
            return self.ranges.area_deg2()
        return self.region().area()

    def overlap(self, other: Footprint) -> Footprint:
        """The sky that both have, without either's masks; an estimate if either is one."""
        masks = [m for m in (self.masks, other.masks) if m is not None]
        both = masks[0] | masks[1] if len(masks) == 2 else (masks[0] if masks else None)
        order: tuple[Label, ...] = ("estimate", "user", "survey")
        label = min(self.label, other.label, key=order.index)
        return Footprint(self.ranges & other.ranges, label, None, both)

    def overlap_deg2(self, other: Footprint) -> float:
        """Square degrees that both have."""
        return self.overlap(other).area_deg2()

    def to_moc(self) -> MocRegion:
        """The cells, masks not left out, as a MOC to be written."""
        return MocRegion(self.ranges, finest_order(self.ranges))

    def __repr__(self) -> str:
        source = {
            "survey": "by the survey's own map",
            "user": "given by the user",
            "estimate": "estimated from counts of sources",
        }[self.label]
        masks = "" if self.masks is None else ", before masks"
        return f"Footprint: {self.ranges.area_deg2():.6g} deg2{masks}, {source}"


def _check_counts(occupied: Ints, pixels: Ints, n_sources: int, order: int) -> None:
    mean = n_sources / max(len(occupied), 1)
    if mean >= SOURCES_A_CELL:
        return
    coarser = (o for o in range(order - 1, -1, -1) if n_sources >= _needed(pixels, order - o))
    found = next(coarser, None) if n_sources else None
    hint = "try the survey's own map" if found is None else f"try order {found}"
    raise RegionError(
        f"the {len(occupied):,} occupied cells of order {order} hold {mean:.1f} sources in the "
        f"mean; an estimate of a footprint needs {SOURCES_A_CELL} or more: {hint}"
    )


def _needed(pixels: Ints, levels: int) -> int:
    """How many sources the occupied cells would need, some levels up."""
    return SOURCES_A_CELL * len(np.unique(pixels >> 2 * levels))
