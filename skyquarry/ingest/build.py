"""Building a catalogue: `build` at once, or `plan_build` first, which says what would be done.

An external sort: the input is read once, cleaned, and written as sorted runs (`firstpass`); the
runs' counts tell where the tiles' borders lie; each tile is gathered from the runs and written
once (`secondpass`). Why it is done so stands in `design/ingest.md`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from skyquarry.catalog.files import Folder
from skyquarry.catalog.versions import check_name, current
from skyquarry.catalog.writer import Options, thresholds_of
from skyquarry.errors import ExistsError, UserError
from skyquarry.ingest.description import Described, Given, describe_input
from skyquarry.ingest.duplicates import Deduplicating, traced_schema
from skyquarry.ingest.footprints import check_footprint
from skyquarry.ingest.progress import resolve as resolve_progress
from skyquarry.ingest.running import run_build
from skyquarry.ingest.sourcefiles import file_mark
from skyquarry.ingest.sources import Sources, open_sources
from skyquarry.ingest.tiling import leaves_of
from skyquarry.ingest.workspace import fingerprint_of, folder_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.catalog.report import Report
    from skyquarry.catalog.roles import Survey
    from skyquarry.catalog.tiles import Tiles
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.firstpass import Preparing
    from skyquarry.ingest.progress import Progress
    from skyquarry.ingest.secondpass import Finishing
    from skyquarry.ingest.spill import Run
    from skyquarry.sky.footprint import Footprint

MAX_ROWS = 1_000_000
MARGIN_ARCSEC = 10.0


@dataclass(frozen=True)
class BuildPlan:
    """What a build would do; `run` does it."""

    sources: Sources
    collection: Folder
    name: str
    described: Described
    kind: str = "object"
    margins_arcsec: tuple[float, ...] = (MARGIN_ARCSEC,)
    max_rows: int = MAX_ROWS
    options: Options = field(default_factory=Options)
    duplicates: str = "flag"
    survey: Survey | None = None
    footprint: Footprint | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    """more keys for the catalogue's properties"""
    marks: tuple[tuple[str, str], ...] = ()
    """each file, and what tells whether it has changed"""

    # ------------------------------------------------------------------ what it is made of
    @property
    def preparing(self) -> Preparing:
        """What turns rows as read into rows in a run."""
        assert self.described.cleaning is not None
        return self.described.cleaning

    def finishing(self, folder: Path) -> Finishing | None:
        """What is still done to a tile's rows; None: nothing."""
        if not self.traced:
            return None
        columns = tuple(self.sources.schema.names)
        return Deduplicating(str(folder / "losers.npy"), columns, self.stored_schema)

    @property
    def traced(self) -> bool:
        """Whether runs keep where each row came from."""
        return self.duplicates == "reject"

    @property
    def stored_schema(self) -> pa.Schema:
        """The columns of the catalogue."""
        assert self.described.cleaning is not None
        return self.described.cleaning.stored_schema()

    @property
    def spilled_schema(self) -> pa.Schema:
        """The columns of the runs."""
        return traced_schema(self.stored_schema) if self.traced else self.stored_schema

    @property
    def sort_id(self) -> str | None:
        """The column that breaks ties between rows of one pixel."""
        return self.described.key

    @property
    def ra(self) -> str:
        """The catalogue's column of right ascension, ICRS degrees."""
        return self.described.roles.ra or "ra"

    @property
    def dec(self) -> str:
        """The catalogue's column of declination, ICRS degrees."""
        return self.described.roles.dec or "dec"

    @property
    def position_unit(self) -> str | None:
        """The unit that the input's positions are read in."""
        return None if self.described.cleaning is None else self.described.cleaning.unit

    def tiles(self, runs: list[Run], max_rows: int, lost: NDArray[np.int64]) -> Tiles:
        """Every leaf of the sky with its rows; `lost`: pixels of rows that will be set aside."""
        return leaves_of(runs, self.spilled_schema, max_rows, lost)

    def properties(self) -> dict[str, object]:
        """Keys of the catalogue's properties: roles, whom to thank, what it was made of."""
        if self.survey is None:
            told: dict[str, object] = dict(self.described.roles.to_properties())
        else:
            survey = replace(self.survey, roles=self.described.roles)
            told = dict(survey.to_properties())
            if survey.dois:
                told["skyquarry_doi"] = " ".join(survey.dois)
        return {
            **told,
            "skyquarry_nan": "null",
            "skyquarry_duplicates": self.duplicates,
            "prov_progenitor": _progenitor(self.sources),
            **({"skyquarry_footprint": self.footprint.label} if self.footprint else {}),
            **self.extra,
        }

    @property
    def fingerprint(self) -> str:
        """Changes when the inputs or anything of the plan does."""
        told = {
            name: repr(getattr(self, name))
            for name in (
                "name",
                "described",
                "kind",
                "margins_arcsec",
                "max_rows",
                "options",
                "duplicates",
                "extra",
                "footprint",
            )
        }
        return fingerprint_of(self.sources.fingerprint, told | {"at": self.collection.root})

    # ------------------------------------------------------------------ what one does with it
    def explain(self) -> str:
        """What would be read and written, and what was guessed."""
        rows = self.sources.n_rows
        widths = ", ".join(f'{each:g}"' for each in self.margins_arcsec) or "none"
        margin = f"margin{'s' if len(self.margins_arcsec) > 1 else ''} {widths}"
        key = self.described.key
        lines = [
            f"build {self.name} at {self.collection.root}",
            f"  from {len(self.sources.files)} input(s), {self.sources.n_bytes:,} bytes, "
            + ("rows not known" if rows is None else f"{rows:,} rows"),
            f"  {len(self.stored_schema)} columns; positions {self.ra}, {self.dec}; "
            f"{margin}; " + (f"index of {key}" if key else "no id, so no index"),
            f"  at most {self.max_rows:,} rows a tile, {self.options.row_group_rows:,} a row group",
            *(f"  {note}" for note in self.described.notes),
        ]
        return "\n".join(lines)

    def run(self, executor: Where = None, *, progress: Progress | bool | None = None) -> Report:
        """Build, publish, and report. The catalogue is then at `collection`.

        Raises IngestError, ColumnError, StorageError, ExistsError; the target is left as it was.
        """
        shown = resolve_progress(progress)
        report: Report | None = None
        began = time.monotonic()
        try:
            for note in self.described.notes:
                shown.note(note)
            report = replace(run_build(self, executor, shown), seconds=time.monotonic() - began)
        finally:
            shown.close(report)
        return report


