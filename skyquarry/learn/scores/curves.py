"""What purity costs in completeness, as the threshold on a class's probability moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_POINTS: Final = 150


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows in falling order of the probability of one class; equal ones stay together."""

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    """last place of each run of equal probabilities"""
    p: Floats
    """(runs,)"""
    mine: Mask

    @classmethod
    def of(cls, p: Floats, mine: Mask) -> Ranked:
        """From probabilities (n,) and who belongs to the class."""
        order = np.argsort(-p, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
        return cls(order, ends, p[order][ends], mine[order])

    def curve(self, weight: Floats) -> tuple[Floats, Floats]:
        """(purity, completeness) of all rows down to each run; NaN where nothing weighs."""
        ranked = weight[self.order]
        said = np.cumsum(ranked)[self.ends]
        right = np.cumsum(ranked * self.mine)[self.ends]
        purity = np.divide(right, said, out=np.full(len(said), np.nan), where=said > 0)
        all_of_it = right[-1] if len(right) else 0.0
        if not all_of_it:
            return purity, np.full(len(said), np.nan)
        return purity, right / all_of_it

    def at_purity(self, weight: Floats, purity: float) -> tuple[float, float]:
        """(completeness, threshold) where purity is at least this; (0, inf) where it never is."""
        told, completeness = self.curve(weight)
        fine = np.flatnonzero(told >= purity - 1e-12)
        if not len(fine):
            return 0.0, float("inf")
        return float(completeness[fine[-1]]), float(self.p[fine[-1]])


def purity_completeness(p: Floats, mine: Mask, weight: Floats) -> list[dict[str, float]]:
    """At most some 150 points, evenly along completeness: threshold, purity, completeness."""
    if not (weight[mine] > 0).any():
        return []
    ranked = Ranked.of(p, mine)
    purity, completeness = ranked.curve(weight)
    known = np.flatnonzero(np.isfinite(purity))
    goal = np.linspace(completeness[known[0]], 1.0, _POINTS)
    place = np.unique(np.searchsorted(completeness[known], goal - 1e-12))
    place = known[np.minimum(place, len(known) - 1)]
    return [
        {
            "p": float(ranked.p[i]),
            "purity": float(purity[i]),
            "completeness": float(completeness[i]),
        }
        for i in place
    ]
