"""A large scan of few columns reads a tag's files; what it gives does not hang on it."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from skyquarry.adql import reads
from skyquarry.adql.asking import Compiler, query
from skyquarry.adql.joins import ordering
from skyquarry.adql.running import costs
from skyquarry.catalog.roles import Roles
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import RunError
from skyquarry.testing.handmade import write_catalog

FULL = "SELECT id, mag FROM sky WHERE mag < 20 AND dec > -20"
GROUPS = "SELECT ROUND(mag) AS m, COUNT(*) AS n FROM sky GROUP BY ROUND(mag) ORDER BY m"
CONE = "SELECT id, mag FROM sky WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0.5, 1, 1.5))"
WIDER = "SELECT id, pm FROM sky WHERE mag < 20"


@pytest.fixture
def tagged(sky, tmp_path, monkeypatch):
    """An archive of the sky and a tag of it; and as if 12,000 rows were many."""
    monkeypatch.setattr(reads, "_MUCH", 1_000)
    properties = {**Roles(ra="ra", dec="dec", id="id").to_properties(), "skyquarry_nan": "null"}
    write_catalog(tmp_path / "sky", sky, max_rows=400, margin_arcsec=None, properties=properties)
    before = {adql: _rows(adql, tmp_path) for adql in (FULL, GROUPS, CONE, WIDER)}
    open_catalog(tmp_path / "sky").select(["id", "ra", "dec", "mag"]).to_catalog(tmp_path / "tag")
    return tmp_path, before


def _rows(adql, archive):
    found = query(adql, archive=archive).to_table().to_pylist()
    return found if "ORDER" in adql else sorted(found, key=lambda row: row["id"])


@pytest.mark.parametrize("adql", [FULL, GROUPS, CONE, WIDER])
def test_rows_are_the_same_with_a_tag(tagged, adql):
    archive, before = tagged
    assert len(before[adql]) > 10
    assert _rows(adql, archive) == before[adql]


@pytest.mark.parametrize(("adql", "read"), [(FULL, "tag"), (GROUPS, "tag"), (WIDER, "sky")])
def test_a_tag_is_read_where_it_has_the_columns(tagged, adql, read):
    plan = query(adql, archive=tagged[0])
    assert f"/{read}/v1/{read}/dataset/" in plan.to_sql("duckdb")
    assert ("of tag, a tag of it" in plan.explain()) == (read == "tag")


@pytest.mark.parametrize(("adql", "kinds"), [(FULL, {"scanned"}), (WIDER, {"stored", "decoded"})])
def test_what_is_read_of_a_tag_costs_at_a_rate_of_its_own(tagged, adql, kinds):
    work = query(adql, archive=tagged[0]).costs._work(1.0)
    assert {"scanned", "stored", "decoded"}.intersection(work) == kinds


def test_of_a_tag_its_own_footers_are_read(tagged, monkeypatch):
    monkeypatch.setattr(costs, "knows", lambda _: False)
    plan = query(FULL, archive=tagged[0])
    assert plan.reads[0].tag is not None
    assert _footers(plan) == 5 * len(plan.reads[0].files())  # its four, and that of pixels
    shutil.rmtree(tagged[0] / "tag")
    assert _footers(query(FULL, archive=tagged[0])) > 1.5 * _footers(plan)


def _footers(plan):
    return plan.costs._work(1.0, asked=False)["footers"]


def test_a_small_place_is_read_in_the_catalogue_itself(tagged, monkeypatch):
    monkeypatch.setattr(reads, "_MUCH", 5_000)
    assert "/sky/v1/sky/dataset/" in query(CONE, archive=tagged[0]).to_sql("duckdb")


def test_a_tag_of_an_earlier_version_is_not_read(tagged, sky):
    archive, _ = tagged
    write_catalog(
        archive / "sky", sky.slice(0, 6_000), max_rows=400, margin_arcsec=None, index=None
    )
    assert "a tag of it" not in query(FULL, archive=archive).explain()
    assert len(_rows("SELECT id FROM sky", archive)) == 6_000


def test_what_its_owner_cut_is_read_by_the_engine(tagged):
    cut = open_catalog(tagged[0] / "sky").where("mag < 19")
    found = query("SELECT id, mag FROM sky WHERE dec > -20", catalogs={"sky": cut})
    assert "a tag of it" not in found.explain()
    whole = query(FULL, archive=tagged[0]).to_table()
    assert found.to_table().num_rows == sum(mag < 19 for mag in whole["mag"].to_pylist())


def test_small_places_of_a_catalogue_with_a_tag_are_read_of_itself(tagged, monkeypatch):
    """The few rows near a short list: the database may open either's files."""
    monkeypatch.setattr(ordering, "_WORTH_MATCHING", 0)
    archive, _ = tagged
    adql = "SELECT a.id FROM sky a JOIN my b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.3"
    near = {"my": {"ra": [0.5], "dec": [1.0]}}
    plan = query(adql, archive=archive, uploads=near)
    assert "a tag of it" in plan.explain()
    assert "by the matcher" in plan.explain()
    found = sorted(plan.to_table()["id"].to_pylist())
    cone = CONE.replace("1.5))", "0.3))")
    assert found == [row["id"] for row in _rows(cone, archive)]
    assert len(found) > 10


