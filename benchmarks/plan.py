"""A plan over a million tiles: region and condition, from small files alone.

The catalogue is made up: the list of tiles and their statistics are there, the tiles are not, so
that a plan which looked into one would fail. `--rows` is taken for the rows that it claims to hold.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import record

TILES = 1_000_000
ORDER = 9


def claimed_catalogue(folder: Path, tiles: int, rows: int) -> Path:
    """The small files of a catalogue of so many tiles of order 9, along the sky from pixel 0."""
    (folder / "dataset").mkdir(parents=True)
    pixel = np.arange(tiles, dtype=np.int64)
    each = np.full(tiles, max(rows // tiles, 1), np.int64)
    lines = "\n".join(f"{ORDER},{n}" for n in range(tiles))
    (folder / "partition_info.csv").write_text(f"Norder,Npix\n{lines}\n")
    schema = pa.schema(
        [
            ("_healpix_29", pa.int64()),
            ("id", pa.int64()),
            ("ra", pa.float64()),
            ("dec", pa.float64()),
            ("mag", pa.float32()),
        ]
    )
    pq.write_metadata(schema, folder / "dataset" / "_common_metadata")
    faintest = 10.0 + 12.0 * np.random.default_rng(1).random(tiles)
    told = {"Norder": np.full(tiles, ORDER), "Npix": pixel}
    for name in schema.names:
        told[f"{name}::min_value"] = faintest - 8.0 if name == "mag" else np.full(tiles, np.nan)
        told[f"{name}::max_value"] = faintest if name == "mag" else np.full(tiles, np.nan)
        told[f"{name}::null_count"] = np.zeros(tiles, np.int64)
        told[f"{name}::row_count"] = each
        told[f"{name}::disk_bytes"] = each * 8
    pq.write_table(pa.table(told), folder / "per_partition_statistics.parquet")
    (folder / "hats.properties").write_text(
        f"obs_collection=claimed\ndataproduct_type=object\nhats_nrows={int(each.sum())}\n"
        "hats_col_ra=ra\nhats_col_dec=dec\nhats_col_healpix=_healpix_29\n"
        "hats_col_healpix_order=29\n"
    )
    return folder


def timed(work):
    """(what the work gives, its seconds)."""
    start = time.perf_counter()
    found = work()
    return found, round(time.perf_counter() - start, 4)


def measure(folder: Path) -> dict[str, object]:
    """Seconds of opening, planning and explaining, each for the first time; peak memory."""
    import skyquarry as sq
    from skyquarry.engine.catalog import open_catalog

    cat, opened = timed(lambda: open_catalog(folder))
    zone = sq.Zone(-20.0, 55.0) - sq.Cone(30.0, 20.0, 36_000.0)

    def planned():
        plan = cat.region(zone).where("mag < 6").plan()
        return plan, plan.explain()

    (plan, text), first = timed(planned)
    _, again = timed(planned)
    _, began = timed(lambda: next(iter(plan.root.tasks())))
    print(text)
    return {
        "tiles": len(cat.source.tiles),
        "tiles read": len(plan.root),
        "open_s": opened,
        "plan_and_explain_s": first,
        "again_s": again,
        "first_task_s": began,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000_000)
    parser.add_argument("--tiles", type=int, default=TILES)
    parser.add_argument("--folder", help="a claimed catalogue made before")
    parser.add_argument("--out")
    given = parser.parse_args()
    if given.folder:
        record.write("plan", given.rows, measure(Path(given.folder)), given.out)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = claimed_catalogue(Path(scratch) / "claimed", given.tiles, given.rows)
        record.write("plan", given.rows, measure(folder), given.out)


if __name__ == "__main__":
    main()
