"""The command `skyquarry`: each command reads the request, calls one function, writes the answer.

Nothing heavy is imported before a command runs, so that a cone search in a new process is fast.
"""

from __future__ import annotations

from skyquarry.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """The console script; exit code 2 for the user's mistakes, a traceback for ours."""
    app(prog_name="skyquarry")
