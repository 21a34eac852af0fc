"""The machines of `sq.mine`, each beside who else can do its work, warm, median of the runs.

scan      16 questions over the same six columns: one sweep, ours one after another, and DuckDB
          one after another on the same Parquet files and on plain ones (--plain); all must find
          the same rows
scan2     one question alone: ours without a machine, through a machine, and DuckDB
near      all pairs within 10" counted, `sq.pair_counts`; scipy's KD-tree in memory tells them
bins      pairs to 30" in three bins; scipy's `count_neighbors`; TreeCorr, where it is (--rivals)
friends   friends of friends, 2" apart; and scipy's KD-tree and connected components in memory
duplicates  rows within 1" and half a magnitude, of each group the brightest kept; and the same
lenses    pairs within 10", of two colours within 0.05, 0.1 mag apart; and the KD-tree's pairs
colours   pairs within 0.002 in two colours, by buckets on disk; and scipy's KD-tree in memory
map       rows and statistics of a magnitude by HEALPix cell of order 8; and DuckDB's GROUP BY
river     filter, a colour, sort, into a Parquet file; and DuckDB's COPY ... ORDER BY
similar   the 10 most like each of 20 rows: all rows read, and by an index; cells read of cells;
          and scipy's KD-tree over the colours in memory, built and asked
rare      rows in the emptiest cells of two colours, 1 % at most; and DuckDB's GROUP BY and join

`seconds` and `cpu` (of all threads) are of one run, `rows_s` rows of the catalogue (for each
question) over seconds, `peak_mb` what the process took more than it had before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import miningpairs
import record
from data import FOLDER, archive_of
from miningtimes import Duck, compared, timed

GIVEN: list[str] = []
"""plain Parquet files of the same rows"""
QUESTIONS = 16
MARGIN = 0.002
IN = ["u_mag - g_mag", "g_mag - r_mag", "r_mag - i_mag"]


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


def scan(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    asked = questions()
    rows = len(asked) * len(catalog)
    cuts = [catalog.where(text).select(["ra", "r_mag"]) for text in asked]
    sweep, ours = timed(lambda: [t.num_rows for t in sq.sweep_once(cuts)], repeats, rows)
    apart, alone = timed(lambda: [cut.to_table().num_rows for cut in cuts], repeats, rows)
    theirs, found = timed(lambda: [duck.ask(text) for text in asked], repeats, rows)
    assert ours == alone == found, "the rows differ"
    told = {"one sweep": sweep, "one after another": apart, "duckdb": theirs}
    return told | compared(sweep, theirs) | on_plain(duck, asked, ours, sweep, repeats)


def on_plain(
    duck: Duck, asked: list[str], ours: list[int], sweep: dict[str, float], repeats: int
) -> dict[str, Any]:
    if not GIVEN:
        return {}
    plain = Duck(None, duck.threads, GIVEN)
    theirs, found = timed(lambda: [plain.ask(text) for text in asked], repeats)
    assert found == ours, "the rows differ"
    return {"duckdb, plain files": theirs} | compared(sweep, theirs, "duckdb on plain files")


def scan2(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    text, rows = questions()[5], len(catalog)
    cut = catalog.where(text).select(["ra", "r_mag"])
    alone, ours = timed(lambda: cut.to_table().num_rows, repeats, rows)
    machine, swept = timed(lambda: sq.sweep_once([cut])[0].num_rows, repeats, rows)
    theirs, found = timed(lambda: duck.ask(text), repeats, rows)
    assert ours == swept == found, "the rows differ"
    told = {"alone": alone, "machine": machine, "duckdb": theirs}
    return told | compared(machine, theirs) | on_plain(duck, [text], [ours], machine, repeats)


def cells(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    text = (
        "SELECT _healpix_29 >> 42, count(*), count(r_mag), avg(r_mag), stddev_pop(r_mag), "
        f"min(r_mag), max(r_mag) FROM {duck.rows} GROUP BY 1"
    )
    ours, made = timed(
        lambda: sq.cell_statistics(catalog, ["r_mag"], order=8).num_rows, repeats, len(catalog)
    )
    theirs, found = timed(
        lambda: duck.connection.sql(text).to_arrow_table().num_rows, repeats, len(catalog)
    )
    assert made == found, f"{made} and {found} cells"
    return {"cells": made, "cell_statistics": ours, "duckdb": theirs} | compared(ours, theirs)


def flowing(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import pyarrow.parquet as pq

    import skyquarry as sq

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.parquet") for name in ("ours", "theirs")]
        text = (
            f"COPY (SELECT id, g_mag - r_mag AS gr, r_mag FROM {duck.rows} WHERE r_mag < 19 "
            f"ORDER BY r_mag) TO '{paths[1]}' (FORMAT parquet, COMPRESSION zstd)"
        )
        told = {"id": "id", "gr": "g_mag - r_mag", "r_mag": "r_mag"}
        flow = sq.river(catalog).filter("r_mag < 19").project(told).sort("r_mag").to(paths[0])
        ours, _ = timed(flow.run, repeats, len(catalog))
        theirs, _ = timed(lambda: duck.connection.execute(text), repeats, len(catalog))
        a, b = (pq.read_table(path, columns=["r_mag"]) for path in paths)
        assert a["r_mag"].equals(b["r_mag"]), "the rows differ"
        return {"rows out": a.num_rows, "river": ours, "duckdb": theirs} | compared(ours, theirs)


def colours(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    from scipy.spatial import cKDTree

    import skyquarry as sq

    def tree() -> int:
        u, g, r = duck.columns(["u_mag", "g_mag", "r_mag"]).T
        both = np.stack([u - g, g - r], axis=1)
        both = both[np.isfinite(both).all(axis=1)]
        pairs = cKDTree(both).query_pairs(margin, p=np.inf, output_type="ndarray")
        return len(pairs)

    # So wide that each row has some ten partners, however many there are.
    margin = MARGIN * (100_000 / max(len(catalog), 1)) ** 0.5
    by = sq.Colours(IN[:2], margin)
    ours, rows = timed(lambda: sq.buckets(catalog, by).to_table().num_rows, repeats, len(catalog))
    theirs, found = timed(tree, repeats, len(catalog))
    assert rows == found, f"{rows} and {found} pairs"
    return {"pairs": rows, "buckets": ours, "scipy": theirs} | compared(ours, theirs)


def similar(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq
    from skyquarry.mine.similarindex import SimilarIndex

    known = " AND ".join(f"{n} IS NOT NULL" for n in ("u_mag", "g_mag", "r_mag", "i_mag"))
    some = catalog.where(known).sample(min(1.0, 200 / max(len(catalog), 1)), "row")
    objects = some.to_table().slice(0, 20)
    how = {"in_": IN, "k": 10, "errors": False}
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        begun, used = time.perf_counter(), time.process_time()
        sq.similar_index(catalog, IN, index, errors=False)
        built = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
        all_rows, a = timed(lambda: sq.similar(objects, catalog, **how), repeats)
        by_cells, b = timed(lambda: sq.similar(objects, catalog, index=index, **how), repeats)
        assert a.equals(b), "the answers differ"
        tree, c = timed(lambda: by_tree(objects, duck), repeats)
        np.testing.assert_allclose(np.array(a["distance"]).reshape(-1, 10), c, rtol=1e-6)
        total, read = len(SimilarIndex.open(index).low), cells_read(index, objects, catalog, how)
    told = {"built": built, "cells": total, "cells read, mean": statistics.mean(read)}
    return told | {"cells read, most": max(read), "all rows": all_rows, "by the index": by_cells,
                   "scipy": tree} | compared(by_cells, tree)  # fmt: skip


def by_tree(objects: Any, duck: Duck) -> np.ndarray:
    """(objects, 10) distances to the nearest others, by a KD-tree over all rows' colours."""
    from scipy.spatial import cKDTree

    bands = ["u_mag", "g_mag", "r_mag", "i_mag"]
    every = -np.diff(duck.columns(bands), axis=1)
    some = np.stack([np.asarray(objects[name], np.float64) for name in bands], axis=1)
    tree = cKDTree(every[np.isfinite(every).all(axis=1)])
    return tree.query(-np.diff(some, axis=1), 11)[0][:, 1:]


