"""Whole catalogues classified: rows a second, and a peak of memory that does not grow with them.

    python benchmarks/classifying.py --rows 300000 1000000 3000000 --out benchmarks/results

`sq.classify(model, catalogue).to_catalog(path)` as anybody calls it, two threads, disk to disk: the
whole ensemble with features, calibration, conformal sets, novelty, flags, reasons for one row
of a hundred, margin, id index, checksums. Rows are those of benchmarks/features.py (four surveys, a
fifth of each absent) strewn over half of the sky, the model is that of benchmarks/throughput.py.
Each size is a process of its own, so that its peak is its own; what a process has before the first
tile (model, libraries, compiled loops) is told apart. What 1e8 rows would take of processors is the
slope between the smallest and the largest size, on top of the smallest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from features import wide
from throughput import learnt

import record

if TYPE_CHECKING:
    from collections.abc import Iterable

LOT = 100_000
MANY = 100_000_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 1_000_000, 3_000_000])
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--learnt", type=int, default=6_000, help="rows to learn of")
    parser.add_argument("--folder", help="where catalogues are made; else a temporary one")
    parser.add_argument("--one", help="classify this catalogue, and tell")
    parser.add_argument("--out")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(classified(Path(given.one))))
        return
    with TemporaryDirectory(dir=given.folder) as folder:
        told = measured(Path(folder), sorted(given.rows), given)
    record.write("classifying", max(given.rows), told, given.out)


def measured(folder: Path, sizes: list[int], given: argparse.Namespace) -> dict[str, Any]:
    """The figures of each size, and what they say of 1e8 rows."""
    learnt(wide(given.learnt), given.features).save(folder / "model")
    told = {}
    for rows in sizes:
        catalogue = made(folder, rows)
        words = [sys.executable, __file__, "--one", str(catalogue)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        told[f"{rows:.0e}".replace("+0", "")] = one = json.loads(done.stdout)
        print(rows, one, file=sys.stderr, flush=True)
    return {
        "features": given.features,
        "of_rows": told,
        "cpu_hours_of_1e8": beyond(sizes, told.values()),
    }


def made(folder: Path, rows: int) -> Path:
    """A catalogue of so many rows, strewn over half of the sky."""
    import skyquarry as sq

    random, parts = np.random.default_rng(rows), folder / f"parts{rows}"
    parts.mkdir()
    for number, start in enumerate(range(0, rows, LOT)):
        n = min(LOT, rows - start)
        table = wide(n, seed=1 + number)
        place = {
            "id": np.arange(start, start + n),
            "ra": random.uniform(0.0, 360.0, n),
            "dec": np.degrees(np.arcsin(random.uniform(0.0, 1.0, n))),
        }
        columns = {name: pa.array(each) for name, each in place.items()}
        columns |= dict(zip(table.column_names, table.columns, strict=True))
        pq.write_table(pa.table(columns), parts / f"{number:04}.parquet")
    target = folder / f"sky{rows}"
    sq.build(str(parts / "*.parquet"), target, ra="ra", dec="dec", id="id", progress=False)
    return target


def classified(catalogue: Path) -> dict[str, Any]:
    """What it takes to classify a catalogue, in this process."""
    import skyquarry as sq

    model = sq.load_model(catalogue.parent / "model")
    sky = sq.open(catalogue)
    first = sq.classify(model, sky)
    first.root.judged.of(wide(2_000))  # type: ignore[attr-defined]  # loops are compiled
    before, wall, cpu = peak_mb(), time.monotonic(), cpu_s()
    made = first.to_catalog(catalogue.parent / f"{catalogue.name}_classified")
    rows = int(made.stored.n_rows)
    wall, cpu = time.monotonic() - wall, cpu_s() - cpu
    tiles = sky.stored.counted.rows
    return {
        "tiles": len(tiles), "rows_of_largest_tile": int(tiles.max()),
        "seconds": round(wall, 1), "cpu_s": round(cpu, 1), "rows_per_s": round(rows / wall),
        "rows_per_cpu_s": round(rows / cpu), "peak_mb": round(peak_mb()),
        "peak_mb_before_the_first_tile": round(before),
    }  # fmt: skip


def beyond(sizes: list[int], told: Iterable[dict[str, Any]]) -> float:
    """Processor hours of 1e8 rows, by the smallest and the largest size."""
    seconds = [each["cpu_s"] for each in told]
    slope = (seconds[-1] - seconds[0]) / max(sizes[-1] - sizes[0], 1)
    return round((seconds[0] + slope * (MANY - sizes[0])) / 3600.0, 2)


def cpu_s() -> float:
    return sum(os.times()[:4])


def peak_mb() -> float:
    """Of this program: what getrusage tells begins with what the process had that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e3


if __name__ == "__main__":
    main()
