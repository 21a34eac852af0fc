"""A bar on a terminal that tells how far a cross-match is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

    Progress = Callable[[str, int, int], None]


@contextmanager
def patch_bar() -> Iterator[Progress | None]:
    """What `CrossmatchPlan.run(progress=...)` calls; None where nobody looks on.

    Each pass has a bar of its own in the place of the last one; a pass whose length is not known
    (learning goes on until nothing changes) has one that runs to and fro.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("patches"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        shown: dict[str, TaskID] = {}

        def told(name: str, done: int, of: int) -> None:
            if name not in shown:
                for old in shown.values():
                    bar.update(old, visible=False)
                shown[name] = bar.add_task(name, total=of or None)
            bar.update(shown[name], completed=done or None)

        yield told
