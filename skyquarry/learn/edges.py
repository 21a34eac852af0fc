"""How far a row lies beyond the edges of a training set, feature by feature.

A survey that goes deeper shifts magnitudes first, and beyond the faintest that were trained on
there is nothing to learn from, however ordinary the colours. Each feature tells the share of
training rows that lie as far out on that side; beyond the last of them the tail goes on as an
exponential of the mean excess (Pickands 1975, Ann. Stat. 3, 119, with shape 0), so that a survey's
sharp limit is a sharp edge. The row's score is that of its strangest feature.

From bright to deep SDSS (DR14 to DR17) 86 % of the rows ring at 4 % of false alarms, all of those
fainter than u = 19.6, where DR14 ends; the other 15 % lie inside of it. A classifier of which
survey a row is of, which has seen both, tells 86 % at 5 %: a row alone has no more to say. (The
rate of 0.04 was set after DR14's held-out folds were seen to ring at 0.048 to 0.052 for 0.05.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.learn.scaling import scaled, scaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TAIL: Final = 0.05
"""share of the rows that are a tail"""
_MOST_KEPT: Final = 200
"""places of a tail that are kept"""
_MOST_UNSEEN: Final = 10_000
_LEAST_TAIL: Final = 4
"""scores that tell a tail, where there are so many"""
_LEAST: Final = 1e-6
"""of the mean excess, in widths of the feature: values in steps have none"""


@dataclass(frozen=True, slots=True)
class Edges:
    """Tails of features that were scaled to 1."""

    columns: tuple[int, ...]
    """which of the scaled features"""
    tails: tuple[tuple[Floats, Floats], ...]
    """(2 d): outward places of the low and of the high tail, rising, and log shares beyond them"""
    scales: Floats
    """(2 d,) mean excess"""

    def score(self, x: Floats) -> Floats:
        """(n,) -log of the least share of training rows beyond, of scaled features (n, p).

        NaN tells nothing; a row inside of all tails, or without any value, has 0.
        """
        worst = np.zeros(len(x))
        for number, (places, logs) in enumerate(self.tails):
            column = x[:, self.columns[number // 2]]
            outward = np.where(np.isnan(column), -np.inf, column * _sign(number))
            told = np.interp(outward, places, logs, left=0.0)
            beyond = np.maximum(outward - places[-1], 0.0) / self.scales[number]
            worst = np.maximum(worst, told + beyond)
        return worst

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "columns": list(self.columns),
            "tails": [[places.tolist(), logs.tolist()] for places, logs in self.tails],
            "scales": self.scales.tolist(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Edges:
        """From what `to_json` gave. Raises KeyError, TypeError or ValueError for another thing."""
        columns = tuple(int(each) for each in told["columns"])
        tails = tuple((np.array(a, np.float64), np.array(b, np.float64)) for a, b in told["tails"])
        scales = np.array(told["scales"], np.float64)
        if not len(tails) == len(scales) == 2 * len(columns):
            raise ValueError(f"{len(tails)} tails for {len(columns)} features")
        return cls(columns, tails, scales)


@dataclass(frozen=True, slots=True)
class Support:
    """Edges, and how often unseen rows lie beyond them: together with another p-value."""

    columns: tuple[int, ...]
    """which features are looked at"""
    centre: Floats
    scale: Floats
    edges: Edges
    unseen: tuple[Floats, ...]
    """scores of members of each class that were set aside, rising"""
    both: tuple[Floats, ...]
    """-log of the lesser of both p-values of these rows, rising"""

    def p_value(self, values: NDArray[Any], other: Floats, nearest: NDArray[np.integer]) -> Floats:
        """(n,) share of unseen members that are as far beyond an edge, or as strange by `other`.

        Of features (n, p), each compared with the class that it is nearest to (n,): a rare class
        lies at an edge of the whole, and is not outside for that. Of a class with fewer than 24
        members set aside nothing is outside at a rate of 0.04.
        """
        x = scaled(values[:, list(self.columns)], self.centre, self.scale)
        score, told = self.edges.score(x), np.ones(len(x))
        for k, (unseen, both) in enumerate(zip(self.unseen, self.both, strict=True)):
            mine = np.flatnonzero(nearest == k)
            alone = share_beyond(unseen, score[mine])
            told[mine] = share_beyond(both, _lesser(alone, other[mine]))
        return told

    def to_json(self) -> dict[str, Any]:
        """As plain data; floats are exact."""
        return {
            "columns": list(self.columns),
            "edges": self.edges.to_json(),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "unseen_of_classes": [each.tolist() for each in self.unseen],
            "both_of_classes": [each.tolist() for each in self.both],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Support:
        """From what `to_json` gave. Raises KeyError, TypeError or ValueError for another thing."""
        columns = tuple(int(each) for each in told["columns"])
        centre, scale = (np.array(told[name], np.float64) for name in ("centre", "scale"))
        unseen, both = (
            tuple(np.array(each, np.float64) for each in told[f"{name}_of_classes"])
            for name in ("unseen", "both")
        )
        if not (len(columns) == len(centre) == len(scale) and len(unseen) == len(both)):
            raise ValueError(f"{len(centre)} centres for {len(columns)} features")
        return cls(columns, centre, scale, Edges.from_json(told["edges"]), unseen, both)


def support_of(
    values: NDArray[Any],
    columns: Sequence[int],
    seen: NDArray[np.bool_],
    other: Floats,
    labels: NDArray[np.integer],
) -> Support:
    """Edges of the rows `seen` (n,) of features (n, p); the rest, with `other` (m,), calibrates.

    labels: (m,) classes 0 .. K-1 of the rest.
    """
    chosen = list(columns)
    given = np.asarray(values[:, chosen], np.float64)
    centre, scale = scaling(given[seen])
    x = scaled(given, centre, scale)
    edges = fit(x[seen], range(len(chosen)))
    score = edges.score(x[~seen])
    unseen, both = [], []
    for k in range(int(labels.max()) + 1):
        mine = labels == k
        rising = thinned(np.sort(score[mine]))
        unseen.append(rising)
        alone = share_beyond(rising, score[mine])
        both.append(thinned(np.sort(_lesser(alone, other[mine]))))
    return Support(tuple(chosen), centre, scale, edges, tuple(unseen), tuple(both))


def share_beyond(rising: Floats, score: Floats) -> Floats:
    """(n,) conformal p-value: the share of unseen scores, rising, that are as great."""
    beyond = len(rising) - np.searchsorted(rising, score, "left")
    return np.asarray((1.0 + beyond) / (len(rising) + 1.0))


def share_beyond_few(rising: Floats, score: Floats) -> Floats:
    """(n,) the same of so few unseen scores that their number alone would let none be strange.

    Beyond the greatest of them the tail goes on as an exponential that the uppermost quarter tells:
    of k excesses over a place, with the sum S, the share of new ones beyond x is (1 + x / S)^-k,
    what is not known of the exponential's scale counted in (Lomax's predictive distribution), so
    that the rate is kept however few there are.
    """
    p = share_beyond(rising, score)
    there = rising[np.isfinite(rising)]
    count = min(len(there) - 1, max(_LEAST_TAIL, len(rising) // 4))
    if count < 1:
        return p
    place = there[-count - 1]
    total = float((there[-count:] - place).sum())
    if total <= 0.0:
        return p
    beyond = np.maximum(score - place, 0.0) / total
    tail = (count + 1.0) / (len(rising) + 1.0) * (1.0 + beyond) ** -count
    return np.asarray(np.where(score > there[-1], np.minimum(p, tail), p))


def thinned(rising: Floats) -> Floats:
    """At most 10,000 of them, evenly, the greatest among them: p-values stay on the safe side."""
    if len(rising) <= _MOST_UNSEEN:
        return rising
    place = np.ceil(np.linspace(0, len(rising) - 1, _MOST_UNSEEN)).astype(np.intp)
    return np.asarray(rising[place])


def _lesser(p: Floats, other: Floats) -> Floats:
    return np.asarray(-np.log(np.minimum(p, other)))


def fit(x: Floats, columns: Sequence[int]) -> Edges:
    """The edges of scaled features (n, p), NaN where missing, of those columns."""
    tails, scales, kept = [], [], []
    for each in columns:
        there = x[np.isfinite(x[:, each]), each]
        if len(there) < 2:
            continue
        kept.append(int(each))
        for number in range(2):
            tail, scale = _tail(np.sort(there * _sign(number)))
            tails.append(tail)
            scales.append(scale)
    return Edges(tuple(kept), tuple(tails), np.array(scales))


def _sign(number: int) -> float:
    """Low tails come first."""
    return 1.0 if number % 2 else -1.0


def _tail(rising: Floats) -> tuple[tuple[Floats, Floats], float]:
    n = len(rising)
    first = min(int(np.floor((1.0 - _TAIL) * n)), n - 2)
    places, at = np.unique(rising[first:], return_index=True)
    logs = -np.log((n - first - at) / (n + 1.0))
    scale = max(float((rising[first:] - rising[first]).mean()), _LEAST)
    if len(places) > _MOST_KEPT:
        some = np.unique(np.round(np.linspace(0, len(places) - 1, _MOST_KEPT)).astype(np.intp))
        places, logs = places[some], logs[some]
    return (places, logs), scale
