"""Some columns of all rows, saved beside their catalogue, are a tag of this version of it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import skyquarry as sq
from skyquarry.engine import save
from skyquarry.engine.catalog import open_catalog
from skyquarry.engine.tags import AS_SCANNED, TAG_OF, tag_with
from skyquarry.testing.handmade import write_catalog

POPULAR = ["id", "ra", "dec", "r_mag"]


@pytest.fixture
def cat(sky, tmp_path):
    """A sky of one's own, as others are saved beside it."""
    write_catalog(tmp_path / "sky", sky, max_rows=1000, properties={"skyquarry_nan": "null"})
    return open_catalog(tmp_path / "sky")


def _name(cat, *columns):
    found = tag_with(cat.source, columns)
    return None if found is None else found.stored.name


def test_columns_of_all_rows_are_a_tag(cat, tmp_path):
    assert _name(cat, "r_mag") is None
    made = cat.select(POPULAR).to_catalog(tmp_path / "tag")
    assert made.properties[TAG_OF] == "sky"
    assert made.verify() == []
    assert made.to_table().equals(cat.select(POPULAR).to_table())
    assert _name(cat, "r_mag", "id", "_healpix_29") == "tag"
    assert _name(cat, "r_mag", "pmra") is None


def test_its_row_groups_are_large(sky, tmp_path):
    write_catalog(tmp_path / "sky", sky, max_rows=100_000)
    made = open_catalog(tmp_path / "sky").select(POPULAR).to_catalog(tmp_path / "tag")
    files = sorted((tmp_path / "tag" / "v1" / "tag").rglob("Npix=*.parquet"))
    groups = [pq.ParquetFile(file).metadata.num_row_groups for file in files]
    assert groups == [1] * len(made.stored.tiles)
    assert max(made.stored.tiles.rows) > 8_192
    assert AS_SCANNED.row_group_rows > 8_192


@pytest.mark.parametrize(
    "cut",
    [
        lambda cat: cat.where("r_mag < 30 OR ra < 10").select(POPULAR),
        lambda cat: cat.where("r_mag - 1 < 30").select(POPULAR),
        lambda cat: cat.where("NOT r_mag < 12 AND r_mag < 30").select(POPULAR),
        lambda cat: cat.where("r_mag < 30").cone(10, 2, 3600 * 170).select(POPULAR),
        lambda cat: cat.select(POPULAR).head(15_000),
        lambda cat: cat.select(POPULAR).sample(0.99),
        lambda cat: cat.cone(10, 2, 3600 * 170).select(POPULAR),
    ],
)
def test_a_part_of_the_rows_is_none(cat, tmp_path, cut):
    made = cut(cat).to_catalog(tmp_path / "tag")
    assert TAG_OF not in made.properties
    assert _name(cat, "r_mag") is None


def test_rows_within_limits_are_a_tag_for_who_asks_no_more(cat, tmp_path):
    bright = cat.where("r_mag < 18 AND dec >= 0")
    made = bright.select(POPULAR).to_catalog(tmp_path / "bright")
    assert made.verify() == []
    assert made.to_table().equals(bright.select(POPULAR).to_table())
    below = math.nextafter(18, 0)

    def named(**asked):
        found = tag_with(cat.source, ["r_mag"], asked)
        return None if found is None else found.stored.name

    assert named(r_mag=(None, below), dec=(0.0, None)) == "bright"
    assert named(r_mag=(12.0, 15.0), dec=(0.0, 9.0), ra=(None, 3.0)) == "bright"
    for outside in (
        {},
        {"r_mag": (None, 15.0)},
        {"r_mag": (None, 18.0), "dec": (0.0, None)},
        {"r_mag": (12.0, None), "dec": (0.0, None)},
        {"r_mag": (None, 15.0), "dec": (-1e-300, None)},
        {"r_mag": (None, 15.0), "dec": (None, 5.0)},
    ):
        assert named(**outside) is None
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    assert named(r_mag=(None, 15.0), dec=(0.0, None)) == "bright"
    assert named(r_mag=(None, 15.0)) == "tag"


def test_a_tag_tells_which_of_its_files_have_the_rows_of_a_tile(cat, tmp_path):
    cat.where("dec > 0").select(POPULAR).to_catalog(tmp_path / "north")
    tag = tag_with(cat.source, ["dec"], {"dec": (1.0, None)})
    found = [tag.files(tile) for tile in range(len(cat.stored.tiles))]
    assert 0 < sum(map(len, found)) < len(found)
    for tile, files in enumerate(found):
        north = (cat.stored.read(tile, ["dec"])["dec"].to_numpy() > 0).sum()
        assert tag.rows[tile] == north == sum(pq.read_metadata(file).num_rows for file in files)


def test_a_catalogue_elsewhere_is_none(cat, tmp_path):
    made = cat.select(POPULAR).to_catalog(tmp_path / "elsewhere" / "tag")
    assert TAG_OF not in made.properties


def test_the_narrowest_that_has_the_columns_is_taken(cat, tmp_path):
    cat.select([*POPULAR, "pmra"]).to_catalog(tmp_path / "a_wider")
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    assert _name(cat, "r_mag") == "tag"
    assert _name(cat, "r_mag", "pmra") == "a_wider"


def test_one_of_an_earlier_version_is_not_read(cat, sky, tmp_path):
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    assert _name(cat, "r_mag") == "tag"
    write_catalog(tmp_path / "sky", sky.slice(0, 15_000), max_rows=1000)
    assert _name(open_catalog(tmp_path / "sky"), "r_mag") is None
    assert _name(cat, "r_mag") == "tag"  # who has the old version open has its tag


