"""What the benchmarks of the machines share: how a work is timed, and DuckDB on the same files."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from skyquarry.engine.memory import give_back


def timed(work: Any, repeats: int, rows: int = 0) -> tuple[dict[str, float], Any]:
    """Wall and processor seconds, after one run that is not counted; and what it gave."""
    found, wall, cpu = work(), [], []
    give_back()
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    told = {"seconds": statistics.median(wall), "cpu": statistics.median(cpu),
            "peak_mb": megabytes("VmHWM") - before}  # fmt: skip
    return told | ({"rows_s": rows / told["seconds"]} if rows else {}), found


def megabytes(what: str) -> float:
    """VmRSS, what the process holds; VmHWM, the most that it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(what))


def compared(ours: dict[str, float], theirs: dict[str, float], who: str = "") -> dict[str, float]:
    """How many times as fast, by the clock and by processor seconds."""
    return {f"times {who or 'peer'}": theirs["seconds"] / ours["seconds"],
            f"times {who or 'peer'}, cpu": theirs["cpu"] / ours["cpu"]}  # fmt: skip


class Duck:
    """DuckDB on the tiles' own Parquet files, or on others that have the same rows."""

    def __init__(self, catalog: Any, threads: int, plain: list[str] | None = None) -> None:
        import duckdb

        files = plain or Path(catalog.stored.folder.root, "dataset").rglob("*.parquet")
        self.rows = f"read_parquet({sorted(map(str, files))})"
        self.threads = threads
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}")

    def ask(self, condition: str) -> int:
        text = f"SELECT ra, r_mag FROM {self.rows} WHERE {condition}"
        return int(self.connection.sql(text).to_arrow_table().num_rows)

    def columns(self, names: list[str]) -> np.ndarray:
        table = self.connection.sql(f"SELECT {', '.join(names)} FROM {self.rows}")
        found = table.to_arrow_table()
        return np.stack([np.asarray(found[n], np.float64) for n in found.column_names], axis=1)
