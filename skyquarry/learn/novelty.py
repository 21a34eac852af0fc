"""What resembles no class: a p-value of each object, calibrated to a rate of false alarms.

For each class a mixture of Gaussians says how far an object is from it, and unseen members of the
class how often its members are as far: a conformal p-value (Bates et al. 2023, arXiv 2104.08279).
The p-value of an object is the greatest over the classes: it is small where the object would be
strange in every one. So of each class at most alpha of the members are called novel, as long as
they are drawn as the training rows were. Where they are drawn otherwise (deeper, redder), more are.
A class of few members (104 white dwarfs, say) is compared with its own members too: how much
stranger than all of them is strange is told by their tail (`edges.share_beyond_few`).
`outside` asks also whether an object lies beyond the edges of what was trained on (`edges`): both
answers, calibrated together, are how `shift` sees a row alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import mixtures
from skyquarry.learn.edges import Support, share_beyond, share_beyond_few, support_of, thinned
from skyquarry.learn.onethread import one_thread
from skyquarry.learn.scaling import scaled, scaling
from skyquarry.learn.splits import holdout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_FEATURES: Final = 12
MOST_EDGES: Final = 24
"""features of which edges are looked at by themselves; of more, those that tell classes apart"""
_ALIKE: Final = 0.97
"""features that correlate more tell the same"""
_LEAST_KNOWN: Final = 0.3
"""share of rows that have a feature"""
LEAST: Final = 100
"""members set aside: of a class with fewer, a tail says what is stranger than all of them"""
_MOST_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of each object."""

    p_value: Floats
    """(n,): share of the members of the class it is least strange in that are as strange"""
    distance: Floats
    """(n,): normal deviate from the nearest class; goes on where the p-value ends"""
    nearest: NDArray[np.intp]
    """(n,): that class"""
    outside: Floats
    """(n,): share of its class as strange in every class, or as far beyond an edge of all rows"""

    def flags(self, alpha: float = 0.01) -> NDArray[np.bool_]:
        """(n,): objects that resemble no class, at this rate of false alarms."""
        return np.asarray(self.p_value <= alpha)


