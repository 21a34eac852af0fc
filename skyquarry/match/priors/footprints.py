"""Where which catalogues have looked: the sky in stretches with the set that observed each.

"Not observed" is not "absent" (crossmatch.md 1.5): the density of objects that only optical and
infrared hold is a statement about sky that the X-ray list has seen too. A catalogue with a map (its
own, the survey's or the user's) is taken at its word; without one it is estimated from counts, and
so it is where rows reach but a small part of the map: then it is one of more than was given here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.priors.fields import Counts, estimate
from skyquarry.sky.ranges import MAX_ORDER, N_PIXELS, Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.sky.footprint import Footprint

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Masks = NDArray[np.uint32]

PIXEL_SR = 4.0 * np.pi / N_PIXELS
_MASK_ORDER = 13
"""Circles round bright stars are cut out to cells of 26 arcsec."""
_ENOUGH, _HARDLY = 100, 0.5
"""So many rows that reach less than this part of a map say that the map is not theirs."""
_MOST_RIM = 1.2
"""A rim cell is never worth more than this many cells: more is a change of density, not of area."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The sky along the order-29 curve, in stretches that one set of catalogues observed."""

    edges: Ints
    """(k + 1,) from 0 to 12 * 4^29"""
    observed: Masks
    """(k,) bit c set: catalogue c looked there"""
    share: Floats
    """(k,) part of the stretch that was really looked at: below 1 at the rim of an estimate"""
    labels: tuple[str, ...]
    """where each catalogue's map comes from: survey, user or estimate"""

    @classmethod
    def of(cls, counts: Sequence[Counts], footprints: Sequence[Footprint | None]) -> Coverage:
        """From the counts of rows of each catalogue, and the maps of those that have one."""
        layers = [_layer(*both) for both in zip(counts, footprints, strict=True)]
        edges = _edges(layers)
        inside = [layer.whole.contains(edges[:-1]) for layer in layers]
        rim = [layer.rim.contains(edges[:-1]) for layer in layers]
        observed = np.zeros(len(edges) - 1, np.uint32)
        for c, here in enumerate(inside):
            observed |= np.uint32(1 << c) * here.astype(np.uint32)
        share = _shares(edges, observed, counts, layers, inside, rim)
        labels = tuple(layer.label for layer in layers)
        return cls(*_merged(edges, observed, share), labels)

    def observed_at(self, spatial: Ints) -> Masks:
        """(n,) uint32: which catalogues looked at these order-29 pixels."""
        return self.observed[self._stretch(spatial)]

    def at_rim(self, spatial: Ints) -> NDArray[np.bool_]:
        """(n,) whether places lie in a cell that an estimated map only covers in part."""
        found: NDArray[np.bool_] = self.share[self._stretch(spatial)] < 1.0
        return found

    def areas_sr(self) -> dict[int, float]:
        """Area of each observed set of catalogues, in sr; sets as bitmasks, ascending."""
        sizes = np.diff(self.edges) * self.share * PIXEL_SR
        total = np.bincount(self.observed.astype(np.int64), sizes)
        return {mask: float(total[mask]) for mask in np.flatnonzero(total > 0.0).tolist() if mask}

    def areas_in_cells(self, order: int) -> tuple[Ints, Ints, Floats]:
        """Cell, observed set and area in sr of every cell of `order` that was looked at."""
        shift = 2 * (MAX_ORDER - order)
        seen = np.flatnonzero(self.observed)
        starts, stops = self.edges[seen], self.edges[seen + 1]
        first, last = starts >> shift, (stops - 1) >> shift
        many = last - first + 1
        row = np.repeat(np.arange(len(seen)), many)
        cell = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
        low = np.maximum(starts[row], cell << shift)
        high = np.minimum(stops[row], (cell + 1) << shift)
        area = (high - low) * self.share[seen][row] * PIXEL_SR
        masks = self.observed[seen][row].astype(np.int64)
        keys, place = np.unique(cell << 32 | masks, return_inverse=True)
        total = np.bincount(place, area, len(keys)).astype(np.float64)
        return keys >> 32, keys & 0xFFFFFFFF, total

    def within(self, ranges: Ranges) -> Coverage:
        """Only the part that lies in the ranges; no catalogue looked elsewhere."""
        edges = np.unique(np.concatenate([self.edges, ranges.starts, ranges.stops]))
        place = self._stretch(edges[:-1])
        kept = ranges.contains(edges[:-1])
        observed = np.where(kept, self.observed[place], np.uint32(0))
        return Coverage(*_merged(edges, observed, self.share[place]), self.labels)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; integers and floats come back exactly."""
        return {
            "edges": self.edges.tolist(),
            "observed": self.observed.tolist(),
            "share": self.share.tolist(),
            "labels": list(self.labels),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Coverage:
        """What `to_dict` gave."""
        return cls(
            np.array(data["edges"], np.int64),
            np.array(data["observed"], np.uint32),
            np.array(data["share"], np.float64),
            tuple(data["labels"]),
        )

    def _stretch(self, spatial: Ints) -> NDArray[np.intp]:
        return np.searchsorted(self.edges, spatial, side="right") - 1


@dataclass(frozen=True, slots=True)
class _Layer:
    whole: Ranges
    rim: Ranges
    density: float
    """rows a pixel inside; of no meaning where there is no rim"""
    rim_density: float
    label: str


def _layer(counts: Counts, footprint: Footprint | None) -> _Layer:
    if footprint is None:
        return _estimated(counts, Ranges.whole())
    ranges = footprint.ranges
    if footprint.masks is not None:
        ranges = ranges - footprint.masks.cover(_MASK_ORDER).all
    if counts.rows >= _ENOUGH:
        found = _estimated(counts, ranges)
        if 0 < found.whole.count() < _HARDLY * ranges.count():
            return found
    return _Layer(ranges, Ranges.empty(), 0.0, 0.0, footprint.label)


def _estimated(counts: Counts, ranges: Ranges) -> _Layer:
    found = estimate(counts)
    return _Layer(
        Ranges.from_cells(found.order, found.cells) & ranges,
        Ranges.from_cells(found.order, found.cells[~found.inner]) & ranges,
        found.density,
        found.rim_density,
        "estimate",
    )


def _edges(layers: list[_Layer]) -> Ints:
    parts = [np.array([0, N_PIXELS], np.int64)]
    for layer in layers:
        for ranges in (layer.whole, layer.rim):
            parts += [ranges.starts, ranges.stops]
    return np.unique(np.concatenate(parts))


def _shares(
    edges: Ints,
    observed: Masks,
    counts: Sequence[Counts],
    layers: list[_Layer],
    inside: list[NDArray[np.bool_]],
    rim: list[NDArray[np.bool_]],
) -> Floats:
    """Where every catalogue that looked is at its rim: rows there / rows that a full cell has.

    One number for each set of catalogues, so that a sliver between two estimates of the same field,
    which holds no rows, has no area either.
    """
    share = np.ones(len(observed))
    at_rim = observed > 0
    for here, edge in zip(inside, rim, strict=True):
        at_rim &= edge | ~here
    if not at_rim.any():
        return share
    pixels = np.diff(edges).astype(np.float64)
    inside_rows = [each.within(edges) for each in counts]
    for mask in np.unique(observed[at_rim]).tolist():
        here = at_rim & (observed == mask)
        rows = full = 0.0
        for c, (found, layer) in enumerate(zip(inside_rows, layers, strict=True)):
            if mask >> c & 1:
                rows += float(found[here].sum())
                full += layer.rim_density * float(pixels[here].sum())
        share[here] = min(rows / full, _MOST_RIM) if full > 0.0 else 1.0
    return share


def _merged(edges: Ints, observed: Masks, share: Floats) -> tuple[Ints, Masks, Floats]:
    new = np.ones(len(observed), np.bool_)
    new[1:] = (observed[1:] != observed[:-1]) | (share[1:] != share[:-1])
    return np.append(edges[:-1][new], edges[-1]), observed[new], share[new]
