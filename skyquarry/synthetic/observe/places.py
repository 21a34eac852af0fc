"""Where a survey sees the true sources on its dates, and the faults of its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.sky.compiledcells import cells_at
from skyquarry.sky.motion import propagate
from skyquarry.sky.parallax import displacement_mas
from skyquarry.sky.vectors import to_xyz, wrap_ra
from skyquarry.synthetic import chance
from skyquarry.synthetic.kernels import near_bright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.synthetic.observe.instruments import Instrument
    from skyquarry.synthetic.observe.neighbours import Neighbours
    from skyquarry.synthetic.sources import Sources

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

TRUTH_JYEAR = 2016.0
CELL_ORDER = 9
"""Cells that are lost as a whole, and that number a survey's rows: 7' wide."""


@dataclass(frozen=True)
class Places:
    """Of true sources (n,), on the date of the field that each lies in."""

    ra_deg: Floats
    dec_deg: Floats
    jyear: Floats
    fields: Ints
    """(f,) numbers of the fields"""
    of_field: Ints
    """(n,) place among them of each source's"""
    name: str
    seed: int

    @property
    def field(self) -> Ints:
        """(n,) number of each source's field."""
        return self.fields[self.of_field]

    def zero_points(self, what: str) -> Floats:
        """(f,) standard normal numbers of the fields."""
        return chance.normal(self.seed, f"{self.name}.zero.{what}", self.fields)

    def within(self, centers: Ints, radius_arcsec: float) -> Mask:
        """(n,) sources near one of the centers (places), which are not near themselves."""
        near = np.zeros(len(self.ra_deg), np.bool_)
        if not len(centers):
            return near
        chord2 = (2.0 * np.sin(0.5 * np.radians(radius_arcsec / 3600.0))) ** 2
        near_bright(centers, to_xyz(self.ra_deg, self.dec_deg), chord2, near)
        return near

    def pulled(self, rows: Ints, near: Neighbours, into: Floats, own: Floats) -> Floats:
        """(m, 2) arcsec east and north that neighbours' light moves the centres of rows.

        `into` (pairs,) light of each pair, `own` (n,) of each source, in the same band.
        """
        n = len(self.ra_deg)
        light = own + np.bincount(near.seen, into, n)
        east, north = self._offsets(near)
        pull = [np.bincount(near.seen, into * each, n)[rows] for each in (east, north)]
        return np.stack(pull, axis=1) / np.maximum(light[rows], 1e-12)[:, None]

    def _offsets(self, near: Neighbours) -> tuple[Floats, Floats]:
        """Arcsec from `seen` to `other`, on the plane that touches the sky."""
        ra, dec = np.radians(self.ra_deg[near.seen]), np.radians(self.dec_deg[near.seen])
        other = to_xyz(self.ra_deg[near.other], self.dec_deg[near.other])
        apart = np.degrees(other - to_xyz(self.ra_deg[near.seen], self.dec_deg[near.seen])) * 3600.0
        outward = apart[:, 0] * np.cos(ra) + apart[:, 1] * np.sin(ra)
        east = apart[:, 1] * np.cos(ra) - apart[:, 0] * np.sin(ra)
        return east, apart[:, 2] * np.cos(dec) - outward * np.sin(dec)


def places(
    instrument: Instrument, sources: Sources, seed: int, pixels: Ints | None = None
) -> Places:
    """Sources moved from J2016.0 to their field's date, and seen from the Earth on it.

    `pixels` (n,) of order 29 that they lie in, where these are known.
    """
    dates = instrument.dates
    field = (
        dates.fields(sources.ra_deg, sources.dec_deg) if pixels is None else dates.fields_of(pixels)
    )
    fields, of = np.unique(field, return_inverse=True)
    jyear = dates.jyears(fields, instrument.name, seed)[of]
    ra, dec = sources.ra_deg.copy(), sources.dec_deg.copy()
    still = (sources.pmra_masyr == 0) & (sources.pmdec_masyr == 0) & (sources.parallax_mas == 0)
    go = np.flatnonzero(~still)
    if len(go):
        ra[go], dec[go] = _moved(instrument, sources.taken(go), jyear[go])
    return Places(ra, dec, jyear, fields, of, instrument.name, seed)


def _moved(instrument: Instrument, stars: Sources, jyear: Floats) -> tuple[Floats, Floats]:
    """Where they are on these dates (n,), ra and dec."""
    ra, dec = propagate(
        stars.ra_deg, stars.dec_deg, stars.pmra_masyr, stars.pmdec_masyr,
        jyear - TRUTH_JYEAR, stars.parallax_mas, stars.rv_kms,
    )  # fmt: skip
    if instrument.dates.seen_from_earth:
        seen = displacement_mas(ra, dec, stars.parallax_mas, jyear)
        return shifted(ra, dec, 1e-3 * seen)
    return ra, dec


def shifted(ra_deg: Floats, dec_deg: Floats, arcsec: Floats) -> tuple[Floats, Floats]:
    """Positions (n,) moved by (n, 2) arcsec east and north, along great circles."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east, north = np.radians(arcsec / 3600.0).T
    x, y, z = np.cos(dec) - north * np.sin(dec), east, np.sin(dec) + north * np.cos(dec)
    turned = np.degrees(np.arctan2(y, x))
    return wrap_ra(ra_deg + turned), np.degrees(np.arctan2(z, np.hypot(x, y))) + 0.0 * ra


def lost(instrument: Instrument, ra_deg: Floats, dec_deg: Floats, seed: int) -> Mask:
    """(n,) positions in cells that the survey lost: `lost_cells`."""
    return lost_cells(instrument, cells_at(ra_deg, dec_deg, CELL_ORDER), seed)


def lost_cells(instrument: Instrument, cells: Ints, seed: int) -> Mask:
    """(n,) which cells of order 9 the survey lost."""
    chances = chance.uniform(seed, f"{instrument.name}.lost", cells)
    return np.asarray(chances < instrument.lost_fields)
