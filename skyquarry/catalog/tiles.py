"""The tiles of a catalogue as arrays: a million of them cost what four arrays cost.

A tile is a HEALPix cell `(order, pixel)` that has a file. Tiles never overlap; they are kept in the
order of the curve, so that a search for a range of order-29 pixels is two binary searches.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skyquarry.errors import DamagedError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

MAX_ORDER = 29
UNKNOWN = -1

_LEAF = re.compile(r"Norder=(\d{1,2})/(?:Dir=\d+/)?Npix=(\d{1,19})(.*)$")


class SkyRanges(Protocol):
    """What `overlapping` asks of ranges: sorted, disjoint, half-open, order-29 pixels, int64."""

    @property
    def starts(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def stops(self) -> NDArray[np.int64]: ...  # noqa: D102


class Tiles:
    """Cells of a catalogue that have files, sorted along the order-29 curve.

    Parameters
    ----------
    order, pixel
        (n,) integers, in any sequence.
    rows, bytes
        (n,) integers, -1 where unknown; all unknown when left out.
    where
        The file that told us of these tiles, for the error message.

    Raises
    ------
    DamagedError
        When two tiles overlap (both are named) or a pixel does not exist at its order.
    """

    __slots__ = ("bytes", "order", "pixel", "rows", "starts", "stops")

    order: NDArray[np.int8]
    pixel: NDArray[np.int64]
    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]
    starts: NDArray[np.int64]
    """(n,) int64, first order-29 pixel of each tile, ascending"""
    stops: NDArray[np.int64]
    """(n,) int64, one past the last order-29 pixel of each tile"""

    def __init__(
        self,
        order: ArrayLike,
        pixel: ArrayLike,
        rows: ArrayLike | None = None,
        bytes: ArrayLike | None = None,  # noqa: A002  the name that the field has
        *,
        where: str = "these tiles",
    ) -> None:
        wide, pixels = np.atleast_1d(_integers(order)), np.atleast_1d(_integers(pixel))
        counts, sizes = _or_unknown(rows, len(pixels)), _or_unknown(bytes, len(pixels))
        if not len(wide) == len(pixels) == len(counts) == len(sizes):
            raise UserError(
                f"order, pixel, rows and bytes have {len(wide)}, {len(pixels)}, {len(counts)} and "
                f"{len(sizes)} values, but each tile needs one of each: pass arrays of one length"
            )
        _check_pixels(wide, pixels, where)
        shift = 2 * (MAX_ORDER - wide)
        starts = pixels << shift
        sequence = _along_the_curve(starts)
        self.order = wide[sequence].astype(np.int8)
        self.pixel = pixels[sequence]
        self.rows = counts[sequence]
        self.bytes = sizes[sequence]
        self.starts = starts[sequence]
        self.stops = (pixels + 1 << shift)[sequence]
        self._check_disjoint(where)

    @classmethod
    def empty(cls) -> Tiles:
        """No tiles: the sky of an empty catalogue."""
        return cls([], [])

    def __len__(self) -> int:
        return len(self.pixel)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.order.tolist(), self.pixel.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tiles):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("order", "pixel", "rows", "bytes")
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by value, not hashable

    def __repr__(self) -> str:
        if not len(self):
            return "Tiles: none"
        known = self.rows[self.rows >= 0]
        rows = f", {int(known.sum()):,} rows" if len(known) == len(self) else ""
        return f"Tiles: {len(self):,} of order {self.order.min()} to {self.order.max()}{rows}"

    def take(self, numbers: ArrayLike) -> Tiles:
        """The tiles of these numbers (or of this mask), again in the order of the curve."""
        chosen = np.asarray(numbers)
        return Tiles(self.order[chosen], self.pixel[chosen], self.rows[chosen], self.bytes[chosen])

    def overlapping(self, ranges: SkyRanges) -> NDArray[np.int64]:
        """Numbers of the tiles that share a pixel with `ranges`: (m,) int64, ascending."""
        first = np.searchsorted(self.stops, ranges.starts, side="right")
        last = np.searchsorted(self.starts, ranges.stops, side="left")
        return _union_of_spans(first, last)

    def find(self, pixels29: ArrayLike) -> NDArray[np.int64]:
        """The number of the tile that holds each order-29 pixel: (n,) int64, -1 where none does."""
        wanted = np.asarray(pixels29, dtype=np.int64)
        if not len(self):
            return np.full(wanted.shape, UNKNOWN, np.int64)
        number = np.searchsorted(self.starts, wanted, side="right") - 1
        held = (number >= 0) & (wanted < self.stops[number])
        return np.where(held, number, UNKNOWN)

    def number(self, order: int, pixel: int) -> int:
        """The number of the tile `(order, pixel)`, -1 where there is no such tile."""
        start = pixel << 2 * (MAX_ORDER - order)
        number = int(np.searchsorted(self.starts, start))
        there = number < len(self) and self.starts[number] == start and self.order[number] == order
        return number if there else UNKNOWN

    def leaf(self, number: int, suffix: str = ".parquet") -> str:
        """Path of a tile's file below its catalogue: `dataset/Norder=4/Dir=0/Npix=1121.parquet`."""
        return leaf_path(int(self.order[number]), int(self.pixel[number]), suffix)

    def _check_disjoint(self, where: str) -> None:
        clash = np.flatnonzero(self.stops[:-1] > self.starts[1:])
        if len(clash):
            i = int(clash[0])
            raise DamagedError(
                f"{where}: the tiles Norder={self.order[i]}/Npix={self.pixel[i]} and "
                f"Norder={self.order[i + 1]}/Npix={self.pixel[i + 1]} overlap, but a place on the "
                "sky may lie in one tile only: build the catalogue again, or remove one of the two"
            )


