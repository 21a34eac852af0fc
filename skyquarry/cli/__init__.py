"""The command `skyquarry`: each command reads the request, calls one function, writes the answer.

Nothing heavy is imported before a command runs, so that a cone search in a new process is fast.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from skyquarry.cli.commands import COMMANDS, application

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]


def main() -> None:
    """The console script; exit code 2 for the user's mistakes, a traceback for ours."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's: idle threads cost a short command
    gc.set_threshold(50_000, 20, 100)  # imports make a million objects and no garbage
    sys.setswitchinterval(0.001)  # what reads files must not wait for what is being imported
    asked = [word for word in _after_options(sys.argv[1:])[:1] if word in COMMANDS]
    try:
        application(asked or COMMANDS)(prog_name="skyquarry")
    finally:
        if "duckdb" not in sys.modules:  # which tells at the end what was not collected
            gc.freeze()  # else Python looks for garbage in all of it, several times, before it ends


def _after_options(words: list[str]) -> list[str]:
    """The words from the command on: --archive PATH may stand before it."""
    if words[:1] == ["--archive"]:
        return words[2:]
    return words[1:] if words and words[0].startswith("--archive=") else words


def __getattr__(name: str) -> Any:
    """The application with all commands, made when it is asked for."""
    if name == "app":
        globals()["app"] = application()
        return globals()["app"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
