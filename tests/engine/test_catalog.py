from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from astropy import units
from hypothesis import given, settings
from hypothesis import strategies as st

from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import (
    ColumnError,
    NotFoundError,
    UserError,
)
from skyquarry.sky.regions import Box, Cone, Zone
from skyquarry.sky.vectors import to_xyz
from skyquarry.testing.trees import Layout, write_tree


def ids_of(table):
    return sorted(table["id"].to_pylist())


def ids_inside(sky, region):
    inside = region.contains(to_xyz(sky["ra"].to_numpy(), sky["dec"].to_numpy()))
    return ids_of(sky.filter(pa.array(inside)))


def test_an_uncut_catalogue_is_its_table(cat, sky):
    table = cat.to_table()
    assert table.column_names == sky.column_names
    assert table.sort_by("id").equals(sky.sort_by("id"))
    assert len(cat) == 20_000


def test_rows_come_in_the_order_of_the_sky(cat):
    pixels = cat.select(["_healpix_29"]).to_table()["_healpix_29"].to_numpy()
    assert (pixels[1:] >= pixels[:-1]).all()


@pytest.mark.parametrize(
    "region",
    [
        Cone(12, 2, 3600),
        Cone(12, 2, 1),
        Cone(0, 90, 36_000),
        Cone(0, 0, 324_000),
        Box(350, 10, -5, 5),
        Zone(-90, 0),
        Cone(12, 2, 7200) - Cone(12, 2, 3600),
        Zone(0, 4) & Box(10, 14, 0, 2),
    ],
    ids=repr,
)
def test_a_region_gives_what_brute_force_gives(cat, sky, region):
    expected = ids_inside(sky, region)
    found = cat.region(region)
    assert ids_of(found.to_table()) == expected
    assert len(found) == len(expected)
    assert found.select(["id"]).to_table().num_rows == len(expected)


@settings(max_examples=40)
@given(st.floats(0, 360), st.floats(-90, 90), st.floats(0.1, 100_000))
def test_any_cone_gives_what_brute_force_gives(sky, sky_path, ra, dec, radius):
    assert ids_of(open_catalog(sky_path).cone(ra, dec, radius).to_table()) == ids_inside(
        sky, Cone(ra, dec, radius)
    )


def test_inner_cells_are_told_apart_where_many_rows_lie_in_them(cat, sky, monkeypatch):
    monkeypatch.setattr("skyquarry.engine.scan._MANY_ROWS", 10)
    tested = []
    cone = Cone(12, 2, 7200)
    cat.source.rows  # noqa: B018 (known counts decide)
    found = cat.region(cone)
    scan = found.plan().root
    original = type(scan.reader).contains
    monkeypatch.setattr(
        type(scan.reader), "contains", lambda *a: tested.append(len(a[1])) or original(*a)
    )
    table = pa.concat_tables([scan.reader.read(piece) for piece in scan.pieces()])
    assert ids_of(table) == ids_inside(sky, cone)
    assert 0 < sum(tested) < table.num_rows / 4


def test_regions_meet_when_asked_one_after_another(cat, sky):
    found = cat.region(Zone(0, 2)).cone(12, 2, 3600)
    assert ids_of(found.to_table()) == ids_inside(sky, Zone(0, 2) & Cone(12, 2, 3600))


def test_conditions_and_regions_and_columns_work_together(cat, sky):
    found = cat.cone(12, 2, 7200).where("r_mag < 22").where("kind = 'star'").select(["KIND", "id"])
    inside = Cone(12, 2, 7200).contains(to_xyz(sky["ra"].to_numpy(), sky["dec"].to_numpy()))
    rows = sky.filter(pa.array(inside)).filter(
        (pc.field("r_mag") < 22) & (pc.field("kind") == "star")
    )
    table = found.to_table()
    assert table.column_names == ["kind", "id"]
    assert ids_of(table) == ids_of(rows)
    assert len(found) == rows.num_rows > 100


def test_rows_outside_the_region_are_not_decoded(cat):
    before = cat.stored.decoded.row_groups
    cat.cone(12, 2, 10).to_table()
    assert cat.stored.decoded.row_groups - before <= 4


def test_a_condition_spares_tiles_by_their_statistics(cat):
    everything = cat.where("id > 0").plan().root
    few = cat.where("id < -5").plan().root
    assert len(everything) > 20
    assert len(few) == 0
    assert cat.where("id < -5").to_table().num_rows == 0


def test_select_keeps_the_asked_order_and_units(cat):
    narrow = cat.select(["dec", "ra", "_healpix_29"])
    assert narrow.columns == ["dec", "ra", "_healpix_29"]
    assert narrow.schema.field("ra").metadata[b"unit"] == b"deg"
    assert narrow.to_table().schema.equals(narrow.schema, check_metadata=True)


