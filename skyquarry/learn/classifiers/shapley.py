"""Shapley values of boosted trees, from tables made once: what each feature adds to a score.

The values are those of Lundberg, Erion & Lee 2018 (arXiv 1802.03888, path-dependent), which the
boosters tell themselves, in a tenth of the time. What a leaf adds hangs on one thing alone: which
of the features on its path a row agrees with. A path of a tree of depth 5 has five at most, so that
of each leaf all 32 answers are worked out once (Yang 2021, arXiv 2109.09847, keeps less), and a row
looks up one a leaf.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

MOST_ANSWERS: Final = 50_000_000
"""of all leaves together: 200 MB. Deeper trees than that are left to their own library"""


@dataclass(frozen=True, slots=True)
class Shapley:
    """The paths of all leaves of all trees, and what every agreement with them adds."""

    kinds: NDArray[np.int32]
    """(m,) the class of each leaf"""
    starts: Ints
    """(m + 1,) where the features of each leaf's path begin"""
    feature: NDArray[np.int32]
    """(s,) features of paths, each once a leaf"""
    low: Floats
    """(s,) a row agrees with a feature of a path from here"""
    high: Floats
    """(s,) to below here"""
    missing: NDArray[np.bool_]
    """(s,) whether one does where the feature is not measured"""
    first: Ints
    """(m,) where the answers of each leaf begin: 2^d agreements of d features each"""
    answers: Floats
    classes: int

    @classmethod
    def of_xgboost(cls, told: dict[str, Any]) -> Self | None:
        """From a booster's JSON; None where the trees are too deep for tables."""
        from skyquarry.learn.kernels.trees import fill_answers

        learner = told["learner"]
        model = learner["gradient_booster"]["model"]
        paths = _Paths()
        for tree, kind in zip(model["trees"], model["tree_info"], strict=True):
            paths.add(tree, kind)
        starts = np.array(paths.starts, np.int64)
        wide = np.diff(starts)
        sizes = wide << np.minimum(wide, 30)  # of wider ones a single leaf is too many already
        if int(sizes.sum()) > MOST_ANSWERS:
            return None
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        answers = np.empty(int(first[-1]), np.float32)
        share, value = np.array(paths.share, np.float64), np.array(paths.value, np.float64)
        fill_answers(starts, share, value, first, answers)
        return cls(
            np.array(paths.kinds, np.int32), starts, np.array(paths.feature, np.int32),
            np.array(paths.low, np.float32), np.array(paths.high, np.float32),
            np.array(paths.missing, np.bool_), first[:-1], answers,
            int(learner["learner_model_param"]["num_class"]),
        )  # fmt: skip

    def values(self, table: Floats, threads: int = 1) -> NDArray[np.float64]:
        """(n, p, K) of rows (n, p): no other row matters, nor the number of threads."""
        from skyquarry.learn.kernels.trees import add_shapley

        turned = np.ascontiguousarray(table.T, np.float32)
        out = np.zeros((len(table), len(turned), self.classes))

        def add(rows: slice) -> None:
            add_shapley(
                turned[:, rows], self.kinds, self.starts, self.feature, self.low, self.high,
                self.missing, self.first, self.answers, out[rows],
            )  # fmt: skip

        bounds = np.linspace(0, len(table), max(1, threads) + 1).astype(int)
        parts = [slice(a, b) for a, b in pairwise(bounds.tolist()) if b > a]
        if len(parts) == 1:
            add(parts[0])
        elif parts:
            with ThreadPoolExecutor(len(parts)) as pool:
                list(pool.map(add, parts))
        return out


@dataclass(slots=True)
class _Paths:
    """Leaves as they are met."""

    feature: list[int] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    missing: list[bool] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    """of the rows that come to a feature's nodes on the path, those that follow it"""
    starts: list[int] = field(default_factory=lambda: [0])
    value: list[float] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)

    def add(self, tree: dict[str, Any], kind: int) -> None:
        """All leaves of a tree, as XGBoost tells it."""
        left, right = tree["left_children"], tree["right_children"]
        asked, cut = tree["split_indices"], tree["split_conditions"]
        default, cover = tree["default_left"], tree["sum_hessian"]
        waiting: list[tuple[int, dict[int, tuple[float, float, bool, float]]]] = [(0, {})]
        while waiting:
            node, path = waiting.pop()
            if left[node] < 0:
                self._leaf(path, cut[node], kind)
                continue
            feature, border = asked[node], cut[node]
            low, high, gap, share = path.get(feature, (-np.inf, np.inf, True, 1.0))
            for child, bounds, goes in (
                (right[node], (max(low, border), high), not default[node]),
                (left[node], (low, min(high, border)), bool(default[node])),
            ):
                part = share * cover[child] / cover[node]
                waiting.append((child, path | {feature: (*bounds, gap and goes, part)}))

    def _leaf(
        self, path: dict[int, tuple[float, float, bool, float]], value: float, kind: int
    ) -> None:
        for feature, (low, high, gap, share) in path.items():
            self.feature.append(feature)
            self.low.append(low)
            self.high.append(high)
            self.missing.append(gap)
            self.share.append(share)
        self.starts.append(len(self.feature))
        self.value.append(value)
        self.kinds.append(kind)