def plan_build(  # noqa: PLR0913  each keyword is said by its name
    source: Any,
    path: str | os.PathLike[str],
    *,
    survey: Survey | None = None,
    ra: str | None = None,
    dec: str | None = None,
    id: str | None = None,  # noqa: A002  the role's name at the public face
    kind: Literal["object", "source"] = "object",
    time: str | None = None,
    margin_arcsec: float | Sequence[float] | None = MARGIN_ARCSEC,
    max_rows: int = MAX_ROWS,
    row_group_rows: int = 8_192,
    xyz: bool = False,
    duplicates: Literal["flag", "reject"] = "flag",
    parent: str | None = None,
    on: str | None = None,
    ra_unit: str | None = None,
    frame: str | None = None,
    footprint: Footprint | None = None,
    name: str | None = None,
    overwrite: bool = False,
    format: str | None = None,  # noqa: A002  as `open_table` calls it
    properties: Mapping[str, str] | None = None,
    **reading: Any,
) -> BuildPlan:
    """What `build` with the same arguments would do; nothing is written.

    Raises what `build` raises before it begins.
    """
    _check_numbers(max_rows, row_group_rows, duplicates)
    collection = Folder.at(path)
    title = check_name(name or collection.name)
    sources = open_sources(source, format=format, **reading)
    given = Given(survey, ra, dec, id, time, kind, ra_unit, frame, xyz)
    check_footprint(footprint)
    common: dict[str, Any] = {
        "sources": sources,
        "collection": collection,
        "name": title,
        "kind": kind,
        "margins_arcsec": thresholds_of(margin_arcsec),
        "max_rows": max_rows,
        "options": Options(row_group_rows=row_group_rows),
        "duplicates": duplicates,
        "survey": survey,
        "footprint": footprint,
        "extra": dict(properties or {}),
        "marks": _marks(sources),
    }
    if parent is not None or on is not None:
        from skyquarry.ingest.child import plan_child

        plan: BuildPlan = plan_child(parent, on, given, common)
    else:
        described = describe_input(sources.schema, given)
        plan = BuildPlan(described=described, **common)
        _check_duplicates(plan)
    _check_target(plan, overwrite=overwrite)
    return plan


