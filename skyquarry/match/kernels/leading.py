"""What a leader's candidates are without it: sums over the partitions of its star."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.resolve import DENSE, NEGLIGIBLE
from skyquarry.sky.compiled import kernel


@kernel
def _root(parent, i):
    while parent[i] != i:
        i = parent[i]
    return i


@kernel
def _clusters(found, count, gain, group_start, group_nodes, place, parent, size):  # noqa: PLR0917
    """Join the rows of a star by its groups, those of the greatest gain first, to clusters of at
    most `DENSE` rows. Keeps the groups that lie within one: how many, and whether that is all that
    count.
    """
    order = np.argsort(-gain[found[:count]], kind="mergesort")
    sequence = found[:count][order]
    for q in range(count):
        first, last = group_start[sequence[q]], group_start[sequence[q] + 1]
        joined = 0
        for m in range(first, last):
            root = _root(parent, place[group_nodes[m]])
            new = True
            for before in range(first, m):
                new = new and _root(parent, place[group_nodes[before]]) != root
            if new:
                joined += size[root]
        if joined <= DENSE:
            home = _root(parent, place[group_nodes[first]])
            for m in range(first + 1, last):
                root = _root(parent, place[group_nodes[m]])
                if root != home:
                    parent[max(root, home)] = min(root, home)
                    size[min(root, home)] += size[max(root, home)]
                    home = min(root, home)
    kept, whole = 0, True
    for q in range(count):
        first, last = group_start[sequence[q]], group_start[sequence[q] + 1]
        home, inside = _root(parent, place[group_nodes[first]]), True
        for m in range(first + 1, last):
            inside = inside and _root(parent, place[group_nodes[m]]) == home
        if inside:
            found[kept] = sequence[q]
            kept += 1
        else:
            whole = False
    return kept, whole


@kernel
def _lowest(bits):
    at = 0
    while not bits & 1:
        bits >>= 1
        at += 1
    return at


@kernel
def _by_lowest(n, masks, gain, count, begin, sorted_masks, sorted_gain):
    """The groups by their lowest row: begin (n + 1,) and both arrays; the order within stays."""
    begin[: n + 1] = 0
    for q in range(count):
        begin[_lowest(masks[q]) + 1] += 1
    for v in range(n):
        begin[v + 1] += begin[v]
    for q in range(count):
        v = _lowest(masks[q])
        sorted_masks[begin[v]], sorted_gain[begin[v]] = masks[q], gain[q]
        begin[v] += 1
    for v in range(n, 0, -1):
        begin[v] = begin[v - 1]
    begin[0] = 0


@kernel
def _sums(n, begin, masks, gain, met, ln_z):
    """ln_z (2^n,): ln of the sum of the weights of all partitions of each set of n rows that is met
    (2^n,); rows alone weigh 1, groups (bits of their places) e^gain.

    Sets that others leave when the group of their lowest row is taken are met too.
    """
    full = (1 << n) - 1
    for s in range(full, 0, -1):
        if met[s]:
            v = _lowest(s)
            met[s ^ (1 << v)] = True
            for q in range(begin[v], begin[v + 1]):
                if masks[q] & s == masks[q]:
                    met[s ^ masks[q]] = True
    ln_z[0] = 0.0
    for s in range(1, full + 1):
        if not met[s]:
            continue
        v = _lowest(s)
        alone = ln_z[s ^ (1 << v)]
        top = alone
        for q in range(begin[v], begin[v + 1]):
            if masks[q] & s == masks[q]:
                top = max(top, gain[q] + ln_z[s ^ masks[q]])
        total = np.exp(alone - top)
        for q in range(begin[v], begin[v + 1]):
            if masks[q] & s == masks[q]:
                total += np.exp(gain[q] + ln_z[s ^ masks[q]] - top)
        ln_z[s] = top + np.log(total)


@kernel
def _taken(g, home, parent, bit, group_start, group_nodes, place):
    """Rows of a cluster that a leader's group takes, as bits."""
    taken = np.int64(0)
    for m in range(group_start[g] + 1, group_start[g + 1]):
        i = place[group_nodes[m]]
        if parent[i] == home:
            taken |= bit[i]
    return taken


