"""The twenty queries of Szalay et al. over an SDSS-like archive, each cold and warm.

ours     as `skyquarry twenty` asks them, in ADQL, all 44 forms: of the paper and of the report
duckdb   those of the report (2002) by DuckDB on one plain Parquet file a table, the way it writes
         them itself, as SQL that was tuned for it (`testing.twentyqueries`); of wide tables the
         files have the columns that any of the queries names, so that they fit on a disk
postgres the same by PostgreSQL with q3c, where it is installed and a folder is named for its
         tables, which are loaded of the plain files if they are not there yet (`rival_twenty.py`)
         neither has our tags of rows: the pairs of neighbours within 5 arcsec (14, 17), nor those
         that others name: the objects with a spectrum (10, 10A), their pairs, and the
         objects in these (19), as SDSS itself kept SpecPhotoAll; PostgreSQL has B-trees on all ids
own      those that ask the table of neighbours by DuckDB without it, its pairs found by a join on
         the cells of a grid (`rival_neighbours.py`), as who has files and no build must; the other
         two rivals are given the table, which we worked out when the archive was built

cold     the first time, with nothing of the files in the page cache of the system, a database new
warm     the least of the runs that follow: three, one where they are long, up to 25 in a second
         where they are short; wall and processor seconds
         of ours, the columns of small tables (spectra, their lines) may lie in our memory then,
         read in an earlier run, as tables lie in PostgreSQL's buffers; DuckDB keeps the footers of
         files. No answer is kept by any. A cold run of ours has none of it
prunes   what spares a query rows or columns: space and the share that is read where that is less
         than half, neighbours (pairs worked out beforehand, or found by the matcher), tags (all of
         its columns are among the popular ones of PhotoTag), named rows (only those are read that
         another table of the query names, of a tag that has them)

Ten times as fast a query can be where the share of space that it reads is a tenth or less, and
where neighbours are found before, beside who finds them himself. A share of 0.4 allows 2.4 times,
and columns that are left out are left out by every rival too. So these are counted by themselves,
beside the count of all that are spared anything.

Rows may differ by a few: DuckDB compares magnitudes in 32 bits, ADQL in 64. With archive, plain
files and PostgreSQL's tables there, all of it takes ten minutes of a quiet machine, without the
cold runs five.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

import skyquarry as sq
from skyquarry.adql.database import hot, kept
from skyquarry.adql.reads import StoredRead
from skyquarry.adql.twenty.every import twenty
from skyquarry.errors import SkyquarryError
from skyquarry.testing.twentyqueries import _VIEWS, TABLES, queries

import record
import rival_neighbours
import rival_twenty

RUNS, MANY_RUNS, ENOUGH_S = 3, 25, 1.0
"""Each is run three times; what is short more often, up to a second in all: of ours and of rivals
alike."""
RIVALS = ("duckdb", "postgres", "own")
LONG_S = 8.0
"""Runs that take longer in all are not repeated."""
MUCH = 0.5
TENFOLD = 0.1
"""A share of the rows that lets a query be ten times as fast."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of queries; all if left out")
    parser.add_argument("--archive", required=True, help="made by simulate --sdss")
    parser.add_argument("--plain", help="a folder for the plain files; made where they lack")
    parser.add_argument("--postgres", help="a folder for PostgreSQL; loaded where it lacks")
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--no-cold", action="store_true", help="leave the page cache alone")
    parser.add_argument("--out", help="a folder for the JSON")
    given = parser.parse_args()
    archive = sq.archive(given.archive)
    plain = Plain(archive, Path(given.plain)) if given.plain else None
    figures: dict[str, Any] = {}
    with rival_twenty.served(given.postgres, given.plain, given.timeout) as postgres:
        for name, asked in twenty().items():
            if not given.names or name in given.names:
                figures[name] = one(name, asked, archive, (plain, postgres), given)
                print(line(name, figures[name]), flush=True)
    record.write("twenty", archive["photoobj"].stored.n_rows, summary(figures), given.out)
    print(table(figures))


def one(name: str, asked: Any, archive: Any, rivals: Any, given: Any) -> dict[str, Any]:
    def ours() -> int:
        rows = 0
        for batch in sq.query(asked.adql, archive=archive, timeout=given.timeout).stream():
            rows += batch.num_rows
        return rows

    found: dict[str, Any] = pruned(asked, archive)
    found["ours"] = timed(ours, forgotten, archive_files(archive), given)
    short, (plain, postgres) = name.removesuffix("-2002"), rivals
    if not name.endswith("-2002"):
        return found
    if plain is not None and short in plain.texts:
        found["duckdb"] = timed(lambda: plain.rows(short), plain.open, plain.files, given)
    if plain is not None and short in plain.own:
        found["own"] = timed(lambda: plain.found(short), plain.open, plain.files, given)
    if postgres is not None and short in postgres.texts:
        found["postgres"] = postgres.timed(short)
    mine = found["ours"].get("seconds")
    for who in RIVALS:
        theirs = found.get(who, {}).get("seconds")
        if mine and theirs:
            found[f"times {who}"] = round(theirs / mine, 2)
    return found


