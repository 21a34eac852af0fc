"""Names of sources by their positions, thousands at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def letters(columns: list[NDArray[np.uint8]]) -> pa.Array:
    """Strings (n,) of as many characters each as there are columns (n,) of bytes."""
    n, width = len(columns[0]), len(columns)
    text = np.ascontiguousarray(np.stack(columns, axis=1))
    offsets = np.arange(n + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text))


def digits(numbers: Ints, width: int) -> list[NDArray[np.uint8]]:
    """The decimal digits of numbers (n,), the first ones first, with leading zeros."""
    return [
        (numbers // 10**place % 10 + ord("0")).astype(np.uint8)
        for place in range(width - 1, -1, -1)
    ]


def constant(text: str, n: int) -> list[NDArray[np.uint8]]:
    """The same characters in every row."""
    return [np.full(n, ord(letter), np.uint8) for letter in text]


def sexagesimal(ra_deg: Floats, dec_deg: Floats, decimals: int = 2) -> list[NDArray[np.uint8]]:
    """HHMMSSss+DDMMSSs, truncated, as the IAU asks.

    `decimals` of the seconds of time, one less of the arcseconds.
    """
    ticks = np.floor(np.asarray(ra_deg) / 15.0 * 3600.0 * 10**decimals).astype(np.int64)
    fine = 10 ** (decimals - 1)
    arcs = np.floor(np.abs(dec_deg) * 3600.0 * fine).astype(np.int64)
    sign = np.where(np.asarray(dec_deg) < 0, ord("-"), ord("+")).astype(np.uint8)
    return [*_sixties(ticks, 10**decimals, decimals), sign, *_sixties(arcs, fine, decimals - 1)]


def designations(ra_deg: Floats, dec_deg: Floats) -> pa.Array:
    """HHMMSSss+DDMMSSs (n,); where two are the same, an A, B, C is added, as 2MASS does."""
    import pyarrow.compute as pc

    names = letters(sexagesimal(ra_deg, dec_deg))
    codes = names.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    many = np.diff(np.append(first, len(codes)))
    if (many == 1).all():
        return names
    rank = np.empty(len(codes), np.int64)
    rank[order] = np.arange(len(codes)) - np.repeat(first, many)
    alone = np.empty(len(codes), np.bool_)
    alone[order] = np.repeat(many == 1, many)
    suffix = ["" if one else chr(ord("A") + k) for one, k in zip(alone, rank, strict=True)]
    return pc.binary_join_element_wise(names, pa.array(suffix), "")


def _sixties(ticks: Ints, per_second: int, decimals: int) -> list[NDArray[np.uint8]]:
    seconds, part = np.divmod(ticks, per_second)
    minutes, seconds = np.divmod(seconds, 60)
    whole, minutes = np.divmod(minutes, 60)
    told = [*digits(whole, 2), *digits(minutes, 2), *digits(seconds, 2)]
    return [*told, *digits(part, decimals)] if decimals else told
