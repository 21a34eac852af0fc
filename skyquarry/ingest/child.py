"""Child tables: rows without positions, stored in the tiles of the rows that they belong to.

In the first pass the parent's id index tells the tile of each row, and rows are sorted by tile; in
the second, each tile is joined with the parent's tile alone. So memory holds a run and a tile,
whatever the size of either table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skyquarry.catalog.relations import KEY, ON, PARENT, PARENT_VERSION
from skyquarry.catalog.stored import Stored, open_stored
from skyquarry.catalog.tiles import MAX_ORDER, Tiles
from skyquarry.errors import ColumnError, IngestError, UserError
from skyquarry.ingest.buildplan import BuildPlan
from skyquarry.ingest.clean import Cleaned, decoded, plain_field, set_aside, tidied
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.firstpass import taken
from skyquarry.ingest.guess import column_of
from skyquarry.ingest.ordering import sky_order
from skyquarry.ingest.reasons import NO_PARENT
from skyquarry.ingest.spill import SPATIAL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.ingest.firstpass import Preparing
    from skyquarry.ingest.secondpass import Finishing
    from skyquarry.ingest.spill import Run

CHILD_GROUP_ROWS: Final = 32_768
"""Rows of a row group: children are joined more often than small places are looked up in them."""
_TAKEN: Final = "parent_"


@dataclass(frozen=True, slots=True)
class Family:
    """Whose child a table is, and by which columns."""

    parent: str
    """path or URL of the parent"""
    version: str
    identity: str
    """what tells that version from one built in its place"""
    key: str
    """the parent's id column"""
    on: str
    """the child's column that holds the parent's id"""
    ra: str
    dec: str
    """the parent's columns"""
    stored_ra: str
    stored_dec: str
    """what they are called in the child"""

    def opened(self) -> Stored:
        """The parent. Raises IngestError where another version of it is current meanwhile."""
        stored = _opened(self.parent)
        if stored.version != self.version:
            raise IngestError(
                f"{self.parent} was at version {self.version} when the build began and is now at "
                f"{stored.version}, but a child needs one state of its parent: build again"
            )
        return stored


@lru_cache(maxsize=4)
def _opened(path: str) -> Stored:
    return open_stored(path)


def family_of(parent: str, on: str, schema: pa.Schema) -> Family:
    """How a table of this schema hangs on its parent.

    Raises ColumnError where the parent has no id index or the kinds of the ids differ.
    """
    _opened.cache_clear()
    stored = _opened(parent)
    key = stored.roles.id
    if key is None or key not in stored.indexes:
        known = ", ".join(stored.indexes) or "none"
        raise ColumnError(
            f"{parent} has no index of its id (indexed columns: {known}), but the rows of a child "
            "are found by it: build the parent again with id="
        )
    here, there = schema.field(on).type, stored.schema.field(key).type
    if pa.types.is_integer(here) != pa.types.is_integer(there):
        raise ColumnError(
            f"on={on!r} is {here}, but the parent's {key} is {there}: convert one of the two"
        )
    taken_names = {name.lower() for name in schema.names}
    names = [
        name if name.lower() not in taken_names else _TAKEN + name
        for name in (stored.roles.ra or "ra", stored.roles.dec or "dec")
    ]
    return Family(
        parent,
        stored.version,
        stored.rows_identity,
        key,
        on,
        stored.roles.ra or "ra",
        stored.roles.dec or "dec",
        *names,
    )


def locate(stored: Stored, column: str, values: pa.Array) -> NDArray[np.int64]:
    """The number of the tile that holds each id (n,), -1 where none does.

    By the id index, of which only the row groups that can hold one of the values are read. Where an
    id stands in several tiles, the first of them along the sky is meant.
    """
    index = stored.index(column)
    if index is None:
        raise ColumnError(f"{stored.name} has no index of {column!r}: build it with id={column!r}")
    number = np.full(len(values), -1, np.int64)
    key = index.properties["hats_index_column"].strip()
    limits = pc.min_max(values)
    for rel in index.index_files():
        for keys, cells in _index_groups(index, rel, key, limits):
            found = pc.index_in(values.cast(keys.type), value_set=keys)
            place = found.fill_null(-1).to_numpy(zero_copy_only=False)
            hit = (place >= 0) & (number < 0)
            number[hit] = stored.tiles.find(cells[place[hit]])
    return number


