"""Loops over mixtures of Gaussians whose rows lack values.

Rows come sorted by which features they have: rows starts[p] .. starts[p + 1] of `turned` (d, n)
have the features known[p] (P, d) bool, of which there is one at least. Rows of one pattern share
the Cholesky root of the block of each covariance; a block of rows lies in the cache while all
components look at it. What a row lacks is never read.
"""

from __future__ import annotations

import numpy as np

from skyquarry.sky.compiled import kernel

BLOCK = 128
"""rows of one pattern that are looked at together"""


@kernel
def least_square(turned, starts, known, mean, covariance, out):
    """Write to `out` (n,) Mahalanobis' squared distance to the nearest component.

    mean (C, d), covariance (C, d, d). Says whether every block had a root.
    """
    d = turned.shape[0]
    here, root = np.empty(d, np.int64), np.empty((d, d))
    away, squares = np.empty((d, BLOCK)), np.empty(BLOCK)
    sound = True
    for pattern in range(known.shape[0]):
        m = _features(known[pattern], here)
        for c in range(mean.shape[0]):
            sound &= _root(covariance[c], here, m, root)
            for start in range(starts[pattern], starts[pattern + 1], BLOCK):
                many = min(starts[pattern + 1], start + BLOCK) - start
                _whiten(turned, start, many, mean[c], here, m, root, away)
                _squares(away, m, many, squares)
                for row in range(many):
                    if c == 0 or squares[row] < out[start + row]:
                        out[start + row] = squares[row]
    return sound


@kernel
def expected(turned, starts, known, weight, mean, covariance, held, first, second):  # noqa: PLR0917
    """Add what rows are expected to be: the E step, and the sums of the M step.

    By the mixture weight (C,), mean (C, d), covariance (C, d, d): shares of each row in the
    components, held (C,) += shares; first (C, d) += shares * x and second (C, d, d) += shares *
    x x^T of rows whose missing values are their expectation, and the covariance that these still
    have. Says whether every block had a root.
    """
    d, count = turned.shape[0], mean.shape[0]
    here, rest = np.empty(d, np.int64), np.empty(d, np.int64)
    roots, slopes = np.empty((count, d, d)), np.empty((count, d, d))
    away, filled = np.empty((count, d, BLOCK)), np.empty((BLOCK, d))
    shares, squares, summed = np.empty((count, BLOCK)), np.empty(BLOCK), np.empty(count)
    sound = True
    for pattern in range(known.shape[0]):
        m, gaps = _features(known[pattern], here), _features(~known[pattern], rest)
        for c in range(count):
            sound &= _root(covariance[c], here, m, roots[c])
            _slope(covariance[c], here, m, rest, gaps, roots[c], slopes[c])
            summed[c] = 0.0
        for start in range(starts[pattern], starts[pattern + 1], BLOCK):
            many = min(starts[pattern + 1], start + BLOCK) - start
            _share(turned, start, many, weight, mean, here, m, roots, away, squares, shares)
            for c in range(count):
                _fill(turned, start, many, mean[c], here, m, rest, gaps, away[c], slopes[c], filled)
                _add(filled, shares[c], many, first[c], second[c])
                for row in range(many):
                    summed[c] += shares[c, row]
        for c in range(count):
            held[c] += summed[c]
            for a in range(gaps):
                for b in range(gaps):
                    left = covariance[c, rest[a], rest[b]]
                    for i in range(m):
                        left -= slopes[c, i, a] * slopes[c, i, b]
                    second[c, rest[a], rest[b]] += summed[c] * left
    return sound


@kernel
def likely(turned, starts, known, weight, mean, covariance, out):
    """Write to `out` (n, d) the rows, with the expectation of what they lack.

    By the mixture weight (C,), mean (C, d), covariance (C, d, d): of each component's conditional
    mean by the share that it has in the row. Says whether every block had a root.
    """
    d, count = turned.shape[0], mean.shape[0]
    here, rest = np.empty(d, np.int64), np.empty(d, np.int64)
    roots, slopes = np.empty((count, d, d)), np.empty((count, d, d))
    away, filled = np.empty((count, d, BLOCK)), np.empty((BLOCK, d))
    shares, squares = np.empty((count, BLOCK)), np.empty(BLOCK)
    sound = True
    for pattern in range(known.shape[0]):
        m, gaps = _features(known[pattern], here), _features(~known[pattern], rest)
        for c in range(count):
            sound &= _root(covariance[c], here, m, roots[c])
            _slope(covariance[c], here, m, rest, gaps, roots[c], slopes[c])
        for start in range(starts[pattern], starts[pattern + 1], BLOCK):
            many = min(starts[pattern + 1], start + BLOCK) - start
            _share(turned, start, many, weight, mean, here, m, roots, away, squares, shares)
            for row in range(many):
                for i in range(m):
                    out[start + row, here[i]] = turned[here[i], start + row]
                for a in range(gaps):
                    out[start + row, rest[a]] = 0.0
            for c in range(count):
                _fill(turned, start, many, mean[c], here, m, rest, gaps, away[c], slopes[c], filled)
                for row in range(many):
                    for a in range(gaps):
                        out[start + row, rest[a]] += shares[c, row] * filled[row, rest[a]]
    return sound