def cells_read(index: Path, objects: Any, catalog: Any, how: dict[str, Any]) -> list[int]:
    """How many row groups the search for each object reads."""
    from skyquarry.mine.likeness import Likeness
    from skyquarry.mine.similarindex import SimilarIndex
    from skyquarry.mine.sought import Sought

    likeness, read = Likeness.of(catalog, how["in_"], errors=False), []
    for row in range(objects.num_rows):
        opened = SimilarIndex.open(index)
        sought = Sought.of(objects.slice(row, 1), catalog, likeness, how["k"], None)
        list(opened.search(sought))
        read.append(len(opened.read))
    return read


def rarest(catalog: Any, duck: Duck, repeats: int) -> dict[str, Any]:
    import skyquarry as sq

    few = catalog.select(["id", "u_mag", "g_mag", "r_mag"])
    cell = "floor((u_mag::DOUBLE - g_mag) / 0.1) AS a, floor((g_mag::DOUBLE - r_mag) / 0.1) AS b"
    text = (
        f"WITH seen AS (SELECT id, u_mag, g_mag, r_mag, {cell} FROM {duck.rows}), "
        "cells AS (SELECT a, b, count(*) AS n FROM seen WHERE a + b IS NOT NULL GROUP BY a, b), "
        "up AS (SELECT n, sum(sum(n)) OVER (ORDER BY n) AS upto FROM cells GROUP BY n) "
        "SELECT seen.*, cells.n FROM seen JOIN cells USING (a, b) "
        "WHERE n <= (SELECT max(n) FROM up WHERE upto <= 0.01 * (SELECT sum(n) FROM cells))"
    )
    ours, made = timed(
        lambda: sq.rare(few, IN[:2], 0.01, width=0.1).to_table().num_rows, repeats, len(catalog)
    )
    theirs, found = timed(
        lambda: duck.connection.sql(text).to_arrow_table().num_rows, repeats, len(catalog)
    )
    assert made == found, f"{made} and {found} rows"
    return {"rows out": made, "rare": ours, "duckdb": theirs} | compared(ours, theirs)


