"""The lines of the pair table: how pairs rank, and columns written in their final order.

Pairs (m,) are sorted by left node, then right node: `begin` (nodes + 1,) tells where those of each
left node start. A line is what the table has of a pair; `line` (m,) is the pair of each line.
"""

# ruff: noqa: PLR0917 - columns side by side

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.pairtable import FAR, ellipse, find_pair
from skyquarry.sky.compiled import kernel

TOP, SEVERAL, EVEN = 1, 2, 4
"""Bits of what the right row says of a pair: its best, one of several, of several equal odds."""
COMPARABLE = 0.5
"""A candidate is comparable (`match_flag` 2) above this share of the best one's probability."""


@kernel
def marginals(begin, right, own, group_start, group_nodes, posterior, geometry, chosen):
    """(m,) sums of two kinds of posteriors of the groups that hold both rows, within 0 and 1; (m,)
    whether a chosen one does.

    `own` (m,): the group that is the pair, below 0 where none is. Groups are sorted by members, so
    that it comes first; then the larger ones are added in their order.
    """
    m = right.shape[0]
    total, plain, inside = np.zeros(m), np.zeros(m), np.zeros(m, np.bool_)
    for p in range(m):
        g = own[p]
        if g >= 0:
            total[p], plain[p], inside[p] = posterior[g], geometry[g], chosen[g]
    for g in range(group_start.shape[0] - 1):
        low, high = group_start[g], group_start[g + 1]
        if high - low < 3:
            continue
        for a in range(low, high - 1):
            node = group_nodes[a]
            at, end = begin[node], begin[node + 1]
            far = end - at > FAR
            for b in range(a + 1, high):
                other = group_nodes[b]
                if far:
                    p = find_pair(begin, right, node, other)
                else:
                    while at < end and right[at] < other:
                        at += 1
                    p = at if at < end and right[at] == other else -1
                if p >= 0:
                    total[p] += posterior[g]
                    plain[p] += geometry[g]
                    inside[p] = inside[p] or chosen[g]
    for p in range(m):
        total[p] = min(max(total[p], 0.0), 1.0)
        plain[p] = min(max(plain[p], 0.0), 1.0)
    return total, plain, inside


@kernel
def gains(left, right, own, single, weight, photometry, value):
    """(m,) ln odds against both rows alone, and the part of magnitudes, NaN without an own group;
    then what pairs rank by: the value to 12 digits, the odds to 9 (-inf for NaN).

    What differs by rounding alone is a tie: else the order of the catalogues would decide.
    """
    m = left.shape[0]
    gain, magnitudes = np.empty(m), np.empty(m)
    likely, odds = np.empty(m), np.empty(m)
    for p in range(m):
        g = own[p]
        if g >= 0:
            gain[p] = weight[g] - (weight[single[left[p]]] + weight[single[right[p]]])
            magnitudes[p] = photometry[g]
        else:
            gain[p], magnitudes[p] = np.nan, np.nan
        odds[p] = -np.inf if np.isnan(gain[p]) else np.rint(gain[p] * 1e9) / 1e9
        likely[p] = np.rint(value[p] * 1e12) / 1e12
    return gain, magnitudes, likely, odds


@kernel
def _before(p, q, likely, odds):
    """Whether the pair p comes before q: more probable, of greater odds, or of a lower number."""
    if likely[p] != likely[q]:
        return likely[p] > likely[q]
    if odds[p] != odds[q]:
        return odds[p] > odds[q]
    return p < q


@kernel
def _sort(order, low, high, likely, odds):
    """Put order[low:high] in order (Shell's sort, 1959)."""
    gap = 1
    while gap < (high - low) // 3:
        gap = 3 * gap + 1
    while gap >= 1:
        for k in range(low + gap, high):
            own, j = order[k], k
            while j >= low + gap and _before(own, order[j - gap], likely, odds):
                order[j] = order[j - gap]
                j -= gap
            order[j] = own
        gap //= 3


@kernel
def ranked(begin, right, catalog, likely, odds):
    """(m,) the pairs of each left node by catalogue and rank; (m,) whether a pair is the best."""
    m = right.shape[0]
    order, top = np.empty(m, np.int64), np.zeros(m, np.bool_)
    for p in range(m):
        order[p] = p
    for i in range(begin.shape[0] - 1):
        low = begin[i]
        while low < begin[i + 1]:
            high = low + 1
            while high < begin[i + 1] and catalog[right[high]] == catalog[right[low]]:
                high += 1
            if high > low + 1:
                _sort(order, low, high, likely, odds)
            top[order[low]] = True
            low = high
    return order, top


@kernel
def seen_from_right(begin, right, catalog, likely, odds, top):
    """What the right row says of a pair: (m,) bits, and (m,) how many other left rows of the same
    catalogue have it as their best (`top`)."""
    m, n_nodes = right.shape[0], begin.shape[0] - 1
    first = np.zeros(n_nodes + 1, np.int64)
    for p in range(m):
        first[right[p] + 1] += 1
    for i in range(n_nodes):
        first[i + 1] += first[i]
    filled = first[:-1].copy()
    pair, left = np.empty(m, np.int64), np.empty(m, np.int64)
    for i in range(n_nodes):
        for p in range(begin[i], begin[i + 1]):
            at = filled[right[p]]
            pair[at], left[at] = p, i
            filled[right[p]] += 1
    bits, mates = np.zeros(m, np.uint8), np.empty(m, np.int32)
    for i in range(n_nodes):
        low = first[i]
        while low < first[i + 1]:
            best, many, high = pair[low], 0, low
            while high < first[i + 1] and catalog[left[high]] == catalog[left[low]]:
                many += top[pair[high]]
                if _before(pair[high], best, likely, odds):
                    best = pair[high]
                high += 1
            even = 0
            for k in range(low, high):
                even += odds[pair[k]] == odds[best]
            told = (SEVERAL if high - low > 1 else 0) | (EVEN if even > 1 else 0)
            for k in range(low, high):
                bits[pair[k]] = told
                mates[pair[k]] = many - top[pair[k]]
            bits[best] |= TOP
            low = high
    return bits, mates


