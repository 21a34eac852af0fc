"""Which rows train and which judge: by whole groups of the sky, every class in every fold.

Neighbours on the sky share their calibration, extinction and blends: a row of the same cell in
the training set tells a model what it should not know (design of cross-validation by blocks,
Roberts et al. 2017, Ecography 40, 913). The answers depend on the set of rows and the seed alone,
not on the order of the rows, wherever groups are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.sky.healpix import index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_MOST_FOLDS: Final = 127
_STEPS_OF_REPAIR: Final = 1_000


def sky_groups(ra_deg: ArrayLike, dec_deg: ArrayLike, order: int = 6) -> Ints:
    """(n,) int64: the HEALPix cell (nested; 0.84 square degrees at order 6) of each position."""
    return index(np.asarray(ra_deg, np.float64), np.asarray(dec_deg, np.float64), order)


def folds(
    labels: ArrayLike,
    groups: ArrayLike | None,
    k: int = 5,
    seed: int = 0,
    *,
    names: Sequence[str] = (),
) -> NDArray[np.int8]:
    """(n,) int8: the fold 0 .. k-1 of each row; no group is cut, classes are spread evenly.

    `labels` (n,) are class numbers, -1 where unknown: such rows follow their group. Without groups
    each row is a group of its own. Raises UserError where a class cannot be in each fold; it tells
    the class by `names` (K,), where they are given.
    """
    if not 2 <= k <= _MOST_FOLDS:
        raise UserError(f"k is {k}, but folds need 2 to {_MOST_FOLDS}: try k=5")
    return _dealt(labels, groups, np.full(k, 1.0 / k), seed, names).astype(np.int8)


def holdout(
    labels: ArrayLike,
    groups: ArrayLike | None,
    share: float = 0.2,
    seed: int = 0,
    *,
    names: Sequence[str] = (),
) -> Mask:
    """(n,) bool: the rows held out, about `share` of each class, in whole groups.

    As `folds`; both sides hold every class, or UserError is raised.
    """
    if not 0.0 < share < 1.0:
        raise UserError(f"share is {share}, but a part of the rows is between 0 and 1: try 0.2")
    return np.asarray(_dealt(labels, groups, np.array([1.0 - share, share]), seed, names) == 1)


def _dealt(
    labels: ArrayLike, groups: ArrayLike | None, shares: Floats, seed: int, names: Sequence[str]
) -> NDArray[np.intp]:
    """(n,): the part of each row, parts having about `shares` of every class."""
    label = _checked(np.asarray(labels), groups)
    classes, number = np.unique(label, return_inverse=True)
    if groups is None:
        _enough(classes, np.bincount(number), len(shares), "members", names)
        return _dealt_singly(len(classes), number, shares, seed)
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    known = classes >= 0
    counts = np.zeros((int(member.max()) + 1, len(classes)))
    np.add.at(counts, (member, number), 1.0)
    _enough(classes, (counts > 0).sum(axis=0), len(shares), "groups", names)
    part = _spread(counts / counts.sum(axis=0), shares, seed)
    lost = _repair(part, counts[:, known] > 0, len(shares))
    if lost is not None:
        raise UserError(
            f"class {_name(int(classes[known][lost]), names)} stands in groups with others so that "
            f"no cut into {len(shares)} parts with every class in each was found: try fewer folds "
            "or smaller groups"
        )
    return part[member]


def _checked(label: NDArray[Any], groups: ArrayLike | None) -> Ints:
    if label.ndim != 1 or label.dtype.kind not in "iu":
        raise UserError(
            f"labels are of type {label.dtype} and shape {label.shape}, but class numbers are "
            "integers in one dimension: try numpy.unique(names, return_inverse=True)[1]"
        )
    if not (label >= 0).any():
        raise UserError(f"none of {len(label)} rows has a label: give labels from 0 on")
    if groups is not None and np.shape(groups) != label.shape:
        raise UserError(
            f"groups have shape {np.shape(groups)}, but there are {len(label)} labels: give one "
            "group a row, or groups=None"
        )
    return label.astype(np.int64)


def _name(number: int, names: Sequence[str]) -> str:
    return repr(names[number]) if number < len(names) else str(number)


def _enough(
    classes: Ints, there: NDArray[np.integer], parts: int, what: str, names: Sequence[str]
) -> None:
    """Raises UserError where a class has fewer members (or groups) than there are parts."""
    lacking = [
        f"class {_name(number, names)} has {count}"
        for number, count in zip(classes.tolist(), there.tolist(), strict=True)
        if number >= 0 and count < parts
    ]
    if lacking:
        smaller = (
            "smaller groups (a column of yours, or None)" if what == "groups" else "more labels"
        )
        raise UserError(
            f"{', '.join(lacking)} {what}, but {parts} folds need {parts} with each class: try "
            f"fewer folds, {smaller}, or leave the class out"
        )


def _dealt_singly(
    classes: int, number: NDArray[np.intp], shares: Floats, seed: int
) -> NDArray[np.intp]:
    """Rows as groups of one: those of a class are shuffled and cut at the shares."""
    part = np.empty(len(number), np.intp)
    start = 0
    for each in range(classes):
        rows = np.flatnonzero(number == each)
        rows = rows[np.random.default_rng((seed, each)).permutation(len(rows))]
        sizes = _sizes(len(rows), shares, start)
        part[rows] = np.repeat(np.arange(len(shares)), sizes)
        start += len(rows)
    return part


def _sizes(count: int, shares: Floats, start: int) -> Ints:
    """How many of `count` go to each part: none empty where there are enough.

    What is left of whole numbers goes to other parts for each class (`start`), so that the parts
    are even in sum.
    """
    ideal = count * shares
    sizes = np.floor(ideal).astype(np.int64)
    left = count - int(sizes.sum())
    turn = (np.arange(len(shares)) - start) % len(shares)
    order = np.lexsort((turn, -np.round(ideal - sizes, 9)))
    sizes[order[:left]] += 1
    while count >= len(shares) and (sizes == 0).any():
        sizes[np.argmax(sizes)] -= 1
        sizes[np.argmin(sizes)] += 1
    return sizes


def _spread(weight: Floats, shares: Floats, seed: int) -> NDArray[np.intp]:
    """(groups,): the part of each group, given its share of each class (groups, classes).

    Greedy: groups in falling order of weight (by octaves, shuffled within), each to the part where
    the sum over parts and classes of (share held)^2 / (share wanted) grows least. It is least where
    every part holds what it should.
    """
    size = weight.sum(axis=1)
    chance = np.random.default_rng(seed).random(len(size))
    order = np.lexsort((chance, -np.floor(np.log2(size))))
    held = np.zeros((len(shares), weight.shape[1]))
    part = np.empty(len(size), np.intp)
    for group in order:
        mine = weight[group]
        growth = (2.0 * (held @ mine) + mine @ mine) / shares
        best = np.flatnonzero(growth <= growth.min() * (1.0 + 1e-12))
        chosen = best[np.argmin(held[best].sum(axis=1) / shares[best])]
        held[chosen] += mine
        part[group] = chosen
    return part


def _repair(part: NDArray[np.intp], has: Mask, parts: int) -> int | None:
    """Moves groups until each part holds each class; `has` (groups, classes) says who holds it.

    Gives the class for which no way was found, if there is one.
    """
    for _ in range(_STEPS_OF_REPAIR):
        there = np.zeros((parts, has.shape[1]), np.int64)
        np.add.at(there, part, has.astype(np.int64))
        lacking = np.argwhere(there == 0)
        if not len(lacking):
            return None
        where, what = lacking[0]
        givers = np.flatnonzero(has[:, what] & (there[part, what] > 1))
        spare = [group for group in givers if (there[part[group]][has[group]] > 1).all()]
        if not spare:
            break
        part[min(spare, key=lambda group: (int(has[group].sum()), int(group)))] = where
    return int(np.argwhere(there == 0)[0][1])
