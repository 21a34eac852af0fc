"""Pairs of one left row in their order: separation, then rank of the right row, then its number."""

from __future__ import annotations

import numpy as np

from skyquarry.match.kernels.stepping import step

SHORT = 24  # rows up to which an insertion sort is fastest
BINS = 2  # bins a row: with more of them fewer rows are out of order, and more are empty
CROWD = 32  # rows in one bin above which the bins are not worth their while


@step
def before(sep_1, right_1, sep_2, right_2, rank):
    """Whether the first pair comes before the second."""
    if sep_1 != sep_2:
        return sep_1 < sep_2
    if rank[right_1] != rank[right_2]:
        return rank[right_1] < rank[right_2]
    return right_1 < right_2


@step
def _insertion(sep, right, start, stop, rank):
    for i in range(start + 1, stop):
        s, r = sep[i], right[i]
        j = i
        while j > start and before(s, r, sep[j - 1], right[j - 1], rank):
            sep[j], right[j] = sep[j - 1], right[j - 1]
            j -= 1
        sep[j], right[j] = s, r


@step
def _sift(sep, right, start, root, end, rank):
    s, r = sep[start + root], right[start + root]
    while 2 * root + 1 < end:
        child = 2 * root + 1
        a = start + child
        if child + 1 < end and before(sep[a], right[a], sep[a + 1], right[a + 1], rank):
            child += 1
            a += 1
        if not before(s, r, sep[a], right[a], rank):
            break
        sep[start + root], right[start + root] = sep[a], right[a]
        root = child
    sep[start + root], right[start + root] = s, r


@step
def _heap(sep, right, start, stop, rank):
    n = stop - start
    for root in range(n // 2 - 1, -1, -1):
        _sift(sep, right, start, root, n, rank)
    for end in range(n - 1, 0, -1):
        last = start + end
        sep[start], sep[last] = sep[last], sep[start]
        right[start], right[last] = right[last], right[start]
        _sift(sep, right, start, np.int64(0), end, rank)


@step
def _greatest(sep, start, stop):
    """The greatest of some separations; four at a time, since one waits for the one before."""
    a, b, c, d = sep[start], 0.0, 0.0, 0.0
    i = start
    while i + 4 <= stop:
        a, b = max(a, sep[i]), max(b, sep[i + 1])
        c, d = max(c, sep[i + 2]), max(d, sep[i + 3])
        i += 4
    for k in range(i, stop):
        a = max(a, sep[k])
    return max(a, b, c, d)


@step
def _from_spares(sep, right, start, n, rank, spare_sep, spare_right):
    """Insertion sort of the spares (n,), nearly in order, into the pairs from `start` on."""
    for i in range(n):
        s, r = spare_sep[i], spare_right[i]
        j = start + i
        while j > start and before(s, r, sep[j - 1], right[j - 1], rank):
            sep[j], right[j] = sep[j - 1], right[j - 1]
            j -= 1
        sep[j], right[j] = s, r


@step
def sort_pairs(sep, right, start, stop, rank, counts, bins, spare_sep, spare_right):  # noqa: PLR0917
    """Sort the pairs [start, stop) in place.

    Scratch: `bins` and the spares (k,), `counts` (BINS * k + 1,). Many pairs first go into bins of
    the squared separation, of which a disc fills each alike; an insertion sort ends the work. Where
    one bin is crowded, and without scratch, a heap sort.
    """
    n = stop - start
    if n <= SHORT:
        _insertion(sep, right, start, stop, rank)
        return
    greatest = _greatest(sep, start, stop)
    if n > bins.size or greatest < 1e-150:  # its square would be 0
        _heap(sep, right, start, stop, rank)
        return
    last = BINS * n - 1
    scale = last / (greatest * greatest)
    first, many = np.uint64(start), np.uint64(n)  # unsigned: see `looking.py`
    for i in range(many):
        s = sep[first + i]
        bins[i] = min(int(s * s * scale), last)
    for k in range(last + 2):
        counts[k] = 0
    for i in range(many):
        counts[np.uint64(bins[i] + 1)] += 1
    total, crowd = 0, 0
    for k in range(last + 2):
        crowd = max(crowd, counts[k])
        total += counts[k]
        counts[k] = total
    if crowd > CROWD:
        _heap(sep, right, start, stop, rank)
        return
    for i in range(many):
        k = np.uint64(bins[i])
        to = np.uint64(counts[k])
        spare_sep[to], spare_right[to] = sep[first + i], right[first + i]
        counts[k] += 1
    _from_spares(sep, right, start, n, rank, spare_sep, spare_right)
