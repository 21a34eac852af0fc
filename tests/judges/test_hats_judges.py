"""Other people's packages read what we write, and give what we know to be true."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.files import Folder
from skyquarry.catalog.writer import VersionWriter
from skyquarry.sky.vectors import to_radec, to_xyz
from skyquarry.testing.handmade import with_spatial, write_catalog
from skyquarry.testing.skies import clumpy_sky, uniform_sky

pytestmark = [
    pytest.mark.judge,
    pytest.mark.filterwarnings("ignore"),  # of hats, lsdb, dask and pandas: not ours to mend
]

RADIUS_ARCSEC = 30.0


def moved(table, arcsec, seed):
    """The same stars, each moved by up to `arcsec` in each direction."""
    random = np.random.default_rng(seed)
    xyz = to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy())
    xyz += random.uniform(-1, 1, xyz.shape) * np.radians(arcsec / 3600)
    ra, dec = to_radec(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    place = table.schema.get_field_index
    return table.set_column(place("ra"), "ra", pa.array(ra)).set_column(
        place("dec"), "dec", pa.array(dec)
    )


@pytest.fixture(scope="module")
def dense():
    """Three square arcminutes' worth of a clumpy sky, so that tiles are small and margins full."""
    return clumpy_sky(6_000, seed=4)


@pytest.fixture(scope="module")
def archive(tmp_path_factory, dense):
    folder = tmp_path_factory.mktemp("archive")
    write_catalog(folder / "left", dense, max_rows=900, margin_arcsec=RADIUS_ARCSEC)
    write_catalog(folder / "right", moved(dense, 5, 1), max_rows=700, margin_arcsec=RADIUS_ARCSEC)
    whole = uniform_sky(3_000, seed=2)
    write_catalog(folder / "whole", whole, max_rows=100, margin_arcsec=600.0)
    return folder


@pytest.fixture(scope="module")
def lsdb():
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield pytest.importorskip("lsdb")


def chords(a, b):
    left = to_xyz(a["ra"].to_numpy(), a["dec"].to_numpy())
    right = to_xyz(b["ra"].to_numpy(), b["dec"].to_numpy())
    return np.sqrt(((left[:, None] - right[None]) ** 2).sum(-1))


@pytest.mark.parametrize("name", ["left", "right", "whole"])
def test_hats_finds_every_part_valid(archive, name):
    from hats.io.validation import is_valid_catalog, is_valid_collection

    home = archive / name
    assert is_valid_collection(home, strict=True)
    margins = [p.name for p in (home / "v1").iterdir() if p.name.endswith("arcs")]
    assert len(margins) == 1
    for part in (name, f"{name}_id", *margins):
        assert is_valid_catalog(home / "v1" / part, strict=True)


def test_hats_and_lsdb_take_several_margins(tmp_path, lsdb, dense):
    from hats.io.validation import is_valid_catalog, is_valid_collection

    import skyquarry as sq

    home = tmp_path / "two"
    sq.build(dense, home, max_rows=900, margin_arcsec=[60, RADIUS_ARCSEC], progress=False)
    assert is_valid_collection(home, strict=True)
    rows = []
    for name in ("two_60arcs", "two_30arcs"):
        assert is_valid_catalog(home / "v1" / name, strict=True)
        catalog = lsdb.open_catalog(home, margin_cache=f"v1/{name}")
        rows.append(len(catalog.margin.compute()))
    assert rows[0] > rows[1] > 0
    default = lsdb.open_catalog(home)
    assert default.margin.hc_structure.catalog_info.margin_threshold == 60


def test_hats_finds_a_fault_that_we_make(archive, tmp_path):
    from hats.io.validation import is_valid_collection

    write_catalog(tmp_path / "left", uniform_sky(500), max_rows=100)
    next((tmp_path / "left/v1/left/dataset").rglob("Npix=*.parquet")).unlink()
    assert not is_valid_collection(tmp_path / "left", strict=True)


def test_hats_finds_an_empty_catalogue_valid(tmp_path, dense):
    from hats.io.validation import is_valid_catalog

    rows = with_spatial(dense)
    folder = Folder.at(tmp_path / "none")
    writer = VersionWriter.begin(folder, "none", rows.schema, margin_arcsec=None)
    writer.finish([])
    writer.publish()
    assert is_valid_catalog(tmp_path / "none/v1/none", strict=True)


