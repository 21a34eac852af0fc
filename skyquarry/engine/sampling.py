"""Samples that are the same wherever they are drawn: a fixed hash decides, never a random number.

By the sky, whole order-13 cells (26 arcsec across) are in or out, the same ones in every
catalogue, so that neighbours stay together and a match of two samples is a sample of the match.
A smaller fraction is part of a larger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skyquarry.errors import ColumnError, UserError
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

CELL_ORDER = 13
By = Literal["sky", "row"]
_SHIFT = 2 * (29 - CELL_ORDER)
_MOST_CELLS_A_TILE = 1 << 16


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of the rows: `fraction` of the sky's cells, or of the ids."""

    fraction: float
    by: By = "sky"
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_number(self.fraction, Real) or not 0.0 < self.fraction <= 1.0:
            raise UserError(
                f"fraction is {self.fraction!r}, but a sample needs more than 0 and at most 1: "
                "0.01 is one row in a hundred"
            )
        if self.by not in ("sky", "row"):
            raise UserError(
                f'by is {self.by!r}, but a sample is drawn by "sky" (whole cells) or "row" (ids): '
                'choose one, "sky" where neighbours must stay together'
            )
        if not _is_number(self.seed, Integral):
            raise UserError(
                f"seed is {self.seed!r}, but a sample needs a whole number for it: leave it out, "
                "or try seed=1"
            )
        object.__setattr__(self, "fraction", float(self.fraction))
        object.__setattr__(self, "seed", int(self.seed))

    def narrowed(self, other: Sample) -> Sample | None:
        """A sample of this sample as one sample; None where they are not of one kind."""
        if (self.by, self.seed) != (other.by, other.seed):
            return None
        return Sample(self.fraction * other.fraction, self.by, self.seed)

    def chosen(self, keys: NDArray[np.uint64]) -> Mask:
        """(n,) bool: which of these keys are in the sample."""
        if self.fraction == 1.0:
            return np.ones(len(keys), bool)
        return scrambled(keys, self.seed) < np.uint64(self.fraction * 2.0**64)

    def of_pixels(self, pixels29: NDArray[np.int64]) -> Mask:
        """(n,) bool: which order-29 pixels lie in a chosen cell."""
        return self.chosen((pixels29 >> _SHIFT).astype(np.uint64))

    def of_ids(self, column: pa.ChunkedArray) -> Mask:
        """(n,) bool: which ids, integers or texts, are chosen; a null is like the id 0."""
        return self.chosen(keys_of(column))

    def ranges(self, order: int, pixel: int) -> Ranges | None:
        """The chosen cells of a tile as ranges; None where they are too many to list."""
        if order >= CELL_ORDER:
            cells = np.array([pixel >> 2 * (order - CELL_ORDER)], np.int64)
        elif 1 << 2 * (CELL_ORDER - order) > _MOST_CELLS_A_TILE:
            return None
        else:
            shift = 2 * (CELL_ORDER - order)
            cells = np.arange(pixel << shift, (pixel + 1) << shift, dtype=np.int64)
        kept = cells[self.chosen(cells.astype(np.uint64))]
        return Ranges.from_cells(CELL_ORDER, kept)

    def tiles(self, order: NDArray[np.int8], pixel: NDArray[np.int64]) -> Mask:
        """(n,) bool: tiles that can hold a chosen cell: larger than a cell, all."""
        deep = np.maximum(order.astype(np.int64) - CELL_ORDER, 0)
        return (order < CELL_ORDER) | self.chosen((pixel >> 2 * deep).astype(np.uint64))


def scrambled(keys: NDArray[np.uint64], seed: int = 0) -> NDArray[np.uint64]:
    """A fixed hash of each key, (n,) uint64, evenly spread: SplitMix64 (Steele et al. 2014)."""
    start = (seed + 1) * 0x9E3779B97F4A7C15 % 2**64
    z = keys.astype(np.uint64) + np.uint64(start)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def keys_of(column: Any) -> NDArray[np.uint64]:
    """A 64-bit key for each id: the integer itself, or the first bytes of a text's BLAKE2b."""
    import pyarrow as pa

    if pa.types.is_integer(column.type):
        values: NDArray[Any] = column.fill_null(0).to_numpy()
        return (
            values.astype(np.uint64)
            if values.dtype.kind == "u"
            else values.astype(np.int64).view(np.uint64)
        )
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array([_key_of_text(text or "") for text in column.to_pylist()], np.uint64)
    raise ColumnError(
        f'the id column is {column.type}, but a sample by="row" needs integers or texts: '
        'use by="sky"'
    )


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _key_of_text(text: str) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
