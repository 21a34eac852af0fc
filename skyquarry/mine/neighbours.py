"""Precomputed neighbours: a table of the pairs of a catalogue, kept beside it as its child."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow as pa

from skyquarry.catalog.relations import AllPairs, NearKey, is_unique, told_near, told_pairs
from skyquarry.engine.asked import whole_number
from skyquarry.engine.catalog import Catalog, catalog_of, open_catalog
from skyquarry.engine.plan import Plan
from skyquarry.engine.spans import spans_of
from skyquarry.errors import ColumnError, UserError
from skyquarry.match.geometry.joins import Rule
from skyquarry.match.geometry.pairs import PairsNode
from skyquarry.match.geometry.radii import radius_of
from skyquarry.match.given.catalogsides import CatalogSide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyquarry.engine.bounds import Bounds
    from skyquarry.engine.catalog import CatalogLike
    from skyquarry.engine.executors import Where

NAMES = ("id", "neighbour_id", "sep_arcsec")


def neighbours(
    catalog: CatalogLike,
    radius_arcsec: float = 30.0,
    *,
    nearest: int | None = None,
    path: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    executor: Where = None,
) -> Catalog:
    """The neighbours of each row, worked out once and kept as a child table of the catalogue.

    catalog
        A whole catalogue on disk, with an id index.
    radius_arcsec, nearest
        How near they are; and how many of each row at most, the nearest first.
    path
        Of the table: beside the catalogue, by default its own path and `_neighbours`.

    Returns the child: `id, neighbour_id, sep_arcsec`, each pair from both its rows, stored in the
    tile of `id`; `catalog.children()` finds it, `catalog.join_child(name)` joins it, and queries of
    an archive that has one such table may call it NEIGHBORS. It belongs to one version of the
    catalogue, which its properties name: build it again after another one is published.

    Raises UserError for a catalogue that is cut, ColumnError without an id, ExistsError.

    >>> neighbours(sky["sdss"], 30.0)  # doctest: +SKIP
    """
    catalog = catalog_of(catalog)
    if not catalog.cut.rows_uncut:
        raise UserError(
            f"{catalog.name} is cut, but neighbours are kept of whole catalogues: for a part of "
            "one use sq.pairs(catalog, radius_arcsec=..., both=True)"
        )
    if catalog.roles.id is None:
        raise ColumnError(
            f"{catalog.name} has no id, but neighbours are told by it: build with id="
        )
    if nearest is not None and (whole_number(nearest) or 0) < 1:
        raise UserError(f"nearest is {nearest!r}, but 1 or more is needed: leave it out for all")
    from skyquarry.ingest.build import plan_build

    root = catalog.stored.home.root
    where = os.fspath(path) if path is not None else f"{root.rstrip('/')}_neighbours"
    side = CatalogSide(catalog)
    rule = Rule(same=True, both=True, k=nearest)
    plan = Plan(PairsNode(side, side, radius_of(radius_arcsec, side), rule=rule))
    schema = pa.schema([f.with_name(n) for f, n in zip(plan.schema, NAMES, strict=True)])
    batches = (batch.rename_columns(list(NAMES)) for batch in plan.stream(executor))
    told = {
        "skyquarry_neighbours_arcsec": f"{radius_arcsec:g}",
        "skyquarry_neighbours_version": str(catalog.stored.version),
        **promised(catalog, NAMES[:2], float(radius_arcsec), every=nearest is None),
    }
    if nearest is not None:
        told["skyquarry_neighbours_nearest"] = str(nearest)
    build = plan_build(
        pa.RecordBatchReader.from_batches(schema, batches), where, parent=root, on="id",
        overwrite=overwrite, properties=told,
    )  # fmt: skip
    build.run("inline", progress=False)
    return open_catalog(where)


def promised(
    catalog: Catalog, columns: Sequence[str], arcsec: float, *, every: bool = True
) -> dict[str, str]:
    """What a table of the pairs of a catalogue's rows within a radius says of them.

    The row of the second key lies near that of the first; and, if `every` pair is there, both ways,
    so that no other is: of the rows that a condition on whole numbers chooses, where there is one.
    Nothing is said where ids repeat, and one may be far.
    """
    stored, key = catalog.stored, str(catalog.roles.id)
    if not is_unique(stored, key):
        return {}
    one, other = columns
    of = (stored.home.name, key, str(stored.version), arcsec, stored.rows_identity)
    told = told_near(NearKey(other, *of))
    limits = _limits(catalog) if every else None
    return told if limits is None else told | told_pairs(AllPairs(one, other, *of, limits))


def _limits(catalog: Catalog) -> Bounds | None:
    """The limits of columns of whole numbers that rows are within, no other; None: told by more."""
    cut = catalog.cut
    if not cut.only(predicate=None).rows_uncut:
        return None
    if cut.predicate is None:
        return {}
    limits = spans_of(cut.predicate.term)
    whole = all(
        pa.types.is_integer(catalog.source.schema.field(name).type) for name in limits or ()
    )
    return limits if whole else None
