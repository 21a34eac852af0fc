"""More like these, anywhere in the sky: the rows that are nearest in colours, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.arrow import from_numpy
from skyquarry.engine.catalog import catalog_of
from skyquarry.engine.plan import MEMORY_BYTES
from skyquarry.engine.run import run_tasks
from skyquarry.engine.scan import Scan
from skyquarry.errors import UserError
from skyquarry.mine.likeness import SCATTER, Likeness
from skyquarry.mine.sought import Sought, named, names_of, nothing, read_rows

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.engine.reader import Piece, Reader


def similar(  # noqa: PLR0913  each keyword is said by its name
    objects: Any,
    catalog: CatalogLike,
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
        A cut of the catalogue, or a table (pyarrow, pandas, astropy) that has the same columns. One
        that has the catalogue's id column is not its own like.
    catalog
        Where to look: a path, or a catalogue with its cuts.
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
    catalog = catalog_of(catalog)
    likeness = Likeness.of(catalog, in_, errors=errors, scatter=scatter)
    sought = Sought.of(objects, catalog, likeness, k, radius)
    found: Iterable[pa.Table]
    if index is not None:
        from skyquarry.mine.similarindex import SimilarIndex

        opened = SimilarIndex.open(index)
        opened.check(catalog, likeness)
        found = opened.search(sought)
    else:
        found = _scanned(catalog, sought, executor)
    rows = sought.ranked([nothing(catalog), *found])
    distance = from_numpy(np.sqrt(rows["_d2"].to_numpy()))
    rows = rows.append_column("distance", distance)
    return rows.select(["object", "rank", "distance", "id", "ra", "dec"])


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
    table = read_rows(reader, piece)
    values, squares = sought.likeness.values(table)
    told = named(table, names)
    return [sought.nearest(n, told, values, squares) for n in range(len(sought.values))]
