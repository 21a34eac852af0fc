"""Child tables: rows without positions of their own, stored in the tiles of their parent.

A child is a catalogue in the folder of its parent, whose properties name the parent
(`skyquarry_parent`, its path), its key (`skyquarry_parent_on`), the parent's
(`skyquarry_parent_key`) and what tells the parent's version (`skyquarry_parent_version`). Its rows
carry ra, dec and `_healpix_29` of the row they belong to, so that a join on the key needs only what
lies in the same tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.relations import KEY, ON, PARENT, PARENT_VERSION
from skyquarry.engine.scan import Scan
from skyquarry.errors import ColumnError, NotFoundError, UserError
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.stored import Stored
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.cost import Cost
    from skyquarry.engine.plan import Plan
    from skyquarry.engine.reader import Piece, Reader
    from skyquarry.engine.run import Task
    from skyquarry.engine.source import Source

    Ints = NDArray[np.int64]


def children(catalog: Catalog) -> dict[str, Catalog]:
    """The child tables that lie beside a catalogue, by name."""
    from skyquarry.engine.archive import archive

    home = catalog.stored.home
    beside = archive(home.parent.root)
    found = {}
    for name in beside.names():
        child = beside[name] if name != home.name else None
        if child is not None and _named(child.properties.get(PARENT, "")) == home.name:
            found[name] = child
    return found


def _named(path: str) -> str:
    """The last part of a path: an archive may have moved since the child was built."""
    return path.strip().rstrip("/").rpartition("/")[2]


def is_of(child: Source, parent: Source) -> bool:
    """Whether a child was built of this version of its parent, or of one with the same rows."""
    placed = child.stored.properties.get(PARENT_VERSION, "").strip()
    return placed in ("", parent.rows_identity)


def join_child(catalog: Catalog, name: str, columns: Sequence[str] | None = None) -> Plan:
    """Each row with its rows of a child table; rows without any are left out."""
    from skyquarry.engine.plan import Plan

    there = children(catalog)
    if name not in there:
        known = ", ".join(there) or "it has none"
        raise NotFoundError(
            f"there is no child table {name!r} of {catalog.name} beside it ({known}): build it "
            "with sq.build(source, path, parent=catalog, on=...)"
        )
    child = there[name].source
    on, key = (child.stored.properties.get(word, "").strip() for word in (ON, KEY))
    if not is_of(child, catalog.source):
        raise UserError(
            f"the child table {name} was built of another version of {catalog.name}, where rows "
            "may lie elsewhere: build it again with parent= and on="
        )
    key = key or str(catalog.roles.id)
    _check_key(child.schema, on, name)
    _check_key(catalog.source.schema, key, catalog.name)
    carried = {on, SPATIAL, child.roles.ra, child.roles.dec}
    default = [n for n in child.stored.schema.names if n not in carried]
    chosen = child.resolve(default if columns is None else columns)
    catalog._check_open_end("join_child")  # noqa: SLF001 (the same face)
    return Plan(ChildJoin(Scan(catalog.source, catalog.cut), child, key, on, chosen))


@dataclass(frozen=True)
class ChildJoin:
    """The rows of a scan, each with its rows of a child table: one task a tile of the parent."""

    scan: Scan
    child: Source
    key: str
    on: str
    chosen: tuple[str, ...]
    """Columns of the child that are handed out."""

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the parent, then of the child; names that clash get the child's name."""
        taken = set(self.scan.schema.names)
        fields = list(self.scan.schema)
        for name in self.chosen:
            field = self.child.schema.field(name)
            fields.append(field.with_name(self._apart(name)) if name in taken else field)
        return pa.schema(fields)

    def _apart(self, name: str) -> str:
        return f"{self.child.stored.name}_{name}"

    def __len__(self) -> int:
        return len(self.scan)

    @cached_property
    def _parent(self) -> Scan:
        """The scan with the key among its columns."""
        columns = tuple(dict.fromkeys([*self.scan.columns, self.key]))
        return Scan(self.scan.source, self.scan.cut.only(columns=columns))

    @cached_property
    def joiner(self) -> Joiner:
        """What of this travels to a worker."""
        return Joiner(self.key, self.on, self.chosen, self.scan.schema.names, self.schema)

    def tasks(self) -> Iterator[Task]:
        """Those of the parent, each with the child's tiles that overlap its tile."""
        tiles, reader = self.scan.source.tiles, self._parent.reader
        for piece in self._parent.pieces():
            whole = Ranges([tiles.starts[piece.tile]], [tiles.stops[piece.tile]])
            numbers = self.child.tiles.overlapping(whole).tolist()
            yield (
                piece.tile,
                join_piece,
                (self.joiner, reader, piece, self.child.stored, numbers, whole),
            )

    def weight(self, key: Any) -> int:
        """That of the parent's tile, and as much again."""
        return 2 * self._parent.weight(key)

    def cost(self, workers: int | None = None) -> Cost:
        """The parent's and, by its share of the child's tiles, the child's."""
        from skyquarry.engine.cut import Cut

        whole = Scan(self.child, Cut(columns=(self.on, *self.chosen)))
        return self._parent.cost(workers) + whole.cost(workers)

    def explain(self, workers: int | None = None) -> list[str]:
        """The join, and the parent's scan below it."""
        told = f"each row with its rows of {self.child.stored.name}, {self.key} = {self.on}, of"
        return [told, *(f"  {line}" for line in self.scan.explain(workers))]


