"""A random forest (Breiman 2001), grown by scikit-learn, kept and asked as arrays of nodes.

The importer of sklearn. Each tree has a seed of its own, so that a forest does not depend on the
order in which its trees are grown, and one that was killed goes on with the next tree.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.learn import arrays
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.nodes import Nodes
from skyquarry.learn.classifiers.pace import Learner, Pace, check_fitted, needed, training

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples

_FILE: Final = "nodes.safetensors"


class Forest(Learner):
    """Trees of random questions on random samples; how far they differ is an uncertainty."""

    name: ClassVar[str] = "forest"
    extra: ClassVar[tuple[str, ...]] = ("sklearn", "safetensors")
    splitter: ClassVar[str] = "best"
    """how a tree finds the threshold of a feature"""

    def __init__(
        self,
        *,
        trees: int = 100,
        depth: int = 12,
        least_leaf: int = 2,
        features: float | str = "sqrt",
        samples: int = 100_000,
        threads: int = 1,
    ) -> None:
        """Settings: `samples` bounds the rows that one tree is grown from."""
        self.trees, self.depth, self.least_leaf = trees, depth, least_leaf
        self.features, self.samples, self.threads = features, samples, threads
        self._nodes: Nodes | None = None
        self._width = 0

    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Grow all trees; `valid` is not needed: more trees are never worse."""
        needed(self.name, self.extra, "learn")
        import sklearn

        _ = valid
        self._classes, self._width = examples.classes, examples.values.shape[1]
        mark = training(self, examples, None, seed, sklearn.__version__)
        saved = None if checkpoint is None else checkpoint.read(mark)
        grown = [] if saved is None else [self._of_bytes(saved.content, "the checkpoint")]
        done = 0 if saved is None else saved.step
        every = 10 if checkpoint is None else checkpoint.every
        pace = Pace(self.name, self.trees, telling)
        with ThreadPoolExecutor(max(1, self.threads)) as pool:
            while done < self.trees:
                stop = min(self.trees, (done // every + 1) * every)
                grow = pool.map(lambda tree: self._tree(examples, seed, tree), range(done, stop))
                for each in grow:
                    grown.append(each)
                    done += 1
                    pace.tell(done)
                if checkpoint is not None and done < self.trees:
                    grown = [Nodes.joined(grown)]
                    checkpoint.write(mark, done, self._to_bytes(grown[0]), {})
        self._nodes = Nodes.joined(grown)
        return self

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._nodes)
        assert self._nodes is not None
        p = self._nodes.probabilities(values, self.threads)
        return np.asarray(p / p.sum(axis=1, keepdims=True), np.float64)

    def with_spread(
        self, values: NDArray[np.float32], of: Sequence[int] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`predict_proba`, and how far the trees differ (n,), in one pass: see `Nodes.with_spread`.

        `of` (K,): the class of each, where those learnt are kinds of fewer classes.
        """
        check_fitted(self, self._nodes)
        assert self._nodes is not None
        p, spread = self._nodes.with_spread(values, self.threads, of)
        return np.asarray(p / p.sum(axis=1, keepdims=True), np.float64), spread

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: the boosted trees tell what speaks for a class."""
        _ = values
        return None

    def save(self, folder: Path) -> None:
        """The nodes, and beside them classes and settings."""
        check_fitted(self, self._nodes)
        assert self._nodes is not None
        write_whole(folder / _FILE, self._to_bytes(self._nodes))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        path = folder / _FILE
        _, told = arrays.from_bytes(path.read_bytes(), str(path))
        made = cls(**told["settings"])
        made._classes, made._width = tuple(told["classes"]), told["features"]
        made._nodes = made._of_bytes(path.read_bytes(), str(path))
        return made

    def _tree(self, examples: Examples, seed: int, number: int) -> Nodes:
        """One tree: its sample and its questions by a seed of its own."""
        from sklearn.tree import DecisionTreeClassifier

        random = np.random.default_rng([seed, number])
        count = self._sample(random, len(examples))
        drawn = np.flatnonzero(count)
        tree = DecisionTreeClassifier(
            splitter=self.splitter,
            max_depth=self.depth,
            min_samples_leaf=self.least_leaf,
            max_features=self.features,
            random_state=int(random.integers(2**31)),
        )
        weight = count[drawn] * examples.weights[drawn]
        tree.fit(examples.values[drawn], examples.labels[drawn], sample_weight=weight)
        return _with_all(Nodes.of_tree(tree.tree_), tree.classes_, len(self._classes))

    def _sample(self, random: np.random.Generator, n: int) -> NDArray[np.float64]:
        """(n,) how often each row is drawn: with replacement."""
        rows = random.integers(0, n, min(n, self.samples))
        return np.bincount(rows, minlength=n).astype(np.float64)

    def _to_bytes(self, nodes: Nodes) -> bytes:
        told = {"classes": self._classes, "features": self._width, "settings": self.settings()}
        return arrays.to_bytes(nodes.arrays(), told)

    def _of_bytes(self, content: bytes, name: str) -> Nodes:
        return Nodes.of_arrays(arrays.from_bytes(content, name)[0], name, self._width)


class ExtraTrees(Forest):
    """Trees of thresholds drawn at random, each grown from all rows (Geurts et al. 2006).

    Their mean is smoother than a forest's.
    """

    name: ClassVar[str] = "extratrees"
    splitter: ClassVar[str] = "random"

    def __init__(
        self,
        *,
        trees: int = 100,
        depth: int = 16,
        least_leaf: int = 2,
        features: float | str = "sqrt",
        samples: int = 100_000,
        threads: int = 1,
    ) -> None:
        """Settings: as a forest's; random trees need be deeper."""
        super().__init__(
            trees=trees, depth=depth, least_leaf=least_leaf, features=features, samples=samples,
            threads=threads,
        )  # fmt: skip

    def _sample(self, random: np.random.Generator, n: int) -> NDArray[np.float64]:
        """(n,) how often each row is drawn: once, or not at all where there are too many."""
        count = np.zeros(n)
        count[random.permutation(n)[: self.samples]] = 1.0
        return count


def _with_all(nodes: Nodes, seen: NDArray[Any], classes: int) -> Nodes:
    """A tree whose sample lacks a class gives it no share."""
    if len(seen) == classes:
        return nodes
    leaves = np.zeros((len(nodes.leaves), classes), np.float32)
    leaves[:, seen] = nodes.leaves
    kept = nodes.arrays() | {"leaves": leaves}
    return Nodes(**kept)