def _index_groups(
    index: Stored, rel: str, key: str, limits: Any
) -> list[tuple[pa.Array, NDArray[np.int64]]]:
    """(keys, first pixel of the tile of each) of the row groups within the limits."""
    low, high = limits["min"].as_py(), limits["max"].as_py()
    if low is None:
        return []
    with index.folder.open(rel) as file:
        parquet = pq.ParquetFile(file)
        place = parquet.schema_arrow.get_field_index(key)
        groups = []
        for group in range(parquet.metadata.num_row_groups):
            told = parquet.metadata.row_group(group).column(place).statistics
            known = told is not None and told.has_min_max
            if not known or (told.min <= high and told.max >= low):
                groups.append(group)
        if not groups:
            return []
        table = parquet.read_row_groups(groups, columns=[key, "Norder", "Npix"]).combine_chunks()
    order = table.column("Norder").to_numpy().astype(np.int64)
    pixel = table.column("Npix").to_numpy().astype(np.int64)
    return [(table.column(key).chunk(0), pixel << 2 * (MAX_ORDER - order))]


@dataclass(frozen=True, slots=True)
class Fostering:
    """What is done to the rows of a child: both passes."""

    schema: pa.Schema
    """of the input"""
    family: Family
    sentinels: tuple[tuple[str, tuple[float | str, ...]], ...] = ()

    @property
    def count_order(self) -> int:
        """Runs count the rows of each tile, by its first pixel."""
        return MAX_ORDER

    def spilled_schema(self) -> pa.Schema:
        """The columns of the runs: `_healpix_29` is the first pixel of the row's tile there."""
        fields = [plain_field(each) for each in self.schema if each.name != SPATIAL]
        return pa.schema([pa.field(SPATIAL, pa.int64()), *fields], metadata=self.schema.metadata)

    def stored_schema(self) -> pa.Schema:
        """The columns of the catalogue: the input's, the parent's position."""
        schema = self.spilled_schema()
        parent = self.family.opened().schema
        for here, there in (
            (self.family.stored_ra, self.family.ra),
            (self.family.stored_dec, self.family.dec),
        ):
            schema = schema.append(parent.field(there).with_name(here))
        return schema

    def cleaned(self, table: pa.Table) -> Cleaned:
        """The rows whose parent is known, with the first pixel of its tile."""
        plain = decoded(table)
        tidy, nan, sentinel = tidied(plain, self.sentinels)
        stored = self.family.opened()
        number = locate(stored, self.family.key, _one(tidy.column(self.family.on)))
        good = number >= 0
        rejects = None
        if not good.all():
            rejects = set_aside(plain, np.where(good, 0, NO_PARENT))
            tidy = tidy.filter(pa.array(good))
        starts = stored.tiles.starts[number[good]] if len(stored.tiles) else number[good]
        schema = self.spilled_schema()
        columns = [tidy.column(name) for name in schema.names[1:]]
        rows = pa.table([pa.array(starts, pa.int64()), *columns], schema=schema)
        return Cleaned(rows, rejects, None if rejects is None else good, nan, sentinel)

    def finished(self, table: pa.Table, order: int, pixel: int) -> tuple[pa.Table, pa.Table | None]:
        """The rows of a tile with their parents' positions, in storage order."""
        stored, family = self.family.opened(), self.family
        tile = stored.tiles.number(order, pixel)
        names = [family.key, family.ra, family.dec, SPATIAL]
        parent = stored.read(tile, names).combine_chunks()
        keys = _one(parent.column(family.key))
        found = pc.index_in(_one(table.column(family.on)).cast(keys.type), value_set=keys)
        if found.null_count:
            raise IngestError(
                f"the id index of {family.parent} names Norder={order}/Npix={pixel} for an id "
                "that is not there, but a child needs an index that is right: verify the parent"
            )
        columns = {name: table.column(name) for name in table.column_names}
        columns[SPATIAL] = parent.column(SPATIAL).take(found)
        columns[family.stored_ra] = parent.column(family.ra).take(found)
        columns[family.stored_dec] = parent.column(family.dec).take(found)
        schema = self.stored_schema()
        sequence = sky_order(columns[SPATIAL].to_numpy(), columns[family.on])
        return taken([columns[name] for name in schema.names], sequence, schema), None