WORKS = {"scan": scan, "scan2": scan2, "near": miningpairs.near, "bins": miningpairs.bins,
         "friends": miningpairs.friends, "duplicates": miningpairs.duplicates,
         "lenses": miningpairs.lenses, "colours": colours, "map": cells, "river": flowing,
         "similar": similar, "rare": rarest}  # fmt: skip


def main() -> None:
    import skyquarry as sq
    from skyquarry.engine.executors import cpu_count

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--archive", help="a catalogue of the clumpy sky that is there")
    parser.add_argument(
        "--plain",
        help="a folder of plain Parquet files of the same rows; by default the one that "
        "the catalogue was made of, where it is there",
    )
    parser.add_argument("--rivals-python", help="an interpreter that has treecorr")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--out")
    given = parser.parse_args()
    plain = Path(given.plain or FOLDER / f"parquet-{given.rows}-8")
    if given.plain or not given.archive:
        GIVEN.extend(sorted(map(str, plain.rglob("*.parquet"))))
    if given.rivals_python:
        miningpairs.RIVALS.append(given.rivals_python)
    catalog = sq.open(given.archive or archive_of(given.rows)[0])
    duck = Duck(catalog, cpu_count())
    figures = {}
    for name in given.works:
        print(f"-- {name}", flush=True)
        figures[name] = WORKS[name](catalog, duck, given.repeats)
    record.write("mining", len(catalog), figures, given.out)


if __name__ == "__main__":
    main()
