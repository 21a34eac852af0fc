"""Runs a project: what has changed since the last run is done, all else is left as it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyquarry.errors import NotFoundError
from skyquarry.pipeline.project.checksums import Checksums, of_words
from skyquarry.pipeline.project.limits import Limits, StoppedError
from skyquarry.pipeline.project.lock import alone
from skyquarry.pipeline.project.logbook import check_log, log_of
from skyquarry.pipeline.project.places import outputs_of
from skyquarry.pipeline.project.provenance import write_provenance
from skyquarry.pipeline.project.records import HIDDEN, Record, Records
from skyquarry.pipeline.project.reporting.energy import metered
from skyquarry.pipeline.project.reporting.readmes import describe
from skyquarry.pipeline.project.stages import Stage, Work, stages_of
from skyquarry.pipeline.project.words import told_s
from skyquarry.software import this_code

if TYPE_CHECKING:
    from skyquarry.pipeline.project.settings import Project

Say = Callable[[str], Any]
PROVENANCE = "provenance.json"


@dataclass(frozen=True, slots=True)
class State:
    """What is to be done with a stage, and why."""

    stage: Stage
    why: str
    """empty: nothing, its output stands"""
    last_s: float | None
    """what it took the last time"""


@dataclass(frozen=True, slots=True)
class Took:
    """What a stage has used."""

    seconds: float
    cpu_s: float
    """of this process and of those that it waited for"""
    energy_j: float | None
    """of all processors of the machine; None where nobody can know"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did."""

    done: tuple[str, ...]
    kept: tuple[str, ...]
    stopped: str = ""
    """the limit that ended it; empty where all is done"""
    seconds: float = 0.0


