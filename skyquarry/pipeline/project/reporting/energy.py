"""The energy that a machine's processors use, by the counters that Linux shows (RAPL).

They count all that runs on the machine, in microjoules, and begin anew at a largest value. Where
they are not there, or only root may read them, nothing is known, and nothing is guessed.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path("/sys/class/powercap")
_PACKAGE: Final = re.compile(r"intel-rapl:\d+")
"""A whole processor; what has a second number is a part of one. AMD's have the same name."""
_LOOK_S: Final = 60.0
"""between two readings: no counter comes around twice in that time"""


@dataclass
class Counter:
    """One processor's counter."""

    path: Path
    largest_uj: int
    last_uj: int
    used_uj: int = 0

    def read(self) -> None:
        """Add what was used since the last reading. Raises OSError, ValueError."""
        now = int(self.path.read_text())
        gone = now - self.last_uj
        self.used_uj += gone if gone >= 0 else gone + self.largest_uj
        self.last_uj = now


@dataclass
class Meter:
    """What was used between two points in time."""

    counters: list[Counter]
    broken: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def joules(self) -> float | None:
        """Of all processors; None where nobody can know."""
        if self.broken or not self.counters:
            return None
        return sum(each.used_uj for each in self.counters) / 1e6

    def look(self) -> None:
        """Read all counters."""
        with self.lock:
            try:
                for each in self.counters:
                    each.read()
            except (OSError, ValueError):
                self.broken = True

    def watch(self) -> None:
        """Read them often enough."""
        while not self.done.wait(_LOOK_S):
            self.look()


@contextmanager
def metered(root: Path = ROOT) -> Iterator[Meter]:
    """Measures while it is held; ask `joules` afterwards."""
    meter = Meter(_counters(root))
    if not meter.counters:
        yield meter
        return
    watcher = threading.Thread(target=meter.watch, name="energy", daemon=True)
    watcher.start()
    try:
        yield meter
    finally:
        meter.done.set()
        watcher.join()
        meter.look()


def _counters(root: Path) -> list[Counter]:
    """Those of all processors; none where one cannot be read: a part would be too little."""
    if not root.is_dir():
        return []
    homes = sorted(each for each in root.iterdir() if _PACKAGE.fullmatch(each.name))
    try:
        return [
            Counter(
                home / "energy_uj",
                int((home / "max_energy_range_uj").read_text()),
                int((home / "energy_uj").read_text()),
            )
            for home in homes
        ]
    except (OSError, ValueError):
        return []
