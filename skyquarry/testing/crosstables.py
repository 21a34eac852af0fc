"""A small sky of three tables, laid across borders: the pole, 0h, and corners of base cells.

What tests of `sq.crossmatch` match: motions for most rows of the first, a zero point in the second,
rows that stand twice in the third, magnitudes, and rows of nothing in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.roles import Roles, Survey
from skyquarry.sky.vectors import ARCSEC_PER_RADIAN, to_radec, to_xyz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLACES = ((0.0, 90.0), (0.0, 41.8103149), (359.9999, 0.0001))
"""The pole; where three base cells meet, at 0h; a corner of four cells, at 0h."""
BORDERS = ((0.0, 1.0), (0.0, 1.0), (1.0, 0.8488))
"""East and north of the way that a border of cells goes there (Gorski et al. 2005: along ra, or
z = +- (8 / 3 pi) ra): half of the objects lie along it, so that their rows are on both sides."""
SURVEYS = (("gaia", 0.01, 2016.0, 0.95), ("tmass", 0.1, 2000.0, 0.8), ("wise", 0.3, 2010.5, 0.6))
"""Name, sigma in arcsec, epoch, share of the objects."""
ZERO_POINT_ARCSEC = (0.03, -0.05)
_NOTHING = 0.2  # rows of nothing, as a share of the objects
_TWICE = 12
_FAST_MAG, _FAST = 12.6, 20.0  # stars as bright move so much faster: the second search's


@dataclass(frozen=True, slots=True)
class CrossTable:
    """A table and its roles."""

    name: str
    table: pa.Table
    roles: Roles

    @property
    def given(self) -> tuple[pa.Table, Survey]:
        """As `sq.crossmatch` takes it, under its name."""
        return self.table, self.survey

    @property
    def survey(self) -> Survey:
        """As `sq.build` takes the roles."""
        return Survey(name=self.name, title=self.name, roles=self.roles)

    def having(self, table: pa.Table) -> CrossTable:
        """Other rows, the same roles."""
        return CrossTable(self.name, table, self.roles)


def cross_tables(n_objects: int = 600, seed: int = 1, spread: float = 0.0006) -> list[CrossTable]:
    """Three catalogues of `n_objects` objects within some `spread` radians of each of `PLACES`."""
    random = np.random.default_rng(seed)
    xyz = _strewn(random, n_objects, spread)
    mag, pm = random.uniform(12.0, 20.0, n_objects), 30.0 * random.standard_normal((n_objects, 2))
    pm[mag < _FAST_MAG] *= _FAST
    made = []
    for number, (name, sigma, epoch, share) in enumerate(SURVEYS):
        there = np.flatnonzero(random.random(n_objects) < share)
        nothing = _strewn(random, int(_NOTHING * n_objects), spread)
        n = len(there) + len(nothing)
        motion = np.concatenate([pm[there], np.zeros((len(nothing), 2))])
        error = sigma * random.uniform(0.7, 1.5, n)
        offset = error[:, None] * random.standard_normal((n, 2)) + 1e-3 * motion * (epoch - 2016.0)
        if name == "tmass":
            offset += ZERO_POINT_ARCSEC
        ra, dec = to_radec(_shifted(np.concatenate([xyz[there], nothing]), offset))
        mags = np.append(mag[there], random.uniform(12.0, 20.0, len(nothing)))
        columns = {
            "id": 10**6 * number + random.permutation(n),
            "ra": ra,
            "dec": dec,
            "err": error,
            "mag": mags + 0.5 * number + 0.1 * random.standard_normal(n),
        }
        if name == "gaia":
            unknown = random.random(n) < 0.2
            for axis, column in enumerate(("pmra", "pmdec")):
                columns[column] = pa.array(motion[:, axis], mask=unknown)
            columns["pm_error"] = pa.array(np.full(n, 0.5), mask=unknown)
        table = pa.table(columns)
        if name == "wise":
            table = pa.concat_tables([table, table.slice(0, _TWICE)]).combine_chunks()
        made.append(CrossTable(name, table, _roles(name, epoch)))
    return made


def _roles(name: str, epoch: float) -> Roles:
    told = {
        "id": "id",
        "ra": "ra",
        "dec": "dec",
        "epoch": {"jyear": epoch},
        "position_error": {"model": "circular", "columns": ["err"], "unit": "arcsec"},
        "bands": [{"name": "m", "column": "mag"}],
    }
    if name == "gaia":
        columns = {"pmra": "pmra", "pmdec": "pmdec"}
        told["motion"] = columns | {"pmra_error": "pm_error", "pmdec_error": "pm_error"}
    return Roles.from_mapping(told, name)


def _strewn(random: np.random.Generator, n: int, spread: float) -> Floats:
    """Unit vectors (n, 3) about the places, every other one within some 0.3 arcsec of a border."""
    place = np.arange(n) % len(PLACES)
    ra, dec = np.array(PLACES).T
    way = np.array(BORDERS)[place] / np.linalg.norm(BORDERS, axis=1)[place][:, None]
    along, across = random.standard_normal((2, n)) * spread * ARCSEC_PER_RADIAN
    narrow = np.arange(n) // len(PLACES) % 2 == 0
    across[narrow] *= 0.3 / (spread * ARCSEC_PER_RADIAN)
    offset = along[:, None] * way + across[:, None] * np.column_stack([-way[:, 1], way[:, 0]])
    return _shifted(to_xyz(ra[place], dec[place]), offset)


def _shifted(xyz: Floats, offset_arcsec: Floats) -> Floats:
    """Moved towards local east and north."""
    ra, _ = to_radec(xyz)
    ra = np.radians(ra)
    east = np.column_stack([-np.sin(ra), np.cos(ra), np.zeros(len(ra))])
    north = np.cross(xyz, east)
    step = offset_arcsec / ARCSEC_PER_RADIAN
    return _unit(xyz + east * step[:, :1] + north * step[:, 1:])


def _unit(xyz: Floats) -> Floats:
    told: Floats = xyz / np.linalg.norm(xyz, axis=1)[:, None]
    return told
