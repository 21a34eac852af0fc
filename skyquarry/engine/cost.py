"""What a plan will cost, before it runs: tiles, rows, bytes, seconds."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_A_TILE = 0.0008
"""Opening a file and parsing its footer."""
ROWS_A_SECOND = 20e6
"""Rows decoded and tested by one worker, a handful of columns each."""
BYTES_A_SECOND = 120e6
"""Compressed Parquet decoded by one worker."""
ROW_GROUP_ROWS = 8_192
"""Rows that are decoded together, where a file is cut: as the writer makes them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A prediction, by areas and counts of tiles; a condition on rows is not guessed."""

    tiles: int
    rows: int
    """Rows decoded."""
    bytes: int
    """Compressed bytes decoded."""
    rows_out: int
    """Rows handed out, before any condition on their values."""
    seconds: float
    exact: bool = False
    """Whether `rows_out` is a count, since nothing is cut."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.tiles + other.tiles,
            self.rows + other.rows,
            self.bytes + other.bytes,
            max(self.rows_out, other.rows_out),
            self.seconds + other.seconds,
            exact=False,
        )


def seconds(tiles: int, rows: int, bytes_: int, workers: int) -> float:
    """Seconds that reading takes: a line through measurements (`benchmarks/plan.py`)."""
    work = tiles * SECONDS_A_TILE + rows / ROWS_A_SECOND + bytes_ / BYTES_A_SECOND
    return work / max(min(workers, tiles), 1)


def in_bytes(count: float) -> str:
    """1234567 -> "1.2 MB"."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def in_time(span: float) -> str:
    """0.0123 -> "0.01 s", 4000 -> "1.1 h"."""
    if span < 120:
        return f"{span:.2g} s" if span < 10 else f"{span:.0f} s"
    return f"{span / 60:.0f} min" if span < 7200 else f"{span / 3600:.1f} h"
