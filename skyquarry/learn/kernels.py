"""Loops of the learners over bare arrays."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

BLOCK = 512
"""rows that pass one tree after another while they lie in the cache"""
LOT = 1024
"""rows whose planes lie in the cache while all boosted trees pass over them"""


@kernel
def add_forest(  # noqa: PLR0917
    values, feature, threshold, child, missing, roots, leaves, total, squares
):
    """Add the leaves that rows fall into: `total` (n, K) += p, `squares` (n, K) += p * p.

    values (n, p) float32. A node asks whether values[row, feature] <= threshold: if so its child is
    `child`, else `child` + 1; NaN goes to child + `missing`. A leaf has feature -1, and `child` is
    its row of `leaves` (m, K) float32. `roots` (T,) is where each tree begins. `squares` may have
    no row: then it is left alone. Every row adds trees in their order: no block, no other row
    matters. All rows of a block go down one level together, those at a leaf stay: their steps do
    not wait for each other (1.6 times faster than one row after another).
    """
    n, k = total.shape
    p = np.uint64(values.shape[1])
    wide = squares.shape[0] > 0
    flat = values.ravel()
    place = np.empty(BLOCK, np.uint32)
    for start in range(0, n, BLOCK):
        many = min(n, start + BLOCK) - start
        for tree in range(roots.shape[0]):
            for row in range(many):
                place[row] = roots[tree]
            moved = True
            while moved:
                changed = np.uint32(0)
                for row in range(many):
                    node = place[row]
                    asked = np.int32(feature[node])
                    column = np.uint32(asked & ~(asked >> np.int32(31)))  # of a leaf the first
                    value = flat[np.uint64(start + row) * p + np.uint64(column)]
                    step = np.uint32(not (value <= threshold[node]))
                    step = np.uint32(missing[node]) if value != value else step  # noqa: PLR0124
                    after = node if asked < 0 else np.uint32(child[node]) + step
                    changed |= after ^ node
                    place[row] = after
                moved = changed != 0
            for row in range(many):
                leaf = child[place[row]]
                for each in range(k):
                    share = leaves[leaf, each]
                    total[start + row, each] += share
                    if wide:
                        squares[start + row, each] += share * share


@kernel
def encode(values, edges, scale, low, high, out):
    """Write to `out` (p, n, bins + 1) how far values (n, p) lie through the bins of their feature.

    edges, scale, low, high (p, bins), all float32. A value that is not measured is all 0 but the
    last number, 1. In numpy each step passes through memory: sixteen times the time.
    """
    n, p = values.shape
    bins = edges.shape[1]
    for feature in range(p):
        edge, slope, least, most = edges[feature], scale[feature], low[feature], high[feature]
        for row in range(n):
            value, told = values[row, feature], out[feature, row]
            if np.isfinite(value):
                for each in range(bins):
                    share = (value - edge[each]) * slope[each]
                    share = max(share, least[each])
                    told[each] = min(share, most[each])
                told[bins] = np.float32(0.0)
            else:
                for each in range(bins):
                    told[each] = np.float32(0.0)
                told[bins] = np.float32(1.0)


@kernel
def add_boosted(  # noqa: PLR0917
    values, cuts, offsets, plane, rank, at, step, firsts, leaves, starts, kinds, planes, place, out
):
    """Add the leaves that rows (n, p) float32 fall into, of trees of few leaves: `out` (n, K) +=.

    A value counts as the number of `cuts` of its feature (offsets[f] to offsets[f + 1], rising)
    that it reaches; such counts are a plane of `planes` (2 p, LOT), where NaN is 0 in plane 2 f and
    more than any in plane 2 f + 1. Inner nodes of a tree (firsts[t] to firsts[t + 1]) stand level
    after level. One says: of rows whose `place` is `at`, those whose count in `plane` is above
    `rank` go right, by `step` leaves. (A place is the leftmost leaf that a row may still reach, so
    that rows at a node are just those with its leftmost leaf: its ancestors have been passed, its
    descendants come later.) At the end the place is the leaf, leaves[starts[t] + place] float32,
    added to class kinds[t].

    All that is asked of a row is asked of every row of a lot, so that there is no branch, and one
    instruction serves as many rows as a register has bytes: 50,000 nodes take 2 microseconds a row.
    """
    n, kept = out.shape
    total = np.empty((kept, LOT), np.float32)
    for start in range(0, n, LOT):
        many = min(n, start + LOT) - start
        _rank(values[start : start + many], cuts, offsets, planes)
        for each in range(kept):
            for row in range(many):
                total[each, row] = out[start + row, each]
        for tree in range(starts.shape[0]):
            for row in range(LOT):
                place[row] = 0
            for node in range(firsts[tree], firsts[tree + 1]):
                count, limit, here, right = planes[plane[node]], rank[node], at[node], step[node]
                for row in range(LOT):
                    goes = (place[row] == here) & (count[row] > limit)
                    place[row] = place[row] + right if goes else place[row]
            sums, begin = total[kinds[tree]], starts[tree]
            for row in range(LOT):
                sums[row] += leaves[begin + place[row]]
        for row in range(many):
            for each in range(kept):
                out[start + row, each] = total[each, row]


@kernel
def _rank(values, cuts, offsets, planes):
    """Fill both planes of each feature that is asked for; rows beyond those of values repeat."""
    many = values.shape[0]
    most = planes.dtype.type(-1)
    column = np.empty(LOT, np.float32)
    for feature in range(values.shape[1]):
        if offsets[feature + 1] == offsets[feature]:
            continue
        for row in range(LOT):
            column[row] = values[min(row, many - 1), feature]
        left, right = planes[2 * feature], planes[2 * feature + 1]
        for row in range(LOT):
            left[row] = 0
        for each in range(offsets[feature], offsets[feature + 1]):
            cut = cuts[each]
            for row in range(LOT):
                left[row] += column[row] >= cut
        for row in range(LOT):
            right[row] = most if column[row] != column[row] else left[row]
