"""What a run counts for its report, patch by patch: integers only, so that any order adds up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.given.rows import Flag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SEPARATION_BINS: Final = 600
LARGEST_SEPARATION: Final = 6.0
"""in standard errors; what lies beyond is in the last bin"""
P_EDGES: Final = np.array(
    [0.0, 1e-3, 0.01, 0.05, *(n / 10 for n in range(1, 10)), 0.95, 0.99, 0.999, 1.0]
)
MAG_FIRST: Final = -5.0
MAG_STEP: Final = 0.5
MAG_BINS: Final = 80
P_UNIT: Final = 1e-12
"""Probabilities are summed in whole units of this: exact, so that no order matters."""
FLAGS: Final = tuple(Flag)
REASONS: Final = ("matched", "no candidate", "candidates rejected", "outside footprint", "invalid")

T = TypeVar("T", "PairTally", "RowTally")


@dataclass(frozen=True, slots=True)
class PairTally:
    """Candidate pairs of two catalogues."""

    separations: Ints
    """(SEPARATION_BINS,) accepted pairs by separation in standard errors, blends left out"""
    candidates: Ints
    """(p bins,) by posterior"""
    probability: Ints
    """(p bins,) sum of their posteriors, in units of P_UNIT"""
    geometry: Ints
    """(p bins,) candidates by the posterior without magnitudes"""
    true: Ints
    """(p bins,) candidates that are right, where a simulation says so"""
    accepted: Ints
    """(1,)"""
    accepted_probability: Ints
    """(1,) sum of the accepted ones' posteriors, in units of P_UNIT"""
    flags: Ints
    """(flags,) accepted pairs with each flag"""

    @classmethod
    def start(cls) -> PairTally:
        """No pairs yet."""
        bins = len(P_EDGES) - 1
        sizes = (SEPARATION_BINS, bins, bins, bins, bins, 1, 1, len(FLAGS))
        return cls(*(np.zeros(size, np.int64) for size in sizes))

    def __add__(self, other: PairTally) -> PairTally:
        """Both."""
        return _added(self, other)


@dataclass(frozen=True, slots=True)
class RowTally:
    """Rows of one catalogue."""

    reasons: Ints
    """(len(REASONS),) how many are matched, and why the others are not"""
    mags: Ints
    """(MAG_BINS,) rows by magnitude"""
    matched_mags: Ints
    """(MAG_BINS,) matched ones"""

    @classmethod
    def start(cls) -> RowTally:
        """No rows yet."""
        return cls(*(np.zeros(size, np.int64) for size in (len(REASONS), MAG_BINS, MAG_BINS)))

    def __add__(self, other: RowTally) -> RowTally:
        """Both."""
        return _added(self, other)


def _added(one: T, other: T) -> T:
    sums = [getattr(one, each.name) + getattr(other, each.name) for each in fields(one)]
    return type(one)(*sums)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a report is made of; parts can be added."""

    names: tuple[str, ...]
    pairs: dict[tuple[int, int], PairTally]
    """by the numbers of the two catalogues, the lower first; those with candidates only"""
    rows: tuple[RowTally, ...]

    @classmethod
    def start(cls, names: Sequence[str]) -> Tally:
        """Nothing yet."""
        return cls(tuple(names), {}, tuple(RowTally.start() for _ in names))

    def __add__(self, other: Tally) -> Tally:
        """Both parts."""
        if self.names != other.names:
            raise UserError(
                f"the parts count catalogues {self.names} and {other.names}, but counts add up "
                "for the same ones only; try one run at a time"
            )
        keys = sorted({*self.pairs, *other.pairs})
        none = PairTally.start()
        pairs = {key: self.pairs.get(key, none) + other.pairs.get(key, none) for key in keys}
        rows = tuple(a + b for a, b in zip(self.rows, other.rows, strict=True))
        return Tally(self.names, pairs, rows)


def tally(
    names: Sequence[str], pairs: Mapping[str, Any], members: Mapping[str, Any] | None = None
) -> Tally:
    """Counts of some candidate pairs and catalogue rows, given as columns.

    `pairs`: left, right (m,) numbers of the catalogues; norm_sep, posterior (m,); is_match (m,)
    bool; and where they are known flags (m,), posterior_geometry (m,), is_true (m,) bool.
    `members`: catalog (n,) number; reason (n,) number in REASONS, 0 where matched; mag (n,), NaN
    where missing, may be left out.
    """
    columns = {name: np.asarray(values) for name, values in pairs.items()}
    left, right = columns.pop("left"), columns.pop("right")
    first, second = np.minimum(left, right), np.maximum(left, right)
    found = {}
    for key in np.unique(first * len(names) + second).tolist():
        a, b = divmod(int(key), len(names))
        here = np.flatnonzero((first == a) & (second == b))
        found[a, b] = _pair_tally({name: values[here] for name, values in columns.items()})
    none = {"catalog": np.empty(0, np.int64), "reason": np.empty(0, np.int64)}
    return Tally(
        tuple(names), found, _row_tallies(len(names), none if members is None else members)
    )


def _pair_tally(columns: Mapping[str, Any]) -> PairTally:
    p = np.clip(columns["posterior"], 0.0, 1.0)
    match = columns["is_match"].astype(bool)
    flags = columns.get("flags", np.zeros(len(p), np.int64)).astype(np.int64)
    where, bins = p_bins(p), len(P_EDGES) - 1
    units = np.rint(p / P_UNIT).astype(np.int64)
    sums = np.zeros(bins, np.int64)
    np.add.at(sums, where, units)
    sound = match & (flags & int(Flag.BLEND) == 0)
    right = columns.get("is_true", np.zeros(len(p), bool)).astype(bool)
    return PairTally(
        separations=_separation_counts(columns["norm_sep"][sound]),
        candidates=np.bincount(where, minlength=bins),
        probability=sums,
        geometry=np.bincount(p_bins(columns.get("posterior_geometry", p)), minlength=bins),
        true=np.bincount(where[right], minlength=bins),
        accepted=np.array([match.sum()]),
        accepted_probability=np.array([units[match].sum()]),
        flags=np.array([int(((flags[match] & int(flag)) > 0).sum()) for flag in FLAGS]),
    )


def p_bins(p: Floats) -> Ints:
    """(n,) the bin of P_EDGES of each probability."""
    place = np.searchsorted(P_EDGES, p, side="right") - 1
    return np.asarray(np.clip(place, 0, len(P_EDGES) - 2))


def _separation_counts(norm_sep: Floats) -> Ints:
    place = np.floor(norm_sep * (SEPARATION_BINS / LARGEST_SEPARATION)).astype(np.int64)
    return np.bincount(np.clip(place, 0, SEPARATION_BINS - 1), minlength=SEPARATION_BINS)


def _row_tallies(count: int, members: Mapping[str, Any]) -> tuple[RowTally, ...]:
    catalog, reason = np.asarray(members["catalog"]), np.asarray(members["reason"])
    mag = np.asarray(members.get("mag", np.full(len(catalog), np.nan)), np.float64)
    place = np.floor((np.nan_to_num(mag, nan=-99.0) - MAG_FIRST) / MAG_STEP).astype(np.int64)
    seen = (place >= 0) & (place < MAG_BINS)
    found = []
    for number in range(count):
        mine = catalog == number
        shown, matched = mine & seen, mine & seen & (reason == 0)
        counts = [
            np.bincount(reason[mine].astype(np.int64), minlength=len(REASONS)),
            np.bincount(place[shown], minlength=MAG_BINS),
            np.bincount(place[matched], minlength=MAG_BINS),
        ]
        found.append(RowTally(*counts))
    return tuple(found)
