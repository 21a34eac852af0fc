"""Trees as arrays of nodes, and the probabilities they give."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Nodes:
    """Trees one after another; of each, its levels from the root on, siblings side by side."""

    feature: NDArray[np.int16]
    """(N,) column that the node asks for; -1: a leaf"""
    threshold: NDArray[np.float32]
    """(N,) a value up to this goes left"""
    child: NDArray[np.int32]
    """(N,) the left child, whose sibling is the next node; of a leaf, its row of `leaves`"""
    missing: NDArray[np.uint8]
    """(N,) 0: what is not measured goes left, 1: right"""
    roots: NDArray[np.int64]
    """(T,) where each tree begins"""
    leaves: NDArray[np.float32]
    """(m, K) share of each class"""

    @classmethod
    def of_tree(cls, tree: Any) -> Self:
        """One tree of scikit-learn (its `tree_`).

        scikit-learn compares float32 values with float64 thresholds; a value is at most such a
        threshold exactly where it is at most the next float32 below it.
        """
        order = _by_level(tree.children_left, tree.children_right)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        left = tree.children_left[order]
        leaf = left < 0
        child = np.where(leaf, np.cumsum(leaf) - 1, place[left])
        shares = tree.value[order][leaf, 0, :]
        return cls(
            feature=np.where(leaf, -1, tree.feature[order]).astype(np.int16),
            threshold=_below(tree.threshold[order]),
            child=child.astype(np.int32),
            missing=np.where(tree.missing_go_to_left[order], 0, 1).astype(np.uint8),
            roots=np.zeros(1, np.int64),
            leaves=(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32),
        )

    @classmethod
    def joined(cls, parts: Sequence[Nodes]) -> Self:
        """All trees of these, in their order."""
        starts = np.cumsum([0, *(len(each.feature) for each in parts)])
        leaves = np.cumsum([0, *(len(each.leaves) for each in parts)])
        child = [
            each.child + np.where(each.feature < 0, leaf, start).astype(np.int32)
            for each, start, leaf in zip(parts, starts, leaves, strict=False)
        ]
        roots = [each.roots + start for each, start in zip(parts, starts, strict=False)]
        return cls(
            feature=np.concatenate([each.feature for each in parts]),
            threshold=np.concatenate([each.threshold for each in parts]),
            child=np.concatenate(child),
            missing=np.concatenate([each.missing for each in parts]),
            roots=np.concatenate(roots),
            leaves=np.concatenate([each.leaves for each in parts]),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, for a file."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str, features: int) -> Self:
        """What `arrays` gave. Raises DamagedError, naming the file, where a step leads nowhere."""
        known = {each.name for each in fields(cls)}
        if set(arrays) != known:
            raise DamagedError(f"{name} holds {', '.join(sorted(arrays))}, but no forest: retrain")
        made = cls(**arrays)
        if not made.sound(features):
            raise DamagedError(
                f"{name} has nodes that lead nowhere: take it from a copy, or retrain"
            )
        return made

    def sound(self, features: int) -> bool:
        """Whether every step from a root leads on, and ends in a leaf."""
        n, leaf = len(self.feature), self.feature < 0
        if not len(self.roots) or self.roots.min() < 0 or self.roots.max() >= n:
            return False
        ends = (self.child[leaf] >= 0) & (self.child[leaf] < len(self.leaves))
        here = np.flatnonzero(~leaf)
        goes = (self.child[~leaf] > here) & (self.child[~leaf] + 1 < n)
        inside = self.feature[~leaf] < features
        return bool(ends.all() and goes.all() and inside.all() and (self.missing <= 1).all())

    def probabilities(self, values: NDArray[np.float32], threads: int = 1) -> Floats:
        """(n, K) mean over the trees of the shares in the leaves that rows (n, p) fall into."""
        total, _ = self._summed(values, threads)
        return total / len(self.roots)

    def with_spread(
        self, values: NDArray[np.float32], threads: int = 1, of: Sequence[int] | None = None
    ) -> tuple[Floats, Floats]:
        """The same, and how far trees differ (n,): sqrt(1/2 sum over k of the variance of p_k).

        Of two classes it is the standard deviation of either's share. With the mean of the trees'
        own doubt it makes up that of the forest: 1 - p . p = 2 spread^2 + mean of (1 - p_t . p_t).
        `of` (K,) sums shares to those of fewer classes before they are compared.
        """
        own = range(self.leaves.shape[1]) if of is None else of
        norms = (_gathered(self.leaves, own) ** 2).sum(axis=1)
        total, squares = self._summed(values, threads, norms)
        p = total / len(self.roots)
        within = squares / len(self.roots)
        away = np.maximum(within - (_gathered(p, own) ** 2).sum(axis=1), 0.0)
        return p, np.sqrt(0.5 * away)

    def _summed(
        self,
        values: NDArray[np.float32],
        threads: int,
        norms: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """(n, K) sums over the trees of what they give, and (n,) of their norms (m,)."""
        from concurrent.futures import ThreadPoolExecutor

        from skyquarry.learn.kernels.trees import add_forest

        values = np.ascontiguousarray(values, np.float32)
        total = np.zeros((len(values), self.leaves.shape[1]))
        squares = np.zeros(0 if norms is None else len(values))
        known = np.zeros(0) if norms is None else norms

        def add(rows: slice) -> None:
            add_forest(values[rows], self.feature, self.threshold, self.child, self.missing,
                       self.roots, self.leaves, known, total[rows], squares[rows])  # fmt: skip

        bounds = np.linspace(0, len(values), max(1, threads) + 1).astype(int)
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        if threads <= 1:
            add(parts[0])
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(add, parts))
        return total, squares


def _gathered(p: NDArray[Any], of: Sequence[int]) -> Floats:
    """(n, C) shares (n, K) summed to those of the classes `of` (K,)."""
    told = np.zeros((len(p), max(of) + 1))
    for number, own in enumerate(of):
        told[:, own] += p[:, number]
    return told


def _by_level(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Node numbers of a tree, level after level, siblings side by side."""
    levels = [np.zeros(1, np.int64)]
    while len(levels[-1]):
        inner = levels[-1][left[levels[-1]] >= 0]
        levels.append(np.stack([left[inner], right[inner]], axis=1).ravel())
    return np.concatenate(levels)


def _below(threshold: Floats) -> NDArray[np.float32]:
    """The greatest float32 at most each threshold."""
    near = threshold.astype(np.float32)
    down = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > threshold, down, near).astype(np.float32)
