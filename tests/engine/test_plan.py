from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.cost import in_bytes, in_time
from skyquarry.engine.cut import Cut
from skyquarry.engine.scan import Scan, below
from skyquarry.errors import DamagedError
from skyquarry.sky.ranges import Ranges
from skyquarry.sky.regions import Cone, Zone

if TYPE_CHECKING:
    from pathlib import Path


def claimed(folder: Path, tiles: int) -> Path:
    """The small files of a catalogue whose tiles are not there: a plan must not look into one."""
    (folder / "dataset").mkdir(parents=True)
    lines = "\n".join(f"9,{n}" for n in range(tiles))
    (folder / "partition_info.csv").write_text(f"Norder,Npix\n{lines}\n")
    schema = pa.schema([("ra", pa.float64()), ("dec", pa.float64()), ("mag", pa.float32())])
    pq.write_metadata(schema, folder / "dataset" / "_common_metadata")
    faintest = np.linspace(10, 20, tiles)
    told = pa.table(
        {
            "Norder": np.full(tiles, 9),
            "Npix": np.arange(tiles),
            "mag::min_value": faintest - 5,
            "mag::max_value": faintest,
            "mag::row_count": np.full(tiles, 10_000),
            "mag::disk_bytes": np.full(tiles, 30_000),
        }
    )
    pq.write_table(told, folder / "per_partition_statistics.parquet")
    (folder / "hats.properties").write_text(
        f"obs_collection=claimed\ndataproduct_type=object\nhats_nrows={tiles * 10_000}\n"
        "hats_col_ra=ra\nhats_col_dec=dec\n"
    )
    return folder


def test_a_million_tiles_are_planned_from_small_files(tmp_path):
    cat = open_catalog(claimed(tmp_path / "claimed", 1_000_000))
    begun = time.process_time()
    plan = cat.region(Zone(0, 60) - Cone(30, 20, 36_000)).where("mag < 6").plan()
    text = plan.explain()
    first = next(iter(plan.root.tasks()))
    assert time.process_time() - begun < 4  # a benchmark holds it to one second
    assert "of 1,000,000 tiles" in text
    assert first[0] == plan.root.numbers[0]
    faintest = 5 + 10 * plan.root.numbers / 999_999
    assert faintest.max() <= 6 + 1e-9
    assert plan.cost().rows_out == pytest.approx(len(plan.root) * 10_000, rel=0.05)
    assert plan.cost().bytes > len(plan.root) * 20_000


def test_statistics_that_are_damaged_are_named(tmp_path):
    folder = claimed(tmp_path / "claimed", 100)
    (folder / "per_partition_statistics.parquet").write_bytes(b"PAR1 no")
    cat = open_catalog(folder)
    with pytest.raises(DamagedError, match=r"per_partition_statistics\.parquet is cut off"):
        cat.explain()


def test_tiles_inside_cut_and_outside_are_told_apart(cat):
    scan = Scan(cat.source, Cut(region=Cone(12, 2, 10_000)))
    tiles = cat.source.tiles
    for number, inside in zip(scan.numbers, scan.inside, strict=True):
        piece = scan.piece(int(number), inside=bool(inside))
        assert piece.tested is not bool(inside)
        assert (piece.ranges is None) == inside
    assert 0 < scan.inside.sum() < len(scan) < len(tiles)
    assert (scan.fraction[scan.inside] == 1).all()
    assert 0 < scan.fraction[~scan.inside].min() < 1


def test_pixels_below_are_counted():
    ranges = Ranges([10, 30], [20, 40])
    assert below(ranges, np.array([0, 10, 15, 25, 35, 99])).tolist() == [0, 0, 5, 10, 15, 20]
    assert below(Ranges.empty(), np.array([5])).tolist() == [0]


def test_rows_that_are_not_told_are_shared_out_by_area(shared_data):
    cat = open_catalog(shared_data / "hats" / "small_sky_order1_collection")
    assert cat.source.rows.sum() == 131
    assert cat.source.rows_are_exact


def test_predictions_are_written_for_people():
    assert [in_bytes(n) for n in (12, 1234, 5_600_000)] == ["12 B", "1.2 kB", "5.6 MB"]
    assert [in_time(s) for s in (0.0123, 45, 600, 9000)] == ["0.012 s", "45 s", "10 min", "2.5 h"]


def test_planning_loads_nothing_heavy():
    code = (
        "import sys, skyquarry.engine.catalog\n"
        "print([m for m in ('astropy', 'sqlglot', 'numba', 'mocpy', 'pandas', 'dask', 'matplotlib',"
        " 'pyarrow.dataset') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