@kernel
def ln_rests(led_start, led, field_start, field, group_start, group_nodes, gain, rest):  # noqa: PLR0917
    """Fills rest (g,): of each leader's groups, ln of the sum over the partitions of the candidates
    that it leaves, against that of all of them; 0 for groups that take none.

    `led` are the groups of each leader (from led_start), `field` those without one by their lowest
    row (from field_start, (n + 1,)). Returns for each leader ln of the sum over the partitions of
    all its candidates, and whether groups had to be left out.
    """
    n_leaders, n_nodes = len(led_start) - 1, len(field_start) - 1
    evidence, partial = np.zeros(n_leaders), np.zeros(n_leaders, np.bool_)
    place = np.full(n_nodes, -1, np.int64)
    found = np.empty(max(1, len(field)), np.int64)
    masks, weight = np.empty(len(found), np.int64), np.empty(len(found))
    sorted_masks, sorted_weight = np.empty(len(found), np.int64), np.empty(len(found))
    begin, ln_z = np.empty(DENSE + 1, np.int64), np.empty(1 << DENSE)
    met = np.empty(1 << DENSE, np.bool_)
    rows, bit = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    for k in range(n_leaders):
        n = 0
        for e in range(led_start[k], led_start[k + 1]):
            g = led[e]
            rest[g] = 0.0
            for m in range(group_start[g] + 1, group_start[g + 1]):
                if place[group_nodes[m]] < 0:
                    place[group_nodes[m]] = 0
                    rows[n] = group_nodes[m]
                    n += 1
        rows[:n].sort()
        for i in range(n):
            place[rows[i]] = i
        count = 0
        for i in range(n):
            for e in range(field_start[rows[i]], field_start[rows[i] + 1]):
                g = field[e]
                inside = gain[g] >= NEGLIGIBLE
                for m in range(group_start[g], group_start[g + 1]):
                    inside = inside and place[group_nodes[m]] >= 0
                if inside:
                    found[count] = g
                    count += 1
        if count:
            parent, size = np.arange(n), np.ones(n, np.int64)
            count, whole = _clusters(
                found, count, gain, group_start, group_nodes, place, parent, size
            )
            partial[k] = not whole
            for i in range(n):
                parent[i] = _root(parent, i)
            for home in range(n):
                if parent[home] != home or size[home] == 1:
                    continue
                inside = 0
                for i in range(home, n):
                    if parent[i] == home:
                        bit[i] = np.int64(1) << inside
                        inside += 1
                groups = 0
                for q in range(count):
                    first, last = group_start[found[q]], group_start[found[q] + 1]
                    if parent[place[group_nodes[first]]] == home:
                        masks[groups], weight[groups] = 0, gain[found[q]]
                        for m in range(first, last):
                            masks[groups] |= bit[place[group_nodes[m]]]
                        groups += 1
                _by_lowest(inside, masks, weight, groups, begin, sorted_masks, sorted_weight)
                full = (1 << inside) - 1
                met[: full + 1] = False
                met[full] = True
                for e in range(led_start[k], led_start[k + 1]):
                    taken = _taken(led[e], home, parent, bit, group_start, group_nodes, place)
                    met[full ^ taken] = True
                _sums(inside, begin, sorted_masks, sorted_weight, met, ln_z)
                evidence[k] += ln_z[full]
                for e in range(led_start[k], led_start[k + 1]):
                    taken = _taken(led[e], home, parent, bit, group_start, group_nodes, place)
                    if taken:
                        rest[led[e]] += ln_z[full ^ taken] - ln_z[full]
        for i in range(n):
            place[rows[i]] = -1
    return evidence, partial
