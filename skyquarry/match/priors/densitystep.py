"""One step of learning densities: from expected numbers of groups to nu_S.

Where all catalogues looked it is nu_S = N_S / A. Where only O looked, a group of S may be of any
set S' with S' & O = S: its number is shared among them as their densities are, until that no longer
changes them (Shepp & Vardi 1982, IEEE Trans. Med. Imaging 1, 113).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.numbers import TINY
from skyquarry.match.priors.densitysums import LOCAL_ORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.priors.footprints import Coverage
    from skyquarry.match.priors.magnitudes import Magnitudes
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_PSEUDO = 0.1
"""Groups' worth of every set that might have been there: no density is 0."""
_MOST_STEPS = 500
_STILL = 1e-9
"""A density that changes by less is settled: far below the noise of any count."""
_SLOW, _SLOWEST = 0.2, 0.95
"""Steps that shrink faster than the first end soon by themselves; where they shrink slower than the
second the series is too long to be trusted."""
_EVEN_ENOUGH = 1e4
"""Variations below 1 per cent are not followed."""


def completions(n: int, observed: int, catalogs: int) -> list[int]:
    """Sets that look like `catalogs` where `observed` looked, ascending."""
    free = [1 << c for c in range(n) if not observed >> c & 1]
    found = [catalogs]
    for bit in free:
        found += [each | bit for each in found]
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Area:
    """The sky that was counted: cell of order 6, observed set, area."""

    cell: Ints
    observed: Ints
    sr: Floats

    @classmethod
    def of(cls, coverage: Coverage, within: Ranges | None = None) -> Area:
        """Of the whole coverage, or of the part of it that lies in the ranges."""
        if within is None:
            return cls(*coverage.areas_in_cells(LOCAL_ORDER))
        return cls(*coverage.within(within).areas_in_cells(LOCAL_ORDER))

    def by_observed(self) -> dict[int, float]:
        """Area in sr of each observed set."""
        total = np.bincount(self.observed, self.sr)
        return {mask: float(total[mask]) for mask in np.flatnonzero(total > 0.0).tolist()}

    def of_sets(self, n: int) -> Floats:
        """(2^n,) area in sr where at least one catalogue of each set looked.

        All of it where the maps say that none did: rows off their own map must be somewhere.
        """
        areas = self.by_observed()
        whole = sum(areas.values()) or 4.0 * np.pi
        seen = (sum(a for o, a in areas.items() if o & s) for s in range(1 << n))
        return np.array([area or whole for area in seen])

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "cell": self.cell.tolist(),
            "observed": self.observed.tolist(),
            "sr": self.sr.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Area:
        """What `to_dict` gave."""
        cell, observed = (np.array(data[name], np.int64) for name in ("cell", "observed"))
        return cls(cell, observed, np.array(data["sr"], np.float64))


@dataclass(frozen=True, slots=True)
class Local:
    """How densities differ from their mean, cell by cell."""

    cell: Ints
    """(k,) ascending, of order 6"""
    sets: Ints
    """(s,) ascending"""
    ln: Floats
    """(k, s) ln of the ratio"""

    def ln_ratio(self, catalogs: int, cells: Ints) -> Floats:
        """(n,) ln ratio of one set in these cells; 0 where none is known."""
        column = np.flatnonzero(self.sets == catalogs)
        if not len(column):
            return np.zeros(len(cells))
        place = np.searchsorted(self.cell, cells)
        place[place == len(self.cell)] = 0
        known = self.cell[place] == cells
        return np.where(known, self.ln[place, int(column[0])], 0.0)

    def table(self, cells: Ints, n_sets: int) -> tuple[Floats, Ints]:
        """Ln ratios (k, s) in these cells, 0 where not known; the column of each set, or -1."""
        column = np.full(n_sets, -1, np.int64)
        column[self.sets] = np.arange(len(self.sets))
        found = np.zeros((len(cells), len(self.sets)))
        if len(self.cell):
            place = np.minimum(np.searchsorted(self.cell, cells), len(self.cell) - 1)
            known = self.cell[place] == cells
            found[known] = self.ln[place[known]]
        return found, column

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "cell": self.cell.tolist(),
            "sets": self.sets.tolist(),
            "ln": self.ln.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Local:
        """What `to_dict` gave."""
        cell, sets = (np.array(data[name], np.int64) for name in ("cell", "sets"))
        return cls(cell, sets, np.array(data["ln"], np.float64).reshape(len(cell), len(sets)))


EVEN = Local(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 0)))


def by_kind(n: int, observed: Ints, catalogs: Ints, amount: Floats) -> dict[tuple[int, int], float]:
    """Expected numbers by observed set and set."""
    key = observed << n | catalogs
    total = np.bincount(key, amount)
    kinds = np.flatnonzero(total > 0.0).tolist()
    return {(key >> n, key & (1 << n) - 1): float(total[key]) for key in kinds}


