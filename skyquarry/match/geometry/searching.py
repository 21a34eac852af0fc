"""What a search needs before its kernel runs: sides as bare arrays, tables, room for the pairs."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from skyquarry.errors import PositionError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.match.geometry.search import Points

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

HALF_TURN_ARCSEC: Final = 648_000.0
_SAMPLE: Final = 1_000  # rows from which the number of pairs is estimated
_FEW: Final = 20  # a part of the rows that is searched twice, for its number to be known
_ROOM: Final = 1 << 16  # pairs that fit in any case: more than a block of candidates
Number = TypeVar("Number", np.float64, np.int64)


def kernels(name: str) -> Any:
    """A module of compiled loops; numba is imported where it is first needed."""
    return importlib.import_module(f"skyquarry.match.kernels.{name}")


# ---------------------------------------------------------------- one search
class Search:
    """Both sides, sorted, as the kernel takes them, and the loop that gives it room to write."""

    def __init__(
        self,
        left: Points,
        right: Points,
        left_radius: float | Floats,
        right_radius: float | Floats,
        *,
        same: bool,
        once: bool = False,
        rows: slice | None = None,
    ) -> None:
        own = _radii("radius_arcsec", left_radius, len(left))
        other = _radii("right_radius_arcsec", right_radius, len(right))
        self.same = 2 if same and once else int(same)
        self.left = _left(left, own)
        source = self.left if same else _left(right, other)
        self.right = _right(source, other, writable(right.rank, np.int64), self.left)
        self.once = same and once
        self.desk = kernels("search").Desk.of(len(right))
        self.first, stop, _ = (rows or slice(None)).indices(len(left))
        if stop < len(left):  # the rows behind the last one that looks
            radius = self.left.radius if len(self.left.radius) == 1 else self.left.radius[:stop]
            columns = (column[:stop] for column in self.left[:4])
            self.left = kernels("search").Left(*columns, radius)

    @property
    def is_small(self) -> bool:
        """Whether there cannot be many pairs."""
        return (len(self.left.ra) - self.first) * len(self.right.ra) <= 8 * _ROOM

    def pairs(self, nearest: int) -> tuple[Ints, Ints, Floats]:
        """Left rows, right rows and separations (m,), in their order; `nearest` 0: all."""
        n, row, filled = len(self.left.ra), self.first, 0
        out = _Room((n - row) * max(nearest, 2) + _ROOM)
        if nearest == 0 and not self.is_small:
            # Memory that is not written to costs nothing: the room may be generous.
            out = _Room(int(1.3 * self.expected) + n - row + _ROOM)
        search = kernels("search").search
        while row < n:
            room = out.rest(filled)
            row, more = search(self.left, self.right, self.desk, nearest, self.same, row, *room)
            filled += more
            if row < n:
                out.grow(filled)
        return out.first(filled)

    def roomfuls(self, size: int) -> Iterator[tuple[Ints, Ints]]:
        """Left and right rows of all pairs, `size` at a time and fewer: what follows overwrites."""
        yield from self._all_of(self.left, size, self.first, self.same)

    @cached_property
    def expected(self) -> int:
        """About how many pairs there will be; who knows may say so."""
        return self.sampled.pairs

    @cached_property
    def sampled(self) -> Sampled:
        """How many pairs a few of the rows have."""
        return self.sample(_FEW)

    def sample(self, at_least: int = 1) -> Sampled:
        """How many pairs some rows have: one in `at_least`, about a thousand at most."""
        n = len(self.left.ra)
        step = max(at_least, (n - self.first) // _SAMPLE)
        numbers = np.arange(self.first, n, step)
        radius = self.left.radius if len(self.left.radius) == 1 else self.left.radius[numbers]
        some = kernels("search").Left(*(column[numbers] for column in self.left[:4]), radius)
        pairs = np.zeros(len(numbers))
        for left, right in self._all_of(some):
            pairs += np.bincount(left[self._wanted(numbers[left], right)], minlength=len(pairs))
        return Sampled(numbers, pairs * ((n - self.first) / max(len(numbers), 1)))

    def _all_of(
        self, rows: Any, size: int = _ROOM, row: int = 0, same: int = 0
    ) -> Iterator[tuple[Ints, Ints]]:
        """Left and right rows of all pairs that some rows have, a roomful at a time."""
        out, search = _Room(size), kernels("search").search
        while row < len(rows.ra):
            row, filled = search(rows, self.right, self.desk, 0, same, row, *out.rest(0))
            yield out.first(filled)[:2]
            if filled == 0 and row < len(rows.ra):
                out.grow(0)

    def _wanted(self, left: Ints, right: Ints) -> Bools | slice:
        """Which pairs are handed out: of a side with itself, not those of a row and itself."""
        if not self.same:
            return slice(None)
        return right > left if self.same == 2 else right != left


@dataclass(frozen=True, slots=True)
class Sampled:
    """How many pairs some rows have, and all rows from each up to the next, about."""

    rows: Ints
    """(k,) ascending"""
    each: Floats
    """(k,) pairs of those rows"""

    @property
    def pairs(self) -> int:
        """Of all rows."""
        return round(float(self.each.sum()))

    def cuts(self, most: int) -> Ints:
        """The rows before which to cut, so that each part has about so many pairs at most."""
        parts = -(-self.pairs // most)
        before = np.cumsum(self.each) - self.each
        first = np.searchsorted(before, np.arange(1, parts) * (self.pairs / parts))
        return np.unique(self.rows[np.minimum(first, len(self.rows) - 1)])


class _Room:
    """Buffers for pairs that can grow."""

    def __init__(self, size: int) -> None:
        self.left, self.right = fresh(size, np.int64), fresh(size, np.int64)
        self.sep = fresh(size, np.float64)

    def first(self, filled: int) -> tuple[Ints, Ints, Floats]:
        return self.left[:filled], self.right[:filled], self.sep[:filled]

    def rest(self, filled: int) -> tuple[Ints, Ints, Floats]:
        return self.left[filled:], self.right[filled:], self.sep[filled:]

    def grow(self, filled: int) -> None:
        """Twice the room; what is filled stays. One column after the other, to save memory."""
        for name in ("left", "right", "sep"):
            old = getattr(self, name)
            new = fresh(2 * len(old), old.dtype.type)
            new[:filled] = old[:filled]
            setattr(self, name, new)


# ---------------------------------------------------------------- the two sides
def check_sorted(points: Points) -> None:
    """Raises UserError for rows that are not sorted by their pixel."""
    spatial = writable(points.spatial, np.int64)
    wrong = kernels("tables").disorder(spatial)
    if wrong >= 0:
        raise UserError(
            f"spatial is {spatial[wrong]} in row {wrong}, after {spatial[wrong - 1]}, but a search "
            "needs rows sorted by it; try sorted_points"
        )


def _left(points: Points, radius: Floats) -> Any:
    ra, dec = writable(points.ra_deg, np.float64), writable(points.dec_deg, np.float64)
    cos = np.empty(len(dec))
    kernels("separation").cosines(dec, cos)
    spatial = writable(points.spatial, np.int64)
    return kernels("search").Left(ra, dec, cos, spatial, radius)


def _right(side: Any, radius: Floats, rank: Ints, left: Any) -> Any:
    """The right side in classes of radius, with tables of where its rows are."""
    row, class_start, class_radius = _classes(radius, len(side.ra))
    columns = side[:4] if row.size == 0 else tuple(column[row] for column in side[:4])
    if row.size and len(radius) > 1:
        radius = radius[row]
    zones = _zones(left, columns, class_start, class_radius)
    return kernels("search").Right(
        *columns, radius, row, rank, class_start, class_radius,
        *table_of_classes(columns[3], class_start), *zones,
    )  # fmt: skip


def _classes(radius: Floats, n: int) -> tuple[Ints, Ints, Floats]:
    """(rows in the order of their classes, or none; starts (k + 1,); greatest radius (k,)).

    The median radius and all below it are one class, four times as much the next: a row that
    reaches far slows down only the search for its own kind.
    """
    none = np.empty(0, np.int64)
    if len(radius) != n or n == 1:
        if np.isnan(radius[0]) or n == 0:
            return none, np.zeros(1, np.int64), np.empty(0)
        return none, np.array([0, n]), radius[:1].copy()
    known = np.flatnonzero(~np.isnan(radius))
    if known.size == 0:
        return none, np.zeros(1, np.int64), np.empty(0)
    own = radius[known]
    middle = float(np.median(own))
    if own.max() <= 2.0 * middle and known.size == n:
        return none, np.array([0, n]), np.array([own.max()])
    base = max(middle, float(own.max()) * 4.0**-12)
    number = np.zeros(known.size, np.int64)
    if base > 0.0:
        number = np.maximum(np.ceil(np.log2(np.maximum(own / base, 1.0)) / 2.0), 0).astype(np.int64)
    order = np.argsort(number, kind="stable")
    kinds, starts = np.unique(number[order], return_index=True)
    class_start = np.append(starts, known.size).astype(np.int64)
    greatest = np.array([own[number == kind].max() for kind in kinds])
    return known[order], class_start, greatest


def table_of_classes(spatial: Ints, class_start: Ints) -> tuple[Any, ...]:
    """(first pixel, last, shift, first cell) of each class, cells and buckets: see `Right`."""
    of = kernels("tables")
    classes = len(class_start) - 1
    first, last, shift = (np.zeros(classes, np.int64) for _ in range(3))
    number = np.zeros(classes + 1, np.int64)
    for c in range(classes):
        own = spatial[class_start[c] : class_start[c + 1]]
        span = int(own[-1] - own[0]) + 1
        wide = span * min(of.A_CELL, len(own)) // len(own)
        shift[c] = max(0, wide.bit_length() - 1)
        first[c], last[c] = own[0] >> shift[c] << shift[c], own[-1]
        number[c + 1] = number[c] + ((last[c] - first[c]) >> shift[c]) + 1
    cells = np.empty((number[-1], 3), np.int64)
    room = 2 * (len(spatial) + len(cells))
    buckets = np.empty(room, np.int32 if len(spatial) < 1 << 31 else np.int64)
    end = 0
    for c in range(classes):
        begin, stop = class_start[c : c + 2].tolist()
        own = cells[number[c] : number[c + 1]]
        end = of.cells_of(spatial[begin:stop], begin, first[c], shift[c], end, own, buckets)
    return first, last, shift, number[:-1], cells, buckets


def _zones(
    left: Any,
    columns: tuple[Any, ...],
    class_start: Ints,
    radius: Floats,
) -> tuple[Ints, Floats, Ints, Floats]:
    """The right rows near the edge of a base cell, class by class, sorted by declination."""
    ra, dec, cos, spatial = columns
    rows = [np.empty(0, np.int64)]
    farthest = np.nanmax(left.radius, initial=-np.inf) if len(left.ra) else -np.inf
    starts = np.zeros(len(class_start), np.int64)
    for c, (begin, end) in enumerate(itertools.pairwise(class_start)):
        total = farthest + radius[c]
        own = np.empty(0, np.int64)
        if total >= 0.0 and _near_edge(left.dec, left.spatial, total).size:
            own = begin + _near_edge(dec[begin:end], spatial[begin:end], total)
            own = own[np.argsort(dec[own], kind="stable")]
        rows.append(own)
        starts[c + 1] = starts[c] + len(own)
    at = np.concatenate(rows)
    xyz = np.empty((len(at), 3))
    angle = np.radians(ra[at])
    xyz[:, 0], xyz[:, 1] = cos[at] * np.cos(angle), cos[at] * np.sin(angle)
    xyz[:, 2] = np.sin(np.radians(dec[at]))
    return starts, dec[at], at, xyz


def _near_edge(dec: Floats, spatial: Ints, radius_arcsec: float) -> Ints:
    out = np.empty(len(dec), np.int64)
    return out[: kernels("tables").near_edge(dec, spatial, radius_arcsec, out)].copy()


# ---------------------------------------------------------------- at the door
def _radii(name: str, radius_arcsec: float | Floats, n: int) -> Floats:
    radius = np.array(radius_arcsec, np.float64, ndmin=1, copy=None)
    if radius.shape not in ((1,), (n,)):
        raise PositionError(
            f"{name} has the shape {radius.shape}, but {n} rows need one radius or one a row; "
            "try a single number of arcseconds"
        )
    if n and np.ndim(radius_arcsec) and n > 1 and len(radius) == 1:
        radius = np.full(n, radius[0])
    bad = np.flatnonzero((radius < 0.0) | (radius > HALF_TURN_ARCSEC))
    if bad.size:
        raise PositionError(
            f"{name} is {radius[bad[0]]} in row {bad[0]}, but a radius needs 0 to 648000 "
            "arcseconds (180 degrees); try another radius, or NaN for a row that matches nothing"
        )
    return writable(radius, np.float64)


def check_nearest(nearest: int | None) -> None:
    """Refuse a number of neighbours below one."""
    if nearest is not None and nearest < 1:
        raise UserError(
            f"nearest is {nearest}, but it needs to be 1 or more; try None for all pairs"
        )


def writable(values: npt.ArrayLike, kind: type[Number]) -> npt.NDArray[Number]:
    """The values, contiguous and of one type; not to be written into for all that.

    Kernels would compile anew for arrays that are read-only, as those over Arrow's memory are: such
    an array is given a second face.
    """
    array: npt.NDArray[Number] = np.ascontiguousarray(values, dtype=kind)
    return array if array.flags.writeable else np.asarray(_Face(array))


def fresh(size: int, kind: type[Any]) -> npt.NDArray[Any]:
    """Room for what is handed out, of Arrow's pool: it gives again what was let go a moment ago.

    Numpy hands each large array back to the system at once, and to be given new pages takes as long
    as to fill them.
    """
    return np.frombuffer(pa.allocate_buffer(size * np.dtype(kind).itemsize), kind)


class _Face:
    """The memory of an array, not said to be read-only."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self._array = array
        face = dict(array.__array_interface__)
        face["data"] = (face["data"][0], False)
        self.__array_interface__ = face
