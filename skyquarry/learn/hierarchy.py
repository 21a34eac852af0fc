"""The upper level of the classes, and a second head: star or extragalactic, and variable.

The probability of a branch is the sum of those of its classes, so that both levels agree for every
row and at every mix (a bottom-up hierarchy; Silla & Freitas 2011, Data Min. Knowl. Discov. 22, 31).
That an object varies is no branch: a giant, a quasar or a white dwarf may vary. So `Head` says it
beside the classes: an ensemble of its own for constant or variable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.classes import BRANCHES
from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import ensemblefile
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.registry import USUAL, installed
from skyquarry.learn.ensemble import train as train_ensemble
from skyquarry.learn.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from skyquarry.learn.ensemble import Ensemble
    from skyquarry.learn.fitting import Fitting

    Floats = NDArray[np.float64]

NAMED: Final = ("star", "extragalactic")
"""branches that are told; `changing` is the class transient alone"""
_ALSO: Final = {
    "star": ("wd", "white dwarf", "dwarf", "m dwarf"),
    "extragalactic": ("gal", "qso", "agn"),
}
"""words of other label sets"""
CONSTANT, VARIABLE = "constant", "variable"
LEAST: Final = 50
"""constant objects, and variable ones, of which a head is learnt"""
_HEAD: Final = "head.json"


@dataclass(frozen=True, slots=True)
class Branches:
    """Which classes each branch holds."""

    names: tuple[str, ...]
    holds: tuple[tuple[int, ...], ...]
    """places among the classes"""

    def probabilities(self, p: ArrayLike) -> Floats:
        """(n, branches) sums of probabilities p (n, K)."""
        given = np.asarray(p, np.float64)
        return np.stack([given[:, list(each)].sum(axis=1) for each in self.holds], axis=1)


def branches_of(classes: Sequence[str]) -> Branches | None:
    """The branches of classes, those that some class is of; None where there are not two.

    >>> branches_of(["galaxy", "giant", "quasar", "white_dwarf"])
    Branches(names=('star', 'extragalactic'), holds=((1, 3), (0, 2)))
    """
    words = [name.lower() for name in classes]
    found: dict[str, tuple[int, ...]] = {}
    for branch in BRANCHES:
        known = {branch, *(each.label for each in BRANCHES[branch]), *_ALSO.get(branch, ())}
        found[branch] = tuple(place for place, word in enumerate(words) if word in known)
    if sum(bool(holds) for holds in found.values()) < 2:
        return None
    told = [(name, found[name]) for name in NAMED if found[name]]
    return Branches(tuple(name for name, _ in told), tuple(holds for _, holds in told))


@dataclass(frozen=True, slots=True)
class Head:
    """Says whether objects vary, whatever their class."""

    ensemble: Ensemble
    columns: tuple[int, ...]
    """which of the model's features it looks at"""
    told: Mapping[str, Any]
    """how many of both it was learnt of, log-losses"""

    def probability(self, values: NDArray[np.float32]) -> Floats:
        """(n,) that objects with the model's features (n, p) are variable."""
        seen = np.ascontiguousarray(values[:, list(self.columns)])
        return np.asarray(self.ensemble.predict_proba(seen)[:, 1])

    def save(self, folder: Path) -> None:
        """Write it into a folder that is there."""
        ensemblefile.save(self.ensemble, folder)
        told = {"columns": list(self.columns), "told": dict(self.told)}
        write_whole(folder / _HEAD, json.dumps(told, indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> Head:
        """What `save` wrote. Raises DamagedError, naming the file."""
        try:
            told = json.loads((folder / _HEAD).read_bytes())
            columns = tuple(int(each) for each in told["columns"])
            about = dict(told["told"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(
                f"{folder / _HEAD} cannot be read ({error}): take the folder from a copy, or train "
                "again"
            ) from error
        return cls(ensemblefile.load(folder), columns, about)


def fit_head(
    examples: Examples,
    varies: ArrayLike,
    *,
    leave: Sequence[str] = (),
    learners: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    threads: int = 1,
    seed: int = 0,
    fitting: Fitting | None = None,
) -> Head:
    """A head learnt of examples of which `varies` (n,) tells 1 variable, 0 constant, -1 unknown.

    `leave` are features that it is not to see: those that told which object varies. One learner is
    enough for it: the first of `learners`, CatBoost where none are named. Raises UserError where
    fewer than 50 of either kind are known.
    """
    told = np.asarray(varies).astype(np.int16)
    counts = counts_of(told, len(examples))
    kept = [place for place, name in enumerate(examples.names) if name not in set(leave)]
    rows = np.flatnonzero(told >= 0)
    seen = np.asarray(np.isfinite(examples.values[rows]).any(axis=0)).tolist()
    columns = tuple(place for place in kept if seen[place])
    known = Examples(
        tuple(examples.names[place] for place in columns),
        np.ascontiguousarray(examples.values[rows][:, list(columns)]),
        (CONSTANT, VARIABLE),
        told[rows],
        None if examples.groups is None else examples.groups[rows],
        examples.weights[rows],
    )
    made = train_ensemble(
        known, learners=_one(learners), threads=threads, seed=seed, fitting=fitting
    )
    about = {"counts": {CONSTANT: int(counts[0]), VARIABLE: int(counts[1])}, "losses": made.losses}
    return Head(made.ensemble, columns, about)


def counts_of(varies: ArrayLike, n: int) -> NDArray[np.int64]:
    """(2,) constant and variable rows of n. Raises UserError where a head cannot be learnt."""
    told = np.asarray(varies)
    if told.shape != (n,) or not np.isin(told, (-1, 0, 1)).all():
        raise UserError(
            f"varies has shape {told.shape} and values {np.unique(told)[:4].tolist()}, but each of "
            f"{n} rows needs 1 (variable), 0 (constant) or -1 (unknown): mend it"
        )
    counts = np.bincount(told[told >= 0], minlength=2)
    if counts.min() < LEAST:
        raise UserError(
            f"{counts[1]} objects are known to be variable and {counts[0]} to be constant, but "
            f"{LEAST} of each are needed to tell them apart: add labels, or train without"
        )
    return counts


def _one(
    learners: Any,
) -> dict[str, Mapping[str, Any]]:
    if learners is None:
        learners = [name for name in USUAL if installed(name)]
    if isinstance(learners, str):
        learners = [learners]
    first = next(iter(learners))
    return {first: learners[first] if hasattr(learners, "items") else {}}
