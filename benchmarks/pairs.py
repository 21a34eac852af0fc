"""Pairs of two catalogues, from files on disk to a file on disk, beside who else can do it.

Two catalogues of one sky (`pairdata.py`), kernels and page cache warm, median of the runs. Each is
measured in a process of its own, so that its memory is its own; rivals take longer and run once
above a million rows. All must find the same number of pairs. Works:
    best      the best within 1" of each row of A: catalogues to ids and separations
    columns   the same, all columns of both
    plain     the same as best, from plain Parquet files in random order, at most 1e6 rows
    inside    all pairs within 10" inside A, each once, at most 1e6 rows
    shell     `skyquarry pairs` of two plain files of 1e5 rows in a new process
    growth    best at ten times fewer rows: how time grows;  with --large nothing but that and best
ACID, the fastest rival, is not run: README.md quotes its ratio to scipy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pairdata import archives, lean_archives, plain_files

import record
from data import FOLDER

HERE = Path(__file__).parent
SMALL, MIDDLE = 100_000, 1_000_000
RADIUS = {"best": 1.0, "columns": 1.0, "plain": 1.0, "inside": 10.0}
RIVALS = {
    "best": ("scipy", "astropy", "duckdb", "lsdb"),
    "columns": ("lsdb",),
    "plain": ("scipy", "astropy", "duckdb"),
    "inside": ("scipy", "astropy"),
}


# ---------------------------------------------------------------- ours, in a process of its own
def measure(work: str, a: Path, b: Path, out: Path, times: int) -> None:
    """Print the seconds of some runs after one that is not counted, pairs and memory."""
    seconds, cpu, rows = [], [], 0
    for _ in range(times + 1):
        begun, used = record.clocks()
        rows = run(work, a, b, out)
        now, used_now = record.clocks()
        seconds.append(now - begun)
        cpu.append(used_now - used)
    told = {"seconds": seconds[1:], "cpu": cpu[1:], "pairs": rows, "resident_mb": peak_mb()}
    print(json.dumps(told))


def run(work: str, a: Path, b: Path, out: Path) -> int:
    import skyquarry as sq

    if work == "inside":
        return sq.pairs(a, radius_arcsec=RADIUS[work]).run().save(out)
    columns = "all" if work == "columns" else "ids"
    plan = sq.pairs(a, b, radius_arcsec=RADIUS[work], keep="best", columns=columns)
    return plan.run().save(out)


def peak_mb() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return round(next((int(x.split()[1]) for x in lines if x.startswith("VmHWM")), 0) / 1024)


# ---------------------------------------------------------------- who is called
class Bench:
    """Where results go, how often each is run, and who the rivals are."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.python, self.repeats = given.rivals_python, given.repeats
        self.out = folder / "pairs.parquet"

    def ours(self, work: str, a: Path, b: Path, rows: int) -> dict[str, Any]:
        command = [sys.executable, __file__, "--measure", work, *map(str, (a, b, self.out))]
        return told(_called([*command, f"--repeats={self.repeats}"]), rows)

    def rival(self, who: str, work: str, a: Path, b: Path, rows: int) -> dict[str, Any] | None:
        """The figures of a rival; None where it is not installed."""
        if self.python is None or not _has(self.python, who):
            return None
        times = 1 if rows > MIDDLE else min(3, self.repeats)
        small = (archives if who == "lsdb" else plain_files)(SMALL)
        called = "best" if work == "plain" else work
        command = [self.python, str(HERE / "rival_pairs.py"), who, called, str(a), str(b)]
        command += [str(self.out), f"--radius={RADIUS[work]}", f"--times={times}"]
        warm = ["--warm", *map(str, small)] if rows > SMALL else []
        return told(_called([*command, *warm]), rows)

    def work(self, work: str, rows: int) -> dict[str, Any]:
        """One work, ours and the rivals', with their ratios to ours."""
        stored, plain = archives(rows), plain_files(rows)
        found = {"skyquarry": self.ours(work, *(plain if work == "plain" else stored), rows)}
        for who in RIVALS[work]:
            figures = self.rival(who, work, *(stored if who == "lsdb" else plain), rows)
            if figures is not None:
                found[who] = figures
        if work == "plain" and self.python is not None and shutil.which("stilts"):
            found["stilts"] = self.stilts(plain, rows)
        return compared(work, found)

    def stilts(self, plain: tuple[Path, Path], rows: int) -> dict[str, Any]:
        """STILTS, from FITS, which it reads fastest, start of Java included."""
        import pyarrow.parquet as pq

        from skyquarry.catalog.formats import open_table, write_table

        files = [self.out.with_name(f"{side}.fits") for side in "ab"]
        for source, file in zip(plain, files, strict=True):
            table = pq.read_table(source, columns=["id", "ra", "dec"])
            write_table(table.to_batches(), table.schema, file)
        out = self.out.with_suffix(".fits")
        command = ["stilts", "tmatch2", f"in1={files[0]}", f"in2={files[1]}", "matcher=sky"]
        command += ["params=1", "values1=ra dec", "values2=ra dec", "find=best1", "progress=none"]
        command += [f"out={out}", "ocmd=keepcols 'id_1 id_2 Separation'"]
        seconds = spent(command)
        return told({"seconds": [seconds], "pairs": open_table(out).n_rows}, rows)

    def shell(self) -> dict[str, Any]:
        """A new process at 1e5 rows, its start included."""
        a, b = map(str, plain_files(SMALL))
        command = [str(Path(sys.executable).parent / "skyquarry"), "pairs", a, b, "--radius", "1"]
        command += ["--keep", "best", "--out", str(self.out)]
        modules = self.out.with_name("modules")
        seconds = [spent(command, modules) for _ in range(self.repeats + 1)][1:]
        found = {"skyquarry": told({"seconds": seconds}, SMALL)}
        if self.python is not None and _has(self.python, "duckdb"):
            rival = [self.python, str(HERE / "rival_pairs.py"), "duckdb", "best", a, b]
            rival += [str(self.out), "--radius=1"]
            seconds = [spent(rival) for _ in range(self.repeats)]
            found["duckdb"] = told({"seconds": seconds}, SMALL)
        return compared("shell", found)