def shares(nu: Floats, observed: int, catalogs: int) -> tuple[list[int], Floats]:
    """The sets that a group may be of, and with which probabilities."""
    sets = completions(len(nu).bit_length() - 1, observed, catalogs)
    some = nu[sets]
    return sets, some / some.sum()


def solve(nu: Floats, table: dict[tuple[int, int], float], area: Area) -> Floats:
    """The densities (2^N,) that make the expected numbers likeliest, from those before."""
    sky = area.of_sets(len(nu).bit_length() - 1)
    found = np.maximum(nu, TINY)
    found[0] = 0.0
    for _ in range(_MOST_STEPS):
        counts = np.full(len(nu), _PSEUDO)
        for (observed, catalogs), amount in table.items():
            sets, part = shares(found, observed, catalogs)
            counts[sets] += amount * part
        counts[0] = 0.0
        after = counts / sky
        still = np.abs(after - found) <= _STILL * after
        found = after
        if still.all():
            break
    return found


def further(before: Floats | None, moved: Floats, counts: Floats) -> Floats | None:
    """Counts (2^N,) where steps are heading; None where two steps do not yet tell.

    Steps of expectation and maximisation shrink by a common factor near the end, so that what is
    left of them is a geometric series (Aitken's; for EM: Louis 1982, J. R. Stat. Soc. B 44, 226).
    No count changes by more than a factor of 2.
    """
    if before is None:
        return None
    error2 = counts + 1.0
    length = float((before**2 / error2).sum())
    factor = float((before * moved / error2).sum()) / length if length > 0.0 else 0.0
    if not _SLOW < factor < _SLOWEST:
        return None
    return np.clip(counts + moved * factor / (1.0 - factor), 0.5 * counts, 2.0 * counts)


def by_magnitude(
    nu: Floats, magnitudes: Magnitudes, table: tuple[Ints, Ints, Ints, Ints, Floats]
) -> list[Floats]:
    """Expected rows (2^N, k) of each catalogue by set and bin, shared as `shares` does at m."""
    counts = [np.zeros_like(each) for each in magnitudes.ln_ratio]
    observed, catalogs, catalog, place, amount = table
    kind = observed << 20 | catalogs << 4 | catalog
    for code in np.unique(kind).tolist():
        here = kind == code
        c = code & 0xF
        sets = completions(len(nu).bit_length() - 1, code >> 20, code >> 4 & 0xFFFF)
        line = np.bincount(place[here], amount[here], counts[c].shape[1])
        part = nu[sets][:, None] * np.exp(magnitudes.ln_ratio[c][sets])
        counts[c][sets] += line * part / part.sum(axis=0)
    return counts


def local(
    nu: Floats, cell: Ints, observed: Ints, catalogs: Ints, amount: Floats, area: Area
) -> Local:
    """Densities of each cell against the mean, drawn to the mean as far as noise would have it.

    The scatter of counts between cells beyond Poisson's, tau^2 = sum((n - E)^2 - E) / sum(E^2),
    says how much of a difference to believe: ratio = (n + 1 / tau^2) / (E + 1 / tau^2), the mean of
    a gamma distribution's posterior.
    """
    cells = np.unique(area.cell)
    if len(cells) < 2:
        return EVEN
    n_sets = len(nu)
    expected, counted = np.zeros((2, len(cells), n_sets))
    sets = np.arange(n_sets)
    row = np.searchsorted(cells, area.cell)
    for mask in np.unique(area.observed).tolist():
        here = area.observed == mask
        wide = np.bincount(row[here], area.sr[here], len(cells))
        expected += wide[:, None] * np.where(sets & mask, nu, 0.0)
    inside = np.isin(cell, cells)
    row = np.searchsorted(cells, cell[inside])
    kind = observed[inside] << 16 | catalogs[inside]
    for code in np.unique(kind).tolist():
        here = kind == code
        line = np.bincount(row[here], amount[inside][here], len(cells))
        whole, part = shares(nu, code >> 16, code & 0xFFFF)
        counted[:, whole] += line[:, None] * part
    return _shrunk(cells, counted, expected)


def _shrunk(cells: Ints, counted: Floats, expected: Floats) -> Local:
    excess = ((counted - expected) ** 2 - expected).sum(axis=0)
    scale = (expected**2).sum(axis=0)
    belief = np.where(excess > 0.0, scale / np.where(excess > 0.0, excess, 1.0), np.inf)
    uneven = np.flatnonzero((belief < _EVEN_ENOUGH) & (scale > 0.0))
    k = np.maximum(belief[uneven], 1.0)
    ratio = (counted[:, uneven] + k) / (expected[:, uneven] + k)
    return Local(cells, uneven, np.log(ratio))
