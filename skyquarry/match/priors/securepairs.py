"""Secure pairs by both magnitudes: what a magnitude prior is learnt from.

S18: Salvato et al. 2018, MNRAS 473, 4937.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.priors.densitysums import UNIT, distinct
from skyquarry.match.priors.magnitudes import MagnitudeScale
from skyquarry.match.resolution.groups import offsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densitysums import Summary
    from skyquarry.match.resolution.groups import Groups

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

SECURE = 0.9
"""Pairs of this posterior and more, by position alone, are what a prior is learnt from (S18)."""


@dataclass(frozen=True, slots=True)
class MagnitudeSums:
    """Secure pairs by the bins of both magnitudes; additive."""

    pairs: dict[tuple[int, int, int], Ints]
    """(k_a, k_b) for each set of catalogues and a < b in it, in units of 2^-24 of a pair"""
    singles: tuple[Ints, ...]
    """(k,) for each catalogue: members of secure groups"""

    @classmethod
    def of(
        cls,
        rows: list[Rows],
        groups: Groups,
        posterior: Floats,
        scales: tuple[MagnitudeScale, ...],
        secure: float = SECURE,
    ) -> MagnitudeSums:
        """From groups whose posterior (groups,) by position alone is above `secure`.

        posterior is 0 for groups that another patch counts.
        """
        chosen = (posterior > secure) & (np.diff(groups.start) > 1)
        bright = Bright.of(rows, groups, scales, chosen)
        weight = np.rint(posterior * UNIT)
        singles = []
        for c, scale in enumerate(scales):
            mine = bright.catalog == c
            total = np.bincount(bright.bins[mine], weight[bright.group[mine]], len(scale))
            singles.append(total.astype(np.int64))
        pairs: dict[tuple[int, int, int], Ints] = {}
        for link in bright.links():
            shape = len(scales[link.a]), len(scales[link.b])
            flat = bright.bins[link.first] * shape[1] + bright.bins[link.second]
            total = np.bincount(flat, weight[bright.group[link.first]], shape[0] * shape[1])
            counts = total.astype(np.int64).reshape(shape)
            key = link.catalogs, link.a, link.b
            pairs[key] = pairs[key] + counts if key in pairs else counts
        return cls(pairs, tuple(singles))

    @classmethod
    def union(cls, many: Iterable[MagnitudeSums]) -> MagnitudeSums:
        """All of them together; the order does not matter."""
        parts = list(many)
        keys = sorted({key for part in parts for key in part.pairs})
        pairs = {key: sum(p.pairs[key] for p in parts if key in p.pairs) for key in keys}
        singles = zip(*(p.singles for p in parts), strict=True)
        return cls(pairs, tuple(np.sum(each, axis=0) for each in singles))  # type: ignore[arg-type]

    @property
    def secure_pairs(self) -> float:
        """How many pairs with both magnitudes there are."""
        return sum(float(each.sum()) for each in self.pairs.values()) / UNIT


def scales_of(summary: Summary) -> tuple[MagnitudeScale, ...]:
    """The bins of every catalogue's magnitudes."""
    return tuple(MagnitudeScale.of(each) for each in summary.magnitudes)


@dataclass(frozen=True, slots=True)
class _Link:
    """Rows of two catalogues in groups of one set, of which the same have magnitudes."""

    catalogs: int
    """the set, bit by bit"""
    bright: int
    """those of it whose rows have magnitudes"""
    a: int
    b: int
    first: Ints
    """(m,) which members"""
    second: Ints


@dataclass(frozen=True, slots=True)
class Bright:
    """Members with a magnitude of the groups asked for, group by group, catalogues ascending."""

    group: Ints
    catalogs: Ints
    catalog: Ints
    mag: Floats
    bins: Ints

    @classmethod
    def of(
        cls,
        rows: list[Rows],
        groups: Groups,
        scales: tuple[MagnitudeScale, ...],
        chosen: NDArray[np.bool_],
    ) -> Bright:
        """Of the chosen groups (groups,)."""
        size = np.diff(groups.start)
        wanted = np.repeat(chosen, size)
        group, node = np.repeat(np.arange(len(groups)), size)[wanted], groups.nodes[wanted]
        catalog = (np.searchsorted(offsets(rows), node, side="right") - 1).astype(np.int64)
        mag = np.concatenate([each.mag for each in rows])[node]
        both = zip(scales, rows, strict=True)
        bins = np.concatenate([scale.bins(each.mag) for scale, each in both])[node]
        some = bins >= 0
        kept = group[some]
        catalogs = groups.catalogs[kept].astype(np.int64)
        return cls(kept, catalogs, catalog[some], mag[some], bins[some])

    def links(self) -> Iterator[_Link]:
        """Every two members of a group, by their catalogues, the set and who has magnitudes."""
        if not len(self.group):
            return
        begins = np.flatnonzero(np.diff(self.group, prepend=-1))
        size = np.diff(begins, append=len(self.group))
        bright = np.repeat(np.bitwise_or.reduceat(np.left_shift(1, self.catalog), begins), size)
        for gap in range(1, int(size.max())):
            first = np.flatnonzero(self.group[gap:] == self.group[:-gap])
            pair = self.catalog[first] << 4 | self.catalog[first + gap]
            kinds, place = distinct(self.catalogs[first] << 24 | bright[first] << 8 | pair)
            for k, kind in enumerate(kinds.tolist()):
                here = first[place == k]
                whose = kind >> 24, kind >> 8 & 0xFFFF, kind >> 4 & 0xF, kind & 0xF
                yield _Link(*whose, here, here + gap)
