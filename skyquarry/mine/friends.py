"""Friends of friends: groups of rows that are linked by pairs (Huchra & Geller 1982, ApJ 257, 423).

Each part of the sky links its own rows and those just ahead; what it found is put on disk, and only
rows that two parts see are kept in memory, where they join groups across borders.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy, to_numpy
from skyquarry.engine.asked import whole_number
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import MEMORY_BYTES, Plan, Result
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scratch import scratch
from skyquarry.errors import UserError
from skyquarry.match.kernels.islands import label_nodes
from skyquarry.mine.borders import INSIDE, KEYS, Borders, found_at
from skyquarry.mine.near import Agreement, Near, pairs_node, tasks_of

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.executors import Where
    from skyquarry.engine.run import Task
    from skyquarry.match.geometry.pairing import Pairing
    from skyquarry.match.geometry.pairs import PairsNode
    from skyquarry.match.given.sides import Fetch
    from skyquarry.sky.ranges import Ranges

    Ints = NDArray[np.int64]


def friends_of_friends(
    catalog: CatalogLike,
    length_arcsec: float,
    *,
    within: Mapping[str, float] | None = None,
    least: int = 2,
    columns: Iterable[str] = (),
    folder: str | os.PathLike[str] | None = None,
) -> GroupsPlan:
    """Groups of rows in which each is within a length of another one: a plan.

    Parameters
    ----------
    catalog
        Or its path; with its cuts. `head` is refused.
    length_arcsec
        The linking length: rows at most so far apart are friends.
    within
        Texts of arithmetic and how much friends may differ in them: {"z": 0.001}. A row without a
        value has no friend.
    least
        Members of a group that is told.
    columns
        More columns of each row.
    folder
        Where the links of each part of the sky are put. A temporary folder by default.

    Returns
    -------
    GroupsPlan
        Rows `id, group, members` and the columns, along the sky; rows without a friend are left
        out. Groups are numbered by their first member along the sky. The same for any executor.

    Raises ColumnError, PredicateError, PositionError, UserError.

    >>> groups = friends_of_friends(sky["sdss"], 60.0).to_table()  # doctest: +SKIP
    """
    fewest = whole_number(least)
    if fewest is None or fewest < 2:
        raise UserError(f"least is {least!r}, but a group has 2 members or more: try 2")
    catalog = catalog_of(catalog)
    agreement = Agreement.of(within, catalog.source.schema)
    more = tuple(catalog.source.resolve(columns))
    read = tuple(dict.fromkeys([*agreement.columns, *more]))
    node = pairs_node(catalog, length_arcsec, columns=read)
    place = None if folder is None else str(folder)
    return GroupsPlan(GroupsNode(node, agreement, fewest, more, place))


@dataclass(frozen=True)
class GroupsNode:
    """Pairs, what friends have to agree in, and which groups are told."""

    pairs: PairsNode
    agreement: Agreement
    least: int
    columns: tuple[str, ...] = ()
    folder: str | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """id, group, members, and more columns."""
        whole = [pa.field("group", pa.int64()), pa.field("members", pa.int64())]
        fields = [self.pairs.schema.field("left_id").with_name("id"), *whole]
        source = self.pairs.left.schema
        return pa.schema([*fields, *(source.field(name) for name in self.columns)])

    def __len__(self) -> int:
        return len(self.pairs)

    def tasks(self) -> Iterator[Task]:
        """The links of each part of the sky: `GroupsPlan.run` joins them."""
        return tasks_of(self.pairs, linked, self.agreement, self.columns)

    def weight(self, key: Any) -> int:
        """That of the pairs."""
        return self.pairs.weight(key)

    def cost(self, workers: int | None = None) -> Cost:
        """That of the pairs."""
        return self.pairs.cost(workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """The groups, and the pairs below."""
        told = f"groups of {self.least} rows or more that are linked by"
        return [told, *(f"  {line}" for line in self.pairs.explain(workers))]

    def report(self, counts: dict[str, int]) -> dict[str, Any]:
        """Nothing beside the rows."""
        return dict(counts)


def linked(
    pairing: Pairing,
    left: Fetch,
    right: Fetch,
    core: Ranges,
    agreement: Agreement,
    columns: tuple[str, ...],
) -> pa.Table:
    """The task: rows with a friend, each with the first row of its group as far as is seen here."""
    near = Near.of(pairing, left, right, core)
    n = len(near.lefts.pixels)
    label, touched = np.arange(n), np.zeros(n, bool)
    edges = (np.empty(0, np.int64), np.empty(0, np.int64))
    for block in near.agreeing(agreement):
        touched[block.left] = touched[block.right] = True
        pairs = zip(edges, (block.left, block.right), strict=True)
        label, count = label_nodes(n, *(np.concatenate(each) for each in pairs))
        first = np.empty(count, np.int64)
        first[label[::-1]] = np.arange(n - 1, -1, -1)
        label = first[label]
        edges = (np.flatnonzero(touched), label[touched])
    rows = np.flatnonzero(touched)
    return _links(near, rows, label[rows], columns)


def _links(near: Near, rows: Ints, first: Ints, columns: tuple[str, ...]) -> pa.Table:
    pixels, core = near.lefts.pixels, near.left.core
    nth = np.arange(len(pixels)) - np.searchsorted(pixels, pixels)
    inside = (rows >= core.start) & (rows < core.stop)
    keys = (pixels[rows], nth[rows], pixels[first], nth[first], inside)
    places = from_numpy(near.lefts.rows_of(rows))
    told = near.lefts.table.select([near.pairing.left.id, *columns]).take(places)
    names = [*KEYS, INSIDE, "id", *columns]
    return pa.table([*map(from_numpy, keys), *told.columns], names=names)


@dataclass(frozen=True, repr=False)
class GroupsPlan(Plan):
    """A plan that links part after part, joins groups across borders, and then tells them."""

    root: GroupsNode

    def run(  # type: ignore[override]  # a window has no meaning over two rounds
        self,
        executor: Where = None,
        *,
        cancel: threading.Event | None = None,
        memory_bytes: int | None = MEMORY_BYTES,
    ) -> Result:
        """The groups, worked out when they are first asked for; the same from every executor."""

        def start(*, ordered: bool) -> Iterator[tuple[Any, Any]]:
            del ordered  # groups are numbered along the sky
            with scratch("groups", self.root.folder) as home:
                paths: list[tuple[Any, Path]] = []
                borders = Borders()
                for key, links in run_tasks(
                    self.root.tasks(), executor, ordered=True, cancel=cancel,
                    memory_bytes=memory_bytes, weigh=self.root.weight,
                ):  # fmt: skip
                    path = Path(home) / f"{len(paths):08d}.arrow"
                    _write(path, links)
                    paths.append((key, path))
                    borders.see(links)
                yield from self._told(paths, borders)

        return Result(self, start, executor)

    def to_table(self, executor: Where = None) -> pa.Table:
        """All rows in memory."""
        return self.run(executor).table

    def _told(self, paths: list[tuple[Any, Path]], borders: Borders) -> Iterator[tuple[Any, Any]]:
        borders.settle(_read(path) for _, path in paths)
        number = 0
        for i, (key, path) in enumerate(paths):
            stop = None
            if i + 1 < len(paths):
                stop = int(self.root.pairs.units.starts[paths[i + 1][0]])
            rows, members, heads = borders.counted(_read(path), stop)
            keep = members >= self.root.least
            new = keep & heads.first
            group = np.empty(len(keep), np.int64)
            group[new] = number + np.arange(int(new.sum()))
            number += int(new.sum())
            heads.spread(group, new)
            yield key, self._table(rows, group, members, keep)

    def _table(self, rows: pa.Table, group: Ints, members: Ints, keep: Any) -> pa.Table:
        told = [rows["id"], from_numpy(group), from_numpy(members)]
        columns = [*told, *(rows[name] for name in self.root.columns)]
        return pa.table(columns, schema=self.schema).filter(from_numpy(keep))


def _write(path: Path, links: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, links.schema) as writer:
        writer.write_table(links)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def duplicates(
    catalog: CatalogLike,
    radius_arcsec: float = 1.0,
    *,
    within: Mapping[str, float] | None = None,
    best: str | None = None,
    executor: Where = None,
) -> pa.Table:
    """Rows that may be one object: `id, group, members, keep`, along the sky.

    Groups are `friends_of_friends`: rows at most `radius_arcsec` from another one, which agree
    `within` differences: {"r_mag": 0.2}. `keep` is true for one of each group: the one with the
    lowest `best`, a text of arithmetic ("ra_error"), a missing value being the worst; of equals, or
    without `best`, the first along the sky. Raises what `friends_of_friends` raises.

    >>> duplicates(sky["sdss"], 0.5, within={"r_mag": 0.2}, best="r_mag_error")  # doctest: +SKIP
    """
    from skyquarry.engine.plainterms import Plain
    from skyquarry.engine.predicate import parse_number

    catalog = catalog_of(catalog)
    number = None if best is None else parse_number(best, catalog.source.schema)
    columns = () if number is None else number.columns
    plan = friends_of_friends(catalog, radius_arcsec, within=within, columns=columns)
    rows = plan.to_table(executor)
    group, n = to_numpy(rows["group"]), rows.num_rows
    value = np.zeros(n) if number is None else number.values(Plain(rows))
    along = np.lexsort((np.arange(n), value, group))  # NaN sorts last
    keep = np.zeros(n, bool)
    keep[along[found_at(group[along])]] = True
    return rows.select(["id", "group", "members"]).append_column("keep", from_numpy(keep))
