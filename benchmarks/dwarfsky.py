"""Late M dwarfs and brown dwarfs alone, by the hundred thousand, as four surveys see them.

What `skysample.py` has of both, without all that they are hardly ever mistaken for: the simulator's
own dwarfs of M6 to T8, drawn many times as densely as they are, with the surveys' errors. Which
rows are of one source is told by the truth, not by a match, and there are no light curves. A dwarf
weighs what it stands for in a square degree.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from skyboost import INFRARED, LATE, drawn_alone
from skysample import FAINTEST_J, FAINTEST_W1

from skyquarry.catalog.arrow import to_numpy
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.synthetic.blocks import WIDE_ORDER, Block, ids_of, limits_of
from skyquarry.synthetic.check.fields import BLOCK_DEG2, joined, spread
from skyquarry.synthetic.observe.observing import observed
from skyquarry.synthetic.observe.surveys import CATALOGUES, MAIN
from skyquarry.synthetic.sources import Sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

L0: Final = 20.0
"""spectral type, M0 = 10"""
DENSER: Final = (("late dwarfs", LATE, 18.0, 300.0), ("late dwarfs", 18.0, L0, 4_000.0),
                 ("brown dwarfs", L0, 40.0, 7_000.0))  # fmt: skip
"""strata of `skyboost.py`, types from and to, and times as many as there are"""
_FIRST: Final = 1 << 24
"""ids of each stratum have a start of their own"""
_AT_ONCE: Final = 8
"""cells of order 6 in memory"""


@dataclass(frozen=True)
class Dwarfs:
    """Those within the limits of brown dwarfs; (n,) each."""

    table: pa.Table
    """columns of the surveys, named as a match names them"""
    kind: Floats
    """true spectral type"""
    weight: Floats
    """dwarfs a square degree"""
    cell: Ints
    """of order 6"""
    mags: Floats
    """(n, 24) true AB magnitudes"""
    parallax_mas: Floats
    """true"""

    @property
    def brown(self) -> NDArray[np.bool_]:
        return np.asarray(self.kind >= L0)

    def taken(self, rows: Ints) -> Dwarfs:
        return Dwarfs(self.table.take(pa.array(rows)),
                      *(getattr(self, each.name)[rows] for each in fields(self)[1:]))  # fmt: skip

    def column(self, name: str) -> Floats:
        """(n,) of the table, NaN where there is none."""
        told = self.table[name].combine_chunks()
        return np.asarray(to_numpy(told.fill_null(np.nan)), np.float64)


def dwarfs(area_deg2: float, seed: int) -> Dwarfs:
    """Of cells all over SDSS's northern cap."""
    blocks = spread(area_deg2)
    cells = np.unique(blocks >> 2)
    parts = [
        _some(cells[first : first + _AT_ONCE], len(blocks) * BLOCK_DEG2, seed)
        for first in range(0, len(cells), _AT_ONCE)
    ]
    return Dwarfs(
        pa.concat_tables([each.table for each in parts], promote_options="default"),
        *(np.concatenate([getattr(part, each.name) for part in parts])
          for each in fields(Dwarfs)[1:]),
    )  # fmt: skip


def _some(cells: Ints, area_deg2: float, seed: int) -> Dwarfs:
    """Of some cells; weights for a whole area."""
    sources, ids, times = drawn(cells, seed)
    where = Ranges.from_cells(WIDE_ORDER, cells)
    columns: dict[str, Any] = {}
    for name in MAIN:
        table, links = observed(CATALOGUES[name], sources, ids, where, seed)
        of = joined(table, links, CATALOGUES[name].key, ids)
        row = np.full(len(ids), -1)
        row[of[of >= 0]] = np.flatnonzero(of >= 0)
        seen = table.take(pa.array(row, mask=row < 0))
        columns |= {f"{name}_{column}": seen[column] for column in seen.column_names}
    place = healpix.index(sources.ra_deg, sources.dec_deg, WIDE_ORDER)
    every = Dwarfs(
        pa.table(columns), sources.spectral_type.astype(float), 1.0 / (times * area_deg2),
        place.astype(np.int64), sources.mags.astype(float), sources.parallax_mas.astype(float),
    )  # fmt: skip
    bright = every.column("twomass_j_m") <= FAINTEST_J
    bright |= every.column("allwise_w1mpro") <= FAINTEST_W1
    return every.taken(np.flatnonzero(bright))


def drawn(
    cells: Ints, seed: int, denser: tuple[tuple[str, float, float, float], ...] = DENSER
) -> tuple[Sources, Ints, Floats]:
    """Sources of cells of order 6, their ids, and how many times as dense each is drawn as it is.

    `denser`: strata of `skyboost.py`, types from and to, and times as many as there are.
    """
    sources, ids, dense = [], [], []
    for cell in cells.tolist():
        block = Block(int(cell), seed, limits_of(INFRARED), WIDE_ORDER)
        for place, (stratum, first, last, times) in enumerate(denser):
            for number, every in drawn_alone(stratum, block, place, times):
                inside = (every.spectral_type >= first) & (every.spectral_type < last)
                some = every.taken(inside)
                own = ids_of(number, healpix.index(some.ra_deg, some.dec_deg))
                sources.append(some)
                ids.append(own + _FIRST * (1 + place))
                dense.append(np.full(len(some), times))
    return Sources.concatenated(sources), np.concatenate(ids), np.concatenate(dense)
