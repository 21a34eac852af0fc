"""Ingest of a clumpy sky of 17 columns with a 10" margin, beside hats-import in the same run.

Each program runs in a process of its own, start and imports included: wall seconds, processor
seconds, peak memory (the sum over the process and its children, sampled; shared pages counted
once), and the bytes left on disk. Ours also makes an id index and checksums, which hats-import is
not asked for; the index is not in the bytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import record
from data import FOLDER, parquet_of

OURS = """
import sys
import skyquarry as sq
sq.build(sys.argv[2:], sys.argv[1], margin_arcsec=10, progress=False)
"""

HATS_IMPORT = """
import sys
from pathlib import Path
from hats_import import CollectionArguments
from hats_import.pipeline import pipeline

if __name__ == "__main__":
    out, files = Path(sys.argv[1]), sys.argv[2:]
    arguments = (
        CollectionArguments(
            output_artifact_name=out.name, output_path=out.parent, progress_bar=False,
            dask_n_workers=2, dask_threads_per_worker=1, tmp_dir=out.parent,
        )
        .catalog(
            input_file_list=files, file_reader="parquet", ra_column="ra", dec_column="dec",
            pixel_threshold=1_000_000, highest_healpix_order=10,
        )
        .add_margin(margin_threshold=10.0, is_default=True)
    )
    pipeline(arguments)
"""


def measured(command: list[str]) -> dict[str, float]:
    """Wall seconds, processor seconds and peak megabytes of a command and its children."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, tree_bytes(process.pid))
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return {
        "wall_s": round(time.perf_counter() - began, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mb": round(max(peak, usage.ru_maxrss * 1024) / 1e6),
    }


def tree_bytes(pid: int) -> int:
    """Resident bytes of a process and of all below it; pages that several share, shared out."""
    total, waiting = 0, [pid]
    while waiting:
        at = waiting.pop()
        try:
            for task in Path(f"/proc/{at}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
            rollup = Path(f"/proc/{at}/smaps_rollup").read_text()
        except OSError:  # it has ended meanwhile
            continue
        lines = [line.split() for line in rollup.splitlines()]
        total += next((int(words[1]) * 1024 for words in lines if words[0] == "Pss:"), 0)
    return total


def size_of(folder: Path, *, without: str = "") -> int:
    """Megabytes of the files below a folder."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    kept = [file for file in files if not without or without not in str(file)]
    return round(sum(file.stat().st_size for file in kept) / 1e6)


def ingest(name: str, command: list[str], files: list[Path]) -> dict[str, float]:
    """One program on some files, its output measured and removed."""
    out = FOLDER / f"ingest-{name}"
    shutil.rmtree(out, ignore_errors=True)
    for file in files:  # into the page cache: the disk is not what is measured
        with file.open("rb") as stream:
            while stream.read(1 << 24):
                pass
    figures = measured([*command, str(out), *map(str, files)])
    figures["disk_mb"] = size_of(out, without="_id/")
    shutil.rmtree(out)
    return figures


def has_hats_import(python: str) -> bool:
    probe = [python, "-c", "import hats_import"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=1, help="of ours; the least wall is kept")
    parser.add_argument("--files", type=int, nargs="*", default=[8, 1])
    parser.add_argument("--rivals-python", help="an interpreter that has hats-import")
    parser.add_argument("--out")
    given = parser.parse_args()
    rival = FOLDER / "hats_import_run.py"
    figures: dict[str, dict[str, float]] = {}
    for count in given.files:
        files = parquet_of(given.rows, count)
        word = f"from {count} file" + ("s" if count > 1 else "")
        ours = [ingest("ours", [sys.executable, "-c", OURS], files) for _ in range(given.runs)]
        figures[f"skyquarry {word}"] = min(ours, key=lambda run: run["wall_s"])
        if given.rivals_python and has_hats_import(given.rivals_python):
            rival.write_text(HATS_IMPORT)
            theirs = ingest("hats-import", [given.rivals_python, str(rival)], files)
            figures[f"hats-import {word}"] = theirs
            best = figures[f"skyquarry {word}"]
            figures[f"ratio {word}"] = {
                "wall": round(theirs["wall_s"] / best["wall_s"], 2),
                "disk": round(best["disk_mb"] / max(theirs["disk_mb"], 1), 3),
            }
    record.write("ingest", given.rows, figures, given.out)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
