"""`sq.inject`: known sources into a catalogue on disk, as its survey would have seen them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skyquarry.catalog.arrow import from_numpy
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.files import path_here
from skyquarry.engine.scratch import scratch
from skyquarry.errors import ColumnError, UserError
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.spilled import ChildRows, ParentRows
from skyquarry.pipeline.build import build
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.surveys.load import load
from skyquarry.synthetic.inject import Injected, injected
from skyquarry.synthetic.observe.surveys import CATALOGUES
from skyquarry.synthetic.sources import SCHEMA, Sources

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from skyquarry.engine.catalog import Catalog, CatalogLike
    from skyquarry.engine.executors import Where
    from skyquarry.synthetic.observe.rows import Catalogue

    Ints = NDArray[np.int64]

INJECTED = "skyquarry_injected"
"""The key of hats.properties that tells how many sources were put into a catalogue, and from which
seed."""
SWALLOWED = "swallowed.parquet"
"""The file in the new catalogue's folder with the rows that were left out."""
_AROUND_ORDER = 12
"""Rows within a cell of this order (51") of a source matter to it."""
_TO_FINEST = 2 * (healpix.MAX_ORDER - _AROUND_ORDER)


def inject(
    catalog: CatalogLike,
    sources: pa.Table | Catalog,
    path: str | os.PathLike[str],
    *,
    seed: int,
    survey: str | None = None,
    executor: Where = None,
    overwrite: bool = False,
) -> Catalog:
    """The catalogue with known sources among its rows, at `path`; NAME_injected tells which.

    Sources are blended with what is there, given noise, and detected or not, by the observation
    model of `sq.simulate`. Rows of the catalogue stay as they are, but those that a brighter
    injected source would have swallowed are left out, and kept in `swallowed.parquet` in the folder
    at `path`. Light of an injected source that reaches rows told apart from it is not added there.

    Parameters
    ----------
    catalog
        A catalogue of a survey that can be simulated, real or synthetic, whole (no cut of it).
    sources
        A table, or a catalogue, with the columns of a truth (`synthetic.sources.SCHEMA`).
    survey
        sdss, twomass, allwise, gaia, panstarrs or ukidss, where the catalogue does not tell.
    seed, executor, overwrite
        As `sq.simulate` takes them.

    Raises UserError for a survey that cannot be simulated, ColumnError for columns that lack.
    """
    from skyquarry.engine.catalog import catalog_of
    from skyquarry.engine.cut import Cut

    path, opened = path_here(path, "what is injected"), catalog_of(catalog)
    if opened.cut != Cut():
        raise UserError(
            f"a part of {opened.name} is given, but sources are injected into a whole catalogue: "
            "write the part as a catalogue first (to_catalog)"
        )
    eye = _eye(opened, survey)
    true, ids = _sources(sources)
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch("inject", path.parent) as folder:
        run = _Injection(opened, eye, true, ids, seed)
        parent, links = run.spilled(Path(folder))
        told = {INJECTED: json.dumps({"sources": len(ids), "seed": seed})}
        more: dict[str, Any] = {"executor": executor, "overwrite": overwrite, "progress": False}
        given = load(eye.instrument.survey)
        made = build(parent.spilled, path, survey=given, properties=told, **more)
        beside = path.with_name(f"{path.name}_injected")
        build(links.spilled, beside, parent=made, on=eye.key, **more)
    pq.write_table(pa.concat_tables(run.swallowed), path / SWALLOWED)
    return made


def _eye(catalog: Catalog, survey: str | None) -> Catalogue:
    """What simulates the catalogue's survey."""
    told = catalog.properties.get("skyquarry_survey", "")
    for name, eye in CATALOGUES.items():
        if survey == name or (survey is None and eye.instrument.survey == told):
            missing = {eye.key, *eye.positions, *eye.magnitudes} - set(catalog.columns)
            if missing:
                raise ColumnError(
                    f"{catalog.name} lacks {', '.join(sorted(missing))}, but {name} needs them to "
                    "tell what is there: build it with them"
                )
            return eye
    raise UserError(
        f"the survey of {catalog.name} is {survey or told or 'not told'!r}, but one that can be "
        f"simulated is needed: survey= one of {', '.join(CATALOGUES)}"
    )


