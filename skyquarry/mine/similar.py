"""More like these, anywhere in the sky: the rows that are nearest in colours, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.asked import whole_number
from skyquarry.engine.catalog import Catalog
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan
from skyquarry.errors import UserError
from skyquarry.mine.likeness import SCATTER, Likeness

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece, Reader

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PLACE = "_place"


@dataclass(frozen=True, slots=True)
class Sought:
    """Objects whose like are looked for, and how many or how near."""

    likeness: Likeness
    values: Floats
    squares: Floats
    ids: tuple[Any, ...]
    """of the objects, where the catalogue may hold them: no row is its own like"""
    k: int | None
    radius: float | None

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


def similar(  # noqa: PLR0913  each keyword is said by its name
    objects: Catalog | pa.Table,
    catalog: Catalog,
    *,
    in_: Sequence[str],
    k: int | None = None,
    radius: float | None = None,
    errors: Mapping[str, str] | bool | None = None,
    scatter: float = SCATTER,
    index: str | os.PathLike[str] | None = None,
    executor: Where = None,
) -> pa.Table:
    """The rows of a catalogue that are most like some objects: nearest in colours, ranked.

    Parameters
    ----------
    objects
        A cut of the catalogue, or a table that has the same columns. One that has the catalogue's
        id column is not its own like.
    catalog
        Where to look, with its cuts.
    in_
        Texts of arithmetic: ["u - g", "g - r"]. A row in which one is missing is left out.
    k, radius
        How many of each object, or how near; both may be given.
    errors
        Which columns are the errors of which: {"u": "u_error"}. Then a distance is
        sqrt(sum of difference^2 / (error of both^2 + scatter^2)), in sigma. None: as the roles of
        the catalogue say, where they know all; else, and with False, plain differences. True: as
        the roles say, or an error.
    scatter
        What rows of one kind differ by, beside their errors.
    index
        Of `similar_index`, for a whole catalogue: then few row groups are read. Without it, all
        rows are.

    Returns
    -------
    pyarrow.Table
        `object` (its row), `rank` from 1 on, `distance`, `id`, `ra`, `dec`; of equals the first
        along the sky. Exact, with and without an index.

    Raises ColumnError, PredicateError, UserError.

    >>> similar(sky["sdss"].ids([42]), sky["sdss"], in_=["u - g", "g - r"], k=10)  # doctest: +SKIP
    """
    likeness = Likeness.of(catalog, in_, errors=errors, scatter=scatter)
    sought = _sought(objects, catalog, likeness, k, radius)
    found: Iterable[pa.Table]
    if index is not None:
        from skyquarry.mine.similarindex import SimilarIndex

        opened = SimilarIndex.open(index)
        opened.check(catalog, likeness)
        found = opened.search(sought)
    else:
        found = _scanned(catalog, sought, executor)
    rows = sought.ranked([_none(catalog), *found])
    distance = from_numpy(np.sqrt(rows["_d2"].to_numpy()))
    rows = rows.append_column("distance", distance)
    return rows.select(["object", "rank", "distance", "id", "ra", "dec"])


def _sought(
    objects: Any, catalog: Catalog, likeness: Likeness, k: int | None, radius: float | None
) -> Sought:
    number = None if k is None else whole_number(k)
    if (k is None and radius is None) or (k is not None and (number is None or number < 1)):
        raise UserError(f"k is {k!r} and radius {radius!r}, but one is needed: try k=10")
    if radius is not None and not radius >= 0.0:
        raise UserError(f"radius is {radius!r}, but a number of 0 or more is needed")
    key = catalog.roles.id
    if isinstance(objects, Catalog):
        own = [key] if key is not None and key in objects.source.schema.names else []
        objects = objects.select([*likeness.columns, *own]).to_table()
    values, squares = likeness.values(objects)
    bad = np.flatnonzero(~np.isfinite(values + squares).all(axis=1))
    if len(bad):
        raise UserError(
            f"object {int(bad[0])} lacks one of {[n.text for n in likeness.numbers]} or its error, "
            "but all are needed: leave it out, or compare in fewer"
        )
    ids = tuple(objects[key].to_pylist()) if key in objects.column_names else ()
    return Sought(likeness, values, squares, ids, number, radius)


def read_rows(scan: Scan, piece: Piece) -> pa.Table:
    """The rows of a tile with their places along the sky."""
    return _placed(scan.reader, piece)


def _placed(reader: Reader, piece: Piece) -> pa.Table:
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


def _none(catalog: Catalog) -> pa.Table:
    fields = [catalog.source.schema.field(n).with_name(w) for n, w in
              zip(names_of(catalog), ("id", "ra", "dec"), strict=True)]  # fmt: skip
    told = [("object", pa.int64()), ("_d2", pa.float64())]
    plain = [pa.field(f.name, f.type) for f in fields]
    return pa.schema([*told, *plain, (PLACE, pa.int64())]).empty_table()


def _scanned(catalog: Catalog, sought: Sought, executor: Where) -> Iterable[pa.Table]:
    if catalog.cut.limit is not None:
        raise UserError("similar was asked of head(...): cut by region or where instead")
    names = names_of(catalog)
    columns = tuple(dict.fromkeys([*names, *sought.likeness.columns]))
    scan = Scan(catalog.source, catalog.cut.only(columns=columns))
    tasks = ((piece.tile, likest, (scan.reader, piece, sought, names)) for piece in scan.pieces())
    for _, tables in run_tasks(
        tasks, executor, ordered=True, memory_bytes=MEMORY_BYTES, weigh=scan.weight
    ):
        yield from tables


def likest(
    reader: Reader, piece: Piece, sought: Sought, names: tuple[str, str, str]
) -> list[pa.Table]:
    """The task: what of a tile may be among the answers, for each object."""
    table = _placed(reader, piece)
    values, squares = sought.likeness.values(table)
    told = named(table, names)
    return [sought.nearest(n, told, values, squares) for n in range(len(sought.values))]


def _equal(ids: pa.ChunkedArray, value: Any) -> Any:
    import pyarrow.compute as pc

    return pc.fill_null(pc.equal(ids, pa.scalar(value, ids.type)), False)