def leaf_path(order: int, pixel: int, suffix: str = ".parquet") -> str:
    """Path of a tile's file below its catalogue, as HATS lays it out."""
    return f"dataset/Norder={order}/Dir={pixel // 10000 * 10000}/Npix={pixel}{suffix}"


def parse_leaf(path: str) -> tuple[int, int, str]:
    """`(order, pixel, suffix)` that a leaf's path tells of.

    Raises
    ------
    DamagedError
        When the path holds no `Norder=../Npix=..`, or a cell that does not exist.
    """
    found = _LEAF.search(path)
    if not found:
        raise DamagedError(
            f"{path} is not the path of a tile, which has the form "
            "Norder=K/Dir=D/Npix=P.parquet: move the file out of the dataset folder"
        )
    order, pixel = int(found[1]), int(found[2])
    _check_pixels(np.array([order]), np.array([pixel]), path)
    return order, pixel, found[3]


def _integers(values: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise UserError(
            f"cells were given as {array.dtype}, but orders, pixels and counts are integers: "
            "convert them first"
        )
    return array.astype(np.int64)


def _or_unknown(values: ArrayLike | None, length: int) -> NDArray[np.int64]:
    if values is None:
        return np.full(length, UNKNOWN, np.int64)
    return np.atleast_1d(_integers(values))


def _check_pixels(order: NDArray[np.int64], pixel: NDArray[np.int64], where: str) -> None:
    known = (order >= 0) & (order <= MAX_ORDER)
    inside = known & (pixel >= 0) & (pixel < 12 << 2 * np.clip(order, 0, MAX_ORDER))
    if not inside.all():
        i = int(np.flatnonzero(~inside)[0])
        raise DamagedError(
            f"{where}: there is no HEALPix cell of order {order[i]} and pixel {pixel[i]}; orders "
            f"go from 0 to {MAX_ORDER}, pixels from 0 to 12 * 4**order - 1: check the source"
        )


def _along_the_curve(starts: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    """What sorts the starts; stable, so that a tile and one inside it stay in the given order."""
    if len(starts) < 2 or bool(np.all(starts[1:] >= starts[:-1])):
        return slice(None)
    return np.argsort(starts, kind="stable")


def _union_of_spans(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in the union of spans [first, last), both non-decreasing: ascending, each once."""
    if not len(first):
        return np.empty(0, np.int64)
    begin = first.astype(np.int64)
    begin[1:] = np.maximum(begin[1:], last[:-1])
    length = np.maximum(last - begin, 0)
    offset = np.cumsum(length) - length
    return np.repeat(begin - offset, length) + np.arange(int(length.sum()), dtype=np.int64)
