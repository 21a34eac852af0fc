"""The task of a pairs plan: the rows of one part of the sky, joined with those of another side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.plan import Told
from skyquarry.match.joins import Joined, Placed, Rule, joined
from skyquarry.match.ordering import ranks
from skyquarry.sky.ranges import N_PIXELS
from skyquarry.sky.vectors import wrap_ra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.radii import Radius
    from skyquarry.match.sides import Fetch, Fetched
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """What a task knows of one side."""

    id: str
    ra: str
    dec: str
    radius: Radius
    handed_out: tuple[str, ...] = ()
    """columns that are handed out beside the id"""

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that is read."""
        own = [self.id, self.ra, self.dec, *self.handed_out]
        if self.radius.column is not None:
            own.append(self.radius.column)
        return tuple(dict.fromkeys(own))

    def placed(self, fetched: Fetched, core: Ranges) -> Placed:
        """The rows as the search takes them."""
        from skyquarry.match.search import Points

        pixels = fetched.pixels
        ra, dec = _degrees(fetched, self.ra), _degrees(fetched, self.dec)
        rank, radius = self._rank(fetched), self.radius.of(fetched)
        number = None
        good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0) & (pixels < N_PIXELS)
        spatial = pixels
        if not good.all():
            number = np.flatnonzero(good)
            ra, dec, spatial, rank = ra[good], dec[good], pixels[good], rank[good]
            radius = radius if isinstance(radius, float) else radius[good]
        if len(ra) and (ra.min() < 0.0 or ra.max() >= 360.0):
            ra = wrap_ra(ra)
        points = Points(ra, dec, spatial, rank)
        if not fetched.exact:
            points, number, radius = _in_own_order(points, number, radius)
        return Placed(points, radius, number, core.contains(pixels), pixels)

    def _rank(self, fetched: Fetched) -> Ints:
        rank = ranks(fetched.table.column(self.id))
        return rank if fetched.order is None else rank[fetched.order]


def _degrees(fetched: Fetched, name: str) -> NDArray[np.float64]:
    return np.asarray(fetched.column(name), np.float64)


def _in_own_order(points: Any, number: Ints | None, radius: Any) -> tuple[Any, Ints | None, Any]:
    """Points sorted by the pixel of their very position, whatever another writer stored."""
    from skyquarry.match.search import Points
    from skyquarry.sky import healpix

    spatial = healpix.index(points.ra_deg, points.dec_deg)
    if np.array_equal(spatial, points.spatial):
        return points, number, radius
    along = np.argsort(spatial, kind="stable")
    number = along if number is None else number[along]
    radius = radius if isinstance(radius, float) else radius[along]
    ra, dec, rank = points.ra_deg[along], points.dec_deg[along], points.rank[along]
    return Points(ra, dec, spatial[along], rank), number, radius


@dataclass(frozen=True, slots=True)
class Pairing:
    """How every task of one plan joins: small, and travels to workers."""

    left: Part
    right: Part
    rule: Rule
    schema: pa.Schema
    positions: bool = False
    """whether ra and dec follow, of the left row, else of the right"""

    def run(self, left: Fetch, right: Fetch, core: Ranges) -> Told:
        """The rows of the answer that belong to a part of the sky."""
        lefts = left.rows()
        rights = lefts if self.rule.same else right.rows()
        placed = self.left.placed(lefts, core)
        others = self._others(placed, rights, core)
        rows = joined(self.rule, placed, others)
        return Told(self.table(rows, lefts, rights), self.counts(rows, placed, others))

    def _others(self, left: Placed, rights: Fetched, core: Ranges) -> Placed:
        if self.rule.same and self.right.radius.column is None:
            return replace(left, radius=self.right.radius.arcsec)
        return self.right.placed(rights, core)

    def counts(self, rows: Joined, left: Placed, right: Placed) -> dict[str, int]:
        """What the report says of a run: sums over its tasks."""
        pairs = (rows.left >= 0) & (rows.right >= 0)
        mine = rows.left[pairs]
        matched = int(np.count_nonzero(np.diff(mine))) + 1 if len(mine) else 0
        told = {"pairs": len(mine), "left_rows": int(np.count_nonzero(left.core))}
        told["left_alone"] = told["left_rows"] - matched if self.rule.how != "anti" else len(rows)
        told["right_alone"] = int(np.count_nonzero(rows.left < 0))
        told["left_no_place"] = _without_place(left)
        told["left_no_radius"] = _without_radius(left)
        if not self.rule.same:
            told["right_no_place"] = _without_place(right)
            told["right_no_radius"] = _without_radius(right)
        return told

    def table(self, rows: Joined, left: Fetched, right: Fetched) -> pa.Table:
        """The columns of the answer."""
        i, j = _indices(rows.left, left), _indices(rows.right, right)
        columns = [
            _taken(left, self.left.id, i),
            _taken(right, self.right.id, j),
            _separations(rows),
        ]
        if self.positions:
            columns += self._positions(rows, left, right)
        columns += [_taken(left, name, i) for name in self.left.handed_out]
        columns += [_taken(right, name, j) for name in self.right.handed_out]
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _positions(self, rows: Joined, left: Fetched, right: Fetched) -> list[pa.Array]:
        made = []
        there = rows.left >= 0
        for ours, theirs in ((self.left.ra, self.right.ra), (self.left.dec, self.right.dec)):
            values = np.empty(len(rows))
            values[there] = _degrees(left, ours)[rows.left[there]]
            values[~there] = _degrees(right, theirs)[rows.right[~there]]
            made.append(from_numpy(values))
        return made


def pair_unit(pairing: Pairing, left: Fetch, right: Fetch, core: Ranges) -> Told:
    """The task of a pairs plan: `Pairing.run`, as a function of this module."""
    return pairing.run(left, right, core)


def _without_place(placed: Placed) -> int:
    """Rows of the task itself that have no usable position."""
    if placed.number is None:
        return 0
    return int(np.count_nonzero(placed.core)) - int(np.count_nonzero(placed.core[placed.number]))


def _without_radius(placed: Placed) -> int:
    if isinstance(placed.radius, float):
        return 0
    core = placed.core if placed.number is None else placed.core[placed.number]
    return int(np.count_nonzero(np.isnan(placed.radius) & core))


def _indices(places: Ints, fetched: Fetched) -> pa.Array:
    """Rows of a side's table, null where there is none."""
    missing = places < 0
    if not missing.any():
        return from_numpy(fetched.rows_of(places))
    rows = np.zeros(len(places), np.int64)
    rows[~missing] = fetched.rows_of(places[~missing])
    return _masked(rows, ~missing)


def _masked(values: NDArray[np.generic], known: NDArray[np.bool_]) -> pa.Array:
    """An Arrow array of int64 or float64 with nulls, made of plain buffers."""
    plain = from_numpy(values)
    bits = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(plain.type, len(plain), [bits, plain.buffers()[1]])


def _separations(rows: Joined) -> pa.Array:
    known = ~np.isnan(rows.sep_arcsec)
    if known.all():
        return from_numpy(rows.sep_arcsec)
    return _masked(np.where(known, rows.sep_arcsec, 0.0), known)


def _taken(fetched: Fetched, name: str, index: pa.Array) -> pa.ChunkedArray:
    column = fetched.table.column(name)
    if column.num_chunks > 1:  # to find the chunk of each row would cost more than one copy
        column = column.combine_chunks()
    return column.take(index)
