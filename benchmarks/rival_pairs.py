"""Rivals: pairs of two catalogues by scipy, astropy, DuckDB or LSDB, from files to a file.

Run by pairs.py with an interpreter that has them. Seconds of each run, pairs and memory go to
standard output. Each is called as its users would, with two workers where it has any, after a small
run. LSDB reads catalogues, with their margin named; the others plain Parquet files.
"""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import record

COLUMNS = ["id", "ra", "dec"]
CELL_ARCSEC = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=["scipy", "astropy", "duckdb", "lsdb"])
    parser.add_argument("work", choices=["best", "columns", "inside"])
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--radius", type=float, required=True)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--warm", type=Path, nargs=2, help="two small catalogues, for a first run")
    given = parser.parse_args()
    run = FUNCTIONS[given.how, given.work]
    if given.warm:
        run(*given.warm, given.radius, given.out)
    seconds, cpu, pairs = [], [], 0
    for _ in range(given.times):
        begun, used = record.clocks()
        pairs = run(given.a, given.b, given.radius, given.out)
        now, used_now = record.clocks()
        seconds.append(now - begun)
        cpu.append(used_now - used)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "pairs": pairs, "resident_mb": peak}))


# ---------------------------------------------------------------- what they share
def read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(id, ra, dec) of a plain file."""
    table = pq.read_table(path, columns=COLUMNS)
    ids, ra, dec = (table[name].to_numpy() for name in COLUMNS)
    return ids, ra, dec


def xyz_of(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def chord(arcsec: float) -> float:
    return 2.0 * np.sin(np.radians(arcsec / 3600.0) / 2.0)


def write(out: Path, left: np.ndarray, right: np.ndarray, sep: np.ndarray) -> int:
    table = pa.table({"left_id": left, "right_id": right, "sep_arcsec": sep})
    pq.write_table(table, out, compression="lz4", use_dictionary=False)
    return table.num_rows


# ---------------------------------------------------------------- one function each
def scipy_best(a: Path, b: Path, radius: float, out: Path) -> int:
    from scipy.spatial import cKDTree

    (left, *ours), (right, *theirs) = read(a), read(b)
    tree = cKDTree(xyz_of(*theirs))
    chords, rows = tree.query(xyz_of(*ours), distance_upper_bound=chord(radius), workers=2)
    found = np.isfinite(chords)
    sep = np.degrees(2.0 * np.arcsin(chords[found] / 2.0)) * 3600.0
    return write(out, left[found], right[rows[found]], sep)


def scipy_inside(a: Path, b: Path, radius: float, out: Path) -> int:
    from scipy.spatial import cKDTree

    del b
    ids, *places = read(a)
    xyz = xyz_of(*places)
    rows = cKDTree(xyz).query_pairs(chord(radius), output_type="ndarray")
    chords = np.linalg.norm(xyz[rows[:, 0]] - xyz[rows[:, 1]], axis=1)
    sep = np.degrees(2.0 * np.arcsin(chords / 2.0)) * 3600.0
    return write(out, ids[rows[:, 0]], ids[rows[:, 1]], sep)


def astropy_best(a: Path, b: Path, radius: float, out: Path) -> int:
    from astropy.coordinates import SkyCoord

    (left, *ours), (right, *theirs) = read(a), read(b)
    rows, sep, _ = SkyCoord(*ours, unit="deg").match_to_catalog_sky(SkyCoord(*theirs, unit="deg"))
    arcsec = sep.arcsec
    found = arcsec <= radius
    return write(out, left[found], right[rows[found]], arcsec[found])


def astropy_inside(a: Path, b: Path, radius: float, out: Path) -> int:
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    del b
    ids, *places = read(a)
    sky = SkyCoord(*places, unit="deg")
    first, second, sep, _ = sky.search_around_sky(sky, radius * u.arcsec)
    once = first < second
    return write(out, ids[first[once]], ids[second[once]], sep.arcsec[once])


def duckdb_best(a: Path, b: Path, radius: float, out: Path) -> int:
    """A join on the cells of a grid: zones of declination, in each its own cells of RA.

    A right row stands in every cell that its circle touches.
    """
    import duckdb

    r, cell = radius / 3600.0, CELL_ARCSEC / 3600.0
    width = f"({cell} / cos(radians(zone * {cell})))"
    con = duckdb.connect()
    con.sql("SET threads = 2")
    con.sql(f"""COPY (
        WITH a AS (SELECT *, floor(ra / {width})::INT AS cell FROM (
                SELECT id, ra, dec, floor(dec / {cell})::INT AS zone FROM '{a}')),
             z AS (SELECT id, ra, dec, unnest(range(floor((dec - {r}) / {cell})::INT,
                floor((dec + {r}) / {cell})::INT + 1)) AS zone FROM '{b}'),
             b AS (SELECT *, unnest(range(floor((ra - {r} / cos(radians(dec))) / {width})::INT,
                floor((ra + {r} / cos(radians(dec))) / {width})::INT + 1)) AS cell FROM z),
             pairs AS (SELECT a.id AS left_id, b.id AS right_id, 7200 * degrees(asin(sqrt(
                    pow(sin(radians(a.dec - b.dec) / 2), 2) + cos(radians(a.dec))
                    * cos(radians(b.dec)) * pow(sin(radians(a.ra - b.ra) / 2), 2)))) AS sep
                FROM a JOIN b USING (zone, cell))
        SELECT left_id, arg_min(right_id, sep) AS right_id, min(sep) AS sep_arcsec
        FROM pairs WHERE sep <= {radius} GROUP BY left_id) TO '{out}' (COMPRESSION lz4)""")
    return pq.read_metadata(out).num_rows


def lsdb_best(a: Path, b: Path, radius: float, out: Path) -> int:
    left, right = _opened(a, COLUMNS), _opened(b, COLUMNS)
    found = _crossed(left, right, radius)[["id_a", "id_b", "_dist_arcsec"]].compute()
    found.to_parquet(out, compression="lz4")
    return len(found)


def lsdb_columns(a: Path, b: Path, radius: float, out: Path) -> int:
    import shutil

    folder = out.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    found = _crossed(_opened(a, "all"), _opened(b, "all"), radius)
    found.write_catalog(folder, as_collection=False, progress_bar=False, overwrite=True)
    return sum(pq.read_metadata(f).num_rows for f in folder.rglob("Npix=*.parquet"))


def _crossed(left, right, radius: float):
    return left.crossmatch(
        right,
        radius_arcsec=radius,
        n_neighbors=1,
        suffixes=("_a", "_b"),
        suffix_method="all_columns",
        require_right_margin=True,
        log_changes=False,
    )


def _opened(path: Path, columns: list[str] | str):
    import dask
    import lsdb

    dask.config.set(scheduler="threads", num_workers=2)
    return lsdb.open_catalog(path, columns=columns)


FUNCTIONS = {
    ("scipy", "best"): scipy_best,
    ("scipy", "inside"): scipy_inside,
    ("astropy", "best"): astropy_best,
    ("astropy", "inside"): astropy_inside,
    ("duckdb", "best"): duckdb_best,
    ("lsdb", "best"): lsdb_best,
    ("lsdb", "columns"): lsdb_columns,
}

if __name__ == "__main__":
    main()
