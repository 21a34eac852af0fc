"""Rows that a program makes piece by piece, kept until they are built: a killed run goes on.

A piece is what one task gives: the true sources of a block, all tables of a patch. Its rows are
spilled, and a journal notes them; a run with the same arguments finds both again.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skyquarry.catalog.files import Folder
from skyquarry.engine.executors import worker_count
from skyquarry.engine.helpers import Helpers
from skyquarry.engine.run import run_tasks
from skyquarry.ingest.firstpass import Tally
from skyquarry.ingest.progress import resolve
from skyquarry.ingest.workspace import Workspace, boot_id, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from skyquarry.engine.executors import Where
    from skyquarry.engine.journal import Journal
    from skyquarry.engine.run import Task
    from skyquarry.ingest.progress import Progress
    from skyquarry.ingest.spilled import Spilled

_AHEAD: Final = 16
"""Pieces a worker that may be done before their turn, all counts of rows alone: else the first
worker would wait while the others start."""
NOTED_S: Final = 1.0
"""A kill loses the pieces of this long at most; to note each one would wait for the disk."""


@dataclass(frozen=True)
class Room:
    """A folder on disk, held by one process, for rows that are on their way."""

    folder: Path
    journal: Journal
    fingerprint: str

    def spill(
        self,
        stage: str,
        tasks: Sequence[Task],
        spilled: Mapping[str, Spilled],
        add: Callable[[Any], None],
        *,
        last: Callable[[], None] | None = None,
        executor: Where = None,
        progress: Progress | bool | None = None,
    ) -> None:
        """Run the tasks that an earlier run has not done; `add` spills what each one gives.

        The tasks have keys of their own, whole numbers. Afterwards the rows of all are in
        `spilled`, in the order of the tasks; a table that is not among them is not kept for a
        later run. `last` is called when no task waits any more, while the last of them run.
        """
        for name, each in spilled.items():
            each.mark = f"spilled {self.fingerprint} {name}"
        done = _recalled(self.journal, spilled)
        shown = resolve(progress)
        try:
            shown.stage(stage, len(tasks))
            if done:
                shown.note(f"{stage}: {len(done):,} of {len(tasks):,} pieces are there already")
                shown.advance(len(done))
            todo = [task for task in tasks if task[0] not in done]
            notes = _Notes(self.journal, spilled)
            ending = _ending(todo, last)
            window = _AHEAD * worker_count(executor) if isinstance(executor, Helpers) else None
            for key, value in run_tasks(ending, executor, window=window, ordered=True):
                notes.add(key, value, add)
                shown.advance(1)
            notes.close()
        finally:
            shown.close(None)


def _ending(tasks: Sequence[Task], last: Callable[[], None] | None) -> Iterator[Task]:
    yield from tasks
    if last is not None:
        last()


@contextmanager
def room(folder: Path, name: str, settings: Any) -> Iterator[Room]:
    """Room beside the catalogues of a folder; emptied at its end, kept if the run is broken off.

    What another run has left there counts only if its settings (plain data) are the same, under
    the same programs and since the same start of the machine: spilled rows are not forced to the
    disk. Raises ExistsError where another process is at work there.
    """
    restart = "" if boot_id() is not None else str(uuid.uuid4())
    told = fingerprint_of(json.dumps(settings, sort_keys=True), {"name": name, "start": restart})
    home = folder / f".{name}"
    with Workspace(Folder.at(home), told) as work:
        if work.version() is None:
            work.journal.record("version", "none")  # there is none to take back, as in a build
        yield Room(work.folder, work.journal, told)
        work.finish()
    home.rmdir()


class _Notes:
    """What was spilled since the journal was last written."""

    def __init__(self, journal: Journal, spilled: Mapping[str, Spilled]) -> None:
        self._journal, self._spilled = journal, spilled
        self._keys: list[int] = []
        self._noted = time.monotonic()
        self._whole = {name: each.tally for name, each in spilled.items()}
        self._count_anew()

    def add(self, key: Any, value: Any, add: Callable[[Any], None]) -> None:
        """Spill a piece; note it, and those before, if that is due."""
        add(value)
        self._keys.append(int(key))
        if time.monotonic() - self._noted > NOTED_S:
            self._write()

    def close(self) -> None:
        """Note the rest; the tallies are then those of all rows."""
        if self._keys:
            self._write()
        for name, whole in self._whole.items():
            self._spilled[name].tally = whole

    def _write(self) -> None:
        told = {}
        for name, whole in self._whole.items():
            part = self._spilled[name].tally
            part.runs = part.runs[len(whole.runs) :]
            told[name] = part.to_json()
            whole.add(part)
        self._journal.record(("pieces", self._keys[0]), {"keys": self._keys, "tallies": told})
        self._keys, self._noted = [], time.monotonic()
        self._count_anew()

    def _count_anew(self) -> None:
        for name, whole in self._whole.items():
            # runs are numbered by how many there are
            self._spilled[name].tally = Tally(runs=list(whole.runs))


def _recalled(journal: Journal, spilled: Mapping[str, Spilled]) -> set[int]:
    """Pieces that are noted for all of these tables, whose tallies are then as they were."""
    done: set[int] = set()
    for key, payload in journal.items():
        if not isinstance(key, tuple) or key[0] != "pieces":
            continue
        if not spilled.keys() <= payload["tallies"].keys():
            break
        tallies = {name: Tally.from_json(payload["tallies"][name]) for name in spilled}
        if not all(_there(each, tallies[name]) for name, each in spilled.items()):
            break
        for name, each in spilled.items():
            each.tally.add(tallies[name])
        done.update(payload["keys"])
    return done


def _there(spilled: Spilled, tally: Tally) -> bool:
    return all((spilled.folder / run).exists() for run in tally.runs)
