"""Run every benchmark, each in a process of its own, one after another."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = ("indexing", "plan", "ingest", "cone", "shell", "kernel", "pairs")
LARGE = ("ingest", "pairs")
WITH_RIVALS = {"ingest", "cone", "shell", "pairs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument(
        "--rivals-python", help="an interpreter that has the rivals; without it, no rivals"
    )
    parser.add_argument("--large", action="store_true", help="ingest and pairs, for their memory")
    parser.add_argument("--out", default=str(HERE / "results"))
    given = parser.parse_args()
    failed = []
    for name in LARGE if given.large else ALL:
        command = [
            sys.executable,
            str(HERE / f"{name}.py"),
            "--rows",
            str(given.rows),
            "--out",
            given.out,
        ]
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
