"""TreeCorr's counts of pairs by separation, exact (no bin is smeared): for `miningpairs.py`.

Reads what is asked as JSON from its input; run by an interpreter that has treecorr.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import pyarrow.dataset as ds
import treecorr


def counted(asked: dict[str, Any]) -> list[int]:
    rows = ds.dataset(asked["files"]).to_table(columns=["ra", "dec"])
    ra, dec = (rows[name].to_numpy() for name in ("ra", "dec"))
    catalog = treecorr.Catalog(ra=ra, dec=dec, ra_units="deg", dec_units="deg")
    edges = asked["edges"]
    told = treecorr.NNCorrelation(
        min_sep=edges[0], max_sep=edges[-1], nbins=len(edges) - 1, bin_type="Linear",
        sep_units="arcsec", metric="Arc", bin_slop=0, num_threads=asked["threads"],
    )  # fmt: skip
    told.process(catalog)
    return [round(n) for n in told.npairs]


def main() -> None:
    asked, wall, cpu = json.load(sys.stdin), [], []
    pairs = counted(asked)
    for _ in range(asked["repeats"]):
        begun, used = time.perf_counter(), time.process_time()
        pairs = counted(asked)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    told = {"seconds": statistics.median(wall), "cpu": statistics.median(cpu)}
    print(json.dumps(told | {"pairs": pairs}))


if __name__ == "__main__":
    main()
