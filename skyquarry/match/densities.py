"""Densities nu_S of objects that exactly a set S of catalogues detects: the prior of every match.

crossmatch.md 1.5. A group of rows of the set S has the weight
    ln nu_S + lnB - (|S| - 1) ln 4 pi + ln of what magnitudes say;
relative to its rows being each an object alone, which is how it is given here: single rows weigh
exactly 0. Where only the set O of catalogues looked, S means "S, and whatever the others would have
seen": nu_S^O = sum of nu_S' over S' with S' & O = S. Densities are learnt by expectation and
maximisation: posteriors of groups give expected numbers, these over the area give nu_S.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skyquarry.match import densityprior, densitystep
from skyquarry.match.densitysums import (
    LOCAL_ORDER,
    Sums,
    Tally,
    group_keys,
    member_keys,
)
from skyquarry.match.footprints import Coverage
from skyquarry.match.groups import offsets
from skyquarry.match.magnitudes import Magnitudes, MagnitudeScale
from skyquarry.sky.ranges import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.match.densitysums import Summary
    from skyquarry.match.groups import Groups
    from skyquarry.match.magnitudes import RowRatios
    from skyquarry.match.rows import Rows
    from skyquarry.sky.footprint import Footprint
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Prior = Literal["auto", "uniform", "nway"] | Mapping[tuple[str, ...], float]

_LN_4PI = float(np.log(4.0 * np.pi))
_LOCAL_SHIFT = 2 * (MAX_ORDER - LOCAL_ORDER)
_CLOSE = 0.02


@dataclass(frozen=True, slots=True)
class Densities:
    """nu_S of every set, by place and magnitude."""

    names: tuple[str, ...]
    nu: Floats
    """(2^N,) per sr; the set is the bitmask, bit c for catalogue c"""
    coverage: Coverage
    area: densitystep.Area
    """that the counts come from: all of the coverage, or of the sample"""
    magnitudes: Magnitudes | None
    """None: of no influence"""
    local: densitystep.Local
    """where densities differ from the mean"""
    rule: Literal["em", "fixed", "nway"] = "em"
    moved: Floats | None = None
    """(2^N,) by how much the last step changed the expected objects; None: it went beyond"""

    @classmethod
    def start(
        cls,
        names: Sequence[str],
        summary: Summary,
        footprints: Sequence[Footprint | None] | None = None,
        *,
        prior: Prior = "auto",
        completeness: float = 1.0,
        within: Ranges | None = None,
    ) -> Densities:
        """First values, from how many rows there are on how much sky.

        Parameters
        ----------
        summary
            Of the whole catalogues, even where densities are learnt from a sample of the sky.
        footprints
            A map for each catalogue that has one; the others' are estimated from counts.
        prior
            "auto"; "uniform": without magnitudes; "nway": the weights of nway 4.8, whose first
            catalogue is the primary one, with `completeness`; or densities per square degree by
            tuples of names, which then stay.
        within
            The sample: only area in these ranges counts. None is all.
        """
        maps = [None] * len(names) if footprints is None else list(footprints)
        densityprior.check(names, prior)
        coverage = Coverage.of(summary.counts, maps)
        rows = [each.rows for each in summary.counts]
        nu, rule = densityprior.first(tuple(names), coverage, rows, prior, completeness)
        scales = tuple(MagnitudeScale.of(each) for each in summary.magnitudes)
        magnitudes = Magnitudes.flat(scales) if prior == "auto" else None
        area = densitystep.Area.of(coverage, within)
        return cls(tuple(names), nu, coverage, area, magnitudes, densitystep.EVEN, rule)

    # ------------------------------------------------------------ weights

    def ln_weight(
        self,
        groups: Groups,
        lnB: Floats,
        rows: list[Rows],
        photometric: Floats | None = None,
    ) -> Floats:
        """(groups,) ln weight of each group relative to its rows alone; 0 for single rows.

        lnB (groups,) is the evidence of positions, `photometric` that of magnitudes together
        (`photometry.py`), neutral where None.
        """
        size = np.diff(groups.start)
        if not len(size):
            return np.empty(0)
        alone = np.concatenate([self._alone(c, each) for c, each in enumerate(rows)])
        weight = self._ln_density(groups, rows) - np.add.reduceat(
            alone[groups.nodes], groups.start[:-1]
        )
        weight += lnB - (size - 1) * _LN_4PI
        if photometric is not None:
            weight += photometric
        weight[size == 1] = 0.0
        return weight

    def ln_alone(self, rows: list[Rows]) -> list[Floats]:
        """For each row, ln nu of objects that no other catalogue detects, magnitude included."""
        return [self._alone(c, each) for c, each in enumerate(rows)]

    def _alone(self, catalog: int, rows: Rows) -> Floats:
        observed = self.coverage.observed_at(rows.spatial) | np.uint32(1 << catalog)
        ratios = None if self.magnitudes is None else self.magnitudes.at(catalog, rows.mag)
        index = np.arange(len(rows), dtype=np.int64)
        found = np.empty(len(rows))
        cells = rows.spatial >> _LOCAL_SHIFT
        for mask in np.flatnonzero(np.bincount(observed.astype(np.int64))).tolist():
            here = np.flatnonzero(observed == mask)
            members = [(ratios, index[here])]
            found[here] = self._ln_nu(mask, 1 << catalog, cells[here], members)
        return found

    def _ln_density(self, groups: Groups, rows: list[Rows]) -> Floats:
        """(groups,) ln of the density of objects with this set and these magnitudes, here."""
        _, place, observed, catalogs = self._where(groups, rows)
        first = offsets(rows)
        ratios = [
            None if self.magnitudes is None else self.magnitudes.at(c, each.mag)
            for c, each in enumerate(rows)
        ]
        kind = observed << 16 | catalogs
        found = np.empty(len(groups))
        for code in np.unique(kind).tolist():
            here = np.flatnonzero(kind == code)
            inside = [c for c in range(len(rows)) if code >> c & 1]
            at = groups.start[here]
            members = [(ratios[c], groups.nodes[at + k] - first[c]) for k, c in enumerate(inside)]
            cells = place[here] >> _LOCAL_SHIFT
            found[here] = self._ln_nu(code >> 16, code & 0xFFFF, cells, members)
        return found

    def _ln_nu(
        self,
        observed: int,
        catalogs: int,
        cells: Ints,
        members: list[tuple[RowRatios | None, Ints]],
    ) -> Floats:
        """For rows of one kind, ln nu_S^O(m): over all sets that look like S where O looked."""
        terms = []
        for whole in densitystep.completions(len(self.names), observed, catalogs):
            if self.nu[whole] <= 0.0:
                continue
            term = np.log(self.nu[whole]) + self.local.ln_ratio(whole, cells)
            for ratios, index in members:
                if ratios is not None:
                    term = term + ratios.of(whole, index)
            terms.append(term)
        if not terms:
            return np.full(len(cells), -np.inf)
        return terms[0] if len(terms) == 1 else np.asarray(np.logaddexp.reduce(terms, axis=0))

    def _where(self, groups: Groups, rows: list[Rows]) -> tuple[Ints, Ints, Ints, Ints]:
        """Of each group: its first node, where that is, who looked there, and who is in it."""
        spatial = np.concatenate([each.spatial for each in rows])
        node = groups.nodes[groups.start[:-1]]
        place = spatial[node]
        observed = (self.coverage.observed_at(place) | groups.catalogs).astype(np.int64)
        return node, place, observed, groups.catalogs.astype(np.int64)

    # ------------------------------------------------------------ learning

    def guess(self, groups: Groups, lnB: Floats, rows: list[Rows]) -> Floats:
        """(groups,) 0 or 1: groups that are the best of all their rows, and the rows left over.

        For two catalogues and equal errors: mutual nearest neighbours. The posterior to begin with.
        """
        size = np.diff(groups.start)
        weight = self.ln_weight(groups, lnB, rows)
        group = np.repeat(np.arange(len(groups)), size)
        best = np.full(sum(len(each) for each in rows), -np.inf)
        np.maximum.at(best, groups.nodes, weight[group])
        loses = np.logical_or.reduceat(best[groups.nodes] > weight[group], groups.start[:-1])
        chosen = (size > 1) & (weight > 0.0) & ~loses
        taken = np.zeros(len(best), np.bool_)
        taken[groups.nodes[chosen[group]]] = True
        left = (size == 1) & ~taken[groups.nodes[groups.start[:-1]]]
        return np.asarray(chosen | left, np.float64)

    def expected(self, groups: Groups, posterior: Floats, rows: list[Rows]) -> Sums:
        """Expected numbers of groups, by place, set and magnitude.

        posterior (groups,): 0 for groups that another patch counts.
        """
        if not len(groups):
            none = Tally(np.empty(0, np.int64), np.empty(0, np.int64))
            return Sums(none, none)
        _, place, observed, catalogs = self._where(groups, rows)
        keys = group_keys(place >> _LOCAL_SHIFT, observed, catalogs)
        total = Tally.of(keys, posterior)
        if self.magnitudes is None:
            return Sums(total, Tally(np.empty(0, np.int64), np.empty(0, np.int64)))
        bins, catalog = self._bins(rows)
        group = np.repeat(np.arange(len(groups)), np.diff(groups.start))
        node = groups.nodes
        some = np.flatnonzero((bins[node] >= 0) & (posterior[group] > 0.0))
        group, node = group[some], node[some]
        mags = member_keys(observed[group], catalogs[group], catalog[node], bins[node])
        return Sums(total, Tally.of(mags, posterior[group]))

    def _bins(self, rows: list[Rows]) -> tuple[Ints, Ints]:
        assert self.magnitudes is not None
        both = zip(self.magnitudes.scales, rows, strict=True)
        bins = np.concatenate([scale.bins(each.mag) for scale, each in both])
        return bins, np.repeat(np.arange(len(rows)), [len(each) for each in rows])

    def updated(self, sums: Sums) -> Densities:
        """One step: the densities that make these expected numbers likeliest."""
        if self.rule != "em":
            return self
        cell, observed, catalogs, amount = sums.table()
        table = densitystep.by_kind(len(self.names), observed, catalogs, amount)
        nu = densitystep.solve(self.nu, table, self.area)
        local = densitystep.local(nu, cell, observed, catalogs, amount, self.area)
        magnitudes = self.magnitudes
        if magnitudes is not None:
            counts = densitystep.by_magnitude(nu, magnitudes, sums.magnitude_table())
            magnitudes = magnitudes.learnt(counts)
        sky = self.area.of_sets(len(self.names))
        moved = (nu - self.nu) * sky
        further = densitystep.further(self.moved, moved, nu * sky)
        if further is None:
            return replace(self, nu=nu, local=local, magnitudes=magnitudes, moved=moved)
        nu = np.divide(further, sky, out=np.zeros_like(nu), where=sky > 0.0)
        return replace(self, nu=nu, local=local, magnitudes=magnitudes, moved=None)

    def expected_groups(self) -> Floats:
        """(2^N,) objects of each set on the sky that was counted."""
        return self.nu * self.area.of_sets(len(self.names))

    # ------------------------------------------------------------ for people and files

    def of(self, *names: str) -> float:
        """Objects per square degree that exactly these catalogues detect."""
        mask = sum(1 << self.names.index(name) for name in names)
        return float(self.nu[mask]) * (np.pi / 180.0) ** 2

    def lines(self) -> list[str]:
        """A line for each set that occurs, the densest first."""
        per_deg2 = self.nu * (np.pi / 180.0) ** 2
        expected = self.expected_groups()
        order = np.argsort(-per_deg2, kind="stable")
        return [
            f"{densityprior.set_name(self.names, mask)}: {per_deg2[mask]:.4g} per deg2"
            for mask in order.tolist()
            if mask and expected[mask] >= 0.5
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers come back exactly."""
        return {
            "names": list(self.names),
            "nu": self.nu.tolist(),
            "rule": self.rule,
            "coverage": self.coverage.to_dict(),
            "area": self.area.to_dict(),
            "local": self.local.to_dict(),
            "magnitudes": None if self.magnitudes is None else self.magnitudes.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Densities:
        """What `to_dict` gave."""
        mags = data["magnitudes"]
        return cls(
            tuple(data["names"]),
            np.array(data["nu"], np.float64),
            Coverage.from_dict(data["coverage"]),
            densitystep.Area.from_dict(data["area"]),
            None if mags is None else Magnitudes.from_dict(mags),
            densitystep.Local.from_dict(data["local"]),
            data["rule"],
        )


def converged(old: Densities, new: Densities) -> bool:
    """Whether a step moved no set by more than 2 per cent of the error of its own count."""
    if new.rule != "em":
        return True
    before, after = old.expected_groups(), new.expected_groups()
    return bool((np.abs(after - before) <= _CLOSE * np.sqrt(after + 1.0)).all())
