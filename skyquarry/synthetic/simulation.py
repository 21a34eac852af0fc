"""One synthetic sky: where, from which seed, of which populations, seen by which surveys."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.blocks import (
    BLOCK_ORDER,
    WIDE_ORDER,
    Block,
    Population,
    limits_of,
    placed_truth,
)
from skyquarry.synthetic.observe.observing import observed
from skyquarry.synthetic.observe.places import CELL_ORDER, lost_cells
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.sky.algebra import Region

    Ints = NDArray[np.int64]

PATCH_BLOCKS = 16
"""Blocks that are observed together: some 250,000 sources, 150 MB; of four, what is read around
them would be as much again."""
_FOOTPRINT_ORDER = 12
"""Footprints are told to 51"."""
_AROUND_ORDER = 12
"""Sources in cells of this order (51") around others take part: more than any survey's reach, and a
fast star's way in twenty years."""
_TO_BLOCKS = 2 * (CELL_ORDER - BLOCK_ORDER)


class Truth(Protocol):
    """Where true sources are found."""

    def sources(self, ranges: Ranges) -> tuple[Sources, Ints]:
        """Those of some ranges of the sky, along it, and their ids (n,)."""


@dataclass(frozen=True)
class Simulation:
    """What decides every byte of a synthetic sky."""

    region: Region
    seed: int
    populations: tuple[Population, ...]
    surveys: tuple[str, ...]
    """short names of `synthetic.observe.surveys.CATALOGUES`"""
    depth: float | None = None
    """no source is made that is fainter in every band, AB; None: a magnitude below what the surveys
    detect"""
    whole: bool = False
    """the truth holds whole blocks, not only what the surveys need"""

    def __getstate__(self) -> dict[str, Any]:
        """Without what is computed from the rest: it travels with every task."""
        return {each.name: self.__dict__[each.name] for each in fields(self)}

    @cached_property
    def cells(self) -> Ints:
        """Cells of order 9 that are observed, along the sky: what the region touches, or nearly.

        Rows are numbered cell by cell: so whole cells are observed, even at the region's border.
        """
        cover = self.region.cover(_AROUND_ORDER)
        edge = _around(cover.outer.flat(_AROUND_ORDER), _AROUND_ORDER)
        return (cover.inner | cover.outer | edge).flat(CELL_ORDER)

    @cached_property
    def blocks(self) -> Ints:
        """Blocks that are observed, or parts of them, along the sky."""
        return np.unique(self.cells >> _TO_BLOCKS)

    @cached_property
    def truth_ranges(self) -> Ranges:
        """Where the truth is kept: what is observed and what is around it.

        So rows at the region's border are what they would be in a larger region.
        """
        beside = healpix.neighbours(self.cells, CELL_ORDER)
        rim = self.cells[~np.isin(beside, np.append(self.cells, -1)).all(axis=1)]
        cells = Ranges.from_cells(CELL_ORDER, self.cells)
        ranges = cells | _around(_within(rim, CELL_ORDER, _AROUND_ORDER), _AROUND_ORDER)
        return ranges.coarsen(BLOCK_ORDER) if self.whole else ranges

    @cached_property
    def drawn(self) -> Ints:
        """Blocks of the truth, along the sky."""
        return self.truth_ranges.flat(BLOCK_ORDER)

    @cached_property
    def wide(self) -> Ints:
        """Cells of order 6 in which the truth is drawn at once, along the sky."""
        return np.unique(self.drawn >> 2 * (BLOCK_ORDER - WIDE_ORDER))

    @cached_property
    def limits(self) -> NDArray[np.float32]:
        """(24,) the faintest AB magnitudes that matter."""
        depths: dict[str, float] = {}
        for name in self.surveys:
            for band, depth in CATALOGUES[name].instrument.faintest.items():
                depths[band] = depth if self.depth is None else min(depth, self.depth)
        return limits_of(depths)

    def truth(self, cell: int, ranges: Ranges | None = None) -> pa.Table:
        """The true sources of a cell of order 6, along the sky; those of some ranges of it."""
        drawn = Block(cell, self.seed, self.limits, WIDE_ORDER)
        sources, ids, places = placed_truth(drawn, self.populations)
        order = np.argsort(places, kind="stable")
        if ranges is not None:
            order = order[ranges.contains(places[order])]
        return sources.taken(order).to_table(ids[order])

    def kept_of(self, cell: int) -> Ranges | None:
        """What the truth keeps of a cell of order 6; None: all."""
        whole = Ranges.from_cells(WIDE_ORDER, np.array([cell]))
        kept = self.truth_ranges & whole
        return None if kept == whole else kept

    def patches(self) -> list[Ints]:
        """Blocks in groups that are observed together."""
        return [
            self.blocks[start : start + PATCH_BLOCKS]
            for start in range(0, len(self.blocks), PATCH_BLOCKS)
        ]

    def cells_of(self, blocks: Ints) -> Ints:
        """The observed cells of some blocks; both sorted."""
        ends = np.searchsorted(
            self.cells, [blocks[0] << _TO_BLOCKS, (blocks[-1] + 1) << _TO_BLOCKS]
        )
        return self.cells[slice(*ends)]

    def observed(self, truth: Truth, cells: Ints) -> dict[str, tuple[pa.Table, pa.Table]]:
        """{survey: (its table of cells of order 9, the links of its rows to the truth)}."""
        from skyquarry.synthetic.changing.lightcurves import found
        from skyquarry.synthetic.changing.snapshots import dated

        around = _around(_within(cells, CELL_ORDER, _AROUND_ORDER), _AROUND_ORDER)
        where = Ranges.from_cells(CELL_ORDER, cells)
        sources, ids = truth.sources(where | around)
        pixels = healpix.index(sources.ra_deg, sources.dec_deg)
        some = found(sources, ids, self.seed)
        tables = {}
        for name in self.surveys:
            caught = dated(CATALOGUES[name].instrument, sources, ids, some, self.seed)
            seen = observed(CATALOGUES[name], caught, ids, where, self.seed, pixels)
            tables[name] = self._inside(*seen, name)
        return tables

    def _inside(self, table: pa.Table, links: pa.Table, name: str) -> tuple[pa.Table, pa.Table]:
        """Only rows in the region: blocks reach over its border."""
        from skyquarry.catalog.arrow import from_numpy, pc

        ra, dec = CATALOGUES[name].positions
        inside = self.region.contains(to_xyz(table[ra].to_numpy(), table[dec].to_numpy()))
        if inside.all():
            return table, links
        table, key = table.filter(from_numpy(inside)), CATALOGUES[name].key
        return table, links.filter(pc.is_in(links[key], value_set=table[key].combine_chunks()))

    def footprint(self, name: str) -> Footprint:
        """Where a survey looked: the region, without the cells that it lost."""
        cover = self.region.cover(_FOOTPRINT_ORDER)
        covered = cover.inner | cover.outer
        cells = covered.flat(CELL_ORDER)
        lost = cells[lost_cells(CATALOGUES[name].instrument, cells, self.seed)]
        return Footprint(covered - Ranges.from_cells(CELL_ORDER, lost), "survey")

    def changing(self, truth: Truth, block: int) -> tuple[pa.Table, pa.Table]:
        """The variables of a block inside the region, and their light curves."""
        from skyquarry.catalog.arrow import from_numpy, pc
        from skyquarry.synthetic.changing.lightcurves import light_curves

        ranges = Ranges.from_cells(BLOCK_ORDER, np.array([block]))
        variables, curves = light_curves(block, *truth.sources(ranges), self.seed)
        ra, dec = (variables[name].to_numpy() for name in ("ra_deg", "dec_deg"))
        inside = self.region.contains(to_xyz(ra, dec))
        if inside.all():
            return variables, curves
        variables = variables.filter(from_numpy(inside))
        kept = pc.is_in(curves["id"], value_set=variables["id"].combine_chunks())
        return variables, curves.filter(kept)

    def empty(self, name: str) -> tuple[pa.Table, pa.Table]:
        """A survey's table and its links, without rows: for their columns."""
        nothing = np.empty(0, np.int64)
        return observed(CATALOGUES[name], Sources.of(0), nothing, Ranges.empty(), self.seed)

    def settings(self) -> dict[str, Any]:
        """All that decides the bytes, as JSON tells it."""
        from skyquarry.sky.regiontext import to_stcs

        return {
            "region": to_stcs(self.region),
            "seed": self.seed,
            "surveys": list(self.surveys),
            "depth": self.depth,
            "populations": {each.name: repr(each) for each in self.populations},
            **({"whole": True} if self.whole else {}),
        }


