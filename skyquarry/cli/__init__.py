"""The command `skyquarry`: each command reads the request, calls one function, writes the answer.

Nothing heavy is imported before a command runs, so that a cone search in a new process is fast.
"""

from __future__ import annotations

import gc
import os

from skyquarry.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The console script; exit code 2 for the user's mistakes, a traceback for ours."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's: idle threads cost a short command
    gc.set_threshold(50_000, 20, 100)  # imports make a million objects and no garbage
    try:
        app(prog_name="skyquarry")
    finally:
        gc.freeze()  # else Python looks for garbage in all of it, several times, before it ends
