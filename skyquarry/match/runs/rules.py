"""What holds for every patch of a run: the constraint, and how far candidates may disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.match.likelihood.motionprior import MotionPrior

Constraint = Literal["one_to_one", "many_to_one", "none"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every patch of a run."""

    names: tuple[str, ...]
    constraint: Constraint
    completeness: float
    motion: MotionPrior
    radius_arcsec: float | None = None
    """no pair is farther apart, at the epoch compared; None: as far as the errors allow"""
    chi2_seen: float = 0.0
    """that the completeness asks for by the true pairs that calibration has seen; 0: not known"""

    @property
    def chi2_limit(self) -> float:
        """Pairs beyond this chi2 are no candidates.

        It is that of a group of all catalogues, of 2 (n - 1) degrees of freedom (crossmatch.md
        1.6): a group within it has no pair beyond it, so that no true group is cut in two. Where
        true pairs lie farther apart than their errors say it is that of the pairs seen.
        """
        from scipy.special import gammaincinv

        stated = 2.0 * float(gammaincinv(len(self.names) - 1, self.completeness))
        return max(stated, self.chi2_seen)

    def catalog_pairs(self) -> Iterator[tuple[int, int]]:
        """The pairs of catalogues that are searched."""
        count = len(self.names)
        leaders = [0] if self.constraint == "many_to_one" else range(count)
        return ((a, b) for a in leaders for b in range(a + 1, count))
