"""Blocks of the sky: what a population draws as a whole, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.frames import to_frame
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.bands import BAND, N_BANDS
from skyquarry.synthetic.chance import generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BLOCK_ORDER: Final = 7
"""0.21 square degrees: some 10,000 sources at high latitude, so that a block fits a cache."""
WIDE_ORDER: Final = 6
"""Of the cells that a population of few sources draws at once: a block of it is a thousand small
numpy calls for ten sources."""
_FINEST = healpix.MAX_ORDER
_CHILDREN: Final = 1 << 2 * (BLOCK_ORDER - WIDE_ORDER)


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
        ra, dec = healpix.center(np.array([self.pixel]), self.order)
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
        return healpix.center(cells, _FINEST)

    def contains(self, ra_deg: Floats, dec_deg: Floats) -> NDArray[np.bool_]:
        """(n,) which positions lie in the block."""
        return np.asarray(healpix.index(ra_deg, dec_deg, self.order) == self.pixel)

    def visible(self, mags: NDArray[np.floating]) -> NDArray[np.bool_]:
        """(n,) which sources of these magnitudes (n, 24) any survey could see."""
        return np.asarray((mags < self.limits).any(axis=-1))

    def generator(self, population: int, *more: int) -> np.random.Generator:
        """Of a population's own."""
        return generator(self.seed, population, self.pixel, *more)


class Population(Protocol):
    """A kind of sources, with published parameters as fields."""

    @property
    def name(self) -> str:
        """As `simulate check` tells it."""

    @property
    def number(self) -> int:
        """1 to 63, of no other population: part of the ids of its sources."""

    def drawn(self, block: Block, random: np.random.Generator) -> Sources:
        """The sources of a block that some survey could see, all inside of it."""


class Wide(Protocol):
    """A population that is drawn in cells of order 6 where `wide` is true: it can be hashed."""

    @property
    def wide(self) -> bool:
        """Whether it is."""


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

    An id is block << 38 | population << 32 | row: told by the source itself, on any machine.
    """
    from skyquarry.synthetic.sources import Sources

    cell, child = divmod(block.pixel, _CHILDREN)
    several = tuple(each for each in populations if getattr(each, "wide", False))
    wide = _wide(several, cell, block.seed, block.limits.tobytes()) if several else {}
    drawn: list[Sources] = []
    ids: list[Ints] = []
    hosts: tuple[Sources, Ints] | None = None
    for population in populations:
        random = block.generator(population.number)
        if callable(getattr(population, "hosted", None)):  # isinstance(..., Guests), but faster
            if hosts is None:
                hosts = Sources.concatenated(drawn), _joined(ids)
                drawn, ids = [hosts[0]], [hosts[1]]
            some = population.hosted(block, random, *hosts)  # type: ignore[attr-defined]
        elif population.number in wide:
            some = wide[population.number][child]
        else:
            some = population.drawn(block, random)
        first = (block.pixel << 38) | (population.number << 32)
        if len(some):
            drawn.append(some)
            ids.append(first + np.arange(len(some), dtype=np.int64))
    return Sources.concatenated(drawn), _joined(ids)


@lru_cache(maxsize=4)
def _wide(
    populations: tuple[Population, ...], cell: int, seed: int, limits: bytes
) -> dict[int, list[Sources]]:
    """What these populations draw in a cell of order 6: {number: sources of each of its blocks}.

    Kept for the blocks beside, which are asked for next: some 10 MB each at high latitude.
    """
    block = Block(cell, seed, np.frombuffer(limits, np.float32), WIDE_ORDER)
    found = {}
    for population in populations:
        some = population.drawn(block, block.generator(population.number))
        place = healpix.index(some.ra_deg, some.dec_deg, BLOCK_ORDER) - cell * _CHILDREN
        found[population.number] = [some.taken(place == child) for child in range(_CHILDREN)]
    return found


def _joined(ids: Sequence[Ints]) -> Ints:
    return np.concatenate([np.empty(0, np.int64), *ids])
