"""Pieces of a synthetic sky to be judged: the truth, and what surveys made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skyquarry.sky import healpix
from skyquarry.sky.frames import from_frame, to_frame
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.synthetic.blocks import BLOCK_ORDER, WIDE_ORDER, Block, limits_of, truth_of
from skyquarry.synthetic.observe.observing import observed
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.synthetic.sources import Kind, Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.observe.rows import Catalogue

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

BLOCK_DEG2: Final = float(healpix.cell_area_deg2(BLOCK_ORDER))
_TO_CELLS: Final = 2 * (BLOCK_ORDER - WIDE_ORDER)
_BLOCKS_OF_A_CELL: Final = 1 << _TO_CELLS
_OFF_DISC_DEG: Final = 30.0


@dataclass(frozen=True)
class Field:
    """True sources (n,), and the rows of surveys with the source that each is of."""

    name: str
    area_deg2: float
    latitude_deg: float
    """Galactic, of the middle; NaN of blocks all over the sky"""
    sources: Sources
    tables: Mapping[str, pa.Table]
    of: Mapping[str, Ints]
    """{survey: (rows,) place of each row's brightest source; -1 where it is nothing}"""
    ids: Ints | None = None
    """(n,) of the sources: which population each is of; None where nobody asks"""

    def column(self, survey: str, name: str) -> Floats:
        """(rows,) of a survey's table, NaN where null."""
        told = self.tables[survey][name].to_numpy()
        return np.asarray(told, np.float64)

    def seen(self, survey: str, names: Sequence[str]) -> Floats:
        """(n, columns) what the survey tells of each true source, NaN where it has no row."""
        out = np.full((len(self.sources), len(names)), np.nan)
        real = self.of[survey] >= 0
        for number, name in enumerate(names):
            out[self.of[survey][real], number] = self.column(survey, name)[real]
        return out

    def kinds(self, survey: str) -> Ints:
        """(rows,) what each row is, 0 where it is nothing."""
        place = self.of[survey]
        return np.where(place >= 0, self.sources.kind[np.maximum(place, 0)], 0).astype(np.int64)

    def populations(self, survey: str) -> Ints:
        """(rows,) the number of the population that each row's source is of, 0 where it is nothing.

        Raises ValueError for a field without ids.
        """
        if self.ids is None:
            raise ValueError(f"the field {self.name} has no ids: they tell populations")
        place = self.of[survey]
        return np.where(place >= 0, (self.ids[np.maximum(place, 0)] >> 32) & 63, 0)

    def only(self, kinds: Sequence[int]) -> Mask:
        """(n,) the true sources of these kinds."""
        return np.isin(self.sources.kind, kinds)


def joined(table: pa.Table, links: pa.Table, key: str, ids: Ints) -> Ints:
    """(rows,) place among `ids` (n,) of the source that most of each row's light is of, or -1."""
    keys = table[key].to_pylist()
    share = links["share"].to_numpy()
    faint = np.argsort(share, kind="stable")  # the brightest last, which stays in the dict
    linked, truth = links[key].take(faint).to_pylist(), links["truth_id"].to_numpy()[faint]
    best = dict(zip(linked, truth.tolist(), strict=True))
    wanted = np.array([best.get(each, -1) for each in keys], np.int64)
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids, wanted, sorter=order)
    place = order[np.minimum(place, len(ids) - 1)] if len(ids) else np.zeros(len(wanted), int)
    there = np.zeros(len(wanted), np.bool_) if not len(ids) else ids[place] == wanted
    return np.where(there, place, -1).astype(np.int64)


