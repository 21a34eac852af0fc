"""One synthetic sky: where, from which seed, of which populations, seen by which surveys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.footprint import Footprint
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_xyz
from skyquarry.synthetic.blocks import BLOCK_ORDER, Block, Population, limits_of, truth_of
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
"""Sources in cells of this order (51") around a block are read with it: more than any survey's
reach, and a fast star's way in twenty years."""


_RING_ORDER = 10
"""The truth reaches one cell of this order (3') over the region, at least."""
_RING_SHIFT = 2 * (_RING_ORDER - BLOCK_ORDER)


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

    @cached_property
    def drawn(self) -> Ints:
        """Blocks of the truth, along the sky: whole ones, and those just outside of the region.

        So rows at the region's border are what they would be in a larger region.
        """
        around = np.append(healpix.neighbours(self._touched, _RING_ORDER), self._touched)
        return np.unique(around[around >= 0] >> _RING_SHIFT)

    @cached_property
    def blocks(self) -> Ints:
        """Blocks that the region touches, along the sky."""
        return np.unique(self._touched >> _RING_SHIFT)

    @cached_property
    def _touched(self) -> Ints:
        """Every cell of the ring's order that the region touches."""
        cover = self.region.cover(_RING_ORDER)
        return (cover.inner | cover.outer).flat(_RING_ORDER)

    @cached_property
    def limits(self) -> NDArray[np.float32]:
        """(24,) the faintest AB magnitudes that matter."""
        depths: dict[str, float] = {}
        for name in self.surveys:
            for band, depth in CATALOGUES[name].instrument.faintest.items():
                depths[band] = depth if self.depth is None else min(depth, self.depth)
        return limits_of(depths)

    def truth(self, block: int) -> pa.Table:
        """The true sources of a block."""
        sources, ids = truth_of(Block(block, self.seed, self.limits), self.populations)
        return sources.to_table(ids)

    def patches(self) -> list[Ints]:
        """Blocks in groups that are observed together."""
        return [
            self.blocks[start : start + PATCH_BLOCKS]
            for start in range(0, len(self.blocks), PATCH_BLOCKS)
        ]

    def observed(self, truth: Stored, blocks: Ints) -> dict[str, tuple[pa.Table, pa.Table]]:
        """{survey: (its table of the blocks, the links of its rows to the truth)}."""
        from skyquarry.synthetic.changing.lightcurves import found
        from skyquarry.synthetic.changing.snapshots import dated

        sources, ids = read_around(truth, blocks)
        some = found(sources, ids, self.seed)
        tables = {}
        for name in self.surveys:
            caught = dated(CATALOGUES[name].instrument, sources, ids, some, self.seed)
            seen = observed(CATALOGUES[name], caught, ids, blocks, self.seed)
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

    def changing(self, truth: Stored, block: int) -> tuple[pa.Table, pa.Table]:
        """The variables of a block inside the region, and their light curves."""
        from skyquarry.catalog.arrow import from_numpy, pc
        from skyquarry.synthetic.changing.lightcurves import light_curves

        ranges = Ranges.from_cells(BLOCK_ORDER, np.array([block]))
        variables, curves = light_curves(block, *_sources(truth, ranges), self.seed)
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
        return observed(CATALOGUES[name], Sources.of(0), nothing, nothing, self.seed)

    def settings(self) -> dict[str, Any]:
        """All that decides the bytes, as JSON tells it."""
        from skyquarry.sky.regiontext import to_stcs

        return {
            "region": to_stcs(self.region),
            "seed": self.seed,
            "surveys": list(self.surveys),
            "depth": self.depth,
            "populations": {each.name: repr(each) for each in self.populations},
        }


def read_around(truth: Stored, blocks: Ints, order: int = _AROUND_ORDER) -> tuple[Sources, Ints]:
    """The sources of the blocks and of the cells of an order around them, with their ids."""
    shift = 2 * (order - BLOCK_ORDER)
    inside = (blocks[:, None] << shift) + np.arange(1 << shift)
    around = np.unique(np.append(healpix.neighbours(inside.ravel(), order), inside))
    return _sources(truth, Ranges.from_cells(order, around[around >= 0]))


def _sources(truth: Stored, ranges: Ranges) -> tuple[Sources, Ints]:
    """The sources of some cells."""
    import pyarrow as pa

    columns = [name for name in truth.schema.names if name != "_healpix_29"]
    parts = [
        truth.read(int(tile), columns, ranges=ranges) for tile in truth.tiles.overlapping(ranges)
    ]
    if not parts:
        return Sources.of(0), np.empty(0, np.int64)
    table = pa.concat_tables(parts)
    return Sources.from_table(table), table["id"].to_numpy()
