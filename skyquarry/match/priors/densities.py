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

from skyquarry.match.kernels.densities import best_of_their_rows, ln_weights
from skyquarry.match.priors import densityprior, densitystep, fielddensities
from skyquarry.match.priors.densityplaces import Placed
from skyquarry.match.priors.footprints import Coverage
from skyquarry.match.priors.magnitudes import Magnitudes, MagnitudeScale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows
    from skyquarry.match.priors.densitysums import Summary, Sums
    from skyquarry.match.resolution.groups import Groups
    from skyquarry.sky.footprint import Footprint
    from skyquarry.sky.ranges import Ranges

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Prior = Literal["auto", "uniform", "nway"] | Mapping[tuple[str, ...], float]

_LN_4PI = float(np.log(4.0 * np.pi))
_CLOSE = 0.05


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
    field: Densities | None = None
    """of the others among themselves, where rows of the first catalogue choose among three and
    more: what sets without it take from there (`fielddensities.py`)"""

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

    def placed(self, groups: Groups, rows: list[Rows]) -> Placed:
        """What does not change from pass to pass, for `weigh` and `count`."""
        scales = None if self.magnitudes is None else self.magnitudes.scales
        return Placed.of(groups, rows, self.coverage, scales)

    def ln_weight(
        self, groups: Groups, lnB: Floats, rows: list[Rows], photometric: Floats | None = None
    ) -> Floats:
        """(groups,) ln weight of each group relative to its rows alone; 0 for single rows.

        lnB (groups,) is the evidence of positions, `photometric` that of magnitudes together
        (`photometry.py`), neutral where None.
        """
        return self.weigh(self.placed(groups, rows), lnB, photometric)

    def weigh(self, placed: Placed, lnB: Floats, photometric: Floats | None = None) -> Floats:
        """As `ln_weight`, of groups that were sorted out before."""
        weight = np.empty(len(placed.groups))
        with np.errstate(divide="ignore"):
            ln_nu = np.log(self.nu)
        nodes, local = placed.nodes, self.local.table(placed.cells, len(self.nu))
        lines, begin = (np.empty((len(self.nu), 0)), np.zeros(len(self.names) + 1, np.int64))
        low = np.full(len(nodes.low), -1, np.int64)
        if self.magnitudes is not None:
            lines, begin, low = *self.magnitudes.lines(), nodes.low
        ln_weights(
            placed.groups.start, placed.groups.nodes, placed.catalogs, placed.observed, placed.cell,
            nodes.catalog, nodes.observed, nodes.cell, low, nodes.way,
            ln_nu, *local, lines, begin, lnB, _LN_4PI, weight,
        )  # fmt: skip
        if photometric is not None:
            several = np.diff(placed.groups.start) > 1
            weight[several] += photometric[several]
        return weight

    # ------------------------------------------------------------ learning

    def guess(self, groups: Groups, lnB: Floats, rows: list[Rows]) -> Floats:
        """(groups,) 0 or 1: groups that are the best of all their rows, and the rows left over.

        For two catalogues and equal errors: mutual nearest neighbours. The posterior to begin with.
        """
        return self.guessed(self.placed(groups, rows), lnB)

    def guessed(self, placed: Placed, lnB: Floats) -> Floats:
        """As `guess`, of groups that were sorted out before."""
        weight, groups = self.weigh(placed, lnB), placed.groups
        n_nodes = len(placed.nodes.cell)
        return np.asarray(best_of_their_rows(groups.start, groups.nodes, weight, n_nodes))

    def expected(self, groups: Groups, posterior: Floats, rows: list[Rows]) -> Sums:
        """Expected numbers of groups, by place, set and magnitude.

        posterior (groups,): 0 for groups that another patch counts.
        """
        return self.count(self.placed(groups, rows), posterior)

    def count(self, placed: Placed, posterior: Floats) -> Sums:
        """As `expected`, of groups that were sorted out before."""
        return placed.sums(posterior, magnitudes=self.magnitudes is not None)

    def updated(self, sums: Sums) -> Densities:
        """One step: the densities that make these expected numbers likeliest."""
        if self.rule != "em":
            return self
        cell, observed, catalogs, amount = sums.table()
        table = densitystep.by_kind(len(self.names), observed, catalogs, amount)
        nu = densitystep.solve(self.nu, table, self.area)
        local = densitystep.local(nu, cell, observed, catalogs, amount, self.area)
        if self.field is not None:
            nu = fielddensities.beside(nu, self.field.nu)
            local = fielddensities.local_beside(local, self.field.local)
        magnitudes = self.magnitudes
        if magnitudes is not None:
            counts = densitystep.by_magnitude(nu, magnitudes, sums.magnitude_table())
            if self.field is not None:
                counts = fielddensities.counts_beside(counts, self.field)
            magnitudes = magnitudes.learnt(counts)
        sky = self.area.of_sets(len(self.names))
        moved = (nu - self.nu) * sky
        further = densitystep.further(self.moved, moved, nu * sky)
        if further is None:
            return replace(self, nu=nu, local=local, magnitudes=magnitudes, moved=moved)
        nu = further / sky
        if self.field is not None:
            nu = fielddensities.beside(nu, self.field.nu)
        return replace(self, nu=nu, local=local, magnitudes=magnitudes, moved=None)

    def chosen_from(self, field: Densities | None) -> Densities:
        """The same where the first catalogue's rows choose from this field; None: as they are."""
        if field is None or self.rule != "em":
            return self
        return replace(self, nu=fielddensities.beside(self.nu, field.nu), field=field)

    def without_magnitudes(self) -> Densities:
        """The same densities, told by no magnitude: geometry alone."""
        return replace(self, magnitudes=None, moved=None)

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
    """Whether a step moved no set by more than 5 per cent of the error of its own count."""
    if new.rule != "em":
        return True
    before, after = old.expected_groups(), new.expected_groups()
    return bool((np.abs(after - before) <= _CLOSE * np.sqrt(after + 1.0)).all())