def test_hats_reads_our_maps_and_statistics(archive):
    import hats
    from hats.io.skymap import read_skymap

    catalog = hats.read_hats(archive / "whole").main_catalog
    table = uniform_sky(3_000, seed=2)
    cells = with_spatial(table)[SPATIAL].to_numpy() >> 2 * (29 - 4)
    assert np.array_equal(read_skymap(catalog, 4), np.bincount(cells, minlength=12 << 8))
    assert read_skymap(catalog, None).sum() == 3_000
    assert catalog.moc.sky_fraction == pytest.approx(
        catalog.catalog_info.moc_sky_fraction, rel=1e-5
    )
    told = catalog.aggregate_column_statistics()
    assert told.loc["r_mag", "min_value"] == min(table["r_mag"].to_pylist())
    assert told.loc["id", "row_count"] == 3_000


def test_lsdb_sees_all_rows_and_the_margin(archive, lsdb, dense):
    catalog = lsdb.open_catalog(archive / "left")
    frame = catalog.compute()
    assert sorted(frame["id"]) == sorted(dense["id"].to_pylist())
    assert catalog.margin.hc_structure.catalog_info.margin_threshold == RADIUS_ARCSEC
    ours = pa.Table.from_pandas(frame.sort_values("id"), preserve_index=False)
    assert ours["ra"].to_pylist() == dense["ra"].to_pylist()


@pytest.mark.parametrize("name", ["left", "whole"])
def test_a_cone_of_lsdb_is_that_of_brute_force(archive, lsdb, dense, name):
    table = dense if name == "left" else uniform_sky(3_000, seed=2)
    centres = {
        "left": [(150.0, 20.0, 300.0)],
        "whole": [(0.0, 89.0, 54_000.0), (0.01, 0, 36_000.0)],
    }
    for ra, dec, radius in centres[name]:
        chord = np.linalg.norm(
            to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy()) - to_xyz(ra, dec), axis=1
        )
        inside = chord <= 2 * np.sin(np.radians(radius / 3600) / 2)
        found = lsdb.open_catalog(archive / name).cone_search(ra, dec, radius).compute()
        assert sorted(found["id"]) == sorted(table["id"].to_numpy()[inside].tolist())
        assert inside.sum() > 10


def test_lsdb_finds_ids_by_our_index(archive, lsdb, dense):
    catalog = lsdb.open_catalog(archive / "left")
    for wanted in (1, 777, 6_000):
        found = catalog.id_search({"id": wanted}).compute()
        assert found["ra"].tolist() == [dense["ra"][wanted - 1].as_py()]


def test_a_crossmatch_of_lsdb_loses_no_pair_at_our_borders(archive, lsdb, dense):
    left, right = (lsdb.open_catalog(archive / name) for name in ("left", "right"))
    found = left.crossmatch(
        right, radius_arcsec=RADIUS_ARCSEC, n_neighbors=40, suffixes=("_l", "_r")
    ).compute()
    chord = chords(dense, moved(dense, 5, 1))
    rows, columns = np.nonzero(chord <= 2 * np.sin(np.radians(RADIUS_ARCSEC / 3600) / 2))
    counts = np.bincount(rows, minlength=len(dense))
    few = counts[rows] < 40  # LSDB keeps the nearest 40 of each
    expected = set(zip((rows + 1)[few].tolist(), (columns + 1)[few].tolist(), strict=True))
    ours = set(zip(found["id_l"], found["id_r"], strict=True))
    assert {pair for pair in ours if counts[pair[0] - 1] < 40} == expected
    assert len(expected) > 5_000


def test_acid_opens_a_catalogue_and_matches_it(archive, dense):
    """In a process of its own: it starts workers, which import the main module again."""
    script = archive / "ask_acid.py"
    script.write_text(ACID)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, archive / "left", archive / "right"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    rows, pairs = (int(word) for word in done.stdout.split()[-2:])
    assert rows == len(dense)
    nearest = chords(dense, moved(dense, 5, 1)).min(axis=1)
    assert pairs == (nearest <= 2 * np.sin(np.radians(2.0 / 3600) / 2)).sum()


ACID = """
import sys
import acid
import astropy.units as u

if __name__ == "__main__":
    acid.init(workers=1)
    left, right = acid.open(sys.argv[1]), acid.open(sys.argv[2], alias="r")
    rows = left.select("id").to_pandas()
    pairs = left.crossmatch(right, radius=2 * u.arcsec).to_pandas()
    acid.shutdown()
    print(len(rows), len(pairs))
"""


def test_the_version_folder_is_laid_out_as_promised(archive):
    names = {p.name for p in (archive / "left").iterdir()}
    assert names == {"collection.properties", "v1"}
    assert {p.name for p in (archive / "left/v1").iterdir()} == {
        "left",
        "left_30arcs",
        "left_id",
        "checksums.sha256",
    }
    assert {p.name for p in (archive / "left/v1/left").iterdir()} >= {
        "hats.properties",
        "properties",
        "partition_info.csv",
        "skymap.fits",
        "point_map.fits",
        "per_partition_statistics.parquet",
        "dataset",
    }
