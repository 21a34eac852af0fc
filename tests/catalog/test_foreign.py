"""Old, odd, hostile and damaged trees: read where they can be, else a plain error."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.stored import open_stored
from skyquarry.errors import DamagedError, NotFoundError
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import Layout, leaf_of, write_collection, write_tree

ODD = {
    "as hats-import writes it": Layout(),
    "tiles are folders": Layout(suffix="/", files_per_tile=3),
    "another suffix": Layout(suffix=".pq"),
    "no partition_info.csv": Layout(info=False, metadata=True),
    "neither list of tiles": Layout(info=False),
    "folders, not listed": Layout(info=False, suffix="/", files_per_tile=2),
    "no _common_metadata": Layout(common=False),
    "no _common_metadata, another suffix": Layout(common=False, suffix=".pq"),
    "no spatial column": Layout(healpix=None),
    "spatial column of order 12": Layout(healpix="_healpix_12", healpix_order=12),
    "another name": Layout(healpix="hpx"),
    "unsorted": Layout(sort=False),
    "unsorted, no spatial column": Layout(sort=False, healpix=None),
    "old name of the properties": Layout(file="properties"),
    "unknown keys": Layout(properties={"x_y": "z", "hats_cols_default": "id ra dec"}),
    "order 29 is said nowhere": Layout(properties={"hats_col_healpix_order": ""}),
}


@pytest.mark.parametrize("layout", ODD.values(), ids=ODD)
def test_an_odd_layout_gives_every_row_once(tmp_path, layout):
    table = uniform_sky(600)
    stored = open_stored(write_tree(tmp_path / "t", table, layout))
    parts = [stored.read(tile, table.column_names) for tile in range(len(stored.tiles))]
    assert pa.concat_tables(parts).sort_by("id").equals(table.cast(parts[0].schema))
    assert stored.counted.rows.sum() == stored.n_rows == 600


@pytest.mark.parametrize("layout", ODD.values(), ids=ODD)
def test_an_odd_layout_gives_the_rows_of_a_region_in_order(tmp_path, layout):
    table = uniform_sky(600)
    stored = open_stored(write_tree(tmp_path / "t", table, layout))
    pixels = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy())
    ranges = Ranges.from_cells(2, np.unique(pixels[:9] >> 2 * 27))
    tiles = stored.tiles.overlapping(ranges)
    parts = [stored.read(tile, ["id", SPATIAL], ranges=ranges) for tile in tiles]
    found = pa.concat_tables(parts)
    expected = np.sort(pixels[ranges.contains(pixels)])
    assert found[SPATIAL].to_pylist() == expected.tolist()
    assert sorted(found["id"].to_pylist()) == (np.flatnonzero(ranges.contains(pixels)) + 1).tolist()


def test_mixed_orders_are_one_catalogue(tmp_path):
    table = uniform_sky(600)
    fine = write_tree(tmp_path / "t", table, Layout(order=2))
    coarse = write_tree(tmp_path / "c", table, Layout(order=1))
    leaf_of(fine, 1, 5).parent.mkdir(parents=True)
    leaf_of(coarse, 1, 5).rename(leaf_of(fine, 1, 5))
    for pixel in range(20, 24):
        leaf_of(fine, 2, pixel).unlink()
    (fine / "partition_info.csv").unlink()
    stored = open_stored(fine)
    assert sorted(set(stored.tiles.order.tolist())) == [1, 2]
    assert stored.counted.rows.sum() == 600


def test_default_columns_are_those_that_are_there(tmp_path):
    layout = Layout(properties={"hats_cols_default": "ra, dec; gone"})
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(9), layout))
    assert stored.default_columns == ("ra", "dec")
    assert "r_mag" in stored.schema.names


def test_an_empty_catalogue_opens(tmp_path):
    for info in (True, False):
        folder = write_tree(tmp_path / str(info), uniform_sky(0), Layout(info=info))
        stored = open_stored(folder)
        assert (stored.n_rows, len(stored.tiles), len(stored.skymap(3)[0])) == (0, 0, 0)
        assert stored.statistics()["ra"].low is None


def test_a_map_without_positions_opens_counts_and_reads(tmp_path):
    table = pa.table({"_healpix_29": pa.array([0, 5 << 54]), "n": [3, 4]})
    folder = write_tree(tmp_path / "m", table, Layout(kind="map", healpix=None, order=0))
    stored = open_stored(folder)
    assert (stored.kind, stored.roles.ra, stored.n_rows) == ("map", None, 2)
    assert stored.read(0)["n"].to_pylist() == [3, 4]


def test_texts_and_lists_in_another_form_are_mended(tmp_path):
    light = pa.array([{"t": [1.0, 2.0], "m": [3.0, 4.0]}, {"t": [], "m": []}])
    table = pa.table({"ra": [1.0, 2.0], "dec": [1.0, 2.0], "s": ["a", None], "lc": light})
    folder = write_tree(tmp_path / "t", table, Layout(order=0))
    stored = open_stored(folder)
    before = stored.read(int(np.argmax(stored.counted.rows)))
    leaf = leaf_of(folder, 0, int(stored.tiles.pixel[np.argmax(stored.counted.rows)]))
    rows = pq.read_table(leaf)
    large = pa.struct([("t", pa.large_list(pa.float64())), ("m", pa.large_list(pa.float64()))])
    rows = rows.set_column(2, "s", rows["s"].cast(pa.large_string()))
    pq.write_table(rows.set_column(3, "lc", rows["lc"].cast(large)), leaf)
    after = open_stored(folder).read(int(np.argmax(stored.counted.rows)))
    assert after.equals(before)
    assert after["lc"].to_pylist() == light.to_pylist()
    rows = pq.read_table(leaf)
    pq.write_table(rows.set_column(2, "s", pa.nulls(len(rows))), leaf)
    assert open_stored(folder).read(0)["s"].null_count == len(rows)


# ---------------------------------------------------------------- NaN
def nan_tree(tmp_path, properties=None):
    nan = float("nan")
    table = pa.table(
        {
            "id": [1, 2, 3, 4],
            "ra": [1.0, 1.1, 1.2, 1.3],
            "dec": [1.0, 1.1, 1.2, 1.3],
            "mag": pa.array([5.0, nan, None, 20.0], pa.float32()),
            "lc": [[1.0, nan], [], None, [nan]],
        }
    )
    layout = Layout(order=0, row_group_rows=2, properties=properties or {})
    return open_stored(write_tree(tmp_path / "t", table, layout))


def test_nan_of_a_foreign_tree_is_null_in_rows_and_statistics(tmp_path):
    stored = nan_tree(tmp_path)
    table = stored.read(0).sort_by("id")
    assert table["mag"].to_pylist() == [5.0, None, None, 20.0]
    assert table["lc"].to_pylist() == [[1.0, None], [], None, [None]]
    told = stored.statistics()["mag"]
    assert (told.low, told.high, told.null_count) == (5.0, 20.0, 2)


def test_nan_of_a_foreign_tree_is_in_no_aggregate_and_no_comparison(tmp_path):
    stored = nan_tree(tmp_path)
    table = stored.read(0, ["mag"], bounds={"mag": (10.0, None)})
    bright = table.filter(pc.greater(table["mag"], 10.0))
    assert bright["mag"].to_pylist() == [20.0]
    everything = stored.read(0, ["mag"])["mag"]
    assert pc.mean(everything).as_py() == 12.5
    assert pc.max(everything).as_py() == 20.0
    assert pc.count(everything).as_py() == 2


def test_our_own_mark_says_that_there_is_no_nan(tmp_path):
    assert nan_tree(tmp_path, {"skyquarry_nan": "null"}).nan_is_null


# ---------------------------------------------------------------- hostile paths
@pytest.mark.parametrize("inner", ["../outside", "a/../../outside", ".."])
def test_a_collection_cannot_lead_out_of_itself(tmp_path, inner):
    write_tree(tmp_path / "outside", uniform_sky(3))
    home = tmp_path / "home"
    home.mkdir()
    write_collection(home, inner)
    with pytest.raises(
        DamagedError, match=r"hats_primary_table_url .* leads out of the collection"
    ):
        open_stored(home)


def test_margins_may_lie_at_an_absolute_path_and_their_own_pointer_is_not_followed(tmp_path):
    home = tmp_path / "home"
    write_tree(home / "p", uniform_sky(20))
    keys = {"hats_primary_table_url": "../../../etc", "hats_margin_threshold": "7"}
    far = write_tree(tmp_path / "far", uniform_sky(3), Layout(kind="margin", properties=keys))
    write_collection(home, "p", margins=str(far))
    assert open_stored(home).margin(5).n_rows == 3


def test_a_margin_that_is_not_there_is_named(tmp_path):
    home = tmp_path / "home"
    write_tree(home / "p", uniform_sky(20))
    write_collection(home, "p", margins="gone")
    with pytest.raises(DamagedError, match=r"names .*gone, but there is no catalogue"):
        open_stored(home).margin()


def test_an_extension_names_its_primary(tmp_path):
    (tmp_path / "x.properties").write_text(
        "obs_collection=x\ndataproduct_type=extension\nhats_primary_table_url=gaia\n"
    )
    with pytest.raises(NotFoundError, match=r"an extension, .* primary table instead: gaia"):
        open_stored(tmp_path / "x.properties")


# ---------------------------------------------------------------- damage
def damaged(tmp_path, change, layout=None):
    folder = write_tree(tmp_path / "t", uniform_sky(100), layout or Layout(order=0))
    change(folder)
    stored = open_stored(folder)
    return [stored.read(tile) for tile in range(len(stored.tiles))]


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


def rewrite(folder, change):
    leaf = leaf_of(folder, 0, 4)
    pq.write_table(change(pq.read_table(leaf)), leaf)


def without_key(folder, key):
    path = folder / "hats.properties"
    lines = [line for line in path.read_text().splitlines() if not line.startswith(key)]
    path.write_text("\n".join(lines))


def add_line(folder, file, text):
    (folder / file).write_text((folder / file).read_text() + text)


DAMAGE = {
    "cut leaf": (lambda f: cut(leaf_of(f, 0, 4), 900), r"Npix=4\.parquet is cut off or not a Parq"),
    "empty leaf": (lambda f: cut(leaf_of(f, 0, 4), 0), r"Npix=4\.parquet is cut off or not a Parq"),
    "missing leaf": (
        lambda f: leaf_of(f, 0, 4).unlink(),
        r"Npix=4\.parquet is missing, but the catalogue lists it",
    ),
    "no properties key": (
        lambda f: without_key(f, "hats_col_ra"),
        r"hats\.properties lacks hats_col_ra",
    ),
    "garbage properties": (
        lambda f: (f / "hats.properties").write_bytes(b"\xff\xfe\x00garbage"),
        r"hats\.properties, line 1: .* is not UTF-8",
    ),
    "position column": (
        lambda f: add_line(f, "hats.properties", "hats_col_ra=alpha\n"),
        r"names the position column 'alpha', which is not among the columns id",
    ),
    "wrong count": (
        lambda f: add_line(f, "hats.properties", "hats_nrows=many\n"),
        r"hats_nrows is 'many'",
    ),
    "overlapping tiles": (
        lambda f: add_line(f, "partition_info.csv", "1,17\n"),
        r"partition_info\.csv: .*Norder=0/Npix=4 and Norder=1/Npix=17 overlap",
    ),
    "impossible tile": (
        lambda f: add_line(f, "partition_info.csv", "0,12\n"),
        r"order 0 and pixel 12",
    ),
    "not a list of tiles": (
        lambda f: (f / "partition_info.csv").write_text("a,b\n1,x\n"),
        r"partition_info\.csv is not a list of tiles",
    ),
    "half a number": (
        lambda f: add_line(f, "partition_info.csv", "0,\n"),
        r"partition_info\.csv is not a list of tiles \(a value is missing\)",
    ),
    "another type": (
        lambda f: rewrite(f, lambda t: t.set_column(0, "id", t["id"].cast(pa.float64()))),
        r"Npix=4\.parquet: the column id is double, but .* says int64",
    ),
    "column gone": (
        lambda f: rewrite(f, lambda t: t.drop_columns(["r_mag"])),
        r"Npix=4\.parquet has no column r_mag",
    ),
    "schema cut": (
        lambda f: cut(f / "dataset" / "_common_metadata", 50),
        r"_common_metadata is cut off or not a Parquet file",
    ),
    "no dataset": (
        lambda f: ((f / "partition_info.csv").unlink(), (f / "dataset").rename(f / "data")),
        r"no partition_info.csv, no dataset/_metadata and no tile below dataset/, .* 100 rows",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_tree_names_the_file_and_the_fault(tmp_path, change, message):
    with pytest.raises(DamagedError, match=message):
        damaged(tmp_path, change)


def test_garbage_inside_a_leaf_is_damage_too(tmp_path):
    def spoil(folder):
        leaf = leaf_of(folder, 0, 4)
        data = bytearray(leaf.read_bytes())
        data[4:200] = b"\xff" * 196
        leaf.write_bytes(bytes(data))

    with pytest.raises(DamagedError, match=r"Npix=4\.parquet is cut off or not a Parquet file"):
        damaged(tmp_path, spoil)


@pytest.mark.parametrize("value", [float("nan"), 90.5])
def test_a_position_that_is_none_is_named_where_pixels_are_computed(tmp_path, value):
    table = uniform_sky(100)
    folder = write_tree(tmp_path / "t", table, Layout(order=0, healpix=None))
    leaf = leaf_of(folder, 0, 4)
    rows = pq.read_table(leaf)
    bad = pa.array([value, *rows["dec"].to_pylist()[1:]])
    pq.write_table(rows.set_column(2, "dec", bad), leaf)
    stored = open_stored(folder)
    with pytest.raises(DamagedError, match=rf"Npix=4\.parquet: .* column dec holds {value}"):
        stored.read(4, ["id"], ranges=Ranges.whole())


def test_a_tile_folder_without_files_is_named(tmp_path):
    def empty(folder):
        for path in leaf_of(folder, 0, 4, "/").iterdir():
            path.unlink()

    with pytest.raises(DamagedError, match="Npix=4 is missing or empty"):
        damaged(tmp_path, empty, Layout(order=0, suffix="/"))


def test_a_pointer_to_a_version_that_is_gone_is_named(tmp_path):
    write_collection(tmp_path, "v9/stars")
    with pytest.raises(DamagedError, match=r"points to v9/stars, but .* holds no catalogue"):
        open_stored(tmp_path)


def test_a_damaged_map_or_statistics_file_is_named(tmp_path):
    folder = write_tree(tmp_path / "t", uniform_sky(100), Layout(order=0))
    (folder / "skymap.fits").write_bytes(b"SIMPLE  = nonsense")
    (folder / "per_partition_statistics.parquet").write_bytes(b"PAR1")
    stored = open_stored(folder)
    with pytest.raises(DamagedError, match=r"skymap\.fits"):
        stored.skymap(2)
    with pytest.raises(DamagedError, match=r"per_partition_statistics\.parquet is cut off"):
        _ = stored.counted
