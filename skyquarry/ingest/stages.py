"""A stage of a build: its tasks, those that the journal knows left out."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyquarry.engine.run import run_tasks
from skyquarry.ingest.firstpass import RUN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from skyquarry.engine.journal import Journal
    from skyquarry.ingest.progress import Progress

_WEIGHT = 4 * RUN_BYTES
"""What a task holds at most: rows as read, as sorted, and as they are encoded."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Where stages run, and who is told of what is done."""

    journal: Journal
    executor: Any
    progress: Progress

    def told(
        self,
        name: str,
        pieces: Iterable[Any],
        function: Callable[..., dict[str, Any]],
        common: Any,
        rows_of: Callable[[dict[str, Any]], int],
        is_whole: Callable[[dict[str, Any]], bool],
    ) -> dict[int, dict[str, Any]]:
        """What `function(common, piece)` tells of every piece, by its number.

        Those that the journal knows and `is_whole` confirms are not done again.
        """
        told: dict[int, dict[str, Any]] = {}

        def tasks() -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
            for piece in pieces:
                payload = self.journal.done((name, piece.number))
                if payload is not None and is_whole(payload):
                    told[piece.number] = payload
                    self.progress.advance(rows_of(payload))
                else:
                    yield piece.number, function, (common, piece)

        for number, payload in run_tasks(
            tasks(), self.executor, memory_bytes=_memory(), weigh=lambda _: _WEIGHT
        ):
            self.journal.record((name, number), payload)
            told[number] = payload
            self.progress.advance(rows_of(payload))
        return told


def _memory() -> int:
    """Half of this machine's memory, at least room for two tasks."""
    half = 0
    with suppress(ValueError, OSError, AttributeError):
        half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return max(half, 2 * _WEIGHT)