def _one(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


@dataclass(frozen=True, repr=False)
class ChildPlan(BuildPlan):
    """What a build of a child table would do."""

    fostering: Fostering = field(kw_only=True)

    @property
    def preparing(self) -> Preparing:
        """What turns rows as read into rows in a run."""
        return self.fostering

    def finishing(self, folder: Path) -> Finishing | None:
        """The join with the parent's tile; None where rows were spilled beside their parents."""
        del folder
        return None if self.sources.spilled is not None else self.fostering

    @property
    def stored_schema(self) -> pa.Schema:
        """The columns of the catalogue."""
        return self.fostering.stored_schema()

    @property
    def spilled_schema(self) -> pa.Schema:
        """The columns of the runs."""
        if self.sources.spilled is not None:
            return self.stored_schema
        return self.fostering.spilled_schema()

    @property
    def sort_id(self) -> str | None:
        """The parent's id: what rows of one pixel are sorted by."""
        return self.fostering.family.on

    @property
    def ra(self) -> str:
        """The column of the parent's right ascension."""
        return self.fostering.family.stored_ra

    @property
    def dec(self) -> str:
        """The column of the parent's declination."""
        return self.fostering.family.stored_dec

    def tiles(self, runs: list[Run], max_rows: int, lost: NDArray[np.int64]) -> Tiles:
        """The parent's tiles, with the child's rows; between them, cells without rows."""
        del max_rows, lost
        from skyquarry.sky.ranges import Ranges

        tiles = self.fostering.family.opened().tiles
        rows = np.zeros(len(tiles), np.int64)
        for run in runs:
            # several cells of a tile, where rows were spilled with their parents' pixels
            np.add.at(rows, tiles.find(run.cells), run.counts)
        order, pixel = (~Ranges(tiles.starts, tiles.stops)).cells()
        return Tiles(
            np.concatenate([tiles.order.astype(np.int64), np.asarray(order, np.int64)]),
            np.concatenate([tiles.pixel, np.asarray(pixel, np.int64)]),
            np.concatenate([rows, np.zeros(len(order), np.int64)]),
        )

    def properties(self) -> dict[str, object]:
        """Also the parent, and by which column."""
        family = self.fostering.family
        return {
            **super().properties(),
            PARENT: family.parent,
            ON: family.on,
            KEY: family.key,
            PARENT_VERSION: family.identity,
        }

    @property
    def fingerprint(self) -> str:
        """Changes when the parent's version does, too."""
        from skyquarry.ingest.workspace import fingerprint_of

        return fingerprint_of(super().fingerprint, {"family": repr(self.fostering.family)})


def plan_child(
    parent: str | None, on: str | None, given: Given, common: dict[str, Any]
) -> ChildPlan:
    """The plan of a child table; `common` is what every `BuildPlan` has.

    Raises UserError where one of parent and on is missing, ColumnError where they do not fit.
    """
    if parent is None or on is None:
        raise UserError(
            f"parent={parent!r} and on={on!r} were given, but a child table needs both: the "
            'catalogue of its parent, and the column with the parent\'s id, as in on="objID"'
        )
    if common["duplicates"] == "reject":
        raise UserError(
            'duplicates="reject" was given for a child table, but a parent may have many children: '
            "leave it out"
        )
    schema = common["sources"].schema
    column = column_of(schema, on, "on")
    described = describe_input(schema, given, positions=False)
    own = given.id is not None or given.survey is not None
    kept = described.roles.id if own and described.roles.id != column else None
    roles = replace(described.roles, id=kept, object_id=column)
    notes = tuple(n for n in described.notes if kept or not n.startswith("the id is "))
    notes = (*notes, f"rows are stored beside the row of {parent} whose id is in {column}")
    described = replace(described, roles=roles, notes=notes)
    fostering = Fostering(described.schema, family_of(parent, column, schema), described.sentinels)
    return ChildPlan(described=described, fostering=fostering, **common)
