"""Whole islands of a few rows, found where they are: what touches them, and nothing else is read.

The part of the sky that is looked at grows until no island of the rows asked for leaves it. An
island's answer depends on its own rows alone, so that what is worked out from these rows is what a
run over all of the sky tells of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.match.resolution.groups import offsets
from skyquarry.match.resolution.islands import islands
from skyquarry.match.runs.nearby import pair_candidates
from skyquarry.sky.dilation import dilated, order_of
from skyquarry.sky.ranges import MAX_ORDER, Ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.runs.passes import Scene
    from skyquarry.match.runs.rules import Rules

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Seeds = Callable[[int, Rows], Mask]

_FINEST = 16
"""Cells of 3 arcsec: finer ones would only be more."""


class Layer(Protocol):
    """Rows, and which of them may be one object: the first search, or the second."""

    def rows(self, ranges: Ranges) -> list[Rows]:
        """Rows of every catalogue in a part of the sky."""

    def pairs(self, rows: list[Rows]) -> tuple[Ints, Ints]:
        """Nodes of the candidate pairs among such rows."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Rows of every catalogue in a part of the sky, and those whose islands were asked for."""

    ranges: Ranges
    """what was read; it holds every candidate of every row of the islands"""
    rows: list[Rows]
    """all rows there, along the sky"""
    chosen: list[Mask]
    """for each catalogue (n,): rows of the islands asked for"""
    seeds: list[Mask]
    """for each catalogue (n,): the rows asked for"""
    n_islands: int

    @property
    def island_rows(self) -> list[Rows]:
        """The rows of the islands asked for."""
        pairs = zip(self.rows, self.chosen, strict=True)
        return [rows.take(np.flatnonzero(mask)) for rows, mask in pairs]


def whole_islands(layer: Layer, core: Ranges, is_seed: Seeds, ring_arcsec: float) -> Neighbourhood:
    """The islands that hold the rows for which `is_seed(catalogue, rows)` (n,) is true.

    Parameters
    ----------
    core
        Where every seed lies; other places may be left out.
    is_seed
        Called with a catalogue's number and rows of some part of the sky; must tell of each row by
        itself. Seeds beyond the core are taken as they are met.
    ring_arcsec
        How far from a row, as catalogued, a candidate of it may be.
    """
    order = min(order_of(ring_arcsec) or 0, _FINEST)
    while True:
        ranges = dilated(core, ring_arcsec)
        rows = layer.rows(ranges)
        start = offsets(rows)
        seeds = [is_seed(number, each) for number, each in enumerate(rows)]
        asked = np.concatenate(seeds)
        parts = islands(int(start[-1]), *layer.pairs(rows))
        wanted = np.zeros(len(parts), bool)
        wanted[parts.label[asked]] = True
        mine = wanted[parts.label]
        pixels = np.concatenate([each.spatial for each in rows])
        beyond = mine & ~core.contains(pixels)
        if not beyond.any():
            chosen = np.split(mine, start[1:-1])
            return Neighbourhood(ranges, rows, chosen, seeds, int(wanted.sum()))
        core = core | _cells(pixels[beyond], order)


@dataclass(frozen=True, slots=True)
class FirstSearch:
    """The candidates of the first search among all rows."""

    scene: Scene

    def rows(self, ranges: Ranges) -> list[Rows]:
        """The rows of every catalogue there."""
        return self.scene.rows(ranges)

    def pairs(self, rows: list[Rows]) -> tuple[Ints, Ints]:
        """Nodes of the candidate pairs, in no order."""
        return _pairs(rows, offsets(rows), self.scene.rules)


def _pairs(rows: list[Rows], start: Ints, rules: Rules) -> tuple[Ints, Ints]:
    """Nodes of the candidate pairs, in no order."""
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for a, b in rules.catalog_pairs():
        i, j, _ = pair_candidates(rows[a], rows[b], rules)
        lefts.append(i + start[a])
        rights.append(j + start[b])
    return np.concatenate(lefts), np.concatenate(rights)


def cells_of(pixels: Ints, arcsec: float) -> Ranges:
    """The cells of these order-29 pixels (n,): as wide as that, and 3 arcsec at least."""
    return _cells(pixels, min(order_of(arcsec) or 0, _FINEST))


def _cells(pixels: Ints, order: int) -> Ranges:
    """The cells of an order that hold these order-29 pixels."""
    return Ranges.from_cells(order, np.unique(pixels >> 2 * (MAX_ORDER - order)))
