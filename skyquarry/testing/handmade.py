"""Small catalogues written in one call, all in memory: what tests read, verify and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.files import Folder
from skyquarry.catalog.index import KeyRuns, build_index
from skyquarry.catalog.margin import margin_rows
from skyquarry.catalog.tiling import tiles_from_counts
from skyquarry.catalog.writer import Options, VersionWriter, thresholds_of
from skyquarry.sky import healpix

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from skyquarry.catalog.tiles import Tiles

_COUNT_ORDER = 12


def with_spatial(table: pa.Table, ra: str = "ra", dec: str = "dec", id: str = "id") -> pa.Table:  # noqa: A002
    """The table with `_healpix_29` first, sorted by it, then by the id where there is one."""
    spatial = healpix.index(table[ra].to_numpy(), table[dec].to_numpy())
    keys = [("_healpix_29", "ascending")] + (
        [(id, "ascending")] if id in table.schema.names else []
    )
    return table.add_column(0, SPATIAL, pa.array(spatial)).sort_by(keys).combine_chunks()


def write_catalog(
    path: str | os.PathLike[str],
    table: pa.Table,
    *,
    name: str | None = None,
    max_rows: int = 1_000,
    margin_arcsec: float | Sequence[float] | None = 10.0,
    index: str | None = "id",
    options: Options | None = None,
    **begin: Any,
) -> Folder:
    """Write a table with `ra`, `dec` as a published catalogue at `path`, and give its folder."""
    collection = Folder.at(path)
    rows = with_spatial(table)
    writer = VersionWriter.begin(
        collection,
        name or collection.name,
        rows.schema,
        margin_arcsec=margin_arcsec,
        id=index,
        options=options,
        **begin,
    )
    leaves = _leaves_of(rows, max_rows)
    tiles = [
        (
            number,
            (int(leaves.order[number]), int(leaves.pixel[number])),
            _rows_of(rows, leaves, number),
        )
        for number in np.flatnonzero(leaves.rows).tolist()
    ]
    records = [writer.write_tile(*cell, part) for _, cell, part in tiles]
    margins = [
        _margins(writer, leaves, tiles, number, threshold)
        for number, threshold in enumerate(thresholds_of(margin_arcsec))
    ]
    built = None
    if index:
        runs = KeyRuns(writer.home.make(".runs"))
        for _, cell, part in tiles:
            runs.add(*cell, part[index])
        built = build_index(runs, writer.home, writer.primary.name, index)
        writer.home.remove(".runs")
    writer.finish(records, margins, built)
    writer.publish()
    return collection


def _leaves_of(rows: pa.Table, max_rows: int) -> Tiles:
    cells = rows[SPATIAL].to_numpy() >> 2 * (29 - _COUNT_ORDER)
    pixel, count = np.unique(cells, return_counts=True)
    return tiles_from_counts(pixel, count, _COUNT_ORDER, max_rows)


def _rows_of(rows: pa.Table, leaves: Tiles, number: int) -> pa.Table:
    spatial = rows[SPATIAL].to_numpy()
    first, last = np.searchsorted(spatial, [leaves.starts[number], leaves.stops[number]])
    return rows.slice(first, last - first)


def _margins(
    writer: VersionWriter, leaves: Tiles, tiles: list[Any], number: int, margin_arcsec: float
) -> list[Any]:
    pieces: dict[int, list[pa.Table]] = {}
    for _, cell, part in tiles:
        row, leaf = margin_rows(
            part["ra"].to_numpy(),
            part["dec"].to_numpy(),
            part[SPATIAL].to_numpy(),
            cell,
            leaves,
            margin_arcsec,
        )
        for served in np.unique(leaf):
            pieces.setdefault(int(served), []).append(part.take(pa.array(row[leaf == served])))
    keys = [(SPATIAL, "ascending")]
    return [
        writer.write_margin(
            int(leaves.order[served]),
            int(leaves.pixel[served]),
            pa.concat_tables(parts).sort_by(keys),
            number=number,
        )
        for served, parts in sorted(pieces.items())
    ]
