"""Sums and maxima over the partitions of islands into groups, by dynamic programming.

State: the set of rows that are not yet in a group, as bits of their places in the island. The
group of the lowest of them is chosen next:

    Z[set] = sum of w_g Z[set - g] over the groups g that hold the lowest row of `set`

and so for the maximum. A posterior is the probability that a state is met, times the share of the
group there. Each Z is kept as exp(best) * z with `best` the maximum of the state: z lies between 1
and the number of partitions, so that weights of any size neither overflow nor vanish together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.potentials import place_of
from skyquarry.sky.compiled import kernel

DENSE = 12
"""Islands of up to so many rows keep an array over all sets."""
NEGLIGIBLE = -37.0
"""ln: P(group) <= exp(gain), its weight against its rows single, since every partition with it can
exchange it for them. Below half a unit in the last place of 1 it changes no other posterior."""
TIE = 1e-9
"""Weights (ln) closer than this, or than 1e-13 of their size, are equal."""


class Work(NamedTuple):
    """Room for the states of an island, and for the choices in them.

    Of states, (s,): keys (bits), low (lowest row; in a hash table: the next state of the same),
    met, best, z, prob, bare (the best is single rows only), even (several are best), choice, trail
    (the first choice), many (choices), visit (states from the full set on). Of choices, (t,):
    target (the state they lead to), taken (the group), term. `table` numbers states by hash.
    """

    keys: np.ndarray
    low: np.ndarray
    met: np.ndarray
    best: np.ndarray
    z: np.ndarray
    prob: np.ndarray
    bare: np.ndarray
    even: np.ndarray
    choice: np.ndarray
    trail: np.ndarray
    many: np.ndarray
    visit: np.ndarray
    target: np.ndarray
    taken: np.ndarray
    term: np.ndarray
    table: np.ndarray


def room(states, choices, table):
    """An empty `Work`; states are numbered as their bits until a hash table renumbers them."""
    bits = np.arange(states)
    low = np.zeros(states, np.int64)
    low[1:] = np.log2(bits[1:] & -bits[1:])
    flags = [np.zeros(states, np.bool_) for _ in range(3)]
    floats = [np.zeros(states) for _ in range(3)]
    ints = [np.zeros(states, np.int64) for _ in range(4)]
    return Work(
        bits,
        low,
        flags[0],
        *floats,
        *flags[1:],
        *ints,
        np.empty(choices, np.int64),
        np.empty(choices, np.int64),
        np.empty(choices),
        np.empty(table, np.int64),
    )


@kernel
def group_masks(group_start, group_nodes, place):
    """(g,) members of each group as bits of their places; 0 where a place is beyond 62."""
    masks = np.zeros(group_start.shape[0] - 1, np.int64)
    for g in range(masks.shape[0]):
        bits = np.int64(0)
        for m in range(group_start[g], group_start[g + 1]):
            at = place[group_nodes[m]]
            if at > 62:
                bits = 0
                break
            bits |= np.int64(1) << at
        masks[g] = bits
    return masks


@kernel
def _lowest(bits):
    """Place of the lowest bit."""
    return place_of(bits & -bits)


@kernel
def _first(a, b):
    """Whether the sorted members of a come before those of b; a set comes before one it begins."""
    apart = a ^ b
    low = apart & -apart
    if a & low:
        return b > low  # b goes on beyond the place where a has a member and b has none
    return a < low


@kernel
def _gain(g, masks, ln_weight, single):
    """ln weight of a group against its rows single; `single` (63,) the groups of single rows."""
    gain, rest = ln_weight[g], masks[g]
    while rest:
        gain -= ln_weight[single[_lowest(rest)]]
        rest &= rest - 1
    return gain


@kernel
def _bucket_groups(begin, end, masks, ln_weight, n, first, sequence, lowest, single):  # noqa: PLR0917
    """Groups of an island by lowest member: first (n + 1,), numbers. Those that cannot count are
    left out: of weight 0 and, where there are more than 5 rows, of negligible gain.
    """
    for g in range(begin, end):
        if masks[g] & (masks[g] - 1) == 0:
            single[_lowest(masks[g])] = g
    first[: n + 1] = 0
    for g in range(begin, end):
        counts = ln_weight[g] > -np.inf
        if n > 5 and _gain(g, masks, ln_weight, single) < NEGLIGIBLE:
            counts = False
        lowest[g - begin] = -1
        if counts:
            lowest[g - begin] = _lowest(masks[g])
            first[lowest[g - begin] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    for g in range(begin, end):
        v = lowest[g - begin]
        if v >= 0:
            sequence[first[v]] = g
            first[v] += 1
    for v in range(n, 0, -1):
        first[v] = first[v - 1]
    first[0] = 0


@kernel
def _left_out(begin, end, masks, ln_weight, single, posterior):
    """Posteriors of groups of negligible gain: exp(gain), if their rows are single otherwise."""
    for g in range(begin, end):
        gain = _gain(g, masks, ln_weight, single)
        if gain < NEGLIGIBLE and gain > -np.inf:
            posterior[g], rest = np.exp(gain), masks[g]
            while rest:
                posterior[g] *= posterior[single[_lowest(rest)]]
                rest &= rest - 1


@kernel
def _impossible(begin, end, masks, posterior, chosen):
    """Every partition has weight 0: the rows stand alone."""
    for g in range(begin, end):
        alone = masks[g] & (masks[g] - 1) == 0
        posterior[g] = 1.0 if alone else 0.0
        chosen[g] = alone


@kernel
def _list_dense(n, first, sequence, masks, work):
    """States of an island of up to 12 rows, numbered as their bits; how many are met."""
    met, low, trail, many = work.met, work.low, work.trail, work.many
    target, taken = work.target, work.taken
    full = (1 << n) - 1
    met[: full + 1] = False
    met[full] = True
    count, used = 0, 0
    for s in range(full, 0, -1):
        if met[s]:
            work.visit[count] = s
            count += 1
            trail[s] = used
            for q in range(first[low[s]], first[low[s] + 1]):
                m = masks[sequence[q]]
                if m & s == m:
                    target[used], taken[used] = s ^ m, sequence[q]
                    met[s ^ m] = True
                    used += 1
            many[s] = used - trail[s]
    return count


@kernel
def _number(bits, table, keys, count):
    """Number of the state `bits` in the hash table: a new one is `count`; -1 where it is full."""
    size = table.shape[0]
    mixed = (bits ^ (bits >> 31)) * np.int64(-7046029254386353131)
    at = (mixed >> 32) & (size - 1)
    while table[at] >= 0:
        if keys[table[at]] == bits:
            return table[at]
        at = (at + 1) & (size - 1)
    if count == keys.shape[0]:
        return np.int64(-1)
    table[at] = count
    keys[count] = bits
    return np.int64(count)


@kernel
def _list_sparse(n, first, sequence, masks, work):
    """States of an island of up to 63 rows as they are met, by lowest row; -1: too many.

    `low` chains the states of one lowest row; state 0 is the empty set.
    """
    table, keys, after, trail = work.table, work.keys, work.low, work.trail
    target, taken = work.target, work.taken
    table[:] = -1
    head = np.full(64, -1, np.int64)
    _number(np.int64(0), table, keys, np.int64(0))
    _number(np.int64((np.uint64(1) << np.uint64(n)) - np.uint64(1)), table, keys, np.int64(1))
    head[0], after[1] = 1, -1
    count, used, visited = np.int64(2), 0, 0
    for v in range(n):
        s = head[v]
        while s >= 0:
            work.visit[visited] = s
            visited += 1
            if used + first[v + 1] - first[v] > target.shape[0]:
                return -1
            trail[s] = used
            for q in range(first[v], first[v + 1]):
                m = masks[sequence[q]]
                if m & keys[s] != m:
                    continue
                rest = keys[s] ^ m
                number = _number(rest, table, keys, count)
                if number < 0:
                    return -1
                target[used], taken[used] = number, sequence[q]
                used += 1
                if number == count:
                    count += 1
                    w = v + 1
                    while not rest & (np.int64(1) << w):
                        w += 1
                    after[number] = head[w]
                    head[w] = number
            work.many[s] = used - trail[s]
            s = after[s]
    return visited


@kernel
def _weigh(count, masks, ln_weight, work):
    """Maximum and sum over the choices of each state, from those of the states that they leave.

    Of equal choices the group that comes first wins, and any group before a single row, unless the
    single row leaves no group at all: an empty list comes before every other.
    """
    best, z, term, bare = work.best, work.z, work.term, work.bare
    target, taken, trail, many = work.target, work.taken, work.trail, work.many
    for c in range(count - 1, -1, -1):
        s = work.visit[c]
        begin, end = trail[s], trail[s] + many[s]
        top = -np.inf
        for t in range(begin, end):
            term[t] = ln_weight[taken[t]] + best[target[t]]
            top = max(top, term[t])
        total, equal, picked, empty = 0.0, 0, np.int64(-1), False
        if top > -np.inf:
            near = top - TIE - 1e-13 * abs(top)
            for t in range(begin, end):
                value, ahead = term[t], z[target[t]]
                if value >= near:
                    equal += 1
                    m = masks[taken[t]]
                    last = np.int64(0) if picked < 0 else masks[taken[picked]]
                    if m & (m - 1) == 0:  # comes first in the list, groups being sorted by size
                        empty, picked = bare[target[t]], t
                    elif not empty and (last & (last - 1) == 0 or _first(m, last)):
                        picked = t
                if value == top:
                    term[t] = ahead
                else:
                    term[t] = 0.0 if ahead == 0.0 else np.exp(value - top) * ahead
                total += term[t]
        best[s], z[s], bare[s] = top, total, empty
        work.choice[s], work.even[s] = picked, equal > 1


@kernel
def _share_out(count, work, posterior):
    """Posteriors: each state hands its probability on to its choices."""
    prob, z, term, visit = work.prob, work.z, work.term, work.visit
    target, taken, trail, many = work.target, work.taken, work.trail, work.many
    for c in range(count):
        prob[visit[c]] = 0.0
    prob[visit[0]] = 1.0
    for c in range(count):
        s = visit[c]
        if prob[s] > 0.0:
            scale = prob[s] / z[s]
            for t in range(trail[s], trail[s] + many[s]):
                share = scale * term[t]
                posterior[taken[t]] += share
                prob[target[t]] += share


@kernel
def solve(start, begin, masks, ln_weight, work, dense, answer):
    """Solve islands of up to 12 rows (dense) or, not solved yet, of up to 63 (else).

    `start` (k + 1,) rows, `begin` (k + 1,) groups of each island. Fills the arrays of `answer`:
    posterior, chosen (g,), evidence, solved, tied (k,). `tied`: a choice on the way to the best
    partition was between equal weights. An island that meets more states, or choices, than `work`
    has room for stays unsolved.
    """
    posterior, chosen, evidence, solved, tied = answer
    largest = DENSE if dense else 63
    most = 0
    for k in range(start.shape[0] - 1):
        if start[k + 1] - start[k] <= largest:
            most = max(most, begin[k + 1] - begin[k])
    first, sequence = np.empty(65, np.int64), np.empty(most, np.int64)
    lowest, single = np.empty(most, np.int64), np.empty(64, np.int64)
    work.best[0], work.z[0], work.bare[0] = 0.0, 1.0, True
    for k in range(start.shape[0] - 1):
        n, g0, g1 = start[k + 1] - start[k], begin[k], begin[k + 1]
        if n > largest or solved[k]:
            continue
        if n == 1:
            posterior[g0], chosen[g0], evidence[k], solved[k] = 1.0, True, ln_weight[g0], True
            continue
        _bucket_groups(g0, g1, masks, ln_weight, n, first, sequence, lowest, single)
        if dense:
            count = _list_dense(n, first, sequence, masks, work)
        else:
            count = _list_sparse(n, first, sequence, masks, work)
        if count < 0:
            continue
        solved[k] = True
        _weigh(count, masks, ln_weight, work)
        s = work.visit[0]
        evidence[k] = work.best[s] + np.log(work.z[s])
        if not work.best[s] > -np.inf:
            _impossible(g0, g1, masks, posterior, chosen)
            continue
        while s:
            t = work.choice[s]
            chosen[work.taken[t]] = True
            tied[k] |= work.even[s]
            s = work.target[t]
        _share_out(count, work, posterior)
        if n > 5:
            _left_out(g0, g1, masks, ln_weight, single, posterior)
