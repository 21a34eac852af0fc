"""A folder whose files are listed with their checksums, so that damage is found and named."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from skyquarry.errors import DamagedError
from skyquarry.learn.checkpoints import write_whole

if TYPE_CHECKING:
    from pathlib import Path

CHECKSUMS: Final = "checksums.json"
README: Final = "README.md"
"""a text for people, which may be written later"""


def seal(folder: Path) -> None:
    """Write the sha256 of every file in the folder and below, except of the list itself."""
    told = {name: _digest(folder / name) for name in _files(folder)}
    write_whole(folder / CHECKSUMS, json.dumps(told, indent=1, sort_keys=True).encode())


def check(folder: Path) -> None:
    """Raises DamagedError that names each file that is missing or not what was sealed."""
    path = folder / CHECKSUMS
    try:
        told = json.loads(path.read_bytes())
        faults = [fault for name, digest in told.items() if (fault := _fault(folder, name, digest))]
        strange = sorted(set(_files(folder)) - set(told))
    except (OSError, ValueError, AttributeError) as error:
        raise DamagedError(
            f"{path} cannot be read ({error}), but it says what the files beside it are: take the "
            "folder from a copy, or train again"
        ) from error
    faults += [f"{name} is not listed" for name in strange]
    if faults:
        raise DamagedError(
            f"{folder} is damaged: {'; '.join(faults)}; take the folder from a copy, or train again"
        )


def _fault(folder: Path, name: str, digest: str) -> str | None:
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    return None if _digest(path) == digest else f"{name} is not what was written"


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in found)
    return sorted(name for name in names if name not in (CHECKSUMS, README))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
