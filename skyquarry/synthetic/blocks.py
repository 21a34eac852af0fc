"""Blocks of the sky: what a population draws as a whole, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.compiledcells import cells_at, centers
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND, N_BANDS
from skyquarry.synthetic.chance import generator
from skyquarry.synthetic.kernels import ranks
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BLOCK_ORDER: Final = 7
"""0.21 square degrees, some 10,000 sources at high latitude: ids tell blocks."""
WIDE_ORDER: Final = 6
"""Of the cells that populations draw at once, four blocks: for ten giants a block is a thousand
small numpy calls."""
_FINEST = healpix.MAX_ORDER
_CHILDREN: Final = 1 << 2 * (BLOCK_ORDER - WIDE_ORDER)
_POPULATIONS: Final = 64


@dataclass(frozen=True)
class Block:
    """A HEALPix cell, of order 7 or 6, and how faint a source may be to be made at all."""

    pixel: int
    seed: int
    limits: NDArray[np.float32]
    """(24,) AB magnitudes: a source is kept where it is brighter than its limit in one band"""
    order: int = BLOCK_ORDER

    @property
    def area_deg2(self) -> float:
        """The same for every block of its order."""
        return float(healpix.cell_area_deg2(self.order))

    @cached_property
    def center(self) -> tuple[float, float]:
        """Right ascension and declination, degrees."""
        ra, dec = centers(np.array([self.pixel]), self.order)
        return float(ra[0]), float(dec[0])

    @cached_property
    def galactic(self) -> tuple[float, float]:
        """Galactic longitude and latitude of the center, degrees."""
        lon, lat = to_radec(to_frame(to_xyz(*map(np.atleast_1d, self.center)), "galactic"))
        return float(lon[0]), float(lat[0])

    def uniform(self, n: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """`n` positions with the same chance everywhere in the block: ra, dec (n,) degrees.

        Cells of order 29 have equal areas and are 0.4 mas wide: a cell is drawn, its center told.
        """
        inside = 1 << 2 * (_FINEST - self.order)
        cells = self.pixel * inside + random.integers(0, inside, n, np.int64)
        return centers(cells, _FINEST)

    def contains(self, ra_deg: Floats, dec_deg: Floats) -> NDArray[np.bool_]:
        """(n,) which positions lie in the block."""
        return np.asarray(cells_at(ra_deg, dec_deg, self.order) == self.pixel)

    def visible(self, mags: NDArray[np.floating]) -> NDArray[np.bool_]:
        """(n,) which sources of these magnitudes (n, 24) any survey could see."""
        return np.asarray((mags < self.limits).any(axis=-1))

    def generator(self, population: int, *more: int) -> np.random.Generator:
        """Of a population's own."""
        return generator(self.seed, population, self.pixel, *more)

    def whole(self) -> Block:
        """The cell of order 6 that is drawn at once."""
        pixel = self.pixel >> 2 * (self.order - WIDE_ORDER)
        return Block(pixel, self.seed, self.limits, WIDE_ORDER)

    def parts(self) -> list[Block]:
        """The blocks of order 7 in it."""
        deeper = 2 * (BLOCK_ORDER - self.order)
        pixels = range(self.pixel << deeper, (self.pixel + 1) << deeper)
        return [Block(pixel, self.seed, self.limits) for pixel in pixels]


class Population(Protocol):
    """A kind of sources, with published parameters as fields."""

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""

    @property
    def number(self) -> int:
        """1 to 63, of no other population: part of the ids of its sources."""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The sources of a block, of whichever order, that some survey could see: all inside."""


@runtime_checkable
class Guests(Protocol):
    """A population whose sources stand in others, as supernovae in galaxies.

    Its hosts are of the populations before the first one of this kind.
    """

    def hosted(
        self, block: Block, random: np.random.Generator, others: Sources, ids: Ints
    ) -> Sources:
        """Its sources of a block, given the hosts (n,) and their ids."""


def limits_of(depths: Mapping[str, float]) -> NDArray[np.float32]:
    """(24,) the faintest AB magnitudes in the order of BANDS; -inf for bands that are not named."""
    limits = np.full(N_BANDS, -np.inf, np.float32)
    for name, depth in depths.items():
        limits[BAND[name]] = depth
    return limits


def truth_of(block: Block, populations: Sequence[Population]) -> tuple[Sources, Ints]:
    """All sources of a block, population after population, and their ids (n,).

    They are drawn with those of the whole cell of order 6. An id is block << 38 | population << 32
    | row, the block that of order 7: told by the source itself, on any machine.
    """
    sources, ids, places = placed_truth(block.whole(), populations)
    if block.order == WIDE_ORDER:
        return sources, ids
    inside = places >> 2 * (_FINEST - block.order) == block.pixel
    return sources.taken(inside), ids[inside]


def placed_truth(cell: Block, populations: Sequence[Population]) -> tuple[Sources, Ints, Ints]:
    """All sources of a cell of order 6, their ids (n,), and their pixels of order 29 (n,)."""
    several = list(populations)
    guests = [callable(getattr(each, "hosted", None)) for each in several]  # `Guests`, but faster
    first = guests.index(True) if any(guests) else len(several)
    made = _joined([
        (each.number, each.drawn(cell, cell.generator(each.number))) for each in several[:first]
    ])  # fmt: skip
    if first == len(several):
        return made
    more = []
    for each, guest in zip(several[first:], guests[first:], strict=True):
        random = cell.generator(each.number)
        some = (
            each.hosted(cell, random, *made[:2])  # type: ignore[attr-defined]
            if guest
            else each.drawn(cell, random)
        )
        more.append((each.number, some))
    last = _joined(more)
    both = zip(made[1:], last[1:], strict=True)
    ids, places = (np.concatenate(each) for each in both)
    return Sources.concatenated([made[0], last[0]]), ids, places


def _joined(drawn: Sequence[tuple[int, Sources]]) -> tuple[Sources, Ints, Ints]:
    """Sources of populations of these numbers, one after another, their ids and pixels."""
    sources = Sources.concatenated([some for _, some in drawn])
    numbers = np.repeat([number for number, _ in drawn], [len(some) for _, some in drawn])
    places = healpix.index(sources.ra_deg, sources.dec_deg)
    return sources, ids_of(numbers.astype(np.int64), places), places


def ids_of(population: Ints | int, places: Ints) -> Ints:
    """(n,) ids of sources of a cell of order 6 or of a part of it, in the order of drawing.

    `population`: the number of all, or of each (n,); places (n,) pixels of order 29.
    """
    blocks = places >> 2 * (_FINEST - BLOCK_ORDER)
    keys = blocks % _CHILDREN * _POPULATIONS + population
    rows = np.empty(len(keys), np.int64)
    ranks(keys, np.zeros(_CHILDREN * _POPULATIONS, np.int64), rows)
    return np.asarray((blocks << 38) | (population << 32) | rows)
