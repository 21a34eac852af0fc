"""Boosted trees of few leaves as arrays, asked for many rows at once.

A tree is asked as a whole: every node of every row, without a branch (`kernels.add_boosted`), as
Lucchese et al. 2015 (SIGIR, QuickScorer) ask nodes feature by feature. Thresholds are the borders
of histograms, so that a value is told by a byte: how many of its feature's thresholds it reaches.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

MOST_LEAVES: Final = 256
"""of a tree: with more, going down one branch is less work than asking every node"""


@dataclass(frozen=True, slots=True)
class Boosted:
    """Trees whose leaves add up to a score for each class."""

    base: Floats
    """(K,) score before the first tree"""
    kinds: NDArray[np.int32]
    """(T,) the class of each tree"""
    cuts: Floats
    """(c,) thresholds, feature after feature, rising: a value that is at least one goes right"""
    offsets: Ints
    """(p + 1,) where those of each feature begin"""
    plane: NDArray[np.int32]
    """(N,) of inner nodes, tree after tree and level after level: twice the feature, plus 1 where
    what is not measured goes right"""
    rank: NDArray[np.unsignedinteger]
    """(N,) which cut of its feature it asks for"""
    at: NDArray[np.unsignedinteger]
    """(N,) its leftmost leaf, as the leaves of a tree are counted from left to right"""
    step: NDArray[np.unsignedinteger]
    """(N,) leaves that it has on the left"""
    firsts: Ints
    """(T + 1,) where the nodes of each tree begin"""
    leaves: Floats
    """(m,) what they add, tree after tree, from left to right"""
    starts: Ints
    """(T,) where the leaves of each tree begin"""

    @classmethod
    def of_xgboost(cls, told: dict[str, Any]) -> Self | None:
        """From a booster's JSON; None where a tree has more leaves than this way is good for."""
        learner = told["learner"]
        model, parameters = learner["gradient_booster"]["model"], learner["learner_model_param"]
        trees = model["trees"]
        if any(len(each["left_children"]) >= 2 * MOST_LEAVES for each in trees):
            return None
        drawn = _Drawn.of(trees)
        classes = int(parameters["num_class"])
        base = np.zeros(classes, np.float32)
        base += np.array(_numbers(parameters["base_score"]), np.float32)
        kinds = np.array(model["tree_info"], np.int32)
        return cls(base, kinds, *drawn.arrays(int(parameters["num_feature"])))

    def scores(self, values: Floats, threads: int = 1) -> Floats:
        """(n, K) sums of leaves of rows (n, p): no other row matters, nor the number of threads."""
        from skyquarry.learn.kernels.trees import LOT, add_boosted

        values = np.ascontiguousarray(values, np.float32)
        out = np.tile(self.base, (len(values), 1))

        def add(rows: slice) -> None:
            planes = np.empty((2 * values.shape[1], LOT), self.rank.dtype)
            add_boosted(values[rows], self.cuts, self.offsets, self.plane, self.rank, self.at,
                        self.step, self.firsts, self.leaves, self.starts, self.kinds, planes,
                        np.empty(LOT, self.rank.dtype), out[rows])  # fmt: skip

        bounds = np.linspace(0, len(values), max(1, threads) + 1).astype(int)
        parts = [slice(a, b) for a, b in pairwise(bounds) if b > a]
        if len(parts) == 1:
            add(parts[0])
        elif parts:
            with ThreadPoolExecutor(len(parts)) as pool:
                list(pool.map(add, parts))
        return out


@dataclass(frozen=True, slots=True)
class _Drawn:
    """All nodes of all trees in one count, as XGBoost tells them."""

    left: Ints
    """(M,) the left child; -1: a leaf"""
    right: Ints
    feature: Ints
    value: Floats
    """(M,) a value below it goes left; of a leaf, what it adds"""
    missing_right: NDArray[np.bool_]
    roots: Ints

    @classmethod
    def of(cls, trees: Sequence[dict[str, Any]]) -> Self:
        roots = np.cumsum([0, *(len(each["left_children"]) for each in trees)])
        left, right = (
            np.concatenate([np.array(each[name], np.int64) for each in trees])
            for name in ("left_children", "right_children")
        )
        feature, value, default = (
            np.concatenate([np.array(each[name], kind) for each in trees])
            for name, kind in (
                ("split_indices", np.int64), ("split_conditions", np.float32),
                ("default_left", np.int8),
            )
        )  # fmt: skip
        begin = np.repeat(roots[:-1], np.diff(roots))
        inner = left >= 0
        return cls(
            np.where(inner, left + begin, -1), np.where(inner, right + begin, -1), feature, value,
            default == 0, roots[:-1],
        )  # fmt: skip

    def arrays(self, features: int) -> tuple[Any, ...]:
        """Fields of Boosted from `cuts` to `starts`."""
        levels, inner = self._levels(), self.left >= 0
        below = np.ones(len(self.left), np.int64)
        for level in reversed(levels):
            some = level[inner[level]]
            below[some] = below[self.left[some]] + below[self.right[some]]
        at, tree = np.zeros(len(self.left), np.int64), np.zeros(len(self.left), np.int64)
        tree[self.roots] = np.arange(len(self.roots))
        for level in levels:
            some = level[inner[level]]
            at[self.left[some]] = at[some]
            at[self.right[some]] = at[some] + below[self.left[some]]
            tree[self.left[some]] = tree[self.right[some]] = tree[some]
        nodes = np.concatenate([level[inner[level]] for level in levels])
        nodes = nodes[np.argsort(tree[nodes], kind="stable")]
        ends = np.flatnonzero(~inner)
        ends = ends[np.lexsort((at[ends], tree[ends]))]
        cuts, offsets, rank = _ranked(self.feature[nodes], self.value[nodes], features)
        narrow = np.uint8 if np.diff(offsets).max(initial=0) < 255 else np.uint16
        count = len(self.roots)
        return (
            cuts, offsets,
            (2 * self.feature[nodes] + self.missing_right[nodes]).astype(np.int32),
            rank.astype(narrow), at[nodes].astype(narrow), below[self.left[nodes]].astype(narrow),
            np.searchsorted(tree[nodes], np.arange(count + 1)), self.value[ends],
            np.searchsorted(tree[ends], np.arange(count)),
        )  # fmt: skip

    def _levels(self) -> list[Ints]:
        levels = [self.roots]
        while len(levels[-1]):
            some = levels[-1][self.left[levels[-1]] >= 0]
            levels.append(np.stack([self.left[some], self.right[some]], axis=1).ravel())
        return levels


def _ranked(feature: Ints, value: Floats, features: int) -> tuple[Floats, Ints, Ints]:
    """Thresholds of each feature, each once; where each feature's begin; each node's among them."""
    order = np.lexsort((value, feature))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(feature[order]) > 0) | (np.diff(value[order]) > 0)
    first = order[new]
    offsets = np.searchsorted(feature[first], np.arange(features + 1))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(new) - 1
    return value[first], offsets, rank - offsets[feature]


def _numbers(told: str) -> list[float]:
    """One number, or one for each class in brackets: so XGBoost tells it, by its version."""
    return [float(each) for each in told.strip("[]").split(",")]
