"""Counts of what a run gives, patch by patch: all that its report needs, in a few kilobytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import to_numpy
from skyquarry.match.given.rows import Flag
from skyquarry.match.reports.quality import tally
from skyquarry.match.results.assembling import column
from skyquarry.match.results.lazytables import REASONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.reports.tally import Tally
    from skyquarry.match.results.lazytables import Tables

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_BINS: Final = 4_000
_LEAST_ARCSEC: Final = 1e-6
_STEP: Final = 1.007
"""Separations of matches are counted in steps of 0.7 per cent from 1 uas: to 380 degrees."""


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Additive, in any order."""

    tally: Tally
    """candidates and rows"""
    separations: dict[tuple[int, int], Ints]
    """of accepted pairs, by catalogues"""
    default_errors: Ints
    """(catalogues,) rows whose error is a default"""
    groups: int
    heuristic: int
    """groups of islands that are not exact"""

    @classmethod
    def of(cls, told: Tables, names: tuple[str, ...]) -> RunCounts:
        """Of the tables of one patch, or of all."""
        left, right = (numbers(told.pairs[f"{side}_catalog"], names) for side in ("left", "right"))
        wanted = ("norm_sep", "posterior", "posterior_geometry", "is_match", "flags")
        pairs = {"left": left, "right": right, **{n: column(told.pairs, n) for n in wanted}}
        catalog = numbers(told.members["catalog"], names)
        members = {
            "catalog": catalog,
            "reason": numbers(told.members["reason"], REASONS),
            "mag": column(told.members, "_mag"),
        }
        default = (column(told.members, "flags") & int(Flag.DEFAULT_ERROR)) > 0
        flags = column(told.groups, "flags")
        return cls(
            tally(names, pairs, members),
            _separations(left, right, column(told.pairs, "sep_arcsec"), pairs["is_match"]),
            np.bincount(catalog[default], minlength=len(names)),
            len(flags),
            int(((flags & int(Flag.HEURISTIC)) > 0).sum()),
        )

    def __add__(self, other: RunCounts) -> RunCounts:
        keys = self.separations.keys() | other.separations.keys()
        none = np.zeros(_BINS, np.int64)
        return RunCounts(
            self.tally + other.tally,
            {k: self.separations.get(k, none) + other.separations.get(k, none) for k in keys},
            self.default_errors + other.default_errors,
            self.groups + other.groups,
            self.heuristic + other.heuristic,
        )

    def separation_arcsec(self, a: int, b: int, share: float) -> float | None:
        """Below which this share of the matches of two catalogues lie; None for fewer than 10."""
        passed = np.cumsum(self.separations.get((a, b), np.zeros(1, np.int64)))
        if passed[-1] < 10:
            return None
        return float(_LEAST_ARCSEC * _STEP ** (1 + np.searchsorted(passed, share * passed[-1])))


def _separations(left: Ints, right: Ints, sep: Floats, match: Mask) -> dict[tuple[int, int], Ints]:
    own = np.maximum(sep[match], _LEAST_ARCSEC)
    place = np.log(own / _LEAST_ARCSEC) / np.log(_STEP)
    bins = np.minimum(place.astype(np.int64), _BINS - 1)
    many = int(right.max(initial=0)) + 1
    key = left[match] * many + right[match]
    size = (int(key.max(initial=-1)) + 1) * _BINS
    found = np.bincount(key * _BINS + bins, minlength=size).reshape(-1, _BINS)
    return {divmod(k, many): found[k] for k in np.flatnonzero(found.any(axis=1)).tolist()}


def numbers(words: pa.ChunkedArray, known: tuple[str, ...]) -> Ints:
    """(n,) the place of each word among the known ones."""
    parts = [np.empty(0, np.int64)]
    for chunk in words.chunks:
        held = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        place = pc.index_in(held.dictionary.cast(pa.string()), pa.array(known, pa.string()))
        if len(held):
            parts.append(np.asarray(to_numpy(place), np.int64)[to_numpy(held.indices)])
    return np.concatenate(parts)