def test_a_query_that_is_asked_again_notices_that_its_tag_has_changed(tagged):
    """Its plan is kept, and not what it knew of the tag."""
    archive, before = tagged
    for _ in range(2):
        assert _rows(FULL, archive) == before[FULL]
    (archive / "tag").rename(archive.parent / f"{archive.name}-tag")
    wider = open_catalog(archive / "sky").select(["id", "ra", "dec", "mag", "size"])
    wider.where("mag IS NULL OR mag > -99").to_catalog(archive / "tag")  # no tag: it is cut
    assert _rows(FULL, archive) == before[FULL]
    shutil.rmtree(archive / "tag")
    assert _rows(FULL, archive) == before[FULL]
    open_catalog(archive / "sky").select(["id", "ra", "dec", "mag"]).to_catalog(archive / "tag")
    assert _rows(FULL, archive) == before[FULL]


def test_a_plan_whose_tag_was_removed_says_so_and_the_next_goes_on_without(tagged):
    archive, before = tagged
    plan = query(FULL, archive=archive)
    assert "a tag of it" in plan.explain()
    shutil.rmtree(archive / "tag")
    with pytest.raises(RunError, match=r"tag.*is gone.*ask again"):
        plan.to_table()
    assert _rows(FULL, archive) == before[FULL]


def test_a_plan_whose_tag_has_a_new_version_goes_on_with_the_old_one(tagged):
    archive, before = tagged
    plan = query(FULL, archive=archive)
    assert "a tag of it" in plan.explain()
    wider = open_catalog(archive / "sky").select(["id", "ra", "dec", "mag", "size"])
    wider.to_catalog(archive / "tag", overwrite=True)
    found = sorted(plan.to_table().to_pylist(), key=lambda row: row["id"])
    assert found == before[FULL] == _rows(FULL, archive)


def test_a_plan_of_few_rows_stands_beside_a_tag(tagged, monkeypatch):
    """It reads the catalogue itself, whether there is a tag or none."""
    archive, before = tagged
    monkeypatch.setattr(reads, "_MUCH", 50_000)
    planned = []
    whole = Compiler.whole
    monkeypatch.setattr(Compiler, "whole", lambda *given: planned.append(1) or whole(*given))
    for _ in range(3):
        assert _rows(FULL, archive) == before[FULL]
    assert len(planned) == 1


def test_threads_may_ask_one_kept_plan_at_once(tagged):
    archive, before = tagged
    asked = [FULL, GROUPS, CONE, WIDER] * 6
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda adql: _rows(adql, archive), asked))
    assert all(rows == before[adql] for adql, rows in zip(asked, found, strict=True))


BRIGHT = (
    "SELECT id, mag FROM sky WHERE mag < 15 AND dec > -20",
    "SELECT a.id, b.mag FROM sky a JOIN sky b ON a.id = b.id WHERE b.mag < 15",
    "SELECT a.id, b.mag FROM sky a LEFT JOIN sky b ON a.id = b.id AND b.mag < 15",
    "SELECT id, mag FROM sky WHERE mag BETWEEN 3 AND 15 OR mag = 14.5",
    "SELECT COUNT(*) AS id FROM sky WHERE mag < 15 AND dec > 89",
    "SELECT TOP 20 id, mag FROM sky WHERE mag < 15 ORDER BY mag, id",
)
NOT_ALL_BRIGHT = (
    "SELECT id, mag FROM sky WHERE NOT mag >= 15",
    "SELECT a.id, b.mag FROM sky a LEFT JOIN sky b ON a.id = b.id AND a.mag < 15",
    "SELECT id, mag FROM sky WHERE mag < 15 OR dec > 20",
    "SELECT id, mag FROM sky WHERE NOT mag < 15",
    "SELECT id, mag FROM sky WHERE mag IS NULL OR mag < 15",
    "SELECT id, mag FROM sky WHERE mag <= 16.0001",
    "SELECT id, mag FROM sky WHERE mag > 3",
)


@pytest.mark.parametrize("adql", [*BRIGHT, *NOT_ALL_BRIGHT])
def test_rows_are_the_same_with_a_tag_of_bright_ones(tagged, adql):
    archive, _ = tagged
    shutil.rmtree(archive / "tag")
    before = _rows(adql, archive)
    whole = open_catalog(archive / "sky")
    whole.where("mag <= 16").select(["id", "ra", "dec", "mag"]).to_catalog(archive / "bright")
    assert ("of bright, a tag of it" in query(adql, archive=archive).explain()) == (adql in BRIGHT)
    assert before
    assert _rows(adql, archive) == before
    found = query(adql, archive=archive).to_table("threads").to_pylist()
    assert sorted(map(str, found)) == sorted(map(str, before))


def test_parts_without_a_row_in_the_tag_have_none(tagged):
    archive, _ = tagged
    shutil.rmtree(archive / "tag")
    asked = "SELECT id, mag FROM sky WHERE dec > 60 AND mag < 99"
    before = _rows(asked, archive)
    whole = open_catalog(archive / "sky")
    whole.where("dec >= 60").select(["id", "ra", "dec", "mag"]).to_catalog(archive / "north")
    assert "of north, a tag of it" in query(asked, archive=archive).explain()
    assert len(before) > 10
    assert _rows(asked, archive) == before
    found = query(asked, archive=archive).to_table("threads").to_pylist()
    assert sorted(found, key=lambda row: row["id"]) == before
