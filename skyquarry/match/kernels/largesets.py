"""Member sets of islands that are too large for all of their connected sets to be listed."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.potentials import how_many, place_of
from skyquarry.sky.compiled import kernel

WIDE = 56
"""So many neighbours of a row are considered for sets of three and more; the others stay pairs."""
ALL, FAR = (1 << 56) - 1, 1 << 56


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
        w = place_of(ext[depth] & -ext[depth])
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
def _grown(values, used, more):
    """The same values in an array with room for so many more."""
    if used + more <= values.shape[0]:
        return values
    larger = np.empty(2 * (used + more), values.dtype)
    larger[:used] = values[:used]
    return larger


@kernel
def _sorted_keys(count, considered, listed, bits, keys):
    """Keys of the sets of a row, sorted by size, then neighbours; how many.

    A key is the number of neighbours << 58 | ALL - set, the first neighbour being its highest bit;
    of pairs with a neighbour beyond those that make sets, its number | FAR.
    """
    keys[0] = ALL
    for q in range(listed):
        turned, rest = np.int64(0), bits[q]
        while rest:
            turned |= np.int64(1) << (WIDE - 1 - place_of(rest & -rest))
            rest &= rest - 1
        keys[1 + q] = (how_many(turned) << 58) | (ALL - turned)
    for far in range(considered, count):
        keys[1 + listed + far - considered] = (np.int64(1) << 58) | FAR | far
    every = keys[: 1 + listed + count - considered]
    every.sort()
    new = 1
    for q in range(1, every.shape[0]):
        if every[q] != every[q - 1]:
            every[new] = every[q]
            new += 1
    return new


@kernel
def _by_size(keys, used):
    """Sequence of the keys by size; those of one size stay in order."""
    begin = np.zeros(18, np.int64)
    for q in range(used):
        begin[(keys[q] >> 58) + 1] += 1
    for size in range(17):
        begin[size + 1] += begin[size]
    order = np.empty(used, np.int64)
    for q in range(used):
        size = keys[q] >> 58
        order[begin[size]] = q
        begin[size] += 1
    return order


@kernel
def _unfolded(key, v, around, members, at):
    """Write the members of a key's set; where the next one's begin. `around`: neighbours of v."""
    members[at] = v
    at += 1
    if key & FAR:
        members[at] = around[key & (FAR - 1)]
        return at + 1
    rest, end = ALL - (key & ALL), at + (key >> 58)
    for m in range(end - 1, at - 1, -1):  # the lowest bit is the last neighbour
        members[m] = around[WIDE - 1 - place_of(rest & -rest)]
        rest &= rest - 1
    return end


@kernel
def large_groups(start, nodes, large, star, limit, next_start, neighbour, catalog):  # noqa: PLR0917
    """Groups of the large islands: of rows that are all candidates of each other, or, in a star,
    of a row of the first catalogue.

    `large` (k,) which of the islands, of rows nodes[start[k] : start[k + 1]]. Pairs and single rows
    are always listed; where a row has more than `limit` sets or `WIDE` neighbours not all larger
    ones are. Returns start (g + 1,), members, catalogs (g,) uint32 and island (g,), sorted by
    island, number of members and members, and (k,) whether every row has all of its sets.
    """
    n = catalog.shape[0]
    seen, mark = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    found, near = np.empty(max(1, n), np.int64), np.empty(WIDE, np.int64)
    bits = np.empty(max(limit, 16 * WIDE), np.int64)
    keys, seeds = np.empty(1024, np.int64), np.empty(1024, np.int64)
    around, first = np.empty(1024, np.int64), np.empty(1024, np.int64)
    group_start, members = np.zeros(1024, np.int64), np.empty(4096, np.int64)
    catalogs, island = np.empty(1024, np.uint32), np.empty(1024, np.int64)
    whole = np.ones(large.shape[0], np.bool_)
    groups, at = 0, 0
    for k in range(large.shape[0]):
        if not large[k]:
            continue
        rows, used, total = start[k + 1] - start[k], 0, 0
        first = _grown(first, 0, rows + 1)
        first[0] = 0
        for r in range(rows):
            v = nodes[start[k] + r]
            count = 0
            if not star or catalog[v] == 0:
                count = _neighbours(v, star, next_start, neighbour, catalog, seen, found)
            around = _grown(around, first[r], count)
            around[first[r] : first[r] + count] = found[:count]
            first[r + 1] = first[r] + count
            considered = min(count, WIDE)
            _together(found, considered, star, next_start, neighbour, catalog, mark, near)
            listed = _cliques(considered, near, limit, bits)
            whole[k] &= listed >= 0 and count == considered
            if listed < 0:
                listed = _greedy(considered, near, bits)
            more = 1 + listed + count - considered
            keys, seeds = _grown(keys, used, more), _grown(seeds, used, more)
            more = _sorted_keys(count, considered, listed, bits, keys[used : used + more])
            for q in range(used, used + more):
                seeds[q] = r
                total += 1 + (keys[q] >> 58)
            used += more
        group_start, members = _grown(group_start, groups + 1, used), _grown(members, at, total)
        catalogs, island = _grown(catalogs, groups, used), _grown(island, groups, used)
        order = _by_size(keys, used)
        for o in range(used):
            q = order[o]
            r, low, held = seeds[q], at, np.uint32(0)
            at = _unfolded(keys[q], nodes[start[k] + r], around[first[r] :], members, at)
            for m in range(low, at):
                held |= np.uint32(1) << np.uint32(catalog[members[m]])
            catalogs[groups], island[groups] = held, k
            groups += 1
            group_start[groups] = at
    return group_start[: groups + 1], members[:at], catalogs[:groups], island[:groups], whole


@kernel
def interleaved(start, nodes, catalogs, island, more_start, more_nodes, more_catalogs, more_island):  # noqa: PLR0917
    """Groups of different islands, both sorted by island, in the order of the islands.

    Returns start, nodes, catalogs, island as of one, and (g,) which are of the second.
    """
    count, added = island.shape[0], more_island.shape[0]
    all_start = np.zeros(count + added + 1, np.int64)
    all_nodes = np.empty(nodes.shape[0] + more_nodes.shape[0], np.int64)
    all_catalogs = np.empty(count + added, np.uint32)
    all_island = np.empty(count + added, np.int64)
    second = np.empty(count + added, np.bool_)
    a, b, at = 0, 0, 0
    for g in range(count + added):
        second[g] = a == count or (b < added and more_island[b] < island[a])
        if second[g]:
            all_catalogs[g], all_island[g] = more_catalogs[b], more_island[b]
            for m in range(more_start[b], more_start[b + 1]):
                all_nodes[at] = more_nodes[m]
                at += 1
            b += 1
        else:
            all_catalogs[g], all_island[g] = catalogs[a], island[a]
            for m in range(start[a], start[a + 1]):
                all_nodes[at] = nodes[m]
                at += 1
            a += 1
        all_start[g + 1] = at
    return all_start, all_nodes, all_catalogs, all_island, second
