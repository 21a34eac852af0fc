"""A survey's catalogue of a piece of the sky: real rows, spurious ones, numbers, columns, links."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.sky import healpix
from skyquarry.synthetic import chance
from skyquarry.synthetic.blocks import BLOCK_ORDER
from skyquarry.synthetic.observe.light import fluxes
from skyquarry.synthetic.observe.measuring import Links, Measured, measured
from skyquarry.synthetic.observe.places import CELL_ORDER, lost_cells
from skyquarry.synthetic.observe.rows import Rows, RowTruth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.sky.ranges import Ranges
    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.observe.rows import Catalogue
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MEANING: Final = {
    "truth_id": "A true source whose light is in the row",
    "share": "Part of the row's PSF flux that is that source's",
}
_TO_CELLS: Final = 2 * (healpix.MAX_ORDER - CELL_ORDER)
_SPURIOUS: Final = np.int64(63) << np.int64(32)
"""Owners of spurious rows: of a population that there is not."""


def observed(
    catalogue: Catalogue,
    sources: Sources,
    ids: Ints,
    where: Ranges,
    seed: int,
    pixels: Ints | None = None,
) -> tuple[pa.Table, pa.Table]:
    """The survey's table of a part of the sky, and the links of its rows to the truth.

    Links have the survey's id, `truth_id`, and `share`, the part of the row's PSF flux that is
    that source's; the brightest part first. Spurious rows have none.

    `where`: whole cells of order 9 or lower. `sources`, `ids`: every true source in them, and those
    around within a survey's reach, `pixels` those of order 29 that they lie in, if these are known.
    A row lies where its brightest source does. Rows come cell by cell.
    """
    instrument = catalogue.instrument
    if pixels is None:
        pixels = healpix.index(sources.ra_deg, sources.dec_deg)
    home = where.contains(pixels)
    real, links = measured(instrument, sources, ids, seed=seed, home=home, pixels=pixels)
    nothing = spurious(instrument, where.flat(BLOCK_ORDER).tolist(), seed)
    inside = where.contains(healpix.index(nothing.ra_deg, nothing.dec_deg))
    every = Measured.concatenated([real, nothing.taken(inside)])
    return tabled(catalogue, sources, ids, every, links, seed)


def tabled(
    catalogue: Catalogue,
    sources: Sources,
    ids: Ints,
    every: Measured,
    links: Links,
    seed: int,
    *,
    first: int = 0,
) -> tuple[pa.Table, pa.Table]:
    """Rows with numbers, cell by cell from `first` on, as the survey's table; and their links."""
    numbered = _cells(sources, every)
    order = _by_cell(numbered, every.owner)
    every, cell = every.taken(order), numbered[order]
    truth = RowTruth.of(sources, every.source)
    rows = Rows(catalogue.instrument, every, cell, first + _ranks(cell), truth, seed)
    table = catalogue.table(rows)
    return table, _linked(links, ids, order, table.select([catalogue.key]))


def _cells(sources: Sources, every: Measured) -> Ints:
    """(n,) cells that rows are numbered in: of the true place, so that noise moves none."""
    ra, dec = every.ra_deg.copy(), every.dec_deg.copy()
    real = every.source >= 0
    ra[real], dec[real] = (each[every.source[real]] for each in (sources.ra_deg, sources.dec_deg))
    return np.asarray(healpix.index(ra, dec, CELL_ORDER))


def _by_cell(cell: Ints, owner: Ints) -> Ints:
    """(n,) the order of rows by cell, then owner.

    An owner tells its block: where no row has left it, one number says both, in a fifth of the
    time.
    """
    if (owner >> 38 == cell >> 2 * (CELL_ORDER - BLOCK_ORDER)).all():
        key = (cell << 38) | (owner & ((1 << 38) - 1))
        order = np.argsort(key)
        if (np.diff(key[order]) > 0).all():
            return order
    return np.lexsort((owner, cell))


def _ranks(cell: Ints) -> Ints:
    """(n,) how many rows of the same cell stand before, of sorted cells (n,)."""
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    return np.arange(len(cell)) - np.repeat(first, np.diff(np.append(first, len(cell))))


def _linked(links: Links, ids: Ints, order: Ints, keys: pa.Table) -> pa.Table:
    """The links of rows that were put in this order, with the ids of survey and truth."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    row = place[links.row]
    by = np.lexsort((-links.share, row))
    told = keys.take(from_numpy(row[by]))
    told = told.append_column(_field("truth_id", pa.int64()), from_numpy(ids[links.source[by]]))
    share = from_numpy(links.share[by].astype(np.float32))
    return told.append_column(_field("share", pa.float32()), share)


def _field(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, metadata={"description": _MEANING[name]})


def spurious(instrument: Instrument, blocks: Sequence[int], seed: int) -> Measured:
    """Rows of blocks that are nothing in the sky: just above the threshold in one band."""
    drawn = [_Nothing.of(instrument, block, seed) for block in blocks]
    drawn = drawn or [_Nothing.of(replace(instrument, spurious_deg2=0.0), 0, seed)]
    pixels, flux, one, more, jyear, owner = (
        np.concatenate([getattr(each, name) for each in drawn]) for name in _Nothing.__slots__
    )
    ra, dec = healpix.center(pixels, healpix.MAX_ORDER)
    n, c = flux.shape
    deep = fluxes(np.array([each.depth + each.vega_to_ab for each in instrument.channels])) / 5.0
    errors = np.repeat(deep[None], n, axis=0)
    flux *= errors
    flux[np.arange(n), one] = deep[one] * instrument.threshold * (1 + more)
    fwhm = np.array([each.fwhm_arcsec for each in instrument.channels])
    faint = np.full(n, 30.0)
    made = Measured(
        source=np.full(n, -1, np.int64),
        owner=owner,
        ra_deg=ra,
        dec_deg=dec,
        jyear=jyear,
        error_mas=instrument.centroids.errors_mas(faint, fwhm[one] / instrument.threshold),
        flux=flux,
        flux_error=errors,
        total=flux.copy(),
        total_error=errors.copy(),
        saturated=np.zeros((n, c), np.bool_),
        neighbour=np.zeros(n),
    )
    return made.taken(~lost_cells(instrument, pixels >> _TO_CELLS, seed))


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The chance in spurious rows (n,) of a block."""

    pixels: Ints
    """of order 29"""
    noise: Floats
    """(n, c) normal numbers"""
    band: Ints
    """the one that detects"""
    above: Floats
    """how far above the threshold"""
    jyear: Floats
    owner: Ints

    @classmethod
    def of(cls, instrument: Instrument, block: int, seed: int) -> _Nothing:
        random = chance.generator(seed, zlib.crc32(instrument.name.encode()), block)
        n = int(random.poisson(instrument.spurious_deg2 * healpix.cell_area_deg2(BLOCK_ORDER)))
        inside = 1 << 2 * (healpix.MAX_ORDER - BLOCK_ORDER)
        dates = instrument.dates
        return cls(
            pixels=block * inside + random.integers(0, inside, n),
            noise=random.standard_normal((n, len(instrument.channels))),
            band=random.choice(instrument.detecting, n),
            above=random.exponential(0.15, n),
            jyear=random.uniform(dates.first_jyear, dates.last_jyear, n),
            owner=(np.int64(block) << 38) | _SPURIOUS | np.arange(n, dtype=np.int64),
        )
