"""How many rows a row group should have: milliseconds of a cone, bytes on disk.

    python design/row_groups.py

Decided `skyquarry/catalog/encoding.py` (Options.row_group_rows). A thousand cones of an arcminute
on 1e7 rows, three columns back, processor milliseconds, two interleaved runs, November 2026:
    8,192 rows: median 0.69 and 0.70, 99th percentile 1.75 and 1.92, 618 MB
    16,384 rows: median 0.77 and 0.86, 99th percentile 1.86 and 2.97, 613 MB
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import skyquarry as sq

import cone
import data

ROWS = 10_000_000


def catalog_with(group_rows: int) -> sq.Catalog:
    path = data.FOLDER / f"groups-{group_rows}"
    if not (path / "collection.properties").exists():
        files = [str(file) for file in data.parquet_of(ROWS, 8)]
        sq.build(files, path, row_group_rows=group_rows, progress=False)
    return sq.open(path)


def main() -> None:
    catalogs = {rows: catalog_with(rows) for rows in (8_192, 16_384)}
    centres = cone.centres(ROWS, 1000)
    for _ in range(2):
        for rows, catalog in catalogs.items():
            ms = []
            for ra, dec in [*centres[:100], *centres]:  # the first hundred warm up
                began = time.thread_time()
                catalog.cone(ra, dec, 60).select(cone.COLUMNS).to_table()
                ms.append(1e3 * (time.thread_time() - began))
            told = np.percentile(ms[100:], [50, 99]).round(3)
            print(f"{rows:6} rows a group: median {told[0]} ms, 99th percentile {told[1]} ms")


if __name__ == "__main__":
    main()
