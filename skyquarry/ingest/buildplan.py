"""What a build would do, before it does it: `explain`, and `run`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skyquarry.catalog.writer import Options
from skyquarry.ingest.duplicates import Deduplicating, traced_schema
from skyquarry.ingest.progress import resolve as resolve_progress
from skyquarry.ingest.running import run_build
from skyquarry.ingest.tiling import leaves_of
from skyquarry.ingest.workspace import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.report import Report
    from skyquarry.catalog.roles import Survey
    from skyquarry.catalog.tiles import Tiles
    from skyquarry.engine.executors import Where
    from skyquarry.ingest.description import Described
    from skyquarry.ingest.firstpass import Preparing
    from skyquarry.ingest.progress import Progress
    from skyquarry.ingest.secondpass import Finishing
    from skyquarry.ingest.sources import Sources
    from skyquarry.ingest.spill import Run
    from skyquarry.sky.footprint import Footprint

MAX_ROWS = 1_000_000
MARGIN_ARCSEC = 10.0


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return f"BuildPlan: {self.explain()}"


def _progenitor(sources: Sources) -> str:
    names = [name.rstrip("/").rpartition("/")[2] for name in sources.names]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
