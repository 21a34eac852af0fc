"""The rival LSDB: A with B, with C, with D, nearest within 1", on the same HATS catalogues.

Run by crossmatch.py with an interpreter that has it; times go to standard output. Threads, as many
as there are cores; columns id, ra and dec alone; margins of 10" named, since without it pairs
across borders are lost. One small run first.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from pathlib import Path

RADIUS_ARCSEC = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("catalogs", nargs=4)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    wall, cpu = [], []
    for number in range(given.times + 1):
        begun, spent = time.perf_counter(), time.process_time()
        chained(given.catalogs).to_parquet(given.out)
        if number:  # the first one imports and compiles
            wall.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - spent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": round(peak / 1e6)}))


def chained(paths: list[str]):
    import dask
    import lsdb

    dask.config.set(scheduler="threads")
    first, *others = (opened(lsdb, path) for path in paths)
    for side, other in zip("bcd", others, strict=True):
        first = first.crossmatch(
            other,
            radius_arcsec=RADIUS_ARCSEC,
            n_neighbors=1,
            require_right_margin=True,
            suffixes=("", f"_{side}"),
            suffix_method="all_columns",
            log_changes=False,
        )
        first = first[[name for name in first.columns if name != "_dist_arcsec"]]  # once each time
    found = first.compute()
    names = {"id": "a_id", "id_b": "b_id", "id_c": "c_id", "id_d": "d_id"}
    return found[list(names)].rename(columns=names)


def opened(lsdb, path: str):
    name = Path(path).name
    return lsdb.open_catalog(
        path, columns=["id", "ra", "dec"], margin_cache=f"{path}/v1/{name}_10arcs"
    )


if __name__ == "__main__":
    main()
