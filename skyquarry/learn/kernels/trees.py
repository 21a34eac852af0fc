"""Loops over trees: what a forest and boosted trees say, and what speaks for it."""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

BLOCK = 512
"""rows that pass one tree after another while they lie in the cache"""
FEW = 128
"""rows whose Shapley values lie in the cache while all leaves pass over them"""
LOT = 1024
"""rows whose planes lie in the cache while all boosted trees pass over them"""


@kernel
def add_forest(  # noqa: PLR0917
    values, feature, threshold, child, missing, roots, leaves, norms, total, squares
):
    """Add the leaves that rows fall into: `total` (n, K) += p, `squares` (n,) += p . p.

    values (n, p) float32. A node asks whether values[row, feature] <= threshold: if so its child is
    `child`, else `child` + 1; NaN goes to child + `missing`. A leaf has feature -1, and `child` is
    its row of `leaves` (m, K) float32, whose square is in `norms` (m,). `roots` (T,) is where each
    tree begins. `squares` may have no row: then it is left alone. Every row adds trees in their
    order: no block, no other row matters. All rows of a block go down one level together, those at
    a leaf stay: their steps do not wait for each other (1.6 times faster than one row after
    another).
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
                    total[start + row, each] += leaves[leaf, each]
                if wide:
                    squares[start + row] += norms[leaf]


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


@kernel
def fill_answers(starts, share, value, first, answers):
    """What leaves add to the features of their paths, for every agreement with them.

    Leaf i has the features starts[i] .. starts[i + 1]: d of them. answers[first[i] + a * d + j] is
    the Shapley value of feature j of a row that agrees with the features whose bit of `a` is set:
    value * (o_j - z_j) * sum over sets S of the others of |S|! (d - |S| - 1)! / d! times the
    product of o in S and of z outside of it, o being 1 or 0, and z = `share`. The sum over sets of
    one size is a coefficient of the polynomial of all (z + o t): Lundberg, Erion & Lee 2018.
    """
    for leaf in range(starts.shape[0] - 1):
        begin = starts[leaf]
        d = starts[leaf + 1] - begin
        weight, terms = np.empty(d + 1), np.empty(d + 1)
        for size in range(d):  # size! (d - size - 1)! / d!
            weight[size] = 1.0 / d
            for each in range(1, size + 1):
                weight[size] *= each / (d - each)
        for agreed in range(1 << d):
            for j in range(d):
                terms[:] = 0.0
                terms[0] = 1.0
                for other in range(d):
                    if other == j:
                        continue
                    z = share[begin + other]
                    o = (agreed >> other) & 1
                    for size in range(d - 1, 0, -1):
                        terms[size] = terms[size] * z + terms[size - 1] * o
                    terms[0] *= z
                total = 0.0
                for size in range(d):
                    total += terms[size] * weight[size]
                mine = ((agreed >> j) & 1) - share[begin + j]
                answers[first[leaf] + agreed * d + j] = value[leaf] * mine * total


@kernel
def add_shapley(  # noqa: PLR0917
    turned, kinds, starts, feature, low, high, missing, first, answers, out
):
    """Add what all leaves say of rows: `out` (n, p, K) += answers.

    turned (p, n) float32, NaN where not measured; a row agrees with a feature of a path where it is
    in [low, high). Every row adds leaves in their order. Leaves pass over a block of rows.
    """
    n = out.shape[0]
    agreed = np.empty(FEW, np.int32)
    sums = np.empty((out.shape[1], out.shape[2], FEW))
    for start in range(0, n, FEW):
        many = min(n, start + FEW) - start
        sums[:] = 0.0
        for leaf in range(kinds.shape[0]):
            begin, end, kind = starts[leaf], starts[leaf + 1], kinds[leaf]
            d = np.int32(end - begin)
            agreed[:many] = 0
            for j in range(d):
                at = begin + j
                column = turned[feature[at], start : start + many]
                least, most, gap = low[at], high[at], missing[at]
                bit = d << np.int32(j)  # an answer has d numbers
                for row in range(many):
                    value = column[row]
                    inside = (value >= least) & (value < most)
                    inside |= gap & (value != value)  # noqa: PLR0124  (NaN)
                    agreed[row] += bit * np.int32(inside)
            told = answers[first[leaf] :]
            for j in range(d):
                total = sums[feature[begin + j], kind]
                for row in range(many):
                    total[row] += told[agreed[row] + np.int32(j)]
        for row in range(many):
            out[start + row] += sums[:, :, row]
