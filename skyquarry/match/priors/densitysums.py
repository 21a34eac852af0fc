"""What the densities are learnt from: sums over rows and groups that add up exactly.

Expected counts are kept as integers, in units of 2^-24 of a group: integers add up to the same in
any order, so what is learnt never depends on tiles, patches or workers, and no order of adding has
to be agreed upon. The unit, 6e-8 of a group, is far below the noise of any count; 5e11 groups fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.kernels import surveying
from skyquarry.match.kernels.distinct import coded
from skyquarry.match.priors.fields import FINEST, Counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

UNIT = float(1 << 24)
LOCAL_ORDER = 6
"""Cells of 0.84 square degrees, in which densities may differ from those of the whole."""
MAG_LOW, MAG_STEP, MAG_BINS = -30.0, 0.02, 5000

_DENSE = 1 << 20


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows there are, where, and of which magnitudes, catalogue by catalogue; additive."""

    counts: tuple[Counts, ...]
    magnitudes: tuple[Ints, ...]
    """(5000,) each: rows in steps of 0.02 from -30; rows without a magnitude are left out"""

    @classmethod
    def of(cls, rows: list[Rows], order: int = FINEST) -> Summary:
        """Of a part of the sky; parts must not overlap. For `order` see `fields.counting_order`."""
        counts = tuple(Counts.of(each.spatial, order) for each in rows)
        return cls(counts, tuple(histogram(each.mag) for each in rows))

    @classmethod
    def union(cls, many: Iterable[Summary]) -> Summary:
        """All of them together."""
        parts = list(many)
        counts = tuple(Counts.union(each) for each in zip(*(p.counts for p in parts), strict=True))
        mags = zip(*(p.magnitudes for p in parts), strict=True)
        return cls(counts, tuple(np.sum(each, axis=0, dtype=np.int64) for each in mags))


def histogram(mag: Floats) -> Ints:
    """(5000,) int64 counts of magnitudes; what lies beyond the ends is counted in the last bins."""
    counts = np.zeros(MAG_BINS, np.int64)
    surveying.magnitudes(mag, MAG_LOW, MAG_STEP, counts)
    return counts


@dataclass(frozen=True, slots=True)
class Tally:
    """Integers by key, ascending."""

    key: Ints
    total: Ints

    @classmethod
    def none(cls) -> Tally:
        """Nothing counted."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def summed(cls, keys: Ints, place: Ints, amount: Floats) -> Tally:
        """Amounts (n,), whole numbers, summed by their place among the keys."""
        # Whole numbers below 2^53 add up exactly in float64, in any order: 5e8 groups a key.
        total = np.bincount(place, amount, len(keys)).astype(np.int64)
        some = total > 0
        return cls(keys[some], total[some])

    @classmethod
    def union(cls, many: Iterable[Tally]) -> Tally:
        """All of them together."""
        parts = list(many)
        keys, place = distinct(np.concatenate([p.key for p in parts]))
        total = np.zeros(len(keys), np.int64)
        np.add.at(total, place, np.concatenate([p.total for p in parts]))
        return cls(keys, total)


@dataclass(frozen=True, slots=True)
class Sums:
    """Expected numbers of groups, by place, observed set, set and magnitudes; additive."""

    groups: Tally
    """keys: cell of `LOCAL_ORDER` << 32 | observed set << 16 | set, of up to 16 catalogues"""
    members: Tally
    """rows that have a magnitude; keys: observed set << 28 | set << 12 | catalogue << 8 | bin"""

    @classmethod
    def union(cls, many: Iterable[Sums]) -> Sums:
        """All of them together; the order does not matter, to the bit."""
        parts = list(many)
        return cls(
            Tally.union(p.groups for p in parts),
            Tally.union(p.members for p in parts),
        )

    def __add__(self, other: Sums) -> Sums:
        return Sums.union((self, other))

    def table(self) -> tuple[Ints, Ints, Ints, Floats]:
        """Cell of `LOCAL_ORDER`, observed set, set, and expected number of groups."""
        key = self.groups.key
        return key >> 32, key >> 16 & 0xFFFF, key & 0xFFFF, self.groups.total / UNIT

    def magnitude_table(self) -> tuple[Ints, Ints, Ints, Ints, Floats]:
        """Observed set, set, catalogue, bin, and expected number of rows."""
        key = self.members.key
        parts = (key >> 28, key >> 12 & 0xFFFF, key >> 8 & 0xF, key & 0xFF)
        return *parts, self.members.total / UNIT


def distinct(key: Ints) -> tuple[Ints, Ints]:
    """As numpy's unique with its inverse: the different keys, ascending; the place of each."""
    if len(key):
        low = int(key.min())
        if int(key.max()) - low < _DENSE:
            keys = np.flatnonzero(np.bincount(key - low))
            code = np.zeros(int(keys[-1]) + 1, np.int64)
            code[keys] = np.arange(len(keys))
            return keys + low, code[key - low]
    found, where = coded(np.ascontiguousarray(key, np.int64))
    order = np.argsort(found)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return found[order], place[where]
