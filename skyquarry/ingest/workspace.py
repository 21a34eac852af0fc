"""Where a build keeps what it has not finished: one folder, one lock, one journal.

The folder is `.build` in the catalogue's own folder (for a catalogue in a store, one in the
system's folder for temporary files). What the journal says is done counts only under the same
fingerprint: the same inputs, unchanged, the same options and versions of the programs, and the same
start of the machine, since spilled rows are not forced to the disk: that would cost more than
to read the input again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from skyquarry.engine.journal import Journal
from skyquarry.errors import ExistsError, StorageError

if TYPE_CHECKING:
    from skyquarry.catalog.files import Folder

FOLDER = ".build"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PACKAGES = ("skyquarry", "pyarrow", "numpy")


class Workspace:
    """The folder, lock and journal of one build; a context manager.

    Raises ExistsError where another process builds at the same place, or a file is in the way;
    StorageError where no folder can be made.
    """

    def __init__(self, collection: Folder, fingerprint: str) -> None:
        self.collection = collection
        self.fingerprint = fingerprint
        self.folder = folder_of(collection)
        self._handle: int | None = None
        self._made = not collection.exists()

    def __enter__(self) -> Self:
        self._make()
        self._lock()
        self.journal = self._opened()
        return self

    def __exit__(self, *error: object) -> None:
        self.journal.close()
        self._unlock()

    @property
    def durable(self) -> bool:
        """Whether spilled rows have to reach the disk, since a restart cannot be told."""
        return boot_id() is None

    def version(self) -> str | None:
        """The version that an earlier run of the same build was writing."""
        payload = self.journal.done("version")
        return None if payload is None else str(payload)

    def discard(self) -> None:
        """Remove all that the build has made and not published."""
        version = self.version()
        self.journal.close()
        if version is not None and self.collection.exists(f"{version}/.building"):
            self.collection.remove(version)
        self._remove()
        if self._made and self.collection.local:
            with suppress(OSError):
                os.rmdir(self.collection.root)  # noqa: PTH106  only where it is empty

    def finish(self) -> None:
        """Remove the folder: the version is published."""
        self.journal.close()
        self._remove()

    def _make(self) -> None:
        """Make the folder. Raises ExistsError where a file is in the way, StorageError else."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parts = [self.folder, *self.folder.parents]
            in_the_way = next((at for at in parts if at.exists() and not at.is_dir()), None)
            if in_the_way is None:
                raise disk_error(error, self.collection) from error
            raise ExistsError(
                f"{self.collection.root} was given, but {in_the_way} is a file, and a catalogue "
                "needs a new or empty folder: choose another path"
            ) from error

    def _opened(self) -> Journal:
        """The journal of this build; what another build has left is removed first."""
        path = self.folder / "journal.jsonl"
        left = _left(path)
        if left is not None and left[0] != self.fingerprint:
            version = left[1]
            if version is not None and self.collection.exists(f"{version}/.building"):
                self.collection.remove(version)
            self._empty()
        return Journal(path, self.fingerprint)

    def _empty(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _remove(self) -> None:
        self._empty()
        (self.folder / "lock").unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # no such locks: two builds at one place are the user's care
            return
        self._handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._unlock()
            raise ExistsError(
                f"{self.collection.root} is being built by another process, but one build at a "
                "time is possible there: wait for it, or choose another path"
            ) from None

    def _unlock(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def folder_of(collection: Folder) -> Path:
    """Where the build of a catalogue keeps its unfinished work."""
    if collection.local:
        return Path(collection.root) / FOLDER
    name = hashlib.sha256(collection.root.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"skyquarry-build-{name}"


def fingerprint_of(inputs: str, options: dict[str, Any]) -> str:
    """One text for the inputs, the options, the programs and the start of the machine."""
    from importlib.metadata import version

    told = {
        "inputs": inputs,
        "options": options,
        "programs": {name: version(name) for name in _PACKAGES},
        "boot": boot_id(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def boot_id() -> str | None:
    """What differs after every start of the machine; None where the system does not say."""
    with suppress(OSError):
        return _BOOT.read_text().strip()
    return None


def disk_error(error: OSError, collection: Folder) -> StorageError:
    """What to tell of a disk that refuses while a catalogue is being built."""
    return StorageError(
        f"{collection.root} could not be built ({error.strerror or error}), which needs free space "
        "of about twice the rows in memory, and permission to write: nothing was changed; make "
        "room, or choose another path"
    )


def _left(path: Path) -> tuple[str, str | None] | None:
    """The fingerprint and the version in a journal that was left; None where there is none."""
    try:
        lines = path.read_text().splitlines()
        entries = [json.loads(line) for line in lines[:2]]
        version = entries[1]["payload"] if len(entries) > 1 else None
        return str(entries[0]["fingerprint"]), version
    except (OSError, ValueError, KeyError, IndexError):
        return ("", None) if path.exists() else None
