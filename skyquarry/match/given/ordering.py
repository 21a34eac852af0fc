"""The order of rows along the sky: by order-29 pixel, then by id, then as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, pc, to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SIGN = np.uint64(1 << 63)


def sky_order(pixels: Ints) -> Ints:
    """(n,) int64 row numbers that sort the pixels, equal ones as they came.

    Pixel and row go into one word of 64 bits, which `np.sort` sorts eight times faster than
    `argsort` its pixels; where the word has no room for all bits of the pixel, the few rows that
    agree in those it has are put right afterwards.
    """
    n = len(pixels)
    if n < 2 or bool((pixels[1:] >= pixels[:-1]).all()):
        return np.arange(n, dtype=np.int64)
    low = int(pixels.min())
    row_bits = int(n - 1).bit_length()
    lost = max(0, (int(pixels.max()) - low).bit_length() + row_bits - 64)
    words = (pixels - low).view(np.uint64)
    words >>= np.uint64(lost)
    words <<= np.uint64(row_bits)
    words |= np.arange(n, dtype=np.uint64)
    words.sort()
    words &= np.uint64((1 << row_bits) - 1)
    order = words.view(np.int64)
    return _put_right(order, pixels, low, lost) if lost else order


def _put_right(order: Ints, pixels: Ints, low: int, lost: int) -> Ints:
    """Sort by all bits what is sorted by the high ones."""
    sorted_pixels = pixels[order]
    if bool((sorted_pixels[1:] >= sorted_pixels[:-1]).all()):
        return order
    at = _in_runs(sorted_pixels - low >> lost)
    order[at] = order[at[np.lexsort((order[at], sorted_pixels[at]))]]
    return order


def _in_runs(keys: Ints) -> Ints:
    """Positions whose sorted key stands more than once."""
    same = keys[1:] == keys[:-1]
    twice = np.zeros(len(keys), bool)
    twice[1:] |= same
    twice[:-1] |= same
    return np.flatnonzero(twice)


def settled(pixels: Ints, ids: pa.ChunkedArray, order: Ints | None = None) -> Ints | None:
    """The row numbers that sort by pixel, then id, then as they came; None: that is how they are.

    pixels: (n,) ascending. ids: (n,), or where `order` is given, the column before that was taken.
    """
    if len(pixels) < 2:
        return order
    at = _in_runs(pixels)
    if not len(at):
        return order
    rows = at if order is None else order[at]
    rank = ranks(ids.take(from_numpy(rows)))
    sequence = np.lexsort((rows, rank, pixels[at]))
    if bool((sequence[1:] > sequence[:-1]).all()):
        return order
    found = np.arange(len(pixels), dtype=np.int64) if order is None else order.copy()
    found[at] = rows[sequence]
    return found


def ranks(ids: pa.ChunkedArray | pa.Array) -> Ints:
    """(n,) int64, ordered as the ids are, equal for equal ids; null comes last.

    Integers are their own rank, unsigned ones less 2**63; nothing goes through a float.
    """
    kind = ids.type
    if not ids.null_count and pa.types.is_integer(kind):
        values: Any = to_numpy(ids)
        if kind == pa.uint64():
            return (np.asarray(values, np.uint64) ^ _SIGN).view(np.int64)
        return np.asarray(values, np.int64)
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if pa.types.is_dictionary(kind):
        ids = ids.dictionary_decode()
    dense = pc.rank(ids, sort_keys="ascending", tiebreaker="dense")
    return np.asarray(to_numpy(dense), np.uint64).astype(np.int64)
