"""The slow, obvious form of islands, candidate groups and their resolution: every partition."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Group = tuple[int, ...]
    Partition = list[Group]

TIE = 1e-9


def islands(n_nodes: int, pairs: Sequence[tuple[int, int]]) -> list[Group]:
    """Connected components, sorted by their lowest node."""
    label = list(range(n_nodes))
    for _ in range(n_nodes):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return [
        tuple(i for i in range(n_nodes) if label[i] == k) for k in range(n_nodes) if label[k] == k
    ]


def groups(island: Group, pairs: Sequence[tuple[int, int]], catalog: Sequence[int]) -> list[Group]:
    """Every connected set of the island with at most one row a catalogue, by size, then nodes."""
    found = []
    for size in range(1, len(set(catalog)) + 1):
        for nodes in combinations(island, size):
            distinct = len({catalog[i] for i in nodes}) == size
            inside = [(nodes.index(a), nodes.index(b)) for a, b in pairs if {a, b} <= set(nodes)]
            if distinct and len(islands(size, inside)) == 1:
                found.append(nodes)
    return found


def partitions(nodes: Group, allowed: Sequence[Group]) -> Iterator[Partition]:
    """Every way to cover the nodes with groups, none of them twice."""
    if not nodes:
        yield []
        return
    for group in allowed:
        if group[0] == nodes[0] and set(group) <= set(nodes):
            rest = tuple(i for i in nodes if i not in group)
            for more in partitions(rest, allowed):
                yield [group, *more]


def posteriors(
    nodes: Group, ln_weight: Mapping[Group, float]
) -> tuple[dict[Group, float], Partition, float]:
    """(posterior of each group, best partition, ln of the sum of all weights).

    Of partitions of one weight the best is that whose sorted groups of two and more rows come
    first (a list comes before its continuation).
    """
    every = [
        (p, math.fsum(ln_weight[g] for g in p))
        for p in partitions(nodes, list(ln_weight))
        if all(ln_weight[g] > -math.inf for g in p)
    ]
    singles: Partition = [(i,) for i in nodes]
    if not every:
        return {g: float(len(g) == 1) for g in ln_weight}, singles, -math.inf
    top = max(w for _, w in every)
    total = math.fsum(math.exp(w - top) for _, w in every)
    posterior = {
        g: math.fsum(math.exp(w - top) for p, w in every if g in p) / total for g in ln_weight
    }
    tied = [p for p, w in every if w >= top - TIE]
    best = min(tied, key=lambda p: sorted(g for g in p if len(g) > 1))
    return posterior, best, top + math.log(total)


def stars(nodes: Group, pairs: Sequence[tuple[int, int]], catalog: Sequence[int]) -> list[Group]:
    """The groups of an island where rows of catalogue 0 choose: sets of one and its candidates.

    And connected sets of rows that are all candidates of one of them; pairs of other rows do not
    make islands.
    """
    beside = {frozenset(p) for p in pairs}

    def led(group: Group) -> bool:
        return all(frozenset((i, group[0])) in beside for i in group[1:])

    leaders = [i for i in nodes if catalog[i] == 0]
    shared = [
        p
        for p in pairs
        if 0 in {catalog[i] for i in p}
        or any(all(frozenset((i, x)) in beside for i in p) for x in leaders)
    ]
    of_leaders = [p for p in pairs if 0 in {catalog[i] for i in p}]
    return [g for g in groups(nodes, of_leaders, catalog) if catalog[g[0]] == 0 and led(g)] + [
        g for g in groups(nodes, [p for p in shared if p not in of_leaders], catalog)
        if catalog[g[0]] != 0
    ]  # fmt: skip


def many_to_one(
    nodes: Group, ln_weight: Mapping[Group, float], catalog: Sequence[int]
) -> tuple[dict[Group, float], Partition, float]:
    """The same where each row of catalogue 0 chooses for itself; other rows may be chosen twice.

    It and its candidates, the rows of its groups, are partitioned, with all groups of these rows:
    a group of it has the part of the sum that holds it. What the others are without it is not told.
    """
    posterior, best, evidence = {}, [], 0.0
    unclaimed = {i: 1.0 for i in nodes if catalog[i] != 0}
    taken: set[int] = set()
    for primary in (i for i in nodes if catalog[i] == 0):
        star = tuple(sorted({i for g in ln_weight if primary in g for i in g}))
        inside = {g: w for g, w in ln_weight.items() if set(g) <= set(star)}
        told, _, whole = posteriors(star, inside)
        own = {g: p for g, p in told.items() if primary in g}
        posterior.update(own)
        for g, p in own.items():
            for i in set(g) - {primary}:
                unclaimed[i] *= 1.0 - p
        top = max(own.values())
        choice = min(g for g, p in own.items() if p >= top * math.exp(-TIE))
        best.append(choice)
        taken.update(choice)
        evidence += whole - math.fsum(ln_weight[(i,)] for i in star if i != primary)
    for i, free in unclaimed.items():
        posterior[(i,)] = free
        evidence += ln_weight[(i,)]
        if i not in taken:
            best.append((i,))
    for g in ln_weight:
        posterior.setdefault(g, 0.0)
    return posterior, best, evidence
