"""The tables of all patches as one, sorted along the sky.

Those of a patch come along the sky: a stable sort, which merges what is sorted, needs no more than
one look at most rows. Rows of one pixel (0.4 mas) are put in order by
themselves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.match.results.lazytables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

LONG_RUN = 2_000
"""Tables are put together from slices, nothing copied, where these are as long on average."""


def together(parts: Sequence[Tables], names: tuple[str, ...], over: Any = map) -> Tables:
    """The tables of all patches, sorted along the sky, each when it is asked for.

    `over(function, items)` gives the function's value for each item, and may work on several at
    once.
    """
    return Tables(
        lambda: pairs_together(list(over(lambda part: part.pairs, parts)), names),
        lambda: groups_together(list(over(lambda part: part.groups, parts)), names),
        lambda: members_together(list(over(lambda part: part.members, parts)), names),
    )


def pairs_together(parts: Sequence[pa.Table], names: tuple[str, ...]) -> pa.Table:
    """By the left row (pixel, catalogue, id, row), then the right catalogue, then rank."""
    pairs = pa.concat_tables(parts).unify_dictionaries()
    more = ("_node", _code(pairs["right_catalog"], names), column(pairs, "rank"))
    left = _code(pairs["left_catalog"], names)
    return _sorted(pairs, left, ("left_id", "left_row"), list(map(len, parts)), more)


def groups_together(parts: Sequence[pa.Table], names: tuple[str, ...]) -> pa.Table:
    """By the first member: pixel, catalogue, id."""
    groups = pa.concat_tables(parts)
    first = np.zeros(len(groups), np.int64)
    for number in reversed(range(len(names))):
        first[to_numpy(groups[f"_{number}"].is_valid())] = number
    return _sorted(groups, first, ("group_id", None), list(map(len, parts)))


def members_together(parts: Sequence[pa.Table], names: tuple[str, ...]) -> pa.Table:
    """By pixel, catalogue, id and row."""
    members = pa.concat_tables(parts).unify_dictionaries()
    return _sorted(members, _code(members["catalog"], names), ("id", "row"), list(map(len, parts)))


def _sorted(
    table: pa.Table,
    catalog: Ints,
    row: tuple[str, str | None],
    lengths: list[int],
    more: tuple[Any, ...] = (),
) -> pa.Table:
    """The rows by pixel, catalogue, id, row, and what else there is.

    `row`: names of the columns of id and row number; `lengths`: how many rows each part has.
    `more`: the column that numbers the catalogue rows of a part, where one has several lines (else
    each line is a row of its own), and keys of these.
    """
    spatial = column(table, "_spatial")
    order = np.argsort(spatial, kind="stable")
    tied = _tied(table, spatial, catalog, order, lengths, more[0] if more else None)
    if len(tied):
        mine = order[tied]
        some = table.select([name for name in row if name is not None]).take(from_numpy(mine))
        rank = to_numpy(pc.rank(some[row[0]], tiebreaker="dense").cast(pa.int64()))
        number = np.zeros(len(mine), np.int64)
        if row[1] is not None:
            number = to_numpy(some[row[1]].fill_null(-1))
        keys = (*(key[mine] for key in reversed(more[1:])), number, rank)
        order[tied] = mine[np.lexsort((*keys, catalog[mine], spatial[mine]))]
    names = [name for name in table.column_names if not more or name != more[0]]
    if bool((order[1:] > order[:-1]).all()):
        return table.select(names)
    return _gathered(table.select(names), order)


def _gathered(table: pa.Table, order: Ints) -> pa.Table:
    """The rows in this order: by slices where long runs stay together, else row by row."""
    cuts = np.flatnonzero(np.diff(order) != 1) + 1
    if len(order) >= LONG_RUN * (len(cuts) + 1):
        ends = [0, *cuts.tolist(), len(order)]
        runs = [table.slice(int(order[start]), stop - start) for start, stop in pairwise(ends)]
        return pa.concat_tables(runs)
    index = from_numpy(order)
    columns = [
        pa.nulls(len(index), each.type) if each.null_count == len(each) else each.take(index)
        for each in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _tied(
    table: pa.Table,
    spatial: Ints,
    catalog: Ints,
    order: Ints,
    lengths: list[int],
    node: str | None,
) -> Ints:
    """Places in the order whose pixel holds rows that a stable sort may have left in disorder.

    In one part different catalogues stand in order, and so do lines of one row.
    """
    along = spatial[order]
    same = np.flatnonzero(along[1:] == along[:-1])
    if not len(same):
        return np.empty(0, np.int64)
    before, after = order[same], order[same + 1]
    part = np.cumsum(lengths)
    apart = np.searchsorted(part, before, "right") != np.searchsorted(part, after, "right")
    alike = catalog[before] == catalog[after]
    if node is not None:
        own = column(table, node)
        alike &= own[before] != own[after]
    unsure = same[apart | alike]
    if not len(unsure):
        return np.empty(0, np.int64)
    pixels = np.unique(along[unsure])
    first, last = (np.searchsorted(along, pixels, side) for side in ("left", "right"))
    size = last - first
    told: Ints = np.repeat(first - np.cumsum(size) + size, size) + np.arange(int(size.sum()))
    return told


def _code(names: pa.ChunkedArray, wanted: tuple[str, ...]) -> Ints:
    """(n,) number of each catalogue's name."""
    parts = [np.empty(0, np.int64)]
    for chunk in names.chunks:
        place = {name: k for k, name in enumerate(wanted)}
        number = np.array([place[name] for name in chunk.dictionary.to_pylist()], np.int64)
        if len(chunk):
            parts.append(number[to_numpy(chunk.indices)])
    found: Ints = np.concatenate(parts)
    return found


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column as numpy, null as NaN."""
    told: NDArray[Any] = to_numpy(table.column(name))
    return told