class Runner:
    """A project and what is known of it."""

    def __init__(self, project: Project, stages: tuple[Stage, ...] | None = None) -> None:
        """Of the project's own stages, or of others that are to be run as those are."""
        self.project = project
        self.folder = project.folder
        self.stages = stages_of(project) if stages is None else stages
        self.records = Records(self.folder)
        self.audit = log_of(self.folder)
        self.checksums = Checksums(self.folder / HIDDEN / "checksums.json")

    def states(self) -> list[State]:
        """What a run would do, stage by stage; nothing is done. Raises what `run` would."""
        self._check_given()
        check_log(self.folder)
        ahead: set[str] = set()
        told = []
        for stage in self.stages:
            state = self._state(stage, ahead)
            if state.why:
                ahead.add(stage.name)
            told.append(state)
        return told

    def run(self, *, limits: Limits | None = None, progress: bool = False, say: Say = print) -> Ran:
        """Do all stages that have to be done.

        Raises RunError where another run of the project is going on, DamagedError where its audit
        log was changed or cut, and whatever a stage raises; what was finished before is kept, and
        the next run goes on from there.
        """
        self._check_given()
        limits = limits or Limits()
        began, done, kept = time.monotonic(), [], []
        self.folder.mkdir(parents=True, exist_ok=True)
        stopped = ""
        with alone(self.project):
            check_log(self.folder)
            try:
                for stage in self.stages:
                    limits.check(self.folder)
                    if self._one(stage, limits, progress, say):
                        done.append(stage.name)
                    else:
                        kept.append(stage.name)
            except StoppedError as limit:
                stopped = str(limit)
                self.audit.note("stopped", why=stopped)
            self.checksums.save()
        return Ran(tuple(done), tuple(kept), stopped, time.monotonic() - began)

    def _one(self, stage: Stage, limits: Limits, progress: bool, say: Say) -> bool:  # noqa: FBT001
        """Whether the stage had to be done; if so, it is."""
        state = self._state(stage, set())
        if not state.why:
            say(f"{stage.name}: nothing has changed")
            return False
        say(f"{stage.name}: {stage.does} ({state.why})")
        inputs = self._inputs(stage)
        began, clock, cpu_s = datetime.now(UTC), time.monotonic(), _cpu_s()
        code = this_code().to_json()
        self.audit.note("began", stage=stage.name, why=state.why, inputs=inputs, code=code)
        try:
            with limits.held(self.folder), metered() as meter:
                told = stage.work(Work(self.project, stage, progress, say))
        except (Exception, KeyboardInterrupt) as fault:
            self.audit.note("failed", stage=stage.name, fault=f"{type(fault).__name__}: {fault}")
            raise
        seconds = time.monotonic() - clock
        took = Took(seconds, _cpu_s() - cpu_s, meter.joules)
        self._finished(stage, inputs, told, began, took)
        say(f"  done in {told_s(seconds)}: {_figures(told)}")
        return True

    def _finished(
        self,
        stage: Stage,
        inputs: dict[str, str],
        told: dict[str, Any],
        began: datetime,
        took: Took,
    ) -> None:
        """Keep the record of a stage, and describe what it has made."""
        checksum = self._output(stage)
        note = self.audit.note(
            "ended", stage=stage.name, inputs=inputs, output=self._name(stage.output),
            checksum=checksum, told=told,
        )  # fmt: skip
        record = Record(
            stage=stage.name, fingerprint=self._fingerprint(stage, inputs), inputs=inputs,
            output=self._name(stage.output), checksum=checksum, settings=stage.settings, told=told,
            began=began.isoformat(timespec="milliseconds"),
            ended=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=took.seconds, cpu_s=took.cpu_s, energy_j=took.energy_j,
            seed=self.project.seed, version=_version(), code=this_code().to_json(), audit=note,
        )  # fmt: skip
        self.records.keep(record)
        write_provenance(self.records.all(), self.folder / PROVENANCE)
        describe(self.project, stage, record)

    def _state(self, stage: Stage, ahead: set[str]) -> State:
        record = self.records.of(stage.name)
        last_s = record.seconds if record else None
        return State(stage, self._why(stage, record, ahead), last_s)

    def _why(self, stage: Stage, record: Record | None, ahead: set[str]) -> str:
        """Why a stage has to be done; empty where it has not."""
        changed = [name for name in stage.needs if name in ahead]
        if changed:
            return f"{', '.join(changed)} will be new"
        if record is None:
            return "never done"
        try:
            if self._output(stage) != record.checksum:
                return "its output was changed"
        except NotFoundError:
            return "its output is gone"
        inputs = self._inputs(stage)
        if record.fingerprint == self._fingerprint(stage, inputs):
            return ""
        return _difference(stage, inputs, record)

    def _check_given(self) -> None:
        """Raises NotFoundError for what a stage reads and nobody made: before the first begins."""
        for stage in self.stages:
            for pattern in stage.files:
                self._files(pattern)

    def _inputs(self, stage: Stage) -> dict[str, str]:
        """Checksums of what a stage reads, by path."""
        found = {}
        for pattern in stage.files:
            for path in self._files(pattern):
                found[self._name(Path(path))] = self._checksum(path)
        for name in stage.needs:
            needed = next(each for each in self.stages if each.name == name)
            found[self._name(needed.output)] = self._output(needed)
        return found

    def _files(self, pattern: str) -> list[str]:
        if "://" in pattern or Path(pattern).exists():
            return [pattern]
        return [str(path) for path in self.checksums.matching(pattern)]

    def _checksum(self, path: str) -> str:
        """An address elsewhere is known by its name alone: what it holds is not read twice."""
        return of_words(path) if "://" in path else self.checksums.of(Path(path))

    def _output(self, stage: Stage) -> str:
        """Of all that the stage has left. Raises NotFoundError where some of it is gone."""
        left = [self.checksums.of(each) for each in outputs_of(*stage.left)]
        return left[0] if len(left) == 1 else of_words(left)

    def _fingerprint(self, stage: Stage, inputs: dict[str, str]) -> str:
        return of_words([stage.name, stage.settings, inputs, _version()])

    def _name(self, path: Path) -> str:
        """A path as records say it: below the project's folder, or beside its file, or whole."""
        for home in (self.folder, self.project.file.parent):
            if path.is_relative_to(home):
                return path.relative_to(home).as_posix()
        return str(path)


def _difference(stage: Stage, inputs: dict[str, str], record: Record) -> str:
    """Which of settings, inputs and version have changed."""
    import json

    before = record.settings
    now = json.loads(json.dumps(stage.settings, default=str))
    said = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if said:
        return f"{', '.join(sorted(said))} changed"
    read = [key for key in {**record.inputs, **inputs} if record.inputs.get(key) != inputs.get(key)]
    if read:
        return f"{', '.join(sorted(read)[:3])} changed"
    return f"made by skyquarry {record.version}"


def _figures(told: dict[str, Any]) -> str:
    """What a stage has to say for itself; else how many rows it made."""
    rows = told.get("rows")
    if "said" in told:
        return str(told["said"])
    if isinstance(rows, dict):
        return ", ".join(f"{name} {count:,}" for name, count in rows.items())
    return f"{rows:,} rows" if isinstance(rows, int) else "no rows"


def _cpu_s() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


def _version() -> str:
    from importlib.metadata import version

    return version("skyquarry")
