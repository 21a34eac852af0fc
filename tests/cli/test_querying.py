"""`skyquarry query`: the same rows as by hand, on screen, as JSON and in files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import skyquarry as sq
from skyquarry.cli import _after_options, app


def test_a_query_gives_rows_as_json(run):
    found = json.loads(
        run("query", "SELECT id, mag FROM stars WHERE id < 3 ORDER BY id", "--json").stdout
    )
    assert [row["id"] for row in found] == [0, 1, 2]


def test_a_query_of_a_file_is_written_to_a_file(run, tmp_path):
    asked, out = tmp_path / "near.adql", tmp_path / "near.parquet"
    circle = "CIRCLE(56.755, 24.125, 0.04)"
    asked.write_text(f"SELECT * FROM stars -- M 45\nWHERE 1 = CONTAINS(POINT(ra, dec), {circle})")
    assert "10 rows written" in run("query", str(asked), "--out", str(out)).stdout
    assert pq.read_table(out).schema.field("ra").metadata[b"unit"] == b"deg"


def test_a_table_of_a_file_joins_in(run, tmp_path):
    (tmp_path / "mine.csv").write_text("id,label\n7,seven\n8,eight\n")
    asked = "SELECT label, s.id FROM mine m JOIN stars s ON s.id = m.id ORDER BY s.id"
    said = run("query", asked, "--upload", f"mine={tmp_path / 'mine.csv'}").stdout
    assert said.split() == ["label", "id", "seven", "7", "eight", "8", "2", "rows"]


def test_a_catalogue_elsewhere_gets_a_name(run, archive):
    asked = "SELECT COUNT(*) AS n FROM there"
    found = run("query", asked, "--catalog", f"there={archive / 'stars'}", "--json").stdout
    assert json.loads(found) == [{"n": 3000}]


def test_the_archive_may_be_named_before_the_command(archive, tmp_path):
    asked = ["query", "SELECT COUNT(*) AS n FROM stars", "--json"]
    elsewhere = {"SKYQUARRY_ARCHIVE": str(tmp_path)}
    found = CliRunner().invoke(app, ["--archive", str(archive), *asked], env=elsewhere)
    assert json.loads(found.stdout) == [{"n": 3000}]


def test_the_commands_own_archive_wins_and_none_outlives_the_call(archive, tmp_path):
    asked = ["query", "SELECT COUNT(*) AS n FROM stars", "--json", "--archive", str(archive)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SKYQUARRY_ARCHIVE", raising=False)
        found = CliRunner().invoke(app, ["--archive", str(tmp_path), *asked])
        assert json.loads(found.stdout) == [{"n": 3000}]
        assert "SKYQUARRY_ARCHIVE" not in os.environ


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--archive", "here", "query", "x"], ["query", "x"]),
        (["--archive=here", "ls"], ["ls"]),
        (["--version"], ["--version"]),
        ([], []),
    ],
)
def test_the_command_is_found_after_the_archive(words, left):
    assert _after_options(words) == left


def test_rows_are_kept_and_listed(run, archive, tmp_path):
    here = shutil.copytree(archive, tmp_path / "archive")
    adql = "SELECT id, ra, dec INTO my.few FROM stars WHERE id < 9"
    refused = run("query", adql, "--archive", here, "--out", tmp_path / "few.csv", code=2).stderr
    assert "leave out INTO or --out" in refused
    said = run("query", adql, "--archive", here).stdout
    assert f"9 rows kept as my.few, a catalogue at {here}/my/few" in said
    listed = json.loads(run("ls", "--archive", here, "--json").stdout)
    assert ("my.few", 9, adql) in [(each["name"], each["rows"], each["title"]) for each in listed]
    shown = run("shell", "--archive", here, input="SELECT COUNT(*) AS n FROM my.few;\n\\d")
    assert "my.few" in shown.stdout


def test_a_stranger_s_query_runs_in_a_process_of_its_own(run):
    adql = "SELECT id FROM stars WHERE id < 3 ORDER BY id"
    found = json.loads(run("query", adql, "--isolated", "--rows", 2, "--json").stdout)
    assert found == [{"id": 0}, {"id": 1}]
    assert (
        "--dialect is 'trino'"
        in run("query", adql, "--isolated", "--dialect", "trino", code=2).stderr
    )


def test_a_column_is_added_in_a_new_version(run, archive, tmp_path):
    here = shutil.copytree(archive, tmp_path / "archive")
    words = ["add-column", "stars", "faint", "mag + 2.5", "--unit", "mag", "--archive", here]
    assert "stars is at v2 now, with the column faint" in run(*words).stdout
    asked = "SELECT faint - mag AS d FROM stars WHERE id = 7"
    found = json.loads(run("query", asked, "--archive", here, "--json").stdout)
    assert found[0]["d"] in (None, pytest.approx(2.5))


def test_tags_are_made_of_columns_of_limits_and_of_named_rows(run, archive, tmp_path):
    here = Path(shutil.copytree(archive, tmp_path / "archive"))
    at = ("--archive", here)
    assert "popular is a tag of stars: " in run("tag", "stars", "popular", *at).stdout
    few = run("tag", "stars", "few", "--where", "id <= 40", "--columns", "id,ra,dec", *at)
    assert "few is a tag of stars: " in few.stdout
    assert " rows of 3 columns" in few.stdout
    named = ("--named-by", "few", "--on", "id=id", "--columns", "id,ra,dec,mag", *at)
    assert "of4 is a tag of stars: " in run("tag", "stars", "of4", *named).stdout
    found = sq.open(here / "of4")
    assert sorted(found.to_table()["id"].to_pylist()) == sorted(
        sq.open(here / "few").to_table()["id"].to_pylist()
    )
    assert found.verify() == []
    assert "--overwrite" in run("tag", "stars", "of4", *named, code=2).stderr
    none = run("tag", "stars", "of4", *named, "--where", "mag < 20", "--overwrite").stdout
    assert "of4 is no tag of stars, but a catalogue: " in none
    assert "rows are named by both" in run("tag", "stars", "x", "--on", "id", *at, code=2).stderr


def test_explain_says_what_would_be_read(run):
    said = run("query", "SELECT id FROM stars WHERE dec > 80", "--explain").stdout
    assert "query over stars" in said
    assert "SQL: SELECT t1." in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["SELECT id FORM stars"], "line 1, column 16: stars stands where FROM is needed after"),
        (["SELECT id FORM stars"], "what is selected: FORM before it was read as a name"),
        (["SELECT idd FROM stars"], "idd is no column of stars: did you mean id?"),
        (["SELECT id FROM star"], "star is no table here: did you mean stars?"),
        (["SELECT id FROM stars", "--upload", "mine"], "--upload is 'mine', but NAME=PATH"),
    ],
)
def test_what_is_wrong_is_told_and_exits_with_2(run, words, told):
    result = run("query", *words, code=2)
    assert told in result.stderr


def test_a_query_that_costs_too_much_is_refused_or_asked_about(run):
    adql = "SELECT id FROM stars"
    refused = run("query", adql, "--limit-rows", "3", code=2)
    assert "rows, but --limit-rows is 3: narrow it" in refused.stderr
    assert refused.stdout == ""
    assert run("query", adql, "--limit-rows", "1000000").stdout
    assert "expected" in run("query", adql, "--limit-rows", "3", "--explain").stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--isolated", "--timeout", 0], "--timeout is 0.0, but more than 0"),
        (["--isolated", "--memory", -1], "--memory is -1.0, but more than 0"),
        (["--isolated", "--limit-rows", 5], "--limit-rows is 5, but what an isolated query takes"),
        (["--memory", 3], "--memory is 3, but only an isolated query has it"),
        (["--timeout", -1], "--timeout is -1.0, but it needs seconds"),
        (["--limit-rows", 5], "but --limit-rows is 5: narrow it"),
        (["--sample", 3], "--sample is 3.0, but a sample"),
    ],
)
def test_what_is_wrong_is_named_as_the_shell_names_it(run, options, said):
    assert said in run("query", "SELECT * FROM stars", *options, code=2).stderr


def test_the_time_of_an_isolated_query_is_named_as_the_shell_names_it(run):
    adql = "SELECT COUNT(*) AS n FROM stars a, stars b, stars c WHERE a.id + b.id + c.id < 0"
    said = run("query", adql, "--isolated", "--timeout", 2, code=1).stderr
    assert "stopped after 2 s" in said
    assert said.rstrip().endswith("allow it more with --timeout")


def test_a_function_in_from_is_told_what_to_write(run):
    said = run("query", "SELECT * FROM read_csv('x.csv') AS t", code=2).stderr
    assert "read_csv is called in FROM, but no function of ADQL gives a table" in said
    assert "--upload mine=FILE" in said


def test_where_results_cannot_be_kept_the_option_is_named(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    adql = "SELECT id INTO my.few FROM stars"
    said = run("query", adql, "--my", str(tmp_path / "file"), code=2).stderr
    assert said.rstrip().endswith("name a folder of your own by --my")
