"""Tables of numbers that take a second to make, kept on disk: every process needs them.

They lie in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`; on Windows `LOCALAPPDATA`),
under a name that holds a hash of the code and of the versions of the packages that they are made
of. Where that folder cannot be written they are made anew in each process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Tables = Mapping[str, NDArray[Any]]

_PACKAGES: Final = ("numpy", "skypy", "speclite")
_MOST: Final = 4
"""of one name that are kept: of several versions of the code that are in use"""


def kept(name: str, make: Callable[[], Tables]) -> Tables:
    """The arrays that `make` gives, as an earlier process kept them or made now."""
    place = folder()
    if place is None:
        return make()
    path = place / f"{name}-{_mark()}.npz"
    with suppress(OSError, ValueError, EOFError, zipfile.BadZipFile), path.open("rb") as file:
        held = np.load(file)
        return {key: held[key] for key in held.files}
    made = make()
    with suppress(OSError):
        _keep(path, made, name)
    return made


def folder() -> Path | None:
    """Where tables are kept; None where the user has no home."""
    told = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    with suppress(RuntimeError):
        return (Path(told) if told else Path.home() / ".cache") / "skyquarry"
    return None


@cache
def _mark() -> str:
    """A hash of all that decides the tables."""
    told = hashlib.sha256(" ".join(version(each) for each in _PACKAGES).encode())
    here = Path(__file__).parent
    for path in [here.parent / "bands.py", *sorted(here.glob("*.py"))]:
        told.update(path.read_bytes())
    return told.hexdigest()[:16]


def _keep(path: Path, made: Tables, name: str) -> None:
    """Written whole, by a rename; the oldest of other code go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        np.savez(file, allow_pickle=False, **made)
    Path(file.name).replace(path)
    all_of_them = sorted(path.parent.glob(f"{name}-*.npz"), key=lambda each: each.stat().st_mtime)
    for old in all_of_them[:-_MOST]:
        old.unlink(missing_ok=True)
