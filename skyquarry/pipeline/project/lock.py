"""A lock that a process holds while it runs, and that its death releases."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skyquarry.errors import RunError
from skyquarry.pipeline.project.records import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skyquarry.pipeline.project.settings import Project


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """No other run of the project goes on meanwhile. Raises RunError where one does."""
    home = project.folder / HIDDEN
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock") as ours:
        if not ours:
            raise RunError(
                f"another run of {project.file.name} is going on in {project.folder}, but "
                "only one may: wait for it, or end it"
            )
        yield


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether the lock is ours inside the block; True where the system has no locks of files."""
    try:
        import fcntl
    except ImportError:
        yield True
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)  # releases it
