"""Whether a margin holds every row that it promises, and where we wrote it, no other.

A margin row keeps its own `_healpix_29`, so the rows that one tile lends to another are those of
the margin whose pixel lies in the lender. Each tile is read once, each margin in slices.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.faults import EXAMPLES, Fault
from skyquarry.catalog.tiles import Tiles
from skyquarry.sky.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from skyquarry.catalog.stored import Stored

EXACT_KEY = "skyquarry_margin"
"""`exact` in the properties of a margin that holds no row beyond its threshold."""


def check_margin(stored: Stored, margin: Stored) -> Iterator[Fault]:
    """Rows that a margin lacks, or, where it is said to be exact, has beyond its threshold."""
    threshold = margin.margin_arcsec
    ra, dec = stored.roles.ra, stored.roles.dec
    if threshold is None or ra is None or dec is None:
        return
    leaves = _served(stored, margin)
    due = np.zeros(len(margin.tiles), np.int64)
    for tile in range(len(stored.tiles)):
        yield from _check_lender(stored, margin, tile, leaves, due)
    if is_exact(margin):
        yield from _check_beyond(margin, due)


def is_exact(margin: Stored) -> bool:
    """Whether a margin promises to hold no row beyond its threshold: ours do."""
    ours = margin.properties.get("hats_builder", "").startswith("skyquarry")
    return ours or margin.properties.get(EXACT_KEY, "").strip() == "exact"


def _served(stored: Stored, margin: Stored) -> Tiles:
    """The cells that a margin may serve: the primary's tiles, and its own beside them."""
    own = np.array([stored.tiles.number(o, p) for o, p in margin.tiles], np.int64) < 0
    alone = margin.tiles.take(np.flatnonzero(own))
    clash = stored.tiles.overlapping(Ranges(alone.starts, alone.stops))
    if len(clash):
        from skyquarry.errors import DamagedError

        at = int(clash[0])
        raise DamagedError(
            f"{margin.folder.root}: a tile of the margin overlaps the tile "
            f"Norder={stored.tiles.order[at]}/Npix={stored.tiles.pixel[at]} of the primary, "
            "but is not the same; build the margin again"
        )
    return Tiles(
        np.concatenate([stored.tiles.order, alone.order]),
        np.concatenate([stored.tiles.pixel, alone.pixel]),
        where=margin.folder.root,
    )


def _check_lender(
    stored: Stored, margin: Stored, tile: int, leaves: Tiles, due: Any
) -> Iterator[Fault]:
    """The rows of one tile that others' margins should hold, compared with those that they hold."""
    from skyquarry.catalog.margin import margin_rows

    ra, dec = str(stored.roles.ra), str(stored.roles.dec)
    names = _telling(stored)
    table = stored.read(tile, names)
    row, leaf = margin_rows(
        table.column(ra).to_numpy(),
        table.column(dec).to_numpy(),
        table.column(SPATIAL).to_numpy(),
        (int(stored.tiles.order[tile]), int(stored.tiles.pixel[tile])),
        leaves,
        float(margin.margin_arcsec or 0.0),
    )
    lender = Ranges(stored.tiles.starts[tile : tile + 1], stored.tiles.stops[tile : tile + 1])
    for borrower in np.unique(leaf).tolist():
        lent = table.take(np.sort(row[leaf == borrower]))
        number = margin.tiles.number(int(leaves.order[borrower]), int(leaves.pixel[borrower]))
        held = margin.read(number, names, ranges=lender) if number >= 0 else lent.slice(0, 0)
        if number >= 0:
            due[number] += lent.num_rows
        yield from _compare(margin, leaves, borrower, lent, held)


def _telling(stored: Stored) -> list[str]:
    """The columns by which a row is known: pixel, position and id."""
    roles = stored.roles
    named = [SPATIAL, roles.id, roles.ra, roles.dec]
    return [name for name in dict.fromkeys(named) if name]


def _compare(
    margin: Stored, leaves: Tiles, borrower: int, lent: pa.Table, held: pa.Table
) -> Iterator[Fault]:
    """A fault where a margin lacks rows that are due to it."""
    if lent.equals(held):
        return
    lacking = _bag(lent) - _bag(held)
    if not lacking:
        return
    order, pixel = int(leaves.order[borrower]), int(leaves.pixel[borrower])
    number = margin.tiles.number(order, pixel)
    path = margin.leaf(number) if number >= 0 else f"dataset/Norder={order}/../Npix={pixel}"
    yield Fault(
        margin.folder.path("") + "/" + path,
        f"the margin lacks {lacking.total()} rows within {margin.margin_arcsec:g} arcsec of its "
        "tile",
        tuple(dict(zip(lent.column_names, key, strict=True)) for key in list(lacking)[:EXAMPLES]),
    )


def _check_beyond(margin: Stored, due: Any) -> Iterator[Fault]:
    """Tiles of an exact margin that hold another number of rows than is due to them."""
    for number, rows in enumerate(margin.counted.rows.tolist()):
        if rows > due[number]:
            yield Fault(
                margin.folder.path(margin.leaf(number)),
                f"the margin holds {rows} rows, but {due[number]} of its primary lie within "
                f"{margin.margin_arcsec:g} arcsec of its tile",
            )


def _bag(table: pa.Table) -> Counter[tuple[Any, ...]]:
    columns = [table.column(name).to_pylist() for name in table.column_names]
    return Counter(zip(*columns, strict=True))
