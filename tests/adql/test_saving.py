"""INTO my.NAME: rows are kept whole or not at all, with their query, and are tables afterwards."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pyarrow as pa
import pytest

from skyquarry.adql.asking import query
from skyquarry.engine.archive import archive as open_archive
from skyquarry.engine.catalog import open_catalog
from skyquarry.errors import ExistsError, QueryError, UserError

BRIGHT = "SELECT id, ra, dec, mag INTO my.bright FROM sky -- the bright ones\nWHERE mag < 18"


@pytest.fixture
def keep(archive, mine, tmp_path):
    """Run a query that keeps its rows in a folder of the test's own."""

    def of(adql: str, **how):
        return query(adql, uploads={"mine": mine}, archive=archive, my=tmp_path / "my", **how)

    return of


def test_rows_with_positions_become_a_catalogue_with_its_query_and_roles(keep, ask, tmp_path):
    saved = keep(BRIGHT).run()
    wanted = ask(BRIGHT.replace("INTO my.bright", "")).to_table()
    kept = open_catalog(tmp_path / "my" / "bright")
    assert (
        kept.select(["id", "ra", "dec", "mag"])
        .to_table()
        .sort_by("id")
        .equals(wanted.sort_by("id"))
    )
    assert (saved.name, saved.kind, saved.rows) == ("my.bright", "object", wanted.num_rows)
    assert saved.query == kept.properties["skyquarry_query"] == BRIGHT
    assert kept.roles.id == "id"
    assert kept.schema.field("ra").metadata[b"unit"] == b"deg"


def test_rows_without_positions_become_a_table_with_its_query(keep):
    adql = "SELECT kind, COUNT(*) AS n INTO my.kinds FROM sky GROUP BY kind"
    saved = keep(adql).run()
    assert (saved.kind, saved.rows, saved.query) == ("table", 4, adql)
    back = keep("SELECT SUM(n) AS n FROM my.kinds").to_table()
    assert back.to_pylist() == [{"n": 12_000}]


def test_rows_of_which_some_have_no_position_lose_none(keep):
    adql = (
        "SELECT m.id, s.ra, s.dec INTO my.half FROM mine m LEFT JOIN sky s ON s.id = 2 * m.id - 4"
    )
    assert keep(adql).run().kind == "table"
    found = keep("SELECT COUNT(*) AS n, COUNT(ra) AS there FROM my.half").to_table().to_pylist()
    assert found == [{"n": 5, "there": 3}]


def test_what_is_kept_is_joined_and_narrowed_like_any_catalogue(keep, rows):
    keep(BRIGHT).run()
    adql = "FROM {} AS b JOIN sky AS s ON s.id = b.id WHERE 1 = CONTAINS(POINT(b.ra, b.dec), {})"
    circle = "CIRCLE(0, 1, 1)"
    plan = keep(f"SELECT b.id, s.kind {adql.format('my.bright', circle)}")
    wanted = rows(f"SELECT b.id, s.kind {adql.format('sky', circle)} AND b.mag < 18")
    assert sorted(plan.to_table()["id"].to_pylist()) == sorted(each for each, _ in wanted)
    assert "tiles wholly inside" in plan.explain()


def test_a_result_can_be_named_in_any_case_and_by_its_last_part(keep):
    keep(BRIGHT).run()
    assert keep("SELECT bright.id FROM MY.Bright WHERE my.bright.mag < 17").to_table().num_rows


def test_a_name_that_is_taken_is_refused_in_any_case(keep, tmp_path):
    keep(BRIGHT).run()
    with pytest.raises(ExistsError, match=r"my\.bright is there already: choose another name"):
        keep(BRIGHT.replace("bright", "Bright", 1)).run()


def test_a_plain_table_that_is_kept_is_printed_as_its_file(keep, tmp_path):
    keep("SELECT id INTO my.ids FROM mine").run()
    sql = keep("SELECT id FROM my.ids WHERE id > 3").to_sql("duckdb")
    assert str(tmp_path / "my" / "ids" / "ids.parquet") in sql


def test_an_unknown_result_gets_the_nearest_name(keep):
    keep(BRIGHT).run()
    with pytest.raises(QueryError, match=r"my\.brigth is no table here: did you mean my\.bright"):
        keep("SELECT id FROM my.brigth")


