"""Buckets of colours, or of any numbers: a grid of boxes, and compiled loops for the pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import to_numpy
from skyquarry.engine import given
from skyquarry.engine.plainterms import Plain
from skyquarry.engine.predicate import parse_number
from skyquarry.engine.sampling import scrambled
from skyquarry.errors import UserError
from skyquarry.mine.bucketing import BLOCK, BUCKET, HOME, PLACE, Copies, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_WIDE, _NARROW = 32.0, 8.0
"""margins to a box: of the two numbers that are searched along, and of the others"""
_ORDER = "_order"


@dataclass(frozen=True)
class Colours:
    """Boxes of a grid in colours, or in any numbers: rows as near as `margin` in each of them meet.

    `of`: texts of arithmetic, "u_mag - g_mag"; `margin`: a number for all, or one for each;
    `width` of a box, by default 32 margins along the first two numbers and 8 along others: a row
    that is within the margin of a border is copied, and a box is compared in one piece.
    """

    of: str | Sequence[str]
    margin: float | Sequence[float]
    width: float | Sequence[float] | None = None
    order: ClassVar[str] = _ORDER

    def __post_init__(self) -> None:
        of = (self.of,) if isinstance(self.of, str) else self.of
        object.__setattr__(self, "of", given.texts(of, "of", ["u - g", "g - r"]))
        try:
            margin, width = self._margins, self._widths
        except (TypeError, ValueError):
            margin = width = np.zeros(1)
        if not len(self.of) or not bool(np.all((margin > 0.0) & (width >= margin))):
            raise UserError(
                f"buckets of {self.of} with margin {self.margin} and width {self.width} cannot "
                "be, but one number at least, margins above 0 and boxes as wide as these are "
                "needed: try Colours(['u - g', 'g - r'], margin=0.05)"
            )

    @property
    def _margins(self) -> Floats:
        return np.full(len(self.of), 1.0) * np.asarray(self.margin, np.float64)

    @property
    def _widths(self) -> Floats:
        if self.width is not None:
            return np.full(len(self.of), 1.0) * np.asarray(self.width, np.float64)
        return self._margins * np.where(np.arange(len(self.of)) < 2, _WIDE, _NARROW)

    @property
    def carries(self) -> pa.Schema:
        """What each entry takes along: where it stands among others, and its numbers."""
        numbers = [(f"_number{axis}", pa.float64()) for axis in range(len(self.of))]
        return pa.schema([(_ORDER, pa.uint64()), *numbers])

    def columns(self, schema: pa.Schema) -> tuple[str, ...]:
        """Columns that the numbers are made of."""
        names = (name for text in self.of for name in parse_number(text, schema).columns)
        return tuple(dict.fromkeys(names))

    def copies(self, table: pa.Table) -> Copies:
        """Its own box, and those beyond a border that is within the margin."""
        from skyquarry.mine.kernels import boxes

        values, widths, margins = self._values(table), self._widths, self._margins
        room = int(boxes.entry_count(values, widths, margins))
        row, bucket = np.empty(room, np.int64), np.empty(room, np.uint64)
        order, home = np.empty(room, np.uint64), np.empty(room, np.bool_)
        odd = scrambled(np.arange(len(self.of), dtype=np.uint64)) | np.uint64(1)
        n = boxes.entries(values, widths, margins, odd, row, bucket, order, home)
        row = row[:n]
        carried = (order[:n], *(each[row] for each in values))
        return Copies(row, bucket[:n].view(np.int64), home[:n], carried)

    def near(self, left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
        """(n,) pairs whose numbers differ by the margin at most, each of them."""
        apart = np.abs(self._values(left) - self._values(right))
        return np.asarray(np.all(self._margins >= apart.T, axis=1), np.bool_)

    def pairs(self, entries: pa.Table, most_pairs: int) -> Iterator[tuple[Ints, Ints]]:
        """(left, right) entries of all pairs that are near, each once, some million at once.

        Raises UserError where there are more than `most_pairs`.
        """
        from skyquarry.mine.kernels import boxes

        named = {name: to_numpy(entries[name]) for name in (_ORDER, BUCKET, PLACE, HOME)}
        along = np.argsort(named[_ORDER])  # a third of what a stable one takes
        boxes.settle(named[_ORDER], named[PLACE], along)
        order, bucket, place, home = (each[along] for each in named.values())
        numbers = (to_numpy(entries[f"_number{axis}"])[along] for axis in range(len(self.of)))
        values = np.stack(list(numbers))
        n, none = len(order), np.empty(0, np.int64)
        counts = np.zeros(n, np.int64)

        def found(start: int, stop: int, left: Ints, right: Ints) -> int:
            return int(boxes.pairs_of(
                start, stop, order, values, self._widths, self._margins, bucket, place,
                np.asarray(home, np.bool_), most_pairs, counts, left, right,
            ))  # fmt: skip

        if found(0, n, none, none) > most_pairs:
            raise UserError(
                f"more than {most_pairs:,} pairs are within the margin {self.margin} in one part "
                f"of {n:,} rows, but {most_pairs:,} are compared at most: take a narrower margin, "
                "cut the catalogue first, or raise most_pairs="
            )
        for start, stop, pairs in blocks_of(counts, BLOCK):
            left, right = np.empty(pairs, np.int64), np.empty(pairs, np.int64)
            found(start, stop, left, right)
            yield along[left], along[right]

    def _values(self, table: pa.Table) -> Floats:
        """(d, n) the numbers."""
        plain = Plain(table)
        return np.stack([parse_number(t, table.schema).values(plain) for t in self.of])
