"""From the shell to the answer: `skyquarry cone` in a new process, and `import skyquarry`.

The rival of the same run is LSDB asked for the same cone in a new process, where it is installed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import record
from data import archive_of

LSDB = """
import sys, lsdb
from lsdb import ConeSearch
cat = lsdb.open_catalog(sys.argv[1], columns=["ra", "dec"],
                        search_filter=ConeSearch(float(sys.argv[2]), float(sys.argv[3]), 60.0))
print(len(cat.compute()))
"""


def seconds(command: list[str], runs: int) -> dict[str, float]:
    """Least, median and greatest seconds of `runs` runs, after one that warms the page cache."""
    subprocess.run(command, check=True, capture_output=True)
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - start)
    return {"least_s": min(took), "median_s": statistics.median(took), "greatest_s": max(took)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--rivals-python", default=sys.executable)
    parser.add_argument("--out")
    given = parser.parse_args()
    catalog, (ra, dec) = archive_of(given.rows)
    where = [str(ra), str(dec)]
    cone = [sys.executable, "-m", "skyquarry", "cone", str(catalog), *where, "60", "--json"]
    figures = {
        "import skyquarry": seconds([sys.executable, "-c", "import skyquarry"], given.runs),
        "python alone": seconds([sys.executable, "-c", "pass"], given.runs),
        "skyquarry cone": seconds(cone, given.runs),
    }
    lsdb = [given.rivals_python, "-c", LSDB, str(catalog), *where]
    probe = [given.rivals_python, "-c", "import lsdb"]
    if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
        figures["lsdb cone"] = seconds(lsdb, given.runs)
    record.write("shell", given.rows, figures, given.out)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