def pruned(asked: Any, archive: Any) -> dict[str, Any]:
    """The share of PhotoObj's rows that is read, and in words what is spared, as the plan tells."""
    plan = sq.query(asked.adql, archive=archive)
    every = [read for read in plan.reads if isinstance(read, StoredRead)]
    reads = [named(read) for read in every]
    told = []
    photo = [read for read in reads if "photoobj" in read.source.stored.folder.root.lower()]
    whole = sum(read.source.stored.n_rows for read in photo)
    share = sum(read.cost().rows for read in photo) / max(whole, 1)
    if photo and share < MUCH:
        told.append(f"space {share:.2g}")
    if "neighbors" in asked.adql.lower() or "by the matcher" in plan.explain():
        told.append("neighbours")
    popular = set(archive["phototag"].stored.schema.names)
    if photo and all(set(read.columns) <= popular for read in photo):
        told.append("tags")
    if any(read.instead_of is not None for read in every):
        told.append("named rows")
    return {"share": round(share, 5) if photo else None, "prunes": ", ".join(told)}


def named(read: StoredRead) -> StoredRead:
    """What is read of the table that a query names, if there were no tag of named rows."""
    whole = read.instead_of
    return read if whole is None else replace(read, table=whole, instead_of=None)


def line(name: str, found: dict[str, Any]) -> str:
    """One query as a line of the table."""

    def seconds(who: str) -> str:
        each = found.get(who)
        if each is None:
            return f"{'':>9}"
        return f"{each['seconds']:9.3f}" if "seconds" in each else f"{'failed':>9}"

    times = [found.get(f"times {who}") for who in RIVALS]
    ratios = " ".join(f"{each:8.2f}" if each is not None else f"{'':>8}" for each in times)
    cpu = found["ours"].get("cpu", float("nan"))
    theirs = found.get("duckdb", {}).get("cpu")
    cpus = f"{cpu:8.3f} {theirs:8.3f}" if theirs is not None else f"{cpu:8.3f} {'':>8}"
    walls = " ".join(seconds(who) for who in ("ours", *RIVALS))
    rows = found["ours"].get("rows", 0)
    return f"{name:12} {rows:9,} {walls} {ratios} {cpus}  {found['prunes']}"


def table(figures: dict[str, Any]) -> str:
    """All queries: rows, warm seconds of each, how many times as fast we are, processor seconds."""
    head = (
        f"{'query':12} {'rows':>9} {'ours s':>9} {'duckdb s':>9} {'q3c s':>9} {'own s':>9} "
        f"{'x duckdb':>8} {'x q3c':>8} {'x own':>8} {'ours cpu':>8} {'duck cpu':>8}  prunes"
    )
    return "\n".join([head, *(line(name, each) for name, each in figures.items())])


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
        for number in range(MANY_RUNS):
            begun, used = time.perf_counter(), time.process_time()
            found["rows"] = work()
            runs.append((time.perf_counter() - begun, time.process_time() - used))
            spent = sum(wall for wall, _ in runs)
            if spent > (ENOUGH_S if number + 1 >= RUNS else LONG_S):
                break
    except (SkyquarryError, duckdb.Error) as error:
        return {**found, "failed": str(error)[:120]}
    found["seconds"] = round(min(wall for wall, _ in runs), 4)
    found["cpu"] = round(min(cpu for _, cpu in runs), 4)
    return found


def forgotten() -> None:
    """Nothing is known of the files any more, and none of their columns held."""
    kept.close_all()
    hot.forget_all()


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
        self.own = rival_neighbours.by_own_join()
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
        return self._asked(self.texts[name])

    def found(self, name: str) -> int:
        """The same without the table of neighbours."""
        return self._asked(self.own[name])

    def _asked(self, text: str) -> int:
        if self.connection is None:
            self.open()
        return int(self.connection.sql(text).to_arrow_table().num_rows)


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures, and how many meet the marks."""
    ours = {name: each["ours"].get("seconds") for name, each in figures.items()}
    every = {
        name: [each[word] for word in ("times duckdb", "times postgres") if word in each]
        for name, each in figures.items()
    }
    times = {name: min(each) for name, each in every.items() if each}
    spared = {name: t for name, t in times.items() if figures[name]["prunes"]}
    able = tenfold(figures, times)
    quick = sum(1 for each in ours.values() if each is not None and each < 1)
    close = sum(1 for each in times.values() if each >= 0.9)
    return {
        "load of the machine": round(os.getloadavg()[2], 1),
        "queries": figures,
        "under 1 s warm": f"{quick} of {len(ours)}",
        "over 1 s warm": {name: s for name, s in ours.items() if s is None or s >= 1},
        "at most 10 % slower than the faster rival": f"{close} of {len(times)}",
        "10 times as fast where space, neighbours or tags prune": (
            f"{sum(1 for t in spared.values() if t >= 10)} of {len(spared)}"
        ),
        "10 times as fast where space or neighbours allow it": (
            f"{sum(1 for t in able.values() if t >= 10)} of {len(able)}"
        ),
        "times as fast where ten are possible": able,
        "slower": {name: t for name, t in times.items() if t < 0.9},
        "times as fast": dict(sorted(times.items(), key=lambda each: -each[1])),
    }


def tenfold(figures: dict[str, Any], times: dict[str, float]) -> dict[str, float]:
    """How many times as fast those are that could be ten times; beside who finds his own pairs."""
    found = {}
    for name, each in figures.items():
        if "times own" in each:
            found[name] = each["times own"]
        elif each["share"] is not None and each["share"] <= TENFOLD and name in times:
            found[name] = times[name]
    return found


if __name__ == "__main__":
    main()
