"""`sq.simulate`: a synthetic sky as an archive: the truth, and what each survey makes of it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import path_here
from skyquarry.engine.archive import archive
from skyquarry.engine.executors import cpu_count, inside_a_task
from skyquarry.engine.helpers import Helpers, travels
from skyquarry.errors import ExistsError
from skyquarry.ingest.workspace import FOLDER
from skyquarry.pipeline.build import plan_build
from skyquarry.pipeline.skyasked import simulation
from skyquarry.pipeline.skypieces import SpilledTruth, Spilling, changing, drawn, observed
from skyquarry.pipeline.spilling import Room, room
from skyquarry.surveys.load import load
from skyquarry.synthetic.observe.surveys import CATALOGUES, MAIN
from skyquarry.synthetic.simulation import Simulation, StoredTruth

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from skyquarry.catalog.roles import Survey
    from skyquarry.engine.archive import Archive
    from skyquarry.engine.catalog import Catalog
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.firstpass import Tally
    from skyquarry.ingest.progress import Progress
    from skyquarry.sky.algebra import Region
    from skyquarry.synthetic.blocks import Population
    from skyquarry.synthetic.simulation import Truth

SETTINGS = "skyquarry_simulation"
"""The key of hats.properties that tells how a catalogue was simulated."""
TRUTH = "truth"
VARIABLES = "variables"
LIGHT_CURVES = "lightcurves"
_TRUTH_ROWS = 400_000
"""of a tile of the truth: a patch reads few row groups beside its own"""
_TRUTH_GROUP = 32_768
"""rows of a row group: written in three quarters of the time that four of 8,192 take"""
_BLOCKS_OF_A_HELPER = 16
"""A worker process takes a second or two to start: the time of some twenty blocks."""


def simulate(  # noqa: PLR0913  each keyword is said by its name
    region: Region | str,
    path: str | os.PathLike[str],
    *,
    seed: int,
    surveys: Sequence[str] = MAIN,
    depth: float | None = None,
    populations: Sequence[Population] | None = None,
    lightcurves: bool = False,
    executor: Where = None,
    progress: Progress | bool | None = None,
    overwrite: bool = False,
) -> Archive:
    """A synthetic sky in the folder at `path`: `truth`, and a catalogue for each survey.

    Each survey's catalogue has that survey's columns and units. Beside it NAME_truth tells which
    true sources the light of a row is of. The truth reaches over the region, so that rows at its
    border are what they would be in a larger one. The same arguments give the same bytes, on any
    number of workers. A catalogue that is there already from the same arguments is kept, so that a
    run that was killed goes on.

    Parameters
    ----------
    region
        Where; a Region, or text as `sq.region` takes it.
    seed
        0 or more; another seed, another sky with the same statistics.
    surveys
        Of sdss, twomass, allwise, gaia, panstarrs, ukidss.
    depth
        No source is made that is fainter in every band, AB magnitudes; by default one magnitude
        below what the surveys detect.
    populations
        What the sky is made of, if not of all that `synthetic.populations.usual()` gives.
    lightcurves
        Make the catalogue `variables` as well, of what changes and how, and its light curves in
        ZTF's cadence, `lightcurves`.
    executor, progress
        As `sq.build` takes them; but where no executor is given and the region has more than some
        5 square degrees, worker processes are started.
    overwrite
        Publish new versions of catalogues that are there from other arguments.

    Raises UserError for arguments that make no sky, ExistsError where something else is there.

    >>> sq.simulate("CIRCLE 180 30 1", "sky", seed=1)  # doctest: +SKIP
    """
    sky = simulation(region, seed=seed, surveys=surveys, depth=depth, populations=populations)
    folder = path_here(path, "a simulated sky")
    archive(folder)  # is none, where a catalogue lies
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(sky, folder, executor, progress, overwrite)
    more = (VARIABLES, LIGHT_CURVES) if lightcurves else ()
    run.check(TRUTH, *sky.surveys, *more)
    with run.helped() as helped:
        truth = helped.truth_and_surveys()
        if lightcurves:
            helped.lightcurves(truth)
    return archive(folder)


@dataclass(frozen=True)
class Run:
    """One simulation on its way to a folder."""

    sky: Simulation
    folder: Path
    executor: Where
    progress: Progress | bool | None
    overwrite: bool

    def check(self, *names: str) -> None:
        """Refuse to write over what is neither from the same arguments nor a killed run's."""
        if self.overwrite:
            return
        for name in names:
            path = self.folder / name
            if path.exists() and not unfinished(path) and not self._done(path):
                raise ExistsError(
                    f"{path} is there, and not from the same arguments: choose another folder, or "
                    "overwrite it (overwrite=True)"
                )

    def _done(self, path: Path) -> bool:
        return made_with(path, self.sky.settings())

    def _both_done(self, *names: str) -> bool:
        return all(self._done(self.folder / name) for name in names)

    @contextmanager
    def helped(self) -> Iterator[Run]:
        """The same with worker processes, where it has no executor and they pay."""
        helpers = min(cpu_count(), len(self.sky.drawn) // _BLOCKS_OF_A_HELPER)
        if self.executor is not None or helpers < 2 or inside_a_task() or not travels(self.sky):
            yield self
            return
        from skyquarry.engine.memory import keeping

        with keeping(), Helpers(helpers, here=True) as executor:
            yield replace(self, executor=executor)

    def truth_and_surveys(self) -> Catalog:
        """The truth, and what the surveys see of it; where both can be done at once they are.

        The truth is built as soon as too few patches of the sky are left to be observed for all
        workers to be busy.
        """
        from skyquarry.engine.catalog import open_catalog

        path = self.folder / TRUTH
        if self._done(path):
            if (self.folder / f".{TRUTH}").exists():
                with room(self.folder, TRUTH, self.sky.settings()):
                    pass  # what a killed run has left there goes
            truth: Catalog = open_catalog(path)
            self.surveys(StoredTruth(truth.stored))
            return truth
        with room(self.folder, TRUTH, self.sky.settings()) as there, self._beside() as beside:
            rows = self._drawn(there)
            built: list[Callable[[], Catalog]] = []

            def build_truth() -> None:
                built.append(beside(self._build_truth, rows))

            self.surveys(SpilledTruth(rows.emptied()), build_truth)
            if not built:
                build_truth()
            return built[0]()

    def truth(self) -> Catalog:
        """The truth, drawn and built unless it is there."""
        from skyquarry.engine.catalog import open_catalog

        path = self.folder / TRUTH
        if self._done(path):
            return open_catalog(path)
        with room(self.folder, TRUTH, self.sky.settings()) as there:
            return self._build_truth(self._drawn(there))

    def _drawn(self, there: Room) -> Spilling:
        """The rows of the truth, on disk."""
        from skyquarry.synthetic.sources import SCHEMA

        sky, rows = self.sky, Spilling.of(there.folder, TRUTH, SCHEMA, _truth_survey())
        empty = rows.emptied()
        tasks = [(cell, drawn, (sky, empty, cell, sky.kept_of(cell))) for cell in sky.wide.tolist()]
        there.spill(TRUTH, tasks, rows.spilled(), rows.add, **self._how)
        return rows

    def _build_truth(self, rows: Spilling) -> Catalog:
        survey, path = _truth_survey(), self.folder / TRUTH
        how = {"max_rows": _TRUTH_ROWS, "row_group_rows": _TRUTH_GROUP, "margin_arcsec": None}
        return self._build(rows.parent, path, survey, **how)

    def surveys(self, truth: Truth, last: Callable[[], None] | None = None) -> None:
        """What the surveys see, all in one pass over the truth.

        `last` is called when no patch waits to be observed, if anything can be done beside.
        """
        names = [name for name in self.sky.surveys if not self._both_done(name, f"{name}_truth")]
        if not names:
            return
        sky = replace(self.sky, surveys=tuple(names))
        with room(self.folder, "surveys", self.sky.settings()) as there:
            rows = {name: self._rows(there.folder, name) for name in names}
            empty = {name: each.emptied() for name, each in rows.items()}
            tasks = [
                (
                    int(blocks[0]),
                    observed,
                    (sky, truth, empty, int(blocks[0]), sky.cells_of(blocks)),
                )
                for blocks in sky.patches()
            ]
            spilled = {
                name: each for some in rows.values() for name, each in some.spilled().items()
            }

            def add(told: dict[str, tuple[Tally, ...]]) -> None:
                for name, each in told.items():
                    rows[name].add(each)

            if not isinstance(self.executor, Helpers):
                last = None
            there.spill("surveys", tasks, spilled, add, last=last, **self._how)
            with self._beside() as beside:
                for built in [beside(self._survey, name, rows[name]) for name in names]:
                    built()

    def lightcurves(self, truth: Catalog) -> None:
        """The variables of the truth, and their light curves beside them."""
        from skyquarry.synthetic.changing import lightcurves

        if self._both_done(VARIABLES, LIGHT_CURVES):
            return
        schemas = lightcurves.VARIABLES, _variables_survey(), lightcurves.CURVES, "id"
        with room(self.folder, VARIABLES, self.sky.settings()) as there:
            rows = Spilling.of(there.folder, VARIABLES, *schemas)
            how = self.sky, StoredTruth(truth.stored), rows.emptied()
            tasks = [(block, changing, (*how, block)) for block in self.sky.blocks.tolist()]
            there.spill(VARIABLES, tasks, rows.spilled(), rows.add, **self._how)
            self._with_child(rows, (VARIABLES, _variables_survey()), (LIGHT_CURVES, "id"))

    @property
    def _how(self) -> dict[str, Any]:
        return {"executor": self.executor, "progress": self.progress}

    @contextmanager
    def _beside(self) -> Iterator[Callable[..., Callable[[], Any]]]:
        """How to do something beside the rest, and to ask for it later.

        Only where tasks run in processes: what is done here is little beside them. Elsewhere it is
        done at once.
        """
        if not isinstance(self.executor, Helpers):
            yield _at_once
            return
        with ThreadPoolExecutor(8) as threads:
            yield lambda *what: threads.submit(*what).result

    def _survey(self, name: str, rows: Spilling) -> None:
        """A survey's catalogue, and its links beside it."""
        child = f"{name}_truth", CATALOGUES[name].key
        looked = self.sky.footprint(name)
        self._with_child(rows, (name, _survey(name)), child, footprint=looked)

    def _with_child(
        self, rows: Spilling, parent: tuple[str, Survey], child: tuple[str, str], **more: Any
    ) -> None:
        """A catalogue and its child: rows stay on disk until both are there."""
        (name, survey), (beside, on) = parent, child
        made = self._build(rows.parent, self.folder / name, survey, **more)
        assert rows.links is not None
        self._build(rows.links, self.folder / beside, None, parent=made, on=on)
        for each in rows.spilled().values():
            each.remove()

    def _build(self, rows: Any, path: Path, survey: Survey | None, **more: Any) -> Catalog:
        """The catalogue of these rows, unless it is there."""
        from skyquarry.engine.catalog import open_catalog

        if self._done(path):
            return open_catalog(path)
        told = {SETTINGS: json.dumps(self.sky.settings(), sort_keys=True)}
        plan = plan_build(
            rows.spilled, path, survey=survey, properties=told,
            overwrite=self.overwrite or is_catalog(path), **more,
        )  # fmt: skip
        shown = False if isinstance(self.executor, Helpers) else self.progress
        plan.run(self.executor, progress=shown)
        return open_catalog(path)

    def _rows(self, folder: Path, name: str) -> Spilling:
        """A survey's rows and links, on their way to disk."""
        table, links = self.sky.empty(name)
        return Spilling.of(
            folder, name, table.schema, _survey(name), links.schema, CATALOGUES[name].key
        )


def _at_once(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    value = function(*args)
    return lambda: value


def made_with(path: Path, settings: dict[str, Any]) -> bool:
    """Whether a catalogue is there that was simulated with these settings."""
    from skyquarry.engine.catalog import open_catalog

    if not is_catalog(path):
        return False
    told = open_catalog(path).properties.get(SETTINGS)
    return told is not None and json.loads(told) == settings


def is_catalog(path: Path) -> bool:
    """Whether a published catalogue is there."""
    return (path / "collection.properties").exists()


def unfinished(path: Path) -> bool:
    """Whether nothing is there but what a killed build has left."""
    return (path / FOLDER).is_dir() and not is_catalog(path)


def _survey(name: str) -> Survey:
    return load(CATALOGUES[name].instrument.survey)


def _truth_survey() -> Survey:
    """What the columns of a truth are."""
    from skyquarry.catalog.roles import Roles, Survey

    roles = {
        "id": "id",
        "ra": "ra_deg",
        "dec": "dec_deg",
        "epoch": {"jyear": 2016.0},
        "parallax": "parallax_mas",
        "motion": {"pmra": "pmra_masyr", "pmdec": "pmdec_masyr"},
    }
    return Survey(
        name=TRUTH, title="synthetic sky: truth", roles=Roles.from_mapping(roles, "a truth")
    )


def _variables_survey() -> Survey:
    """What the columns of the variables are."""
    from skyquarry.catalog.roles import Roles, Survey

    roles = {"id": "id", "ra": "ra_deg", "dec": "dec_deg", "epoch": {"jyear": 2016.0}}
    told = Roles.from_mapping(roles, "variables of a truth")
    return Survey(name=VARIABLES, title="synthetic sky: variables", roles=told)
