"""Cones of an arcminute, three columns back: median and 99th percentile over distinct centres.

Half of the centres are rows drawn at random, so that clumps count as they are crowded; half are
uniform over the patch. No result is kept between cones; files are warm in the page cache. Beside
us in the same run, on the same files and centres: LSDB, DuckDB and PostgreSQL with q3c, where they
are installed. "stored" is the reader alone, without the plan: what a cone costs at least here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import record
from data import SEED, archive_of, parquet_of
from rival_q3c import BIN

HERE = Path(__file__).parent
COLUMNS = ["id", "ra", "r_mag"]
RADIUS_ARCSEC = 60.0
RIVAL_CENTRES = 100  # they take tens of milliseconds each
WARM = 100


def centres(rows: int, number: int, seed: int = 7) -> list[tuple[float, float]]:
    """Distinct centres in degrees: half on rows of the sky, half uniform over its patch."""
    from skyquarry.testing.skies import clumpy_sky_batches, patch_of

    random = np.random.default_rng(seed)
    west, east, south, north = patch_of(rows)
    batch = next(iter(clumpy_sky_batches(rows, seed=SEED, batch_rows=min(rows, 1_000_000))))
    drawn = random.choice(batch.num_rows, number // 2, replace=False)
    low, high = np.sin(np.radians([south, north]))
    rest = number - number // 2
    ra = [*batch.column("ra").to_numpy()[drawn], *random.uniform(west, east, rest)]
    dec = np.degrees(np.arcsin(random.uniform(low, high, rest)))
    dec = [*batch.column("dec").to_numpy()[drawn], *dec]
    mixed = random.permutation(number)
    return [(float(ra[i]), float(dec[i])) for i in mixed]


def figures(ms: list[float], rows: int, **more: float) -> dict[str, float]:
    """What is told of a run of cones."""
    return {
        "cones": len(ms),
        "median_ms": round(float(np.median(ms)), 3),
        "p99_ms": round(float(np.percentile(ms, 99)), 3),
        "greatest_ms": round(max(ms), 3),
        "rows": rows,
        **more,
    }


# ---------------------------------------------------------------- ours, in a process of its own
def by_catalog(path: str, places: list) -> tuple[list[float], int]:
    import skyquarry as sq

    catalog = sq.open(path)

    def cone(ra: float, dec: float) -> int:
        return catalog.cone(ra, dec, RADIUS_ARCSEC).select(COLUMNS).to_table().num_rows

    return timed(cone, places)


def by_reader(path: str, places: list) -> tuple[list[float], int]:
    from skyquarry.catalog.stored import open_stored
    from skyquarry.sky.regions import Cone
    from skyquarry.sky.vectors import to_xyz

    stored = open_stored(path)

    def cone(ra: float, dec: float) -> int:
        region, found = Cone(ra, dec, RADIUS_ARCSEC), 0
        cover = region.cover()
        ranges = cover.inner | cover.outer
        for tile in stored.tiles.overlapping(ranges).tolist():
            table = stored.read(tile, [*COLUMNS, "dec"], ranges=ranges)
            xyz = to_xyz(table.column("ra").to_numpy(), table.column("dec").to_numpy())
            found += table.filter(region.contains(xyz)).select(COLUMNS).num_rows
        return found

    return timed(cone, places)


def timed(cone, places: list) -> tuple[list[float], int]:
    """Milliseconds of each cone, and the rows of all, after cones elsewhere that warm up."""
    for ra, dec in places[:WARM]:
        cone(ra + 0.01, dec + 0.01)
    ms, rows = [], 0
    for ra, dec in places:
        begun = time.perf_counter()
        rows += cone(ra, dec)
        ms.append(1e3 * (time.perf_counter() - begun))
    return ms, rows


def measure(how: str, path: str, places: list) -> None:
    """Run our cones and print their figures, with the memory of this process."""
    ms, rows = {"catalog": by_catalog, "stored": by_reader}[how](path, places)
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    print(json.dumps(figures(ms, rows, resident_mb=round(kib / 1024))))


# ---------------------------------------------------------------- the run
def ours(how: str, path: str, places: str) -> dict:
    command = [sys.executable, __file__, "--measure", how, "--catalog", path, "--places", places]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def rival(python: str, how: str, path: str, places: str) -> dict | None:
    """The figures of a rival; None where it is not installed."""
    if subprocess.run([python, "-c", f"import {how}"], check=False, capture_output=True).returncode:
        return None
    command = [python, str(HERE / "rival_cones.py"), how, path, places]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return figures(told["ms"], told["rows"])


def q3c(python: str, places: str, rows: int) -> dict | None:
    """The figures of PostgreSQL with q3c; None where it is not installed."""
    probe = subprocess.run([python, "-c", "import psycopg"], check=False, capture_output=True)
    if probe.returncode or not BIN.exists():
        return None
    files = [str(path) for path in parquet_of(rows, 8)]
    command = [python, str(HERE / "rival_q3c.py"), places, *files]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return figures(told["ms"], told["rows"], load_s=round(told["load_s"], 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--centres", type=int, default=1000)
    parser.add_argument("--catalog", help="a catalogue of this sky that is there already")
    parser.add_argument("--rivals-python", default=sys.executable)
    parser.add_argument("--out")
    parser.add_argument("--measure", choices=["catalog", "stored"], help=argparse.SUPPRESS)
    parser.add_argument("--places", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.catalog, json.loads(Path(given.places).read_text()))
        return
    catalog = given.catalog or str(archive_of(given.rows)[0])
    found = run(given, str(Path(catalog).absolute()))
    record.write("cone", given.rows, found, given.out)


def run(given: argparse.Namespace, catalog: str) -> dict:
    """Every figure: all centres for us and q3c, the first hundred for the slower rivals."""
    all_places = centres(given.rows, given.centres)
    for path in sorted(Path(catalog).rglob("*.parquet")):
        path.read_bytes()  # into the page cache: other runs may have pushed the files out
    with tempfile.TemporaryDirectory() as folder:
        many, few = Path(folder) / "many.json", Path(folder) / "few.json"
        many.write_text(json.dumps(all_places))
        few.write_text(json.dumps(all_places[:RIVAL_CENTRES]))
        found = {
            "skyquarry": ours("catalog", catalog, str(many)),
            "skyquarry, the rivals' centres": ours("catalog", catalog, str(few)),
            "stored": ours("stored", catalog, str(many)),
            "lsdb": rival(given.rivals_python, "lsdb", catalog, str(few)),
            "duckdb": rival(given.rivals_python, "duckdb", catalog, str(few)),
            "postgresql q3c": q3c(given.rivals_python, str(many), given.rows),
        }
    compare(found)
    return {name: told for name, told in found.items() if told is not None}


def compare(found: dict) -> None:
    """All that searched the same centres must have found the same number of rows."""
    for group in (
        ("skyquarry", "stored", "postgresql q3c"),
        ("skyquarry, the rivals' centres", "lsdb", "duckdb"),
    ):
        rows = {name: found[name]["rows"] for name in group if found.get(name)}
        if len(set(rows.values())) > 1:
            sys.exit(f"the rows found differ: {rows}")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
