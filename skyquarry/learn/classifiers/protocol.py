"""What a learner is, and what it tells of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.examples import Examples


@dataclass(frozen=True, slots=True)
class Step:
    """How far a learner is."""

    learner: str
    done: int
    of: int
    """rounds, trees or epochs; early stopping may end sooner"""
    score: float | None = None
    """log-loss of the objects held out, where there are some"""
    seconds_left: float | None = None


Telling = Callable[[Step], None]


@runtime_checkable
class Spreading(Protocol):
    """A learner of many members that can tell how far these differ: a forest."""

    def with_spread(
        self, values: NDArray[np.float32], of: Sequence[int] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, K) as `predict_proba`, and (n,) how far members differ.

        `of` (K,): the class of each, where those learnt are kinds of fewer classes.
        """
        ...


class Classifier(Protocol):
    """A learner with its settings; after `fit` or `load` it predicts.

    The same examples, settings and seed give the same probabilities, bit by bit, at an equal number
    of threads; a fit that was killed and is asked for again with the same checkpoint as well.
    """

    name: ClassVar[str]
    """by which the registry knows it"""
    extra: ClassVar[tuple[str, ...]]
    """packages that must be installed"""

    @property
    def classes(self) -> tuple[str, ...]:
        """(K,) those it was fitted to."""
        ...

    def settings(self) -> dict[str, Any]:
        """What it was made with: type(self)(**settings) is the same learner, not fitted."""
        ...

    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn; with `valid`, stop when its log-loss falls no longer. Every row is labelled."""
        ...

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        ...

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(n, p, K) what each feature adds to the score of each class; None: it cannot tell."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt into a folder that is there."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        ...
