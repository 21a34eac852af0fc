"""The folder of a user's own where what can be made anew is kept."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path | None:
    """`~/.cache/skyquarry`, or below XDG_CACHE_HOME (on Windows LOCALAPPDATA), there or not.

    None where the user has no home.
    """
    told = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    with suppress(RuntimeError):
        return (Path(told) if told else Path.home() / ".cache") / "skyquarry"
    return None
