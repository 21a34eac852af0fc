"""Four catalogues of 1e6 rows each: our pairs alone, our whole identification, beside the rivals.

Geometry alone is the best match of A in B, C and D within 1", and the rows of A that have all
three: what LSDB's chained cross-match and STILTS's tmatchn (pairs mode) give, bare distances.
The identification has everything at its default: calibration, evidence, densities by magnitude,
islands, all candidates kept; from files to three Parquet files, and from archives to a catalogue.
Files to files, in process, kernels and page cache warm, each in a process of its own; medians.
"whole process": what a user waits for who starts each once, from archives to a file, imports and
what is made at a first use included: `skyquarry crossmatch`, and a script that calls LSDB.
Beside the times: of the true groups of four how many were found, and how many found are true.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crossdata

import record

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
RADIUS_ARCSEC = 1.0
SMALL = 5_000  # rows of the run that loads what has been compiled
OURS = (
    "geometry, files",
    "geometry, archives",
    "identification, files",
    "identification, archives",
)
RIVALS = ("lsdb", "stilts")


# ---------------------------------------------------------------- ours, in a process of its own
def by_geometry(sides: list[Any], folder: Path) -> Path:
    """Ids of A, B, C, D where the best match in each of the three lies within the radius."""
    import pyarrow.parquet as pq

    import skyquarry as sq

    whole = None
    for side, name in zip(sides[1:], "bcd", strict=True):
        pairs = sq.pairs(sides[0], side, radius_arcsec=RADIUS_ARCSEC, keep="best").to_table()
        pairs = pairs.select(["left_id", "right_id", "sep_arcsec"])
        pairs = pairs.rename_columns(["a_id", f"{name}_id", f"{name}_arcsec"])
        whole = pairs if whole is None else whole.join(pairs, "a_id", join_type="inner")
    path = folder / "ours.parquet"
    pq.write_table(whole, path)
    return path


def by_identification(sides: list[Any], folder: Path) -> Path:
    """Pairs, groups and members, a file each."""
    import skyquarry as sq

    result = sq.crossmatch(*sides, names=crossdata.SIDES).run()
    for kind in ("pairs", "members", "groups"):
        result.save(folder / f"{kind}.parquet", kind)
    return folder / "groups.parquet"


def to_catalogue(sides: list[Any], folder: Path) -> Path:
    """A catalogue of groups; pairs and members beside it."""
    import skyquarry as sq

    path = folder / "catalogue"
    for old in folder.glob("catalogue*"):
        shutil.rmtree(old)
    sq.crossmatch(*sides, names=crossdata.SIDES).to_catalog(path)
    return path


def work_of(how: str) -> tuple[Callable[[list[Any], Path], Path], Callable[[int], list[Any]]]:
    """(what is done, what it is done to at so many rows)."""
    kind, place = how.split(", ")
    if place == "files":
        work = by_geometry if kind == "geometry" else by_identification
        known = [crossdata.roles(side) for side in crossdata.SIDES]
        return work, lambda rows: list(
            zip(map(str, crossdata.plain_files(rows)), known, strict=True)
        )
    work = by_geometry if kind == "geometry" else to_catalogue
    return work, lambda rows: list(map(str, crossdata.archives(rows)))


def measure(how: str, rows: int, times: int) -> dict[str, Any]:
    """Wall and processor seconds of each run, the first one's alone, and the peak of memory."""
    work, sides_of = work_of(how)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.perf_counter()
        if rows > SMALL:  # else the first run is the one that is told
            work(sides_of(SMALL), folder)
        first = time.perf_counter() - begun
        sides, wall, cpu = sides_of(rows), [], []
        for _ in range(times):
            begun, spent = time.perf_counter(), time.process_time()
            out = work(sides, folder)
            wall.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - spent)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found = judged(quadruples(out), rows)
    return {"wall": wall, "cpu": cpu, "first_s": first, "peak_mb": round(peak / 1e6), **found}


