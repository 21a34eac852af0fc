"""The task of a pairs plan: the rows of one part of the sky, joined with those of another side."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, taken, to_numpy
from skyquarry.engine.plan import Told
from skyquarry.engine.run import Instead
from skyquarry.match.geometry.joins import Joined, Placed, Rule, cuts_of, joined, search_of
from skyquarry.match.geometry.searching import kernels, writable
from skyquarry.match.given.ordering import ranks
from skyquarry.match.given.tablesides import Arrived
from skyquarry.sky.ranges import N_PIXELS, Ranges
from skyquarry.sky.vectors import wrap_ra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.geometry.radii import Radius
    from skyquarry.match.given.sides import Fetch, Fetched

    Ints = NDArray[np.int64]


PART_PAIRS = 1 << 20
"""A part of the sky where more than twice so many pairs are found is cut in parts of about so many:
of one that is too large neither the rest of the processors nor who writes it could make a start."""
MANY = 250_000
"""Rows from which a kernel of its own pays."""
BLOCK = 16_384
"""Rows that are worked on together, so that they stay in the cache."""


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
        from skyquarry.match.geometry.search import Points

        pixels = fetched.pixels
        ra, dec = _degrees(fetched, self.ra), _degrees(fetched, self.dec)
        rank, radius = self._rank(fetched), self.radius.of(fetched)
        number, good = None, _usable(fetched, ra, dec)
        if good is not None:
            number = np.flatnonzero(good) if not isinstance(good, slice) else None
            ra, dec, rank = ra[good], dec[good], rank[good]
            radius = radius if isinstance(radius, float) else radius[good]
        if len(ra) and (ra.min() < 0.0 or ra.max() >= 360.0):
            ra = wrap_ra(ra)
        points = Points(ra, dec, pixels if good is None else pixels[good], rank)
        if not fetched.exact:
            points, number, radius = _in_own_order(points, number, radius)
        first, last = np.searchsorted(pixels, [core.starts[0], core.stops[0]]).tolist()
        return Placed(points, radius, number, slice(first, last), pixels)

    def _rank(self, fetched: Fetched) -> Ints:
        rank = ranks(fetched.table.column(self.id))
        return rank if fetched.order is None else rank[fetched.order]


def _degrees(fetched: Fetched, name: str) -> NDArray[np.float64]:
    return np.asarray(fetched.column(name), np.float64)


def _usable(fetched: Fetched, ra: Any, dec: Any) -> slice | NDArray[np.bool_] | None:
    """Which rows have a position; None: all.

    Where pixels are sure, those without one come last; of other writers' rows, each is looked at.
    """
    if fetched.exact:
        last = int(np.searchsorted(fetched.pixels, N_PIXELS))
        return None if last == len(fetched.pixels) else slice(0, last)
    good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0)
    return None if good.all() else good


def _in_own_order(points: Any, number: Ints | None, radius: Any) -> tuple[Any, Ints | None, Any]:
    """Points sorted by the pixel of their very position, whatever another writer stored."""
    from skyquarry.match.geometry.search import Points
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

    def run(
        self, left: Fetch, right: Fetch, core: Ranges, expected: int | None = None
    ) -> Told | Instead:
        """The rows of the answer that belong to a part of the sky.

        Where these turn out to be very many, the same of smaller parts in their place, of which is
        known about how many pairs are `expected`.
        """
        lefts = left.rows()
        rights = lefts if self.rule.same else right.rows()
        placed = self.left.placed(lefts, core)
        others = self._others(placed, rights, core)
        search = search_of(self.rule, placed, others, expected)
        if expected is None:
            cuts = cuts_of(self.rule, placed, search, PART_PAIRS).tolist()
            if cuts:
                ends = [int(core.starts[0]), *cuts, int(core.stops[0])]
                return self._divided(lefts, rights, ends, search.expected)
        rows = joined(self.rule, placed, others, search)
        counts = self.counts(rows, placed, others)
        del placed, others, search
        sides = (Taking.of(lefts, rows.left), Taking.of(rights, rows.right))
        positions = self._positions(rows, lefts, rights) if self.positions else []
        del lefts, rights  # each column goes once it is taken: the answer grows as they shrink
        return Told(self.table(rows, *sides, positions), counts)

    def _divided(self, lefts: Fetched, rights: Fetched, ends: list[int], pairs: int) -> Instead:
        """The tasks of parts from one pixel to the next, which have pairs in equal shares."""
        here = Arrived(lefts)
        there = here if self.rule.same else Arrived(rights)
        parts = itertools.pairwise(ends)
        each = pairs // (len(ends) - 1)
        return Instead(tuple((self, here, there, Ranges([a], [b]), each) for a, b in parts))

    def _others(self, left: Placed, rights: Fetched, core: Ranges) -> Placed:
        if self.rule.same and self.right.radius.column is None:
            return replace(left, radius=self.right.radius.arcsec)
        return self.right.placed(rights, core)

    def counts(self, rows: Joined, left: Placed, right: Placed) -> dict[str, int]:
        """What the report says of a run: sums over its tasks."""
        mine = rows.left
        if self.rule.how != "inner":
            mine = mine[(mine >= 0) & (rows.right >= 0)]
        matched = _changes(mine) + 1 if len(mine) else 0
        told = {"pairs": len(mine), "left_rows": left.core.stop - left.core.start}
        told["left_alone"] = told["left_rows"] - matched if self.rule.how != "anti" else len(rows)
        told["right_alone"] = 0
        if self.rule.how == "outer":
            told["right_alone"] = int(np.count_nonzero(rows.left < 0))
        told["left_no_place"] = _without_place(left)
        told["left_no_radius"] = _without_radius(left)
        if not self.rule.same:
            told["right_no_place"] = _without_place(right)
            told["right_no_radius"] = _without_radius(right)
        return told

    def table(
        self, rows: Joined, left: Taking, right: Taking, positions: list[pa.Array]
    ) -> pa.Table:
        """The columns of the answer."""
        ids = [left.keep(self.left), right.keep(self.right)]
        columns = [*ids, _separations(rows), *positions]
        columns += [left.take(name) for name in self.left.handed_out]
        columns += [right.take(name) for name in self.right.handed_out]
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


@dataclass(slots=True)
class Taking:
    """The columns of one side on their way into the answer: each is let go when it is taken."""

    columns: dict[str, pa.ChunkedArray]
    rows: Ints
    """(rows of the answer,) rows of the side's table"""
    known: NDArray[np.bool_] | None
    """(rows of the answer,) where there is one; None: everywhere"""

    @classmethod
    def of(cls, fetched: Fetched, places: Ints) -> Taking:
        """The columns of a side, to be taken at these places along the sky, -1 where none is."""
        table = fetched.table
        columns = dict(zip(table.column_names, table.columns, strict=True))
        known = places >= 0
        if known.all():
            return cls(columns, fetched.rows_of(places), None)
        rows = np.zeros(len(places), np.int64)
        rows[known] = fetched.rows_of(places[known])
        return cls(columns, rows, known)

    def keep(self, part: Part) -> pa.ChunkedArray | pa.Array:
        """The ids; what is not handed out is let go, the room of the rows too."""
        ids = self.columns[part.id]
        self.columns = {name: self.columns[name] for name in part.handed_out}
        plain = ids.type == pa.int64() and len(ids) and not ids.null_count and self.known is None
        if self.columns or not plain:
            return self._at(ids)
        return from_numpy(_overwritten(self.rows, to_numpy(ids)))

    def take(self, name: str) -> pa.ChunkedArray | pa.Array:
        """A column, once."""
        return self._at(self.columns.pop(name))

    def _at(self, column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        if self.known is None and len(column):
            return taken(column, self.rows)
        if column.num_chunks > 1:
            column = column.combine_chunks()
        return column.take(_numbers(self.rows, self.known))


def pair_unit(
    pairing: Pairing, left: Fetch, right: Fetch, core: Ranges, expected: int | None = None
) -> Told | Instead:
    """The task of a pairs plan: `Pairing.run`, as a function of this module."""
    return pairing.run(left, right, core, expected)


def _without_place(placed: Placed) -> int:
    """Rows of the task itself that have no usable position."""
    first, last = placed.core.start, placed.core.stop
    if placed.number is None:
        return int(max(last - max(first, len(placed.points)), 0))
    return int(last - first - np.count_nonzero(_in_core(placed)))


def _without_radius(placed: Placed) -> int:
    if isinstance(placed.radius, float):
        return 0
    return int(np.count_nonzero(np.isnan(placed.radius) & _in_core(placed)))


def _in_core(placed: Placed) -> NDArray[np.bool_]:
    """(points,) whether a point belongs to the task itself."""
    places = placed.number
    if places is None:
        places = np.arange(len(placed.points), dtype=np.int64)
    inside: NDArray[np.bool_] = (places >= placed.core.start) & (places < placed.core.stop)
    return inside


def _changes(rows: Ints) -> int:
    """How often a row is followed by another one."""
    found = 0
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK + 1]
        found += int(np.count_nonzero(part[1:] != part[:-1]))
    return found


def _overwritten(rows: Ints, values: Ints) -> Ints:
    """The values of some rows, in the room of these: fresh memory costs more than to take them."""
    if len(rows) < MANY:  # to load a kernel would take longer
        rows[:] = np.take(values, rows, mode="clip")
    else:
        kernels("taking").take_into(rows, writable(values, np.int64))
    return rows


def _numbers(values: NDArray[Any], known: NDArray[np.bool_] | None) -> pa.Array:
    """An Arrow array of int64 or float64, null where they are not known, made of plain buffers."""
    plain = from_numpy(values)
    if known is None:
        return plain
    bits = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(plain.type, len(plain), [bits, plain.buffers()[1]])


def _separations(rows: Joined) -> pa.Array:
    known = ~np.isnan(rows.sep_arcsec)
    if known.all():
        return from_numpy(rows.sep_arcsec)
    return _numbers(np.where(known, rows.sep_arcsec, 0.0), known)
