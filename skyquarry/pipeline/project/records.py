"""What a project has done: a record of each finished stage, on disk."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = ".skyquarry"
"""The folder, in that of the project, of all that the project knows of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finished stage."""

    stage: str
    fingerprint: str
    """of its settings, the checksums of its inputs and the version of skyquarry"""
    inputs: dict[str, str]
    """checksums of what it read, by path (relative to the project's folder where it lies there)"""
    output: str
    """the path of what it made, relative to the project's folder"""
    checksum: str
    """of the output"""
    settings: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    """rows and whatever else there is to tell"""
    began: str = ""
    ended: str = ""
    """UTC, ISO 8601"""
    seconds: float = 0.0
    cpu_s: float = 0.0
    """of all processors, worker processes included"""
    energy_j: float | None = None
    """of the machine's processors meanwhile; None where their counters cannot be read"""
    seed: int = 0
    version: str = ""
    """of skyquarry"""
    code: dict[str, Any] = field(default_factory=dict)
    """its commit, whether it was as there, and the sum of its source: `software.Code`"""
    audit: str = ""
    """the hash of its line in the audit log"""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of the project in a folder."""

    folder: Path

    def of(self, stage: str) -> Record | None:
        """The record of a stage; None where it never ended. Raises DamagedError."""
        path = self._path(stage)
        return _read(path) if path.exists() else None

    def all(self) -> list[Record]:
        """Every record, in the order in which the stages ended."""
        paths = self._home().glob("*.json") if self._home().is_dir() else ()
        return sorted((_read(path) for path in paths), key=lambda each: each.ended)

    def keep(self, record: Record) -> None:
        """Write a record; it is whole or not there."""
        content = json.dumps(dataclasses.asdict(record), indent=1, sort_keys=True, default=str)
        home = Folder.at(self._home()).make()
        home.write_atomic(self._path(record.stage).name, content.encode())

    def remove(self, stage: str) -> None:
        """Forget a stage."""
        self._path(stage).unlink(missing_ok=True)

    def _home(self) -> Path:
        return self.folder / HIDDEN / "stages"

    def _path(self, stage: str) -> Path:
        return self._home() / f"{stage.replace(' ', '-')}.json"


def _read(path: Path) -> Record:
    try:
        return Record(**json.loads(path.read_text()))
    except (ValueError, TypeError) as fault:
        raise DamagedError(
            f"{path} is no record of a stage ({fault}), but it has to be one: remove it, and the "
            "stage is done again"
        ) from fault
