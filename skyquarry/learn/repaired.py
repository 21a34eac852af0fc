"""An old model taught by a few hundred labels of another survey, depth or place.

What the old model says of an object (its log-probabilities) stands beside the object's features;
learners are fitted to both, on the new labels alone (stacked generalisation, Wolpert 1992, Neural
Networks 5, 241, with the new survey as its second level). Where the old model is still right it is
believed, where it is not, the labels say so; its training rows are not needed. From bright to deep
SDSS 500 labels so used are worth more than 500 labels alone: `benchmarks/repair.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError
from skyquarry.learn.ensemble import Ensemble, Trained, explained, heard
from skyquarry.learn.ensemble import train as train_ensemble
from skyquarry.learn.examples import Examples, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.learn.fitting import Fitting
    from skyquarry.learn.pooling import Combine

    Floats = NDArray[np.float64]

_FLOOR: Final = 1e-4
"""a probability of 0 has no logarithm"""


@dataclass(frozen=True, slots=True)
class Repaired(Ensemble):
    """An ensemble of features and of what an older ensemble says."""

    base: Ensemble
    columns: tuple[int, ...]
    """features that the new labels had; the base sees all"""

    def _heard(
        self, values: NDArray[np.float32], of: Sequence[int] | None = None
    ) -> tuple[Floats, Floats | None]:
        """What each learner says, knowing what the base says."""
        return heard(self.learners, beside(self.base, values, self.columns), of)

    def explain(self, values: NDArray[np.float32]) -> Floats | None:
        """(n, p, K) what features add to the scores; what the base added is not told apart."""
        seen = beside(self.base, values, self.columns)
        told = explained(self.learners, seen)
        if told is None:
            return None
        weights = np.zeros((len(values), values.shape[1], len(self.classes)))
        weights[:, list(self.columns)] = told[:, : len(self.columns)]
        return weights


def repair(  # noqa: PLR0913  (as sq.repair)
    base: Ensemble,
    values: NDArray[np.float32],
    names: Sequence[str],
    labels: Sequence[Any],
    *,
    groups: Any = None,
    weights: Any = None,
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    combine: Combine = "auto",
    threads: int = 1,
    seed: int = 0,
    fitting: Fitting | None = None,
) -> tuple[Trained, Examples]:
    """The base, taught by rows (n, p) with labels (n,); and the labelled rows.

    The classes are those of the base, each with five members among the labels at least, unless
    labels are of other words: then those of the labels. Raises UserError as `Examples.of` does.
    """
    words = [word(each) for each in labels]
    there = np.array([each is not None for each in words], np.bool_)
    if not there.any():
        raise UserError(
            f"none of {len(labels)} rows has a label, but a few hundred are needed to repair a "
            "model: label some"
        )
    measured = np.asarray(np.isfinite(values[there]).any(axis=0)).tolist()
    seen = tuple(at for at, known in enumerate(measured) if known)
    said = tuple(f"log p of {name}" for name in base.classes)
    examples = Examples.of(
        beside(base, values, seen), [*(names[at] for at in seen), *said], words,
        classes=base.classes if {*words} <= {None, *base.classes} else None,
        groups=groups, weights=weights,
    ).labelled()  # fmt: skip
    made = train_ensemble(
        examples, learners=learners, combine=combine, threads=threads, seed=seed, fitting=fitting
    )
    new = made.ensemble
    whole = Repaired(new.classes, new.learners, new.pool, new.calibration, base, seen)
    return Trained(whole, made.rows, made.held, made.losses, made.skipped), examples


def beside(
    base: Ensemble, values: NDArray[np.float32], columns: Sequence[int]
) -> NDArray[np.float32]:
    """(n, columns + K): features (n, p), and log-probabilities of the base after them."""
    said = np.log(np.maximum(base.predict_proba(values), _FLOOR))
    return np.hstack([values[:, list(columns)], said.astype(np.float32)])