def build(
    source: Any,
    path: str | os.PathLike[str],
    *,
    executor: Where = None,
    progress: Progress | bool | None = None,
    **how: Any,
) -> Any:
    """A catalogue of the source at `path`: a `Catalog`, opened. Takes what `plan_build` takes."""
    from skyquarry.engine.catalog import open_catalog

    plan = plan_build(source, path, **how)
    plan.run(executor, progress=progress)
    return open_catalog(plan.collection.root)


def _check_numbers(max_rows: int, row_group_rows: int, duplicates: str) -> None:
    for name, value in (("max_rows", max_rows), ("row_group_rows", row_group_rows)):
        if value < 1:
            raise UserError(f"{name} is {value}, but 1 or more is needed: leave it out")
    if duplicates not in {"flag", "reject"}:
        raise UserError(f"duplicates is {duplicates!r}, but 'flag' or 'reject' is needed")


def _check_duplicates(plan: BuildPlan) -> None:
    if plan.duplicates != "reject":
        return
    if plan.sources.spilled is not None:
        raise UserError(
            'duplicates="reject" was given for rows that are spilled already, which keep no trace '
            "of the order in which they came: leave it out"
        )
    if plan.described.roles.id is None:
        raise UserError(
            'duplicates="reject" was given for a table without an id, or of sources, whose ids may '
            "repeat: name the id with id=, or leave duplicates out"
        )


def _check_target(plan: BuildPlan, *, overwrite: bool) -> None:
    """Raise ExistsError where something would be lost, or written over unasked."""
    at = plan.collection
    if not at.exists():
        return
    if at.exists("collection.properties"):
        if overwrite or _is_ours(plan):
            return
        raise ExistsError(
            f"{at.root} holds the catalogue {current(at)} already, and it would be replaced: pass "
            "overwrite=True to publish a new version (the old one is kept), or choose another path"
        )
    left = [n for n in at.list() if not n.startswith(".") and not at.exists(f"{n}/.building")]
    if left:
        raise ExistsError(
            f"{at.root} holds {left[0]!r} and is no catalogue, but an empty or new folder is "
            "needed: choose another path"
        )


def _is_ours(plan: BuildPlan) -> bool:
    """Whether the work of a build like this one lies there, killed before its end."""
    journal = folder_of(plan.collection) / "journal.jsonl"
    return journal.exists() and plan.fingerprint in journal.read_text()[:400]


def _marks(sources: Sources) -> tuple[tuple[str, str], ...]:
    on_disk = [f.name for f in sources.files if f.format != "arrow" and "://" not in f.name]
    found = []
    for name in on_disk:
        try:
            found.append((name, file_mark(name)))
        except OSError:  # a table in memory, or a file object
            continue
    return tuple(found)


def _progenitor(sources: Sources) -> str:
    names = [name.rstrip("/").rpartition("/")[2] for name in sources.names]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
