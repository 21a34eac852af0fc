"""A folder for rows on their way from one round to the next: gone at the end, however that comes.

A run that is killed cannot clean up. Its folder holds a lock that went with its process, so that
the next run in the same place knows that nobody uses it, and takes it away.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_HELD = ".held"


@contextmanager
def scratch(what: str, folder: str | os.PathLike[str] | None = None) -> Iterator[str]:
    """A new folder, `.skyquarry-WHAT-...`, in another one or where temporary files are kept."""
    base = Path(folder if folder is not None else tempfile.gettempdir())
    prefix = f".skyquarry-{what}-"
    _clear(base, prefix)
    unheld = Path(tempfile.mkdtemp(prefix=".skyquarry.", dir=base))
    home = base / f"{prefix}{uuid.uuid4().hex[:12]}"
    try:
        with (unheld / _HELD).open("w", encoding="utf-8") as held:
            _lock(held)
            unheld.rename(home)  # a folder of this name is held, or of nobody
            yield str(home)
    finally:
        shutil.rmtree(unheld, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _clear(base: Path, prefix: str) -> None:
    for left in base.glob(f"{prefix}*"):
        with suppress(OSError), (left / _HELD).open("r+", encoding="utf-8") as held:
            if _lock(held):
                shutil.rmtree(left, ignore_errors=True)


def _lock(held: IO[str]) -> bool:
    """Whether the lock is ours now: not where another has it, or where the system knows none."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