def test_the_spatial_column_is_handed_out_only_by_name(cat):
    assert "_healpix_29" not in cat.columns
    assert cat.where("_healpix_29 >= 0").select(["_healpix_29"]).to_table().num_columns == 1


def test_head_is_the_beginning_of_the_whole(cat):
    whole = cat.to_table()
    assert cat.head(7).to_table().equals(whole.slice(0, 7))
    assert cat.head(0).to_table().num_rows == 0
    assert cat.head(30_000).to_table().equals(whole)
    assert cat.limit(3).head(9).to_table().num_rows == 3
    assert len(cat.head(7)) == 7
    bright = cat.where("r_mag < 20")
    assert bright.head(3).to_table().equals(bright.to_table().slice(0, 3))


def test_head_reads_no_more_than_it_needs(cat):
    before = cat.stored.decoded.rows
    cat.head(1).to_table()
    assert cat.stored.decoded.rows - before <= 8 * 1000


def test_what_is_asked_after_head_is_refused(cat):
    with pytest.raises(UserError, match=r"head\(5\) was applied before where.*put where first"):
        cat.head().where("id > 1")


def test_ids_are_found_by_the_index(cat, sky):
    wanted = [*sky["id"].to_pylist()[::5000], -1, 10**12]
    found = cat.ids(wanted)
    assert ids_of(found.to_table()) == sorted(sky["id"].to_pylist()[::5000])
    assert len(found.plan().root) <= 4
    assert cat.ids([]).to_table().num_rows == 0
    assert cat.ids(17).to_table()["id"].to_pylist() == [17]
    assert ids_of(cat.ids(np.array([3, 1, 3])).to_table()) == [1, 3]


def test_ids_of_the_wrong_type_are_refused(cat):
    with pytest.raises(ColumnError, match="do not fit the column id, which is int64"):
        cat.ids(["a"])


def test_tag_is_the_narrow_table(cat):
    assert cat.tag().columns == ["id", "ra", "dec", "r_mag", "kind"]


def test_a_stream_gives_the_same_rows(cat):
    found = cat.region(Zone(-30, 30))
    streamed = pa.Table.from_batches(found.stream(), found.schema)
    assert streamed.equals(found.to_table())
    unordered = pa.Table.from_batches(found.stream(ordered=False), found.schema)
    assert ids_of(unordered) == ids_of(found.to_table())


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_all_executors_give_the_same_bytes(cat, executor):
    found = cat.region(Zone(-10, 50)).where("r_mag < 23").sample(0.5)
    assert found.to_table(executor).equals(found.to_table("inline"))
    assert found.counts(3, executor)[1].tolist() == found.counts(3)[1].tolist()
    assert found.statistics(executor=executor) == found.statistics()


def test_a_child_of_another_process_reads_a_pickled_plan(cat):

    root = cat.cone(12, 2, 3600).where("r_mag < 22").plan().root
    reader, piece = pickle.loads(pickle.dumps((root.reader, next(iter(root.pieces())))))
    assert reader.read(piece).equals(root.reader.read(piece))


def test_to_astropy_has_units_and_masks(cat, sky):

    table = cat.to_astropy()
    assert table["ra"].unit == units.deg
    assert table["r_mag"].description == "<red>"
    assert int(table["r_mag"].mask.sum()) == sky["r_mag"].null_count
    assert table["id"].info.meta["ucd"] == "meta.id;meta.main"


def test_to_pandas_keeps_missing_missing(cat, sky):
    frame = cat.to_pandas()
    assert frame["r_mag"].isna().sum() == sky["r_mag"].null_count
    assert str(frame["id"].dtype) == "int64[pyarrow]"


def test_explain_tells_inside_cut_and_outside(cat):
    text = cat.region(Zone(-90, 45)).where("r_mag < 20").explain()
    assert "tiles wholly inside (no row is tested)" in text
    assert "where    r_mag < 20" in text
    assert "workers" in text
    cost = cat.plan().cost()
    assert (cost.rows, cost.rows_out, cost.exact) == (20_000, 20_000, True)


def test_explain_reads_no_row(cat):
    before = cat.stored.decoded.rows
    cat.cone(12, 2, 7200).where("r_mag < 20").explain()
    assert cat.stored.decoded.rows == before


def test_the_repr_is_a_sentence_and_html_is_escaped(cat):
    assert repr(cat).startswith("Catalog sky v1: 20,000 rows of 7 columns in ")
    assert "where r_mag < 20" in repr(cat.where("r_mag < 20"))
    assert "&lt;red&gt;" in cat._repr_html_()
    assert "<red>" not in cat._repr_html_()


