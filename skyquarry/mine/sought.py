"""What is looked for: objects whose like are wanted, and what of a catalogue's rows is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.arrow import from_numpy
from skyquarry.catalog.columns import meaning
from skyquarry.engine.asked import real_number, whole_number
from skyquarry.engine.catalog import Catalog
from skyquarry.errors import ColumnError, UserError
from skyquarry.ingest.sourcetables import as_arrow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from skyquarry.engine.reader import Piece, Reader
    from skyquarry.mine.likeness import Likeness

    Floats = NDArray[np.float64]

PLACE = "_place"


@dataclass(frozen=True, slots=True)
class Sought:
    """Objects whose like are looked for, and how many or how near."""

    likeness: Likeness
    values: Floats
    """(m, d) of each object the numbers that are compared"""
    squares: Floats
    """(m, d) squares of their errors"""
    ids: tuple[Any, ...]
    """of the objects, where the catalogue may hold them: no row is its own like"""
    k: int | None
    radius: float | None

    @classmethod
    def of(
        cls, objects: Any, catalog: Catalog, likeness: Likeness, k: int | None, radius: float | None
    ) -> Self:
        """Objects of a catalogue or a table.

        Raises UserError for what cannot be looked for, ColumnError where they lack a column.
        """
        most = None if k is None else whole_number(k)
        if (k is None and radius is None) or (k is not None and (most is None or most < 1)):
            raise UserError(f"k is {k!r} and radius {radius!r}, but one is needed: try k=10")
        far = None if radius is None else real_number(radius)
        if radius is not None and (far is None or not far >= 0.0):
            raise UserError(f"radius is {radius!r}, but a number of 0 or more is needed")
        key = catalog.roles.id
        if isinstance(objects, Catalog):
            own = [key] if key is not None and key in objects.source.schema.names else []
            objects = objects.select([*likeness.columns, *own]).to_table()
        objects = _table(objects)
        _check_columns(objects, likeness.columns)
        objects = _in_units_of(catalog.source.schema, objects, likeness.columns)
        values, squares = likeness.values(objects)
        bad = np.flatnonzero(~np.isfinite(values + squares).all(axis=1))
        if len(bad):
            wanted = [each.text for each in likeness.numbers]
            raise UserError(
                f"object {int(bad[0])} lacks one of {wanted} or its error, but all are needed: "
                "leave it out, or compare in fewer"
            )
        known = key is not None and key in objects.column_names
        ids = _ids(objects, catalog, str(key)) if known else ()
        return cls(likeness, values, squares, ids, most, far)

    def nearest(self, number: int, table: pa.Table, values: Floats, squares: Floats) -> pa.Table:
        """What of some rows may be among the answers for one object: (squared) distance first."""
        at, own = self.values[number], self.squares[number]
        found = self.likeness.distances(values, squares, at, own)
        keep = np.isfinite(found)
        if self.radius is not None:
            keep &= found <= self.radius * self.radius
        if self.ids and keep.any():
            keep &= ~np.asarray(_equal(table["id"], self.ids[number]))
        rows = np.flatnonzero(keep)
        if self.k is not None and len(rows) > self.k:
            last = np.partition(found[rows], self.k - 1)[self.k - 1]
            rows = rows[found[rows] <= last]
        chosen = table.take(from_numpy(rows))
        told = {"object": from_numpy(np.full(len(rows), number)), "_d2": from_numpy(found[rows])}
        return pa.table({**told, **{n: chosen[n] for n in chosen.column_names}})

    def ranked(self, found: Iterable[pa.Table]) -> pa.Table:
        """The first of all that were found: by distance, then along the sky."""
        rows = pa.concat_tables(found)
        number, d2, place = (rows[n].to_numpy() for n in ("object", "_d2", PLACE))
        order = np.lexsort((place, d2, number))
        number = number[order]
        rank = np.arange(len(number)) - np.searchsorted(number, number)
        if self.k is not None:
            order, rank = order[rank < self.k], rank[rank < self.k]
        return rows.take(from_numpy(order)).append_column("rank", from_numpy(rank + 1))


def _table(objects: Any) -> pa.Table:
    _, table = as_arrow(objects)
    if table is None:
        raise UserError(
            f"the objects are {objects!r:.80}, but a catalogue or a table of them is needed: try "
            "catalog.ids([...])"
        )
    return table


def _check_columns(objects: pa.Table, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in objects.column_names]
    if missing:
        raise ColumnError(
            f"the objects have no column {missing[0]!r}, but {', '.join(columns)} are compared: "
            "give these of each object"
        )
    for name in columns:
        kind = objects.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise ColumnError(
                f"the objects' column {name!r} is {kind}, but numbers are compared: give it as one"
            )


def _in_units_of(schema: pa.Schema, objects: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The objects with their numbers in the catalogue's units, where both say theirs.

    Raises ColumnError where one cannot be made of the other.
    """
    for name in columns:
        ours, theirs = (meaning(of.field(name)).get("unit", "") for of in (schema, objects.schema))
        if ours and theirs and ours != theirs:
            factor = _factor(name, theirs, ours)
            column = pc.multiply(objects[name].cast(pa.float64()), factor)
            objects = objects.set_column(objects.column_names.index(name), name, column)
    return objects


