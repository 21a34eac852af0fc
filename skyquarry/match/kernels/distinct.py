"""Integers told apart by a table of hashes: one look at each, however far apart they lie."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Knuth, TAOCP 3, 6.4


@kernel
def coded(key):
    """The different keys (k,) as they come up, and which of them each key (n,) is.

    Open addressing in a table that is never more than half full, so that a free place is found.
    """
    bits = 6
    table = np.full(1 << bits, -1, np.int64)
    found = np.empty(1 << (bits - 1), np.int64)
    code = np.empty(len(key), np.int64)
    count = 0
    for n in range(len(key)):
        value = key[n]
        at = (np.uint64(value) * _SPREAD) >> np.uint64(64 - bits)
        place = np.int64(at)
        while table[place] >= 0 and found[table[place]] != value:
            place = (place + 1) & ((1 << bits) - 1)
        if table[place] < 0:
            if count == 1 << (bits - 1):  # half full: a table of twice the size
                bits += 1
                larger = np.empty(1 << (bits - 1), np.int64)
                larger[:count] = found
                found = larger
                table = np.full(1 << bits, -1, np.int64)
                for k in range(count):
                    spot = np.int64((np.uint64(found[k]) * _SPREAD) >> np.uint64(64 - bits))
                    while table[spot] >= 0:
                        spot = (spot + 1) & ((1 << bits) - 1)
                    table[spot] = k
                place = np.int64((np.uint64(value) * _SPREAD) >> np.uint64(64 - bits))
                while table[place] >= 0:
                    place = (place + 1) & ((1 << bits) - 1)
            table[place] = count
            found[count] = value
            count += 1
        code[n] = table[place]
    return found[:count], code


@kernel
def summed(pixel, count, shift):
    """Pixels (n,), ascending, in cells 2^shift times as large, each once, with the sum of counts.

    Counts (n,), or (1,) where all are the same.
    """
    cell = np.empty(len(pixel), np.int64)
    total = np.empty(len(pixel), np.int64)
    last = -1
    for n in range(len(pixel)):
        here = pixel[n] >> shift
        if last < 0 or cell[last] != here:
            last += 1
            cell[last], total[last] = here, 0
        total[last] += count[min(n, len(count) - 1)]
    return cell[: last + 1].copy(), total[: last + 1].copy()
