"""The twenty queries of Szalay et al. over an SDSS-like archive, each cold and warm.

ours     as `skyquarry twenty` asks them, in ADQL, all 44 forms: of the paper and of the report
duckdb   those of the report (2002) by DuckDB on one plain Parquet file a table, the way it writes
         them itself, as SQL that was tuned for it (`testing.twentyqueries`); of wide tables the
         files have the columns that any of the queries names, so that they fit on a disk
q3c      PostgreSQL with q3c: not asked. Its tables of 1e7 objects and 1e8 pairs of neighbours
         take some 20 GB, and their loading an hour: `rival_q3c.py` has its cones

cold     the first time, with nothing of the files in the page cache of the system, a database new
warm     the least of three runs that follow; wall and processor seconds

Rows may differ by a few: DuckDB compares magnitudes in 32 bits, ADQL in 64.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path
from typing import Any

import duckdb

import skyquarry as sq
from skyquarry.adql import kept
from skyquarry.adql.twenty.every import twenty
from skyquarry.errors import SkyquarryError
from skyquarry.testing.twentyqueries import _VIEWS, TABLES, queries

import record

RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of queries; all if left out")
    parser.add_argument("--archive", required=True, help="made by simulate --sdss")
    parser.add_argument("--plain", help="a folder for the plain files; made where they lack")
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--no-cold", action="store_true", help="leave the page cache alone")
    parser.add_argument("--out", help="a folder for the JSON")
    given = parser.parse_args()
    archive = sq.archive(given.archive)
    rival = Plain(archive, Path(given.plain)) if given.plain else None
    figures: dict[str, Any] = {}
    for name, asked in twenty().items():
        if given.names and name not in given.names:
            continue
        figures[name] = one(name, asked, archive, rival, given)
        print(name, figures[name], flush=True)
    record.write("twenty", archive["photoobj"].stored.n_rows, summary(figures), given.out)


def one(name: str, asked: Any, archive: Any, rival: Plain | None, given: Any) -> dict[str, Any]:
    def ours() -> int:
        rows = 0
        for batch in sq.query(asked.adql, archive=archive, timeout=given.timeout).stream():
            rows += batch.num_rows
        return rows

    found: dict[str, Any] = {"ours": timed(ours, kept.close_all, archive_files(archive), given)}
    short = name.removesuffix("-2002")
    if rival is not None and name.endswith("-2002") and short in rival.texts:
        found["duckdb"] = timed(lambda: rival.rows(short), rival.open, rival.files, given)
        both = [found[who].get("seconds") for who in ("duckdb", "ours")]
        if all(both):
            found["times"] = round(both[0] / both[1], 2)
    return found


def timed(work: Any, anew: Any, files: list[str], given: Any) -> dict[str, Any]:
    """Rows, cold seconds, then the least seconds and processor seconds of the runs."""
    found: dict[str, Any] = {}
    try:
        if not given.no_cold:
            anew()
            forget(files)
            begun = time.perf_counter()
            found["rows"] = work()
            found["cold_seconds"] = round(time.perf_counter() - begun, 3)
        runs = []
        for _ in range(RUNS):
            begun, used = time.perf_counter(), time.process_time()
            found["rows"] = work()
            runs.append((time.perf_counter() - begun, time.process_time() - used))
            if runs[0][0] > 20:
                break
    except (SkyquarryError, duckdb.Error) as error:
        return {**found, "failed": str(error)[:120]}
    found["seconds"] = round(min(wall for wall, _ in runs), 3)
    found["cpu"] = round(min(cpu for _, cpu in runs), 3)
    return found


def forget(files: list[str]) -> None:
    """Ask the system to drop what it holds of the files in memory."""
    for name in files:
        with Path(name).open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def archive_files(archive: Any) -> list[str]:
    files = []
    for name in TABLES:
        stored = archive[name].stored
        files += [
            stored.folder.path(f) for tile in range(len(stored.tiles)) for f in stored.files(tile)
        ]
    return files


class Plain:
    """DuckDB on one file a table."""

    def __init__(self, archive: Any, folder: Path) -> None:
        self.texts = queries()
        self.files = [str(folder / f"{name}.parquet") for name in TABLES if name != "phototag"]
        folder.mkdir(parents=True, exist_ok=True)
        words = set(re.findall(r"\w+", " ".join(self.texts.values()) + _VIEWS))
        for file in self.files:
            if not Path(file).exists():
                self._write(archive[Path(file).stem], file, words)
        self.connection: Any = None

    @staticmethod
    def _write(catalog: Any, file: str, words: set[str]) -> None:
        stored = catalog.stored
        names = [name for name in stored.schema.names if name in words]
        tiles = f"{stored.folder.root}/dataset/**/*.parquet"
        some = ", ".join(f'"{name}"' for name in names)
        with duckdb.connect(config={"memory_limit": "3GB"}) as connection:
            connection.execute(
                f"COPY (SELECT {some} FROM read_parquet('{tiles}', hive_partitioning = false)) "
                f"TO '{file}' (FORMAT parquet)"
            )

    def open(self) -> None:
        """A new database."""
        self.connection = duckdb.connect(config={"memory_limit": "4GB"})
        self.connection.execute("SET parquet_metadata_cache = true")
        for file in self.files:
            name = Path(file).stem
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{file}')")
        self.connection.execute(_VIEWS)

    def rows(self, name: str) -> int:
        if self.connection is None:
            self.open()
        return int(self.connection.sql(self.texts[name]).to_arrow_table().num_rows)


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures, and how many meet the marks."""
    ours = {name: each["ours"].get("seconds") for name, each in figures.items()}
    times = {name: each["times"] for name, each in figures.items() if "times" in each}
    quick = sum(1 for each in ours.values() if each is not None and each < 1)
    close = sum(1 for each in times.values() if each >= 0.9)
    return {
        "load of the machine": round(os.getloadavg()[2], 1),
        "queries": figures,
        "under 1 s warm": f"{quick} of {len(ours)}",
        "over 1 s warm": {name: s for name, s in ours.items() if s is None or s >= 1},
        "at most 10 % slower than duckdb": f"{close} of {len(times)}",
        "slower": {name: t for name, t in times.items() if t < 0.9},
        "times as fast": dict(sorted(times.items(), key=lambda each: -each[1])),
    }


if __name__ == "__main__":
    main()