def _factor(name: str, unit: str, wanted: str) -> float:
    """What numbers in a unit are multiplied by. Raises ColumnError where nothing tells."""
    from astropy import units

    try:
        return float(units.Unit(unit).to(units.Unit(wanted)))
    except (ValueError, TypeError) as error:  # no unit, or one of something else
        raise ColumnError(
            f"the objects' {name} is in {unit!r}, but the catalogue's is in {wanted!r}, and "
            "nothing tells how one is made of the other: give it in that, or without a unit if it "
            "is the same"
        ) from error


def _ids(objects: pa.Table, catalog: Catalog, key: str) -> tuple[Any, ...]:
    """The objects' ids as the catalogue has them."""
    here, kind = objects[key], catalog.source.schema.field(key).type
    try:
        return tuple(here.cast(kind).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ColumnError(
            f"the objects' {key} is {here.type}, but the catalogue's is {kind} ({error}): give "
            "their ids as the catalogue has them, or leave the column out"
        ) from error


def read_rows(reader: Reader, piece: Piece) -> pa.Table:
    """The rows of a tile with their places along the sky."""
    table = reader.read(piece)
    place = (piece.tile << 40) + np.arange(table.num_rows)
    return table.append_column(PLACE, from_numpy(place))


def named(table: pa.Table, catalog_names: tuple[str, str, str]) -> pa.Table:
    """id, ra, dec and the place, whatever the catalogue calls them."""
    columns = [table[name] for name in (*catalog_names, PLACE)]
    return pa.table(columns, names=["id", "ra", "dec", PLACE])


def names_of(catalog: Catalog) -> tuple[str, str, str]:
    """What the catalogue calls id, ra and dec. Raises UserError where it has no id."""
    if catalog.roles.id is None:
        raise UserError(
            f"{catalog.name} has no id column, but answers are told by it: build with id="
        )
    ra, dec = catalog.source.position_columns("similar")
    return catalog.roles.id, ra, dec


def nothing(catalog: Catalog) -> pa.Table:
    """No rows, with the columns that `Sought.nearest` gives."""
    fields = [catalog.source.schema.field(n).with_name(w) for n, w in
              zip(names_of(catalog), ("id", "ra", "dec"), strict=True)]  # fmt: skip
    told = [("object", pa.int64()), ("_d2", pa.float64())]
    plain = [pa.field(f.name, f.type) for f in fields]
    return pa.schema([*told, *plain, (PLACE, pa.int64())]).empty_table()


def _equal(ids: pa.ChunkedArray, value: Any) -> Any:
    return pc.fill_null(pc.equal(ids, pa.scalar(value, ids.type)), False)
