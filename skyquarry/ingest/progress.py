"""How a build tells how far it is: a bar on a terminal, or whatever the caller passes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from skyquarry.catalog.report import Report


class Progress(Protocol):
    """What a build calls. Stages come one after another; counts are rows."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins, with so many rows to do (None: not known)."""

    def advance(self, rows: int) -> None:
        """So many more rows are done."""

    def note(self, text: str) -> None:
        """Something the user should read."""

    def close(self, report: Report | None) -> None:
        """The build has ended: well, where there is a report."""


class Silent:
    """Tells nothing."""

    def stage(self, name: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, rows: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def close(self, report: Report | None) -> None:
        """Nothing."""


class Bar:
    """A bar with rows a second and the time left, on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._console = Console(file=stream)
        self._bar = RichProgress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task: Any = None
        self._began = 0.0
        self._rows = 0
        self._bar.start()

    def stage(self, name: str, total: int | None) -> None:
        """Put a new bar in the place of the last one."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total, speed="")
        self._began, self._rows = time.monotonic(), 0

    def advance(self, rows: int) -> None:
        """Move the bar, and tell the speed since the stage began."""
        self._rows += rows
        speed = self._rows / max(time.monotonic() - self._began, 1e-3)
        if self._task is not None:
            self._bar.update(self._task, advance=rows, speed=f"{speed:,.0f} rows/s")

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def close(self, report: Report | None) -> None:
        """Take the bar away."""
        del report
        self._bar.stop()


class Lines:
    """Notes alone, a line each: for output that is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def stage(self, name: str, total: int | None) -> None:
        """Nothing: a log needs no bar."""

    def advance(self, rows: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """A line."""
        print(text, file=self._stream)

    def close(self, report: Report | None) -> None:
        """Nothing: who called `build` has the report."""


def resolve(progress: Progress | bool | None) -> Progress:  # noqa: FBT001  True and False are words
    """The caller's own; a bar (True, and None on a terminal); or silence (False, and None)."""
    if progress is None:
        progress = sys.stderr.isatty()
    if progress is True:
        return Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)
    return Silent() if progress is False else progress