@kernel
def log_density(turned, starts, known, weight, mean, covariance, out):
    """Write to `out` (n,) the logarithm of the density of what is there, but for (2 pi)^(-m / 2).

    Of the mixture weight (C,), mean (C, d), covariance (C, d, d). Says whether every block had a
    root.
    """
    d, count = turned.shape[0], mean.shape[0]
    here, root = np.empty(d, np.int64), np.empty((d, d))
    away, squares = np.empty((d, BLOCK)), np.empty(BLOCK)
    sound = True
    for pattern in range(known.shape[0]):
        m = _features(known[pattern], here)
        for c in range(count):
            sound &= _root(covariance[c], here, m, root)
            score = np.log(max(weight[c], 1e-12))
            for i in range(m):
                score += np.log(root[i, i])
            for start in range(starts[pattern], starts[pattern + 1], BLOCK):
                many = min(starts[pattern + 1], start + BLOCK) - start
                _whiten(turned, start, many, mean[c], here, m, root, away)
                _squares(away, m, many, squares)
                for row in range(many):
                    mine, before = score - 0.5 * squares[row], out[start + row]
                    if c == 0:
                        out[start + row] = mine
                    else:
                        top = max(mine, before)
                        out[start + row] = top + np.log1p(np.exp(min(mine, before) - top))
    return sound


@kernel
def _share(turned, start, many, weight, mean, here, m, roots, away, squares, shares):  # noqa: PLR0917
    """Write to `shares` (C, many) those of rows in the components, to `away` whitened rows."""
    for c in range(mean.shape[0]):
        _whiten(turned, start, many, mean[c], here, m, roots[c], away[c])
        _squares(away[c], m, many, squares)
        score = np.log(max(weight[c], 1e-12))
        for i in range(m):
            score += np.log(roots[c, i, i])  # of the inverse: minus half the log-volume
        for row in range(many):
            shares[c, row] = score - 0.5 * squares[row]
    _normalise(shares, many)


@kernel
def _features(there, here):
    """The numbers of features that are there; how many they are."""
    m = 0
    for feature in range(there.shape[0]):
        if there[feature]:
            here[m] = feature
            m += 1
    return m


@kernel
def _root(covariance, here, m, root):
    """Cholesky's lower root of the block of `here`; its diagonal is kept as its inverse."""
    sound = True
    for i in range(m):
        for j in range(i + 1):
            left = covariance[here[i], here[j]]
            for k in range(j):
                left -= root[i, k] * root[j, k]
            if j < i:
                root[i, j] = left * root[j, j]
            else:
                sound &= left > 0.0
                root[i, i] = 1.0 / np.sqrt(left)
    return sound


@kernel
def _whiten(turned, start, many, mean, here, m, root, away):  # noqa: PLR0917
    """Write to `away` (m, many) what the root makes of rows less their mean: of unit variance."""
    for i in range(m):
        mine, column, centre = away[i], turned[here[i]], mean[here[i]]
        for row in range(many):
            mine[row] = column[start + row] - centre
        for j in range(i):
            other, factor = away[j], root[i, j]
            for row in range(many):
                mine[row] -= factor * other[row]
        scale = root[i, i]
        for row in range(many):
            mine[row] *= scale


@kernel
def _squares(away, m, many, squares):
    for row in range(many):
        squares[row] = 0.0
    for i in range(m):
        for row in range(many):
            squares[row] += away[i, row] * away[i, row]


@kernel
def _slope(covariance, here, m, rest, gaps, root, slope):
    """Write to `slope` (m, gaps) how whitened values tell those that are missing."""
    for a in range(gaps):
        for i in range(m):
            left = covariance[here[i], rest[a]]
            for j in range(i):
                left -= root[i, j] * slope[j, a]
            slope[i, a] = left * root[i, i]


@kernel
def _normalise(shares, many):
    """Log-scores (C, many) become shares whose sum is 1."""
    for row in range(many):
        top = shares[0, row]
        for c in range(1, shares.shape[0]):
            top = max(top, shares[c, row])
        total = 0.0
        for c in range(shares.shape[0]):
            shares[c, row] = np.exp(shares[c, row] - top)
            total += shares[c, row]
        for c in range(shares.shape[0]):
            shares[c, row] /= total


@kernel
def _fill(turned, start, many, mean, here, m, rest, gaps, away, slope, filled):  # noqa: PLR0917
    """Write to `filled` (many, d) rows with the expectation of what is missing."""
    for i in range(m):
        for row in range(many):
            filled[row, here[i]] = turned[here[i], start + row]
    for a in range(gaps):
        for row in range(many):
            told = mean[rest[a]]
            for i in range(m):
                told += slope[i, a] * away[i, row]
            filled[row, rest[a]] = told


@kernel
def _add(filled, share, many, first, second):
    """Sums of rows, and of their products, by their share."""
    d = filled.shape[1]
    for row in range(many):
        x = filled[row]
        for i in range(d):
            part = share[row] * x[i]
            first[i] += part
            sums = second[i]
            for j in range(d):
                sums[j] += part * x[j]
