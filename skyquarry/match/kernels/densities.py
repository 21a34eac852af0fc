"""Weights and expected numbers of groups: what every pass of learning densities repeats.

A *kind* is a set of catalogues that looked and the set of a group. Where only O looked, a group of
S may be of any set S' with S' & O = S: their densities are added.
"""

# ruff: noqa: PLR0917 - arrays in, arrays out

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel


@step
def _on_line(lines, whole, begin, length, low, way):
    """A value between the centres of a catalogue's magnitudes."""
    high = min(low + 1, length - 1)
    return (1.0 - way) * lines[whole, begin + low] + way * lines[whole, begin + high]


@step
def _ln_sum(one, other):
    """Ln of (e^one + e^other)."""
    if np.isneginf(one):
        return other
    top = max(one, other)
    return top + np.log1p(np.exp(min(one, other) - top))


@step
def _ln_alone(catalog, free, cell, low, way, ln_nu, local, column, lines, begin):
    """Ln density of objects that look like a single row; `free`: who did not look there."""
    alone = -np.inf
    rest = free
    length = begin[catalog + 1] - begin[catalog]
    while True:
        whole = np.int64(1) << catalog | rest
        term = ln_nu[whole]
        if term > -np.inf:
            if column[whole] >= 0:
                term += local[cell, column[whole]]
            if low >= 0:
                term += _on_line(lines, whole, begin[catalog], length, low, way)
            alone = _ln_sum(alone, term)
        if rest == 0:
            break
        rest = (rest - 1) & free
    return alone


@kernel
def ln_weights(
    start, nodes, catalogs, observed, cell, node_catalog, node_observed, node_cell, low, way,
    ln_nu, local, column, lines, begin, ln_bayes, ln_room, weight,
):  # fmt: skip
    """Fills weight (g,): ln weight of each group of two rows and more, against its rows alone.

    `low` (n,), `way` (n,): where the magnitude of a node lies; low < 0 where it is of no influence.
    ln_nu (2^N,) of every set; local (cells, s) ln of what a cell differs by, and the column (2^N,)
    of each set, -1 for none; lines (2^N, k) by magnitude, those of catalogue c from begin[c] to
    begin[c + 1]; ln_room: ln 4 pi.
    """
    everything = ln_nu.shape[0] - 1
    alone = np.full(len(node_catalog), np.nan)  # of the nodes that are in groups
    for g in range(len(start) - 1):
        first, last = start[g], start[g + 1]
        if last - first < 2:
            weight[g] = 0.0
            continue
        total = -np.inf
        free = everything & ~observed[g]
        rest = free
        while True:
            whole = catalogs[g] | rest
            term = ln_nu[whole]
            if term > -np.inf:
                if column[whole] >= 0:
                    term += local[cell[g], column[whole]]
                for m in range(first, last):
                    node = nodes[m]
                    if low[node] >= 0:
                        c = node_catalog[node]
                        length = begin[c + 1] - begin[c]
                        term += _on_line(lines, whole, begin[c], length, low[node], way[node])
                total = _ln_sum(total, term)
            if rest == 0:
                break
            rest = (rest - 1) & free
        apart = (last - first - 1) * ln_room
        for m in range(first, last):
            node = nodes[m]
            if np.isnan(alone[node]):
                alone[node] = _ln_alone(
                    node_catalog[node], everything & ~node_observed[node], node_cell[node],
                    low[node], way[node], ln_nu, local, column, lines, begin,
                )  # fmt: skip
            apart += alone[node]
        weight[g] = total + ln_bayes[g] - apart


@kernel
def best_of_their_rows(start, nodes, weight, n_nodes):
    """(g,) 1 for groups of positive weight that no row of theirs has a better one than, and for
    rows that are in none of these; 0 for the others.
    """
    best = np.full(n_nodes, -np.inf)
    for g in range(len(weight)):
        for m in range(start[g], start[g + 1]):
            best[nodes[m]] = max(best[nodes[m]], weight[g])
    taken = np.zeros(n_nodes, np.bool_)
    chosen = np.zeros(len(weight))
    for g in range(len(weight)):
        wins = start[g + 1] - start[g] > 1 and weight[g] > 0.0
        for m in range(start[g], start[g + 1]):
            wins = wins and best[nodes[m]] <= weight[g]
        if wins:
            chosen[g] = 1.0
            for m in range(start[g], start[g + 1]):
                taken[nodes[m]] = True
    for g in range(len(weight)):
        if start[g + 1] - start[g] == 1 and not taken[nodes[start[g]]]:
            chosen[g] = 1.0
    return chosen


@kernel
def lowest_members(start, nodes, spatial):
    """(g,) the member of the lowest pixel of each group; the first where several share it."""
    found = np.empty(len(start) - 1, np.int64)
    for g in range(len(found)):
        best = nodes[start[g]]
        for m in range(start[g] + 1, start[g + 1]):
            if spatial[nodes[m]] < spatial[best]:
                best = nodes[m]
        found[g] = best
    return found


@kernel
def counted_members(start, nodes, kind, node_catalog, bins, amount, table):
    """Adds to table (kinds, catalogues, bins) the amount of each group, for each row that has a
    magnitude: whole numbers, which add up exactly.
    """
    for g in range(len(start) - 1):
        if amount[g] > 0.0:
            for m in range(start[g], start[g + 1]):
                node = nodes[m]
                if bins[node] >= 0:
                    table[kind[g], node_catalog[node], bins[node]] += amount[g]
