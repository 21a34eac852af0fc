"""What sums over partitions take in: weights of at most 1, and the groups of every row in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyquarry.sky.compiled import kernel

TIGHTENED = 2
"""Times that potentials are lowered as far as all their groups allow at once."""
_DE_BRUIJN = np.int64(0x03F79D71B4CB0A89)
_PLACES = np.zeros(64, np.int64)
for _at in range(64):
    _PLACES[((1 << _at) * int(_DE_BRUIJN) % (1 << 64)) >> 58] = _at


class Lists(NamedTuple):
    """Of each row its groups, the heaviest first: begin (n + 1,), then of every entry mask, weight,
    group, `hurt`, the rows whose heaviest group shares a row with it, and `tail`, the sum of its
    weight and those behind it. `bound` (n + 1,): product over the rows from there on of the sum of
    the weights of the groups they are lowest in, or of 1.
    """

    begin: np.ndarray
    mask: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    hurt: np.ndarray
    tail: np.ndarray
    bound: np.ndarray


@kernel
def place_of(bit):
    """Place of the only bit."""
    return _PLACES[np.int64(np.uint64(bit * _DE_BRUIJN) >> np.uint64(58))]


@kernel
def how_many(bits):
    """How many bits there are."""
    half = np.uint64(bits)
    half -= (half >> np.uint64(1)) & np.uint64(0x5555555555555555)
    low = np.uint64(0x3333333333333333)
    half = (half & low) + ((half >> np.uint64(2)) & low)
    half = (half + (half >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((half * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def full(n):
    """The set of all of n rows."""
    return np.int64((np.uint64(1) << np.uint64(n)) - np.uint64(1))


@kernel
def potentials(n, masks, gain, u):
    """u (n,) >= 0 with sum over each group >= its gain: shares, lowered where all groups allow."""
    slack = np.empty(64)
    u[:n] = 0.0
    for g in range(masks.shape[0]):
        share, rest = gain[g] / how_many(masks[g]), masks[g]
        while rest:
            i = place_of(rest & -rest)
            rest &= rest - 1
            u[i] = max(u[i], share)
    for _ in range(TIGHTENED):
        slack[:n] = u[:n]
        for g in range(masks.shape[0]):
            if gain[g] > -np.inf:
                over, rest = -gain[g], masks[g]
                while rest:
                    over += u[place_of(rest & -rest)]
                    rest &= rest - 1
                over /= how_many(masks[g])
                rest = masks[g]
                while rest:
                    i = place_of(rest & -rest)
                    rest &= rest - 1
                    slack[i] = min(slack[i], over)
        for i in range(n):
            u[i] -= max(slack[i], 0.0)


@kernel
def weights(masks, gain, u, weight):
    """exp(gain - sum of u), 0 where a group cannot count."""
    for g in range(masks.shape[0]):
        over, rest = gain[g], masks[g]
        while rest:
            over -= u[place_of(rest & -rest)]
            rest &= rest - 1
        weight[g] = np.exp(over)


@kernel
def list_groups(n, masks, weight, lists):
    """Fill in the lists and bounds of an island."""
    begin, mask, bound = lists.begin, lists.mask, lists.bound
    begin[: n + 1], bound[: n + 1] = 0, 0.0
    for g in range(masks.shape[0]):
        rest = masks[g] if weight[g] > 0.0 else np.int64(0)
        if rest:
            bound[place_of(rest & -rest)] += weight[g]
        while rest:
            begin[place_of(rest & -rest) + 1] += 1
            rest &= rest - 1
    for i in range(n):
        begin[i + 1] += begin[i]
    at = begin[:n].copy()
    order = np.argsort(-weight, kind="mergesort")
    for q in range(masks.shape[0]):
        g = order[q]
        rest = masks[g] if weight[g] > 0.0 else np.int64(0)
        while rest:
            i = place_of(rest & -rest)
            rest &= rest - 1
            mask[at[i]], lists.weight[at[i]], lists.group[at[i]] = masks[g], weight[g], g
            at[i] += 1
    bound[n] = 1.0
    for i in range(n - 1, -1, -1):
        bound[i] = bound[i + 1] * max(bound[i], 1.0)
    needed = np.zeros(64, np.int64)  # the rows whose heaviest group this row is in
    for i in range(n):
        rest = mask[begin[i]]
        while rest:
            needed[place_of(rest & -rest)] |= np.int64(1) << i
            rest &= rest - 1
    for q in range(begin[n]):
        rest, hurt = mask[q], np.int64(0)
        while rest:
            hurt |= needed[place_of(rest & -rest)]
            rest &= rest - 1
        lists.hurt[q] = hurt
    for i in range(n):
        behind = 0.0
        for q in range(begin[i + 1] - 1, begin[i] - 1, -1):
            behind += lists.weight[q]
            lists.tail[q] = behind
