"""Texts in Arrow's layout: all bytes one after another, and (n + 1,) int32 where each begins."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel


@kernel
def _digits(number):
    """How many decimal digits a number (uint64) has."""
    many, left = 1, number // np.uint64(10)
    while left > 0:
        many += 1
        left //= np.uint64(10)
    return many


@kernel
def _size(number):
    """The number (int64) without its sign, as uint64: also the lowest one."""
    whole = np.uint64(number)
    return whole if number >= 0 else np.uint64(0) - whole


@kernel
def named_starts(kind, prefix_starts, numbers, starts):
    """Fill `starts` (n + 1,) of prefix `kind` (n,) followed by a number (n,) in decimal; the number
    of bytes: where 32 bits cannot hold it, neither do the starts."""
    at = 0
    for k in range(numbers.shape[0]):
        starts[k] = at
        at += prefix_starts[kind[k] + 1] - prefix_starts[kind[k]]
        at += _digits(_size(numbers[k])) + (1 if numbers[k] < 0 else 0)
    starts[-1] = at
    return at


@kernel
def named(kind, prefix_starts, prefixes, numbers, starts, told):
    """Write these texts into `told` (bytes,)."""
    for k in range(numbers.shape[0]):
        at = starts[k]
        for c in range(prefix_starts[kind[k]], prefix_starts[kind[k] + 1]):
            told[at] = prefixes[c]
            at += 1
        if numbers[k] < 0:
            told[at] = 45  # a minus
        left, at = _size(numbers[k]), starts[k + 1]
        while True:
            at -= 1
            told[at] = 48 + left % np.uint64(10)
            left //= np.uint64(10)
            if left == 0:
                break


@kernel
def taken_starts(starts, index, told):
    """Fill `told` (n + 1,): where the texts `index` (n,) begin, one after another; the bytes."""
    at = 0
    for k in range(index.shape[0]):
        told[k] = at
        at += starts[index[k] + 1] - starts[index[k]]
    told[-1] = at
    return at


@kernel
def taken(starts, data, index, at, told):
    """Write the texts `index` (n,) into `told`, each where `at` (n + 1,) says."""
    for k in range(index.shape[0]):
        move = at[k] - starts[index[k]]
        for c in range(starts[index[k]], starts[index[k] + 1]):
            told[c + move] = data[c]
