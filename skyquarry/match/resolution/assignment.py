"""One-to-one assignment between two catalogues, from the gains of their pairs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.resolution.candidates import candidate_groups
from skyquarry.match.resolution.islands import islands
from skyquarry.match.resolution.resolve import resolve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which pairs are true under one-to-one."""

    chosen: Mask
    """(m,) pairs of the assignment of greatest total gain; of several, of that whose sorted list of
    pairs comes first"""
    posterior: Floats
    """(m,) probability of each pair over all partial assignments"""
    heuristic: Mask
    """(m,) of an island too large for exact posteriors"""
    ln_evidence: float
    """ln of the sum over all partial assignments of exp(total gain)"""


def assign(n1: int, n2: int, left: ArrayLike, right: ArrayLike, gain: ArrayLike) -> Assignment:
    """The best one-to-one assignment of two catalogues, and the exact probability of each pair.

    Parameters
    ----------
    n1, n2
        Rows of the two catalogues.
    left, right
        (m,) rows of each pair; a pair is given once.
    gain
        (m,) ln odds of the pair against both rows single; NaN or -inf forbids a pair.

    Budavari & Basu 2016, AJ 152, 86: singles are allowed, and have gain 0.

    Raises
    ------
    UserError
        For arrays of different lengths, rows that are not there, a pair given twice, a gain of
        +inf.

    >>> assign(1, 2, [0, 0], [0, 1], [1.0, 3.0]).chosen.tolist()
    [False, True]
    """
    first, second = np.asarray(left, np.int64), np.asarray(right, np.int64) + n1
    value = np.asarray(gain, np.float64)
    _check(n1, n2, first, second - n1, value)
    value = np.where(np.isnan(value), -np.inf, value)
    held = islands(n1 + n2, first, second)
    catalog = np.repeat(np.array([0, 1], np.uint8), [n1, n2])
    groups = candidate_groups(held, first, second, catalog)
    at = _numbers_of(first, second, groups)
    ln_weight = np.zeros(len(groups))
    ln_weight[at] = value
    solved = resolve(held, groups, ln_weight)
    return Assignment(
        solved.chosen[at],
        solved.posterior[at],
        solved.heuristic[held.label[first]],
        float(solved.ln_evidence.sum()),
    )


def _numbers_of(first: Ints, second: Ints, groups: Groups) -> Ints:
    """(m,) the group that each pair is."""
    pair = np.flatnonzero(np.diff(groups.start) == 2)
    low, high = groups.nodes[groups.start[pair]], groups.nodes[groups.start[pair] + 1]
    number = np.empty(len(pair), np.int64)
    number[np.lexsort((second, first))] = pair[np.lexsort((high, low))]
    return number


def _check(n1: int, n2: int, left: Ints, right: Ints, gain: Floats) -> None:
    if not left.shape == right.shape == gain.shape or left.ndim != 1:
        raise UserError(
            f"left, right and gain have the shapes {left.shape}, {right.shape} and {gain.shape}, "
            "but each pair needs one of each: pass (m,) arrays"
        )
    for name, rows, n in (("left", left, n1), ("right", right, n2)):
        if len(rows) and not (rows.min() >= 0 and rows.max() < n):
            raise UserError(
                f"{name} has rows from {rows.min()} to {rows.max()}, but there are {n} rows, "
                "numbered from 0: pass row numbers"
            )
    if (gain == np.inf).any():
        raise UserError(
            "a gain is +inf, but odds are finite, or -inf (NaN) for a forbidden pair: look at the "
            "errors of its rows"
        )
    key = np.sort(left * max(n2, 1) + right)
    again = key[1:] == key[:-1]
    if again.any():
        i, j = divmod(int(key[1:][again][0]), max(n2, 1))
        raise UserError(
            f"the pair ({i}, {j}) is given twice, but has one gain: keep the greater of the two"
        )
