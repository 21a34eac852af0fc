"""Checksums of what stages read and write: files, catalogues, folders."""

from __future__ import annotations

import glob
import hashlib
import json
from pathlib import Path
from typing import Any

from skyquarry.catalog.files import Folder
from skyquarry.catalog.versions import CHECKSUMS, current
from skyquarry.errors import NotFoundError

README = "README.md"


class Checksums:
    """SHA-256 of files, kept with size and time so that a large file is read once.

    `memory` is the file that keeps them; what it says of a file whose size or time of change has
    changed does not count.
    """

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self._known: dict[str, list[Any]] = _read(memory)

    def of(self, path: Path) -> str:
        """The checksum of a file, a catalogue or a folder. Raises NotFoundError."""
        if path.is_file():
            return self._of_file(path)
        if (path / "collection.properties").is_file():
            return self._of_catalogue(path)
        if path.is_dir():
            return self._of_folder(path)
        raise NotFoundError(f"{path} is not there, but a stage needs it: make it, or correct it")

    def matching(self, pattern: str) -> list[Path]:
        """The files that a pattern names, sorted. Raises NotFoundError where there is none."""
        names = glob.glob(pattern, recursive=True)  # noqa: PTH207  a whole path may be a pattern
        found = sorted(Path(name) for name in names)
        if not found:
            raise NotFoundError(
                f"{pattern} is not there, but the project file names it: correct the path"
            )
        return found

    def save(self) -> None:
        """Keep what is known."""
        folder = Folder.at(self.memory.parent)
        folder.write_atomic(self.memory.name, json.dumps(self._known, indent=0).encode())

    def _of_file(self, path: Path) -> str:
        state = path.stat()
        seen = [state.st_size, state.st_mtime_ns]
        known = self._known.get(str(path))
        if known is None or known[:2] != seen:
            known = [*seen, sha256(path)]
            self._known[str(path)] = known
        return str(known[2])

    def _of_catalogue(self, path: Path) -> str:
        """By the checksums that its current version is sealed with: no tile is read."""
        version = current(Folder.at(path))
        sealed = path / str(version) / CHECKSUMS
        return self._of_file(sealed) if sealed.is_file() else self._of_folder(path)

    def _of_folder(self, path: Path) -> str:
        """Of all files but texts for people, which may be written later."""
        whole = hashlib.sha256()
        files = (each for each in path.rglob("*") if each.is_file() and each.name != README)
        for file in sorted(files):
            whole.update(f"{file.relative_to(path).as_posix()}\0{self._of_file(file)}\n".encode())
        return whole.hexdigest()


def sha256(path: Path) -> str:
    """Of the bytes of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_words(told: Any) -> str:
    """The SHA-256 of plain data: the same data, the same checksum."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(memory: Path) -> dict[str, list[Any]]:
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}  # a memory, not a record: what it knew is found anew
    return known if isinstance(known, dict) else {}