@dataclass(frozen=True, slots=True)
class Joiner:
    """What of a `ChildJoin` travels to a worker."""

    key: str
    on: str
    chosen: tuple[str, ...]
    names: list[str]
    schema: pa.Schema

    def joined(self, parent: pa.Table, child: pa.Table) -> pa.Table:
        """The rows of two tables whose keys agree: the parent's order, then the child's."""
        keys = child.column(self.on).cast(parent.column(self.key).type).combine_chunks()
        known = pc.indices_nonzero(pc.is_valid(keys))
        order = known.take(pc.sort_indices(keys.take(known))).to_numpy().astype(np.int64)
        first, count = _spans(parent.column(self.key), keys.take(pa.array(order)))
        left = np.repeat(np.arange(parent.num_rows), count)
        offset = np.cumsum(count) - count
        within = np.arange(int(count.sum())) - np.repeat(offset, count)
        right = order[np.repeat(first, count) + within]
        rows = parent.select(self.names).take(pa.array(left))
        theirs = child.select(list(self.chosen)).take(pa.array(right))
        return pa.Table.from_arrays([*rows.columns, *theirs.columns], schema=self.schema)


def join_piece(
    join: Joiner,
    reader: Reader,
    piece: Piece,
    child: Stored,
    numbers: list[int],
    whole: Ranges,
) -> pa.Table:
    """The task: a tile's rows, and the child's rows of the same part of the sky."""
    parent = reader.read(piece)
    needed = list(dict.fromkeys((join.on, *join.chosen)))
    parts = [child.read(number, needed, ranges=whole) for number in numbers]
    if not parent.num_rows or not parts:
        return join.schema.empty_table()
    return join.joined(parent, pa.concat_tables(parts))


def _spans(wanted: pa.ChunkedArray, keys: pa.Array) -> tuple[Ints, Ints]:
    """(n,) where each wanted key begins among sorted keys, and how often it stands there."""
    distinct = pc.run_end_encode(keys) if len(keys) else None
    if distinct is None:
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
    ends = distinct.run_ends.to_numpy().astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    at = pc.index_in(wanted, value_set=distinct.values)
    found = at.is_valid().to_numpy()
    number = at.fill_null(0).to_numpy()
    return starts[number], np.where(found, (ends - starts)[number], 0)


def _check_key(schema: pa.Schema, name: str, table: str) -> None:
    if name not in schema.names:
        raise ColumnError(
            f"{table} has no column {name!r}, but a join on the key needs one: build the child "
            "table again with parent= and on="
        )
