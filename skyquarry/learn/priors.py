"""Shares of the classes by magnitude and Galactic latitude, and probabilities brought to others.

A model learns the mix it was trained on; the sky has another one. With the likelihoods unchanged,
p'(k | x) is proportional to p(k | x) new(k | m, b) / train(k | m, b). Both priors are conditional
on the same variables: a model that knows the magnitude has used train(k | m) already, and a new
prior without it would count the magnitude twice (`reprior` refuses that).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.errors import DamagedError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_STRENGTH: Final = 5.0
"""objects: how much the share over all bins weighs in a bin beside the rows counted there"""
_LEAST_SHARE: Final = 1e-9
VARIABLES: Final = ("magnitude", "latitude")


@dataclass(frozen=True, slots=True)
class Priors:
    """Shares of K classes, constant or in bins of magnitude, of |b|, or of both."""

    shares: Floats
    """(magnitudes + 1, latitudes + 1, K): the last of each axis is for objects without the value"""
    magnitudes: tuple[float, ...] = ()
    """where along the magnitude the shares are known; between, their logarithms are linear"""
    latitudes: tuple[float, ...] = ()
    """the same of |b|, degrees"""

    @property
    def variables(self) -> tuple[str, ...]:
        """What the shares hang on: of `magnitude` and `latitude`."""
        axes = (self.magnitudes, self.latitudes)
        return tuple(name for name, axis in zip(VARIABLES, axes, strict=True) if axis)

    def at(
        self, n: int, magnitude: ArrayLike | None = None, latitude_deg: ArrayLike | None = None
    ) -> Floats:
        """(n, K): the shares where each object is; those of all where its own value is not finite.

        Raises UserError where a variable that the shares hang on is not given.
        """
        given = {"magnitude": magnitude, "latitude": latitude_deg}
        for name in self.variables:
            if given[name] is None:
                raise UserError(
                    f"{name} is None, but the prior hangs on {' and '.join(self.variables)}: give "
                    "one value an object, NaN where it is unknown"
                )
        b = None if latitude_deg is None else np.abs(np.asarray(latitude_deg, np.float64))
        first = _weights(magnitude, self.magnitudes, n)
        second = _weights(b, self.latitudes, n)
        logs = np.log(np.maximum(self.shares, _LEAST_SHARE))
        told = np.zeros((n, self.shares.shape[2]))
        for place, weight in first:
            for other, also in second:
                told += (weight * also)[:, None] * logs[place, other]
        raised = np.exp(told - told.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "shares": self.shares.tolist(),
            "magnitudes": list(self.magnitudes),
            "latitudes": list(self.latitudes),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Priors:
        """From what `to_json` gave. Raises DamagedError where it is something else."""
        try:
            shares = np.array(told["shares"], np.float64)
            axes = [tuple(float(each) for each in told[f"{name}s"]) for name in VARIABLES]
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"priors cannot be read ({error}): save them again") from error
        if not shares.size or not np.isfinite(shares).all() or (shares < 0).any():
            raise DamagedError("priors hold NaN, negative shares or none: save them again")
        if shares.ndim != 3 or shares.shape[:2] != tuple(len(axis) + 1 for axis in axes):
            raise DamagedError(
                f"priors have shape {shares.shape}, which does not fit {len(axes[0])} magnitudes "
                f"and {len(axes[1])} latitudes: save them again"
            )
        return cls(shares, axes[0], axes[1])


def constant(shares: Sequence[float]) -> Priors:
    """The same shares everywhere; they need not sum to one."""
    share = np.asarray(shares, np.float64)
    if share.ndim != 1 or not np.isfinite(share).all() or (share < 0).any() or not share.sum():
        raise UserError(
            f"shares are {list(shares)}, but each class needs a number of 0 or more: try (9, 1)"
        )
    return Priors((share / share.sum())[None, None, :])


def of_counts(
    counts: ArrayLike, magnitudes: Sequence[float] = (), latitudes: Sequence[float] = ()
) -> Priors:
    """From counts (magnitudes, latitudes, K), as from a simulated sky, at these places.

    An axis without places has length 1. A bin leans on the shares over all bins as if `_STRENGTH`
    objects more had been counted, so that no class is impossible where none happened to be.
    """
    count = np.asarray(counts, np.float64)
    wanted = (max(len(magnitudes), 1), max(len(latitudes), 1))
    if count.ndim != 3 or count.shape[:2] != wanted:
        raise UserError(
            f"counts have shape {count.shape}, but {len(magnitudes)} magnitudes and "
            f"{len(latitudes)} latitudes need {(*wanted, 'K')}: one count a bin and class"
        )
    if not np.isfinite(count).all() or (count < 0).any() or not count.sum():
        raise UserError(
            f"counts are {count.min()} to {count.max()}, but each is a number of 0 or more, and "
            "some object has to be counted: look at the labels, weights and bins"
        )
    for name, axis in zip(VARIABLES, (magnitudes, latitudes), strict=True):
        _check_rising(f"{name}s", axis)
    overall = count.sum(axis=(0, 1))
    overall = (overall + overall.sum() * _LEAST_SHARE) / overall.sum()
    full = np.zeros((len(magnitudes) + 1, len(latitudes) + 1, count.shape[2]))
    full[: count.shape[0], : count.shape[1]] = count
    full[-1, : count.shape[1]] = count.sum(axis=0)
    full[: count.shape[0], -1] = count.sum(axis=1)
    full[-1, -1] = count.sum(axis=(0, 1))
    full += _STRENGTH * overall
    shares = full / full.sum(axis=2, keepdims=True)
    return Priors(shares, tuple(map(float, magnitudes)), tuple(map(float, latitudes)))


def of_labels(
    labels: ArrayLike,
    kinds: int,
    *,
    magnitude: ArrayLike | None = None,
    magnitude_edges: Sequence[float] = (),
    latitude_deg: ArrayLike | None = None,
    latitude_edges: Sequence[float] = (),
    weights: ArrayLike | None = None,
) -> Priors:
    """From labelled rows (-1: unlabelled, not counted), in the bins between edges.

    The share of a bin stands at the mean magnitude (or |b|) of its rows; bins without rows are left
    out. Rows beyond the outermost edges count to the outermost bins, rows without a finite value to
    none. Raises UserError where no labelled row is left, for labels beyond the classes, edges that
    do not rise, and weights that are no numbers of 0 or more.
    """
    label = np.asarray(labels).astype(np.int64)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, np.float64)
    if len(label) and label.max() >= kinds:
        raise UserError(f"a label is {label.max()}, but classes go from 0 to {kinds - 1}: mend it")
    if weight.shape != label.shape or not np.isfinite(weight).all() or (weight < 0).any():
        raise UserError(
            f"weights of shape {weight.shape} for {len(label)} rows hold NaN or less than 0, or "
            "are not one a row: leave such rows out"
        )
    _check_rising("magnitude_edges", magnitude_edges)
    _check_rising("latitude_edges", latitude_edges)
    known = label >= 0
    b = None if latitude_deg is None else np.abs(np.asarray(latitude_deg, np.float64))
    places, axes = [], []
    for value, edges in ((magnitude, magnitude_edges), (b, latitude_edges)):
        place, centre = _places(value, edges, weight * known)
        if value is not None and len(edges) and not centre:
            raise UserError(
                f"none of {int(known.sum())} labelled rows has a value to bin by, but one has to: "
                "look at the magnitudes and latitudes, or make the prior without them"
            )
        known = known & (place >= 0)
        places.append(place)
        axes.append(centre)
    counts = np.zeros((max(len(axes[0]), 1), max(len(axes[1]), 1), kinds))
    np.add.at(counts, (places[0][known], places[1][known], label[known]), weight[known])
    return of_counts(counts, axes[0], axes[1])


def reprior(
    p: ArrayLike,
    train: Priors,
    new: Priors,
    *,
    magnitude: ArrayLike | None = None,
    latitude_deg: ArrayLike | None = None,
) -> Floats:
    """(n, K): probabilities p (n, K) at the mix `train`, brought to the mix `new`.

    A class of which the new mix has none gets 0; a row that can be of no other class has the shares
    of the new mix, as nothing is known of it there. Raises UserError where the priors hang on
    different variables, a class of the new mix was not in training, or p is no probability.
    """
    given = np.asarray(p, np.float64)
    kinds = train.shares.shape[2]
    if given.ndim != 2 or given.shape[1] != kinds or new.shares.shape[2] != kinds:
        raise UserError(
            f"probabilities have shape {given.shape}, the priors {kinds} and "
            f"{new.shares.shape[2]} classes: give all for the same classes"
        )
    if not np.isfinite(given).all() or (given < 0).any():
        raise UserError(
            "the probabilities hold NaN, infinity or less than 0, but each is a number of 0 or "
            "more: leave out rows of which nothing is said"
        )
    if train.variables != new.variables:
        theirs, ours = (" and ".join(each.variables) or "nothing" for each in (train, new))
        raise UserError(
            f"the prior of the training set hangs on {theirs}, the new one on {ours}, but "
            "what both hang on has to be the same, or it is counted twice: make both of the same"
        )
    taught, wanted = (each.shares.max(axis=(0, 1)) > 10.0 * _LEAST_SHARE for each in (train, new))
    if (wanted & ~taught).any():
        never = int(np.flatnonzero(wanted & ~taught)[0])
        raise UserError(
            f"class number {never} is in the new mix, but the training mix has none of it, and "
            "what was never learnt cannot be brought to another mix: give it the share 0"
        )
    where = {"magnitude": magnitude, "latitude_deg": latitude_deg}
    there = np.where(wanted, new.at(len(given), **where), 0.0)
    told = given * (there / train.at(len(given), **where))
    total = told.sum(axis=1, keepdims=True)
    else_ = there / there.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(told, total, out=else_, where=total > 0))


def _check_rising(name: str, axis: Sequence[float]) -> None:
    if list(axis) != sorted(set(axis)) or not np.isfinite(np.asarray(axis, np.float64)).all():
        raise UserError(f"{name} are {list(axis)}, but they have to rise: sort the bins")


def _weights(
    value: ArrayLike | None, axis: Sequence[float], n: int
) -> list[tuple[NDArray[np.intp], Floats]]:
    """Two (place, weight) along an axis for each object: linear between, constant beyond."""
    if not axis:
        return [(np.full(n, len(axis), np.intp), np.ones(n))]
    known = np.asarray(value, np.float64)
    if known.shape != (n,):
        raise UserError(f"{n} objects have values of shape {known.shape}: give one an object")
    centre = np.array(axis)
    lost = ~np.isfinite(known)
    inside = np.clip(np.where(lost, centre[0], known), centre[0], centre[-1])
    low = np.clip(np.searchsorted(centre, inside, "right") - 1, 0, max(len(axis) - 2, 0))
    high = np.minimum(low + 1, len(axis) - 1)
    gap = np.where(high > low, centre[high] - centre[low], 1.0)
    part = (inside - centre[low]) / gap
    return [
        (np.where(lost, len(axis), low), np.where(lost, 1.0, 1.0 - part)),
        (np.where(lost, len(axis), high), np.where(lost, 0.0, part)),
    ]


def _places(
    value: ArrayLike | None, edges: Sequence[float], weight: Floats
) -> tuple[NDArray[np.intp], list[float]]:
    """(n,): the bin of each row, -1 where the value is unknown; where each bin stands."""
    if value is None or not len(edges):
        return np.zeros(len(weight), np.intp), []
    known = np.asarray(value, np.float64)
    finite = np.isfinite(known)
    place = np.clip(np.searchsorted(np.asarray(edges), known, "right") - 1, 0, len(edges) - 2)
    use = finite & (weight > 0)
    total = np.bincount(place[use], weight[use], len(edges) - 1)
    sums = np.bincount(place[use], weight[use] * known[use], len(edges) - 1)
    there = total > 0
    number = np.cumsum(there) - 1
    centre = sums[there] / total[there]
    return np.where(~finite | ~there[place], -1, number[place]), centre.tolist()
