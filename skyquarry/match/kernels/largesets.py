"""Member sets of islands that are too large for all of their connected sets to be listed."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

WIDE = 56
"""So many neighbours of a row are considered for sets of three and more; the others stay pairs."""


@kernel
def _neighbours(v, star, next_start, neighbour, catalog, seen, found):
    """Distinct neighbours of v, ascending, in `found`: above v, or all of them in a star."""
    count = 0
    for e in range(next_start[v], next_start[v + 1]):
        node = neighbour[e]
        apart = catalog[node] != catalog[v]
        if apart and (star or node > v) and seen[node] != v and count < found.shape[0]:
            seen[node] = v
            found[count] = node
            count += 1
    found[:count].sort()
    return count


@kernel
def _together(found, count, star, next_start, neighbour, catalog, mark, near):  # noqa: PLR0917
    """near[i]: the neighbours that may stand in a set beside neighbour i, as bits."""
    for i in range(count):
        mark[found[i]] = i
    for i in range(count):
        near[i] = 0
        if star:
            for j in range(count):
                near[i] |= np.int64(1) << j
        else:
            for e in range(next_start[found[i]], next_start[found[i] + 1]):
                if mark[neighbour[e]] >= 0:
                    near[i] |= np.int64(1) << mark[neighbour[e]]
        for j in range(count):
            if catalog[found[j]] == catalog[found[i]]:
                near[i] &= ~(np.int64(1) << j)
    for i in range(count):
        mark[found[i]] = -1


@kernel
def _cliques(count, near, limit, bits):
    """Sets (bits) of neighbours that may all stand together; how many, -1 beyond the limit."""
    used = 0
    sub, ext = np.empty(58, np.int64), np.empty(58, np.int64)
    depth = 0
    sub[0], ext[0] = 0, (np.int64(1) << count) - 1
    while depth >= 0:
        if ext[depth] == 0:
            depth -= 1
            continue
        w = 0
        while not ext[depth] & (np.int64(1) << w):
            w += 1
        ext[depth] ^= np.int64(1) << w
        if used == limit:
            return -1
        members = sub[depth] | (np.int64(1) << w)
        bits[used] = members
        used += 1
        grown = ext[depth] & near[w]
        if grown:
            sub[depth + 1], ext[depth + 1] = members, grown
            depth += 1
    return used


@kernel
def _greedy(count, near, bits):
    """For each neighbour a chain of sets: at each step the one that leaves the most to choose from.

    Ties go to the lower node. Sets may repeat.
    """
    used = 0
    for i in range(count):
        members, allowed = np.int64(1) << i, near[i]
        bits[used] = members
        used += 1
        while allowed:
            best, most = -1, -1
            for j in range(count):
                if allowed & (np.int64(1) << j):
                    rest, left = allowed & near[j], 0
                    while rest:
                        rest &= rest - 1
                        left += 1
                    if left > most:
                        best, most = j, left
            members |= np.int64(1) << best
            allowed &= near[best]
            bits[used] = members
            used += 1
    return used


@kernel
def large_sets(seeds, star, limit, next_start, neighbour, catalog):
    """Sets round each seed: of rows that are all candidates of each other, or, in a star, of it.

    Returns sets (g, 16) int64 of sorted nodes, -1 behind the last, and (g,) whether the seed has
    all of its sets listed. Pairs are always listed, single seeds too; some sets may repeat.
    """
    n = catalog.shape[0]
    seen, mark = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    found, near = np.empty(max(1, n), np.int64), np.empty(WIDE, np.int64)
    bits = np.empty(max(limit, 16 * WIDE), np.int64)
    sets, whole, used = np.empty((1024, 16), np.int64), np.empty(1024, np.bool_), 0
    for s in range(seeds.shape[0]):
        v = seeds[s]
        count = 0
        if not star or catalog[v] == 0:
            count = _neighbours(v, star, next_start, neighbour, catalog, seen, found)
        considered = min(count, WIDE)
        _together(found, considered, star, next_start, neighbour, catalog, mark, near)
        listed = _cliques(considered, near, limit, bits)
        complete = listed >= 0 and count == considered
        if listed < 0:
            listed = _greedy(considered, near, bits)
        if used + listed + count + 1 > whole.shape[0]:
            size = 2 * (used + listed + count + 1)
            more, told = np.empty((size, 16), np.int64), np.empty(size, np.bool_)
            for k in range(used):
                more[k], told[k] = sets[k], whole[k]
            sets, whole = more, told
        for q in range(listed + count - considered + 1):
            row = sets[used]
            row[:] = -1
            row[0] = v
            m = 1
            if q > listed:
                row[1] = found[considered + q - listed - 1]
                m = 2
            elif q < listed:
                for i in range(considered):
                    if bits[q] & (np.int64(1) << i):
                        row[m] = found[i]
                        m += 1
            row[:m].sort()
            whole[used] = complete
            used += 1
    return sets[:used], whole[:used]
