"""An SDSS-like archive out of a synthetic sky: its tables as catalogues and their children."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.arrow import to_numpy
from skyquarry.catalog.files import path_here
from skyquarry.catalog.relations import NearKey, told_near
from skyquarry.engine.archive import archive
from skyquarry.engine.plan import Plan
from skyquarry.errors import ExistsError
from skyquarry.ingest.description import Given, describe_input
from skyquarry.ingest.spilled import ChildRows, ParentRows, Piece
from skyquarry.mine.neighbours import promised
from skyquarry.pipeline.build import build
from skyquarry.pipeline.matching import pairs
from skyquarry.pipeline.simulating import (
    SETTINGS,
    TRUTH,
    Run,
    is_catalog,
    made_with,
    unfinished,
)
from skyquarry.pipeline.skyasked import simulation
from skyquarry.pipeline.spilling import room
from skyquarry.sky import healpix
from skyquarry.synthetic.sdss.derived import TAGS
from skyquarry.synthetic.sdss.fields import KEYS
from skyquarry.synthetic.sdss.fields import tables as survey_tables
from skyquarry.synthetic.sdss.meanings import table_of
from skyquarry.synthetic.sdss.patch import CHILDREN, PLACED, Patches
from skyquarry.synthetic.sdss.settings import Archive as Knobs
from skyquarry.synthetic.simulation import StoredTruth

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from skyquarry.catalog.roles import Survey
    from skyquarry.engine.archive import Archive
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.progress import Progress
    from skyquarry.ingest.spilled import Spilled
    from skyquarry.sky.algebra import Region
    from skyquarry.synthetic.blocks import Population

OTHERS: Final = ("twomass", "allwise", "gaia")
SEED: Final = 8
"""In whose sky even the query of 1' about (185, -0.5) and that for foregrounds find ten rows."""
NEIGHBOURS_ARCSEC: Final = 30.0
_CLOSE_ARCSEC: Final = 5.0
"""Of the pairs that are kept apart too: a thirteenth of all."""
_NAMED: Final = {
    "specphoto": ("photoobj", "specobj", "objID", "objID"),
    "specneighbors": ("neighbors", "specobj", "objID", "objID"),
    "specaround": ("photoobj", "specneighbors", "NeighborObjID", "objID"),
}
"""Tags of named rows: of which table, named by which other in which column, by which key."""
_SPECTRUM: Final = 1.0
"""Arc seconds that a spectrum lies from its object, at most."""
_CROSS_ARCSEC: Final = 2.0
_KEYS: Final = PLACED | KEYS


def simulate_sdss(  # noqa: PLR0913  each keyword is said by its name
    region: Region | str,
    path: str | os.PathLike[str],
    *,
    seed: int = SEED,
    surveys: Sequence[str] = OTHERS,
    knobs: Knobs | None = None,
    depth: float | None = None,
    populations: Sequence[Population] | None = None,
    lightcurves: bool = False,
    executor: Where = None,
    progress: Progress | bool | None = None,
    overwrite: bool = False,
) -> Archive:
    """A synthetic sky as SDSS's archive tells it, in the folder at `path`.

    Catalogues: photoobj, specobj, mask, field, segment, run, stripe, plate, extinction, each with
    its place on the sky; `truth`; and one for each other survey. phototag, the popular columns of
    photoobj, is a tag of it, photoshape (apertures, profiles, motion) another. Children of
    photoobj: photoprofile, photoz, spectarget, neighbors (30"), with its tag closeneighbors (5"),
    crossreference (the nearest row of each other survey within 2"); of specobj: specline, with
    its tag speclinetag, and xcredshift. Tags of named rows: specphoto (objects with a spectrum),
    specneighbors (the pairs of these), specaround (their neighbours). Same arguments, same bytes.

    Parameters
    ----------
    region, seed, depth, populations, lightcurves, executor, progress, overwrite
        As `simulate` takes them; to the populations those of `synthetic.sdss.rare` are added.
    surveys
        Which other surveys look: of twomass, allwise, gaia, panstarrs, ukidss.
    knobs
        Densities of what is rare, and the share of repeated scans.

    A run that was killed goes on, if it is run again: tables that are there are kept, and so are
    the patches of the sky that were observed.

    Raises UserError for arguments that make no sky, ExistsError where something else is there.
    """
    from skyquarry.synthetic.populations import usual
    from skyquarry.synthetic.sdss import rare

    knobs = Knobs() if knobs is None else knobs
    others = tuple(each for each in surveys if each != "sdss")
    made_of = (*(usual() if populations is None else populations), *rare.populations(knobs))
    sky = simulation(region, seed=seed, surveys=("sdss", *others), depth=depth, populations=made_of)
    sky = replace(sky, whole=True)
    folder = path_here(path, "a simulated sky")
    archive(folder)  # is none, where a catalogue lies
    folder.mkdir(parents=True, exist_ok=True)
    runs = [
        Run(each, folder, executor, progress, overwrite)
        for each in (sky, replace(sky, surveys=others))
    ]
    writing = _Writing(Patches(sky, knobs), folder, executor, progress)
    runs[0].check(TRUTH)
    runs[1].check(*others)
    photo = folder / "photoobj"
    if photo.exists() and not (overwrite or unfinished(photo) or writing.done("photoobj")):
        raise ExistsError(
            f"{photo} is there, and not from the same arguments: choose another "
            "folder, or overwrite it (overwrite=True)"
        )
    truth = runs[0].truth()
    writing.tables(truth)
    writing.tags()
    runs[1].surveys(StoredTruth(truth.stored))
    if lightcurves:
        runs[1].lightcurves(truth)
    writing.neighbours()
    writing.named()
    writing.cross_references(others)
    return archive(folder)


