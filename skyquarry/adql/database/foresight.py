"""Whether a database asks for bytes of files before it needs them.

DuckDB asks for the columns of the row groups to come in a thread of its own. On disk that gives a
scan of 1e7 rows a third of its time; of files that lie in the system's memory already it spares
nothing, and takes a tenth to a sixth of the processor seconds. So a database remembers which
columns were read while nothing came from disk, and reads these without asking before. Where the
system does not tell what comes from disk, it always asks.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTING: Final = "disable_parquet_prefetching"
"""Of DuckDB; it may be changed while all other settings are locked."""
ALLOWED: Final = f"SET GLOBAL allowed_configs = ['{SETTING}']"
_TELLER: Final = Path("/proc/self/io")
_FEW_BYTES: Final = 1 << 16


@dataclass
class Foresight:
    """What one database knows of the columns that it has read."""

    in_memory: set[str] = field(default_factory=set)
    ahead: bool = True
    """Whether it asks before it needs."""

    @contextmanager
    def reading(self, connection: Any, columns: frozenset[str]) -> Iterator[None]:
        """Set how these columns are read, and note afterwards whether any came from disk.

        What other threads of this process read meanwhile counts too: then it asks needlessly.
        """
        before = bytes_from_disk()
        ahead = before is None or not columns or not columns <= self.in_memory
        if ahead != self.ahead:
            connection.execute(f"SET GLOBAL {SETTING} = {'false' if ahead else 'true'}")
            self.ahead = ahead
        try:
            yield
        finally:
            after = bytes_from_disk()
            if before is not None and after is not None and after - before <= _FEW_BYTES:
                self.in_memory |= columns
            else:
                self.in_memory -= columns


def bytes_from_disk() -> int | None:
    """How many bytes came from disk for this process since it began; None where it is not told."""
    with suppress(OSError, ValueError):
        for line in _TELLER.read_text(encoding="ascii").splitlines():
            word, _, told = line.partition(":")
            if word == "read_bytes":
                return int(told)
    return None