# ---------------------------------------------------------------- what was found
def quadruples(path: Path) -> Any:
    """(n, 4) ids of the rows that were found to be one object in all four."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    import skyquarry as sq

    table = sq.open(path).to_table() if path.is_dir() else pq.read_table(path)
    names = [f"{side}_id" for side in crossdata.SIDES]
    table = pa.table({name: table[name] for name in names}).drop_null()
    return np.column_stack([table[name].to_numpy() for name in names])


def judged(ids: Any, rows: int) -> dict[str, Any]:
    """How many of four, how many of those are of one object, and how many of the true are there."""
    import numpy as np
    import pyarrow.parquet as pq

    seen = [
        crossdata.true_ids(pq.read_table(path, columns=["id"])["id"].to_numpy())
        for path in crossdata.plain_files(rows)
    ]
    there = seen[0]
    for each in seen[1:]:
        there = np.intersect1d(there, each[each >= 0])
    of = crossdata.true_ids(ids)
    right = (of[:, 0] >= 0) & (of == of[:, :1]).all(axis=1)
    return {
        "found": len(ids),
        "pure": round(float(right.mean()), 5) if len(ids) else None,
        "complete": round(float(right.sum() / len(there)), 5),
    }


# ---------------------------------------------------------------- the run
def figures(told: dict[str, Any]) -> dict[str, Any]:
    wall, cpu = told.pop("wall"), told.pop("cpu", None)
    known = {"median_s": round(statistics.median(wall), 3), "runs": len(wall)}
    if cpu:
        known["cpu_s"] = round(statistics.median(cpu), 3)
    if "first_s" in told:
        told["first_s"] = round(told["first_s"], 3)
    return known | told


def called(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr else "no message"}
    return figures(json.loads(done.stdout.splitlines()[-1]))


def whole_process(command: list[str], times: int) -> dict[str, Any]:
    """Wall seconds from its start to its end; one before compiles what is missing."""
    wall = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr else "no message"}
        wall.append(time.perf_counter() - begun)
    return figures({"wall": wall[1:]})


def whole_processes(given: argparse.Namespace) -> dict[str, Any]:
    """Ours and LSDB's, one after the other."""
    sides = list(map(str, crossdata.archives(given.rows)))
    with tempfile.TemporaryDirectory() as folder:
        out = ["--names", ",".join(crossdata.SIDES), "--out", f"{folder}/ours.parquet"]
        commands = {"skyquarry": [sys.executable, "-m", "skyquarry", "crossmatch", *sides, *out]}
        if given.rivals_python is not None:
            script = [str(HERE / "rival_lsdb_chain.py"), f"{folder}/lsdb.parquet", *sides]
            commands["lsdb"] = [given.rivals_python, *script, "--times", "0"]
        return {
            f"{name}, whole process": whole_process(command, given.times)
            for name, command in commands.items()
        }


def rival(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """A rival's figures, or why there are none."""
    if name == "stilts":
        if shutil.which("stilts") is None:
            return {"skipped": "stilts is not installed (a Debian package)"}
        python, sides = sys.executable, crossdata.plain_files(given.rows)
    elif given.rivals_python is None:
        return {"skipped": "no --rivals-python"}
    else:
        python, sides = given.rivals_python, crossdata.archives(given.rows)
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/{name}.parquet"
        command = [python, str(HERE / f"rival_{name}_chain.py"), out, *map(str, sides)]
        times = 1 if name == "stilts" else given.times
        told = called([*command, "--times", str(times)])
        if "failed" not in told:
            told |= judged(quadruples(Path(out)), given.rows)
    return told


def run(given: argparse.Namespace) -> dict[str, Any]:
    crossdata.archives(min(given.rows, SMALL))
    crossdata.archives(given.rows)
    found: dict[str, Any] = {}
    for how in OURS:
        if given.only is None or any(how.startswith(word) for word in given.only):
            told = ["--measure", how, "--rows", str(given.rows), "--times", str(given.times)]
            found[f"skyquarry {how}"] = called([sys.executable, __file__, *told])
    for name in RIVALS:
        if given.only is None or name in given.only:
            found[name] = rival(given, name)
    if given.only is None or "whole" in given.only:
        found |= whole_processes(given)
    return found | ratios(found)


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """How many times as long as ours each rival took."""
    told = {}
    for name in RIVALS:
        theirs = found.get(name, {}).get("median_s")
        ours = {how: found.get(f"skyquarry {how}", {}).get("median_s") for how in OURS}
        if theirs:
            told[f"{name} / ours"] = {k: round(theirs / v, 2) for k, v in ours.items() if v}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each catalogue")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="beginnings of names: geometry, lsdb, ...")
    parser.add_argument("--rivals-python", help="an interpreter that has lsdb")
    parser.add_argument("--out")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.rows, given.times)))
        return
    record.write("crossmatch", given.rows, run(given), given.out)


if __name__ == "__main__":
    main()
