"""What a project has made and does not use any more."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skyquarry.catalog.files import Folder
from skyquarry.catalog.versions import current, versions
from skyquarry.pipeline.project.limits import size_of
from skyquarry.pipeline.project.lock import alone
from skyquarry.pipeline.project.logbook import check_log, log_of
from skyquarry.pipeline.project.places import outputs_of
from skyquarry.pipeline.project.records import Records
from skyquarry.pipeline.project.stages import Stage, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyquarry.pipeline.project.settings import Project


@dataclass(frozen=True, slots=True)
class Superseded:
    """Something that may go."""

    path: Path
    why: str
    bytes: int
    stage: str = ""
    """whose record goes with it"""


def superseded(project: Project) -> list[Superseded]:
    """Outputs of stages that the project has no more, and old versions of its catalogues.

    Only what the project's own records say it has made is listed; inputs never are.
    """
    stages = stages_of(project)
    kept = {path for stage in stages for path in outputs_of(*stage.left)}
    given = {Path(file) for stage in stages for file in stage.files if "://" not in file}
    found = [*_dropped(project, stages, kept | given)]
    for path in sorted(kept):
        found += _old_versions(path)
    return found


def remove(what: list[Superseded], project: Project) -> int:
    """Remove these; returns the bytes that they had.

    Raises RunError while the project runs, and DamagedError where its audit log does not hold.
    """
    if not what:
        return 0
    with alone(project):
        check_log(project.folder)
        records = Records(project.folder)
        for each in what:
            if each.path.is_dir():
                shutil.rmtree(each.path)
            else:
                each.path.unlink(missing_ok=True)
            if each.stage:
                records.remove(each.stage)
            log_of(project.folder).note("removed", path=str(each.path), why=each.why)
    return sum(each.bytes for each in what)


def _dropped(project: Project, stages: tuple[Stage, ...], kept: set[Path]) -> Iterator[Superseded]:
    names = {stage.name for stage in stages}
    for record in Records(project.folder).all():
        made = outputs_of(record.stage, project.folder / record.output, record.settings)
        gone = record.stage not in names
        for path in made:
            if not path.exists() or not path.is_relative_to(project.folder):
                continue
            if any(each.resolve().is_relative_to(path.resolve()) for each in kept):
                continue
            why = f"the project has no stage {record.stage!r} any more" if gone else "not made now"
            yield Superseded(path, why, size_of(path), record.stage if gone else "")


def _old_versions(path: Path) -> Iterator[Superseded]:
    """All versions of a catalogue but the current one."""
    if not (path / "collection.properties").is_file():
        return
    folder = Folder.at(path)
    published = current(folder)
    for version in versions(folder):
        if version != published:
            old = path / version
            yield Superseded(old, f"version {published} took its place", size_of(old))
