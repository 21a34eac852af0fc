"""How many pairs of points lie at which distance: two trees are gone down at once, no pair is told.

Points come sorted along the sky, so that those of a cell follow each other, and a tree needs no
sorting: a node is divided where the highest bit changes in which its pixels differ. Its points lie
in a ball. Two nodes all of whose pairs fall into one bin are counted at once (Moore et al. 2001,
astro-ph/0012333); points of leaves are compared one by one, by the square of the chord. Where that
is so near an edge that rounding could decide, `separation` does, as in a search for pairs: counts
are those of the pairs that it tells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skyquarry.match.kernels.separation import separation
from skyquarry.match.kernels.stepping import step
from skyquarry.sky.compiled import kernel

ROUNDING = 2e-14
"""of a chord between two positions that are given in degrees: ten times what it can be"""
STACK = 2048
"""pairs of nodes that wait: at most three more for each level of both trees, of which none has
more than one for each bit of a pixel, and some for points of one pixel"""


class Tree(NamedTuple):
    """Points of one side, and nodes over them: `start`, `stop`, `child` (k,); `ball` (k, 4)."""

    xyz: np.ndarray
    """(3, n) unit vectors"""
    places: np.ndarray
    """(3, n) ra, dec in degrees, the cosine of dec"""
    start: np.ndarray
    stop: np.ndarray
    child: np.ndarray
    """the first of the two halves, the other follows; -1: a leaf"""
    ball: np.ndarray
    """where its middle is, and how far its points are from there"""


@step
def _half(spatial, start, stop):
    """Where a node is divided: at the border of the two halves of the smallest cell around it."""
    differ = spatial[start] ^ spatial[stop - 1]
    if differ == 0:
        return (start + stop) // 2
    bits = 0
    while differ >> (bits + 1):
        bits += 1
    border = spatial[stop - 1] >> bits << bits
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if spatial[middle] < border:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def grow(spatial, most, start, stop, child):
    """Divide the points (n,) into nodes, until leaves have `most` at most -> how many.

    With room for none they are only counted.
    """
    n, filling = spatial.size, start.size > 0
    waiting = np.empty((STACK, 3), np.int64)
    waiting[0] = 0, n, 0
    left, nodes = 1, 1
    while left:
        left -= 1
        first, last, node = waiting[left]
        leaf = last - first <= most
        if filling:
            start[node], stop[node], child[node] = first, last, -1 if leaf else nodes
        if leaf:
            continue
        half = _half(spatial, first, last)
        waiting[left] = first, half, nodes
        waiting[left + 1] = half, last, nodes + 1
        left, nodes = left + 2, nodes + 2
    return nodes


@kernel
def bound(xyz, start, stop, ball):
    """The ball of each node (k, 4): about the mean of its points."""
    for node in range(start.size):
        first, last = start[node], stop[node]
        x = y = z = 0.0
        for i in range(first, last):
            x += xyz[0, i]
            y += xyz[1, i]
            z += xyz[2, i]
        n = max(last - first, 1)
        x, y, z = x / n, y / n, z / n
        most = 0.0
        for i in range(first, last):
            dx, dy, dz = xyz[0, i] - x, xyz[1, i] - y, xyz[2, i] - z
            most = max(most, dx * dx + dy * dy + dz * dz)
        ball[node, 0], ball[node, 1], ball[node, 2] = x, y, z
        ball[node, 3] = math.sqrt(most)


@step
def _largest_leaf(tree):
    most = 0
    for node in range(tree.start.size):
        if tree.child[node] < 0:
            most = max(most, tree.stop[node] - tree.start[node])
    return most


@step
def _settled(chords, low, high):
    """(edges below all distances from low to high, edges that are not above all of them)."""
    below = 0
    while below < chords.size and chords[below] <= low:
        below += 1
    upto = below
    while upto < chords.size and chords[upto] <= high:
        upto += 1
    return below, upto


@step
def _exactly(a, i, b, j, edge, is_last):
    """Whether two points are nearer than an edge (arcsec); the last one is within its bin."""
    sep = separation(
        a.places[0, i], a.places[1, i], a.places[2, i],
        b.places[0, j], b.places[1, j], b.places[2, j],
    )  # fmt: skip
    return sep < edge or (is_last and sep == edge)


@step
def _one_by_one(  # noqa: PLR0917
    a, b, m, n, same, edges, chords, below, upto, squares, counts
):
    """Count the pairs of two leaves, of which only the edges [below, upto) fall among them."""
    first, last, bins = b.start[n], b.stop[n], counts.size
    for i in range(a.start[m], a.stop[m]):
        x, y, z = a.xyz[0, i], a.xyz[1, i], a.xyz[2, i]
        begin = i + 1 if same else first
        size = last - begin
        for k in range(size):
            j = begin + k
            dx, dy, dz = b.xyz[0, j] - x, b.xyz[1, j] - y, b.xyz[2, j] - z
            squares[k] = dx * dx + dy * dy + dz * dz
        nearer = 0
        for e in range(below, upto):
            chord = chords[e]
            spread = (2.0 * chord + ROUNDING) * ROUNDING
            low, high = chord * chord - spread, chord * chord + spread
            count, maybe = 0, 0
            for k in range(size):
                count += squares[k] < low
                maybe += squares[k] <= high
            if maybe > count:
                for k in range(size):
                    if low <= squares[k] <= high:
                        count += _exactly(a, i, b, begin + k, edges[e], e == bins)
            if e > 0:
                counts[e - 1] += count - nearer
            nearer = count
        if 0 < upto <= bins:
            counts[upto - 1] += size - nearer


@kernel
def count(a, b, same, edges, chords, counts):
    """Add to counts (m,) the pairs of points of two trees between each two edges.

    edges (m + 1,) arcsec, rising, and `chords` of them, that of 0 being -inf: nothing is nearer. A
    lower edge belongs to its bin, of the upper ones the last alone. `same`: both are one tree, of
    which each pair of points counts once.
    """
    squares = np.empty(max(_largest_leaf(b), 1))
    waiting = np.empty((STACK, 2), np.int64)
    waiting[0] = 0, 0
    left = 1 if a.xyz.shape[1] and b.xyz.shape[1] else 0
    while left:
        left -= 1
        m, n = waiting[left]
        own = same and m == n
        size_m, size_n = a.stop[m] - a.start[m], b.stop[n] - b.start[n]
        p, q = a.ball[m], b.ball[n]
        dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
        apart, reach = math.sqrt(dx * dx + dy * dy + dz * dz), p[3] + q[3] + ROUNDING
        below, upto = _settled(chords, apart - reach, apart + reach)
        if below == upto:
            if 0 < below <= counts.size:
                counts[below - 1] += size_m * (size_m - 1) // 2 if own else size_m * size_n
            continue
        one, other = a.child[m], b.child[n]
        if one < 0 and other < 0:
            _one_by_one(a, b, m, n, own, edges, chords, below, upto, squares, counts)
        elif own:
            waiting[left] = one, one
            waiting[left + 1] = one + 1, one + 1
            waiting[left + 2] = one, one + 1
            left += 3
        elif other < 0 or (one >= 0 and p[3] >= q[3]):
            waiting[left] = one, n
            waiting[left + 1] = one + 1, n
            left += 2
        else:
            waiting[left] = m, other
            waiting[left + 1] = m, other + 1
            left += 2
