"""What numbers that hardly repeat are compressed by: seconds to write and to read, bytes, cones.

    python design/codecs.py FOLDER

Decided `skyquarry/catalog/encoding.py` (Options.numbers): see there. Builds the clumpy sky of 1e7
rows with its 10" margin by either codec, a process each, then asks both in turn: a thousand cones
of an arcminute, and sums of five columns of magnitudes over all rows, by pyarrow and by DuckDB.
CPU seconds on two cores that twenty others shared, November 2026, two turns each:
    zstd: built in 23.1 s, 643.2 MB; cone 1.82 and 1.89 ms; 0.46 and 0.47 s by pyarrow, 0.35 and
    0.38 by DuckDB
    lz4: built in 16.0 s, 669.8 MB (1.04 times); cone 1.56 and 1.49 ms; 0.20 and 0.18 s by pyarrow,
    0.22 and 0.22 by DuckDB
Without compression nothing is read sooner, and the files are a quarter larger.

Integers of a few values, such as SDSS's mode and type, in row groups of 8,192 rows, by lz4: DuckDB
asks `mode = 1 AND type = 3` in 17.9 ns a row where they have a dictionary, 16.0 split by byte, 15.9
plain, 11.8 packed as differences (its own files, row groups of 122,880: 9.1); pyarrow decodes them
in 4 to 6 ns each, by zstd in 9 to 19. Packed they take 0.26 and 0.37 bytes a row, with a dictionary
0.20 and 0.29; flags, which spread widely, 2.4 and 0.7, so these keep theirs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np

import skyquarry as sq

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import cone
import data

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 10_000_000
CODECS = ("zstd", "lz4")
BANDS = ["u_mag", "g_mag", "r_mag", "i_mag", "z_mag"]
_BUILD = """
import sys
from dataclasses import replace
from skyquarry.ingest.build import plan_build
plan = plan_build(sys.argv[3:], sys.argv[1], margin_arcsec=10)
replace(plan, options=replace(plan.options, numbers=sys.argv[2])).run(progress=False)
"""


def built(folder: Path, codec: str) -> sq.Catalog:
    path = folder / f"codec-{codec}"
    if not (path / "collection.properties").exists():
        files = [str(file) for file in data.parquet_of(ROWS, 8)]
        used, begun = _children(), time.perf_counter()
        subprocess.run([sys.executable, "-c", _BUILD, str(path), codec, *files], check=True)
        used, wall = _children() - used, time.perf_counter() - begun
        size = sum(each.stat().st_size for each in path.rglob("*.parquet")) / 1e6
        print(f"{codec}: built in {used:.1f} CPU s, {wall:.1f} s, {size:.1f} MB")
    return sq.open(path)


def _children() -> float:
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def cones(catalog: sq.Catalog) -> str:
    ms = []
    centres = cone.centres(ROWS, 1000)
    for ra, dec in [*centres[:100], *centres]:  # the first hundred warm up
        began = time.thread_time()
        catalog.cone(ra, dec, 60).select(cone.COLUMNS).to_table()
        ms.append(1e3 * (time.thread_time() - began))
    median, high = np.percentile(ms[100:], [50, 99])
    return f"cone {median:.3f} ms, 99th percentile {high:.3f}"


def least(work: Callable[[], object]) -> float:
    work()
    used = []
    for _ in range(5):
        began = time.process_time()
        work()
        used.append(time.process_time() - began)
    return min(used)


def by_pyarrow(catalog: sq.Catalog) -> None:
    for tile in range(len(catalog.stored.tiles)):
        catalog.stored.read(tile, BANDS)


def main() -> None:
    folder = Path(sys.argv[1])
    catalogs = {codec: built(folder, codec) for codec in CODECS}
    database = duckdb.connect(config={"threads": 1})
    database.execute("SET parquet_metadata_cache = true")
    sums = ", ".join(f"sum({name})" for name in BANDS)
    for _ in range(2):
        for codec, catalog in catalogs.items():
            files = f"{catalog.stored.folder.root}/dataset/**/*.parquet"
            sql = f"SELECT {sums} FROM read_parquet('{files}', hive_partitioning = false)"
            seconds = least(lambda c=catalog: by_pyarrow(c))  # type: ignore[misc]
            theirs = least(lambda s=sql: database.sql(s).fetchall())  # type: ignore[misc]
            told = f"columns of all rows {seconds:.3f} CPU s by pyarrow, {theirs:.3f} by DuckDB"
            print(f"{codec}: {cones(catalog)}; {len(BANDS)} {told}", flush=True)


if __name__ == "__main__":
    main()
