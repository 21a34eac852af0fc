"""The rival STILTS: tmatchn in pairs mode, A with B, C and D within 1", rows that have all three.

Run by crossmatch.py; times go to standard output. From FITS column files, its fastest form, made of
the Parquet files before the clock starts; whole processes, as it has no other, with Java's start of
half a second in them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

RADIUS_ARCSEC = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("files", nargs=4)
    parser.add_argument("--times", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sides = [to_fits(Path(name), k, path) for k, path in enumerate(given.files)]
        matched, wall, cpu = Path(name) / "matched.fits", [], []
        for _ in range(given.times):
            begun, before = time.perf_counter(), children()
            subprocess.run(command(sides, matched), check=True, capture_output=True)
            wall.append(time.perf_counter() - begun)
            cpu.append(children() - before)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        to_parquet(matched, given.out)
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": round(peak / 1e6)}))


def children() -> float:
    """Processor seconds of the processes that ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def command(sides: list[Path], out: Path) -> list[str]:
    told = ["stilts", "-Xmx12g", "-disk", "tmatchn", "nin=4", "matcher=sky"]
    told += [f"params={RADIUS_ARCSEC}", "multimode=pairs", "iref=1", "progress=none"]
    for number, path in enumerate(sides, start=1):
        told += [f"in{number}={path}", f"ifmt{number}=colfits-basic", f"values{number}=ra dec"]
        told += [f"join{number}=match", f"suffix{number}=_{'abcd'[number - 1]}"]
    return [*told, "fixcols=all", "ocmd=keepcols 'id_a id_b id_c id_d'", "ofmt=fits", f"out={out}"]


def to_fits(folder: Path, number: int, path: str) -> Path:
    """id, ra and dec of a Parquet file as a FITS column file."""
    import pyarrow.parquet as pq
    from astropy.table import Table

    table = pq.read_table(path, columns=["id", "ra", "dec"])
    plain, columns = folder / f"{number}.fits", folder / f"{number}.colfits"
    Table({name: table[name].to_numpy() for name in table.column_names}).write(plain)
    converted = ["stilts", "tcopy", f"in={plain}", "ifmt=fits", f"out={columns}"]
    subprocess.run([*converted, "ofmt=colfits-basic"], check=True, capture_output=True)
    return columns


def to_parquet(matched: Path, out: str) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from astropy.table import Table

    table = Table.read(matched)
    names = [f"{side}_id" for side in "abcd"]
    found = [np.asarray(table[f"id_{side}"]).astype(np.int64) for side in "abcd"]
    pq.write_table(pa.table(dict(zip(names, found, strict=True))), out)


if __name__ == "__main__":
    main()
