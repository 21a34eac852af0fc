"""A computed column in a new version of a catalogue; the old version stays as it was."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from skyquarry.adql.adding import add_column
from skyquarry.adql.userfunctions import function
from skyquarry.catalog.verify import verify
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ColumnError, QueryError, UserError
from skyquarry.ingest.build import build


@pytest.fixture
def stars(sky, tmp_path):
    """A catalogue with margin and index, built here."""
    return build(
        sky.select(["id", "ra", "dec", "mag", "pm", "kind"]).slice(0, 6_000), tmp_path / "stars",
        id="id", max_rows=400, margin_arcsec=600.0, progress=False,
        properties={"obs_title": "Stars"},
    )  # fmt: skip


def test_the_new_version_has_the_column_and_the_old_one_has_not(stars):
    before = stars.to_table()
    made = add_column(stars, "double", "2 * mag - pm / 3 -- a remark", unit="mag")
    assert (stars.stored.version, made.stored.version) == ("v1", "v2")
    table = made.to_table()
    assert table.drop_columns("double").equals(before)
    mag = before["mag"].to_numpy().astype(float)
    wanted = 2 * mag - before["pm"].to_numpy() / 3
    assert np.array_equal(table["double"].to_numpy(), wanted, equal_nan=True)
    assert table["double"].null_count == before["mag"].null_count
    old = open_catalog(stars.stored.home.path("v1/stars"))
    assert old.to_table().equals(before)


def test_it_says_what_it_was_made_of_and_is_sound(stars):
    made = add_column(stars, "pm2", "pm * pm")
    words = made.schema.field("pm2").metadata
    assert words[b"description"] == b"pm * pm"
    assert made.properties["skyquarry_column_pm2"] == "pm * pm"
    assert made.properties["obs_title"] == "Stars"
    assert made.stored.roles.id == "id"
    assert made.stored.margins
    assert made.stored.indexes
    assert verify(made.stored.home.root) == []
    assert made.ids([5]).to_table().num_rows == 1


def test_margins_get_the_same_values(stars):
    made = add_column(stars, "far", "mag + dec")
    margin = made.stored.open_margin(next(iter(made.stored.margins)))
    assert len(margin.tiles)
    for tile in range(len(margin.tiles)):
        rows = margin.read(tile, ["mag", "dec", "far"])
        wanted = pc.add(pc.cast(rows["mag"], "double"), rows["dec"])
        assert rows["far"].equals(wanted)


def test_a_function_of_the_user_s_own_may_make_it(stars):
    from skyquarry.adql.text import names
    from skyquarry.adql.userfunctions import USERS

    @function
    def shout(word: str) -> str:
        return pc.utf8_upper(word)

    try:
        made = add_column(stars, "loud", "shout(kind)")
    finally:
        names.FOREIGN.difference_update(USERS)
        USERS.clear()
    table = made.to_table()
    assert table["loud"].equals(pc.utf8_upper(table["kind"]))


def test_what_fails_leaves_no_version(stars, monkeypatch):
    from skyquarry.catalog.tree import TreeWriter

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TreeWriter, "write_tile", full)
    with pytest.raises(OSError, match="No space"):
        add_column(stars, "x", "mag")
    names = [each for each in stars.stored.home.list() if each.startswith("v")]
    assert names == ["v1"]
    assert open_catalog(stars.stored.home.root).stored.version == "v1"


@pytest.mark.parametrize(
    "value",
    [
        "MAX(mag)",
        "mag, ra",
        "*",
        "mag FROM t WHERE mag > 5 --",
        "DISTINCT mag",
        "mag FROM t, t AS u --",
    ],
)
def test_what_is_no_value_of_a_row_is_refused(stars, value):
    with pytest.raises(QueryError):
        add_column(stars, "x", value)
    assert open_catalog(stars.stored.home.root).stored.version == "v1"


def test_a_column_that_is_not_there_is_told_with_the_catalogue_s_name(stars):
    with pytest.raises(QueryError, match="magg is no column of stars: did you mean mag"):
        add_column(stars, "x", "magg + 1")


def test_a_name_that_is_there_or_a_catalogue_that_was_cut_is_refused(stars, archive):
    with pytest.raises(ColumnError, match="the new column is called 'MAG', but mag is there"):
        add_column(stars, "MAG", "mag + 1")
    with pytest.raises(UserError, match="was cut, but a column is added to all of its rows"):
        add_column(stars.where("mag < 18"), "x", "mag")
