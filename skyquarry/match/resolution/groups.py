"""Candidate pairs, islands and groups of a patch: the plain arrays that its stages hand on.

A *node* is a row of the patch, numbered through all catalogues: offset of the catalogue + row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Islands:
    """Connected components of the candidate pairs, numbered by their lowest node."""

    label: Ints
    """(nodes,) island of each node; a node without candidates is an island of its own"""
    start: Ints
    """(islands + 1,)"""
    nodes: Ints
    """(nodes,) ascending within each island"""

    def __len__(self) -> int:
        return len(self.start) - 1


@dataclass(frozen=True, slots=True)
class Groups:
    """Sets of rows, at most one a catalogue, each of which may be one object; single rows too.

    Sorted by island, then by number of members, then by nodes.
    """

    start: Ints
    """(groups + 1,)"""
    nodes: Ints
    """members, ascending within each group"""
    catalogs: NDArray[np.uint32]
    """(groups,) bit c set: there is a row of catalogue c"""
    island: Ints
    """(groups,)"""
    heuristic: Mask
    """(groups,) of an island too large for all of its groups to be listed"""

    def __len__(self) -> int:
        return len(self.start) - 1


def offsets(rows: list[Rows]) -> Ints:
    """(catalogues + 1,) where the nodes of each catalogue begin."""
    import numpy as np

    return np.concatenate([[0], np.cumsum([len(each) for each in rows])]).astype(np.int64)
