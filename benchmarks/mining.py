"""The machines of `sq.mine`, each beside who else can do its work, warm, median of the runs.

scan      16 questions over the same six columns: one sweep, ours one after another, and DuckDB
          one after another on the same Parquet files; all must find the same rows
scan2     one question alone: ours without a machine, through a machine, and DuckDB
near      all pairs within 10", each once, no pair written: `sq.pair_counts`; and their number by
          scipy's KD-tree over unit vectors in memory, positions read from the same files
colours   pairs within 0.002 in two colours, by buckets on disk; and scipy's KD-tree in memory
similar   the 10 most like each of 20 rows: all rows read, and by an index; cells read of cells
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import record
from data import archive_of

QUESTIONS = 16
MARGIN = 0.002
IN = ["u_mag - g_mag", "g_mag - r_mag", "r_mag - i_mag"]


def timed(work: Any, repeats: int) -> tuple[dict[str, float], Any]:
    """Wall and processor seconds, after one run that is not counted; and what it gave."""
    found, wall, cpu = work(), [], []
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    return {"seconds": statistics.median(wall), "cpu": statistics.median(cpu)}, found


def questions() -> list[str]:
    """Conditions over u, g, r, i, z and ra, each of which looks at every row.

    Numbers are of sixty-fourths: they and the differences are exact in 32 bits, which DuckDB
    works with, and in the 64 of ours, so that rows must be the same.
    """
    return [
        f"u_mag - g_mag < {k / 8 - 0.5} AND r_mag < {15 + k / 4} AND i_mag - z_mag > {k / 64} "
        f"OR (g_mag BETWEEN {14 + k / 8} AND {14 + k / 8 + 1 / 64} AND ra > 100)"
        for k in range(QUESTIONS)
    ]


class Duck:
    """DuckDB on the tiles' own Parquet files."""

    def __init__(self, catalog: Any, threads: int) -> None:
        import duckdb

        files = Path(catalog.stored.folder.root, "dataset").rglob("*.parquet")
        self.rows = f"read_parquet({sorted(map(str, files))})"
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}")

    def ask(self, condition: str) -> int:
        text = f"SELECT ra, r_mag FROM {self.rows} WHERE {condition}"
        return int(self.connection.sql(text).to_arrow_table().num_rows)

    def columns(self, names: list[str]) -> np.ndarray:
        table = self.connection.sql(f"SELECT {', '.join(names)} FROM {self.rows}")
        found = table.to_arrow_table()
        return np.stack([found[n].to_numpy() for n in found.column_names], axis=1)


def scan(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    asked = questions()
    cuts = [catalog.where(text).select(["ra", "r_mag"]) for text in asked]
    sweep, ours = timed(lambda: [t.num_rows for t in sq.sweep_once(cuts)], repeats)
    apart, alone = timed(lambda: [cut.to_table().num_rows for cut in cuts], repeats)
    theirs, found = timed(lambda: [duck.ask(text) for text in asked], repeats)
    assert ours == alone == found, "the rows differ"
    return {"one sweep": sweep, "one after another": apart, "duckdb": theirs,
            "times duckdb": theirs["seconds"] / sweep["seconds"]}  # fmt: skip


def scan2(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    text = questions()[5]
    cut = catalog.where(text).select(["ra", "r_mag"])
    alone, ours = timed(lambda: cut.to_table().num_rows, repeats)
    machine, swept = timed(lambda: sq.sweep_once([cut])[0].num_rows, repeats)
    theirs, found = timed(lambda: duck.ask(text), repeats)
    assert ours == swept == found, "the rows differ"
    return {"alone": alone, "machine": machine, "duckdb": theirs,
            "times duckdb": theirs["seconds"] / machine["seconds"]}  # fmt: skip


def near(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    from scipy.spatial import cKDTree

    import skyquarry as sq

    def tree() -> int:
        ra, dec = np.radians(duck.columns(["ra", "dec"])).T
        xyz = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
        chord = 2.0 * np.sin(np.radians(10.0 / 3600.0) / 2.0)
        return len(cKDTree(xyz).query_pairs(chord, output_type="ndarray"))

    def counted() -> int:
        return int(sq.pair_counts(catalog, edges_arcsec=[0.0, 10.0])["pairs"][0].as_py())

    counts, ours = timed(counted, repeats)
    kept, rows = timed(lambda: sq.pairs(catalog, radius_arcsec=10.0).to_table().num_rows, repeats)
    theirs, found = timed(tree, repeats)
    assert ours == rows == found, f"{ours}, {rows} and {found} pairs"
    return {"pairs": ours, "pair_counts": counts, "pairs in memory": kept, "scipy": theirs,
            "times scipy": theirs["seconds"] / counts["seconds"]}  # fmt: skip


def colours(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    from scipy.spatial import cKDTree

    import skyquarry as sq

    def tree() -> int:
        u, g, r = duck.columns(["u_mag", "g_mag", "r_mag"]).T.astype(np.float64)
        both = np.stack([u - g, g - r], axis=1)
        both = both[np.isfinite(both).all(axis=1)]
        pairs = cKDTree(both).query_pairs(margin, p=np.inf, output_type="ndarray")
        return len(pairs)

    # So wide that each row has some ten partners, however many there are.
    margin = MARGIN * (100_000 / max(len(catalog), 1)) ** 0.5
    by = sq.Colours(IN[:2], margin)
    ours, rows = timed(lambda: sq.buckets(catalog, by).to_table().num_rows, repeats)
    theirs, found = timed(tree, repeats)
    return {"pairs": rows, "scipy's pairs": found, "buckets": ours, "scipy": theirs,
            "times scipy": theirs["seconds"] / ours["seconds"]}  # fmt: skip


def similar(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq
    from skyquarry.mine.similarindex import SimilarIndex

    del duck
    objects = catalog.where(" AND ".join(f"{n} IS NOT NULL" for n in
                                         ("u_mag", "g_mag", "r_mag", "i_mag")))  # fmt: skip
    objects = objects.head(20).to_table()
    how = {"in_": IN, "k": 10, "errors": False}
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        begun = time.perf_counter()
        sq.similar_index(catalog, IN, index, errors=False)
        built = time.perf_counter() - begun
        all_rows, a = timed(lambda: sq.similar(objects, catalog, **how), repeats)
        by_cells, b = timed(lambda: sq.similar(objects, catalog, index=index, **how), repeats)
        assert a.equals(b), "the answers differ"
        cells = len(SimilarIndex.open(index).low)
    return {"built": built, "cells": cells, "all rows": all_rows, "by the index": by_cells,
            "times": all_rows["seconds"] / by_cells["seconds"]}  # fmt: skip


WORKS = {"scan": scan, "scan2": scan2, "near": near, "colours": colours, "similar": similar}


def main() -> None:
    import skyquarry as sq
    from skyquarry.engine.executors import cpu_count

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--archive", help="a catalogue of the clumpy sky that is there")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--out")
    given = parser.parse_args()
    catalog = sq.open(given.archive or archive_of(given.rows)[0])
    duck = Duck(catalog, cpu_count())
    figures = {name: WORKS[name](catalog, duck, given.repeats) for name in given.works}
    record.write("mining", len(catalog), figures, given.out)


if __name__ == "__main__":
    main()