@dataclass(frozen=True)
class _Writing:
    """The archive's tables on their way to a folder."""

    patches: Patches
    folder: Path
    executor: Where
    progress: Progress | bool | None

    def done(self, *names: str) -> bool:
        """Whether these tables are there, from the same arguments."""
        settings = json.loads(self._settings())
        return all(made_with(self.folder / name, settings) for name in names)

    def _settings(self) -> str:
        told = self.patches.sky.settings() | {"sdss": repr(self.patches.archive)}
        return json.dumps(told, sort_keys=True)

    # ------------------------------------------------------------ patch by patch
    def tables(self, truth: Catalog) -> None:
        """All that belongs to patches, and the survey's own tables."""
        sky = self.patches.sky
        if self.done(*PLACED, *CHILDREN, *KEYS):
            return
        tasks = [
            (int(blocks[0]), self.patches.tables, (StoredTruth(truth.stored), blocks))
            for blocks in self.patches.blocks()
        ]
        with room(self.folder, "sdss", self._settings()) as there:
            rows = _Spilled(there.folder, self.patches.empty())
            needed = {name: each for name, each in rows.every().items() if not self.done(name)}
            there.spill("patches", tasks, needed, rows.add, executor=self.executor,
                        progress=self.progress)  # fmt: skip
            for name, table in survey_tables(sky.region, self.patches.archive, sky.seed).items():
                self._build(table, name, survey=survey_of(name))
            for name in PLACED:
                lies = name == "specobj"
                told = _near("objID", self._open("photoobj"), _SPECTRUM) if lies else {}
                spilled = rows.parents[name].spilled
                parent = self._build(spilled, name, told, survey=survey_of(name))
                rows.parents[name].spilled.remove()
                for child, (of, key) in CHILDREN.items():
                    if of == name:
                        spilled = rows.children[child].spilled
                        self._build(spilled, child, parent=parent, on=key)
                        spilled.remove()

    def _build(
        self, source: Any, name: str, properties: Mapping[str, str] | None = None, **how: Any
    ) -> Catalog:
        """The table, unless it is there."""
        if self.done(name):
            return self._open(name)
        path = self.folder / name
        return build(
            source, path, properties={SETTINGS: self._settings(), **(properties or {})},
            executor=self.executor, progress=self.progress, overwrite=is_catalog(path), **how,
        )  # fmt: skip

    def tags(self) -> None:
        """PhotoTag and PhotoShape: columns of photoobj for large scans; and all of specline."""
        for name, columns in TAGS.items():
            self._tag("photoobj", name, columns)
        self._tag("specline", "speclinetag", self._open("specline").stored.schema.names)

    def _tag(self, of: str, name: str, columns: Sequence[str]) -> None:
        if not self.done(name):
            path = self.folder / name
            some = self._open(of).select(columns)
            some.to_catalog(path, self.executor, overwrite=is_catalog(path))

    def named(self) -> None:
        """Tags of named rows: objects with a spectrum, the pairs of these, what lies about them."""
        for name, (of, by, column, key) in _NAMED.items():
            if not self.done(name):
                path = self.folder / name
                some = self._open(of).named_by(self._open(by), column, key)
                every = self._open(of).stored.schema.names
                some = some.select(TAGS["phototag"] if of == "photoobj" else every)
                some.to_catalog(path, self.executor, overwrite=is_catalog(path))

    # ------------------------------------------------------------ pairs
    def neighbours(self) -> None:
        """Neighbors: both ways, of primary and secondary objects, by the matcher."""
        if not self.done("neighbors"):
            self._neighbours()
        if not self.done("closeneighbors"):
            pairs = self._open("neighbors")
            close = pairs.where(f"distanceMins <= {_CLOSE_ARCSEC / 60.0!r}")
            path = self.folder / "closeneighbors"
            every = close.select(pairs.stored.schema.names)
            every.to_catalog(path, self.executor, overwrite=is_catalog(path))

    def _neighbours(self) -> None:
        photo = self._open("photoobj")
        columns = [f"photoobj_{side}_{name}" for side in (1, 2) for name in ("type", "mode")]
        some = photo.where("mode < 3")
        plan = pairs(some, radius_arcsec=NEIGHBOURS_ARCSEC, both=True, columns=columns)
        told = promised(some, ("objID", "NeighborObjID"), NEIGHBOURS_ARCSEC)
        self._pairs("neighbors", photo, [("", plan)], _neighbour_columns, told)

    def cross_references(self, surveys: Sequence[str]) -> None:
        """The nearest row of each other survey to a primary object."""
        if not surveys or self.done("crossreference"):
            return
        photo = self._open("photoobj")
        found = [
            (name, pairs(
                photo.where("mode = 1"), self._open(name), radius_arcsec=_CROSS_ARCSEC, keep="best"
            ))
            for name in surveys
        ]  # fmt: skip
        self._pairs("crossreference", photo, found, _cross_columns)

    def _pairs(
        self,
        name: str,
        photo: Catalog,
        plans: list[tuple[str, Plan]],
        columns: Callable[[str, pa.Table], pa.Table],
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Pairs as a child of photoobj: they come along the sky, by their left rows.

        They are spilled anew in each run: only the table that they are built into is kept.
        """
        with room(self.folder, name, self._settings()) as there:
            parent = _parent(there.folder, self.patches.empty()["photoobj"], "photoobj")
            rows: ChildRows | None = None
            for survey, plan in plans:
                placed = Plan(plan.root.at_positions())  # type: ignore[attr-defined]
                for batch in chain([_nothing(placed)], placed.run(self.executor).stream()):
                    told = columns(survey, batch)
                    if rows is None:
                        rows = ChildRows(there.folder, name, "objID", told.schema, parent)
                    if len(batch):
                        rows.add(told, _beside(batch))
            assert rows is not None
            self._build(rows.spilled, name, properties, parent=photo, on="objID")

    def _open(self, name: str) -> Catalog:
        from skyquarry.engine.catalog import open_catalog

        return open_catalog(self.folder / name)


class _Spilled:
    """All tables of patches on their way to disk."""

    def __init__(self, folder: Path, empty: dict[str, pa.Table]) -> None:
        self.parents = {name: _parent(folder, empty[name], name) for name in PLACED}
        self.children = {
            name: ChildRows(folder, name, key, empty[name].schema, self.parents[parent])
            for name, (parent, key) in CHILDREN.items()
        }

    def every(self) -> dict[str, Spilled]:
        """{table: what was spilled}."""
        parts: dict[str, ParentRows | ChildRows] = {**self.parents, **self.children}
        return {name: each.spilled for name, each in parts.items()}

    def add(self, tables: dict[str, pa.Table]) -> None:
        """Those of a patch."""
        beside = {name: rows.add(tables[name]) for name, rows in self.parents.items()}
        for name, (parent, _) in CHILDREN.items():
            self.children[name].add(tables[name], beside[parent])


def survey_of(name: str) -> Survey:
    """What the columns of one of the archive's catalogues are."""
    from skyquarry.catalog.roles import Roles, Survey
    from skyquarry.surveys.load import load

    title = f"synthetic sky: {name} of an SDSS-like archive"
    roles = {"id": _KEYS[name], "ra": "ra", "dec": "dec"}
    if name == "photoobj":
        known = load("sdss_dr18_photoobj").roles
        return Survey(
            name="sdss_archive", title=title, roles=replace(known, flags=("mode", "flags"))
        )
    return Survey(name=f"sdss_{name}", title=title, roles=Roles.from_mapping(roles, title))


def _parent(folder: Path, empty: pa.Table, name: str) -> ParentRows:
    return ParentRows(folder, name, describe_input(empty.schema, Given(survey=survey_of(name))))


def _near(column: str, photo: Catalog, arcsec: float) -> dict[str, str]:
    """The property that says how far from a row the object lies whose key it has."""
    stored, identity = photo.stored, photo.source.rows_identity
    key = NearKey(column, stored.home.name, "objID", str(stored.version), arcsec, identity)
    return told_near(key)


def _nothing(plan: Plan) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=plan.schema)


