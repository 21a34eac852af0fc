"""An SDSS-like archive of a small sky: complete for the twenty queries, the same however made."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from skyquarry.adql.twenty.asked import Boxes
from skyquarry.catalog.relations import NAMED_ROWS, all_pairs
from skyquarry.catalog.verify_pairs import check_pairs
from skyquarry.errors import ExistsError
from skyquarry.testing.smallsky import BOXES, SmallSky, small_archive
from skyquarry.testing.twentyqueries import answers, boxes_of

SMALLER = {
    "region": "CIRCLE 185 -0.5 0.12",
    "populations": [SmallSky(stars=600, galaxies=800)],
    "surveys": ["gaia"],
}


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("sdss"))


@pytest.fixture(scope="module")
def tables(sky):
    return {name: sky[name].to_table() for name in sky.names()}


@pytest.fixture(scope="module")
def found(sky):
    return answers(sky, BOXES)


@pytest.mark.parametrize("query", [str(number) for number in range(1, 21)] + ["12mask", "15B"])
def test_each_of_the_twenty_queries_finds_ten_rows(found, query):
    assert len(found[query]) >= 10


@pytest.mark.parametrize("seed", [1, 3])
def test_no_seed_is_luckier_than_another(tmp_path, seed):
    other = answers(small_archive(tmp_path, seed=seed), BOXES)
    assert {name for name, rows in other.items() if len(rows) < 10} <= {"10A"}


def test_boxes_that_hold_too_little_give_way_and_others_stay(sky):
    published = Boxes()
    assert min(len(answers(sky, published)[name]) for name in ("1", "3")) < 10
    fitted = boxes_of(sky, published)
    found = answers(sky, fitted)
    assert min(len(found[name]) for name in ("1", "3")) >= 10
    assert (fitted.grid, fitted.red, fitted.southern) == (
        published.grid, published.red, published.southern
    )  # fmt: skip
    assert boxes_of(sky, BOXES) == BOXES


def test_object_ids_are_unique(tables):
    ids = tables["photoobj"]["objID"].to_numpy()
    assert len(np.unique(ids)) == len(ids) > 10_000


def test_spectrum_ids_are_unique(tables):
    ids = tables["specobj"]["specObjID"].to_numpy()
    assert len(np.unique(ids)) == len(ids)


def test_every_object_lies_in_a_field_of_the_table_of_fields(tables):
    fields = set(tables["field"]["fieldID"].to_pylist())
    assert set(tables["photoobj"]["fieldID"].to_pylist()) <= fields
    assert set(tables["field"]["run"].to_pylist()) == set(tables["run"]["run"].to_pylist())


@pytest.mark.parametrize(
    ("child", "key", "parent", "its"),
    [
        ("photoprofile", "objID", "photoobj", "objID"),
        ("photoz", "objID", "photoobj", "objID"),
        ("spectarget", "objID", "photoobj", "objID"),
        ("neighbors", "NeighborObjID", "photoobj", "objID"),
        ("crossreference", "objID", "photoobj", "objID"),
        ("specobj", "objID", "photoobj", "objID"),
        ("specline", "specObjID", "specobj", "specObjID"),
        ("xcredshift", "specObjID", "specobj", "specObjID"),
        ("crossreference", "surveyID", "gaia", "source_id"),
    ],
)
def test_keys_lead_to_rows(tables, child, key, parent, its):
    known = {str(each) for each in tables[parent][its].to_pylist()}
    assert {str(each) for each in tables[child][key].to_pylist()} <= known


def test_tables_without_positions_are_children(sky):
    assert {"photoprofile", "photoz", "spectarget", "neighbors", "crossreference"} <= set(
        sky["photoobj"].children()
    )
    assert {"specline", "xcredshift"} <= set(sky["specobj"].children())


def test_neighbours_are_all_pairs_within_half_a_minute(tables):
    photo, neighbors = tables["photoobj"], tables["neighbors"]
    assert neighbors["distanceMins"].to_numpy().max() <= 0.5
    brute = """SELECT count(*) FROM photo a, photo b WHERE a.objID != b.objID
        AND a.mode < 3 AND b.mode < 3 AND abs(a.dec + 0.5) < 0.05 AND abs(a.ra - 185) < 0.05
        AND abs(b.dec + 0.5) < 0.06 AND abs(b.ra - 185) < 0.06
        AND power(a.cx - b.cx, 2) + power(a.cy - b.cy, 2) + power(a.cz - b.cz, 2)
            < power(2 * sin(radians(30 / 7200.0)), 2)"""
    told = """SELECT count(*) FROM neighbors n JOIN photo a USING (objID)
        WHERE abs(a.dec + 0.5) < 0.05 AND abs(a.ra - 185) < 0.05"""
    assert len(photo) > 10_000
    assert duckdb.sql(told).fetchall() == duckdb.sql(brute).fetchall()


def test_neighbours_promise_to_be_all_pairs_of_what_counts_and_are(sky):
    """Of primary and secondary objects; the close ones alone promise nothing."""
    promise = all_pairs(sky["neighbors"].properties)
    assert (promise.column, promise.other) == ("objID", "NeighborObjID")
    assert (promise.arcsec, promise.limits) == (30.0, {"mode": (None, np.nextafter(3.0, 0.0))})
    assert promise.identity == sky["photoobj"].stored.identity
    assert not list(check_pairs(sky["neighbors"].stored))
    assert all_pairs(sky["closeneighbors"].properties) is None


def test_objects_with_a_spectrum_their_pairs_and_neighbours_are_tags_that_keep_their_promise(sky):
    spectra = set(sky["specobj"].to_table()["objID"].to_pylist())
    assert set(sky["specphoto"].to_table()["objID"].to_pylist()) == spectra
    around = set(sky["specneighbors"].select(["NeighborObjID"]).to_table()[0].to_pylist())
    assert set(sky["specaround"].to_table()["objID"].to_pylist()) == around
    assert len(around) > 20
    for name in ("specphoto", "specneighbors", "specaround"):
        assert NAMED_ROWS in sky[name].properties
        assert sky[name].verify() == []


def test_secondary_objects_are_of_other_runs_than_the_primary_ones_at_their_place(tables):
    photo, neighbors = tables["photoobj"], tables["neighbors"]
    pairs = duckdb.sql("""SELECT a.run, b.run FROM neighbors n JOIN photo a USING (objID)
        JOIN photo b ON b.objID = n.NeighborObjID
        WHERE n.distanceMins < 0.2 / 60 AND a.mode = 1 AND b.mode = 2""").fetchnumpy()
    assert len(photo)
    assert len(neighbors)
    first, second = pairs.values()
    assert len(first) > 1_000
    assert (first != second).all()


def contents(archive):
    """{catalogue: its rows as text}"""
    named = {name: archive[name].to_table() for name in archive.names()}
    return {name: sorted(map(repr, table.to_pylist())) for name, table in named.items()}


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    return small_archive(tmp_path_factory.mktemp("part"), **SMALLER)


def test_the_archive_is_the_same_on_any_number_of_workers(part, tmp_path):
    again = small_archive(tmp_path / "again", executor="inline", **SMALLER)
    assert contents(again) == contents(part)


def test_an_archive_is_kept_if_it_is_of_the_same_arguments(part):
    folder = Path(part["photoobj"].stored.home.root).parent
    again = small_archive(folder, **SMALLER)
    assert {again[name].version for name in again.names()} == {"v1"}
    with pytest.raises(ExistsError, match="not from the same arguments"):
        small_archive(folder, **{**SMALLER, "seed": 2})


def test_no_other_survey_is_needed(tmp_path):
    alone = {**SMALLER, "region": "CIRCLE 185 -0.5 0.05", "surveys": []}
    first, again = (small_archive(tmp_path, **alone) for _ in range(2))
    assert {"photoobj", "neighbors"} <= set(first.names())
    assert not {"gaia", "crossreference"} & set(first.names())
    assert again["neighbors"].version == "v1"
