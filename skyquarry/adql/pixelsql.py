"""Ranges of pixels as SQL: conditions that leave row groups unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.adql.kinds import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyquarry.adql.reads import StoredRead
    from skyquarry.sky.ranges import Ranges

_MANY_RANGES: Final = 48
"""Ranges of pixels that a scan's condition has at most: gaps between others are read as well."""


def near_select(read: StoredRead, ranges: Ranges) -> str:
    """The SQL of a table's rows in some pixels, to stand in a FROM; empty where none are spared."""
    there = set(read.source.tiles.overlapping(ranges).tolist())
    files = read.own_files(tile for tile in read.numbers if tile in there)
    if read.spatial is None or read.scan.outlying or not files:
        return ""
    starts, stops = fewer(ranges, _MANY_RANGES)
    tests = " OR ".join(_tests(quoted(read.spatial), starts, stops))
    whole = read.select(files)
    return f"({whole} {'AND' if ' WHERE ' in whole else 'WHERE'} ({tests}))"


def within(column: str, pixels: Ranges) -> str:
    """The condition that a row lies in these pixels, or in small gaps between them."""
    starts, stops = fewer(pixels, _MANY_RANGES)
    tests = _tests(column, starts, stops)
    whole = f"{column} >= {starts[0]} AND {column} < {stops[-1]}" if tests else "FALSE"
    return f"{whole} AND ({' OR '.join(tests)})" if len(tests) > 1 else whole


def _tests(column: str, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[str]:
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return [f"({column} >= {start} AND {column} < {stop})" for start, stop in pairs]


def fewer(ranges: Ranges, most: int) -> tuple[Any, Any]:
    """Starts and stops of at most so many ranges that hold these: the smallest gaps are closed."""
    starts, stops = ranges.starts, ranges.stops
    if len(starts) <= most:
        return starts, stops
    gaps = starts[1:] - stops[:-1]
    kept = np.sort(np.argsort(gaps, kind="stable")[len(gaps) - (most - 1) :])
    return (
        np.concatenate([starts[:1], starts[kept + 1]]),
        np.concatenate([stops[kept], stops[-1:]]),
    )
