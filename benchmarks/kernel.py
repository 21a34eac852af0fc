"""The search for pairs alone, on one core, in memory, beside scipy's KD-tree on unit vectors.

The clumpy sky and a second look at it, with errors of 0.1" and in its own order along the sky. Ours
begins with columns in that order, as tiles on disk are, and ends with rows and separations; the
KD-tree begins with unit vectors in the same order, and ends with rows and chords. Kernels are
compiled before. Times are of the processor: either has one thread. Also all pairs within 10"
inside one catalogue, each once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skyquarry.match.geometry import search
from skyquarry.sky.vectors import chord, to_xyz
from skyquarry.testing.skies import clumpy_sky

import record
from data import SEED

if TYPE_CHECKING:
    from collections.abc import Callable

ERROR_ARCSEC = 0.1
INSIDE = 1_000_000  # rows of the search inside one catalogue


def sides(rows: int) -> tuple[search.Points, search.Points]:
    sky = clumpy_sky(rows, SEED)
    ra, dec = sky["ra"].to_numpy(), sky["dec"].to_numpy()
    east, north = np.random.default_rng(SEED).normal(0.0, ERROR_ARCSEC / 3600.0, (2, rows))
    first = search.sorted_points(ra % 360.0, dec)[0]
    return first, search.sorted_points((ra + east / np.cos(np.radians(dec))) % 360.0, dec + north)[
        0
    ]


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """(seconds of the processor, the median of some runs; what the work gives)."""
    seconds, given = [], None
    for _ in range(repeats):
        given = None
        begun = time.process_time()
        given = work()
        seconds.append(time.process_time() - begun)
    return float(np.median(seconds)), given


def told(seconds: float, rows: int, pairs: int) -> dict[str, float]:
    return {
        "cpu_s": round(seconds, 3),
        "left_rows_per_cpu_s": round(rows / seconds),
        "pairs": pairs,
        "resident_mb": record_peak(),
    }


def record_peak() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return round(next((int(x.split()[1]) for x in lines if x.startswith("VmHWM")), 0) / 1024)


def ours(rows: int, what: str, repeats: int) -> dict[str, float]:
    warm = sides(1000)
    search.find_pairs(*warm, 1.0)
    if what == "inside":
        left, right = (sides(rows)[0],) * 2
        work = lambda: search.find_pairs(left, right, 10.0, same=True, once=True)  # noqa: E731
    else:
        left, right = sides(rows)
        nearest = 1 if what == "best" else None
        work = lambda: search.find_pairs(left, right, 1.0, nearest=nearest)  # noqa: E731
    seconds, found = timed(work, repeats)
    return told(seconds, rows, len(found))


def scipys(rows: int, what: str, repeats: int) -> dict[str, float]:
    from scipy.spatial import cKDTree

    left, right = sides(rows)
    xyz = [to_xyz(side.ra_deg, side.dec_deg) for side in (left, right)]

    def best() -> int:
        chords, _ = cKDTree(xyz[1]).query(xyz[0], distance_upper_bound=chord(1.0))
        return int(np.isfinite(chords).sum())

    def every() -> int:
        tree, other = cKDTree(xyz[0]), cKDTree(xyz[1])
        return len(tree.sparse_distance_matrix(other, chord(1.0), output_type="ndarray"))

    def inside() -> int:
        return len(cKDTree(xyz[0]).query_pairs(chord(10.0), output_type="ndarray"))

    seconds, pairs = timed({"best": best, "all": every, "inside": inside}[what], repeats)
    return told(seconds, rows, pairs)


def alone(who: str, what: str, rows: int, repeats: int) -> dict[str, float]:
    """Measure in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--measure", who, what, f"--rows={rows}"]
    done = subprocess.run(
        [*command, f"--repeats={repeats}"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        who, what = given.measure
        measure = ours if who == "skyquarry" else scipys
        print(json.dumps(measure(given.rows, what, given.repeats)))
        return
    figures: dict[str, Any] = {}
    inside = min(INSIDE, given.rows)
    for what, rows in (("best", given.rows), ("all", given.rows), ("inside", inside)):
        figures[what] = {
            "skyquarry": alone("skyquarry", what, rows, given.repeats),
            "scipy": alone("scipy", what, rows, 1),
        }
    record.write("kernel", given.rows, figures, given.out)


if __name__ == "__main__":
    main()
