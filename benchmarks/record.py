"""What every benchmark writes: figures, with the commit, machine and command that made them."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "numpy",
    "numba",
    "pyarrow",
    "scipy",
    "astropy",
    "cdshealpix",
    "hats",
    "hats-import",
    "lsdb",
    "duckdb",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "catboost",
    "lightgbm",
    "torch",
)


BEGUN = os.getloadavg()[0]
"""what else the machine did when the benchmark began"""


def clocks() -> tuple[float, float]:
    """Seconds of the wall, and of processors by this process and children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime


def write(name: str, rows: int, figures: dict[str, Any], out: str | Path | None) -> dict[str, Any]:
    """Print the figures; with `out`, write `out/NAME-ROWS.json` too. Returns what was written."""
    record = {
        "benchmark": name,
        "rows": rows,
        "commit": commit(),
        "machine": machine(),
        "load": {"before": round(BEGUN, 1), "after": round(os.getloadavg()[0], 1)},
        "command": " ".join(["python", *map(shown, sys.argv)]),
        "packages": packages(),
        "figures": figures,
    }
    print(json.dumps(figures, indent=2))
    if out is not None:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{rows:.0e}.json".replace("+0", "")).write_text(
            json.dumps(record, indent=2) + "\n"
        )
    return record


def shown(word: str) -> str:
    """A word of the command; a path within the checkout as seen from there, another by its name."""
    path = Path(word)
    if not path.is_absolute():
        return word
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def commit() -> str:
    """The commit measured, with `+` where the tree has changes that it does not hold.

    What benchmarks have written is no change: a second one would be told to be of another tree.
    """

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, check=False
        ).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + (
        "+" if git("status", "--porcelain", "-uno", "--", str(ROOT), f":(exclude){RESULTS}") else ""
    )


def machine() -> dict[str, Any]:
    model = "unknown"
    for line in (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    ):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
