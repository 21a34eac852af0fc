import json

import pytest
from typer.testing import CliRunner

from skyquarry.adql.twenty.asked import Asked
from skyquarry.adql.twenty.asking import ask_twenty
from skyquarry.adql.twenty.every import twenty
from skyquarry.cli import app
from skyquarry.errors import QueryError, UserError


def test_there_are_twenty_in_both_constants_and_three_variants():
    names = list(twenty())
    assert [name for name in names if name.isdigit()] == [str(n) for n in range(1, 21)]
    assert {f"{n}-2002" for n in range(1, 21)} <= set(names)
    assert {"10A-2002", "12mask", "12mask-2002", "15B-2002"} <= set(names)


def test_a_condition_can_be_left_out():
    asked = Asked("x", "", "a", "t", ("a > 1", "b > 2"), "ORDER BY a", before="WITH t AS (...)")
    assert asked.adql == "WITH t AS (...)\nSELECT a\nFROM t\nWHERE a > 1\n  AND b > 2\nORDER BY a"
    assert asked.without(0).without(0).adql == "WITH t AS (...)\nSELECT a\nFROM t\nORDER BY a"


def test_the_command_prints_rows_and_seconds_of_each(small):
    out = CliRunner().invoke(
        app, ["twenty", "8-2002", "5", "--archive", small.folder.root, "--json"]
    )
    told = [json.loads(line) for line in out.stdout.splitlines()]
    assert [line["query"] for line in told] == ["8-2002", "5"]
    assert min(line["rows"] for line in told) >= 10
    shown = CliRunner().invoke(app, ["twenty", "8-2002", "--show"]).stdout
    assert "FROM SpecObj\nWHERE specClass = 0" in shown


def test_a_name_that_none_has_and_an_archive_of_something_else_are_refused(small, tmp_path):
    with pytest.raises(UserError, match="21 is none of the twenty"):
        list(ask_twenty(small, ["21"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises((QueryError, UserError)):
        list(ask_twenty(tmp_path / "empty", ["8"]))


def test_pictures_are_drawn_of_the_counts_on_the_sky(small, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "pictures"
    how = ["--archive", small.folder.root, "--pictures", str(folder)]
    CliRunner().invoke(app, ["twenty", "8-2002", "13-2002", "12-2002", *how])
    assert {each.name for each in folder.iterdir()} == {"query-12-2002.png", "query-13-2002.png"}
