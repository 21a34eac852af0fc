"""Mixtures of Gaussians with gaps, row by row as the book has it: twin of `learn/mixtures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def least_square(row: Floats, mean: Floats, covariance: Floats) -> float:
    """Mahalanobis' squared distance of a row (d,) to the nearest component, by what it has."""
    there = np.isfinite(row)
    block = np.ix_(there, there)
    away = [row[there] - each[there] for each in mean]
    inverse = [np.linalg.inv(each[block]) for each in covariance]
    return float(min(a @ each @ a for a, each in zip(away, inverse, strict=True)))


def shares(row: Floats, weight: Floats, mean: Floats, covariance: Floats) -> Floats:
    """(C,) how far a row (d,) belongs to each component."""
    there = np.isfinite(row)
    score = np.empty(len(weight))
    for c in range(len(weight)):
        block = covariance[c][np.ix_(there, there)]
        volume = np.linalg.slogdet(block)[1]
        square = least_square(row, mean[c : c + 1], covariance[c : c + 1])
        score[c] = np.log(weight[c]) - 0.5 * (square + volume)
    raised: Floats = np.exp(score - score.max())
    return np.asarray(raised / raised.sum())


def completed(row: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """A row (d,) with the expectation of what it lacks, and the covariance (d, d) that this has."""
    there = np.isfinite(row)
    slope = covariance[np.ix_(~there, there)] @ np.linalg.inv(covariance[np.ix_(there, there)])
    filled, left = row.copy(), np.zeros_like(covariance)
    filled[~there] = mean[~there] + slope @ (row[there] - mean[there])
    gaps = np.ix_(~there, ~there)
    left[gaps] = covariance[gaps] - slope @ covariance[np.ix_(there, ~there)]
    return filled, left


def expected(
    x: Floats, weight: Floats, mean: Floats, covariance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sums (C,), (C, d), (C, d, d) of shares, of rows, and of their products, of rows (n, d)."""
    number, d = mean.shape
    held, first, second = np.zeros(number), np.zeros((number, d)), np.zeros((number, d, d))
    for row in x:
        share = shares(row, weight, mean, covariance)
        for c in range(number):
            filled, left = completed(row, mean[c], covariance[c])
            held[c] += share[c]
            first[c] += share[c] * filled
            second[c] += share[c] * (np.outer(filled, filled) + left)
    return held, first, second


def maximised(
    held: Floats, first: Floats, second: Floats, ridge: Floats
) -> tuple[Floats, Floats, Floats]:
    """Weights (C,), means (C, d), covariances (C, d, d) of such sums.

    A component leans on the covariance of all as if 2 d rows of it were theirs; `ridge` (d, d)
    is added to each.
    """
    d = first.shape[1]
    weight, mean = held / held.sum(), [row / n for n, row in zip(held, first, strict=True)]
    own = [each / n - np.outer(at, at) for n, each, at in zip(held, second, mean, strict=True)]
    overall = sum(share * each for share, each in zip(weight, own, strict=True))
    told = [(n * each + 2 * d * overall) / (n + 2 * d) + ridge
            for n, each in zip(held, own, strict=True)]  # fmt: skip
    return weight, np.array(mean), np.array(told)
