"""The second pass: the rows of each tile are gathered from the runs, sorted, and written once.

While a tile is in memory, the rows that other tiles need in their margins are put aside, and its
ids become a sorted run of the id index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyquarry.catalog.margin import margin_ranks
from skyquarry.catalog.tiles import MAX_ORDER, Tiles
from skyquarry.ingest.firstpass import taken
from skyquarry.ingest.ordering import sky_order
from skyquarry.ingest.reasons import REASON
from skyquarry.ingest.rejects import spill_rejects
from skyquarry.ingest.spill import SPATIAL, Share, gather, write_batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyquarry.catalog.index import KeyRuns
    from skyquarry.catalog.tree import TreeWriter


RANK = "_margin_rank"
_RANK_FIELD = pa.field(RANK, pa.int64())


class Finishing(Protocol):
    """What turns the rows of a tile, as the runs have them, into the rows that are stored."""

    def finished(self, table: pa.Table, order: int, pixel: int) -> tuple[pa.Table, pa.Table | None]:
        """(rows to store, rows to set aside: as `rejects.spill_rejects` takes them)."""


@dataclass(frozen=True)
class Storing:
    """What is done to every group of tiles."""

    schema: pa.Schema
    """of the runs"""
    primary: TreeWriter
    margins: tuple[TreeWriter, ...]
    margins_arcsec: tuple[float, ...]
    """the threshold of each"""
    ra: str
    dec: str
    id: str | None
    """what rows of one pixel are sorted by"""
    key: str | None
    """what the id index is made of"""
    keys: KeyRuns | None
    """where sorted ids go, for an id index"""
    leaves: str
    """the file with every leaf of the sky, by `save_leaves`"""
    folder: str
    """where margin rows wait"""
    finishing: Finishing | None = None


@dataclass(frozen=True, slots=True)
class TileGroup:
    """Neighbouring tiles that one task writes, and where their rows are."""

    number: int
    tiles: tuple[tuple[int, int], ...]
    """(order, pixel), along the curve"""
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class MarginGroup:
    """Leaves whose margins one task writes, and where the rows wait."""

    number: int
    leaves: tuple[tuple[int, int, tuple[Share, ...]], ...]
    """(order, pixel, shares)"""


def save_leaves(path: Path, leaves: Tiles) -> None:
    """Keep the leaves where every worker can read them."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        np.save(file, np.stack([leaves.order.astype(np.int64), leaves.pixel]), allow_pickle=False)
    temporary.replace(path)
    load_leaves.cache_clear()


@lru_cache(maxsize=2)
def load_leaves(path: str) -> Tiles:
    """The leaves that `save_leaves` kept; one copy a process."""
    order, pixel = np.load(path, allow_pickle=False)
    return Tiles(order, pixel)


def store_group(storing: Storing, group: TileGroup) -> dict[str, Any]:
    """Write the tiles of a group; their records, and where their margin rows wait, as plain data.

    Doing it again writes the same files again.
    """
    rows = _in_order(group.shares, storing.schema, storing.id)
    pixels = rows.column(SPATIAL).to_numpy()
    records, waiting, rejects = [], [], []
    for order, pixel in group.tiles:
        width = 1 << 2 * (MAX_ORDER - order)
        begin, end = np.searchsorted(pixels, [pixel * width, (pixel + 1) * width]).tolist()
        tile = rows.slice(begin, end - begin)
        if storing.finishing is not None:
            tile, rejected = storing.finishing.finished(tile, order, pixel)
            if rejected is not None:
                rejects.append(rejected)
        records.append(storing.primary.write_tile(order, pixel, tile).to_json())
        if storing.keys is not None and storing.key is not None:
            storing.keys.add(order, pixel, tile.column(storing.key))
        if storing.margins:
            waiting.append(_for_neighbours(storing, tile, order, pixel))
    told: dict[str, Any] = {"tiles": records}
    spilled = _spill_margin(storing, group.number, waiting)
    if spilled is not None:
        told["margin"] = spilled
    if rejects:
        path = Path(storing.folder) / f"rejects-{group.number:06d}.arrow"
        spill_rejects(path, rejects)
        told["rejects"] = {"file": path.name, **_counted(rejects)}
    del rows, pixels
    return told


def _counted(rejects: Sequence[pa.Table]) -> dict[str, Any]:
    """The rows set aside, all for one reason."""
    return {"rows": sum(len(each) for each in rejects), "reason": rejects[0][REASON][0].as_py()}


