"""Connected components by union-find, and their groups by a walk over connected sets."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.potentials import place_of
from skyquarry.sky.compiled import kernel

TOP = 55
"""A member set is 56 bits: the lowest member of an island is bit 55, so that of two sets of one
size the greater number is the one whose sorted members come first."""
FULL = (1 << 56) - 1


@kernel
def label_nodes(n_nodes, left, right):
    """Label (n,) of each node's component, numbered by lowest node, and how many there are.

    The root of a tree is always its lowest node (the higher root is hung below the lower one), so
    labels do not depend on the sequence of edges; paths are halved on the way.
    """
    parent = np.arange(n_nodes).astype(np.int32)  # half the memory that the walk jumps about in
    for e in range(left.shape[0]):
        a, b = left[e], right[e]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    count = 0
    for i in range(n_nodes):  # a parent is lower than its child: it has its label already
        if parent[i] == i:
            parent[i] = count
            count += 1
        else:
            parent[i] = parent[parent[i]]
    return parent.astype(np.int64), count


@kernel
def bucket(label, count):
    """CSR of the nodes of each label, ascending: start (count + 1,), nodes (n,), place (n,).

    `place` is the number of a node within its bucket.
    """
    start = np.zeros(count + 1, np.int64)
    for i in range(label.shape[0]):
        start[label[i] + 1] += 1
    for k in range(count):
        start[k + 1] += start[k]
    filled = start[:-1].copy()
    nodes = np.empty(label.shape[0], np.int64)
    place = np.empty(label.shape[0], np.int64)
    for i in range(label.shape[0]):
        k = label[i]
        nodes[filled[k]] = i
        place[i] = filled[k] - start[k]
        filled[k] += 1
    return start, nodes, place


@kernel
def adjacency(n_nodes, left, right):
    """CSR of each node's neighbours, both ways: start (n + 1,), neighbour (2m,), unsorted."""
    start = np.zeros(n_nodes + 1, np.int64)
    for e in range(left.shape[0]):
        start[left[e] + 1] += 1
        start[right[e] + 1] += 1
    for i in range(n_nodes):
        start[i + 1] += start[i]
    filled = start[:-1].copy()
    neighbour = np.empty(2 * left.shape[0], np.int64)
    for e in range(left.shape[0]):
        a, b = left[e], right[e]
        neighbour[filled[a]] = b
        filled[a] += 1
        neighbour[filled[b]] = a
        filled[b] += 1
    return start, neighbour


@kernel
def _grown(keys, used, size):
    """The same keys in a larger array."""
    larger = np.empty(size, np.int64)
    for q in range(used):
        larger[q] = keys[q]
    return larger


@kernel
def connected_sets(start, nodes, place, next_start, neighbour, catalog, limit):
    """Member sets of every island of 2 to 56 nodes: keys, and where each island's begin.

    Every connected set with at most one row a catalogue, each once, by the walk of Wernicke (2006,
    IEEE/ACM TCBB 3, 347): a set grows by nodes above its lowest that neighbour its last member and
    none before. An island of more than 56 nodes or more than `limit` sets gets none: `large`. One
    of a single node gets none either. key = members << 56 | FULL - set: sorted, they stand by
    size, then by nodes.
    """
    n_islands = start.shape[0] - 1
    first = np.zeros(n_islands + 1, np.int64)
    large = np.zeros(n_islands, np.bool_)
    keys = np.empty(max(16, 4 * nodes.shape[0]), np.int64)
    used = np.int64(0)
    near = np.empty(56, np.int64)
    clash = np.empty(56, np.int64)
    sub, ext, at = np.empty(58, np.int64), np.empty(58, np.int64), np.empty(58, np.int64)
    seen, bad = np.empty(58, np.int64), np.empty(58, np.int64)
    for k in range(n_islands):
        first[k] = used
        low, n = start[k], start[k + 1] - start[k]
        if n == 1:
            continue
        if n > 56:
            large[k] = True
            continue
        if used + limit + 128 > keys.shape[0]:
            keys = _grown(keys, used, 2 * keys.shape[0] + limit + 128)
        for i in range(n):
            near[i] = 0
            node = nodes[low + i]
            for e in range(next_start[node], next_start[node + 1]):
                near[i] |= np.int64(1) << (TOP - place[neighbour[e]])
            clash[i] = 0
            for j in range(n):
                if catalog[nodes[low + j]] == catalog[node]:
                    clash[i] |= np.int64(1) << (TOP - j)
        for v in range(n):
            if used - first[k] > limit:
                large[k] = True
                break
            bit = np.int64(1) << (TOP - v)
            above = bit - 1
            keys[used] = (np.int64(1) << 56) | (FULL - bit)
            used += 1
            depth = 0
            sub[0], seen[0], bad[0], at[0] = bit, bit | near[v], clash[v], v
            ext[0] = near[v] & above & ~clash[v]
            while depth >= 0:
                if ext[depth] == 0:
                    depth -= 1
                    continue
                if used - first[k] > limit:
                    break
                w = at[depth] + 1
                while not ext[depth] & (np.int64(1) << (TOP - w)):
                    w += 1
                new = np.int64(1) << (TOP - w)
                ext[depth] ^= new
                at[depth] = w
                members = sub[depth] | new
                keys[used] = ((depth + 2) << 56) | (FULL - members)
                used += 1
                barred = bad[depth] | clash[w]
                grown = (ext[depth] | (near[w] & above & ~seen[depth])) & ~barred
                if grown:
                    seen[depth + 1] = seen[depth] | near[w]
                    sub[depth + 1], ext[depth + 1], bad[depth + 1] = members, grown, barred
                    at[depth + 1] = v
                    depth += 1
        if large[k] or used - first[k] > limit:
            large[k] = True
            used = first[k]
        else:
            keys[first[k] : used].sort()
    first[n_islands] = used
    return keys[:used], first, large


@kernel
def unpack(keys, first, start, nodes, catalog):
    """Groups of the islands that `connected_sets` listed, and of those of one node.

    Returns start (g + 1,), members, catalogs (g,) uint32, island (g,).
    """
    n_islands = start.shape[0] - 1
    n_groups, n_members = 0, 0
    for k in range(n_islands):
        if start[k + 1] - start[k] == 1:
            n_groups += 1
            n_members += 1
        else:
            n_groups += first[k + 1] - first[k]
            for q in range(first[k], first[k + 1]):
                n_members += keys[q] >> 56
    group_start = np.empty(n_groups + 1, np.int64)
    members = np.empty(n_members, np.int64)
    catalogs = np.zeros(n_groups, np.uint32)
    island = np.empty(n_groups, np.int64)
    g, m = 0, 0
    for k in range(n_islands):
        low, n = start[k], start[k + 1] - start[k]
        if n == 1:
            group_start[g], members[m], island[g] = m, nodes[low], k
            catalogs[g] = np.uint32(1) << np.uint32(catalog[nodes[low]])
            g += 1
            m += 1
        for q in range(first[k], first[k + 1]):
            group_start[g], island[g] = m, k
            bits, end = FULL - (keys[q] & FULL), m + (keys[q] >> 56)
            seen = np.uint32(0)
            for at in range(end - 1, m - 1, -1):  # the lowest bit is the last row
                node = nodes[low + TOP - place_of(bits & -bits)]
                bits &= bits - 1
                members[at] = node
                seen |= np.uint32(1) << np.uint32(catalog[node])
            m = end
            catalogs[g] = seen
            g += 1
    group_start[n_groups] = m
    return group_start, members, catalogs, island
