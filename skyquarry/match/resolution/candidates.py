"""Candidate groups: every set of rows that may be one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from skyquarry.errors import UserError
from skyquarry.match.kernels.islands import adjacency, bucket, connected_sets, unpack
from skyquarry.match.kernels.largesets import interleaved, large_groups
from skyquarry.match.kernels.pairsets import are_proper, pair_sets
from skyquarry.match.kernels.pairtable import starts_of
from skyquarry.match.resolution.groups import Groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.match.resolution.groups import Islands

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

Constraint = Literal["one_to_one", "many_to_one", "none"]
MAX_CATALOGS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these an island of three or more catalogues is large: not all its sets are listed.

    An island of 12 rows has at most 4,095 sets, so one of up to 12 never is. One of more than 56
    rows always is (a set is one 64-bit word).
    """

    sets: int = 4096
    """of an island"""
    vast_rows: int = 1000
    """Islands of more rows are cores of crowds, where rows have counterparts without number: of
    their pairs count those that are among the `best` of both rows in the other's catalogue"""
    best: int = 3
    sets_a_row: int = 256
    """of a large island: as many round each row; beyond, a greedy choice"""


def candidate_groups(
    islands: Islands,
    left: Ints,
    right: Ints,
    catalog_of_node: NDArray[np.uint8],
    constraint: Constraint = "one_to_one",
    limits: Limits | None = None,
    strength: Floats | None = None,
) -> Groups:
    """Sets of rows that may be one object: connected by pairs, at most one row a catalogue.

    Parameters
    ----------
    left, right
        (m,) int64 nodes of the candidate pairs, those that the islands were made of.
    strength
        (m,) how well each pair fits; without it no pair of a vast island is left out.
    catalog_of_node
        (n,) uint8, from 0 to 15.
    constraint
        "one_to_one": every such set. "many_to_one": sets round a row of catalogue 0, each member a
        candidate of that row. "none": pairs. Single rows always.

    Returns
    -------
    Groups
        Sorted by island, members, nodes. `heuristic` marks islands beyond the limits: of these
        all single rows and pairs are listed and, of larger sets, those whose rows are all
        candidates of each other; where that is too many round a row, a greedy choice of them. Of
        vast islands only the strongest pairs count.

    Raises
    ------
    UserError
        For more than 16 catalogues or a constraint of another name.
    """
    catalog = _checked(catalog_of_node, constraint)
    chosen = limits or Limits()
    if constraint == "none" or int(catalog.max(initial=0)) < 2:
        return _pairs_only(islands, *_pairs(left, right, catalog, constraint), catalog)
    if strength is not None:
        vast = (np.diff(islands.start) > chosen.vast_rows)[islands.label[left]]
        if vast.any():
            vast[vast] = ~_strongest(left[vast], right[vast], strength[vast], catalog, chosen.best)
            left, right = left[~vast], right[~vast]
    first, second = _pairs(left, right, catalog, constraint)
    next_start, neighbour = adjacency(len(catalog), first, second)
    _, _, place = bucket(islands.label, len(islands))
    keys, begin, large = connected_sets(
        islands.start, islands.nodes, place, next_start, neighbour, catalog, chosen.sets
    )
    start, nodes, catalogs, island = unpack(keys, begin, islands.start, islands.nodes, catalog)
    if not large.any():
        return Groups(start, nodes, catalogs, island, np.zeros(len(island), bool))
    star = constraint == "many_to_one"
    limit = chosen.sets if star else chosen.sets_a_row
    *others, whole = large_groups(
        islands.start, islands.nodes, large, star, limit, next_start, neighbour, catalog
    )
    start, nodes, catalogs, island, added = interleaved(start, nodes, catalogs, island, *others)
    return Groups(start, nodes, catalogs, island, added & ~(whole & star)[island])


def _strongest(
    left: Ints, right: Ints, strength: Floats, catalog: NDArray[np.uint8], best: int
) -> Mask:
    """(m,) pairs that are among so many best ones of both their rows, by the other's catalogue.

    Of equal ones the lower row is better.
    """
    kept = np.ones(len(left), bool)
    for mine, other in ((left, right), (right, left)):
        order = np.lexsort((other, -strength, catalog[other], mine))
        key = mine[order] * MAX_CATALOGS + catalog[other[order]]
        begin = np.concatenate([[True], key[1:] != key[:-1]])
        place = np.arange(len(order)) - np.flatnonzero(begin)[np.cumsum(begin) - 1]
        kept[order[place >= best]] = False
    return kept


def _checked(catalog_of_node: NDArray[np.uint8], constraint: str) -> NDArray[np.uint8]:
    if constraint not in ("one_to_one", "many_to_one", "none"):
        raise UserError(
            f"constraint is {constraint!r}, but a match is one of 'one_to_one', 'many_to_one' and "
            "'none': choose one of these"
        )
    catalog = np.ascontiguousarray(catalog_of_node, np.uint8)
    highest = int(catalog.max(initial=0))
    if highest >= MAX_CATALOGS:
        raise UserError(
            f"there are {highest + 1} catalogues, but at most {MAX_CATALOGS} can be matched at "
            "once: match some of them first, and their result with the others"
        )
    return catalog


def _pairs(
    left: Ints, right: Ints, catalog: NDArray[np.uint8], constraint: str
) -> tuple[Ints, Ints]:
    """The pairs that may share a group: lower node first, sorted, each once."""
    if are_proper(left, right, catalog, constraint == "many_to_one"):
        return left, right
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    kept = catalog[low] != catalog[high]
    if constraint == "many_to_one":
        kept &= (catalog[low] == 0) | (catalog[high] == 0)
    if not kept.all():
        low, high = low[kept], high[kept]
    step, inside = np.diff(low), np.diff(high)
    if not ((step > 0) | ((step == 0) & (inside > 0))).all():
        order = np.lexsort((high, low))
        low, high = low[order], high[order]
        new = np.ones(len(low), bool)
        new[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
        low, high = low[new], high[new]
    return low, high


def _pairs_only(islands: Islands, first: Ints, second: Ints, catalog: NDArray[np.uint8]) -> Groups:
    pair_start = starts_of(first, len(catalog))
    start, nodes, catalogs, island = pair_sets(
        islands.start, islands.nodes, pair_start, second, catalog
    )
    return Groups(start, nodes, catalogs, island, np.zeros(len(island), bool))
