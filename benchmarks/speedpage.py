"""The tables of speed in benchmarks/README.md, and their rows in README.md, written from results/.

python benchmarks/speedpage.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from learnpage import between

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "benchmarks" / "README.md"
FRONT: Final = ROOT / "README.md"
FILES: Final = {
    "ingest": "ingest-1e7", "ingest, 5e7": "ingest-5e7", "cone": "cone-1e7", "shell": "shell-1e7",
    "indexing": "indexing-1e7", "plan": "plan-1e7", "pairs": "pairs-1e7", "kernel": "kernel-1e7",
    "crossmatch": "crossmatch-1e6", "nway": "nway-9e5", "lists": "lists-1e7",
}  # fmt: skip
HEAD: Final = ("| skyquarry | rivals | was asked |", "|---|---|---|---|")
Told = dict[str, Any]


def main() -> None:
    runs = read()
    PAGE.write_text(written(PAGE.read_text(), runs))
    FRONT.write_text(front(FRONT.read_text(), runs))


def read() -> Told:
    """What benchmarks have written, by their names."""
    return {name: json.loads((RESULTS / f"{file}.json").read_text())
            for name, file in FILES.items()}  # fmt: skip


def written(page: str, runs: Told) -> str:
    """The page of benchmarks with the figures of these runs between its marks."""
    told = {name: run["figures"] for name, run in runs.items()}
    archive = ["| work at 1e7 rows " + HEAD[0], HEAD[1], *archives(told), *indices(told)]
    match = ["| work " + HEAD[0], HEAD[1], *pairs(told), *four(told["crossmatch"]),
             *xray(told["nway"]), listed(told["lists"])]  # fmt: skip
    page = between(page, "archives", "\n".join([*archive, "", *origins(runs, "archive")]) + "\n")
    return between(page, "matching", "\n".join([*match, "", *origins(runs, "match")]) + "\n")


def front(page: str, runs: Told) -> str:
    """The README with its rows of these works."""
    told = {name: run["figures"] for name, run in runs.items()}
    ours, theirs = (
        told["ingest"]["skyquarry from 8 files"],
        told["ingest"]["hats-import from 8 files"],
    )
    cone = {who: each["median_ms"] for who, each in told["cone"].items()}
    near = {who: each["seconds"] for who, each in told["pairs"]["best, 1e+07"].items()}
    nway = told["nway"]
    three, rival = nway["skyquarry, 3-way"], nway["nway (shell), 3-way"]
    rows = {
        "1e7 rows into an archive": (
            f"{ours['wall_s']:.1f} s | hats-import {theirs['wall_s']:.0f} s"
        ),
        "a cone of 1' among 1e7 rows, median": (
            f"{cone['skyquarry']:.1f} ms | PostgreSQL + q3c {cone['postgresql q3c']:.1f}, "
            f"DuckDB {cone['duckdb']:.1f}, LSDB {cone['lsdb']:.0f}"
        ),
        'nearest within 1", 1e7 x 1e7 rows': (
            f"{near['skyquarry']:.1f} s | LSDB {near['lsdb']:.1f}, DuckDB {near['duckdb']:.1f}, "
            f"scipy {near['scipy']:.1f}, astropy {near['astropy']:.0f}"
        ),
        "X-ray sources among optical and infrared ones, 3-way": (
            f"{three['cpu_s']:.1f} s of CPU, {best(three)} of the best right | "
            f"nway {rival['cpu_s']:.1f} s of CPU, {best(rival)}"
        ),
    }  # fmt: skip
    lines = page.splitlines()
    for work, said in rows.items():
        [place] = [n for n, line in enumerate(lines) if line.startswith(f"| {work} |")]
        lines[place] = f"| {work} | {said} |"
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- archives
def archives(told: Told) -> list[str]:
    """Ingest, cones, new processes."""
    ours, theirs = (told["ingest"][f"{who} from 8 files"] for who in ("skyquarry", "hats-import"))
    large, cone, shell = told["ingest, 5e7"]["skyquarry from 8 files"], told["cone"], told["shell"]
    ratios = told["ingest"]["ratio from 8 files"]
    mine = cone["skyquarry"]
    slow, late = missed(mine["median_ms"], 1.0), missed(mine["p99_ms"], 3.0)
    begun = {who: each["median_s"] for who, each in shell.items()}
    return [
        row("ingest from eight files", f"{ours['wall_s']:.1f} s, {gb(ours['peak_mb'])}",
            f"hats-import {theirs['wall_s']:.1f} s, {gb(theirs['peak_mb'])} "
            f"(**{ratios['wall']:.1f} times**)", "5 times, under 1.5 GB"),
        row("bytes of catalogue and margin", f"{ours['disk_mb']} MB",
            f"hats-import {theirs['disk_mb']} MB (**{ratios['disk']:.2f} times**)",
            "at most 1.1 times"),
        row("ingest of 5e7 rows from eight files", f"{large['wall_s']:.1f} s, "
            f"**{gb(large['peak_mb'])}**", "-", "under 1.5 GB"),
        row("cone of 1', median; 99th percentile",
            f"{mine['median_ms']:.2f}; {mine['p99_ms']:.1f} ms, {mine['resident_mb']} MB resident",
            ". ".join(f"{name} {cone[who]['median_ms']:.1f}; {cone[who]['p99_ms']:.1f}"
                      for who, name in (("postgresql q3c", "q3c"), ("duckdb", "DuckDB"),
                                        ("lsdb", "LSDB"))),
            f"1 ms{slow}; 3 ms{late}; 500 MB"),
        row("`skyquarry cone` in a new process", f"**{begun['skyquarry cone']:.2f} s**",
            f"LSDB {begun['lsdb cone']:.1f} s", f"1 s{missed(begun['skyquarry cone'], 1.0)}"),
        row("`import skyquarry` in a new process", f"**{begun['import skyquarry']:.3f} s**, "
            f"{begun['python alone']:.3f} of it Python's own", "-",
            f"0.15 s{missed(begun['import skyquarry'], 0.15)}"),
    ]  # fmt: skip


def indices(told: Told) -> list[str]:
    """HTM and HEALPix, and plans of many tiles."""
    rate, plan = told["indexing"]["million_points_per_second"], told["plan"]
    times = rate["htm_from_vectors"] / rate["sphgeom_from_vectors"]
    return [
        row("HTM level 20 from vectors, one thread", f"**{rate['htm_from_vectors']:.1f} M/s** "
            f"({rate['htm_from_degrees']:.1f} from degrees)",
            f"sphgeom {rate['sphgeom_from_vectors']:.2f} M/s ({times:.0f} times)",
            f"5 M/s{missed(5.0, rate['htm_from_vectors'])}"),
        row("HEALPix order 29 from degrees, one thread",
            f"**{rate['healpix_from_degrees']:.1f} M/s**",
            f"cdshealpix's own call {rate['cdshealpix_one_thread']:.1f} M/s",
            "5 M/s, and cdshealpix's rate"
            f"{missed(rate['cdshealpix_one_thread'], rate['healpix_from_degrees'])}"),
        row("plan of 1e6 tiles",
            f"**{plan['plan_and_explain_s']:.2f} s, {gb(plan['peak_memory_mb'])}**", "-",
            f"1 s{missed(plan['plan_and_explain_s'], 1.0)}, 1 GB"),
    ]  # fmt: skip


# ---------------------------------------------------------------- matching
def pairs(told: Told) -> list[str]:
    """The pairs of two catalogues, and the search alone."""
    work, alone = told["pairs"], told["kernel"]
    nearest, columns, plain, inside, shell = (
        work[name] for name in ("best, 1e+07", "columns, 1e+07", "plain, 1e+06", "inside, 1e+06",
                                "shell, 1e+05"))  # fmt: skip
    grown, ours = work["growth"], nearest["skyquarry"]["seconds"]
    few = grown["1e+06"]["seconds"]
    crowd = inside["skyquarry"]
    search = {what: {who: each["left_rows_per_cpu_s"] / 1e6 for who, each in alone[what].items()}
              for what in ("best", "all")}  # fmt: skip
    ratio = nearest["lsdb"]["times_ours"]
    return [
        row('best within 1", 1e7 x 1e7, archives to ids', spent(nearest["skyquarry"], memory=True),
            beside(nearest), f"1.7 s{missed(ours, 1.7)} and 10 times LSDB{missed(10.0, ratio)}"),
        row("the same, all columns of both", spent(columns["skyquarry"], memory=True),
            beside(columns), "6 times LSDB"
            f"{missed(6.0, columns['lsdb']['times_ours'])}, under 1 GB"),
        row("from 1e6 to 1e7 rows", f"{few:.2f} to {grown['1e+07']['seconds']:.2f} s "
            f"({100 * grown['time_beyond_linear']:+.0f} % beside linear)", "-", "linear"),
        row("1e6 x 1e6, plain unsorted Parquet", spent(plain["skyquarry"]), beside(plain),
            f"3 times scipy{missed(3.0, plain['scipy']['times_ours'])}"),
        row(f'all within 10" inside 1e6, {crowd["pairs"] / 1e6:.1f}e6 pairs to a file',
            f"{spent(crowd)}, least {crowd['least_seconds']:.2f}", beside(inside),
            f"0.5 s{missed(crowd['seconds'], 0.5)}; on two free cores search and writing cannot "
            "take less than 0.41 s"),
        row("`skyquarry pairs`, 1e5 x 1e5, new process", spent(shell["skyquarry"]), beside(shell),
            f"0.6 s{missed(shell['skyquarry']['seconds'], 0.6)}"),
        row('search alone, one core, best of 1e7; all within 1"',
            f"**{search['best']['skyquarry']:.1f}e6; {search['all']['skyquarry']:.1f}e6 rows a CPU "
            "second**", f"scipy's tree {search['best']['scipy']:.1f}e6; "
            f"{search['all']['scipy']:.1f}e6",
            f"1e7 rows/s{missed(10.0, search['best']['skyquarry'])}"),
    ]  # fmt: skip


def four(told: Told) -> list[str]:
    """Four catalogues at once."""
    lsdb, stilts = told["lsdb"], told["stilts"]
    near, files, stored = (told[f"skyquarry {name}"] for name in
                           ("geometry, archives", "identification, files",
                            "identification, archives"))  # fmt: skip
    plain = told["skyquarry geometry, files"]
    whole, theirs = (told[f"{who}, whole process"]["median_s"] for who in ("skyquarry", "lsdb"))
    return [
        row("four catalogues of 1e6, best pairs",
            f"**{near['median_s']:.2f} s** from archives ({near['cpu_s']:.1f} of CPU), "
            f"{plain['median_s']:.2f} from files ({plain['cpu_s']:.1f})",
            f"LSDB {lsdb['median_s']:.1f} s from archives ({lsdb['cpu_s']:.1f} of CPU), STILTS "
            f"{stilts['median_s']:.0f} ({stilts['cpu_s']:.0f})",
            f"1.6 s{missed(near['median_s'], 1.6)}"),
        row("four catalogues of 1e6, whole identification",
            f"{files['median_s']:.1f} s ({files['cpu_s']:.0f} of CPU) from files to three files, "
            f"{gb(files['peak_mb'])}; {stored['median_s']:.0f} s ({stored['cpu_s']:.0f}) from "
            f"archives to a catalogue with its report, {gb(stored['peak_mb'])}; "
            f"{right(files)}", f"LSDB's distances {lsdb['median_s']:.1f} s, {right(lsdb)}",
            f"faster than LSDB{missed(files['median_s'], lsdb['median_s'])}: a clump is one island "
            "of 40,000 rows"),
        row("the same as a command, its start included", f"{whole:.1f} s",
            f"a script that calls LSDB, {theirs:.1f} s", "-"),
    ]  # fmt: skip


def right(told: Told) -> str:
    return f"{100 * told['pure']:.2f} % pure, {100 * told['complete']:.1f} % complete"


def xray(told: Told) -> list[str]:
    """X-ray sources, beside nway by its two faces."""
    lines = []
    for way, limit in (("2-way", 0.3), ("3-way", 2.0)):
        ours, shell, library = (
            told[f"{who}, {way}"] for who in ("skyquarry", "nway (shell)", "nway (library)")
        )
        lines.append(
            row(f"nway's {way} field",
                f"**{spent(ours)}**, {gb(ours['resident_mb'])}; {best(ours)} of the best are right",
                f"nway as a command {spent(shell)}, as a library {spent(library)}, "
                f"{gb(shell['resident_mb'])}; {best(shell)}",
                f"{limit:g} s{missed(ours['median_s'], limit)}, 0.4 GB"
                f"{missed(ours['resident_mb'], 400)}")
        )  # fmt: skip
    return lines


def best(told: Told) -> str:
    return f"{100 * told['best_right']:.1f} %"


def listed(told: Told) -> str:
    """Lists against an archive."""
    one, near, far = (told[name]["median_ms"] for name in ("1 row", "1000 near", "1000 far"))
    return row("`match_table` against 1e7 rows", f"{one:.0f} ms one row, {near:.0f} ms a thousand "
               f"near each other, {far / 1000.0:.2f} s far apart", "-", "milliseconds")  # fmt: skip


# ---------------------------------------------------------------- words
def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def gb(mb: float) -> str:
    return f"{mb / 1000.0:.2f} GB"


def spent(told: Told, *, memory: bool = False) -> str:
    """Seconds of the clock, of processors where they are known, and memory."""
    seconds = told.get("seconds", told.get("median_s"))
    cpu = f" ({told['cpu_s']:.2f} of CPU)" if "cpu_s" in told else ""
    more = f", {gb(told['resident_mb'])}" if memory else ""
    return f"{seconds:.2f} s{cpu}{more}"


def beside(told: Told) -> str:
    """All rivals of a work, and how many times our seconds they take."""
    names = {"lsdb": "LSDB", "duckdb": "DuckDB", "stilts": "STILTS"}
    return ", ".join(
        f"{names.get(who, who)} {spent(each)} ({each['times_ours']:.1f} times)"
        for who, each in sorted(told.items(), key=lambda one: one[1]["seconds"])
        if who != "skyquarry"
    )


def missed(value: float, limit: float) -> str:
    """A word where a value is above its limit."""
    return " (**missed**)" if value > limit else ""


def origins(runs: Told, table: str) -> list[str]:
    """Of which commit, machine and load the figures of a table are."""
    of_match = {"pairs", "kernel", "crossmatch", "nway", "lists"}
    told = [
        f"{name} {run['commit'][:7]}, {run['machine']['processor']}, {load(run)}"
        for name, run in runs.items()
        if (name in of_match) == (table == "match")
    ]
    return [f"Commit, processor and load of the machine before and after: {'; '.join(told)}."]


def load(run: Told) -> str:
    return f"{run['load']['before']} to {run['load']['after']}" if "load" in run else "not told"


if __name__ == "__main__":
    main()