@kernel
def along_the_sky(along, begin, order):
    """(m,) the pair of each line: the left nodes in the order `along`, the pairs of each as ranked;
    (m,) its left node."""
    line, left = np.empty(order.shape[0], np.int64), np.empty(order.shape[0], np.int64)
    at = 0
    for k in range(along.shape[0]):
        for p in range(begin[along[k]], begin[along[k] + 1]):
            line[at], left[at] = order[p], along[k]
            at += 1
    return line, left


# ---------------------------------------------------------------- columns


@kernel
def of_evidence(line, source, first, known, told, missing):
    """Rows of `told` (11, m): sep, pa, dra, ddec, epoch, the ellipse's axes and direction, chi2,
    its root, lnB, line after line; adds to `missing` (11,) how many of each are NaN.

    Of the pairs whose `source` (m,) is `first` and on, as many as `known` has: sep, pa, dra, ddec,
    epoch, ee, nn, en, chi2, lnB. The other lines stay as they are.
    """
    sep, pa, dra, ddec, epoch, ee, nn, en, chi2, lnB = known
    for k in range(line.shape[0]):
        p = source[line[k]] - first
        if not 0 <= p < sep.shape[0]:
            continue
        told[0, k], told[1, k], told[2, k], told[3, k] = sep[p], pa[p], dra[p], ddec[p]
        told[4, k] = epoch[p]
        told[5, k], told[6, k], told[7, k] = ellipse(ee[p], nn[p], en[p])
        told[8, k], told[9, k], told[10, k] = chi2[p], np.sqrt(chi2[p]), lnB[p]
        every = sep[p] + pa[p] + dra[p] + ddec[p] + epoch[p] + chi2[p] + lnB[p]
        if np.isfinite(every + told[5, k] + told[6, k] + told[7, k] + told[9, k]):
            continue
        for c in range(11):
            missing[c] += told[c, k] != told[c, k]


@kernel
def of_weights(line, left, right, catalog, gain, magnitudes, value, plain, odds, apart, told, ranks,
               best):  # fmt: skip
    """Rows of `told` (6, m): the part of magnitudes, gain, posterior, the same by geometry, the
    probability of any, and of this one given that; of `ranks` (3, m): rank, how many there are, how
    many share the best odds; `best` (m,): 1 for the best, 2 for one that is comparable, else 0.
    Gives (6,) how many of each of the former are NaN.

    Lines of one left node with one catalogue stand together as ranked. Where they are judged
    `apart` the probability of any is 1 - prod(1 - value).
    """
    m = line.shape[0]
    missing = np.zeros(told.shape[0], np.int64)
    low = 0
    while low < m:
        top = line[low]
        other, high, summed, same = catalog[right[top]], low, 0.0, 0
        while high < m and left[high] == left[low] and catalog[right[line[high]]] == other:
            p = line[high]
            summed += value[p] * (1.0 - summed) if apart else value[p]
            same += odds[p] == odds[top]
            high += 1
        any_ = min(max(summed, 0.0), 1.0)
        for k in range(low, high):
            p = line[k]
            told[0, k], told[1, k] = magnitudes[p], gain[p]
            told[2, k], told[3, k], told[4, k] = value[p], plain[p], any_
            told[5, k] = value[p] / any_ if any_ > 0.0 else 0.0
            ranks[0, k], ranks[1, k], ranks[2, k] = k - low + 1, high - low, same
            near = value[top] > 0.0 and value[p] / value[top] > COMPARABLE
            best[k] = 1 if k == low else (2 if near else 0)
            missing[0] += magnitudes[p] != magnitudes[p]
            missing[1] += gain[p] != gain[p]
        low = high
    return missing


@kernel
def of_rows(line, left, right, values, told):
    """Rows of `told` (2, m): what `values` (nodes,) has of the left and of the right node."""
    for k in range(line.shape[0]):
        told[0, k], told[1, k] = values[left[k]], values[right[line[k]]]


@kernel
def flags_of(line, left, right, flags, of_node, wide, chi2, limit, heuristic, bits, mates, even,
             absent, marks, told):  # fmt: skip
    """The flags of each line in `told` (m,): of the evidence (m,), of both nodes, and `marks`: of a
    right row that is the best of others, a suspected blend, a tie, an island that is not exact
    (`heuristic` (nodes,)), and what is no candidate (`absent` (m,)).

    By line: `chi2`, how many are as good (`even`); by pair: the rest.
    """
    shared, blend, tie, inexact, outlier = marks
    for k in range(line.shape[0]):
        p, i = line[k], left[k]
        j = right[p]
        found = flags[p] | of_node[i] | of_node[j]
        if mates[p] > 0:
            found |= shared
        if wide[j] > 0.0 and chi2[k] > limit and bits[p] & SEVERAL:
            found |= blend
        if even[k] > 1 or bits[p] & EVEN:
            found |= tie
        if heuristic[i]:
            found |= inexact
        if absent[p]:
            found |= outlier
        told[k] = found
