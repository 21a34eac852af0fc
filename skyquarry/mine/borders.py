"""Groups that reach over borders: what parts of the sky saw of each other's rows, put together.

A row is known by its order-29 pixel and by its number among the rows of that pixel. Sorted by
these, rows lie along the sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.kernels.islands import label_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

KEYS = ("_pixel", "_nth", "_first_pixel", "_first_nth")
"""a row, and the first row of its group"""
INSIDE = "_inside"
_KEY = np.dtype("S16")  # both numbers, the highest byte first: compared as one


@dataclass(frozen=True, slots=True)
class Heads:
    """The groups of some rows."""

    first: Mask
    """(n,) whether a row is the first of its group"""
    group: Ints
    """(n,) which group of these rows it is in, 0 ..."""
    over: Ints
    """(n,) number of its group among those over borders, -1: none of them"""
    known: Ints
    """(groups over borders,) their final numbers, as far as they are known; shared"""

    def spread(self, number: Ints, new: Mask) -> None:
        """Give every row the number of its group, which so far the `new` first rows have."""
        over = new & (self.over >= 0)
        self.known[self.over[over]] = number[over]
        of_group = np.full(int(self.group.max(initial=-1)) + 1, -1, np.int64)
        of_group[self.group[new]] = number[new]
        number[:] = of_group[self.group]
        reached = self.over >= 0
        number[reached] = self.known[self.over[reached]]


class Borders:
    """Rows that a part of the sky sees beyond its border: all that has to be in memory at once."""

    def __init__(self) -> None:
        self._seen: list[pa.Table] = []
        self._nodes = np.empty(0, _KEY)
        self._label = self._members = self._known = np.empty(0, np.int64)
        self._lone: pa.Table | None = None

    def see(self, links: pa.Table) -> None:
        """What a part found beyond its border."""
        outside = ~_inside(links)
        if outside.any():
            self._seen.append(links.filter(from_numpy(outside)))

    def settle(self, parts: Iterable[pa.Table]) -> None:
        """Join the groups, once all parts have been seen; each part is looked at once more."""
        if not self._seen:
            return
        seen = pa.concat_tables(self._seen)
        keys, at = np.unique(_keys(seen, 0), return_index=True)
        edges, sizes, linked = [(_keys(seen, 0), _keys(seen, 2))], [], np.zeros(len(keys), bool)
        roots_seen = np.unique(_keys(seen, 2))
        for part in parts:
            own = part.filter(from_numpy(_inside(part)))
            row, root = _keys(own, 0), _keys(own, 2)
            place, there = _places(keys, row)
            linked[place[there]] = True
            edges.append((row[there], root[there]))
            reach = _places(roots_seen, root)[1] | _places(np.unique(root[there]), root)[1]
            sizes.append(np.unique(root[reach], return_counts=True))
        self._join(edges)
        for root, count in sizes:
            np.add.at(self._members, self._label[_places(self._nodes, root)[0]], count)
        alone = keys[~linked]
        np.add.at(self._members, self._label[_places(self._nodes, alone)[0]], 1)
        self._lone = seen.take(from_numpy(at[~linked]))
        self._seen = []

    def _join(self, edges: list[tuple[NDArray[np.bytes_], NDArray[np.bytes_]]]) -> None:
        row, root = (np.concatenate([each[side] for each in edges]) for side in (0, 1))
        self._nodes, number = np.unique(np.concatenate([row, root]), return_inverse=True)
        first, second = number[: len(row)].astype(np.int64), number[len(row) :].astype(np.int64)
        self._label, count = label_nodes(len(self._nodes), first, second)
        self._members = np.zeros(count, np.int64)
        self._known = np.full(count, -1, np.int64)

    def counted(self, part: pa.Table, stop: int | None) -> tuple[pa.Table, Ints, Heads]:
        """The rows of a part along the sky, the members (n,) of the group of each, the groups.

        Rows that nobody but another part links, and that lie before the pixel `stop`, come too.
        """
        rows = part.filter(from_numpy(_inside(part)))
        rows = self._with_lone(rows, stop)
        row, root = _keys(rows, 0), _keys(rows, 2)
        node, there = _places(self._nodes, root)
        over = np.where(there, self._label[node] if len(self._label) else 0, -1)
        if len(self._label):
            lowest = np.full(len(self._members), len(self._nodes), np.int64)
            np.minimum.at(lowest, self._label, np.arange(len(self._nodes)))
            root[there] = self._nodes[lowest[over[there]]]
        _, group, count = np.unique(root, return_inverse=True, return_counts=True)
        members = count[group]
        members[there] = self._members[over[there]]
        return rows, members, Heads(row == root, group.astype(np.int64), over, self._known)

    def _with_lone(self, rows: pa.Table, stop: int | None) -> pa.Table:
        if self._lone is None or not self._lone.num_rows:
            return rows
        pixel = to_numpy(self._lone[KEYS[0]])
        before = len(pixel) if stop is None else int(np.searchsorted(pixel, stop))
        rows = pa.concat_tables([rows, self._lone.slice(0, before)])
        self._lone = self._lone.slice(before)
        return rows.take(from_numpy(np.argsort(_keys(rows, 0), kind="stable")))


def found_at(values: Ints) -> Mask:
    """(n,) where a sorted value is the first of its kind."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _inside(links: pa.Table) -> Mask:
    return np.asarray(to_numpy(links[INSIDE]), bool)


def _keys(links: pa.Table, first: int) -> NDArray[np.bytes_]:
    found = np.empty((links.num_rows, 2), ">i8")
    for side in (0, 1):
        found[:, side] = to_numpy(links[KEYS[first + side]])
    return found.view(_KEY).ravel()


def _places(known: NDArray[np.bytes_], wanted: NDArray[np.bytes_]) -> tuple[Ints, Mask]:
    """(n,) where each wanted key is among sorted keys, and whether it is there."""
    at = np.searchsorted(known, wanted)
    inside = at < len(known)
    there = inside.copy()
    there[inside] = known[at[inside]] == wanted[inside]
    return np.where(there, at, 0), there