def spent(command: list[str], modules: Path | None = None) -> float:
    """Seconds of a process; `modules` keeps what Python compiles, as an installation does."""
    environment = os.environ | ({"PYTHONPYCACHEPREFIX": str(modules)} if modules else {})
    if modules:
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begun


def _called(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _has(python: str, module: str) -> bool:
    probe = [python, "-c", f"import {module}"]
    return not subprocess.run(probe, check=False, capture_output=True).returncode


# ---------------------------------------------------------------- what is told
def told(raw: dict[str, Any], rows: int) -> dict[str, Any]:
    """Median and least seconds, of processors too, left rows a second, what else was measured."""
    seconds, cpu = raw.pop("seconds"), raw.pop("cpu", None)
    median = statistics.median(seconds)
    return {
        "seconds": round(median, 3),
        **({"cpu_s": round(statistics.median(cpu), 3)} if cpu else {}),
        "least_seconds": round(min(seconds), 3),
        "runs": len(seconds),
        "left_rows_per_s": round(rows / median),
        **raw,
    }


def compared(work: str, found: dict[str, Any]) -> dict[str, Any]:
    """The figures with the rivals' times over ours; all must have found as many pairs."""
    pairs = {who: figures["pairs"] for who, figures in found.items() if "pairs" in figures}
    # on the rim of the radius the last digits of a separation decide; find=best1 is a little else
    if max(pairs.values(), default=0) - min(pairs.values(), default=0) > 2:
        print(f"{work}: the numbers of pairs differ: {pairs}", file=sys.stderr)
        sys.exit(1)
    ours = found["skyquarry"]["seconds"]
    for who, figures in found.items():
        if who != "skyquarry":
            figures["times_ours"] = round(figures["seconds"] / ours, 1)
    return found


def growth(bench: Bench, rows: int, *, lean: bool) -> dict[str, Any]:
    """Time and memory at all rows and at a tenth of them (a fifth of the lean ones)."""
    fewer = rows // 5 if lean else rows // 10
    stored = {fewer: archives(fewer), rows: (lean_archives if lean else archives)(rows)}
    at = {n: bench.ours("best", *stored[n], n) for n in (fewer, rows)}
    rate = [at[n]["left_rows_per_s"] for n in (fewer, rows)]
    return {f"{n:.0e}": figures for n, figures in at.items()} | {
        "time_beyond_linear": round(rate[0] / rate[1] - 1.0, 3)
    }


def everything(bench: Bench, rows: int) -> dict[str, Any]:
    middle = min(rows, MIDDLE)
    sizes = {"best": rows, "columns": rows, "plain": middle, "inside": middle}
    found = {f"{work}, {n:.0e}": bench.work(work, n) for work, n in sizes.items()}
    found[f"shell, {SMALL:.0e}"] = bench.shell()
    if rows > MIDDLE:
        found["growth"] = growth(bench, rows, lean=False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rivals-python", help="an interpreter that has the rivals")
    parser.add_argument("--large", action="store_true", help="memory and growth alone")
    parser.add_argument("--work", choices=RADIUS, help="one of them alone")
    parser.add_argument("--out")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        work, *paths = given.measure
        measure(work, *map(Path, paths), given.repeats)
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        bench = Bench(given, Path(folder))
        if given.large:
            found = growth(bench, given.rows, lean=True)
        elif given.work:
            found = {given.work: bench.work(given.work, given.rows)}
        else:
            found = everything(bench, given.rows)
    record.write("pairs-large" if given.large else "pairs", given.rows, found, given.out)


if __name__ == "__main__":
    main()
