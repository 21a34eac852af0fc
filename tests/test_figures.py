"""The figures of the README are those of the committed runs: a new JSON asks for a new row."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def figures(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["figures"]


def ingest() -> list[str]:
    told = figures("ingest-1e7")
    ours, theirs = (told[f"{who} from 8 files"]["wall_s"] for who in ("skyquarry", "hats-import"))
    return [f"{ours:.1f} s", f"hats-import {theirs:.0f} s"]


def cone() -> list[str]:
    told = {who: each["median_ms"] for who, each in figures("cone-1e7").items()}
    return [
        f"{told['skyquarry']:.1f} ms", f"q3c {told['postgresql q3c']:.1f}",
        f"DuckDB {told['duckdb']:.1f}", f"LSDB {told['lsdb']:.0f}",
    ]  # fmt: skip


def twenty() -> list[str]:
    queries = figures("twenty-1e7")["queries"].values()
    ours = [each["ours"]["seconds"] for each in queries]
    beside = [each["duckdb"]["seconds"] / each["ours"]["seconds"]
              for each in queries if "seconds" in each.get("duckdb", {})]  # fmt: skip
    return [
        f"{len(ours)} forms", f"{sum(each < 1.0 for each in ours)} under 1 s",
        f"{min(beside):.1f} to {max(beside):.0f} times",
    ]  # fmt: skip


def nearest() -> list[str]:
    told = {who: each["seconds"] for who, each in figures("pairs-1e7")["best, 1e+07"].items()}
    return [
        f"{told['skyquarry']:.1f} s", f"LSDB {told['lsdb']:.1f}", f"DuckDB {told['duckdb']:.1f}",
        f"scipy {told['scipy']:.1f}", f"astropy {told['astropy']:.0f}",
    ]  # fmt: skip


def xray() -> list[str]:
    told = figures("nway-9e5")["skyquarry, 3-way"]
    return [f"{told['cpu_s']:.1f} s of CPU", f"{100 * told['best_right']:.1f} %"]


def scans() -> list[str]:
    told = figures("mining-1e7")["scan"]
    ours, theirs = (told[who]["cpu"] for who in ("one sweep", "duckdb, plain files"))
    return [f"{ours:.1f} s of CPU", f"after another {theirs:.1f}"]


def spectra() -> list[str]:
    newest = max(RESULTS.glob("learn-*.json")).stem
    told = figures(newest)["sdss_dr14"]
    rivals = [each["log_loss"]["theirs"] for each in told["ours against"].values()]
    return [f"{told['ours']['log_loss']:.4f}", f"{min(rivals):.4f}"]


ROWS = {
    "1e7 rows into an archive": ingest,
    "a cone of 1' among": cone,
    "the twenty queries": twenty,
    'nearest within 1"': nearest,
    "X-ray sources": xray,
    "16 full scans": scans,
    "SDSS spectra by ugriz": spectra,
}


@pytest.mark.parametrize("work", ROWS)
def test_the_row_says_what_the_committed_run_says(work):
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    [row] = [line for line in readme if line.startswith(f"| {work}")]
    for told in ROWS[work]():
        assert told in row


def test_every_row_of_the_readme_is_held_to_a_run():
    measured = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Measured")[2]
    rows = [line for line in measured.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(ROWS)


def test_the_tables_of_speed_are_those_of_the_committed_runs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    speedpage = importlib.import_module("speedpage")
    runs = speedpage.read()
    for file, made in ((speedpage.PAGE, speedpage.written), (speedpage.FRONT, speedpage.front)):
        page = file.read_text(encoding="utf-8")
        assert made(page, runs) == page, "run python benchmarks/speedpage.py"


def test_the_fields_are_as_well_matched_as_the_committed_run_says(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    fieldspage = importlib.import_module("fieldspage")
    page = fieldspage.PAGE.read_text(encoding="utf-8")
    told = json.loads(fieldspage.RESULTS.read_text(encoding="utf-8"))
    assert fieldspage.written(page, told) == page, "run python benchmarks/fieldspage.py"
