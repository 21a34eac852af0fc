"""The order in which rows are stored: by order-29 pixel, then id, then file and row.

`np.sort` of packed words is eight times faster than `np.argsort` (measured: 7 ms against 60 ms for
a million rows), so the pixel and the row number are packed into one 64-bit word. Where both do
not fit, the pixel loses its lowest bits, and the few rows that then tie are sorted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD_BITS = 64


def sky_order(
    pixels: NDArray[np.int64], ids: Any = None, runs: Sequence[int] = ()
) -> NDArray[np.int64]:
    """Row numbers (n,) in storage order: ascending pixel, then id (nulls last), then row number.

    `pixels`: (n,) int64, not negative; `ids`: a pyarrow array of the same length, or None.
    `runs`: where the rows are stretches that are each in storage order, how many rows each has;
    then the ids of rows of one stretch need not be looked at.
    """
    rows = len(pixels)
    if rows < 2:
        return np.arange(rows, dtype=np.int64)
    row_bits = (rows - 1).bit_length()
    words = _packed(pixels, row_bits)
    words.sort()
    order = (words & np.uint64((1 << row_bits) - 1)).astype(np.int64)
    prefixes = words >> np.uint64(row_bits)
    places = _tied(prefixes)
    if len(places) and len(runs):
        places = places[_from_several(prefixes[places], order[places], runs)]
    if len(places):
        tied = order[places]
        order[places] = tied[_tie_order(pixels[tied], ids, tied)]
    return order


def _packed(pixels: NDArray[np.int64], row_bits: int) -> NDArray[np.uint64]:
    """Pixel and row number in one word each, (n,) uint64."""
    lowest = pixels.min()
    words: NDArray[np.uint64] = (pixels - lowest).view(np.uint64)
    lost = max(0, int(words.max()).bit_length() + row_bits - _WORD_BITS)
    words >>= np.uint64(lost)
    words <<= np.uint64(row_bits)
    words |= np.arange(len(pixels), dtype=np.uint64)
    return words


def _tied(prefixes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Places (m,) of a sorted array whose value stands there more than once."""
    same = prefixes[1:] == prefixes[:-1]
    if not same.any():
        return np.empty(0, np.int64)
    member = np.zeros(len(prefixes), np.bool_)
    member[1:] = same
    member[:-1] |= same
    return np.flatnonzero(member)


def _from_several(
    prefixes: NDArray[np.uint64], rows: NDArray[np.int64], runs: Sequence[int]
) -> NDArray[np.bool_]:
    """(m,) whether rows of equal, ascending prefix come from more than one run."""
    run = np.searchsorted(np.cumsum(runs), rows, side="right")
    first = np.flatnonzero(np.append(True, prefixes[1:] != prefixes[:-1]))
    group = np.repeat(np.arange(len(first)), np.diff(first, append=len(rows)))
    other = run != run[first][group]
    several: NDArray[np.bool_] = (np.bincount(group[other], minlength=len(first)) > 0)[group]
    return several


def _tie_order(pixels: NDArray[np.int64], ids: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """What sorts rows by (pixel, id, row): pixels keep groups of equal prefix together."""
    if ids is None:
        return np.lexsort((rows, pixels)).astype(np.int64)
    held = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    here = held.take(pa.array(rows))
    plain = pa.types.is_integer(here.type) and here.null_count == 0
    if plain:
        return np.lexsort((rows, here.to_numpy(), pixels)).astype(np.int64)
    table = pa.table({"pixel": pixels, "id": here, "row": rows})
    keys = [(name, "ascending") for name in ("pixel", "id", "row")]
    order = pc.sort_indices(table, sort_keys=keys)  # nulls last
    return np.asarray(order.to_numpy(), dtype=np.int64)
