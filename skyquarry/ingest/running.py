"""The stages of a build, one after another, each resumable: what is done is in the journal."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.catalog import versions
from skyquarry.catalog.files import Folder
from skyquarry.catalog.index import KeyRuns, build_index
from skyquarry.catalog.report import Report
from skyquarry.catalog.tree import TileRecord
from skyquarry.catalog.writer import VersionWriter
from skyquarry.errors import CancelledError, IngestError, TaskLostError
from skyquarry.ingest.duplicates import find_losers, save_losers
from skyquarry.ingest.firstpass import (
    Sorting,
    Tally,
    chunks_of,
    row_bytes_of,
    sort_chunk,
)
from skyquarry.ingest.footprints import write_footprint
from skyquarry.ingest.positions import check_unit
from skyquarry.ingest.rejects import REJECTS_FILE, Origins, write_rejects
from skyquarry.ingest.secondpass import (
    Storing,
    TileGroup,
    margin_groups,
    save_leaves,
    store_group,
    store_margins,
)
from skyquarry.ingest.sourcefiles import file_mark
from skyquarry.ingest.spill import Run, open_run, shares
from skyquarry.ingest.stages import Stages
from skyquarry.ingest.tiling import groups_of, rows_of_a_tile
from skyquarry.ingest.workspace import Workspace, disk_error

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.catalog.index import IdIndex
    from skyquarry.catalog.tiles import Tiles
    from skyquarry.ingest.buildplan import BuildPlan
    from skyquarry.ingest.progress import Progress

_TASKS = 8
"""Tiles are grouped so that there are some tasks for every worker of a small machine."""
_SMALLEST_GROUP = 65_536


def run_build(plan: BuildPlan, executor: Any, progress: Progress) -> Report:
    """Do what a plan says and publish it. On an error the target is left as it was.

    A run that is killed, cancelled or loses a worker leaves its work for the next one.
    """
    with Workspace(plan.collection, plan.fingerprint) as work:
        try:
            stages = Stages(work.journal, executor, progress)
            report = _Running(plan, work, stages, progress).run()
        except (CancelledError, TaskLostError):
            raise
        except OSError as error:
            work.discard()
            raise disk_error(error, plan.collection) from error
        except Exception:
            work.discard()
            raise
        work.finish()
    return report


@dataclass(slots=True)
class _Running:
    plan: BuildPlan
    work: Workspace
    stages: Stages
    progress: Progress
    writer: VersionWriter = field(init=False)
    tally: Tally = field(default_factory=Tally)

    def run(self) -> Report:
        version = self.claim()
        if versions.current(self.plan.collection) == version:
            return self.published_before(version)
        self.begin(version)
        runs = self.first_pass()
        self.check_input()
        leaves = self.leaves(runs, self.losers(runs))
        records, told = self.second_pass(runs, leaves)
        margin_records = self.margins(leaves, told)
        index = self.index()
        report = self.finish(records, margin_records, index, told)
        self.writer.publish()
        return report

    # ------------------------------------------------------------------ beginning
    def claim(self) -> str:
        """The version to write; noted before anything of it is on disk."""
        version = self.work.version()
        if version is None:
            version = versions.next_version(self.plan.collection)
            self.work.journal.record("version", version)
        return version

    def published_before(self, version: str) -> Report:
        """The report of a build that was killed after its last step."""
        from skyquarry.catalog.stored import open_stored

        self.plan.collection.join(version).remove(".building")
        stored = open_stored(self.plan.collection.root)
        return Report.from_properties(stored.properties, len(stored.tiles))

    def begin(self, version: str) -> None:
        plan = self.plan
        self.writer = VersionWriter.begin(
            plan.collection,
            plan.name,
            plan.stored_schema,
            kind=plan.kind,
            ra=plan.ra,
            dec=plan.dec,
            id=plan.described.key,
            margin_arcsec=plan.margins_arcsec,
            properties=plan.properties(),
            options=plan.options,
            version=version,
        )

    def folder(self, name: str) -> Path:
        path = self.work.folder / name
        path.mkdir(exist_ok=True)
        return path

    # ------------------------------------------------------------------ first pass
    def first_pass(self) -> list[Run]:
        plan, folder = self.plan, self.folder("runs")
        if plan.sources.spilled is not None:
            self.tally.add(plan.sources.spilled.tally)
            return plan.sources.spilled.runs()
        sorting = Sorting(
            plan.preparing, str(folder), plan.sort_id, plan.traced, durable=self.work.durable
        )
        chunks = chunks_of(plan.sources.parts(), row_bytes_of(plan.sources.schema))
        self.progress.stage("reading", plan.sources.n_rows)
        told = self.stages.told(
            "sort", chunks, sort_chunk, sorting, lambda done: int(done["rows_in"]), self.is_whole
        )
        for chunk in chunks:
            self.tally.add(Tally.from_json(told[chunk.number]))
        return [open_run(folder / name) for name in self.tally.runs]

    def is_whole(self, payload: dict[str, Any]) -> bool:
        """Whether what the journal says of a chunk is still on disk."""
        folder = self.folder("runs")
        try:
            for name in payload["runs"]:
                open_run(folder / name)
        except (OSError, ValueError, KeyError):
            return False
        return all((folder / name).exists() for name in payload["rejects"])

    def check_input(self) -> None:
        """Raise where rows were lost, the input changed, or its positions are no degrees."""
        tally = self.tally
        lost = tally.rows_in - tally.stored - sum(tally.rejected.values())
        expected = self.plan.sources.n_rows
        if lost or (expected is not None and tally.rows_in != expected):
            raise RuntimeError(
                f"{tally.rows_in} rows came in of {expected}, {tally.stored} were sorted and "
                f"{sum(tally.rejected.values())} set aside: rows were lost"
            )
        self.check_unchanged()
        unit = self.plan.position_unit
        if unit is not None:
            check_unit(tally.limits, unit, stated=self.plan.described.unit_stated)

    def check_unchanged(self) -> None:
        """Raise IngestError where a file is not what it was when the build began."""
        for name, mark in self.plan.marks:
            now = None
            with suppress(OSError):
                now = file_mark(name)
            if now != mark:
                raise IngestError(
                    f"{name} was changed while it was being read ({mark} became {now}), but the "
                    "build needs one state of it: wait until it is complete, and build again"
                )

    # ------------------------------------------------------------------ second pass
    def losers(self, runs: list[Run]) -> NDArray[np.int64]:
        """Pixels of the rows that are set aside because their id stands earlier, sorted."""
        plan, key = self.plan, self.plan.described.key
        if not plan.traced or key is None:
            return np.empty(0, np.int64)
        self.progress.stage("duplicates", None)
        losers = find_losers(runs, plan.spilled_schema, key, self.folder("duplicates"))
        save_losers(self.work.folder / "losers.npy", losers)
        lost: NDArray[np.int64] = losers[0]
        return lost

    def leaves(self, runs: list[Run], lost: NDArray[np.int64]) -> Tiles:
        most = rows_of_a_tile(self.plan.max_rows, self.tally.stored, self.tally.bytes)
        leaves = self.plan.tiles(runs, most, lost)
        save_leaves(self.work.folder / "leaves.npy", leaves)
        return leaves

    def second_pass(
        self, runs: list[Run], leaves: Tiles
    ) -> tuple[list[TileRecord], list[dict[str, Any]]]:
        held = leaves.take(leaves.rows > 0)
        most = max(_SMALLEST_GROUP, min(self.plan.max_rows, self.tally.stored // _TASKS))
        groups = [
            TileGroup(
                number,
                tuple(zip(held.order[a:b].tolist(), held.pixel[a:b].tolist(), strict=True)),
                shares(runs, int(held.starts[a]), int(held.stops[b - 1])),
            )
            for number, (a, b) in enumerate(groups_of(held.rows, most))
        ]
        self.progress.stage("tiles", int(held.rows.sum()))
        told = self.stages.told(
            "tiles", groups, store_group, self.storing(), _rows_of, self.tiles_are_there
        )
        ordered = [told[group.number] for group in groups]
        return [TileRecord.from_json(r) for each in ordered for r in each["tiles"]], ordered

    def storing(self) -> Storing:
        plan = self.plan
        key = plan.described.key
        return Storing(
            schema=plan.spilled_schema,
            primary=self.writer.primary,
            margins=self.writer.margins,
            margins_arcsec=plan.margins_arcsec,
            ra=plan.ra,
            dec=plan.dec,
            id=plan.sort_id,
            key=key,
            keys=self.keys() if key is not None else None,
            leaves=str(self.work.folder / "leaves.npy"),
            folder=str(self.folder("margin")),
            finishing=plan.finishing(self.work.folder),
        )

    def tiles_are_there(self, payload: dict[str, Any]) -> bool:
        """Whether the tiles that the journal tells of are whole, so far as their size tells."""
        primary = self.writer.primary.folder
        return all(
            _size(primary.path(TileRecord.from_json(r).path)) == r["bytes"]
            for r in payload["tiles"]
        )

    def margins(self, leaves: Tiles, told: list[dict[str, Any]]) -> list[list[TileRecord]]:
        """The records of each margin."""
        if not self.writer.margins:
            return []
        spilled = [each["margin"] for each in told if each.get("margin")]
        groups = margin_groups(leaves, str(self.folder("margin")), spilled)
        self.progress.stage("margins", None)
        done = self.stages.told(
            "margins", groups, store_margins, self.storing(), _margin_rows_of, lambda _: True
        )
        return [
            [
                TileRecord.from_json(record)
                for group in groups
                for record in done[group.number]["margins"][margin]
            ]
            for margin in range(len(self.writer.margins))
        ]

    def index(self) -> IdIndex | None:
        key = self.plan.described.key
        if key is None:
            return None
        self.progress.stage("index", None)
        # without an id of its own, the key is that of something else, which may repeat
        unique = self.plan.described.roles.id is not None
        return build_index(self.keys(), self.writer.home, self.plan.name, key, unique=unique)

    def keys(self) -> KeyRuns:
        """Where the sorted ids of the tiles lie."""
        return KeyRuns(Folder.at(self.folder("keys")))

    # ------------------------------------------------------------------ ending
    def finish(
        self,
        records: list[TileRecord],
        margin_records: list[list[TileRecord]],
        index: IdIndex | None,
        told: list[dict[str, Any]],
    ) -> Report:
        self.progress.stage("finishing", None)
        rejected = self.write_rejects(told)
        stored = sum(record.rows for record in records)
        if self.tally.rows_in != stored + sum(rejected.values()):
            raise RuntimeError(
                f"{self.tally.rows_in} rows came in, {stored} were stored and "
                f"{sum(rejected.values())} set aside: rows were lost"
            )
        lent = [record for each in margin_records for record in each]
        report = Report(
            rows_in=self.tally.rows_in,
            rows_stored=stored,
            rejected=rejected,
            nan_to_null=dict(sorted(self.tally.nan.items())),
            sentinel_to_null=dict(sorted(self.tally.sentinel.items())),
            duplicate_ids=0 if index is None else index.duplicates,
            tiles=len(records),
            margin_rows=sum(record.rows for record in lent),
            bytes=sum(record.bytes for record in [*records, *lent]),
            notes=self.plan.described.notes,
        )
        self.writer.primary.properties.update(report.to_properties())
        if self.plan.footprint is not None:
            write_footprint(self.writer.home, self.plan.footprint)
        self.writer.finish(records, margin_records, index)
        return report

    def write_rejects(self, told: list[dict[str, Any]]) -> dict[str, int]:
        """Write rejects.parquet; how many rows are in it, by reason."""
        later = [each["rejects"] for each in told if each.get("rejects")]
        files = [self.folder("runs") / name for name in self.tally.rejects]
        files += [self.folder("margin") / each["file"] for each in later]
        parts = self.plan.sources.parts()
        origins = Origins.of(
            [part.name for part in parts], [part.number for part in parts], self.tally.part_rows
        )
        rejected = dict(self.tally.rejected)
        for each in later:
            rejected[each["reason"]] = rejected.get(each["reason"], 0) + each["rows"]
        written = write_rejects(self.writer.home, files, origins)
        if written != sum(rejected.values()):
            raise RuntimeError(
                f"{written} rows are in {REJECTS_FILE}, but {rejected} were set aside"
            )
        return dict(sorted(rejected.items()))


def _rows_of(payload: dict[str, Any]) -> int:
    return sum(int(record["rows"]) for record in payload["tiles"])


def _margin_rows_of(payload: dict[str, Any]) -> int:
    return sum(int(record["rows"]) for records in payload["margins"] for record in records)


def _size(path: str) -> int:
    with suppress(OSError):
        return os.path.getsize(path)  # noqa: PTH202  the path may be a URL, which has no size here
    return -1