def read_around(truth: Truth, blocks: Ints, order: int = _AROUND_ORDER) -> tuple[Sources, Ints]:
    """The sources of the blocks and of the cells of an order around them, with their ids."""
    around = _around(_within(blocks, BLOCK_ORDER, order), order)
    return truth.sources(Ranges.from_cells(BLOCK_ORDER, blocks) | around)


def _within(cells: Ints, order: int, finer: int) -> Ints:
    """The cells of a finer order inside of cells of an order."""
    shift = 2 * (finer - order)
    return ((cells[:, None] << shift) + np.arange(1 << shift)).ravel()


def _around(cells: Ints, order: int) -> Ranges:
    """What lies beside some of these cells, (n,), with many of themselves."""
    beside = np.unique(healpix.neighbours(cells, order))
    return Ranges.from_cells(order, beside[beside >= 0])


@dataclass(frozen=True, slots=True)
class StoredTruth:
    """A truth that is a catalogue."""

    stored: Stored

    def sources(self, ranges: Ranges) -> tuple[Sources, Ints]:
        """Those of some ranges of the sky, along it, and their ids (n,)."""
        import pyarrow as pa

        columns = [name for name in self.stored.schema.names if name != "_healpix_29"]
        parts = [
            self.stored.read(int(tile), columns, ranges=ranges)
            for tile in self.stored.tiles.overlapping(ranges)
        ]
        if not parts:
            return Sources.of(0), np.empty(0, np.int64)
        table = pa.concat_tables(parts)
        return Sources.from_table(table), table["id"].to_numpy()
