"""What each feature is worth to a trained model: how much worse it does with it shuffled.

On held-out rows, so that what was only learnt by heart counts for nothing; with errors from whole
cells of the sky, as neighbours are not independent. Features that say nearly the same cover for
each other: shuffle them together (Breiman 2001, Machine Learning 45, 5; Strobl et al. 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]
    Ints = NDArray[np.int64]

_LEAST_P: Final = 1e-15


@dataclass(frozen=True, slots=True)
class Importance:
    """Features, or groups of them, the most important first."""

    names: tuple[str, ...]
    rise: tuple[float, ...]
    """of the mean log-loss when it is shuffled; 0 for one that the model does not use"""
    error: tuple[float, ...]
    """one sigma, from cells; NaN where there are fewer than two"""
    log_loss: float
    """with nothing shuffled"""

    def worth(self, sigmas: float = 2.0) -> tuple[str, ...]:
        """Those whose rise is above 0 by that many errors, the most important first."""
        told = zip(self.names, self.rise, self.error, strict=True)
        return tuple(
            name for name, rise, error in told if rise > sigmas * np.nan_to_num(error) and rise > 0
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        told = zip(self.names, self.rise, self.error, strict=True)
        rows = [
            {"name": name, "rise": rise, "error": None if np.isnan(error) else error}
            for name, rise, error in told
        ]
        return {"log_loss": self.log_loss, "features": rows}

    def __str__(self) -> str:
        told = zip(self.names, self.rise, self.error, strict=True)
        lines = [f"log-loss {self.log_loss:.4f}; shuffled, it rises by"]
        return "\n".join([*lines, *(f"  {n}: {r:.4f} +- {e:.4f}" for n, r, e in told)])


def importance(  # noqa: PLR0913  options stand alone
    predict: Callable[[Single], Floats],
    values: ArrayLike,
    names: Sequence[str],
    labels: ArrayLike,
    *,
    cells: ArrayLike | None = None,
    together: Mapping[str, Sequence[str]] | None = None,
    repeats: int = 3,
    seed: int = 0,
) -> Importance:
    """The rise of the log-loss of held-out rows when each feature is shuffled among them.

    Parameters
    ----------
    predict : (n, p) float32 -> (n, K) probabilities, of a trained model
    values : (n, p) of rows that it has not seen
    names : (p,) of the features
    labels : (n,) class numbers 0 .. K-1; -1 (unlabelled) is left out
    cells : (n,) the cell of the sky of each row; None: each row is its own
    together : {name of a group: its features}: shuffled by one permutation, beside the single ones
    repeats : permutations a feature
    """
    label = np.asarray(labels, np.int64)
    known = np.flatnonzero(label >= 0)
    table = np.array(np.asarray(values, np.float32)[known])
    label = label[known]
    if len(label) < 2 or repeats < 1:
        raise UserError(
            f"importance has {len(label)} labelled rows and repeats={repeats}, but shuffling "
            "needs two rows and one repeat: give more rows"
        )
    cell = np.arange(len(label)) if cells is None else np.asarray(cells)[known]
    _, cell = np.unique(cell, return_inverse=True)
    asked = _asked(names, together or {})
    before = _losses(predict, table, label)
    rises = []
    for number, columns in enumerate(asked.values()):
        own = table[:, columns].copy()
        worse = np.zeros(len(label))
        for repeat in range(repeats):
            order = np.random.default_rng((seed, number, repeat)).permutation(len(label))
            table[:, columns] = own[order]
            worse += _losses(predict, table, label) - before
        table[:, columns] = own
        rises.append(_with_error(worse / repeats, cell))
    ranked = sorted(range(len(asked)), key=lambda at: (-rises[at][0], at))
    keys = list(asked)
    return Importance(
        tuple(keys[at] for at in ranked),
        tuple(rises[at][0] for at in ranked),
        tuple(rises[at][1] for at in ranked),
        float(before.mean()),
    )


def _asked(names: Sequence[str], together: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """{feature or group: its columns}."""
    place = {name: number for number, name in enumerate(names)}
    asked = {name: [number] for name, number in place.items()}
    for group, members in together.items():
        unknown = [name for name in members if name not in place]
        if unknown or group in place:
            raise UserError(
                f"the group {group!r} of together names {unknown or [group]}, but groups have "
                "names of their own and features of the model: correct it"
            )
        asked[group] = [place[name] for name in members]
    return asked


def _losses(predict: Callable[[Single], Floats], table: Single, label: Ints) -> Floats:
    """(n,) minus the log of the probability of the truth."""
    p = np.asarray(predict(table), np.float64)
    return -np.log(np.maximum(p[np.arange(len(label)), label], _LEAST_P))


def _with_error(rise: Floats, cell: Ints) -> tuple[float, float]:
    """The mean of rows, and its error from the scatter of whole cells."""
    rows = np.bincount(cell)
    mean, n = float(rise.mean()), len(rows)
    if n < 2:
        return mean, float("nan")
    off = np.bincount(cell, rise) - mean * rows
    return mean, float(np.sqrt(np.sum(off**2) * n / (n - 1)) / len(cell))
