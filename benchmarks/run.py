"""Run every benchmark, each in a process of its own, one after another."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = ("indexing", "plan", "ingest", "cone", "shell", "kernel", "pairs")
ALL += ("lists", "crossmatch", "nway", "quality", "synthetic", "features", "mining", "asking")
LARGE = ("ingest", "pairs")
WITH_RIVALS = {"ingest", "cone", "shell", "pairs", "crossmatch", "nway", "mining"}
MOST_ROWS = dict.fromkeys(("crossmatch", "nway", "quality", "synthetic", "features"), 1_000_000)
"""Of these the job is of one size, however many rows the others have."""
SMOKE_BELOW = 1_000_000
SMOKE_ROWS = {"crossmatch": 2_000, "nway": 10_000, "quality": 100_000, "synthetic": 20_000}
SMOKE = {
    "lists": ["--times", "3"],
    "crossmatch": ["--times", "1", "--only", "geometry, files", "identification, archives"],
    "nway": ["--times", "1"],
    "quality": ["--xray", "1"],
    "mining": ["--repeats", "1"],
    "asking": ["--queries", "5"],
}
"""Below a million rows programs are only to show that they run: once is enough."""


def rows_of(name: str, rows: int) -> int:
    """How many rows a program is given where `rows` are asked for."""
    sizes = SMOKE_ROWS if rows < SMOKE_BELOW else MOST_ROWS
    return min(rows, sizes.get(name, rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument(
        "--rivals-python", help="an interpreter that has the rivals; without it, no rivals"
    )
    parser.add_argument("--only", nargs="+", choices=ALL, metavar="NAME", help="of all programs")
    parser.add_argument("--large", action="store_true", help="ingest and pairs, for their memory")
    parser.add_argument("--out", default=str(HERE / "results"))
    given = parser.parse_args()
    failed = []
    for name in given.only or (LARGE if given.large else ALL):
        command = [
            sys.executable,
            str(HERE / f"{name}.py"),
            "--rows",
            str(rows_of(name, given.rows)),
            "--out",
            given.out,
        ]
        if given.rows < SMOKE_BELOW:
            command += SMOKE.get(name, [])
        if given.large:
            command += ["--files", "8"] if name == "ingest" else ["--large"]
        if given.rivals_python and not given.large and name in WITH_RIVALS:
            command += ["--rivals-python", str(Path(given.rivals_python).absolute())]
        print(f"== {name}", flush=True)
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(name)
    if failed:
        sys.exit(f"these benchmarks failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