@dataclass(frozen=True, slots=True)
class Novelty:
    """Fitted: `judge` it."""

    columns: tuple[int, ...]
    """which features are looked at"""
    centre: Floats
    scale: Floats
    classes: tuple[mixtures.Mixture, ...]
    unseen: tuple[Floats, ...]
    """distances of members set aside, rising; of a class with one at most, those of all classes"""
    weak: tuple[int, ...]
    """classes with fewer than 100 members set aside"""
    support: Support | None = None
    """the edges of what was trained on; None in models of before, which tell `outside` by classes
    alone"""

    def judge(self, values: ArrayLike) -> Judged:
        """Of features (n, p), NaN where missing. A row without any value is not novel."""
        given = np.asarray(values)
        last = max(self.columns + (() if self.support is None else self.support.columns))
        if given.ndim != 2 or given.shape[1] <= last:
            raise UserError(
                f"the features have shape {given.shape}, but column {last} is needed: "
                "give the features of the model"
            )
        told = self._by_classes(scaled(given[:, list(self.columns)], self.centre, self.scale))
        if self.support is None:
            return told
        return replace(told, outside=self.support.p_value(given, told.p_value, told.nearest))

    def _by_classes(self, x: Floats) -> Judged:
        p, far = np.empty((len(x), len(self.classes))), np.empty((len(x), len(self.classes)))
        for k, (each, unseen) in enumerate(zip(self.classes, self.unseen, strict=True)):
            far[:, k] = each.distance(x)
            share = share_beyond_few if k in self.weak else share_beyond
            p[:, k] = share(unseen, far[:, k])
        nearest, likeliest = far.argmin(axis=1), p.argmax(axis=1)
        # distances from what few rows told are not those from what many told; shares are
        nearest = np.where(np.isin(likeliest, self.weak), likeliest, nearest)
        highest = p.max(axis=1)
        return Judged(highest, far.min(axis=1), nearest, highest)

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "columns": list(self.columns),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "classes": [each.to_json() for each in self.classes],
            "unseen": [each.tolist() for each in self.unseen],
            "weak": list(self.weak),
            "support": None if self.support is None else self.support.to_json(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Novelty:
        """From what `to_json` gave. Raises DamagedError where it is something else."""
        try:
            made = cls(
                tuple(int(each) for each in told["columns"]),
                np.array(told["centre"], np.float64),
                np.array(told["scale"], np.float64),
                tuple(mixtures.Mixture.from_json(each) for each in told["classes"]),
                tuple(np.array(each, np.float64) for each in told["unseen"]),
                tuple(int(each) for each in told["weak"]),
                _support(told.get("support")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(
                f"a novelty score cannot be read ({error}): save it again"
            ) from error
        shapes = {each.mean.shape[1] for each in made.classes} | {len(made.centre), len(made.scale)}
        if shapes != {len(made.columns)} or len(made.unseen) != len(made.classes):
            raise DamagedError(
                f"a novelty score has {len(made.columns)} columns, but parts for {sorted(shapes)} "
                "of them: save it again"
            )
        return made


@one_thread()
def fit(
    values: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    columns: Sequence[int] | None = None,
    edges: Sequence[int] | None = None,
    seed: int = 0,
) -> Novelty:
    """From labelled rows: features (n, p) with NaN, class numbers (n,), groups of the sky.

    Three fifths of the groups tell where classes lie, two fifths how far members stray. `columns`
    are the features to look at; if not given, at most twelve that tell classes apart best and are
    not told by another. `edges` are those whose edges are looked at, magnitudes above all; if not
    given, all of up to 24, else those of `columns`.
    """
    given, label = np.asarray(values), np.asarray(labels).astype(np.int64)
    if given.ndim != 2 or label.shape != (len(given),):
        raise UserError(
            f"features have shape {given.shape} and labels {label.shape}, but each row needs one "
            "label: give the examples"
        )
    known = np.flatnonzero(label >= 0)
    if len(known) > _MOST_ROWS:  # to choose and scale features; all rows calibrate
        known = np.sort(np.random.default_rng(seed).permutation(known)[:_MOST_ROWS])
    some = np.asarray(given[known], np.float64)
    centre, scale = scaling(some)
    chosen = list(columns) if columns is not None else _telling(some, label[known])
    if not chosen:
        raise UserError(
            f"none of {given.shape[1]} features is measured in {_LEAST_KNOWN:.0%} of the rows and "
            "differs among classes, but one is needed: look at the features"
        )
    x = scaled(given[:, chosen], centre[chosen], scale[chosen])
    aside = holdout(label, groups, 0.4, seed)
    kinds = int(label.max()) + 1
    made = [mixtures.fit(x[(label == k) & ~aside], seed) for k in range(kinds)]
    far = [_distances(made[k], x[(label == k) & aside]) for k in range(kinds)]
    pooled = np.sort(np.concatenate(far))
    weak = tuple(k for k in range(kinds) if len(far[k]) < LEAST)
    unseen = tuple(thinned(pooled if len(far[k]) < 2 else far[k]) for k in range(kinds))
    told = Novelty(tuple(chosen), centre[chosen], scale[chosen], tuple(made), unseen, weak)
    if edges is None:
        edges = range(given.shape[1]) if given.shape[1] <= MOST_EDGES else chosen
    labelled = label >= 0
    other = told.judge(given[labelled & aside]).p_value
    support = support_of(
        given[labelled], sorted(set(edges)), ~aside[labelled], other, label[labelled & aside]
    )
    return replace(told, support=support)


def _support(told: Any) -> Support | None:
    """None for models of before."""
    return Support.from_json(told) if told and "unseen_of_classes" in told else None


def _distances(made: mixtures.Mixture, x: Floats) -> Floats:
    return np.sort(made.distance(x))


def _telling(values: Floats, label: Ints) -> list[int]:
    """Features by how they tell classes apart (variance between over within), without twins."""
    x = scaled(values, *scaling(values))
    known = np.isfinite(x)
    filled = np.where(known, x, 0.0)
    worth = np.array([_apart(x[:, each], known[:, each], label) for each in range(x.shape[1])])
    worth[known.mean(axis=0) < _LEAST_KNOWN] = -1.0
    centred = filled - filled.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    chosen: list[int] = []
    for each in np.argsort(-worth, kind="stable"):
        if worth[each] <= 0 or len(chosen) == MOST_FEATURES:
            break
        alike = [abs(centred[:, each] @ centred[:, o]) / (size[each] * size[o]) for o in chosen]
        if max(alike, default=0.0) < _ALIKE:
            chosen.append(int(each))
    return sorted(chosen)


def _apart(x: Floats, known: NDArray[np.bool_], label: Ints) -> float:
    there, mine = x[known], label[known]
    if len(there) < 2 or not there.std():
        return -1.0
    count = np.bincount(mine)
    mean = np.bincount(mine, there) / np.maximum(count, 1)
    within = float(((there - mean[mine]) ** 2).mean())
    between = float(there.var()) - within
    return between / within if within else float("inf")