def test_a_catalogue_is_true_without_being_counted(cat):
    before = cat.stored.decoded.rows
    assert cat.where("r_mag < 0")
    assert cat.stored.decoded.rows == before


def test_verify_finds_no_fault(cat):
    assert cat.verify() == []


def test_a_path_without_a_catalogue_says_so(tmp_path):
    with pytest.raises(NotFoundError):
        open_catalog(tmp_path / "nothing")


# ---------------------------------------------------------------- trees of others


@pytest.fixture
def foreign(tmp_path):
    """A tree with NaN, without statistics, unsorted, as others write them."""
    random = np.random.default_rng(3)
    n = 500
    values = np.where(random.random(n) < 0.3, np.nan, random.normal(10, 3, n))
    table = pa.table(
        {
            "id": np.arange(n),
            "ra": random.random(n) * 360,
            "dec": np.degrees(np.arcsin(random.random(n) * 2 - 1)),
            "x": values,
            "y": pa.array(values.astype(np.float32), mask=random.random(n) < 0.1),
        }
    )
    layout = Layout(sort=False, row_group_rows=20)
    return open_catalog(write_tree(tmp_path / "theirs", table, layout)), table


def test_nan_counts_as_null_everywhere_in_a_foreign_tree(foreign):
    cat, table = foreign
    x = table["x"].to_numpy()
    known = x[~np.isnan(x)]
    assert cat.to_table()["x"].null_count == np.isnan(x).sum() > 0
    assert not np.isnan(cat.to_table()["x"].drop_null().to_numpy()).any()
    assert len(cat.where("x IS NULL")) == np.isnan(x).sum()
    assert len(cat.where("x > 5")) == (known > 5).sum()
    assert len(cat.where("NOT x > 5")) == (known <= 5).sum()
    assert len(cat.where("x + 1 <> 0")) == len(known)
    assert len(cat.where("x IN (1, 2) OR x = x")) == len(known)
    told = cat.statistics(["x", "y"])
    assert told["x"].count == len(known)
    assert told["x"].nulls == np.isnan(x).sum()
    assert (told["x"].low, told["x"].high) == (known.min(), known.max())
    assert told["x"].mean == pytest.approx(known.mean())
    assert told["x"].deviation == pytest.approx(known.std())
    assert told["y"].nulls == 500 - told["y"].count == cat.to_table()["y"].null_count
    assert cat.stored.statistics(["x"])["x"].high == known.max()
    assert cat.describe(["x"]).to_pylist()[0]["nulls"] == np.isnan(x).sum()
    assert np.ma.count_masked(cat.to_astropy()["x"]) == np.isnan(x).sum()


def test_a_foreign_unsorted_tree_is_searched_as_well(foreign):
    cat, table = foreign
    region = Cone(100, 10, 100_000)
    assert ids_of(cat.region(region).to_table()) == ids_inside(table, region)
    assert len(cat.head(3).to_table()) == 3
    assert len(cat) == 500
    assert cat.count("inline") == 500


def test_trees_of_lsdb_are_opened_and_searched(shared_data):
    cat = open_catalog(shared_data / "hats" / "small_sky_order1_collection")
    table = cat.to_table()
    assert len(cat) == table.num_rows == 131
    region = Cone(300, -50, 36_000)
    xyz = to_xyz(table["ra"].to_numpy(), table["dec"].to_numpy())
    assert len(cat.region(region)) == region.contains(xyz).sum() > 0
    first = table["id"][5].as_py()
    assert cat.ids([first]).to_table()["id"].to_pylist() == [first]


def test_nothing_heavy_is_loaded_for_a_cone(sky_path):
    code = (
        "import sys; from skyquarry.engine.catalog import open_catalog\n"
        f"open_catalog({sky_path!r}).cone(12, 2, 60).to_table()\n"
        "print([m for m in ('astropy', 'sqlglot', 'numba', 'mocpy', 'pandas', 'dask', "
        "'matplotlib', 'pyarrow.dataset') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_small_cone_across_tiles_is_read_in_this_thread(cat, sky, monkeypatch):
    tiles = cat.source.tiles
    from skyquarry.sky import healpix

    ra, dec = (float(x[0]) for x in healpix.center([int(tiles.pixel[30])], int(tiles.order[30])))
    west, south = healpix.corners([int(tiles.pixel[30])], int(tiles.order[30]))
    corner = float(np.ravel(west)[0]), float(np.ravel(south)[0])
    found = cat.cone(*corner, 60).select(["id"])
    assert len(found.plan().root) > 1
    assert found.plan().root.is_small
    assert not cat.cone(ra, dec, 36_000).plan().root.is_small
    monkeypatch.setattr("skyquarry.engine.plan.run_tasks", None)
    assert ids_of(found.to_table()) == ids_inside(sky, Cone(*corner, 60))
