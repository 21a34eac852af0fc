"""How far apart true pairs lie, by those that were seen: where candidates end.

A completeness is a promise about true pairs, and chi2 keeps it only where errors are Gaussian and
as stated. A few blends among some hundred rows are too few to be told as wide errors, and yet more
than the promise leaves out. So the limit is also measured: of n pairs in order of chi2, the k-th
greatest is exceeded by a new one with probability k / (n + 1), whatever their distribution is
(Wilks 1941, Ann. Math. Stat. 12, 91). The evidence then judges what lies within.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_KEPT: Final = 0.01  # of the pairs: for a completeness of 0.99 and more
_ROUNDING: Final = 1e-6  # chi2 of a pair is worked out from rows that were moved, to some 1e-8


@dataclass(frozen=True, slots=True)
class Tail:
    """The greatest chi2 of pairs that are not by chance, by calibrated errors."""

    pairs: int = 0
    """how many there were"""
    chi2: tuple[float, ...] = ()
    """of the hundredth part that is farthest apart, the greatest first"""

    @classmethod
    def of(cls, chi2: Floats) -> Tail:
        """Of pairs (m,) that are not by chance."""
        kept = int(_KEPT * (len(chi2) + 1))
        greatest = np.sort(chi2)[::-1][:kept]
        return cls(len(chi2), tuple(greatest.tolist()))

    def chi2_within(self, completeness: float) -> float:
        """The chi2 that this share of true pairs lies within; 0 where these pairs cannot tell.

        They tell it if there are 1 / (1 - completeness) of them or more, to be exceeded by one.
        """
        beyond = int((1.0 - completeness) * (self.pairs + 1))
        if not 1 <= beyond <= len(self.chi2):
            return 0.0
        return self.chi2[beyond - 1] * (1.0 + _ROUNDING)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"pairs": self.pairs, "chi2": list(self.chi2)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Tail:
        """What `to_dict` gave."""
        return cls(int(plain["pairs"]), tuple(plain["chi2"]))


UNSEEN: Final = Tail()
"""Of a catalogue whose pairs tell nothing of its errors."""