def _beside(batch: pa.RecordBatch) -> Piece:
    """The left rows of pairs, as a piece of their catalogue."""
    import pyarrow as pa

    ra, dec = (to_numpy(batch.column(name)) for name in ("ra", "dec"))
    keys = pa.chunked_array([batch.column("left_id")])
    return Piece(keys, healpix.index(ra, dec), ra, dec, np.arange(len(batch)))


def _neighbour_columns(survey: str, batch: pa.RecordBatch) -> pa.Table:
    """Neighbors, with SkyServer's names."""
    del survey
    names = {
        "objID": "left_id",
        "NeighborObjID": "right_id",
        "objType": "photoobj_1_type",
        "NeighborObjType": "photoobj_2_type",
        "mode": "photoobj_1_mode",
        "neighborMode": "photoobj_2_mode",
    }
    told: dict[str, Any] = {ours: batch.column(theirs) for ours, theirs in names.items()}
    minutes = to_numpy(batch.column("sep_arcsec")) / 60.0
    return table_of(told | {"distanceMins": minutes})


def _cross_columns(survey: str, batch: pa.RecordBatch) -> pa.Table:
    """Which row of which survey, and how far it is."""
    import pyarrow as pa

    return table_of({
        "objID": batch.column("left_id"),
        "survey": pa.array([survey] * len(batch), pa.string()),
        "surveyID": batch.column("right_id").cast(pa.string()),
        "distanceArcsec": to_numpy(batch.column("sep_arcsec")),
    })  # fmt: skip
