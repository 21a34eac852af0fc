"""Whether a table has every pair of a catalogue's rows that it promises, and no other row.

Queries take what a matcher finds for such a table's rows, and do not read it. So all pairs are
found anew, by trees of a library: tile by tile of the catalogue, some rows of it at a time, with
what lies around the tile. Memory is bounded by a tile of either table and the pairs of those rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.beside import beside
from skyquarry.catalog.faults import EXAMPLES, Fault
from skyquarry.catalog.relations import ALL_PAIRS, RIM_ARCSEC, all_pairs, is_unique
from skyquarry.sky.dilation import dilated
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.vectors import to_xyz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from skyquarry.catalog.relations import AllPairs
    from skyquarry.catalog.stored import Stored

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_ROWS: Final = 20_000
"""Rows whose pairs are found at once."""


def check_pairs(stored: Stored) -> Iterator[Fault]:
    """Faults where a table's rows are not the pairs that its properties promise."""
    file = stored.folder.path("hats.properties")
    try:
        promise = all_pairs(stored.properties)
    except ValueError as error:
        yield Fault(file, f"{ALL_PAIRS} cannot be read ({error}): build the table again")
        return
    there = None if promise is None else beside(stored, promise.catalog)
    if promise is None or there is None:
        return
    other = there.rows_identity != promise.identity
    if other and there.version != promise.version:
        return  # of a later version nothing is promised
    wrong = _unfit(stored, there, promise, other=other)
    if wrong:
        yield Fault(file, f"{wrong}: build the table again")
        return
    yield from _compared(stored, there, promise)


def _unfit(stored: Stored, there: Stored, promise: AllPairs, *, other: bool) -> str:
    """Why the promise cannot hold, whatever the rows are; empty where it may.

    `other`: the catalogue is another one, of the same version's name.
    """
    what = f"{ALL_PAIRS} promises the pairs of {promise.catalog}"
    if other:
        return f"{what} as another build had it that was {promise.version} too"
    missing = {promise.key, *promise.limits} - set(there.schema.names)
    missing |= {promise.column, promise.other} - set(stored.schema.names)
    if missing:
        return f"{what}, but of its columns there is no {min(missing)}"
    if not is_unique(there, promise.key):
        return f"{what} by {promise.key}, but that is no unique id of it"
    if there.roles.ra is None or there.roles.dec is None:
        return f"{what}, but that has no positions"
    return ""


@dataclass
class _Sum:
    """How many of one kind, and some of them."""

    count: int = 0
    rows: tuple[dict[str, Any], ...] = ()

    def add(self, count: int, pairs: list[dict[str, Any]]) -> None:
        self.count += count
        self.rows = (*self.rows, *pairs)[:EXAMPLES]


def _compared(stored: Stored, there: Stored, promise: AllPairs) -> Iterator[Fault]:
    """The faults of the rows themselves."""
    missing, surplus = _Sum(), _Sum()
    read = 0
    for tile in range(len(there.tiles)):
        cell = Ranges(there.tiles.starts[[tile]], there.tiles.stops[[tile]])
        told = _rows(stored, [promise.column, promise.other], cell)
        read += told.num_rows
        some = _Some.of(there, cell, promise)
        _compare(some, told, promise, missing, surplus)
    for found, said in (
        (missing, "pairs within {0:g} arcsec are not among its rows"),
        (surplus, "of its rows are no pairs within {0:g} arcsec, or there twice"),
    ):
        if found.count:
            what = f"{found.count} {said.format(promise.arcsec)} of {there.name}"
            yield _fault(stored, f"{what}, all of which", found.rows)
    if read < stored.n_rows:
        what = f"{stored.n_rows - read} rows lie where {there.name} has none, of whose pairs all"
        yield _fault(stored, what, ())


def _fault(stored: Stored, what: str, rows: tuple[dict[str, Any], ...]) -> Fault:
    said = f"{what} {ALL_PAIRS} promises and no other: build the table again"
    return Fault(stored.folder.path("dataset"), said, rows)


def _rows(stored: Stored, columns: list[str], cells: Ranges) -> pa.Table:
    """Columns of the rows that lie in cells of the sky."""
    tiles = stored.tiles.overlapping(cells).tolist()
    schema = pa.schema([stored.schema.field(name) for name in columns])
    parts = [stored.read(tile, columns, ranges=cells) for tile in tiles]
    return pa.concat_tables([schema.empty_table(), *parts])