def test_a_new_version_of_the_tag_is_seen(cat, tmp_path):
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    assert _name(cat, "pmra") is None
    cat.select([*POPULAR, "pmra"]).to_catalog(tmp_path / "tag", overwrite=True)
    assert _name(cat, "pmra") == "tag"


def test_what_is_damaged_beside_it_harms_nothing(cat, tmp_path):
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "collection.properties").write_text("obs_collection=broken\n")
    assert _name(cat, "r_mag") == "tag"


def test_one_of_a_catalogue_that_was_built_anew_in_its_place_is_not_read(
    cat, sky, tmp_path, monkeypatch
):
    """The same name, version, moment and rows of each tile: other values alone tell."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    place = sky.schema.get_field_index("r_mag")
    fields = (sky.schema.field(place), pc.negate(sky["r_mag"]))
    told = []
    for given in (sky, sky.set_column(place, *fields)):
        shutil.rmtree(tmp_path / "sky")
        write_catalog(tmp_path / "sky", given, max_rows=1000)
        made = open_catalog(tmp_path / "sky")
        told.append(set(made.properties.items()))
        if given is sky:
            made.select(POPULAR).to_catalog(tmp_path / "tag")
            assert _name(made, "r_mag") == "tag"
    assert _name(made, "r_mag") is None
    assert {key for key, _ in told[0] ^ told[1]} == {"skyquarry_content"}


def test_a_tag_with_a_column_of_its_own_is_none(cat, tmp_path):
    """It may be called as one of the catalogue, and say another thing."""
    tag = cat.select(POPULAR).to_catalog(tmp_path / "tag")
    own = sq.add_column(tag, "pmra", "r_mag - 100")
    assert "pmra" in cat.columns
    assert _name(cat, "pmra") is None
    assert TAG_OF not in own.properties
    assert _name(cat, "r_mag") is None


def test_columns_that_are_added_leave_a_tag_as_good_as_it_was(cat, tmp_path):
    tag = cat.select(POPULAR).to_catalog(tmp_path / "tag")
    whole = cat.select(POPULAR).to_table()
    for number, name in enumerate(("twice", "thrice"), 2):
        cat = sq.add_column(cat, name, f"{number} * r_mag")
        assert _name(cat, "r_mag") == "tag"
        assert _name(cat, "r_mag", name) is None
        found = tag_with(cat.source, POPULAR)
        assert found.stored.folder == tag.stored.folder
        assert found.rows.tolist() == cat.source.rows.tolist()
        assert cat.select(POPULAR).to_table().equals(whole)


def test_a_tag_of_a_version_between_serves_the_later_ones_alone(cat, tmp_path):
    second = sq.add_column(cat, "twice", "2 * r_mag")
    second.select([*POPULAR, "twice"]).to_catalog(tmp_path / "tag")
    third = sq.add_column(second, "thrice", "3 * r_mag")
    assert _name(second, "r_mag", "twice") == _name(third, "r_mag", "twice") == "tag"
    assert _name(third, "r_mag", "thrice") is None
    assert _name(cat, "r_mag") is None


def test_a_column_that_was_added_otherwise_is_another(cat, tmp_path):
    """Two versions of one parent have its rows, and each a column of its own by one name."""
    shutil.copytree(tmp_path / "sky", tmp_path / "before" / "sky")
    second = sq.add_column(cat, "twice", "2 * r_mag")
    second.select([*POPULAR, "twice"]).to_catalog(tmp_path / "tag")
    assert _name(second, "twice") == "tag"
    shutil.rmtree(tmp_path / "sky")
    shutil.copytree(tmp_path / "before" / "sky", tmp_path / "sky")
    other = sq.add_column(open_catalog(tmp_path / "sky"), "twice", "-2 * r_mag")
    assert other.version == second.version
    assert other.source.rows_identity == second.source.rows_identity
    assert _name(other, "twice") is None


def test_a_version_of_before_says_the_first_alone(cat, tmp_path):
    """Those to which columns were added before versions told of all."""
    cat.select(POPULAR).to_catalog(tmp_path / "tag")
    later = sq.add_column(sq.add_column(cat, "twice", "2 * r_mag"), "thrice", "3 * r_mag")
    file = Path(later.stored.folder.path("hats.properties"))
    lines = file.read_text().splitlines(keepends=True)
    told = [line for line in lines if not line.startswith("skyquarry_adds_to")]
    assert len(told) == len(lines) - 1
    file.write_text("".join(told))
    assert _name(open_catalog(tmp_path / "sky"), "r_mag") == "tag"


def test_a_tag_of_a_tag_serves_the_tag_alone(cat, tmp_path):
    tag = cat.select([*POPULAR, "pmra"]).to_catalog(tmp_path / "tag")
    tag.select(POPULAR).to_catalog(tmp_path / "tag_of_tag")
    assert _name(cat, "r_mag") == "tag"
    assert _name(tag, "r_mag") == "tag_of_tag"


def test_one_that_was_not_written_to_its_end_is_none(cat, tmp_path, monkeypatch):
    real, written = save.write_piece, []

    def stopped(*given):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(real(*given))
        return written[-1]

    monkeypatch.setattr(save, "write_piece", stopped)
    with pytest.raises(KeyboardInterrupt):
        cat.select(POPULAR).to_catalog(tmp_path / "tag", "inline")
    assert len(written) == 3
    assert _name(cat, "r_mag") is None
    monkeypatch.setattr(save, "write_piece", real)
    made = cat.select(POPULAR).to_catalog(tmp_path / "tag", "inline")
    assert _name(cat, "r_mag") == "tag"
    assert made.verify() == []
