"""Lines of the tables of a result, by the rows that they are of: what stays, what is renamed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.given.rows import Flag
from skyquarry.match.results.lazytables import Tables
from skyquarry.match.results.runcounts import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.match.given.rows import Rows

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Keys:
    """Rows of several catalogues, known by pixel and id."""

    spatial: tuple[Ints, ...]
    """for each catalogue"""
    of_ids: tuple[tuple[Any, ...], ...]
    """as text"""

    @classmethod
    def none(cls, catalogs: int) -> Keys:
        """No row."""
        return cls((np.empty(0, np.int64),) * catalogs, ((),) * catalogs)

    @classmethod
    def of(cls, number: int, catalogs: int, spatial: Ints, ids: pa.Array) -> Keys:
        """Rows of one catalogue."""
        told = cls.none(catalogs)
        pixels, names = list(told.spatial), list(told.of_ids)
        pixels[number], names[number] = spatial, _texts(ids)
        return cls(tuple(pixels), tuple(names))

    @classmethod
    def of_rows(cls, rows: Sequence[Rows]) -> Keys:
        """Rows of every catalogue."""
        return cls(tuple(r.spatial for r in rows), tuple(_texts(r.ids) for r in rows))

    def __or__(self, other: Keys) -> Keys:
        both = zip(self.spatial, other.spatial, strict=True)
        names = zip(self.of_ids, other.of_ids, strict=True)
        return Keys(tuple(np.concatenate(p) for p in both), tuple(a + b for a, b in names))

    def pixels(self) -> Ints:
        """All pixels, each once."""
        return np.unique(np.concatenate(self.spatial))

    def ids(self, kind: pa.DataType) -> dict[int, pa.Array]:
        """By catalogue, where there is any: the ids in the type that the tables have."""
        told = {n: pa.array(each, pa.string()) for n, each in enumerate(self.of_ids) if each}
        return {n: each.cast(kind) for n, each in told.items()}

    def hold(self, catalog: Ints, spatial: Ints, ids: pa.ChunkedArray) -> Mask:
        """(n,) which lines are of one of these rows."""
        found = np.zeros(len(spatial), bool)
        for n, (pixels, names) in enumerate(zip(self.spatial, self.of_ids, strict=True)):
            maybe = np.flatnonzero((catalog == n) & np.isin(spatial, pixels))
            if len(maybe):
                wanted = set(zip(pixels.tolist(), names, strict=True))
                there = ids.take(from_numpy(maybe)).cast(pa.string()).to_pylist()
                keys = zip(spatial[maybe].tolist(), there, strict=True)
                found[maybe] = [key in wanted for key in keys]
        return found


def kept(told: Tables, names: tuple[str, ...], touched: Keys, searched: Keys) -> Tables:
    """The lines of islands that hold none of these rows.

    `touched`: rows of the first search, whose candidates are told anew; `searched`: of the second,
    whose groups are, and those of their candidates that it found.
    """
    both = touched | searched
    pairs, groups, members = told.pairs, told.groups, told.members
    left = numbers(pairs["left_catalog"], names)
    pixel, ids = to_numpy(pairs["_spatial"]), pairs["left_id"]
    fast = (to_numpy(pairs["flags"]) & int(Flag.FAST_PASS)) > 0
    # A row that is searched again was alone: whatever was accepted of it, the second search found.
    second = fast | to_numpy(pairs["is_match"])
    drop = touched.hold(left, pixel, ids) | (second & searched.hold(left, pixel, ids))
    first = np.full(len(groups), -1, np.int64)
    gone = np.zeros(len(groups), bool)
    for number in reversed(range(len(names))):
        first[to_numpy(groups[f"_{number}"].is_valid())] = number
    for number, name in enumerate(names):
        pixels = to_numpy(groups[f"_{number}"].fill_null(-1))
        gone |= both.hold(np.where(first == number, number, -1), pixels, groups[f"{name}_id"])
    catalog = numbers(members["catalog"], names)
    left_out = both.hold(catalog, to_numpy(members["_spatial"]), members["id"])
    return Tables(
        pairs.filter(from_numpy(~drop)),
        groups.filter(from_numpy(~gone)),
        members.filter(from_numpy(~left_out)),
    )


def as_part(told: Tables, names: tuple[str, ...]) -> Tables:
    """Lines in the order of the sky as a part of the tables: with a number for each left row."""
    pairs = told.pairs
    left = numbers(pairs["left_catalog"], names)
    keys = [left, to_numpy(pairs["_spatial"]), to_numpy(pairs["left_row"].fill_null(-1))]
    ids = to_numpy(pc.rank(pairs["left_id"], tiebreaker="dense").cast(pa.int64()))
    changes = [each[1:] != each[:-1] for each in (*keys, ids)]
    node = np.zeros(len(pairs), np.int64)
    node[1:] = np.cumsum(np.logical_or.reduce(changes))
    return Tables(pairs.append_column("_node", from_numpy(node)), told.groups, told.members)


def renumbered(
    told: Tables, names: tuple[str, ...], changed: Mapping[int, tuple[Ints, Ints]]
) -> Tables:
    """The same lines, where rows of tables in memory have other numbers now."""
    if not changed:
        return told
    pairs, members = told.pairs, told.members
    for column in ("left_row", "right_row"):
        pairs = _renumbered(pairs, column, column.replace("row", "catalog"), names, changed)
    members = _renumbered(members, "row", "catalog", names, changed)
    return Tables(pairs, told.groups, members)


def _renumbered(
    table: pa.Table,
    column: str,
    catalog: str,
    names: tuple[str, ...],
    changed: Mapping[int, tuple[Ints, Ints]],
) -> pa.Table:
    row = to_numpy(table[column].fill_null(-1)).copy()
    code = numbers(table[catalog], names)
    for n, (old, new) in changed.items():
        order = np.argsort(old)
        mine = np.flatnonzero((code == n) & (row >= 0))
        at = np.minimum(np.searchsorted(old[order], row[mine]), len(old) - 1)
        known = old[order][at] == row[mine]
        row[mine[known]] = new[order][at[known]]
    values = pc.if_else(from_numpy(row >= 0), from_numpy(row), None)
    return table.set_column(
        table.schema.get_field_index(column), table.schema.field(column), values
    )


def _texts(ids: pa.Array) -> tuple[Any, ...]:
    return tuple(ids.cast(pa.string()).to_pylist())