@dataclass(frozen=True, slots=True)
class _Some:
    """Rows of a catalogue that count: those of a tile first, then those around it."""

    keys: pa.Array
    xyz: Floats
    """(n, 3)"""
    own: int
    """How many are the tile's."""

    @classmethod
    def of(cls, there: Stored, cell: Ranges, promise: AllPairs) -> _Some:
        """Those of a tile, and what lies within the radius of it and somewhat more."""
        ra, dec = str(there.roles.ra), str(there.roles.dec)
        columns = list(dict.fromkeys([promise.key, ra, dec, *promise.limits]))
        beyond = dilated(cell, promise.arcsec + RIM_ARCSEC) - cell
        parts = [_counting(_rows(there, columns, each), promise, (ra, dec))
                 for each in (cell, beyond)]  # fmt: skip
        whole = pa.concat_tables(parts).combine_chunks()
        keys, lon, lat = (whole.column(name) for name in (promise.key, ra, dec))
        one = keys.chunk(0) if keys.num_chunks else pa.array([], keys.type)
        return cls(one, np.asarray(to_xyz(lon.to_numpy(), lat.to_numpy())), parts[0].num_rows)

    def near(self, promise: AllPairs) -> Iterator[tuple[int, Ints, Ints, Floats]]:
        """Pairs no farther apart than the radius and the rim, of some of the tile's rows at once.

        The row from which on these begin, rows (m,) of both sides, separations (m,) in arcsec.
        """
        from scipy.spatial import cKDTree

        if not self.own:
            return
        tree = cKDTree(self.xyz)
        reach = _chord(promise.arcsec + 2 * RIM_ARCSEC)
        for first in range(0, self.own, _ROWS):
            few = cKDTree(self.xyz[first : min(first + _ROWS, self.own)])
            found = few.sparse_distance_matrix(tree, reach, output_type="ndarray")
            one, other = found["i"].astype(np.int64) + first, found["j"].astype(np.int64)
            apart = one != other
            yield first, one[apart], other[apart], _arcsec(found["v"][apart])


def _counting(table: pa.Table, promise: AllPairs, place: tuple[str, str]) -> pa.Table:
    """The rows that have a key and a position and are within the promise's limits."""
    good = table.column(promise.key).is_valid().to_numpy().copy()
    for name, most in zip(place, (np.inf, 90.0), strict=True):
        numbers = np.abs(pc.fill_null(table.column(name), np.nan).to_numpy())
        good &= np.isfinite(numbers) & (numbers <= most)
    for name, (low, high) in promise.limits.items():
        column = table.column(name)
        if low is not None:
            good &= pc.fill_null(pc.greater_equal(column, pa.scalar(low)), False).to_numpy()
        if high is not None:
            good &= pc.fill_null(pc.less_equal(column, pa.scalar(high)), False).to_numpy()
    return table.select([promise.key, *place]).filter(pa.array(good))


def _compare(some: _Some, told: pa.Table, promise: AllPairs, missing: _Sum, surplus: _Sum) -> None:
    """Add up what a table lacks of the pairs of a tile's rows, and what it has beyond them."""
    told = told.drop_null()  # nothing is promised of rows without a key
    one, other = (_number(told.column(name), some.keys) for name in (promise.column, promise.other))
    known = (one >= 0) & (one < some.own) & (other >= 0)
    unknown = np.flatnonzero(~known)
    surplus.add(len(unknown), _examples(told.take(pa.array(unknown[:EXAMPLES]))))
    size = max(len(some.keys), 1)
    codes = np.sort(one[known] * size + other[known])
    twice = codes[1:][codes[1:] == codes[:-1]]
    codes = np.unique(codes)
    surplus.add(len(twice), _pairs(twice, some, promise))
    for first, left, right, arcsec in some.near(promise):
        stop = min(first + _ROWS, some.own)
        begin, end = np.searchsorted(codes, [first * size, stop * size])
        here = codes[begin:end]
        found = left * size + right
        lacking = np.setdiff1d(found[arcsec < promise.arcsec - RIM_ARCSEC], here)
        beyond = np.setdiff1d(here, found[arcsec <= promise.arcsec + RIM_ARCSEC])
        missing.add(len(lacking), _pairs(lacking, some, promise))
        surplus.add(len(beyond), _pairs(beyond, some, promise))


def _number(column: pa.ChunkedArray, keys: pa.Array) -> Ints:
    """(n,) which of the keys each is; -1 where none."""
    found = pc.index_in(column.cast(keys.type), value_set=keys).combine_chunks()
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _pairs(codes: Ints, some: _Some, promise: AllPairs) -> list[dict[str, Any]]:
    """The first of some pairs by their keys."""
    rows = (divmod(code, len(some.keys)) for code in codes[:EXAMPLES].tolist())
    return [
        {promise.column: some.keys[one].as_py(), promise.other: some.keys[other].as_py()}
        for one, other in rows
    ]


def _examples(told: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told.to_pylist()
    return found


def _chord(arcsec: float) -> float:
    return float(2.0 * np.sin(np.radians(arcsec / 7200.0)))


def _arcsec(chord: Floats) -> Floats:
    return np.asarray(np.degrees(2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0))) * 3600.0)
