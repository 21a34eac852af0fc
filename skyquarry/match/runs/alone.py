"""Rows of a patch that have no candidate: which they are, and the rows when they are asked for.

Beside a shallow catalogue they are nearly all of a deep one. Their tables are seldom asked for, and
what is learnt of them needs two numbers of each: so they are kept as a mask, not as a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skyquarry.match.priors.densityplaces import Lone

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Alone:
    """Rows of every catalogue that stand alone."""

    chosen: list[Mask]
    """which of the patch's rows, catalogue by catalogue"""
    seen: list[Rows] | None
    """the rows of the patch; None where they are read again"""
    again: Callable[[], list[Rows]] | None = None
    """reads the rows of the patch, where that costs little"""

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(each)) for each in self.chosen)

    @property
    def around(self) -> list[Rows]:
        """The rows of the patch."""
        if self.seen is not None:
            return self.seen
        assert self.again is not None
        return self.again()

    @property
    def rows(self) -> list[Rows]:
        """Those that stand alone."""
        return chosen_rows(self.around, self.chosen)

    @property
    def lone(self) -> list[Lone]:
        """What is learnt of them."""
        both = zip(self.around, self.chosen, strict=True)
        return [Lone(rows.spatial[mask], rows.mag[mask]) for rows, mask in both]

    def kept(self) -> Alone:
        """The same for later: without the rows of the patch, where they can be read again."""
        return self if self.again is None else replace(self, seen=None)


def chosen_rows(rows: list[Rows], chosen: list[Mask]) -> list[Rows]:
    """The rows of each catalogue where its mask (n,) is true."""
    return [
        each if mask.all() else each.take(np.flatnonzero(mask))
        for each, mask in zip(rows, chosen, strict=True)
    ]