def test_an_archive_lists_its_results(archive, tmp_path):
    here = tmp_path / "archive"
    shutil.copytree(archive, here)
    sky = open_archive(here)
    sky.query("SELECT kind, COUNT(*) AS n INTO my.kinds FROM sky GROUP BY kind").run()
    assert [(each.name, each.rows) for each in sky.saved()] == [("my.kinds", 4)]
    assert sky.names() == ["sky"]
    assert sky.query("SELECT kind FROM my.kinds").to_table().num_rows == 4


def test_a_result_that_was_given_away_is_a_catalogue_of_its_own(keep, tmp_path):
    saved = keep(BRIGHT).run()
    there = shutil.copytree(saved.path, tmp_path / "given")
    found = query("SELECT COUNT(*) AS n FROM theirs", catalogs={"theirs": there}).to_table()
    assert found.to_pylist() == [{"n": saved.rows}]


def test_no_rows_are_kept_as_a_table_of_none(keep):
    assert keep(BRIGHT.replace("mag < 18", "mag < -99")).run().rows == 0
    assert keep("SELECT id FROM my.bright").to_table().schema.names == ["id"]


def test_what_fails_halfway_leaves_nothing(keep, tmp_path):
    adql = "SELECT CAST(kind AS INTEGER) AS n INTO my.broken FROM sky"
    with pytest.raises(QueryError, match="cannot be worked out"):
        keep(adql).run()
    assert list((tmp_path / "my").iterdir()) == []


def test_what_a_killed_process_left_is_no_result_and_goes_with_the_next(keep, archive, tmp_path):
    """The process is killed by itself, in the midst of writing its rows."""
    code = (
        "import os, skyquarry.adql.saving as saving\n"
        "saving._built = lambda *_: os.kill(os.getpid(), 9)\n"
        "from skyquarry.adql.asking import query\n"
        f"query('SELECT id INTO my.killed FROM sky', archive={str(archive)!r}, "
        f"my={str(tmp_path / 'my')!r}).run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert done.returncode == -9
    assert len(list((tmp_path / "my").iterdir())) == 1
    with pytest.raises(QueryError, match=r"my\.killed is no table here"):
        keep("SELECT id FROM my.killed")
    keep("SELECT id INTO my.after FROM mine").run()
    assert [each.name for each in (tmp_path / "my").iterdir()] == ["after"]


def test_rows_of_a_query_that_keeps_them_are_not_given_back(keep):
    for ask in ("to_table", "to_pandas"):
        with pytest.raises(UserError, match=r"keeps its rows as my\.bright, and gives none back"):
            getattr(keep(BRIGHT), ask)()
    with pytest.raises(UserError, match="the query has no INTO"):
        keep("SELECT id FROM sky").run()


def test_without_an_archive_there_is_no_place(mine):
    with pytest.raises(UserError, match=r"my\.x has no place: ask an archive"):
        query("SELECT id INTO my.x FROM mine", uploads={"mine": mine}).run()


def test_a_result_may_have_lists(keep, tmp_path):
    table = pa.table({"id": [1, 2], "profile": [[1.0, 2.0], [3.0]]})
    my = tmp_path / "my"
    plan = query("SELECT id, profile INTO my.lists FROM t", uploads={"t": table}, my=my)
    assert plan.run().rows == 2
    assert keep("SELECT profile FROM my.lists").to_table()["profile"].to_pylist() == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("adql", "told"),
    [
        ("SELECT id INTO bright FROM sky", "column 16: bright is no name to keep rows under"),
        ("SELECT id INTO your.x FROM sky", "your.x is no name to keep rows under"),
        ('SELECT id INTO my."a/b" FROM sky', "is no name to keep rows under"),
        ('SELECT id INTO my.".x" FROM sky', "is no name to keep rows under"),
        ("SELECT id FROM sky INTO my.x", "INTO stands after the end of the query"),
        ("SELECT q.id FROM (SELECT id INTO my.x FROM sky) AS q", "INTO stands once, in the outerm"),
        ("SELECT id INTO my.x FROM sky UNION SELECT id INTO my.y FROM sky", "INTO stands once"),
        ("SELECT id INTO FROM sky", "FROM is a word of ADQL, but my.NAME is needed"),
    ],
)
def test_into_stands_in_one_place_and_names_what_is_mine(keep, adql, told):
    with pytest.raises(QueryError) as fault:
        keep(adql)
    assert told in str(fault.value)
