"""Seconds of kinds of work on this machine, learnt from what has run; kept in the user's cache.

A query's time is taken as a sum of kinds of work, each at a rate. Rates begin at those of a usual
machine and move to what was measured, kind by kind as far as the runs tell them apart: damped
least squares on the logarithm of seconds, outliers held back (Huber).
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skyquarry.catalog.userfolder import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Work = dict[str, float]
"""How much of each kind a query does."""
RATES: Final[dict[str, float]] = {
    "start": 0.012,  # a query
    "look-up": 0.005,  # one of a small place, read at once: in place of the start
    "tiles": 0.00015,  # a tile
    "footers": 0.00004,  # a column of a tile whose footer is read for the first time
    "decoded": 0.8e-9,  # a byte of columns in memory
    "stored": 2e-9,  # a byte on disk
    "scanned": 0.5e-9,  # a byte of columns in memory, of a tag, which lies on disk as it is
    "tested": 1.5e-8,  # a row that conditions look at
    "placed": 1.5e-8,  # one of which a region is asked, too
    "given": 1.5e-9,  # a byte of rows given
    "grouped": 4e-8,  # a row that goes into a group
    "kept": 1e-7,  # a group
    "sorted": 1.5e-7,  # a row that is sorted
    "joined": 5e-9,  # a row of joined tables
}
"""Seconds for one of each kind, as measured on two cores (`benchmarks/asking.py`)."""
_RUNS: Final = 120
_FIRM: Final = 0.3
"""How firmly a rate stays where runs do not tell it: its pull, that of a run being 1."""
_FAR: Final = 0.7
"""Beyond this error of a logarithm, a run pulls no harder."""
_LOCK = threading.Lock()


def seconds_of(work: Work, runs: Sequence[Mapping[str, Any]] | None = None) -> float:
    """Seconds that the work is expected to take, by the runs that are kept."""
    rates = fitted(noted() if runs is None else runs)
    return sum(rates[kind] * much for kind, much in work.items())


def fitted(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The rates that runs tell; those of a usual machine where they do not."""
    if not runs:
        return dict(RATES)
    kinds = list(RATES)
    usual = np.array([[RATES[kind] * run["work"].get(kind, 0.0) for kind in kinds] for run in runs])
    share = usual / np.array([run["seconds"] for run in runs])[:, None]
    whole = float(np.median(-np.log(share.sum(axis=1))))
    start = np.full(len(kinds), whole)
    powers = np.exp(_descended(share, start))
    return {kind: RATES[kind] * float(power) for kind, power in zip(kinds, powers, strict=True)}


def _descended(share: Floats, start: Floats) -> Floats:
    """Logarithms of how much slower each kind is than usual."""
    found = start.copy()
    for _ in range(20):
        parts = share * np.exp(found)
        told = parts.sum(axis=1)
        error = np.log(told)
        pull = np.minimum(1.0, _FAR / np.maximum(np.abs(error), 1e-9))
        slope = parts / told[:, None]
        left = (slope * pull[:, None]).T @ slope + _FIRM * np.eye(len(found))
        right = (slope * pull[:, None]).T @ error + _FIRM * (found - start)
        step = np.linalg.solve(left, right)
        found = np.clip(found - np.clip(step, -1.0, 1.0), start - 4.0, start + 4.0)
    return found


# ------------------------------------------------------------ kept
def noted() -> list[dict[str, Any]]:
    """The runs that are kept; none where the file is not there, or is damaged."""
    path = _path()
    if path is None:
        return []
    try:
        mark = _mark(path)
        if _LAST.get("mark") != mark:
            runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
            _LAST.update(mark=mark, runs=[run for run in runs if _is_sound(run)][-_RUNS:])
        return list(_LAST["runs"])
    except (OSError, ValueError, TypeError, KeyError):
        return []


_LAST: dict[str, Any] = {}
"""The runs of the file that was read or written last, and what it was known by."""


def _mark(path: Path) -> tuple[str, int, int, int]:
    told = path.stat()
    return str(path), told.st_ino, told.st_mtime_ns, told.st_size


def note(work: Work, seconds: float) -> None:
    """Keep what a run took; where nothing can be kept, nothing is."""
    path = _path()
    run = {"work": {kind: float(much) for kind, much in work.items() if much}, "seconds": seconds}
    if path is None or not _is_sound(run):
        return
    with _LOCK, suppress(OSError):
        runs = [*noted(), run][-_RUNS:]
        text = json.dumps({"runs": runs})
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".queries-", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mark = (str(path), *_mark(Path(beside))[1:])
        Path(beside).replace(path)
        _LAST.update(mark=mark, runs=runs)


def _path() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "queries.json"


def _is_sound(run: Any) -> bool:
    """Whether a run says what it should, and nothing that cannot be."""
    if not isinstance(run, dict) or not isinstance(run.get("work"), dict):
        return False
    numbers = [run.get("seconds"), *run["work"].values()]
    known = all(isinstance(each, int | float) and math.isfinite(each) for each in numbers)
    return (
        known
        and run["seconds"] > 0
        and all(each >= 0 for each in run["work"].values())
        and sum(RATES.get(kind, 0.0) * much for kind, much in run["work"].items()) > 0
    )
