"""Opening catalogues as they lie about, and reading their tiles."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.stored import Stored, open_stored
from skyquarry.errors import ColumnError, NotFoundError
from skyquarry.sky import healpix
from skyquarry.sky.ranges import Ranges
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import Layout, leaf_of, write_collection, write_tree

TREES = {
    "small_sky": ("object", 131),
    "small_sky_npix_as_dir": ("object", 131),
    "small_sky_order1_collection": ("object", 131),
    "small_sky_order1_collection/small_sky_order1_id_index": ("index", 131),
    "small_sky_order1_collection/small_sky_order1_margin_1deg": ("margin", 23),
    "small_sky_source": ("source", 17161),
    "small_sky_source_margin": ("margin", 1717),
    "small_sky_xmatch": ("object", 111),
    "small_sky_xmatch_margin": ("margin", 39),
    "square_map": ("map", 12),
}


def whole(stored: Stored, columns=None) -> pa.Table:
    parts = [stored.read(tile, columns) for tile in range(len(stored.tiles))]
    return pa.concat_tables(parts) if parts else stored.schema.empty_table()


def by_id(table: pa.Table, columns: list[str]) -> list[dict]:
    return table.select(columns).sort_by("id").to_pylist()


@pytest.fixture
def sky(tmp_path):
    """A uniform sky of 3,000 rows in 48 tiles, and its table."""
    table = uniform_sky(3000)
    return open_stored(write_tree(tmp_path / "sky", table)), table


# ---------------------------------------------------------------- real trees
@pytest.mark.parametrize(("name", "kind", "rows"), [(n, k, r) for n, (k, r) in TREES.items()])
def test_every_tree_of_lsdbs_suite_opens_and_counts(shared_data, name, kind, rows):
    stored = open_stored(shared_data / "hats" / name)
    assert (stored.kind, stored.n_rows) == (kind, rows)
    if kind != "index":
        assert whole(stored).num_rows == rows == stored.counted.rows.sum()


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("small_sky", "small_sky/small_sky.csv"),
        ("small_sky_npix_as_dir", "small_sky/small_sky.csv"),
        ("small_sky_order1_collection", "small_sky/small_sky.csv"),
        ("small_sky_xmatch", "xmatch/small_sky_xmatch.csv"),
    ],
)
def test_a_tree_equals_its_raw_table(shared_data, name, raw):
    from pyarrow import csv

    expected = csv.read_csv(shared_data / "hats" / "raw" / raw)
    columns = expected.column_names
    found = whole(open_stored(shared_data / "hats" / name), columns)
    assert found.num_rows == expected.num_rows
    for a, b in zip(by_id(found, columns), by_id(expected, columns), strict=True):
        assert a == pytest.approx(b, rel=1e-15)


def test_a_cone_gives_what_lsdb_published(shared_data):
    from pyarrow import csv

    stored = open_stored(shared_data / "hats" / "small_sky_source")
    expected = csv.read_csv(shared_data / "hats" / "raw" / "cone_search_expected" / "catalog.csv")
    pixels = np.sort(expected[SPATIAL].to_numpy())
    ranges = Ranges(pixels, pixels + 1)
    parts = [
        stored.read(tile, ["source_id"], ranges=ranges) for tile in stored.tiles.overlapping(ranges)
    ]
    assert sorted(pa.concat_tables(parts)["source_id"].to_pylist()) == sorted(
        expected["source_id"].to_pylist()
    )


def test_a_collection_knows_its_margins_and_index(shared_data):
    home = shared_data / "hats" / "small_sky_order1_collection"
    for path in (home, home / "collection.properties"):
        stored = open_stored(path)
        assert stored.margin().margin_arcsec == 3600
        assert stored.margin(5000).margin_arcsec == 7200
        assert stored.margin(8000) is None
        rows = whole(stored, ["id", SPATIAL])
        for key in (700, 750, 830):
            pixel = rows.filter(pc.equal(rows["id"], key))[SPATIAL].to_numpy()
            assert stored.lookup("id", [key]).tolist() == stored.tiles.find(pixel).tolist()


def test_a_catalogue_opens_by_its_properties_file(shared_data):
    home = shared_data / "hats" / "small_sky"
    for file in ("hats.properties", "properties"):
        assert open_stored(home / file).n_rows == 131


# ---------------------------------------------------------------- reading
def test_columns_come_in_the_asked_order(sky):
    stored, _ = sky
    assert stored.read(0, ["r_mag", "id"]).column_names == ["r_mag", "id"]
    assert stored.read(0, []).num_rows == stored.counted.rows[0]


def test_a_column_that_is_not_there_is_named(sky):
    with pytest.raises(ColumnError, match="no column 'mag' in sky; choose from id, ra, dec"):
        sky[0].read(0, ["mag"])


@settings(max_examples=25)
@given(
    cells=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12 * 4**9 - 1)), max_size=12),
    seed=st.integers(0, 3),
)
def test_ranges_give_exactly_the_rows_that_a_test_of_each_row_gives(tmp_path_factory, cells, seed):
    stored, table = _cached_sky(tmp_path_factory)
    order = np.array([o for o, _ in cells], int)
    pixel = np.array([p >> 2 * (9 - o) for o, p in cells], int)
    near = np.random.default_rng(seed).choice(table[SPATIAL].to_numpy(), 3) >> 2 * (29 - 6)
    ranges = Ranges.from_cells(np.append(order, [6] * 3), np.append(pixel, near))
    tiles = stored.tiles.overlapping(ranges)
    found = [stored.read(t, ["id", SPATIAL], ranges=ranges) for t in tiles]
    expected = table.filter(pa.array(ranges.contains(table[SPATIAL].to_numpy())))
    got = pa.concat_tables(found)
    assert got["id"].to_pylist() == expected["id"].to_pylist()
    assert got[SPATIAL].to_pylist() == expected[SPATIAL].to_pylist()


_SKIES: dict = {}


def _cached_sky(tmp_path_factory):
    if "sky" not in _SKIES:
        path = tmp_path_factory.mktemp("sky") / "t"
        table = uniform_sky(4000)
        stored = open_stored(write_tree(path, table, Layout(order=0, row_group_rows=50)))
        pixels = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy())
        table = table.append_column(SPATIAL, pa.array(pixels)).sort_by(SPATIAL)
        _SKIES["sky"] = stored, table
    return _SKIES["sky"]


def test_row_groups_outside_the_region_are_never_decoded(tmp_path):
    layout = Layout(order=0, row_group_rows=50)
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(4000), layout))
    groups = stored.row_groups(0)
    assert len(groups.rows) > 4
    ranges = Ranges([groups.low[2]], [groups.high[2] + 1])
    rows = stored.read(0, ["id"], ranges=ranges)
    assert (stored.decoded.row_groups, rows.num_rows) == (1, 50)
    gap = Ranges([groups.high[2] + 1], [groups.low[3]])
    assert stored.read(0, ["id"], ranges=gap).num_rows == 0
    assert stored.decoded.row_groups == 1


def test_row_groups_outside_the_bounds_are_never_decoded(tmp_path):
    table = uniform_sky(4000).sort_by("id")
    ordered = table.set_column(
        3, "r_mag", pa.array(np.sort(table["r_mag"].to_numpy()), pa.float32())
    )
    layout = Layout(order=0, row_group_rows=50, sort=False)
    stored = open_stored(write_tree(tmp_path / "t", ordered, layout))
    high = float(stored.read(0, ["r_mag"])["r_mag"][60].as_py())
    before = stored.decoded.row_groups
    rows = stored.read(0, ["r_mag"], bounds={"r_mag": (None, high)})
    assert stored.decoded.row_groups - before == 2
    assert pc.sum(pc.less_equal(rows["r_mag"], high)).as_py() == 61
    assert stored.read(0, ["id"], bounds={"r_mag": (1e9, None)}).num_rows == 0
    assert stored.read(0, ["id"], bounds={"r_mag": ("a", None)}).num_rows > 0


def test_bounds_of_large_integers_and_text_prune_rightly(tmp_path):
    big = 2**63 - 1
    table = uniform_sky(4).append_column("u", pa.array([1, 2, big + 2, big + 5], pa.uint64()))
    table = table.append_column("t", pa.array(["a", "b", "y", "z"]))
    table = table.set_column(1, "ra", pa.array([1.0] * 4)).set_column(2, "dec", pa.array([1.0] * 4))
    layout = Layout(order=0, row_group_rows=2)
    stored = open_stored(write_tree(tmp_path / "t", table, layout))
    read = lambda **bounds: stored.read(0, ["u"], bounds=bounds)["u"].to_pylist()  # noqa: E731
    assert read(u=(big + 5, None)) == [big + 2, big + 5]
    assert read(u=(None, 2)) == [1, 2]
    assert read(t=("c", "x")) == []
    assert read(t=("b", "b")) == [1, 2]


def test_statistics_are_those_of_the_values(sky):
    stored, table = sky
    told = stored.statistics()
    for name in table.column_names:
        assert told[name].low == pc.min(table[name]).as_py()
        assert told[name].high == pc.max(table[name]).as_py()
        assert told[name].null_count == 0


def test_a_skymap_counts_every_row_once(sky):
    stored, table = sky
    pixels = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy(), 3)
    cells, counts = np.unique(pixels, return_counts=True)
    got = stored.skymap(3)
    assert got[0].tolist() == cells.tolist()
    assert got[1].tolist() == counts.tolist()


def test_a_stored_map_is_used_down_to_its_order(shared_data):
    stored = open_stored(shared_data / "hats" / "small_sky")
    fine, coarse = stored.skymap(5), stored.skymap(1)
    assert fine[1].sum() == coarse[1].sum() == 131
    assert stored.decoded.row_groups == 0
    assert stored.skymap(7)[1].sum() == 131
    assert stored.decoded.row_groups > 0


# ---------------------------------------------------------------- what travels
def test_it_pickles_small_and_opens_again_elsewhere(sky):
    stored, _ = sky
    data = pickle.dumps(stored)
    assert len(data) < 1000
    again = pickle.loads(data)
    assert again is pickle.loads(data)
    assert again.read(3).equals(stored.read(3))


def test_a_reader_keeps_the_version_that_it_opened(tmp_path):
    home = tmp_path / "stars"
    write_tree(home / "v1" / "stars", uniform_sky(100))
    write_tree(home / "v1" / "stars_m", uniform_sky(10), _margin())
    write_collection(home, "v1/stars", margins="v1/stars_m")
    first = open_stored(home)
    write_tree(home / "v2" / "stars", uniform_sky(200))
    write_collection(home, "v2/stars")
    kept = pickle.loads(pickle.dumps(first))
    assert (first.version, kept.version, open_stored(home).version) == ("v1", "v1", "v2")
    assert (kept.n_rows, open_stored(home).n_rows) == (100, 200)
    assert kept.margin().n_rows == 10
    assert open_stored(home).margin() is None


def _margin() -> Layout:
    return Layout(
        kind="margin",
        properties={"hats_primary_table_url": "anywhere", "hats_margin_threshold": "10"},
    )


def test_threads_may_read_the_same_tile(sky):
    from concurrent.futures import ThreadPoolExecutor

    stored, _ = sky
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(stored.read, [0] * 40))
    assert all(table.equals(tables[0]) for table in tables)


def test_a_file_written_anew_is_read_anew(tmp_path):
    stored = open_stored(write_tree(tmp_path / "t", uniform_sky(50), Layout(order=0)))
    before = stored.read(0)
    leaf = leaf_of(tmp_path / "t", 0, int(stored.tiles.pixel[0]))
    import pyarrow.parquet as pq

    pq.write_table(before.slice(0, 1), leaf)
    assert stored.read(0).num_rows == 1


def test_opening_reads_no_leaf_and_no_merged_footers(tmp_path):
    layout = Layout(metadata=True)
    write_tree(tmp_path / "t", uniform_sky(100), layout)
    for path in (tmp_path / "t" / "dataset").rglob("*"):
        if path.is_file() and path.name != "_common_metadata":
            path.write_bytes(b"not Parquet")
    stored = open_stored(tmp_path / "t")
    assert stored.n_rows == 100


# ---------------------------------------------------------------- lookups
@pytest.mark.parametrize(
    "ids",
    [
        pa.array([5, 3, 2**62, -7]),
        pa.array([5, 3, 2**64 - 1, 7], pa.uint64()),
        pa.array(["a", "zz", "b b", "é"]),
    ],
)
def test_ids_of_any_type_are_found(tmp_path, ids):
    import pyarrow.parquet as pq

    table = pa.table({"id": ids, "ra": [10.0, 100.0, 200.0, 300.0], "dec": [0.0, 1.0, -50.0, 80.0]})
    home = tmp_path / "c"
    write_tree(home / "p", table)
    pixel = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy(), 1)
    index = pa.table(
        {"id": ids, "Norder": pa.array([1] * 4, pa.uint8()), "Npix": pa.array(pixel, pa.uint64())}
    ).sort_by("id")
    (home / "i" / "dataset" / "index").mkdir(parents=True)
    pq.write_table(index, home / "i" / "dataset" / "index" / "part.0.parquet", row_group_size=1)
    (home / "i" / "hats.properties").write_text(
        "obs_collection=i\ndataproduct_type=index\nhats_primary_table_url=p\n"
        "hats_index_column=id\nhats_nrows=4\n"
    )
    write_collection(home, "p", indexes="id i")
    stored = open_stored(home)
    for i, key in enumerate(ids.to_pylist()):
        assert stored.lookup("id", [key]).tolist() == [stored.tiles.number(1, int(pixel[i]))]
    index_read = stored.index("id")
    assert index_read.decoded.row_groups == 0  # another object counts for itself
    assert len(stored.lookup("id", ids.to_pylist())) == 4
    absent = "none" if isinstance(ids[0].as_py(), str) else 12345
    assert len(stored.lookup("id", [absent])) == 0
    assert len(stored.lookup("id", [])) == 0


def test_ids_without_an_index_say_what_to_try(sky):
    with pytest.raises(ColumnError, match=r"no index of the column 'id' .* build with id='id'"):
        sky[0].lookup("id", [1])


def test_ids_of_another_kind_are_refused(shared_data):
    stored = open_stored(shared_data / "hats" / "small_sky_order1_collection")
    with pytest.raises(ColumnError, match=r"\['x'\] do not fit the column id, which is int64"):
        stored.lookup("id", ["x"])
    assert stored.lookup("id", [2**63 + 5, 700]).tolist() == stored.lookup("id", [700]).tolist()


# ---------------------------------------------------------------- what is not there
def test_what_is_not_a_catalogue_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="holds no catalogue"):
        open_stored(tmp_path / "nothing")
    (tmp_path / "catalog_info.json").write_text("{}")
    with pytest.raises(NotFoundError, match=r"HiPSCat .* hats_import.hipscat_conversion"):
        open_stored(tmp_path)
    file = tmp_path / "x.fits"
    file.write_text("")
    with pytest.raises(NotFoundError, match="is a file, but a catalogue is a folder"):
        open_stored(file)


def test_an_archive_names_its_catalogues(tmp_path):
    write_tree(tmp_path / "gaia", uniform_sky(5))
    with pytest.raises(NotFoundError, match="open one of gaia"):
        open_stored(tmp_path)
