"""A training that was killed goes on from where it was, and ends in the same model.

A checkpoint is one file, written beside its name and renamed: the sha256 of the rest, a head that
tells of what training it is and how far that went, and the state. A learner passes through the
bytes of its checkpoint even when nothing kills it (or keeps all of its random state there), so that
both ways are the same computation.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import Folder
from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAGIC: Final = b"skyquarry checkpoint 1\n"


@dataclass(frozen=True, slots=True)
class Saved:
    """How far a training was."""

    step: int
    """rounds, trees or epochs done"""
    told: dict[str, Any]
    """what the learner keeps beside its state"""
    content: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one fit of one learner keeps its state."""

    folder: Path
    every: int = 25
    """rounds, trees or epochs between two"""

    def due(self, step: int) -> bool:
        """Whether the state is to be kept after this many steps."""
        return step % self.every == 0

    def read(self, training: str) -> Saved | None:
        """The state of this training (its fingerprint), None where none is kept.

        What another training left is not touched until this one writes. Raises DamagedError for a
        file that is not what was written.
        """
        path = self._path()
        if not path.exists():
            return None
        whole = path.read_bytes()
        digest, _, rest = whole.removeprefix(_MAGIC).partition(b"\n")
        if digest != hashlib.sha256(rest).hexdigest().encode():
            raise DamagedError(
                f"the checkpoint {path} is damaged ({len(whole)} bytes that are not what was "
                "written): remove it, and training starts at its beginning"
            )
        text, _, content = rest.partition(b"\n")
        head = json.loads(text)
        if head["training"] != training:
            return None
        return Saved(head["step"], head["told"], content)

    def write(self, training: str, step: int, content: bytes, told: Mapping[str, Any]) -> None:
        """Keep a state in place of the one before; killed at any moment, one of them is there."""
        head = {"training": training, "step": step, "told": dict(told)}
        rest = json.dumps(head, sort_keys=True).encode() + b"\n" + content
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(rest).hexdigest().encode()
        write_whole(self._path(), _MAGIC + digest + b"\n" + rest)

    def clear(self) -> None:
        """Forget the state: the training has ended."""
        self._path().unlink(missing_ok=True)

    def _path(self) -> Path:
        return self.folder / "state.checkpoint"


def training_of(*parts: Any) -> str:
    """The fingerprint of a training: of all that its result depends on (JSON)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def told_in(path: Path) -> dict[str, Any]:
    """What a JSON file says. Raises DamagedError, naming it, for a file that is none."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError(
            f"{path} cannot be read ({error}): take it from a copy, or train again"
        ) from error
    if not isinstance(told, dict):
        raise DamagedError(f"{path} holds no object of JSON: take it from a copy, or train again")
    return told


def write_whole(path: Path, content: bytes) -> None:
    """A file that appears whole, and is on the disk then. Raises StorageError."""
    Folder.at(path.parent).write_atomic(path.name, content)