def _sources(given: pa.Table | Catalog) -> tuple[Sources, Ints]:
    table = given if isinstance(given, pa.Table) else given.to_table()
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise ColumnError(
            f"the sources lack {', '.join(missing[:6])}, but all columns of a truth are needed: "
            "take them from a truth that sq.simulate made, or fill them"
        )
    ids = table["id"].to_numpy()
    if len(np.unique(ids)) < len(ids) or ids.min(initial=0) < 0 or ids.max(initial=0) >= 1 << 60:
        raise UserError(
            "ids of sources repeat, or are not from 0 to 2^60, but each needs its own: renumber"
        )
    return Sources.from_table(table), ids


class _Injection:
    """Sources on their way into a catalogue, tile by tile."""

    def __init__(
        self, catalog: Catalog, eye: Catalogue, sources: Sources, ids: Ints, seed: int
    ) -> None:
        self.stored, self.eye, self.seed = catalog.stored, eye, seed
        self.sources, self.ids = sources, ids
        self.pixel = healpix.index(sources.ra_deg, sources.dec_deg)
        self.ring = _ring(self.pixel >> _TO_FINEST)
        self.columns = [name for name in self.stored.schema.names if name != SPATIAL]
        self.swallowed: list[pa.Table] = []
        self.schema = pa.schema([self.stored.schema.field(name) for name in self.columns])

    def spilled(self, folder: Path) -> tuple[ParentRows, ChildRows]:
        """All rows of the new catalogue, and what was injected beside them."""
        given = Given(survey=load(self.eye.instrument.survey))
        parent = ParentRows(folder, "rows", describe_input(self.schema, given))
        links: ChildRows | None = None
        for ranges in self._pieces():
            there = self._read(ranges)
            done = self._injected(ranges, there)
            self.swallowed.append(there.filter(from_numpy(done.swallowed)))
            kept = there.filter(from_numpy(~done.swallowed))
            rows = pa.concat_tables([kept, self._fitted(done.rows)])
            beside = parent.add(rows)
            if links is None:
                links = ChildRows(folder, "links", self.eye.key, done.links.schema, parent)
            links.add(done.links, beside)
        assert links is not None
        return parent, links

    def _pieces(self) -> list[Ranges]:
        """The tiles of the catalogue, then what of the sky has sources and no tile."""
        tiles = self.stored.tiles
        pieces = [
            Ranges.from_cells(int(order), [int(pixel)])
            for order, pixel in zip(tiles.order, tiles.pixel, strict=True)
        ]
        rest = ~Ranges.union(pieces)
        return [*pieces, rest] if rest.contains(self.pixel).any() else pieces

    def _read(self, ranges: Ranges) -> pa.Table:
        tiles = self.stored.tiles.overlapping(ranges)
        parts = [self.stored.read(int(tile), self.columns, ranges=ranges) for tile in tiles]
        return pa.concat_tables(parts) if parts else self.schema.empty_table()

    def _injected(self, ranges: Ranges, there: pa.Table) -> Injected:
        """Sources of a piece, and those just outside, among the rows around them."""
        home = ranges.contains(self.pixel)
        some = home | ranges.contains(self.ring.ravel() << _TO_FINEST).reshape(-1, 9).any(axis=1)
        around = Ranges.from_cells(_AROUND_ORDER, np.unique(self.ring[some]))
        table = pa.concat_tables([there, self._read(around - ranges)])
        done = injected(
            self.eye, table, self.sources.taken(some), self.ids[some], home[some], self.seed
        )
        return Injected(done.rows, done.links, done.swallowed[: len(there)])

    def _fitted(self, rows: pa.Table) -> pa.Table:
        """Injected rows in the columns of the catalogue: what is not simulated is null."""
        columns = [
            rows[field.name].cast(field.type)
            if field.name in rows.column_names
            else pa.nulls(len(rows), field.type)
            for field in self.schema
        ]
        return pa.table(columns, schema=self.schema)


def _ring(cells: Ints) -> Ints:
    """(n, 9) each cell and its neighbours; itself again where there is none."""
    around = healpix.neighbours(cells, _AROUND_ORDER).reshape(-1, 8)
    return np.column_stack([cells, np.where(around < 0, cells[:, None], around)])
