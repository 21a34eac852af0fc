"""A sound tree has no fault; one that is damaged in one way has exactly that one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skyquarry.catalog import verify_ids
from skyquarry.catalog.columns import SPATIAL
from skyquarry.catalog.margin import margin_rows
from skyquarry.catalog.stored import open_stored
from skyquarry.catalog.tiles import Tiles
from skyquarry.catalog.verify import verify
from skyquarry.sky import healpix
from skyquarry.testing.skies import uniform_sky
from skyquarry.testing.trees import Layout, leaf_of, write_collection, write_tree

THRESHOLD = 3600.0
ROWS = 1200


@pytest.fixture
def home(tmp_path):
    """A collection of 1,200 rows in 12 tiles with an exact margin of a degree, and an id index."""
    return make(tmp_path / "c")


def make(home, table=None):
    table = uniform_sky(ROWS) if table is None else table
    keys = {"skyquarry_id": "id"}
    write_tree(home / "p", table, Layout(order=0, row_group_rows=40, properties=keys))
    write_margin(home, table)
    write_index(home, table)
    return write_collection(home, "p", margins="m", indexes="id i")


def write_margin(home, table):
    """The margin by `margin_rows` on all rows at once, each with the tile that it serves."""
    stored = open_stored(home / "p")
    keys = {
        "hats_primary_table_url": "p",
        "hats_margin_threshold": str(THRESHOLD),
        "skyquarry_margin": "exact",
    }
    write_tree(home / "m", table.slice(0, 0), Layout(kind="margin", order=0, properties=keys))
    parts = {number: [] for number in range(len(stored.tiles))}
    for tile in range(len(stored.tiles)):
        rows = stored.read(tile)
        row, leaf = margin_rows(
            rows["ra"].to_numpy(),
            rows["dec"].to_numpy(),
            rows[SPATIAL].to_numpy(),
            (0, int(stored.tiles.pixel[tile])),
            stored.tiles,
            THRESHOLD,
        )
        for number in np.unique(leaf).tolist():
            parts[number].append(rows.take(pa.array(row[leaf == number])))
    lines, total = "Norder,Npix\n", 0
    for number, some in parts.items():
        pixel = int(stored.tiles.pixel[number])
        rows = pa.concat_tables(some).sort_by(SPATIAL)
        leaf_of(home / "m", 0, pixel).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, leaf_of(home / "m", 0, pixel))
        lines += f"0,{pixel}\n"
        total += rows.num_rows
    assert total > 50
    (home / "m" / "partition_info.csv").write_text(lines)
    replace(home / "m" / "hats.properties", "hats_nrows=0", f"hats_nrows={total}")


def write_index(home, table):
    pixel = healpix.index(table["ra"].to_numpy(), table["dec"].to_numpy(), 0)
    index = pa.table(
        {
            "id": table["id"],
            "Norder": pa.array(np.zeros(len(table)), pa.uint8()),
            "Npix": pa.array(pixel, pa.uint64()),
        }
    )
    folder = home / "i" / "dataset" / "index"
    folder.mkdir(parents=True)
    pq.write_table(index.sort_by("id"), folder / "part.0.parquet", row_group_size=100)
    pq.write_metadata(index.schema, home / "i" / "dataset" / "_common_metadata")
    (home / "i" / "hats.properties").write_text(
        "obs_collection=i\ndataproduct_type=index\nhats_primary_table_url=p\n"
        f"hats_index_column=id\nhats_nrows={len(table)}\n"
    )


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rewrite(path, change, **options):
    """Change the table of a Parquet file, its row groups kept at 40 rows."""
    pq.write_table(change(pq.read_table(path)), path, **{"row_group_size": 40} | options)


def with_value(table, name, row, value):
    values = table[name].to_pylist()
    values[row] = value
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


def swapped(table, a, b):
    rows = np.arange(len(table))
    rows[[a, b]] = rows[[b, a]]
    return table.take(pa.array(rows))


def only(faults):
    assert len(faults) == 1, "\n".join(map(str, faults))
    return faults[0]


def test_a_sound_collection_has_no_fault(home):
    assert verify(home) == []
    assert verify(open_stored(home)) == []


@pytest.mark.parametrize(
    "name",
    [
        "small_sky",
        "small_sky_npix_as_dir",
        "small_sky_order1_collection",
        "small_sky_source",
        "small_sky_source_margin",
        "small_sky_xmatch",
        "small_sky_xmatch_margin",
        "square_map",
    ],
)
def test_the_trees_of_lsdbs_suite_are_sound(shared_data, name):
    assert verify(shared_data / "hats" / name) == []


def test_rows_outside_their_tile(home):
    far = leaf_of(home / "p", 0, 3)
    extra = pq.read_table(far).slice(0, 2)
    rewrite(far, lambda t: t.slice(2))
    rewrite(leaf_of(home / "p", 0, 4), lambda t: pa.concat_tables([extra, t]))
    faults = verify(home / "p")
    fault = only(faults)
    assert fault.what == "rows lie outside their tile"
    assert fault.file.endswith("Npix=4.parquet")
    assert [row["row"] for row in fault.rows] == [0, 1]
    assert fault.rows[0]["id"] == extra["id"][0].as_py()


def test_rows_out_of_order(home):
    rewrite(leaf_of(home / "p", 0, 4), lambda t: swapped(t, 7, 8))
    fault = only(verify(home))
    assert fault.what == "rows are not sorted by _healpix_29"
    assert fault.rows[0]["row"] == 8


def test_rows_out_of_order_at_the_seam_of_two_row_groups(home):
    rewrite(leaf_of(home / "p", 0, 4), lambda t: swapped(t, 39, 40))
    fault = only(verify(home))
    assert (fault.what, fault.rows[0]["row"]) == ("rows are not sorted by _healpix_29", 40)


def test_a_pixel_that_is_not_that_of_the_position(home):
    table = pq.read_table(leaf_of(home / "p", 0, 4))
    wrong = table[SPATIAL][5].as_py() + 1
    rewrite(leaf_of(home / "p", 0, 4), lambda t: with_value(t, SPATIAL, 5, wrong))
    fault = only(verify(home / "p"))
    assert fault.what == "_healpix_29 is not the pixel of the position"
    assert fault.rows == (
        {"row": 5, **{n: table[n][5].as_py() for n in ("id", "ra", "dec")}, SPATIAL: wrong},
    )


def test_a_position_that_is_none(home):
    for value in (float("nan"), 91.0):
        rewrite(leaf_of(home / "p", 0, 4), lambda t, v=value: with_value(t, "dec", 5, v))
        fault = only(verify(home / "p"))
        assert fault.what == "rows without a position on the sky"
        assert fault.rows[0]["row"] == 5


def test_float32_positions_are_judged_by_their_step(tmp_path):
    table = uniform_sky(500)
    folder = write_tree(tmp_path / "t", table, Layout(order=0))
    for path in (folder / "dataset").rglob("*.parquet"):
        rewrite(path, lambda t: t.set_column(1, "ra", t["ra"].cast(pa.float32())))
    pq.write_metadata(pq.read_schema(path), folder / "dataset" / "_common_metadata")
    assert verify(folder) == []
    rewrite(path, lambda t: with_value(t, "ra", 3, t["ra"][3].as_py() + 0.001))
    assert only(verify(folder)).what == "_healpix_29 is not the pixel of the position"


def test_a_footer_that_hides_rows(home, monkeypatch):
    from skyquarry.catalog import footers

    stored = open_stored(home / "p")
    honest = footers._limits
    path = stored.folder.path(stored.leaf(4))

    def lying(footer, column):
        told = honest(footer, column)
        if footer.path == path and column == SPATIAL:
            told.high[1] -= 1
        return told

    monkeypatch.setattr(footers, "_limits", lying)
    footers.FOOTERS.clear()
    fault = only(verify(stored))
    assert "the footer limits row group 1" in fault.what
    assert fault.rows[0]["row"] == 79
    footers.FOOTERS.clear()


def test_a_wrong_count(home):
    replace(home / "p" / "hats.properties", "hats_nrows=1200", "hats_nrows=1201")
    fault = only(verify(home))
    assert fault.what == "hats_nrows is 1201, but the tiles hold 1200 rows"
    assert fault.file.endswith("p/hats.properties")


def test_rows_that_a_build_lost(tmp_path):
    keys = {"skyquarry_rows_in": "303", "skyquarry_rows_rejected": "2"}
    home = tmp_path / "c"
    write_tree(home / "v1" / "p", uniform_sky(300), Layout(order=0, properties=keys))
    write_collection(home, "v1/p")
    pq.write_table(pa.table({"row": [1, 2]}), home / "v1" / "rejects.parquet")
    fault = only(verify(home))
    assert fault.what == "303 rows went in, but 300 are stored and 2 were set aside"
    replace(home / "v1" / "p" / "hats.properties", "_in=303", "_in=302")
    assert verify(home) == []
    pq.write_table(pa.table({"row": [1]}), home / "v1" / "rejects.parquet")
    assert only(verify(home)).what == "holds 1 rows, but 2 were set aside"
    (home / "v1" / "rejects.parquet").unlink()
    assert only(verify(home)).what == "holds 0 rows, but 2 were set aside"


def test_a_wrong_sky_map(home):
    from skyquarry.catalog.skymaps import write_skymap

    pixel, count = open_stored(home).skymap(2)
    (home / "p" / "skymap.fits").write_bytes(write_skymap(pixel, count, 2))
    assert verify(home) == []
    count[3] += 1
    (home / "p" / "skymap.fits").write_bytes(write_skymap(pixel, count, 2))
    fault = only(verify(home))
    assert fault.what == (
        f"says {count[3]} rows in the cell {pixel[3]} of order 2, where there are {count[3] - 1}"
    )


def test_a_wrong_statistics_file(home):
    told = open_stored(home).counted
    rows = told.rows.copy()
    rows[2] += 1
    table = pa.table(
        {"Norder": told.order, "Npix": told.pixel, "id::row_count": rows, "id::disk_bytes": rows}
    )
    pq.write_table(table, home / "p" / "per_partition_statistics.parquet")
    fault = only(verify(home))
    assert fault.what == f"says that Norder=0/Npix=2 has {rows[2]} rows, but it has {rows[2] - 1}"


def test_overlapping_tiles_are_named(home):
    with (home / "p" / "partition_info.csv").open("a") as file:
        file.write("1,17\n")
    fault = only(verify(home))
    assert "Norder=0/Npix=4 and Norder=1/Npix=17 overlap" in fault.what


def test_a_missing_and_a_hidden_tile(home):
    info = home / "p" / "partition_info.csv"
    replace(info, "0,4\n", "")
    faults = verify(home / "p")
    assert "the tile Norder=0/Npix=4 is on disk, but not in the list of tiles" in faults[0].what
    leaf_of(home / "p", 0, 4).unlink()
    assert only(verify(home / "p")).what.startswith("hats_nrows is 1200")
    info.write_text(info.read_text() + "0,4\n")
    assert "is missing, but the catalogue lists it" in only(verify(home / "p")).what


def test_a_leaf_of_another_schema_and_a_cut_one(home):
    leaf = leaf_of(home / "p", 0, 4)
    data = leaf.read_bytes()
    rewrite(leaf, lambda t: t.set_column(0, "id", t["id"].cast(pa.int32())))
    assert "the column id is int32" in only(verify(home)).what
    leaf.write_bytes(data[: len(data) // 2])
    assert "cut off or not a Parquet file" in only(verify(home)).what


def test_properties_that_differ_and_keys_that_lack(home):
    text = (home / "p" / "hats.properties").read_text()
    (home / "p" / "properties").write_text(text)
    assert verify(home) == []
    (home / "p" / "properties").write_text(text + "x=1\n")
    assert only(verify(home)).what == "differs from hats.properties, of which it is a copy"
    (home / "p" / "properties").unlink()
    replace(home / "p" / "hats.properties", "hats_col_ra=ra\n", "")
    assert "lacks hats_col_ra" in only(verify(home)).what


def test_merged_footers_that_disagree(tmp_path):
    folder = write_tree(tmp_path / "t", uniform_sky(300), Layout(order=0, metadata=True))
    assert verify(folder) == []
    other = write_tree(tmp_path / "o", uniform_sky(299), Layout(order=0, metadata=True))
    (folder / "dataset" / "_metadata").write_bytes((other / "dataset" / "_metadata").read_bytes())
    assert all("_metadata" in fault.file for fault in verify(folder))
    assert "rows, but it has" in verify(folder)[0].what


# ---------------------------------------------------------------- ids and indexes
def test_an_id_that_stands_twice(tmp_path):
    table = with_value(uniform_sky(ROWS), "id", 5, 700)
    fault = only(verify(make(tmp_path / "c", table)))
    assert fault.what == "1 ids of id stand more than once"
    assert fault.rows == ({"id": 700},)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("in_a_pass", [50, 10**6])
def test_an_id_that_stands_twice_is_found_without_an_index(tmp_path, monkeypatch, text, in_a_pass):
    monkeypatch.setattr(verify_ids, "IDS_A_PASS", in_a_pass)
    table = uniform_sky(300)
    if text:
        table = table.set_column(0, "id", table["id"].cast(pa.string()))
    keys = Layout(order=0, properties={"skyquarry_id": "id"})
    assert verify(write_tree(tmp_path / "sound", table, keys)) == []
    twice = with_value(table, "id", 7, table["id"][200].as_py())
    fault = only(verify(write_tree(tmp_path / "twice", twice, keys)))
    assert fault.rows == ({"id": table["id"][200].as_py()},)


def test_repeated_ids_that_are_owned_up_to_are_no_fault(tmp_path):
    table = with_value(uniform_sky(300), "id", 7, 200)
    keys = {"skyquarry_id": "id", "skyquarry_duplicate_ids": "1"}
    assert verify(write_tree(tmp_path / "t", table, Layout(order=0, properties=keys))) == []
    source = Layout(order=0, kind="source", properties={"skyquarry_id": "id"})
    assert verify(write_tree(tmp_path / "s", table, source)) == []


@pytest.mark.parametrize("once_a_tile", [True, False])
@pytest.mark.parametrize("text", [True, False])
def test_an_index_names_a_repeated_id_of_a_tile_once_or_as_often(tmp_path, once_a_tile, text):
    table = uniform_sky(300)
    table = with_value(with_value(table, "id", 7, 200), "id", 8, 200)
    table = pa.concat_tables([table, table.filter(pc.equal(table["id"], 11))])
    if text:
        table = table.set_column(0, "id", table["id"].cast(pa.string()))
    keys = {"skyquarry_id": "id", "skyquarry_duplicate_ids": "2"}
    write_tree(tmp_path / "p", table, Layout(order=0, properties=keys))
    write_index(tmp_path, table)
    if once_a_tile:
        part = tmp_path / "i" / "dataset" / "index" / "part.0.parquet"
        rewrite(part, lambda t: t.group_by(t.column_names).aggregate([]).sort_by("id"))
    home = write_collection(tmp_path, "p", indexes="id i")
    assert verify(home) == []
    replace(tmp_path / "p" / "hats.properties", "duplicate_ids=2", "duplicate_ids=1")
    assert only(verify(home)).what.startswith("2 ids of id stand more than once")


INDEX = {
    "a row that lacks": (lambda t: t.slice(1), "it names"),
    "a wrong tile": (
        lambda t: with_value(t, "Npix", 3, (t["Npix"][3].as_py() + 1) % 12),
        "the index of id is wrong for 2 tiles",
    ),
    "a tile that is not": (
        lambda t: with_value(t, "Norder", 3, 1),
        "1 rows name a tile that the catalogue does not have",
    ),
    "another id": (lambda t: with_value(t, "id", ROWS - 1, ROWS + 9), "is wrong for 1 tiles"),
    "unsorted": (lambda t: swapped(t, 3, 4), "keys are not sorted by id"),
    "unsorted at a seam": (lambda t: swapped(t, 39, 40), "keys are not sorted by id"),
}


@pytest.mark.parametrize(("change", "message"), INDEX.values(), ids=INDEX)
def test_an_index_that_is_wrong(home, change, message):
    rewrite(home / "i" / "dataset" / "index" / "part.0.parquet", change)
    fault = only(verify(home))
    assert message in fault.what


# ---------------------------------------------------------------- margins
def margin_leaf(home):
    return leaf_of(home / "m", 0, 4)


def set_rows(home, change):
    path = home / "m" / "hats.properties"
    line = next(x for x in path.read_text().splitlines() if x.startswith("hats_nrows"))
    replace(path, line, f"hats_nrows={int(line.split('=')[1]) + change}")


def test_a_margin_that_lacks_a_row(home):
    lost = pq.read_table(margin_leaf(home)).slice(2, 1)
    rewrite(margin_leaf(home), lambda t: pa.concat_tables([t.slice(0, 2), t.slice(3)]))
    set_rows(home, -1)
    fault = only(verify(home))
    assert "the margin lacks 1 rows within 3600 arcsec of its tile" in fault.what
    assert fault.file.endswith("m/dataset/Norder=0/Dir=0/Npix=4.parquet")
    assert fault.rows[0]["id"] == lost["id"][0].as_py()


def test_an_exact_margin_that_holds_more_and_a_foreign_one_that_may(home):
    far = pq.read_table(leaf_of(home / "p", 0, 10)).slice(0, 1)
    rewrite(margin_leaf(home), lambda t: pa.concat_tables([t, far]).sort_by(SPATIAL))
    set_rows(home, 1)
    fault = only(verify(home))
    assert "of its primary lie within 3600 arcsec of its tile" in fault.what
    replace(home / "m" / "hats.properties", "skyquarry_margin=exact\n", "")
    assert verify(home) == []


def test_a_margin_with_rows_of_its_own_tile(home):
    own = pq.read_table(leaf_of(home / "p", 0, 4)).slice(0, 1)
    replace(home / "m" / "hats.properties", "skyquarry_margin=exact\n", "")
    rewrite(margin_leaf(home), lambda t: pa.concat_tables([t, own]))
    set_rows(home, 1)
    assert only(verify(home)).what == "rows of a margin lie inside the tile that it serves"


def test_a_margin_tile_that_is_missing(home):
    rows = pq.read_table(margin_leaf(home)).num_rows
    margin_leaf(home).unlink()
    assert "is missing, but the catalogue lists it" in only(verify(home)).what
    replace(home / "m" / "partition_info.csv", "0,4\n", "")
    set_rows(home, -rows)
    faults = verify(home)
    assert sum("the margin lacks" in fault.what for fault in faults) == len(faults) > 0


def test_a_margin_that_is_not_there(home):
    (home / "m").rename(home / "gone")
    assert "there is no catalogue" in only(verify(home)).what


def test_a_margin_over_other_tiles_is_named(home):
    stored = open_stored(home)
    assert isinstance(stored.margin().tiles, Tiles)
    leaf = margin_leaf(home)
    fine = leaf_of(home / "m", 1, 19)
    fine.parent.mkdir(parents=True)
    leaf.rename(fine)
    replace(home / "m" / "partition_info.csv", "0,4\n", "1,19\n")
    assert any("overlaps the tile Norder=0/Npix=4" in fault.what for fault in verify(home))


# ---------------------------------------------------------------- checksums
def test_checksums_hold(tmp_path):
    from skyquarry.catalog.files import Folder
    from skyquarry.catalog.versions import seal

    home = tmp_path / "c"
    write_tree(home / "v1" / "p", uniform_sky(100), Layout(order=0))
    write_collection(home, "v1/p")
    seal(Folder.at(home / "v1"))
    assert verify(home) == []
    info = home / "v1" / "p" / "partition_info.csv"
    text = info.read_text()
    info.write_text(text + "\n")
    fault = only(verify(home))
    assert fault.what == "the bytes are not those of checksums.sha256"
    assert fault.file.endswith("v1/p/partition_info.csv")
    info.write_text(text)
    (home / "v1" / "more.txt").write_text("")
    assert only(verify(home)).what == "the file is not in checksums.sha256"
    (home / "v1" / "more.txt").unlink()
    replace(home / "v1" / "checksums.sha256", "  p/", "  q/")
    assert {fault.what for fault in verify(home)} == {
        "the file is missing, but checksums.sha256 lists it",
        "the file is not in checksums.sha256",
    }


def test_a_version_of_ours_without_its_checksums_is_not_sound(tmp_path):
    home = tmp_path / "c"
    keys = {"hats_builder": "skyquarry v0.1.0"}
    write_tree(home / "v1" / "p", uniform_sky(100), Layout(order=0, properties=keys))
    write_collection(home, "v1/p")
    fault = only(verify(home))
    assert fault.what == "the file is missing, so that no byte of the version can be vouched for"
    assert fault.file.endswith("v1/checksums.sha256")
    replace(home / "v1" / "p" / "hats.properties", "skyquarry v0.1.0", "another v1")
    assert verify(home) == []
