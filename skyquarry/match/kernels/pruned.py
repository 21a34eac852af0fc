"""Sums over the partitions of islands of up to 63 rows, without states next to nothing leads to.

States are sets of rows that are in no group yet, as in `kernels.resolve`. Here they are met from
the full set on, and F is the sum over all ways to a state, Z over all ways on from it:

    F[set - g] += F[set] w_g    and    Z[set] += w_g Z[set - g]

over the groups g of one row of the set that lie within it; P(state) = F Z / Z[full].

Which row is of no consequence for the sums. It is the lowest one, unless the best group that is
left for another row weighs less than `URGENT`: that row goes first, so that what was done to it is
paid for before it is combined with all else that may be done.

Each row has a potential u, and the sum of u over a group is at least its gain (a dual solution of
the assignment): weights exp(gain - sum of u) are at most 1, and no logarithms are needed. With
R_i >= 1 the sum of the weights of the groups whose lowest row is i, if that is more than 1,

    Z[set] <= R_i R_i+1 ... R_n-1 = bound[i],    i the lowest row of the set,

since no row is the lowest of two groups of a partition. States and steps with F bound < threshold
are left out. `lost` is what all of them together could have added, in terms of the whole sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.potentials import (
    Lists,
    full,
    how_many,
    list_groups,
    place_of,
    potentials,
    weights,
)
from skyquarry.match.kernels.resolve import DENSE, NEGLIGIBLE, TIE, _gain, _left_out
from skyquarry.sky.compiled import kernel

URGENT = 0.1
"""Of 0.01, 0.1, 0.3, 0.5 and 0.9 that which met the fewest states in the islands of a crowd."""
FAINT = (1e-15, 1e-12, 1e-9, 1e-6)
"""Thresholds in terms of the whole sum: the first for which there is room for the states."""
BEGUN, GROWN, LEAST = 1e-3, 1e-4, 1e-60
"""Thresholds with which the sum is sought that those are measured by: the first, step and last."""
FEW, LIKELY = 128, 1.5
"""An island that met no more states with `BEGUN` is taken to fit. For others it is foretold: with
the first of `FAINT` states are as many as with the last, times the square of what they grew by from
`BEGUN` on (true to a factor of 2.4 in islands of all sizes). Tried is what may need up to `LIKELY`
times the states there are."""
EXACT = 1e-9
"""An answer that may have lost no more than this, in terms of the sum, is exact."""
SPREAD = np.int64(-7046029254386353131)


class Space(NamedTuple):
    """Room for states (s,): keys (rows as bits), hurt (those of them whose heaviest group has lost
    a row), after (the next of as many rows), f, z, best,
    visit (in the order in which they are met), trail (the first step), steps (how many); for steps
    (t,): target (the state they lead to), taken (the entry of a row's list); `table` by hash.
    """

    keys: np.ndarray
    hurt: np.ndarray
    after: np.ndarray
    f: np.ndarray
    z: np.ndarray
    best: np.ndarray
    visit: np.ndarray
    trail: np.ndarray
    steps: np.ndarray
    target: np.ndarray
    taken: np.ndarray
    table: np.ndarray


def space(states, steps):
    """An empty `Space`; states a power of 2, of at least 1,024."""
    ints = [np.empty(states, np.int32) for _ in range(4)]
    floats = [np.empty(states) for _ in range(3)]
    return Space(
        np.empty(states, np.int64),
        np.empty(states, np.int64),
        ints[0],
        *floats,
        *ints[1:],
        np.empty(steps, np.int32),
        np.empty(steps, np.int32),
        np.empty(4 * states, np.int32),
    )


@kernel
def _row(key, hurt, lists):
    """The row of a state whose group is chosen next; `hurt` have lost their heaviest group."""
    begin, mask, weight = lists.begin, lists.mask, lists.weight
    while hurt:
        i = place_of(hurt & -hurt)
        hurt &= hurt - 1
        q, end = begin[i], begin[i + 1]
        while q < end and weight[q] >= URGENT and mask[q] & key != mask[q]:
            q += 1
        if q == end or weight[q] < URGENT:
            return i
    return place_of(key & -key)


@kernel
def _hashed(key, size):
    mixed = (key ^ (key >> 31)) * SPREAD  # now its upper half depends on every bit
    return (mixed >> 32) & (size - 1)


@kernel
def _larger(table, size, keys, count):
    """The hash table of the first `count` states anew, four times as large."""
    size *= 4
    table[:size] = -1
    for c in range(1, count):
        at = _hashed(keys[c], size)
        while table[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = c
    return size


@kernel
def _walk(n, lists, threshold, space):
    """Meet the states; how many there are and are visited (-1: no room), and what may be lost.

    State 0 is the empty set, state 1 the full one.
    """
    keys, after, f, table = space.keys, space.after, space.f, space.table
    begin, mask, weight, bound = lists.begin, lists.mask, lists.weight, lists.bound
    target, taken = space.target, space.taken
    head = np.full(64, -1, np.int32)
    size = 1024
    table[:size] = -1
    keys[0], f[0], keys[1], f[1] = 0, 0.0, full(n), 1.0
    space.hurt[1] = 0
    table[_hashed(keys[1], size)] = 1
    after[1], head[n] = -1, 1
    count, used, visited, lost = 2, 0, 0, 0.0
    for rows in range(n, 0, -1):
        s = head[rows]
        while s >= 0:
            key, ways = keys[s], f[s]
            low = place_of(key & -key)
            ahead = bound[low]
            if ways * ahead < threshold:
                lost += ways * ahead
                s = after[s]
                continue
            row = _row(key, space.hurt[s], lists)
            if row == low:
                ahead = bound[low + 1]
            space.visit[visited], space.trail[s] = s, used
            visited += 1
            if used + begin[row + 1] - begin[row] > target.shape[0]:
                return count, -1, lost
            least = threshold / (ways * ahead)
            for q in range(begin[row], begin[row + 1]):
                if weight[q] < least:
                    lost += ways * ahead * lists.tail[q]
                    break
                m = mask[q]
                if m & key != m:
                    continue
                left, number = key ^ m, np.int32(0)
                if left:
                    at = _hashed(left, size)
                    number = table[at]
                    while number >= 0 and keys[number] != left:
                        at = (at + 1) & (size - 1)
                        number = table[at]
                    if number < 0:
                        if count == keys.shape[0]:
                            return count, -1, lost
                        number = np.int32(count)
                        table[at], keys[number], f[number] = number, left, 0.0
                        space.hurt[number] = (space.hurt[s] | lists.hurt[q]) & left
                        fewer = how_many(left)
                        after[number], head[fewer] = head[fewer], number
                        count += 1
                        if 2 * count > size and size < table.shape[0]:
                            size = _larger(table, size, keys, count)
                target[used], taken[used] = number, q
                used += 1
                f[number] += ways * weight[q]
            space.steps[s] = used - space.trail[s]
            s = after[s]
    return count, visited, lost


@kernel
def _sum_up(count, visited, lists, space, share):
    """Sums and maxima from the last state to the first; share (g,): F w Z of each group."""
    f, z, best, target = space.f, space.z, space.best, space.target
    z[:count], best[:count] = 0.0, 0.0
    z[0], best[0] = 1.0, 1.0
    for c in range(visited - 1, -1, -1):
        s = space.visit[c]
        total, top, ways = 0.0, 0.0, f[s]
        for t in range(space.trail[s], space.trail[s] + space.steps[s]):
            q = space.taken[t]
            part = lists.weight[q] * z[target[t]]
            total += part
            share[lists.group[q]] += ways * part
            top = max(top, lists.weight[q] * best[target[t]])
        z[s], best[s] = total, top


@kernel
def _choose(lists, near, space, chosen):
    """Mark the groups of the best partition; whether there is another as good."""
    best, target, tied, s = space.best, space.target, False, np.int32(1)
    while s:
        picked, top, equal = -1, 0.0, 0
        for t in range(space.trail[s], space.trail[s] + space.steps[s]):
            value = lists.weight[space.taken[t]] * best[target[t]]
            if value > top:
                picked, top = t, value
            equal += value >= near * best[s]
        tied |= equal > 1
        chosen[lists.group[space.taken[picked]]] = True
        s = target[picked]
    return tied


@kernel
def _whole(n, lists, space):
    """A sum that is less than the whole one by a small factor, and how many states that took.

    It is nan where it is next to nothing, -inf where there is no room.
    """
    threshold = BEGUN
    while threshold > LEAST:
        count, visited, _ = _walk(n, lists, threshold, space)
        if visited < 0:
            return -np.inf, count
        if space.f[0] > threshold:
            return space.f[0], count
        threshold *= GROWN
    return np.nan, 0


@kernel
def _finest(n, lists, whole, begun, space):
    """Which of `FAINT` there may be room for; `begun`: the states that `_whole` met."""
    if begun <= FEW:
        return 0
    last = len(FAINT) - 1
    count, visited, _ = _walk(n, lists, FAINT[last] * whole, space)
    if visited < 0:
        return last + 1
    for level in range(last):
        steps = 2.0 * (last - level) / last
        if count * (count / begun) ** steps <= LIKELY * space.keys.shape[0]:
            return level
    return last


@kernel
def _answer(n, lists, space, share, chosen):
    """ln of the sum, what may be lost of it, and whether the best partition is tied.

    The sum is nan where it is next to nothing, -inf where there is no room.
    """
    whole, begun = _whole(n, lists, space)
    if not whole > 0.0:
        return whole, 0.0, False
    for level in range(_finest(n, lists, whole, begun, space), len(FAINT)):
        threshold = FAINT[level] * whole
        count, visited, lost = _walk(n, lists, threshold, space)
        if visited < 0:
            continue
        _sum_up(count, visited, lists, space, share)
        total = space.z[1]
        for g in range(share.shape[0]):
            share[g] /= total
        if space.best[1] < threshold:  # the best one may have been left out
            lost = max(lost, total)
        tied = _choose(lists, np.exp(-TIE), space, chosen)
        return np.log(total), lost / total, tied
    return -np.inf, 0.0, False


@kernel
def solve_pruned(start, begin, masks, ln_weight, space, answer, rough, unfit):  # noqa: PLR0917
    """Solve islands of 13 to 63 rows that are not solved yet; arguments as of `resolve.solve`.

    `rough` (k,) becomes true where more than `EXACT` of the sum may be lost. An island that meets
    too many states stays unsolved. So does one that is `unfit` (k,): it has a single row of weight
    0, or the sum of its partitions is next to nothing beside what each row by itself would allow.
    """
    posterior, chosen, evidence, solved, tied = answer
    most, members = 1, 1
    for k in range(start.shape[0] - 1):
        if DENSE < start[k + 1] - start[k] <= 63:
            most = max(most, begin[k + 1] - begin[k])
            held = 0
            for g in range(begin[k], begin[k + 1]):
                held += how_many(masks[g])
            members = max(members, held)
    lists = Lists(
        np.empty(65, np.int64),
        np.empty(members, np.int64),
        np.empty(members),
        np.empty(members, np.int64),
        np.empty(members, np.int64),
        np.empty(members),
        np.empty(65),
    )
    single, u = np.empty(64, np.int64), np.empty(64)
    gains, heavy = np.empty(most), np.empty(most)
    for k in range(start.shape[0] - 1):
        n, g0, g1 = start[k + 1] - start[k], begin[k], begin[k + 1]
        if n <= DENSE or n > 63 or solved[k]:
            continue
        own, gain, weight = masks[g0:g1], gains[: g1 - g0], heavy[: g1 - g0]
        alone = 0.0
        for g in range(g0, g1):
            if masks[g] & (masks[g] - 1) == 0:
                single[place_of(masks[g])] = g
                alone += ln_weight[g]
        unfit[k] = not alone > -np.inf
        if unfit[k]:
            continue
        for g in range(g0, g1):
            gain[g - g0] = _gain(g, masks, ln_weight, single)
            if gain[g - g0] < NEGLIGIBLE:
                gain[g - g0] = -np.inf
        potentials(n, own, gain, u)
        weights(own, gain, u, weight)
        list_groups(n, own, weight, lists)
        share, picked = posterior[g0:g1], chosen[g0:g1]
        ln_sum, lost, equal = _answer(n, lists, space, share, picked)
        unfit[k] = np.isnan(ln_sum)
        if ln_sum > -np.inf:
            solved[k], tied[k], rough[k] = True, equal, lost > EXACT
            evidence[k] = ln_sum + alone + u[:n].sum()
            _left_out(g0, g1, masks, ln_weight, single, posterior)