def drawn(
    name: str,
    blocks: Ints,
    seed: int,
    populations: Sequence[Population],
    surveys: Sequence[str],
    *,
    limits: NDArray[np.float32] | None = None,
    spurious: bool = True,
) -> Field:
    """Blocks of the sky, made and observed here and now.

    Sources outside of the blocks do not shine in: some in ten thousand rows lie at such a border.
    """
    blocks = np.sort(np.asarray(blocks, np.int64))
    limits = detected_limits(surveys) if limits is None else limits
    parts, numbers = [], []
    for cell in np.unique(blocks >> _TO_CELLS).tolist():
        some, own = truth_of(Block(cell, seed, limits, WIDE_ORDER), populations)
        inside = np.isin(own >> 38, blocks)
        parts.append(some.taken(inside))
        numbers.append(own[inside])
    sources = Sources.concatenated(parts)
    ids = np.concatenate(numbers) if numbers else np.empty(0, np.int64)
    where = Ranges.from_cells(BLOCK_ORDER, blocks)
    tables, of = {}, {}
    for survey in surveys:
        catalogue = CATALOGUES[survey] if spurious else _without_spurious(CATALOGUES[survey])
        tables[survey], links = observed(catalogue, sources, ids, where, seed)
        of[survey] = joined(tables[survey], links, catalogue.key, ids)
    area = len(blocks) * BLOCK_DEG2
    return Field(name, area, _latitude(blocks), sources, tables, of, ids)


def _without_spurious(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, instrument=replace(catalogue.instrument, spurious_deg2=0.0))


def detected_limits(surveys: Sequence[str]) -> NDArray[np.float32]:
    """(24,) as a simulation for these surveys draws them."""
    depths: dict[str, float] = {}
    for survey in surveys:
        depths |= CATALOGUES[survey].instrument.faintest
    return limits_of(depths)


def around(lon_deg: float, lat_deg: float, area_deg2: float) -> Ints:
    """The blocks nearest to a Galactic place, of so great an area at least."""
    middle = from_frame(to_xyz(np.array([lon_deg]), np.array([lat_deg])), "galactic")
    centers = to_xyz(*healpix.center(np.arange(12 << 2 * BLOCK_ORDER), BLOCK_ORDER))
    near = np.argsort(-(centers * middle).sum(axis=1), kind="stable")
    return near[: max(1, int(np.ceil(area_deg2 / BLOCK_DEG2)))].astype(np.int64)


def spread(area_deg2: float) -> Ints:
    """Blocks of so great an area in all, evenly over what SDSS saw of the northern cap.

    Four blocks together, as they are drawn. The cap is taken as 115 to 250 degrees in right
    ascension, 0 to 60 in declination, |b| > 30: the real sets are of there.
    """
    ra, dec = healpix.center(np.arange(12 << 2 * BLOCK_ORDER), BLOCK_ORDER)
    _, b = to_radec(to_frame(to_xyz(ra, dec), "galactic"))
    there = (ra > 115) & (ra < 250) & (dec > 0) & (dec < 60) & (np.abs(b) > _OFF_DISC_DEG)
    high = np.flatnonzero(there.reshape(-1, _BLOCKS_OF_A_CELL).all(axis=1))
    wanted = min(len(high), max(1, round(area_deg2 / (BLOCK_DEG2 * _BLOCKS_OF_A_CELL))))
    places = (np.arange(wanted) + 0.5) * len(high) / wanted
    chosen = high[places.astype(np.int64)]
    return ((chosen[:, None] << _TO_CELLS) + np.arange(_BLOCKS_OF_A_CELL)).ravel()


def _latitude(blocks: Ints) -> float:
    ra, dec = healpix.center(blocks, BLOCK_ORDER)
    mean = to_xyz(ra, dec).mean(axis=0)
    if np.linalg.norm(mean) < 0.999:
        return float("nan")
    _, b = to_radec(to_frame(mean[None] / np.linalg.norm(mean), "galactic"))
    return float(b[0])


def kinds_of(population: Population, seed: int) -> frozenset[int]:
    """What a population draws, as far as some blocks tell; empty where they hold none of it."""
    limits = detected_limits(tuple(CATALOGUES))
    found: set[int] = set()
    for cell in np.unique(spread(8 * BLOCK_DEG2) >> _TO_CELLS).tolist():
        there = Block(cell, seed, limits, WIDE_ORDER)
        found |= set(truth_of(there, (population,))[0].kind.tolist())
    return frozenset(found)


STARS: Final = (Kind.MAIN_SEQUENCE, Kind.GIANT)