def store_margins(storing: Storing, group: MarginGroup) -> dict[str, Any]:
    """Write the margins of some leaves; the records of each margin as plain data."""
    schema = storing.primary.schema.remove_metadata()
    several = len(storing.margins) > 1
    waiting = schema.append(_RANK_FIELD) if several else schema
    records: list[list[dict[str, Any]]] = [[] for _ in storing.margins]
    ranks = np.argsort(np.argsort(storing.margins_arcsec))
    for order, pixel, shares in group.leaves:
        rows = _in_order(shares, waiting, storing.id)
        for margin, rank, told in zip(storing.margins, ranks, records, strict=True):
            held = _of_rank(rows, int(rank)) if several else rows
            if len(held):
                told.append(margin.write_tile(order, pixel, held).to_json())
    return {"margins": records}


def _of_rank(rows: pa.Table, rank: int) -> pa.Table:
    """The rows that lie within the threshold of this rank."""
    return rows.filter(pc.less_equal(rows.column(RANK), rank)).drop_columns([RANK])


def _in_order(shares: Sequence[Share], schema: pa.Schema, id_column: str | None) -> pa.Table:
    """The rows in storage order, as each share has them already.

    Those that tie keep the order of the runs: the input's.
    """
    parts = [gather([share], schema) for share in shares]
    rows, runs = pa.concat_tables(parts), [len(part) for part in parts]
    del parts
    pixels = rows.column(SPATIAL).to_numpy()
    order = sky_order(pixels, rows.column(id_column) if id_column else None, runs)
    if bool((order[1:] > order[:-1]).all()):
        return rows
    columns = list(rows.columns)
    del rows
    return taken(columns, order, schema)


def _for_neighbours(
    storing: Storing, tile: pa.Table, order: int, pixel: int
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Rows of a tile that other leaves have in their margins, and the number of the leaf.

    For several margins the rank of the narrowest that has a row goes with it, as a last column.
    """
    rows, leaf, rank = margin_ranks(
        tile.column(storing.ra).to_numpy(),
        tile.column(storing.dec).to_numpy(),
        tile.column(SPATIAL).to_numpy(),
        tile=(order, pixel),
        leaves=load_leaves(storing.leaves),
        thresholds_arcsec=sorted(storing.margins_arcsec),
    )
    lent = tile.take(pa.array(rows))
    if len(storing.margins) > 1:
        lent = lent.append_column(_RANK_FIELD, pa.array(rank))
    return lent, leaf


def _spill_margin(
    storing: Storing, number: int, waiting: Sequence[tuple[pa.Table, NDArray[np.int64]]]
) -> dict[str, Any] | None:
    """Write margin rows, those of one leaf together; where which are, None for no rows."""
    leaf = np.concatenate([each for _, each in waiting]) if waiting else np.empty(0, np.int64)
    if not len(leaf):
        return None
    rows = pa.concat_tables([table for table, _ in waiting])
    sequence = np.argsort(leaf, kind="stable")
    leaf = leaf[sequence]
    rows = taken(list(rows.columns), sequence, rows.schema)
    borders = np.flatnonzero(np.concatenate([[True], leaf[1:] != leaf[:-1], [True]]))
    path = Path(storing.folder) / f"margin-{number:06d}.arrow"
    offsets = write_batches(path, rows, borders)
    return {"file": path.name, "leaves": leaf[borders[:-1]].tolist(), "offsets": offsets.tolist()}


def margin_groups(
    leaves: Tiles, folder: str, spilled: Sequence[dict[str, Any]], most: int = 64
) -> list[MarginGroup]:
    """The leaves that have margin rows, some to a task; `spilled` in the order of the tiles."""
    found: dict[int, list[Share]] = {}
    for each in spilled:
        path, offsets = str(Path(folder) / each["file"]), each["offsets"]
        for place, leaf in enumerate(each["leaves"]):
            share = Share(path, tuple(offsets[place : place + 2]), 0, 1 << 62)
            found.setdefault(leaf, []).append(share)
    numbers = sorted(found)
    told = [(int(leaves.order[n]), int(leaves.pixel[n]), tuple(found[n])) for n in numbers]
    return [
        MarginGroup(i, tuple(told[at : at + most]))
        for i, at in enumerate(range(0, len(told), most))
    ]
